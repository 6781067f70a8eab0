//! Linux: a Unix whose screen the environment names, and whose desktop others may watch.

pub(super) use super::unix::{
    Terminal, asked_to_end, in_foreground, leave_console, make_executable, on_its_own, take_variable,
    wait_for_deaf_reader,
};

pub(super) fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The session bus shows every toast, and the user's applications say which browser opens a page.
pub(super) fn script_can_see() -> Result<(), &'static str> {
    Ok(())
}
