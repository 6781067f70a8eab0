//! The profile a command works on, and what the neighbours are told about it.

use crate::{
    cli::Common,
    exit::{Exit, Failure},
};
use agent_core::{
    secret::Secret,
    settings::{PasswordSource, Settings},
};
use agent_host::{HostConfig, SealKey};
use agent_store::{Profile, StoreError};
use std::path::PathBuf;

/// The profile, made where it is missing.
pub(crate) fn open(common: &Common) -> Result<Profile, Failure> {
    Profile::open(common.profile.as_deref()).map_err(failure)
}

/// The profile, for commands that only read: nothing is made.
pub(crate) fn existing(common: &Common) -> Result<Profile, Failure> {
    Profile::existing(common.profile.as_deref()).map_err(failure)
}

/// The profile's folder, whether it exists or not.
pub(crate) fn folder(common: &Common) -> Result<PathBuf, Failure> {
    match &common.profile {
        Some(dir) => Ok(dir.clone()),
        None => Profile::default_dir().map_err(failure),
    }
}

/// The settings; every mistake in them is said with its place.
pub(crate) fn settings(profile: &Profile) -> Result<Settings, Failure> {
    agent_store::read_settings(profile).map_err(failure)
}

/// Takes the accounts' passwords out of the environment, so that neither a browser nor any other program we start gets
/// them; [`agent_store::variable`] has them from now on.
///
/// # Safety
/// No other thread may run: see [`crate::platform::take_variable`].
pub(crate) unsafe fn take_passwords(settings: &Settings) {
    for account in &settings.accounts {
        if let PasswordSource::Env(name) = &account.password
            // SAFETY: the caller's word.
            && let Some(password) = unsafe { crate::platform::take_variable(name) }
        {
            agent_store::keep_variable(name, Secret::new(password));
        }
    }
}

/// Where the plugins are; the folder is made where it is missing.
pub(crate) fn plugins(profile: &Profile) -> Result<HostConfig, Failure> {
    profile.plugins_dir().map_err(failure)?;
    Ok(installed_plugins(profile))
}

/// The same for commands: nothing is made before something is installed.
pub(crate) fn installed_plugins(profile: &Profile) -> HostConfig {
    HostConfig {
        plugins: profile.plugins_place(),
        compiler: None,
        seal_key: SealKey::from_fn(agent_store::seal_key),
    }
}

/// A failure of the store, with the exit code it deserves.
pub(crate) fn failure(error: StoreError) -> Failure {
    let exit = match &error {
        StoreError::Settings(_)
        | StoreError::NoSettingsFile { .. }
        | StoreError::Account(_)
        | StoreError::NewAccount(_) => Exit::Settings,
        StoreError::Keyring(_) => Exit::Secret,
        _ => Exit::Failed,
    };
    Failure::new(exit, error.to_string())
}
