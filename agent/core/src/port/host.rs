//! The door to the plugins.

use crate::{caller::CallerCard, id::CallId, journal::Direction};
use serde::{Deserialize, Serialize};

/// An installed plugin and how it fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// `org.example.crm`.
    pub id: String,
    /// The name shown.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The hosts it was granted, `scheme://host:port`.
    pub hosts: Vec<String>,
    /// What of a call it was granted to send.
    pub sends: Vec<String>,
    /// `None` when all is well, else why it does not run.
    pub problem: Option<String>,
}

/// Something about a plugin that the user should know although it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostTrouble {
    /// Its compiled code on the disk was changed or damaged; it was deleted and is compiled anew.
    Tampered,
    /// There is no key to seal its compiled code with (no keyring, or a locked one): it is compiled at every start.
    NoSealKey,
}

/// What the plugins tell.
#[derive(Debug, Clone, PartialEq)]
pub enum HostEvent {
    /// What is installed; told at start and at every change.
    Plugins(Vec<PluginInfo>),
    /// A plugin knows the caller.
    Found {
        /// Which call.
        call: CallId,
        /// What it found; `source` is the plugin's id.
        card: CallerCard,
    },
    /// A plugin does not know the caller, or failed.
    NotFound {
        /// Which call.
        call: CallId,
        /// The plugin's id.
        plugin: String,
        /// `None` when it simply does not know, else what went wrong.
        error: Option<String>,
    },
    /// Every plugin asked about this call has told.
    LookupDone {
        /// Which call.
        call: CallId,
    },
    /// Something the user should know.
    Trouble {
        /// The plugin's id.
        plugin: String,
        /// What.
        what: HostTrouble,
    },
    /// A plugin asks to open its record for a call (the effect *open record*), outside a lookup.
    OpenRecord {
        /// Which call.
        call: CallId,
        /// The plugin's id.
        plugin: String,
        /// The page; checked against the plugin's grant.
        url: String,
    },
}

/// What the core asks of the plugins.
#[derive(Debug, Clone, PartialEq)]
pub enum HostCommand {
    /// Who is this? Asked of every enabled plugin at once.
    Lookup {
        /// Which call.
        call: CallId,
        /// Who began it.
        direction: Direction,
        /// The number, as canonical as it could be made: E.164 (`+4930…`), else as signalled.
        number: String,
        /// The display name as signalled.
        name: Option<String>,
    },
    /// The call is over or nobody waits any more: drop what still runs for it.
    Cancel {
        /// Which call.
        call: CallId,
    },
    /// The call was answered or ended: plugins that offer actions may react (*open record*).
    CallChanged {
        /// Which call.
        call: CallId,
        /// `answered` or `ended`.
        what: CallChange,
    },
    /// Read the installed plugins again (something was installed or removed).
    Reload,
}

/// What happened to a call, as plugins are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallChange {
    /// Both sides talk.
    Answered,
    /// It is over.
    Ended,
}
