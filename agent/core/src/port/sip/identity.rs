//! What an INVITE says besides who calls: who forwarded it, whom it was for, how it wants to ring.

use crate::party::Party;
use serde::{Deserialize, Serialize};

/// The most forwardings of one call that are told; the latest are.
pub const MOST_FORWARDINGS: usize = 8;

/// What an INVITE says besides who calls. Empty where it came from nobody whose word counts (the registrar's does).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// Who forwarded it, the latest first; at most [`MOST_FORWARDINGS`].
    pub forwarded: Vec<Forwarding>,
    /// The name of the line called, as a queue or a group has one.
    pub line: Option<String>,
    /// How it wants to ring.
    pub ring: Ring,
    /// It asks to be answered by itself after so many seconds (RFC 5373, `answer-after`).
    pub auto_answer: Option<u32>,
    /// They made no offer and insist on knowing for certain that it rings: that takes an offer of ours (RFC 3262 section 5),
    /// [`PhoneCommand::RingWith`](super::PhoneCommand::RingWith). Whoever calls may ask for that.
    pub rings_with_offer: bool,
}

/// One forwarding (RFC 5806, RFC 7044).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarding {
    /// Whose line forwarded the call.
    pub by: Party,
    /// Why.
    pub why: ForwardReason,
    /// How many forwardings this one stands for; at least 1.
    pub times: u32,
}

/// Why a call was forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardReason {
    /// Always.
    Always,
    /// The line was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The line could not be reached.
    Unreachable,
    /// Somebody sent it on while it rang.
    Deflected,
    /// The line does not want to be disturbed.
    DoNotDisturb,
    /// At this time of day it goes elsewhere.
    TimeOfDay,
    /// It was not said, or in words we do not know.
    #[default]
    Unknown,
}

/// How a call rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ring {
    /// As every call.
    #[default]
    Usual,
    /// From a colleague.
    Internal,
    /// In a way of its own: a queue, a door, a secretary's line.
    Special,
}
