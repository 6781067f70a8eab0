//! The door to the PBX session.

mod identity;
pub mod message;
mod phone;
pub mod transfer;
pub mod watch;
mod web;

pub use identity::{Circumstances, ForwardReason, Forwarding, MOST_FORWARDINGS, Ring};
pub use message::{MessageCommand, MessageEvent};
pub use phone::{PhoneCommand, PhoneEvent, Treatment};
pub use transfer::{TransferCommand, TransferEvent};
pub use watch::{WatchCommand, WatchEvent};
pub use web::{NoWebSocket, WebFault};

use crate::{
    certificate::Untrusted,
    id::{AccountId, CallId},
    party::{Party, Sdp},
    port::media::SoundProblem,
    secret::Secret,
    settings::AccountSettings,
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Duration};

/// What an account is doing at its registrar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Registration {
    /// Waiting for a password or for the network.
    Idle,
    /// A REGISTER is out and was not yet confirmed.
    Connecting,
    /// A 200 was received and its interval has not run out.
    Registered,
    /// It failed.
    Failed {
        /// Why, in a way the user can act on.
        reason: RegistrationProblem,
        /// How long until the next try, in milliseconds; `None` when only the user can help (no password, or an account
        /// whose settings cannot be used).
        retry_ms: Option<u64>,
    },
    /// De-registered on purpose.
    Unregistered,
}

/// Why a registration failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum RegistrationProblem {
    /// The registrar refused the credentials (401/407 again, or 403). Tried again within half an hour all the same: it may
    /// have been the registrar's bad day.
    WrongPassword,
    /// No password could be had; the account waits for one.
    NoPassword,
    /// The PBX challenges in no scheme and algorithm we know: Basic, or a digest other than MD5 and SHA-256 (RFC 8760).
    NoCommonAuthentication,
    /// The PBX asks for a weaker proof of the password than before in this run: a hash that is easier to undo, or one that
    /// whoever hears it can use again (RFC 7616 section 5.5). Nothing was answered.
    WeakerAuthentication,
    /// The PBX has taken the password, and does not let this phone register all the same (403).
    Forbidden {
        /// Its reason phrase.
        phrase: String,
    },
    /// No answer within Timer F (RFC 3261 section 17.1.2.2).
    Silent,
    /// Name not found, connection refused, network down: the sentence of the system.
    Unreachable {
        /// What the system said.
        detail: String,
    },
    /// The PBX session broke by a fault of the program itself, and begins anew.
    Fault,
    /// The way to the PBX is encrypted, and its certificate is not believed.
    Certificate(Untrusted),
    /// The way to the PBX is a WebSocket, and none is opened there.
    WebSocket(NoWebSocket),
    /// A final answer that is none of the above.
    Refused {
        /// The status code.
        status: u16,
        /// The reason phrase.
        phrase: String,
    },
}

/// How a call ended, seen from the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum CallEnd {
    /// They sent BYE.
    RemoteHangup,
    /// They sent CANCEL before we answered, because somebody at another phone refused it for everyone (RFC 3326,
    /// `SIP;cause=600` or 603).
    RefusedElsewhere,
    /// They sent CANCEL before we answered.
    Cancelled {
        /// Another phone took it (RFC 3326).
        elsewhere: bool,
    },
    /// We ended it: BYE or CANCEL was sent and the call is gone.
    LocalHangup,
    /// We refused it.
    Rejected,
    /// They (or the PBX) gave a final answer other than 2xx.
    Refused {
        /// The status code.
        status: u16,
        /// The reason phrase.
        phrase: String,
    },
    /// Nobody answered on the wire: transaction timeout, lost connection, ACK never came.
    Lost {
        /// What happened.
        why: Loss,
        /// More of it, in English: for the log, no user reads it.
        detail: String,
    },
}

