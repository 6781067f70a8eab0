//! Files and folders of one user: below the profile, which Windows keeps to its user by inherited access lists.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// A folder; it inherits the profile's access list, which names the user, administrators and the system.
pub(super) fn builder() -> DirBuilder {
    DirBuilder::new()
}

/// As it inherits.
pub(super) fn keep_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A new file; as above.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
