//! Calls that change hands: what each of them is about to do, or was begun for.

use crate::{
    id::CallId,
    port::sip::transfer::{DialogRef, TransferProblem, Wish},
};
use serde::{Deserialize, Serialize};

/// What a call of ours was begun for, beyond itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Somebody asked for it; what is called at our own PBX instead of the address that was given.
    Follow(Wish, Option<String>),
    /// It takes over a call that rings at somebody else's.
    Pickup(DialogRef),
    /// It comes in and takes the place of this one; whether that one was on hold.
    InPlaceOf(CallId, bool),
}

/// A call that we hand over, and how far that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaving {
    /// To whom, as the user reads it.
    pub to: String,
    pub aim: Aim,
    /// The wish is on the wire.
    pub asked: bool,
    /// They said that they try.
    pub agreed: bool,
}

/// Where a call that we hand over goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To this number.
    Number(String),
    /// Into the place of this call of ours.
    Call(CallId),
}

/// How a transfer goes, for listeners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum TransferStep {
    /// We asked the other side to call somebody else.
    Asked,
    /// It tries.
    Agreed,
    /// The status code it reports from there.
    Progress {
        /// 100 to 199.
        status: u16,
    },
    /// They talk to each other, and our call ends.
    Done,
    /// It came to nothing; the call is on hold as it was.
    Failed {
        /// Why.
        why: TransferProblem,
    },
    /// It was taken back.
    TakenBack,
    /// The other side sent us to somebody else: this call follows.
    Sent {
        /// The call that follows.
        to: CallId,
    },
    /// Another call took this one's place.
    Replaced {
        /// The one that did.
        by: CallId,
    },
}
