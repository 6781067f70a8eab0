//! Linux: a Unix whose desktop others may watch.

pub(super) use super::unix::{
    Terminal, asked_to_end, in_foreground, leave_console, make_executable, on_its_own, take_variable,
    wait_for_deaf_reader,
};

/// The session bus shows every toast, and the user's applications say which browser opens a page.
pub(super) fn script_can_see() -> Result<(), &'static str> {
    Ok(())
}
