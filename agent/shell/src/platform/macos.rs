//! macOS: toasts by the user notification centre, the selection by accessibility, pages by `open`.

mod selection;
mod toasts;

use super::native::{self, Os, Woke};
use crate::{ShellConfig, ShellError, ShellInbox, Tell, text};
use std::process::{Command, Stdio};
use winit::{
    event_loop::EventLoopBuilder,
    platform::macos::{ActivationPolicy, EventLoopBuilderExtMacOS},
};

pub(crate) fn run(config: ShellConfig, inbox: ShellInbox, tell: Tell) -> Result<(), ShellError> {
    native::run::<Mac>(config, inbox, tell)
}

struct Mac;

impl Os for Mac {
    type Toaster = toasts::Toasts;

    const TRAY_SIZE: u32 = 36;

    fn prepare(builder: &mut EventLoopBuilder<Woke>) {
        // In the menu bar only: no place in the Dock, and the keyboard stays where it is.
        builder.with_activation_policy(ActivationPolicy::Accessory).with_activate_ignoring_other_apps(false);
    }

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