/// Why a call was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// No answer came in time.
    Silent,
    /// Our 200 was never acknowledged.
    Unacknowledged,
    /// What they said cannot be understood, or names no address to answer at.
    Unusable,
    /// Nothing could be sent, or the connection broke.
    Network,
    /// In the middle of the call they knew nothing of it any more.
    Forgotten,
    /// What was to be called is no address that can be called.
    Target,
    /// What was to be called wants an encrypted way (`sips:`), and the account has none.
    NoTls,
    /// The account it was to go over is not set up.
    NoAccount,
    /// Somebody on the way asks for the account's password who is not its PBX (a realm of his own).
    Stranger,
    /// The PBX asks for a weaker proof of the password than at registration.
    Weaker,
    /// There are too many calls.
    TooMany,
    /// The agent is quitting.
    Quitting,
    /// A fault of the program itself.
    Fault,
}

/// Why we refuse a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reject {
    /// 486 Busy Here: this phone.
    Busy,
    /// 486 Busy Here too: the user said no. 603 would speak for every phone of a ring group, and end the call for all of
    /// them (RFC 3261 sections 16.7 and 21.6.2).
    Decline,
    /// 480 Temporarily Unavailable: rung out, or the agent is quitting.
    Unavailable,
    /// 433 Anonymity Disallowed (RFC 5079): the caller hides, and the account takes nobody who does.
    Anonymous,
    /// 603 Decline: the caller is blocked, and no other phone is to be tried.
    Unwanted,
    /// 488 Not Acceptable Here: no codec in common.
    NotAcceptable,
    /// 488 too, with a Warning that says what of their description does not fit (RFC 3261 section 20.43).
    Unfit(Unfit),
}

/// What of a description does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Its kind of address.
    Address,
    /// The way its media travel, as when they must be encrypted.
    Transport,
    /// It has no medium that we have.
    Media,
    /// Its media are in no format of ours.
    Format,
}

impl From<&SoundProblem> for Reject {
    fn from(why: &SoundProblem) -> Self {
        match why {
            SoundProblem::Address { .. } => Self::Unfit(Unfit::Address),
            SoundProblem::Encrypted { .. } => Self::Unfit(Unfit::Transport),
            SoundProblem::NoAudio | SoundProblem::Declined => Self::Unfit(Unfit::Media),
            SoundProblem::NoCommonCodec { .. } => Self::Unfit(Unfit::Format),
            _ => Self::NotAcceptable,
        }
    }
}

impl Reject {
    /// The status code of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Busy | Self::Decline => 486,
            Self::Unavailable => 480,
            Self::NotAcceptable | Self::Unfit(_) => 488,
            Self::Anonymous => 433,
            Self::Unwanted => 603,
        }
    }
}

