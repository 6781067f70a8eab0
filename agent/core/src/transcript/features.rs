//! Features beyond a plain call, as lines of the transcript.

use super::Mask;
use crate::action::FeatureAction;

/// What the user asks for; what could name a person is masked.
pub(super) fn asked(feature: &FeatureAction, _mask: Mask) -> String {
    match feature {
        FeatureAction::Reconnect { account } => {
            format!("reconnect{}", account.map(|a| format!(" {}", a.0)).unwrap_or_default())
        }
        FeatureAction::Redial { account } => {
            format!("redial{}", account.map(|a| format!(" on {}", a.0)).unwrap_or_default())
        }
    }
}
