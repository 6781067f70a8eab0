//! What SIP and core say to each other about calls that change hands: transfer, replacement, deflection, pickup.

use super::identity::ForwardReason;
use crate::{
    id::{AccountId, CallId},
    party::Sdp,
};
use serde::{Deserialize, Serialize};

/// A dialog of somebody else's, named as a `Replaces` header names it (RFC 3891 section 6.1): from the side of whoever
/// the INVITE is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DialogRef {
    /// Call-ID.
    pub call_id: String,
    /// The tag of the one who is asked.
    pub to_tag: String,
    /// The tag of the other side.
    pub from_tag: String,
}

/// Why a call could not be handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum TransferProblem {
    /// The other side, or the PBX, does not take the request.
    Refused {
        /// The status code of its answer to REFER.
        status: u16,
        /// The reason phrase.
        phrase: String,
    },
    /// The one it was to go to could not be reached, or said no.
    NotTaken {
        /// The status code the other side reported.
        status: u16,
        /// The reason phrase.
        phrase: String,
    },
    /// No answer came, or no word of the outcome.
    Silent,
    /// The other side stopped telling before there was an outcome (RFC 6665 section 4.1.3).
    Untold,
    /// What it was to go to is no address that can be called.
    Target,
    /// The call is not in a state for this.
    NotNow,
}

/// Whom a request of theirs names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referred {
    /// The number as a person would write it: a stranger's text.
    pub number: String,
    /// The whole address, without headers and parameters of the wire.
    pub uri: String,
    /// The display name, when there is one.
    pub name: Option<String>,
    /// The address is at the account's own PBX, and says nothing but user and domain.
    pub home: bool,
    /// It takes the place of a call that stands there (`Replaces`), so it rings nobody.
    pub replaces: bool,
    /// It is a machine's own address (an IP address) with such a call: how phones of one registrar name each other where
    /// a proxy joins them (RFC 5589 section 7.3). The number may be one of our own PBX all the same.
    pub phone: bool,
}

/// What the PBX session tells of calls that change hands.
#[derive(Debug, Clone, PartialEq)]
pub enum TransferEvent {
    /// The other side takes our REFER and tries (202).
    Agreed {
        /// The call that is handed over.
        call: CallId,
    },
    /// How far the other side has come (RFC 3515 section 2.4.5).
    Progress {
        /// The call that is handed over.
        call: CallId,
        /// The status code it reports: 100 to 199.
        status: u16,
    },
    /// They talk to each other: hang our call up. Also told when the other side agreed and will report nothing (RFC 4488).
    Done {
        /// The call that was handed over.
        call: CallId,
    },
    /// It came to nothing, and the call is as it was.
    Failed {
        /// The call that was to be handed over.
        call: CallId,
        /// Why.
        why: TransferProblem,
    },
    /// They ask us to call somebody else instead (REFER in the call's dialog): answer with `Accept` or `Refuse`.
    Asked {
        /// The call it is asked in.
        call: CallId,
        /// Whom.
        target: Referred,
    },
    /// Our call is answered with another address (RFC 3261 section 8.1.3.4): answer with `Redirect`; until then nothing
    /// rings anywhere.
    Redirected {
        /// Which call of ours.
        call: CallId,
        /// Whom it is to call instead.
        target: Referred,
    },
    /// The call that is told next as `Incoming` takes the place of one that stands (RFC 3891 section 3): accept it
    /// without ringing, then hang the other one up.
    Replacing {
        /// The call that comes.
        call: CallId,
        /// The one it replaces.
        old: CallId,
    },
    /// The registrar asks us to call somebody, outside of any call (REFER, RFC 3515): answer with `Accept` or `Refuse`.
    RemoteDial {
        /// Over which account.
        account: AccountId,
        /// Names it.
        request: u64,
        /// Whom.
        target: Referred,
    },
}

/// Whose wish a call of ours follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// That of this call's other side (`Asked`).
    Call(CallId),
    /// The registrar's (`RemoteDial`).
    Request(u64),
}

/// What the core asks about calls that change hands.
#[derive(Debug, Clone, PartialEq)]
pub enum TransferCommand {
    /// Sends the other side to somebody else (RFC 3515): told `Agreed`, `Progress`, then `Done` or `Failed`.
    Blind {
        /// Which call.
        call: CallId,
        /// Over which account it goes.
        account: AccountId,
        /// A user part (`600`) or a whole `sip:` address.
        target: String,
    },
    /// Connects the other side of `call` with the other side of `with` (REFER with Replaces, RFC 5589 section 7).
    Attended {
        /// The call that is handed over.
        call: CallId,
        /// Over which account it goes.
        account: AccountId,
        /// The call it is put into the place of: one that was answered.
        with: CallId,
    },
    /// Nothing of a transfer that is under way is to be heard any more: the call stays.
    Drop {
        /// Which call.
        call: CallId,
    },
    /// Yes to `Asked` or `RemoteDial`: 202, and they are told how it goes. A call that `Follow`s is to come.
    Accept {
        /// Whose wish it is.
        wish: Wish,
    },
    /// No to `Asked` or `RemoteDial` (603), or the end of an accepted one that no call will follow.
    Refuse {
        /// Whose wish it is.
        wish: Wish,
    },
    /// A call of ours that was redirected goes there, or not: then to the next such address, or it ends as refused.
    Redirect {
        /// Which call.
        call: CallId,
        /// It goes there.
        follow: bool,
        /// The user part that is called there instead of the one in the address.
        target: Option<String>,
    },
    /// Calls whom they asked us to call, with Referred-By (RFC 3892) and Replaces as they said; a call of ours like any
    /// other from then on, of whose fate they are told.
    Follow {
        /// The new call's id (even, made by the core).
        call: CallId,
        /// Over which account.
        account: AccountId,
        /// Whose wish it is.
        wish: Wish,
        /// What is called at the account's own PBX instead of the address they gave: a user part.
        target: Option<String>,
        /// Our offer.
        offer: Sdp,
        /// Our number is not to be shown, as it was not before.
        withhold: bool,
    },
    /// Sends a call that rings here elsewhere: 302 with Contact and Diversion (RFC 5806).
    Deflect {
        /// Which call.
        call: CallId,
        /// The account it came for.
        account: AccountId,
        /// A user part or a whole `sip:` address.
        target: String,
        /// Why it goes there.
        why: ForwardReason,
    },
    /// Takes a call that rings at somebody else's: an INVITE with Replaces (RFC 3891); a call of ours from then on.
    Pickup {
        /// The new call's id (even, made by the core).
        call: CallId,
        /// Over which account.
        account: AccountId,
        /// Where the dialog's other end is asked: a user part or a whole `sip:` address.
        target: String,
        /// What rings.
        dialog: DialogRef,
        /// Our offer.
        offer: Sdp,
    },
}
