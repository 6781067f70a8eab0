//! What is watched, as the world outside is told: lines, people, voice mail, other phones.

use crate::{
    id::AccountId,
    port::sip::watch::{LineInfo, Mailbox, OtherPhone, PresenceInfo},
};
use serde::{Deserialize, Serialize};

/// Everything that is watched, in `Status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchStatus {
    /// The lines, by account and target.
    pub lines: Vec<WatchedLine>,
    /// The people.
    pub people: Vec<WatchedPerson>,
    /// The voice mail of accounts whose PBX tells of it.
    pub mailboxes: Vec<WatchedMailbox>,
    /// The other phones of accounts whose PBX tells of them.
    pub phones: Vec<WatchedPhones>,
}

impl WatchStatus {
    /// Nothing is watched.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A watched line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedLine {
    /// Over which account.
    pub account: AccountId,
    /// Whose, as it was asked for.
    pub target: String,
    /// What it is doing.
    pub line: LineInfo,
}

/// Somebody whose presence is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedPerson {
    /// Over which account.
    pub account: AccountId,
    /// Whose, as it was asked for.
    pub target: String,
    /// What it is.
    pub presence: PresenceInfo,
}

/// An account's voice mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedMailbox {
    /// Whose.
    pub account: AccountId,
    /// The counts; `None`: nobody knows (any more).
    pub mailbox: Option<Mailbox>,
}

/// The other phones of an account's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedPhones {
    /// Whose.
    pub account: AccountId,
    /// Which; `None`: nobody knows (any more).
    pub phones: Option<Vec<OtherPhone>>,
}
