//! The demo for nobody: plays the whole story, looks at every step with other programs' eyes, and can break things.

mod check;
mod story;

use super::{
    fault::{Expected, Fault},
    stage::{Sound, Stage},
    timeline::Timeline,
};
use crate::{
    commands::print,
    exit::{Exit, Failure},
};
use story::Story;

/// Plays it. Exit 0: everything happened, or the fault led to what it must lead to.
pub(crate) async fn play(fault: Option<Fault>, desktop: bool) -> Result<Exit, Failure> {
    let mut timeline = Timeline::begin();
    let stage = Stage::build(Sound::Files)?;
    stage.break_with(fault);
    // A step that fails ends the story; it stands in the timeline.
    let _told = Story::new(&stage, fault, desktop).tell(&mut timeline).await?;
    Ok(judge(fault, &timeline))
}

fn judge(fault: Option<Fault>, timeline: &Timeline) -> Exit {
    let failed = timeline.failed().map(|step| step.name);
    let degraded = timeline.degraded().map(|step| step.name);
    let (exit, sentence) = match (fault.map(Fault::expected), failed, degraded) {
        (None, None, None) => (Exit::Ok, "The whole story was told.".to_owned()),
        (None, None, Some(step)) => {
            (Exit::Failed, format!("Step \"{step}\" went its degraded way with nothing broken."))
        }
        (_, Some(step), _) => (Exit::Failed, format!("Failed at step \"{step}\".")),
        (Some(Expected::Degraded(expected)), None, Some(step)) if step == expected => {
            (Exit::Ok, format!("Step \"{step}\" went the degraded way that is meant for this fault."))
        }
        (Some(_), None, _) => (Exit::Failed, "Something was broken and nobody noticed.".to_owned()),
    };
    print::line(&sentence);
    exit
}
