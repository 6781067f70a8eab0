//! What was measured, held against what is to be reached: one row a figure, as a table or as JSON.

use serde::Serialize;
use std::fmt::Write as _;

/// The load of the last minute below which the targets themselves hold.
pub(crate) const QUIET: f64 = 1.0;

/// Above that load: how many times the other program's figure of the same run ours may be.
const TIMES: f64 = 1.5;

/// A figure to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// Nothing is asked; the figure is for the reader.
    None,
    /// At most this.
    AtMost(f64),
    /// At most what the best of the other programs has.
    Theirs,
    /// All of so many.
    All(u32),
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The target is reached.
    Reached,
    /// It is not, on a machine with other work, and we are within the bound set by the other programs.
    WithinBound,
    /// It is not, on a machine with other work, and the other programs have nothing to compare with.
    Open,
    /// It is not.
    Missed,
    /// None was set.
    Told,
}

/// One figure of ours, and of the other programs where they have one.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: &'static str,
    /// In what.
    pub(crate) unit: &'static str,
    /// What is to be reached.
    pub(crate) target: Target,
    /// Ours.
    pub(crate) trayphone: f64,
    /// baresip's; `None`: it has no such thing, or none that can be seen from outside.
    pub(crate) baresip: Option<f64>,
    /// The same of pjsua2.
    pub(crate) pjsua: Option<f64>,
    /// The machine's load when this was begun to be measured.
    pub(crate) load: f64,
    /// How it was measured, and what else is to be known.
    pub(crate) note: String,
}

impl Row {
    /// Judges the figure.
    pub(crate) fn verdict(&self) -> Verdict {
        let theirs = [self.baresip, self.pjsua].into_iter().flatten().reduce(f64::min);
        let (reached, bound) = match self.target {
            Target::None => return Verdict::Told,
            Target::AtMost(most) => (self.trayphone <= most, theirs.map(|it| self.trayphone <= it * TIMES)),
            Target::Theirs => {
                (theirs.is_none_or(|it| self.trayphone <= it), theirs.map(|it| self.trayphone <= it * TIMES))
            }
            Target::All(all) => {
                (self.trayphone >= f64::from(all), self.baresip.map(|it| self.trayphone * TIMES >= it))
            }
        };
        match bound {
            _ if reached => Verdict::Reached,
            _ if self.load < QUIET => Verdict::Missed,
            Some(true) => Verdict::WithinBound,
            Some(false) => Verdict::Missed,
            None => Verdict::Open,
        }
    }

    fn target(&self) -> String {
        match self.target {
            Target::None => "-".to_owned(),
            Target::AtMost(most) => format!("<= {most}"),
            Target::Theirs => "<= theirs".to_owned(),
            Target::All(all) => format!("all {all}"),
        }
    }
}

/// A run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Processors of the machine.
    pub(crate) processors: usize,
    /// Its load when the run began.
    pub(crate) load_before: f64,
    /// And when it ended; the run's own work is in it.
    pub(crate) load_after: f64,
    /// `trayphone --version`.
    pub(crate) trayphone: String,
    /// What the other program calls itself.
    pub(crate) baresip: String,
    /// The figures.
    pub(crate) rows: Vec<Row>,
}

impl Report {
    /// The rows whose target was missed.
    pub(crate) fn missed(&self) -> Vec<&'static str> {
        let missed = self.rows.iter().filter(|row| row.verdict() == Verdict::Missed);
        missed.map(|row| row.what).collect()
    }

    /// One JSON document.
    pub(crate) fn json(&self) -> Result<String, String> {
        let mut value = serde_json::to_value(self).map_err(|error| error.to_string())?;
        for (written, row) in value["rows"].as_array_mut().into_iter().flatten().zip(&self.rows) {
            written["verdict"] = serde_json::to_value(row.verdict()).map_err(|error| error.to_string())?;
        }
        value["missed"] = serde_json::to_value(self.missed()).map_err(|error| error.to_string())?;
        serde_json::to_string_pretty(&value).map_err(|error| error.to_string())
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} beside {}; {} processors, load {:.2} at the beginning and {:.2} at the end\n",
            self.trayphone, self.baresip, self.processors, self.load_before, self.load_after
        );
        let _ = writeln!(
            text,
            "{:<36} {:>10} {:>10} {:>10} {:>10}  {:<13} {:>5}  how",
            "", "target", "trayphone", "baresip", "pjsua2", "verdict", "load"
        );
        for row in &self.rows {
            let verdict = match row.verdict() {
                Verdict::Reached => "reached",
                Verdict::WithinBound => "within 1.5 x",
                Verdict::Open => "open",
                Verdict::Missed => "MISSED",
                Verdict::Told => "-",
            };
            let _ = writeln!(
                text,
                "{:<36} {:>10} {:>10} {:>10} {:>10}  {verdict:<13} {:>5.2}  {}",
                format!("{}, {}", row.what, row.unit),
                row.target(),
                figure(row.trayphone),
                row.baresip.map_or("none".to_owned(), figure),
                row.pjsua.map_or("none".to_owned(), figure),
                row.load,
                row.note,
            );
        }
        let _ = writeln!(text, "\n{}", self.summary());
        text
    }

    fn summary(&self) -> String {
        let missed = self.missed();
        if !missed.is_empty() {
            return format!("missed: {}", missed.join("; "));
        }
        let open =
            self.rows.iter().filter(|row| matches!(row.verdict(), Verdict::Open | Verdict::WithinBound));
        match open.count() {
            0 => "every target is reached".to_owned(),
            count => format!(
                "no target is missed, but {count} were measured on a machine with a load of {QUIET} or more and are \
                 not reached: run it again when nothing else runs"
            ),
        }
    }
}

