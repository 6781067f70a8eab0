//! The processor time of a call with sound both ways: both programs talk to the same exchange at the same time.

use crate::{
    gauge,
    report::{Row, Target},
    stage::{OURS, Stage, THEIRS, TONE_HZ},
};
use agent_exchange::{CallerCall, Ring};
use harness::wait::{self, SOON};
use std::{
    thread,
    time::{Duration, Instant},
};

/// From the answer to the measuring: the jitter buffer has found its depth.
const SETTLE: Duration = Duration::from_secs(2);

/// How long it is measured.
const TALKS: Duration = Duration::from_secs(20);

/// Measures both calls.
pub(crate) fn measure(stage: &Stage) -> Result<Vec<Row>, String> {
    let launch = stage.profile(OURS.1, true)?;
    let (trayphone, _) = stage.trayphone(&launch)?;
    let (baresip, _) = stage.baresip(THEIRS.1, true)?;
    let load = gauge::load()?;
    let call = |extension: &str| {
        let ring = Ring::new(extension, &crate::caller::number(1));
        stage.exchange.ring(&ring).map_err(|error| error.to_string())
    };
    let calls = [call(OURS.1)?, call(THEIRS.1)?];
    wait::until(SOON, || calls[0].state().ringing).ok_or("our phone does not ring")?;
    stage.ask(&launch, &["answer"])?;
    for (call, whose) in calls.iter().zip(["trayphone", "baresip"]) {
        wait::until(SOON, || call.state().answered).ok_or_else(|| format!("{whose} does not answer"))?;
    }
    thread::sleep(SETTLE);
    let processes = [trayphone.proc.id(), baresip.proc.id()];
    let time = |process| gauge::processor_time(process).map_err(|error| format!("its clock: {error}"));
    let heard = calls.each_ref().map(|call| call.recording().packets);
    let began = Instant::now();
    let before = [time(processes[0])?, time(processes[1])?];
    thread::sleep(TALKS);
    let used = [time(processes[0])? - before[0], time(processes[1])? - before[1]];
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    for ((call, whose), heard) in calls.iter().zip(["trayphone", "baresip"]).zip(heard) {
        talks(call, heard).map_err(|why| format!("{whose} {why}"))?;
    }
    Ok(vec![Row {
        what: "processor time of a call",
        unit: "s/min",
        target: Target::None,
        trayphone: used[0].as_secs_f64() / minutes,
        baresip: Some(used[1].as_secs_f64() / minutes),
        pjsua: None,
        load,
        note: format!(
            "the process's CPU clock, user and system, over {:.0} s of PCMA both ways, the tone heard at the exchange; \
             ours: wav to wav, baresip: aufile to aubridge",
            TALKS.as_secs_f64()
        ),
    }])
}

/// A call that is measured has sound in it: packets went on coming, and the tone was in them.
fn talks(call: &CallerCall, packets_before: u64) -> Result<(), String> {
    let heard = call.recording();
    let wanted = TALKS.as_millis() as u64 / 20;
    let came = heard.packets.saturating_sub(packets_before);
    if came < wanted * 9 / 10 {
        return Err(format!("sent {came} packets of sound instead of {wanted}"));
    }
    let share = heard.tone_between(TONE_HZ).share();
    if share < 0.9 { Err(format!("was heard with its tone in {share:.2} of the call")) } else { Ok(()) }
}
