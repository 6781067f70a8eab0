//! One line of the journal.

use crate::{caller::CallerCard, id::AccountId, party::Party, port::media::SoundProblem, time::UnixMillis};
use serde::{Deserialize, Serialize};

/// Who began the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// They called us.
    Incoming,
    /// We called them.
    Outgoing,
}

/// How the call ended, in the user's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody talked.
    Answered,
    /// It rang and nobody here took it.
    Missed,
    /// We declined it.
    Declined,
    /// Another phone took it (RFC 3326 `Reason: SIP;cause=200`).
    Elsewhere,
    /// They were busy, or declined.
    Busy,
    /// They did not answer, or we hung up while it rang.
    NoAnswer,
    /// The number, the network or the PBX said no.
    Failed,
    /// The agent ended while the call was up: found and written at the next start.
    Interrupted,
}

/// Why nobody here could take a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The line was busy.
    Busy,
    /// The caller asked for encrypted sound.
    Encrypted,
    /// There was no codec in common.
    NoCommonCodec,
    /// There was no sound for another reason.
    NoSound,
    /// The caller is blocked.
    Blocked,
    /// The caller hides, and the account takes nobody who does.
    Anonymous,
    /// Nobody was to be disturbed.
    DoNotDisturb,
    /// It was forwarded by this phone.
    Forwarded,
    /// It stands for many that came too fast to be written one by one; the name says how many.
    Flood,
}

impl From<&SoundProblem> for Cause {
    fn from(why: &SoundProblem) -> Self {
        match why {
            SoundProblem::Encrypted { .. } => Self::Encrypted,
            SoundProblem::NoCommonCodec { .. } => Self::NoCommonCodec,
            _ => Self::NoSound,
        }
    }
}

/// A call as the journal keeps it. Written when the call begins and again when it changes, so that a crash loses the
/// ending and not the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Unique for ever: the wall clock of the begin in milliseconds and the call's id, `1763900000000-1`.
    pub key: String,
    /// The account's place in the settings.
    pub account: AccountId,
    /// Who began it.
    pub direction: Direction,
    /// The other side as signalled (or as dialled).
    pub party: Party,
    /// What was dialled, or the line called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
    /// Our number was not shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// The card shown, if a lookup found one.
    pub card: Option<CallerCard>,
    /// INVITE received or sent.
    pub started: UnixMillis,
    /// Both sides agreed to talk.
    pub answered: Option<UnixMillis>,
    /// The call was over.
    pub ended: Option<UnixMillis>,
    /// How; `None` while it lasts.
    pub outcome: Option<Outcome>,
    /// Why it was missed or failed, where it was not for want of a hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}
