//! What is switched on and off at a PBX or here: do not disturb, forwarding, queues.

use crate::{id::AccountId, port::sip::watch::ForwardWhen};
use serde::{Deserialize, Serialize};

/// What can be switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// Calls do not ring here.
    Dnd,
    /// Every call goes elsewhere.
    ForwardAlways,
    /// A call goes elsewhere while the line is busy.
    ForwardBusy,
    /// A call goes elsewhere that nobody answers.
    ForwardNoAnswer,
    /// Calls of a queue ring here.
    Queue,
    /// They do not for a while, without leaving the queue.
    QueuePause,
}

impl From<ForwardWhen> for Switch {
    fn from(when: ForwardWhen) -> Self {
        match when {
            ForwardWhen::Always => Self::ForwardAlways,
            ForwardWhen::Busy => Self::ForwardBusy,
            ForwardWhen::NoAnswer => Self::ForwardNoAnswer,
        }
    }
}

impl Switch {
    /// When calls go elsewhere; `None`: this does not send any.
    pub fn forwards(self) -> Option<ForwardWhen> {
        match self {
            Self::ForwardAlways => Some(ForwardWhen::Always),
            Self::ForwardBusy => Some(ForwardWhen::Busy),
            Self::ForwardNoAnswer => Some(ForwardWhen::NoAnswer),
            Self::Dnd | Self::Queue | Self::QueuePause => None,
        }
    }
}

/// What is done in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueStep {
    /// Its calls ring here.
    In,
    /// No longer.
    Out,
    /// Not for a while.
    Pause,
    /// Again.
    Resume,
}

/// How sure it is that something is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchKnown {
    /// Nobody knows, or no longer.
    #[default]
    Unknown,
    /// The PBX says so.
    Pbx,
    /// The PBX took the code for it, and does not say what it has.
    Set,
    /// This program does it, for the calls that reach it: the PBX has no code for it that is known.
    Here,
}

/// One switch of an account, in `Status`, in the `feature` notice, and in the reply to what set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchStatus {
    /// Of which account.
    pub account: AccountId,
    /// Which.
    pub switch: Switch,
    /// Of which queue, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Whether it is on.
    pub on: bool,
    /// Where calls go, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Who says so.
    pub known: SwitchKnown,
}
