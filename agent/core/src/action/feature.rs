//! What the user may ask for beyond a plain call: of the accounts, and the features of a PBX phone.

use crate::{id::AccountId, port::sip::watch::PresenceState};
use serde::{Deserialize, Serialize};

/// A feature. In JSON it looks like any other [`Action`](super::Action), and a field it does not have is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum FeatureAction {
    /// Call the number again that was called last. An emergency number is never called again by this.
    Redial {
        /// Over which account; `None`: the one it went over.
        account: Option<AccountId>,
    },
    /// Watch a line, or not any more, for as long as the agent runs and beside what the settings name.
    Watch {
        /// Over which account; `None`: the first.
        account: Option<AccountId>,
        /// Whose: an extension or an address.
        target: String,
        /// Somebody's presence, and not what the line is doing.
        #[serde(default)]
        presence: bool,
        /// Whether.
        on: bool,
    },
    /// Say how oneself is to be shown by accounts that publish.
    Presence {
        /// The state.
        state: PresenceState,
        /// A sentence of one's own.
        note: Option<String>,
    },
    /// Start an account's registration anew (its password was changed).
    Reconnect {
        /// Which; `None`: all.
        account: Option<AccountId>,
    },
}
