//! Writing a file so that it is either the old one or the new one, never half of each.

use crate::{error::StoreError, platform};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Replaces `file` by `text`, readable by the user only: a temporary file beside it, flushed to the disk, then renamed.
pub(crate) fn replace(file: &Path, text: &str) -> Result<(), StoreError> {
    // Whoever keeps the file elsewhere and links it here means the file and not the link.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = target.with_file_name(name);
    let outcome = write(&temporary, text).and_then(|()| fs::rename(&temporary, &target));
    if let Err(error) = outcome {
        // Nothing of a failed attempt stays; when even that fails, the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(StoreError::File {
            file: file.to_owned(),
            cause: format!("it could not be written, and is as it was: {error}"),
        });
    }
    if let Some(parent) = target.parent() {
        sync_dir(parent);
    }
    Ok(())
}

fn write(temporary: &Path, text: &str) -> io::Result<()> {
    let mut file = platform::private_file().write(true).create_new(true).open(temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes the rename itself survive a power cut, where folders can be flushed.
fn sync_dir(dir: &Path) {
    if let Err(error) = File::open(dir).and_then(|dir| dir.sync_all()) {
        tracing::debug!(%error, "the folder was not flushed");
    }
}
