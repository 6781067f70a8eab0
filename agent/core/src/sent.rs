//! What others send us on to, while the user is asked.

use crate::{
    id::CallId,
    port::sip::{SipCommand, TransferCommand, transfer::Referred},
    text::{Phrase, transfer as words},
};

/// Where the user was asked whether to go.
#[derive(Debug)]
pub(crate) struct Sent {
    pub question: u64,
    pub call: CallId,
    pub target: Referred,
    pub what: What,
    /// Nobody's record is behind the number.
    pub nobody: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The other side of a call asks us to call somebody else.
    Referral,
    /// A call of ours is answered with another address.
    Redirection,
}

impl What {
    /// What says no to it.
    pub(crate) fn refusal(self, call: CallId) -> SipCommand {
        SipCommand::Transfer(match self {
            Self::Referral => TransferCommand::Refuse { call },
            Self::Redirection => TransferCommand::Redirect { call, follow: false, target: None },
        })
    }

    /// How the user is asked.
    pub(crate) fn question(self) -> &'static Phrase {
        match self {
            Self::Referral => &words::ASK_SENT_ON,
            Self::Redirection => &words::ASK_REDIRECTED,
        }
    }
}
