//! The desktop: tray, toasts, hotkeys, the selection, opening pages, one instance a user.
//!
//! [`run`] owns the main thread, because every desktop but Linux demands it; everybody else holds a [`ShellHandle`].
//! What is to be seen is a [`agent_core::view::View`], drawn by difference: nothing is put up twice, nothing stays.

mod board;
mod chord;
mod face;
mod icon;
pub mod instance;
mod mail;
mod menu;
mod page;
mod parts;
mod platform;
mod text;

pub use face::{ShellConfig, ShellError, ShellInput, Tell};
pub use icon::{Picture, draw};
pub use mail::{SelectionReader, ShellHandle, ShellInbox, mailbox};

/// Runs the desktop until [`ShellHandle::quit`]. Must be called on the main thread.
pub fn run(config: ShellConfig, inbox: ShellInbox, tell: Tell) -> Result<(), ShellError> {
    platform::run(config, inbox, tell)
}

/// Whether there is a display to put anything on; the error says why not, as a sentence. Takes three seconds at most.
pub fn display() -> Result<(), String> {
    platform::display()
}

/// Whether a hotkey as the user wrote it can be understood; the error names the token and what would be right.
pub fn check_hotkey(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Ok(()) } else { chord::parse(text).map(drop) }
}
