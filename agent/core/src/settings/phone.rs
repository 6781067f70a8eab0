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
