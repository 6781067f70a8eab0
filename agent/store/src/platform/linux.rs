//! Linux: XDG folders, the Secret Service, the locale of the environment.

pub(crate) use super::modes::{create_private_dir, exposure, identity, private_file};
use keyring_core::{CredentialStore, Entry};
use std::{collections::HashMap, env, path::PathBuf, sync::Arc};

/// `$XDG_CONFIG_HOME/trayphone`, else `~/.config/trayphone` (XDG Base Directory Specification).
pub(crate) fn default_profile_dir() -> Result<PathBuf, String> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let config = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(absolute)
        .or_else(|| env::home_dir().filter(absolute).map(|home| home.join(".config")))
        .ok_or("neither XDG_CONFIG_HOME nor HOME names an absolute folder")?;
    Ok(config.join("trayphone"))
}

/// The Secret Service on the session bus.
pub(crate) fn keyring() -> Result<Arc<CredentialStore>, String> {
    match zbus_secret_service_keyring_store::Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(format!("no Secret Service answers on the session bus ({error})")),
    }
}

/// One entry of the keyring, with a name the user recognises in a program that shows keyrings.
pub(crate) fn entry(store: &CredentialStore, service: &str, user: &str) -> keyring_core::Result<Entry> {
    let label = format!("Trayphone: {user}");
    store.build(service, user, Some(&HashMap::from([("label", label.as_str())])))
}

/// The locale, as POSIX orders its variables; empty when none is set.
pub(crate) fn locale() -> String {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default()
}
