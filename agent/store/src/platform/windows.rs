//! Windows: the local application data, the Credential Manager, the user's locale.

use keyring_core::{CredentialStore, Entry};
use std::{
    env,
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// `%LOCALAPPDATA%\Trayphone`: a journal is too large to roam.
pub(crate) fn default_profile_dir() -> Result<PathBuf, String> {
    let local = env::var_os("LOCALAPPDATA").map(PathBuf::from).filter(|path| path.is_absolute());
    Ok(local.ok_or("LOCALAPPDATA is not set")?.join("Trayphone"))
}

/// Makes `dir`; under the user's application data it inherits an access list that names the user only.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// Files inherit the folder's access list.
pub(crate) fn private_file() -> OpenOptions {
    OpenOptions::new()
}

/// Access lists are inherited from where the folder lies; whoever names a shared place with `--profile` shares it.
pub(crate) fn exposure(dir: &Path) -> io::Result<Option<String>> {
    fs::metadata(dir).map(|_| None)
}

/// The Credential Manager.
pub(crate) fn keyring() -> Result<Arc<CredentialStore>, String> {
    match windows_native_keyring_store::Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(format!("the Credential Manager cannot be opened ({error})")),
    }
}

/// One entry of the keyring.
pub(crate) fn entry(store: &CredentialStore, service: &str, user: &str) -> keyring_core::Result<Entry> {
    store.build(service, user, None)
}

/// The user's locale; empty when none is known.
pub(crate) fn locale() -> String {
    sys_locale::get_locale().unwrap_or_default()
}
