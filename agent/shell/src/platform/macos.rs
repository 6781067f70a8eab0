//! macOS: toasts by the user notification centre, the selection by accessibility, pages by `open`.

mod selection;
mod toasts;

use super::native::{self, Leave, Os, Woke};
use crate::{ShellConfig, ShellError, ShellInbox, Tell, text};
use std::{
    ffi::c_void,
    process::{Command, Stdio},
};
use tray_icon::MouseButtonState;
use winit::{
    event_loop::EventLoopBuilder,
    platform::macos::{ActivationPolicy, EventLoopBuilderExtMacOS},
};

#[link(name = "ApplicationServices", kind = "framework")]
unsafe extern "C" {
    fn CGSessionCopyCurrentDictionary() -> *const c_void;
}

#[link(name = "CoreFoundation", kind = "framework")]
unsafe extern "C" {
    fn CFRelease(value: *const c_void);
}

/// Somebody who came by ssh, or a daemon, has no session with the window server.
pub(crate) fn display() -> Result<(), String> {
    // SAFETY: gives a value that is ours to let go, or nothing; it is let go once.
    unsafe {
        let session = CGSessionCopyCurrentDictionary();
        if session.is_null() {
            return Err("Nobody is logged in at this Mac's screen.".to_owned());
        }
        CFRelease(session);
    }
    Ok(())
}

pub(crate) fn run(config: ShellConfig, inbox: ShellInbox, tell: Tell) -> Result<(), ShellError> {
    // AppKit would end the process.
    display().map_err(|why| ShellError::Loop(why.trim_end_matches('.').to_owned()))?;
    native::run::<Mac>(config, inbox, tell)
}

struct Mac;

impl Os for Mac {
    type Toaster = toasts::Toasts;
    type Watch = ();

    const TRAY_SIZE: u32 = 36;
    const MENU_OPENS_ON: MouseButtonState = MouseButtonState::Down;

    fn prepare(builder: &mut EventLoopBuilder<Woke>) {
        // In the menu bar only: no place in the Dock, and the keyboard stays where it is.
        builder.with_activation_policy(ActivationPolicy::Accessory).with_activate_ignoring_other_apps(false);
    }

    /// Nothing to do: AppKit tells the loop before it ends the process.
    fn watch(_: Leave) {}

    fn selection() -> Result<String, String> {
        selection::read()
    }

    fn open(url: &str) -> Result<(), String> {
        let output = Command::new("/usr/bin/open")
            .arg(url)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("The page could not be opened ({error})."))?;
        if output.status.success() {
            return Ok(());
        }
        let said = text::one_line(String::from_utf8_lossy(&output.stderr).trim(), 160);
        Err(format!("The page could not be opened ({}: {said}).", output.status))
    }
}
