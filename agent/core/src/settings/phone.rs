//! How one line behaves as a phone: whose word counts about who calls.

use serde::{Deserialize, Serialize};

/// What tells who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// P-Asserted-Identity (RFC 3325), from the registrar only.
    PAssertedIdentity,
    /// Remote-Party-ID, its forerunner, from the registrar only.
    RemotePartyId,
    /// From (RFC 3261), whoever wrote it.
    From,
}

/// The order in which a caller's number is believed, unless the account says otherwise.
pub fn usual_identity() -> Vec<Identity> {
    vec![Identity::PAssertedIdentity, Identity::RemotePartyId, Identity::From]
}

/// How long a call may give no sign of life unless the account says otherwise, seconds (RFC 4028 section 4).
pub(super) fn usual_session_timer() -> u32 {
    1800
}

/// The PBX says itself what it is, unless the account does.
pub(super) fn usual_profile() -> String {
    "auto".to_owned()
}

/// Where Asterisk has its WebSocket; kamailio takes any path, FreeSWITCH any but some versions only `/`.
pub(super) fn usual_websocket_path() -> String {
    "/ws".to_owned()
}

/// Whether calls may be answered by themselves, when they ask to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoAnswer {
    /// Nobody answers but a person.
    #[default]
    Never,
    /// Where the registrar asks for it; it may also answer and hold calls then (`Event: talk`, `Event: hold`).
    Registrar,
}

/// Where others may send us: the other side of a call with a transfer, who is called with a redirection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transfers {
    /// Nowhere.
    Never,
    /// Nowhere without a question.
    Ask,
    /// To extensions of our own PBX; the user is asked about everything else.
    #[default]
    Internal,
    /// To extensions and to plain numbers anywhere; he is asked about what costs, does something or is no number.
    Follow,
}

/// What the PBX may have this phone dial, outside of any call (click-to-dial).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RemoteDial {
    /// Nothing.
    Never,
    /// Whatever the user says yes to.
    #[default]
    Ask,
    /// Numbers a link in a page would dial, at our own PBX, while no other call is there; the user is asked about the rest.
    Follow,
}

/// How keys are sent in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// As telephone-events where they are understood, else by INFO (`application/dtmf-relay`).
    #[default]
    Auto,
    /// As telephone-events (RFC 4733), as tones where those are not understood.
    Rfc4733,
    /// By INFO, `application/dtmf-relay`.
    InfoRelay,
    /// By INFO, `application/dtmf`.
    Info,
}

/// What a blocked caller hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockedHear {
    /// That this phone is busy (486); other phones of a group ring on.
    #[default]
    Busy,
    /// That he is declined (603), on every phone.
    Declined,
}
