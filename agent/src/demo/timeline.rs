//! The story as it happened: one line a step, in milliseconds since the step before the first.

use std::{
    fmt,
    time::{Duration, Instant},
};

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it should.
    Done,
    /// Not as on a good day, but as meant for this fault.
    Degraded,
    /// Wrong.
    Failed,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// When it was over.
    pub at: Duration,
    /// Its name, stable: faults name it.
    pub name: &'static str,
    /// What was seen.
    pub seen: String,
    /// How it went.
    pub verdict: Verdict,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Done => "ok  ",
            Verdict::Degraded => "so  ",
            Verdict::Failed => "FAIL",
        };
        write!(f, "{:>8.1} ms  {mark}  {:<12} {}", self.at.as_secs_f64() * 1000.0, self.name, self.seen)
    }
}

/// The steps so far; each is printed as it comes.
#[derive(Debug)]
pub(crate) struct Timeline {
    begun: Instant,
    steps: Vec<Step>,
    /// The step that is under way, for what breaks between two verdicts.
    under_way: &'static str,
}

impl Timeline {
    /// Begins now, with this step.
    pub(crate) fn begin(step: &'static str) -> Self {
        Self { begun: Instant::now(), steps: Vec::new(), under_way: step }
    }

    /// This step is under way from now on.
    pub(crate) fn enter(&mut self, step: &'static str) {
        self.under_way = step;
    }

    /// The step under way broke.
    pub(crate) fn broke(&mut self, seen: impl Into<String>) {
        self.note(self.under_way, Verdict::Failed, seen);
    }

    /// Notes a step that is over now.
    pub(crate) fn note(&mut self, name: &'static str, verdict: Verdict, seen: impl Into<String>) {
        let step = Step { at: self.begun.elapsed(), name, seen: seen.into(), verdict };
        crate::commands::print::line(&step.to_string());
        self.steps.push(step);
    }

    /// The first step that failed.
    pub(crate) fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.verdict == Verdict::Failed)
    }

    /// The first step that went its degraded way.
    pub(crate) fn degraded(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.verdict == Verdict::Degraded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_is_the_step_that_was_under_way() {
        let mut timeline = Timeline::begin("stage");
        timeline.note("exchange", Verdict::Done, "");
        timeline.enter("dialled");
        timeline.broke("`trayphone dial` failed");
        assert_eq!(timeline.failed().map(|step| step.name), Some("dialled"));
    }
}
