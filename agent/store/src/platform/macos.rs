//! macOS: Application Support, the keychain, the user's preferred language.

pub(crate) use super::modes::{create_private_dir, exposure, identity, private_file};
use keyring_core::{CredentialStore, Entry};
use std::{env, path::PathBuf, sync::Arc};

/// `~/Library/Application Support/Trayphone`.
pub(crate) fn default_profile_dir() -> Result<PathBuf, String> {
    let home = env::home_dir().filter(|home| home.is_absolute()).ok_or("HOME is not set")?;
    Ok(home.join("Library/Application Support/Trayphone"))
}

/// The user's login keychain.
pub(crate) fn keyring() -> Result<Arc<CredentialStore>, String> {
    match apple_native_keyring_store::keychain::Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(format!("the keychain cannot be opened ({error})")),
    }
}

/// One entry of the keyring.
pub(crate) fn entry(store: &CredentialStore, service: &str, user: &str) -> keyring_core::Result<Entry> {
    store.build(service, user, None)
}

/// The first of the preferred languages; empty when none is known.
pub(crate) fn locale() -> String {
    sys_locale::get_locale().unwrap_or_default()
}
