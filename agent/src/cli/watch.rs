//! Arguments of what is watched at the PBX, and of what we say of ourselves.

use agent_core::{action::FeatureAction, id::AccountId, port::sip::watch::PresenceState};
use clap::Args;

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The extension or sip: address
    pub target: String,
    /// Watch what the person says of himself, and not what the line is doing
    #[arg(long)]
    pub presence: bool,
    /// Watch it no longer
    #[arg(long)]
    pub off: bool,
    /// Over which account: its place in the settings, from 0 [default: the first]
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
}

impl WatchArgs {
    /// The request.
    pub(crate) fn action(&self) -> FeatureAction {
        FeatureAction::Watch {
            account: self.account.map(AccountId),
            target: self.target.clone(),
            presence: self.presence,
            on: !self.off,
        }
    }
}

/// Arguments of `presence`.
#[derive(Debug, Args)]
pub(crate) struct PresenceArgs {
    /// The state
    #[arg(value_enum)]
    pub state: Own,
    /// A sentence of your own
    pub note: Option<String>,
}

impl PresenceArgs {
    /// The request.
    pub(crate) fn action(&self) -> FeatureAction {
        FeatureAction::Presence { state: self.state.into(), note: self.note.clone() }
    }
}

/// What can be said of oneself.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Own {
    /// There; in a call it says so by itself
    Available,
    /// Away from the desk
    Away,
    /// There, but busy
    Busy,
    /// Not to be disturbed (says so; calls still ring)
    DoNotDisturb,
    /// Not there
    Offline,
}

impl From<Own> for PresenceState {
    fn from(own: Own) -> Self {
        match own {
            Own::Available => Self::Available,
            Own::Away => Self::Away,
            Own::Busy => Self::Busy,
            Own::DoNotDisturb => Self::DoNotDisturb,
            Own::Offline => Self::Offline,
        }
    }
}