fn figure(value: f64) -> String {
    match value {
        whole if whole.fract() == 0.0 && whole.abs() >= 10.0 => format!("{whole:.0}"),
        large if large.abs() >= 100.0 => format!("{large:.0}"),
        middle if middle.abs() >= 10.0 => format!("{middle:.1}"),
        small => format!("{small:.2}"),
    }
}

/// The value below or at which `share` of them lie (nearest rank); `None` of nothing.
pub(crate) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::{Report, Row, Target, Verdict, percentile};

    fn row(target: Target, trayphone: f64, baresip: Option<f64>, load: f64) -> Row {
        Row { what: "w", unit: "ms", target, trayphone, baresip, pjsua: None, load, note: String::new() }
    }

    #[test]
    fn a_busy_machine_changes_the_measure_and_not_the_figure() {
        let verdict = |ours, theirs, load| row(Target::AtMost(10.0), ours, theirs, load).verdict();
        assert_eq!(verdict(10.0, None, 0.5), Verdict::Reached);
        assert_eq!(verdict(10.0, None, 5.0), Verdict::Reached);
        assert_eq!(verdict(10.1, Some(100.0), 0.5), Verdict::Missed);
        assert_eq!(verdict(14.0, Some(10.0), 1.0), Verdict::WithinBound);
        assert_eq!(verdict(16.0, Some(10.0), 1.0), Verdict::Missed);
        assert_eq!(verdict(16.0, None, 1.0), Verdict::Open);
        let verdict = |ours, theirs, load| row(Target::All(200), ours, theirs, load).verdict();
        assert_eq!(verdict(200.0, None, 0.0), Verdict::Reached);
        assert_eq!(verdict(199.0, Some(200.0), 0.0), Verdict::Missed);
        assert_eq!(verdict(199.0, Some(200.0), 2.0), Verdict::WithinBound);
        assert_eq!(verdict(100.0, Some(200.0), 2.0), Verdict::Missed);
        let both = |ours, load| Row { pjsua: Some(8.0), ..row(Target::Theirs, ours, Some(10.0), load) };
        assert_eq!(both(8.0, 0.0).verdict(), Verdict::Reached);
        assert_eq!(both(8.1, 0.0).verdict(), Verdict::Missed, "the better of the two counts");
        assert_eq!(both(12.0, 3.0).verdict(), Verdict::WithinBound);
        assert_eq!(both(12.1, 3.0).verdict(), Verdict::Missed);
        assert_eq!(row(Target::None, 1.0, None, 0.0).verdict(), Verdict::Told);
    }

    #[test]
    fn a_miss_is_named_in_both_forms() {
        let rows = vec![row(Target::AtMost(1.0), 2.0, None, 0.1)];
        let report = Report {
            processors: 2,
            load_before: 0.1,
            load_after: 0.2,
            trayphone: String::new(),
            baresip: String::new(),
            rows,
        };
        assert!(report.table().contains("MISSED") && report.table().contains("missed: w"));
        let json: serde_json::Value = serde_json::from_str(&report.json().expect("JSON")).expect("JSON");
        assert_eq!((&json["rows"][0]["verdict"], &json["missed"][0]), (&"missed".into(), &"w".into()));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), Some(100.0));
        assert_eq!(percentile(&values, 0.99), Some(198.0));
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[7.0], 0.99), Some(7.0));
    }
}
