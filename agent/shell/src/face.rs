//! What the shell is given to begin with, what it tells, and why it may not run.

use agent_core::{action::Action, port::shell::ShellEvent, settings::HotkeySettings};
use std::sync::Arc;

/// What the shell tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellInput {
    /// The desktop itself says something.
    Event(ShellEvent),
    /// The user wants something.
    Action(Action),
}

/// Takes what the shell tells; called from several threads of the shell, never with a lock of the caller held.
pub type Tell = Arc<dyn Fn(ShellInput) + Send + Sync>;

/// How the shell presents itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellConfig {
    /// The program's name as the user reads it.
    pub name: String,
    /// The program's name among programs: the desktop file's stem on Linux, the AppUserModelID on Windows.
    pub id: String,
    /// The hotkeys to begin with.
    pub hotkeys: HotkeySettings,
}

impl Default for ShellConfig {
    fn default() -> Self {
        Self { name: "Trayphone".to_owned(), id: "trayphone".to_owned(), hotkeys: HotkeySettings::default() }
    }
}

/// Why the shell could not run at all. A part of the desktop that is missing is no reason: it is told as
/// [`ShellEvent::Part`], and the rest goes on.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The system has no event loop for us.
    #[error("the desktop's event loop could not be started ({0})")]
    Loop(String),
}
