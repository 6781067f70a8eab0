//! Text messages (MESSAGE, RFC 3428): those that come, those that leave, and what became of them.

use crate::{
    id::{AccountId, CallId},
    party::Party,
    port::sip::transfer::Referred,
};
use serde::{Deserialize, Serialize};

/// The longest text that is taken from the user, in bytes of UTF-8.
pub const MOST_TEXT: usize = 8_192;

/// Why a text message of ours was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum MessageProblem {
    /// They (or the PBX) refused it.
    Refused {
        /// The status code.
        status: u16,
        /// The reason phrase.
        phrase: String,
    },
    /// No answer came in time: it may have arrived all the same.
    Silent,
    /// The connection broke, or there was none: it may have arrived all the same.
    Network,
    /// It does not fit into a datagram, and there is no other way to the PBX (RFC 3428 section 8).
    TooLong,
    /// What it was to be sent to is no address.
    Target,
    /// The address wants an encrypted way (`sips:`), and the account has none.
    NoTls,
    /// The account it was to go over is not set up (any more).
    NoAccount,
    /// Too many wait already.
    TooMany,
    /// The agent is quitting.
    Quitting,
    /// A fault of the program itself.
    Fault,
}

/// What is to be answered to a text message of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageAnswer {
    /// 200: it is ours to show from now on.
    Taken,
    /// 603 Decline: the sender is blocked.
    Blocked,
    /// 433 Anonymity Disallowed (RFC 5079).
    Anonymous,
    /// 480 Temporarily Unavailable: the agent is quitting.
    Unavailable,
}

impl MessageAnswer {
    /// The status code.
    pub fn status(self) -> u16 {
        match self {
            Self::Taken => 200,
            Self::Blocked => 603,
            Self::Anonymous => 433,
            Self::Unavailable => 480,
        }
    }
}

/// What SIP tells of text messages.
#[derive(Debug, Clone, PartialEq)]
pub enum MessageEvent {
    /// One came. To be answered with [`MessageCommand::Answer`]; until then its sender waits.
    Arrived {
        /// Its name (given by SIP).
        message: u64,
        /// The account it came for; `None`: that of the call it came in.
        account: Option<AccountId>,
        /// Who wrote.
        party: Party,
        /// The text, decoded; a stranger's, with whatever characters it has.
        text: String,
        /// The call it came in, if it did.
        call: Option<CallId>,
    },
    /// One of ours was answered with another address (3xx): to be answered with [`MessageCommand::Redirect`].
    Redirected {
        /// Its name (given by the core).
        message: u64,
        /// Where it is to go.
        target: Referred,
    },
    /// One of ours was taken.
    Sent {
        /// Its name (given by the core).
        message: u64,
        /// By somebody who keeps it for the other (202), and not by the other.
        kept: bool,
    },
    /// One of ours was not.
    Failed {
        /// Its name (given by the core).
        message: u64,
        /// Why.
        why: MessageProblem,
    },
}

/// What is asked of SIP about text messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageCommand {
    /// Sends one. To one address they leave one after the other, in the order they were asked for; each is told as `Sent`
    /// or `Failed` exactly once.
    Send {
        /// Its name (given by the core, never twice).
        message: u64,
        /// Over which account.
        account: AccountId,
        /// A user part (`600`, `+4930123`) or a whole `sip:` address.
        target: String,
        /// The text.
        text: String,
    },
    /// One that was redirected goes there, or not: then to the next such address, or nowhere.
    Redirect {
        /// Its name.
        message: u64,
        /// It goes there.
        follow: bool,
    },
    /// Answers one of theirs.
    Answer {
        /// Which.
        message: u64,
        /// How.
        answer: MessageAnswer,
    },
}
