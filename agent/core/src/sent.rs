//! What others send us on to, while the user is asked.

use crate::{
    id::{AccountId, CallId},
    port::sip::{
        SipCommand, TransferCommand,
        transfer::{Referred, Wish},
    },
    text::{Phrase, transfer as words},
};

/// Where the user was asked whether to go.
#[derive(Debug)]
pub(crate) struct Sent {
    pub question: u64,
    pub target: Referred,
    pub what: What,
    /// Nobody's record is behind the number.
    pub nobody: bool,
}

/// Who sends us on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The other side of this call asks us to call somebody else.
    Referral(CallId),
    /// This call of ours is answered with another address.
    Redirection(CallId),
    /// The PBX asks us to call somebody, over this account: click-to-dial.
    Remote(AccountId, u64),
}

impl What {
    /// What says no to it.
    pub(crate) fn refusal(self) -> SipCommand {
        SipCommand::Transfer(match self {
            Self::Referral(call) => TransferCommand::Refuse { wish: Wish::Call(call) },
            Self::Redirection(call) => TransferCommand::Redirect { call, follow: false, target: None },
            Self::Remote(_, request) => TransferCommand::Refuse { wish: Wish::Request(request) },
        })
    }

    /// The call it is about.
    pub(crate) fn call(self) -> Option<CallId> {
        match self {
            Self::Referral(call) | Self::Redirection(call) => Some(call),
            Self::Remote(..) => None,
        }
    }

    /// How the user is asked.
    pub(crate) fn question(self) -> &'static Phrase {
        match self {
            Self::Referral(_) => &words::ASK_SENT_ON,
            Self::Redirection(_) => &words::ASK_REDIRECTED,
            Self::Remote(..) => &words::ASK_REMOTE,
        }
    }
}
