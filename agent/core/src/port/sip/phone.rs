//! What the PBX tells a phone besides the course of a call: keys, remote control, causes, its own name.

use crate::{
    id::{AccountId, CallId},
    party::{Party, Sdp},
    settings::Identity,
};

/// What the PBX tells besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneEvent {
    /// The next on the way took the INVITE of a call of ours (100 Trying); told once.
    Trying {
        /// Which call.
        call: CallId,
    },
    /// They pressed a key, and told so by INFO (`application/dtmf-relay`, `application/dtmf`).
    Digit {
        /// Which call.
        call: CallId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
    },
    /// They take no keys by INFO.
    KeysRefused {
        /// Which call.
        call: CallId,
        /// The status code of their answer.
        status: u16,
    },
    /// The registrar wants the call answered, or taken off hold (`Event: talk`).
    Talk {
        /// Which call.
        call: CallId,
    },
    /// The registrar wants the call held (`Event: hold`).
    Hold {
        /// Which call.
        call: CallId,
    },
    /// Why the telephone network ends or refuses a call (RFC 3326, `Q.850`); told before it ends.
    Cause {
        /// Which call.
        call: CallId,
        /// The cause value of ITU-T Q.850, 1 to 127.
        q850: u8,
    },
    /// The session must be refreshed by a re-INVITE that changes nothing (RFC 4028 section 7.4): to be answered with
    /// `SipCommand::Reoffer`. Should none come, the session ends when its interval does.
    Refresh {
        /// Which call.
        call: CallId,
    },
    /// Our call was redirected and now rings for somebody else (RFC 3261 section 8.1.3.4).
    Moved {
        /// Which call.
        call: CallId,
        /// For whom.
        to: Party,
    },
    /// What the registrar says it is (Server or User-Agent of its answers); told when it changes.
    Pbx {
        /// Whose registrar.
        account: AccountId,
        /// Its words, at most 128 characters.
        product: String,
    },
}

/// How the kind of PBX wants an account treated; the default is as every other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Treatment {
    /// The most SUBSCRIBEs within a second; never more than SIP's own pace.
    pub subscribes_per_second: Option<u32>,
    /// What tells who calls, in place of what the account says.
    pub identity: Option<Vec<Identity>>,
    /// Have every caller who can acknowledge that it rings (RFC 3262), whatever the account says.
    pub reliable_ringing: bool,
}

/// What the core asks of the PBX session besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneCommand {
    /// 180 Ringing with an offer of ours, to who made none and wants it acknowledged (RFC 3262 section 5). Accept it with the
    /// same description; their answer is told with the ACK all the same.
    RingWith {
        /// Which call.
        call: CallId,
        /// Our offer.
        offer: Sdp,
    },
    /// Sends keys by INFO, one after the other.
    Digits {
        /// Which call.
        call: CallId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digits: String,
        /// As `application/dtmf-relay`; else as `application/dtmf`.
        relay: bool,
    },
    /// Treats an account as its kind of PBX wants it, from now on and until it is registered with other settings.
    Treat {
        /// Which.
        account: AccountId,
        /// How.
        how: Treatment,
    },
}
