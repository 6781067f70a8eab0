//! Linux: SIGTERM from the session or the service manager, SIGINT from the terminal, SIGHUP when the terminal goes.

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

pub(super) fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

pub(super) fn in_foreground() -> bool {
    // SAFETY: both only read what the kernel knows of this process; neither touches memory of ours.
    unsafe { libc::tcgetpgrp(0) == libc::getpgrp() }
}

/// A terminal is whoever started us's to close, never ours.
pub(super) fn leave_console() {}

/// In a process group of its own: the terminal's Ctrl+C and hang-up are for those who were started there.
pub(super) fn on_its_own(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// The session bus shows every toast, and the user's applications say which browser opens a page.
pub(super) fn script_can_see() -> Result<(), &'static str> {
    Ok(())
}
