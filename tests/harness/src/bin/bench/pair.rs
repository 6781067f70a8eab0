//! The two programs side by side, each with one registered line.

use crate::{
    message::Phone,
    stage::{Launch, OURS, Stage, THEIRS, Trayphone},
};
use harness::baresip::Baresip;

/// Both, running.
pub(crate) struct Pair {
    /// Ours, with its desktop.
    pub(crate) trayphone: Trayphone,
    /// The other.
    pub(crate) baresip: Baresip,
    /// How ours is called.
    pub(crate) ours: Phone,
    /// How the other is called.
    pub(crate) theirs: Phone,
}

impl Pair {
    /// Starts both and waits for their registrations.
    pub(crate) fn start(stage: &Stage, launch: &Launch) -> Result<Self, String> {
        let (trayphone, _) = stage.trayphone(launch)?;
        let (baresip, _) = stage.baresip(THEIRS.0, false)?;
        let (ours, theirs) = (stage.phone(OURS.0)?, stage.phone(THEIRS.0)?);
        Ok(Self { trayphone, baresip, ours, theirs })
    }
}
