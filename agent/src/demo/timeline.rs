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
}

impl Timeline {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        Self { begun: Instant::now(), steps: Vec::new() }
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
