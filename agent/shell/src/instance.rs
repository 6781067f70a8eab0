//! One agent a profile, and the way to it: a local socket only the same user can reach, with a lock that dies with us.
//!
//! The lock lies in the profile's folder, so two agents can never share one, wherever their sockets are. Whoever wants
//! to talk to the agent tries the same places in the same order as the agent did.

#[cfg(not(target_os = "windows"))]
mod unix;
#[cfg(not(target_os = "windows"))]
pub use unix::{Listener, Stream};

#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
pub use windows::{Listener, Stream};

use sha2::{Digest, Sha256};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the agent's door could not be opened or reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// An agent has this profile already.
    #[error("an agent is running already with the profile {}{}", profile.display(), process(*.pid))]
    Running {
        /// The profile's folder.
        profile: PathBuf,
        /// Its process, where known.
        pid: Option<u32>,
    },
    /// No agent has this profile.
    #[error("no agent is running with the profile {}: start it with \"trayphone\"", profile.display())]
    NotRunning {
        /// The profile's folder.
        profile: PathBuf,
    },
    /// Somebody else holds the other end.
    #[error("the agent's socket {} belongs to another user (uid {uid}): nothing was sent to it", place.display())]
    Stranger {
        /// The socket.
        place: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// The file system or the system's sockets did not let us.
    #[error("{doing} {}: {error}", place.display())]
    Io {
        /// What was being done, as the beginning of a sentence.
        doing: &'static str,
        /// To what.
        place: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// Opens the door for the agent of this profile (an existing folder). Must be called inside a tokio runtime.
///
/// What a killed agent left behind is taken over; a living agent is never disturbed.
pub fn listen(profile: &Path) -> Result<Listener, InstanceError> {
    Listener::open(profile)
}

/// Goes to the agent of this profile. Must be called inside a tokio runtime.
pub async fn connect(profile: &Path) -> Result<Stream, InstanceError> {
    Stream::open(profile).await
}

/// A short name for the profile's folder: socket paths hold little over a hundred bytes.
fn short_name(profile: &Path) -> String {
    let digest = Sha256::digest(profile.as_os_str().as_encoded_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The folder under its one true name, so that two ways of writing it mean one agent.
fn canonical(profile: &Path) -> Result<PathBuf, InstanceError> {
    profile.canonicalize().map_err(|error| InstanceError::Io {
        doing: "cannot use the profile folder",
        place: profile.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests;