/// What the PBX session tells.
#[derive(Debug, Clone, PartialEq)]
pub enum SipEvent {
    /// An account's registration changed.
    Registration {
        /// Whose.
        account: AccountId,
        /// To what.
        state: Registration,
    },
    /// The address we are reached at on this account's network changed: the source address of a socket connected to
    /// the registrar, the same in Via, Contact and, through the core, in every SDP.
    Address {
        /// Whose.
        account: AccountId,
        /// The address.
        local: IpAddr,
    },
    /// An INVITE arrived; 100 is out, or will be unless something else is said at once.
    Incoming {
        /// Its id (odd, made by SIP).
        call: CallId,
        /// The account it came for.
        account: AccountId,
        /// Who calls.
        party: Party,
        /// The line called (user part of the request's To).
        called: String,
        /// Our address as the caller reaches it.
        local: IpAddr,
        /// Their offer; `None` asks us to offer in the 200.
        offer: Option<Sdp>,
        /// What it says besides.
        with: Box<Circumstances>,
        /// Why their offer can never be taken. SIP does not read descriptions and says `None`; the program, on the
        /// way to the core, puts in what the audio says of the offer.
        unfit: Option<SoundProblem>,
    },
    /// Our INVITE made progress (180, 183). Where it forked, the last branch that described itself is the one that is
    /// heard; 199 says that this branch is gone (RFC 6228).
    Progress {
        /// Which call.
        call: CallId,
        /// The status code.
        status: u16,
        /// Early media: their answer.
        answer: Option<Sdp>,
    },
    /// Our INVITE was answered with 200; ACK is out.
    Answered {
        /// Which call.
        call: CallId,
        /// Their answer.
        answer: Option<Sdp>,
    },
    /// Their ACK to our 200 arrived: to the one that answered their call, and to each that carried an offer of ours.
    Confirmed {
        /// Which call.
        call: CallId,
        /// Their answer, when our 200 carried the offer; an ACK without the answer it owes us ends that change.
        answer: Option<Sdp>,
    },
    /// They want to change the session (re-INVITE, or UPDATE, which may come before the answer to our call): answer
    /// with `SipCommand::AnswerReoffer`.
    Reoffer {
        /// Which call.
        call: CallId,
        /// Their offer; `None` asks us to offer.
        offer: Option<Sdp>,
    },
    /// Our re-INVITE was answered.
    ReofferAnswered {
        /// Which call.
        call: CallId,
        /// Their answer.
        answer: Sdp,
    },
    /// Our re-INVITE was refused; the session stands as it was (RFC 3261 section 14.1).
    ReofferRefused {
        /// Which call.
        call: CallId,
        /// The status code.
        status: u16,
    },
    /// The other side is somebody else now, or is known better (RFC 4916, P-Asserted-Identity in an answer).
    Party {
        /// Which call.
        call: CallId,
        /// Who it is.
        party: Party,
    },
    /// What the PBX tells a phone besides.
    Phone(PhoneEvent),
    /// The call is over. Told exactly once for each call, whoever ended it.
    Ended {
        /// Which call.
        call: CallId,
        /// How.
        end: CallEnd,
    },
    /// A call changes hands.
    Transfer(TransferEvent),
    /// What is watched changed.
    Watch(WatchEvent),
    /// A text message.
    Message(MessageEvent),
    /// After `Shutdown`: every call is ended and every account de-registered (or gave up within its deadline).
    Down,
}

/// What the core asks of the PBX session.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "an account is registered seldom, and its settings are moved once"
)]
pub enum SipCommand {
    /// Starts (or starts anew, with other settings) an account and keeps it registered.
    Register {
        /// Which.
        account: AccountId,
        /// Its settings.
        settings: AccountSettings,
        /// Its password.
        password: Secret,
    },
    /// De-registers an account.
    Unregister {
        /// Which.
        account: AccountId,
    },
    /// Calls.
    Invite {
        /// Its id (even, made by the core).
        call: CallId,
        /// Over which account.
        account: AccountId,
        /// A user part (`600`, `+4930123`) or a whole `sip:` address.
        target: String,
        /// Our offer.
        offer: Sdp,
        /// Our number is not to be shown (RFC 3323).
        withhold: bool,
    },
    /// 180 Ringing.
    Ring {
        /// Which call.
        call: CallId,
    },
    /// 200 OK with our answer (or our offer, when theirs was missing).
    Accept {
        /// Which call.
        call: CallId,
        /// The body.
        answer: Sdp,
    },
    /// A final refusal of an incoming call that was not accepted.
    Reject {
        /// Which call.
        call: CallId,
        /// Why.
        why: Reject,
    },
    /// Ends the call whatever its state: CANCEL before the answer, BYE after it, a refusal for one that rings here.
    Hangup {
        /// Which call.
        call: CallId,
    },
    /// Changes the session (re-INVITE): hold, resume.
    Reoffer {
        /// Which call.
        call: CallId,
        /// Our offer.
        offer: Sdp,
    },
    /// Answers their re-INVITE or UPDATE.
    AnswerReoffer {
        /// Which call.
        call: CallId,
        /// Our answer (or offer), or the refusal.
        answer: Result<Sdp, Reject>,
    },
    /// A call changes hands.
    Transfer(TransferCommand),
    /// What a phone asks of its PBX besides.
    Phone(PhoneCommand),
    /// What is to be watched.
    Watch(WatchCommand),
    /// Text messages.
    Message(MessageCommand),
    /// Ends all calls, de-registers all accounts, then tells `Down`.
    Shutdown {
        /// Give up waiting for answers after this long.
        within: Duration,
    },
}
