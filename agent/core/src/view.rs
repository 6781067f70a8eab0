//! What is to be seen and heard, as a value: thin back ends draw it, tests compare it.

use crate::{action::Action, id::CallId};

/// Everything shown. Texts are in the user's language; a caller's words are plain text, to be escaped by whoever draws.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// The status icon.
    pub tray: TrayView,
    /// The toasts, oldest first.
    pub toasts: Vec<ToastView>,
    /// The sound that is not speech.
    pub sound: Option<Sound>,
}

/// The status icon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrayView {
    /// The picture.
    pub icon: TrayIcon,
    /// The words beside the pointer: state, and a sentence when something is wrong.
    pub tooltip: String,
    /// The menu, top to bottom.
    pub menu: Vec<MenuItem>,
}

/// The pictures of the status icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrayIcon {
    /// No account yet, or not registered and trying.
    #[default]
    Connecting,
    /// Registered.
    Ready,
    /// A call rings.
    Ringing,
    /// In a call.
    InCall,
    /// Registered, and calls were missed.
    Missed,
    /// Not registered, and only the user can help.
    Error,
}

/// One line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MenuItem {
    /// Says something, does nothing.
    Label(String),
    /// Does something.
    Entry {
        /// The words.
        text: String,
        /// What it does.
        action: Action,
    },
    /// A line.
    Separator,
}

/// What a toast is about; back ends choose urgency and sound by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToastKind {
    /// A call rings: stays until it ends, urgent.
    Ringing,
    /// A call was missed: stays in the list.
    Missed,
    /// A text message came, or one of ours did not leave: stays in the list.
    Message,
    /// The user is asked something.
    Question,
    /// Something went wrong.
    Trouble,
    /// Something is worth knowing.
    Info,
}

/// One toast. The same `id` with other words is an update in place; an id that is gone is taken down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToastView {
    /// Its identity while it is up.
    pub id: u64,
    /// What it is about.
    pub kind: ToastKind,
    /// The call it belongs to.
    pub call: Option<CallId>,
    /// First line: name, else number.
    pub title: String,
    /// Second line: company and number, line called.
    pub line: String,
    /// Buttons, most important first.
    pub buttons: Vec<Button>,
}

/// A toast's button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// The word on it.
    pub text: String,
    /// What it does.
    pub action: Action,
}

/// Sounds that are not speech. Cadences by country: media knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// A call rings, and no other is up.
    Ring,
    /// A call from a colleague rings, and no other is up.
    RingInternal,
    /// A call rings that the PBX marks (a queue, a door), and no other is up.
    RingSpecial,
    /// A call rings while another is up.
    CallWaiting,
    /// It rings at the other end, and no early media is heard.
    Ringback,
    /// A call was answered by itself; ends by itself.
    Beep,
    /// The other end is busy; ends by itself after a few seconds.
    Busy,
    /// The call failed; ends by itself after a few seconds.
    Congestion,
}
