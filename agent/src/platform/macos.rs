//! macOS: a Unix whose screen the window server has, and whose desktop nobody else may watch.

pub(super) use super::unix::{
    Terminal, asked_to_end, in_foreground, leave_console, make_executable, on_its_own, take_variable,
    wait_for_deaf_reader,
};

use std::ffi::c_void;

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

/// Nobody else may read the notification centre, and the browser is not ours to replace.
pub(super) fn script_can_see() -> Result<(), &'static str> {
    Err("macOS lets no program see another one's notifications and pages")
}
