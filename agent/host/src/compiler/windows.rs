//! Windows: a console program started by a program without a console must not open a window.

use std::{os::windows::process::CommandExt, process::Command};

/// CREATE_NO_WINDOW of `winbase.h`.
const NO_WINDOW: u32 = 0x0800_0000;

/// Gives it a console nobody sees.
pub(super) fn without_window(command: &mut Command) {
    command.creation_flags(NO_WINDOW);
}
