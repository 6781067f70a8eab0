//! The door to the desktop, for what a `View` cannot say.

use serde::{Deserialize, Serialize};

/// A part of the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The status icon.
    Tray,
    /// Notifications.
    Toasts,
    /// Notifications with buttons.
    ToastButtons,
    /// Global hotkeys.
    Hotkeys,
    /// The selected text of other programs.
    Selection,
    /// A browser for pages.
    Browser,
}

/// What the desktop tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellEvent {
    /// A part works (`problem` is `None`) or does not, and why. Told once a change, never repeated.
    Part {
        /// Which.
        part: Part,
        /// Why it does not work, as a sentence for the user.
        problem: Option<String>,
    },
    /// A page could not be opened.
    OpenFailed {
        /// Why.
        why: String,
    },
}

/// What the core asks of the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellCommand {
    /// Opens a page in the user's browser. Always an `http(s)` URL that passed the plugin's grant.
    OpenUrl {
        /// The page.
        url: String,
    },
}
