//! macOS: SIGTERM from launchd, SIGINT from the terminal, SIGHUP when the terminal goes.

use std::io;
use tokio::signal::unix::{SignalKind, signal};

pub(super) async fn asked_to_end() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

pub(super) fn make_executable(path: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// There always is one.
pub(super) fn has_display() -> bool {
    true
}

pub(super) fn in_foreground() -> bool {
    // SAFETY: both only read what the kernel knows of this process; neither touches memory of ours.
    unsafe { libc::tcgetpgrp(0) == libc::getpgrp() }
}
