//! The demo for nobody: plays the whole story, looks at every step with other programs' eyes, and can break things.

mod check;
mod journal;
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
    let mut timeline = Timeline::begin("stage");
    if let Err(failure) = tell(fault, desktop, &mut timeline).await {
        // Not what was looked for and not found, but something that broke on the way there: the step is named all the same.
        timeline.broke(failure.text);
    }
    Ok(judge(fault, &timeline))
}

async fn tell(fault: Option<Fault>, desktop: bool, timeline: &mut Timeline) -> Result<(), Failure> {
    let stage = Stage::build(Sound::Files)?;
    stage.break_with(fault);
    // A step that fails ends the story; it stands in the timeline.
    let _told = Story::new(&stage, fault, desktop).tell(timeline).await?;
    Ok(())
}

fn judge(fault: Option<Fault>, timeline: &Timeline) -> Exit {
    let (exit, sentence) = verdict(fault, timeline);
    print::line(&sentence);
    exit
}

fn verdict(fault: Option<Fault>, timeline: &Timeline) -> (Exit, String) {
    let failed = timeline.failed().map(|step| step.name);
    let degraded = timeline.degraded().map(|step| step.name);
    match (fault.map(Fault::expected), failed, degraded) {
        (None, None, None) => (Exit::Ok, "The whole story was told.".to_owned()),
        (None, None, Some(step)) => {
            (Exit::Failed, format!("Step \"{step}\" went its degraded way with nothing broken."))
        }
        (_, Some(step), _) => (Exit::Failed, format!("Failed at step \"{step}\".")),
        (Some(Expected::Degraded(expected)), None, Some(step)) if step == expected => {
            (Exit::Ok, format!("Step \"{step}\" went the degraded way that is meant for this fault."))
        }
        (Some(Expected::Degraded(expected) | Expected::Fails(expected)), None, seen) => {
            let other = seen.map(|step| format!(", only step \"{step}\" was another than on a good day"));
            let other = other.unwrap_or_default();
            let sentence = format!(
                "Something was broken and step \"{expected}\", which it concerns, did not notice{other}."
            );
            (Exit::Failed, sentence)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::timeline::Verdict;
    use clap::ValueEnum;

    fn sentence(fault: Option<Fault>, steps: &[(&'static str, Verdict)]) -> (Exit, String) {
        let mut timeline = Timeline::begin("stage");
        for (name, verdict) in steps {
            timeline.note(name, verdict.clone(), "");
        }
        verdict(fault, &timeline)
    }

    #[test]
    fn every_verdict_on_something_broken_names_the_step() {
        for fault in Fault::value_variants() {
            let (Expected::Degraded(step) | Expected::Fails(step)) = fault.expected();
            for seen in [&[][..], &[(step, Verdict::Failed)], &[(step, Verdict::Degraded)]] {
                let (exit, text) = sentence(Some(*fault), seen);
                assert!(text.contains(step), "{fault:?} {seen:?}: {text}");
                let meant = matches!(fault.expected(), Expected::Degraded(_));
                let fine = meant && matches!(seen, [(_, Verdict::Degraded)]);
                assert_eq!(exit == Exit::Ok, fine, "{fault:?} {seen:?}: {text}");
            }
        }
        assert_eq!(sentence(None, &[("named", Verdict::Done)]).0, Exit::Ok);
        assert_eq!(sentence(None, &[("named", Verdict::Degraded)]).0, Exit::Failed);
    }
}
