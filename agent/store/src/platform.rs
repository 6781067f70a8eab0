//! What differs between systems: where a profile lies, who may read it, which keyring, which language.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::*;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::*;

#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
pub(crate) use windows::*;

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod modes {
    //! Owners and permission bits, the same on every Unix.

    use std::{
        fs::{self, DirBuilder, OpenOptions},
        io,
        os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    /// Makes `dir` and what is missing above it; the folder itself is the user's alone.
    pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// A new or emptied file that only the user can read.
    pub(crate) fn private_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.mode(0o600);
        options
    }

    /// Which file a name stands for at the moment: device and inode.
    pub(crate) fn identity(file: &Path) -> Option<(u64, u64)> {
        fs::metadata(file).ok().map(|meta| (meta.dev(), meta.ino()))
    }

    /// Says why others could read or change what is in `dir`. With `mend` an empty one is closed to them instead.
    pub(crate) fn exposure(dir: &Path, mend: bool) -> io::Result<Option<String>> {
        let meta = fs::metadata(dir)?;
        let own = rustix::process::geteuid().as_raw();
        if meta.uid() != own {
            return Ok(Some(format!("it belongs to another user (uid {}, you are {own})", meta.uid())));
        }
        let mode = meta.mode() & 0o777;
        if mode & 0o022 != 0 {
            if mend && fs::read_dir(dir)?.next().is_none() {
                fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
                return Ok(None);
            }
            return Ok(Some(format!(
                "other users may write to it (mode {mode:o}): run `chmod 700 {}`, or choose another folder",
                dir.display()
            )));
        }
        Ok(None)
    }
}
