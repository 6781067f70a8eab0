//! A run in stages: each is announced, timed and remembered, and a closing table says what took how long and what failed.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// What came of a stage.
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// The stages of one run, in order.
pub(crate) struct Stages {
    started: Instant,
    rows: Vec<(String, Duration, Outcome)>,
}

impl Stages {
    /// Nothing has run yet.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), rows: Vec::new() }
    }

    /// Runs one stage; a failure is remembered and the run goes on. `true` when it passed.
    pub(crate) fn run(&mut self, name: &str, stage: impl FnOnce() -> Result<()>) -> bool {
        announce(name);
        let started = Instant::now();
        let outcome = match stage() {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                eprintln!("{name}: {error}");
                Outcome::Failed(error.to_string())
            }
        };
        let passed = matches!(outcome, Outcome::Passed);
        self.rows.push((name.to_owned(), started.elapsed(), outcome));
        passed
    }

    /// Remembers a stage that could not run, and why.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.rows.push((name.to_owned(), Duration::ZERO, Outcome::Skipped(why.to_owned())));
    }

    /// Holds the whole run so far against what is promised, as a stage of its own.
    pub(crate) fn within(&mut self, promised: Duration) {
        let (took, minute) = (self.started.elapsed(), 60);
        self.run(&format!("under {} minutes", promised.as_secs() / minute), || {
            if took < promised {
                return Ok(());
            }
            Err(Error::Slow { took: took.as_secs() / minute, promised: promised.as_secs() / minute })
        });
    }

    /// Prints the table; an error names the stages that failed.
    pub(crate) fn close(self) -> Result<()> {
        println!("\n{}", self.table());
        let failed: Vec<&str> = self
            .rows
            .iter()
            .filter(|(_, _, outcome)| matches!(outcome, Outcome::Failed(_)))
            .map(|(name, ..)| name.as_str())
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(Error::Stages(failed.join(", "))) }
    }

    fn table(&self) -> String {
        let width = self.rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).max("total".len());
        let mut table = String::new();
        for (name, time, outcome) in &self.rows {
            let outcome = match outcome {
                Outcome::Passed => "ok".to_owned(),
                Outcome::Failed(why) => format!("FAILED: {why}"),
                Outcome::Skipped(why) => format!("skipped: {why}"),
            };
            table.push_str(&format!("{name:width$}  {} min  {outcome}\n", minutes(*time)));
        }
        table.push_str(&format!("{:width$}  {} min\n", "total", minutes(self.started.elapsed())));
        table
    }
}

/// Says what begins now, beside what the command itself prints: that may be read by a program.
pub(crate) fn announce(what: &str) {
    eprintln!("\n==> {what}");
}

/// Minutes with one decimal, as wide as the table wants it.
fn minutes(time: Duration) -> String {
    format!("{:5.1}", time.as_secs_f64() / 60.0)
}

#[cfg(test)]
mod tests {
    use super::Stages;
    use crate::error::Error;
    use std::time::{Duration, Instant};

    #[test]
    fn a_run_that_takes_longer_than_promised_has_failed() {
        let mut stages = Stages::new();
        stages.within(Duration::from_secs(3000));
        assert!(stages.table().contains("under 50 minutes    0.0 min  ok\n"), "{}", stages.table());
        stages.started =
            Instant::now().checked_sub(Duration::from_secs(3060)).expect("an hour ago there was time");
        stages.within(Duration::from_secs(3000));
        let table = stages.table();
        assert!(table.contains("FAILED: it took 51 minutes, and the README promises 50"), "{table}");
        assert!(stages.close().is_err());
    }

    #[test]
    fn goes_on_after_a_failure_and_names_it_at_the_end() {
        let mut stages = Stages::new();
        assert!(stages.run("one", || Ok(())));
        assert!(!stages.run("two", || Err(Error::Missing("no luck".to_owned()))));
        stages.skip("three", "not here");
        let table = stages.table();
        assert!(table.contains("one      0.0 min  ok\n"), "{table}");
        assert!(table.contains("two      0.0 min  FAILED: no luck\n"), "{table}");
        assert!(table.contains("skipped: not here"), "{table}");
        assert_eq!(stages.close().unwrap_err().to_string(), "failed: two");
    }
}
