//! What the user may ask for beyond a plain call: of the accounts, and the features of a PBX phone.

use crate::id::AccountId;
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
    /// Start an account's registration anew (its password was changed).
    Reconnect {
        /// Which; `None`: all.
        account: Option<AccountId>,
    },
}
