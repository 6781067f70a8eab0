//! From the start of the program to its registration, several times, in turns.

use crate::{
    gauge,
    report::{Row, Target, percentile},
    stage::{Launch, Stage, THEIRS},
};

/// How often each is started.
const RUNS: usize = 9;

/// Measures the starts.
pub(crate) fn measure(stage: &Stage, launch: &Launch) -> Result<Vec<Row>, String> {
    let load = gauge::load()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (baresip, took) = stage.baresip(THEIRS.0, false)?;
        theirs.push(took.as_secs_f64() * 1e3);
        drop(baresip);
        let (trayphone, took) = stage.trayphone(launch)?;
        ours.push(took.as_secs_f64() * 1e3);
        drop(trayphone);
    }
    let worst = ours.iter().copied().fold(0.0, f64::max);
    Ok(vec![Row {
        what: "start to registered",
        unit: "ms",
        target: Target::AtMost(100.0),
        trayphone: percentile(&ours, 0.5).unwrap_or(f64::NAN),
        baresip: percentile(&theirs, 0.5),
        pjsua: None,
        load,
        note: format!("median of {RUNS} starts, digest, seen at the registrar; our slowest {worst:.0} ms"),
    }])
}
