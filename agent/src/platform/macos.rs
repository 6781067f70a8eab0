//! macOS: a Unix whose desktop nobody else may watch.

pub(super) use super::unix::{
    Terminal, asked_to_end, in_foreground, leave_console, make_executable, on_its_own, take_variable,
    wait_for_deaf_reader,
};

/// Nobody else may read the notification centre, and the browser is not ours to replace.
pub(super) fn script_can_see() -> Result<(), &'static str> {
    Err("macOS lets no program see another one's notifications and pages")
}
