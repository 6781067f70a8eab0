//! Text messages, as the world outside is told.

use crate::{
    action::{Action, FeatureAction},
    id::{AccountId, CallId},
    journal::Direction,
    party::Party,
    time::UnixMillis,
};
use serde::{Deserialize, Serialize};

/// Where a text message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Theirs: it came, and its sender knows that it did.
    Received,
    /// Ours: it is on its way, or waits for the one before it.
    Sending,
    /// Ours: their phone has it.
    Sent,
    /// Ours: the PBX keeps it for them.
    Kept,
    /// Ours: it was not taken, or nobody said whether it was.
    Failed,
}

/// One text message in `Status` and in the `message` notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageStatus {
    /// Its number, never given twice in a run.
    pub message: u64,
    /// Over which account.
    pub account: AccountId,
    /// Who wrote.
    pub direction: Direction,
    /// The other side: who wrote, or whom we write to.
    pub party: Party,
    /// The text; of theirs without characters that steer, hide or reorder.
    pub text: String,
    /// When it came, or was asked for.
    pub at: UnixMillis,
    /// The call it came in, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// Where it stands.
    pub state: MessageState,
    /// Why it failed, as a sentence for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Action {
    /// Whether it lacks a text that the user is to type: a desktop that has no place for that leaves its button out.
    pub fn wants_text(&self) -> bool {
        matches!(self, Self::Feature(FeatureAction::Message { text, .. }) if text.is_empty())
    }

    /// The same with what the user typed.
    #[must_use]
    pub fn with_text(self, typed: String) -> Self {
        match self {
            Self::Feature(FeatureAction::Message { account, to, text }) if text.is_empty() => {
                Self::Feature(FeatureAction::Message { account, to, text: typed })
            }
            other => other,
        }
    }
}
