//! Files and folders of one user, by their mode.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions, set_permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// 0700.
pub(super) fn builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// 0700, if the folder was there with another mode.
pub(super) fn keep_private(path: &Path) -> io::Result<()> {
    set_permissions(path, Permissions::from_mode(0o700))
}

/// A new file, 0600.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
