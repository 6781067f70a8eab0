//! What differs from system to system: how the sound system is found, and how fine its clock ticks.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(target_os = "windows")]
use windows as system;

/// The sound system; a sentence when there is none. May take seconds.
pub(super) fn host() -> Result<cpal::Host, String> {
    system::host()
}

/// A quick look, without asking any server: why there will be no sound, or `None` when there may be.
pub(crate) fn silent_because() -> Option<String> {
    system::silent_because()
}

/// Asks that this thread, and those it starts, run before others: sound cannot wait. Where the user may not ask for
/// that, they run like any other. For threads that keep the time of sound, and do little else.
pub fn hurry() {
    if let Err(error) = system::hurry() {
        tracing::debug!(%error, "the sound runs at the usual priority");
    }
}

/// While it is held, the system's timers are as fine as 10 ms steps need.
#[derive(Debug)]
pub(crate) struct FineTimer {
    _held: system::FineTimer,
}

impl FineTimer {
    /// Asks for fine timers.
    pub(crate) fn hold() -> Self {
        Self { _held: system::FineTimer::hold() }
    }
}
