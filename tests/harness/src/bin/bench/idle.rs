//! Memory and wake-ups while nothing happens, both at the same time.

use crate::{
    caller::{self, Pace},
    gauge,
    pair::Pair,
    report::{Row, Target},
    stage::{Stage, name},
};
use harness::desktop::wait_for;
use std::{
    thread,
    time::{Duration, Instant},
};

/// After the call: transactions (RFC 3261 timers of 32 s), toasts and caches have come to rest.
const REST: Duration = Duration::from_secs(36);

/// How long they are watched.
const WATCHED: Duration = Duration::from_secs(30);

/// Measures both.
pub(crate) fn measure(stage: &Stage, pair: &Pair) -> Result<Vec<Row>, String> {
    in_use(stage, pair)?;
    thread::sleep(REST);
    let load = gauge::load()?;
    let processes = [pair.trayphone.proc.id(), pair.baresip.proc.id()];
    let began = Instant::now();
    let before = [gauge::sleeps(processes[0])?, gauge::sleeps(processes[1])?];
    thread::sleep(WATCHED);
    let after = [gauge::sleeps(processes[0])?, gauge::sleeps(processes[1])?];
    let seconds = began.elapsed().as_secs_f64();
    let memory = [gauge::memory(processes[0])?, gauge::memory(processes[1])?];
    let woken = [gauge::woken(&before[0], &after[0]), gauge::woken(&before[1], &after[1])];
    let rate = |woken: &[(String, u64)]| woken.iter().map(|(_, count)| *count).sum::<u64>() as f64 / seconds;
    let busiest: Vec<String> = woken[0]
        .iter()
        .filter(|(_, count)| *count > 0)
        .take(3)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let row = |what, unit, target, ours, theirs, note| Row {
        what,
        unit,
        target,
        trayphone: ours,
        baresip: Some(theirs),
        pjsua: None,
        load,
        note,
    };
    Ok(vec![
        row(
            "RSS idle",
            "MB",
            Target::None,
            megabytes(memory[0].resident),
            megabytes(memory[1].resident),
            "smaps_rollup: Rss; tray up, plugin loaded, after a call it named; baresip has neither"
                .to_owned(),
        ),
        row(
            "USS idle",
            "MB",
            Target::AtMost(15.0),
            megabytes(memory[0].unique),
            megabytes(memory[1].unique),
            "smaps_rollup: Private_Clean + Private_Dirty".to_owned(),
        ),
        row(
            "wake-ups idle",
            "1/s",
            Target::AtMost(2.0),
            rate(&woken[0]),
            rate(&woken[1]),
            format!(
                "voluntary_ctxt_switches of all threads over {:.0} s; ours: {}",
                WATCHED.as_secs_f64(),
                if busiest.is_empty() { "none".to_owned() } else { busiest.join(", ") }
            ),
        ),
    ])
}

/// One call each, and for ours the tray seen and the caller named: what idles afterwards has everything loaded.
fn in_use(stage: &Stage, pair: &Pair) -> Result<(), String> {
    let tray =
        ["--session", "--print-reply", "--dest=org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"];
    let get = ["org.freedesktop.DBus.Properties.Get", "string:org.kde.StatusNotifierWatcher"];
    let items = ["string:RegisteredStatusNotifierItems"];
    let asked = [&tray[..], &get[..], &items[..]].concat();
    wait_for("the tray icon at the panel", || {
        let said = stage.desktop.run("dbus-send", &asked).ok()?;
        (said.matches("string \"").count() > 0).then_some(())
    })?;
    let pace = Pace { first: 0, calls: 1, every: Duration::ZERO, ring: Duration::from_secs(4) };
    let heard = stage.monitor.count();
    for phone in [&pair.ours, &pair.theirs] {
        let calls = caller::ring(phone, pace).map_err(|error| format!("the caller's socket: {error}"))?;
        if !calls.iter().all(caller::Call::rang_and_ended) {
            return Err(format!("a single call to {} fails: {calls:?}", phone.contact));
        }
    }
    let wanted = name(0);
    stage.monitor.wait(heard, |_, notice| {
        matches!(notice, harness::desktop::Notice::Notify { title, .. } if *title == wanted).then_some(())
    })
}
