//! The profile a command works on, and what the neighbours are told about it.

use crate::{
    cli::Common,
    exit::{Exit, Failure},
};
use agent_core::settings::Settings;
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

/// Where the plugins are.
pub(crate) fn plugins(profile: &Profile) -> Result<HostConfig, Failure> {
    Ok(HostConfig {
        plugins: profile.plugins_dir().map_err(failure)?,
        compiler: None,
        seal_key: SealKey::from_fn(agent_store::seal_key),
    })
}

/// A failure of the store, with the exit code it deserves.
pub(crate) fn failure(error: StoreError) -> Failure {
    let exit = match &error {
        StoreError::Settings(_) => Exit::Settings,
        StoreError::Keyring(_) => Exit::Secret,
        _ => Exit::Failed,
    };
    Failure::new(exit, error.to_string())
}
