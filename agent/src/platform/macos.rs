//! macOS: SIGTERM from launchd, SIGINT from the terminal, SIGHUP when the terminal goes.

use std::{ffi::c_void, io};
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

// A part of ApplicationServices, which the desktop takes along anyway.
#[link(name = "ApplicationServices", kind = "framework")]
unsafe extern "C" {
    fn CGSessionCopyCurrentDictionary() -> *const c_void;
}

#[link(name = "CoreFoundation", kind = "framework")]
unsafe extern "C" {
    fn CFRelease(value: *const c_void);
}

/// Somebody who came by ssh, or a daemon, has no session with the window server.
pub(super) fn has_display() -> bool {
    // SAFETY: gives a value that is ours to let go, or nothing; it is let go once.
    unsafe {
        let session = CGSessionCopyCurrentDictionary();
        if session.is_null() {
            return false;
        }
        CFRelease(session);
    }
    true
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

/// Nobody else may read the notification centre, and the browser is not ours to replace.
pub(super) fn script_can_see() -> Result<(), &'static str> {
    Err("macOS lets no program see another one's notifications and pages")
}
