//! 50, 100 and 200 INVITE a second: how many calls are served, which is more than a 180.

use crate::{
    caller::{self, Call, Pace},
    gauge,
    pair::Pair,
    report::{Row, Target, percentile},
    stage::{CALLERS, Stage, name},
};
use harness::wait;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long each burst lasts, seconds.
const SECONDS: u32 = 4;

/// How long each call rings.
const RING: Duration = Duration::from_millis(300);

/// How long journal and events may take to be complete after a burst.
const SETTLE: Duration = Duration::from_secs(5);

/// At this rate the slowest answers are held against baresip's.
const FASTEST: u32 = 200;

/// A rate, INVITE a second, and the names of its rows.
const RATES: [(u32, &str, &str); 3] = [
    (50, "served at 50 a second", "INVITE to 180 at 50 a second, p99"),
    (100, "served at 100 a second", "INVITE to 180 at 100 a second, p99"),
    (FASTEST, "served at 200 a second", "INVITE to 180 at 200 a second, p99"),
];

/// Measures the bursts.
pub(crate) fn measure(stage: &Stage, pair: &mut Pair) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (rate, served, late) in RATES {
        let load = gauge::load()?;
        let calls = rate * SECONDS;
        let count = usize::try_from(calls).unwrap_or(CALLERS).min(CALLERS);
        let pace = Pace { first: 0, calls: count, every: Duration::from_secs(1) / rate, ring: RING };
        let (theirs, their_rings) = at_baresip(pair, pace)?;
        let (ours, our_rings, note) = at_trayphone(stage, pair, pace)?;
        rows.push(Row {
            what: served,
            unit: "calls",
            target: Target::All(calls),
            trayphone: ours,
            baresip: Some(theirs),
            pjsua: None,
            load,
            note: format!("{note}; baresip: 180, its call event and 487, it has no card and no journal"),
        });
        rows.push(Row {
            what: late,
            unit: "ms",
            target: if rate == FASTEST { Target::Theirs } else { Target::None },
            trayphone: our_rings,
            baresip: Some(their_rings),
            pjsua: None,
            load,
            note: "at the caller's socket".to_owned(),
        });
    }
    Ok(rows)
}

/// What of a burst baresip served, and the 99th percentile of its 180s, ms.
fn at_baresip(pair: &mut Pair, pace: Pace) -> Result<(f64, f64), String> {
    let before = pair.baresip.count("CALL_INCOMING");
    let calls = ring(&pair.theirs, pace)?;
    let baresip = &mut pair.baresip;
    wait::until(SETTLE, || (baresip.count("CALL_INCOMING") >= before + calls.len()).then_some(()));
    let incoming = baresip.events.iter().filter(|event| event["type"] == "CALL_INCOMING").skip(before);
    let peers: Vec<&str> = incoming.filter_map(|event| event["peeruri"].as_str()).collect();
    let told = |call: &&Call| peers.iter().any(|peer| peer.contains(&call.number));
    let served = calls.iter().filter(|call| call.rang_and_ended()).filter(told).count();
    Ok((served as f64, slowest(&calls)))
}

/// What of a burst we served, the 99th percentile of our 180s (ms), and how many calls had each of the parts.
fn at_trayphone(stage: &Stage, pair: &Pair, pace: Pace) -> Result<(f64, f64, String), String> {
    let launch = pair.trayphone.launch();
    let (stream, file) = stage.events(launch)?;
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let calls = ring(&pair.ours, pace)?;
    let limit = (2 * calls.len()).to_string();
    let mut found = Found::default();
    wait::until(SETTLE, || {
        let rows = stage.ask(launch, &["journal", "--limit", &limit]).unwrap_or_default();
        let fresh = |row: &&Value| row["started"].as_u64().is_some_and(|at| u128::from(at) >= began);
        found = Found::read(&file, rows.iter().filter(fresh));
        calls.iter().all(|call| found.serves(call)).then_some(())
    });
    drop(stream);
    let of = |set: &BTreeSet<String>| calls.iter().filter(|call| set.contains(&call.number)).count();
    let note = format!(
        "180 {}, 487 {}, call {}, card {}, journal row {}",
        calls.iter().filter(|call| call.ringing.is_some()).count(),
        calls.iter().filter(|call| call.end == Some(487)).count(),
        of(&found.calls),
        of(&found.cards),
        of(&found.rows),
    );
    let served = calls.iter().filter(|call| found.serves(call)).count();
    Ok((served as f64, slowest(&calls), note))
}

fn ring(phone: &crate::message::Phone, pace: Pace) -> Result<Vec<Call>, String> {
    caller::ring(phone, pace).map_err(|error| format!("the caller's socket: {error}"))
}

fn slowest(calls: &[Call]) -> f64 {
    let rings: Vec<f64> =
        calls.iter().map(|call| call.ringing.map_or(f64::INFINITY, |it| it.as_secs_f64() * 1e3)).collect();
    percentile(&rings, 0.99).unwrap_or(f64::NAN)
}

/// The numbers of the callers that our agent's events and journal know.
#[derive(Default)]
struct Found {
    calls: BTreeSet<String>,
    cards: BTreeSet<String>,
    rows: BTreeSet<String>,
}

impl Found {
    fn read<'a>(events: &Path, rows: impl Iterator<Item = &'a Value>) -> Self {
        let names: BTreeMap<String, String> =
            (0..CALLERS).map(|index| (crate::caller::number(index), name(index))).collect();
        let text = fs::read_to_string(events).unwrap_or_default();
        let notices = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut found = Self::default();
        for notice in notices.filter(|notice| notice["type"] == "call" && notice["direction"] == "incoming") {
            let Some(number) = notice["party"]["number"].as_str() else { continue };
            found.calls.insert(number.to_owned());
            if notice["card"]["name"]
                .as_str()
                .is_some_and(|name| names.get(number).is_some_and(|it| it == name))
            {
                found.cards.insert(number.to_owned());
            }
        }
        let mut seen = BTreeSet::new();
        for number in rows.filter_map(|row| row["party"]["number"].as_str()) {
            // A row of its own: not two for one call.
            if !seen.insert(number) {
                found.rows.remove(number);
            } else {
                found.rows.insert(number.to_owned());
            }
        }
        found
    }

    fn serves(&self, call: &Call) -> bool {
        let known = [&self.calls, &self.cards, &self.rows].iter().all(|set| set.contains(&call.number));
        known && call.rang_and_ended()
    }
}

#[cfg(test)]
mod tests {
    use super::Found;
    use crate::caller::{Call, number};
    use serde_json::json;
    use std::time::{Duration, Instant, SystemTime};

    #[test]
    fn served_is_180_and_call_and_card_and_row_and_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("events");
        let event = |index: usize, name: &str| {
            json!({ "type": "call", "direction": "incoming", "party": { "number": number(index) },
                    "card": { "name": name } })
            .to_string()
        };
        let lines =
            [event(0, "Bench Caller 000000"), event(1, "Somebody else"), event(2, "Bench Caller 000002")];
        std::fs::write(&file, lines.join("\n")).expect("a file");
        let row = |index| json!({ "party": { "number": number(index) } });
        let rows = [row(0), row(1), row(2), row(3), row(2)];
        let found = Found::read(&file, rows.iter());
        let call = |index| Call {
            number: number(index),
            sent: SystemTime::now(),
            sent_at: Instant::now(),
            ringing: Some(Duration::from_millis(1)),
            end: Some(487),
        };
        assert!(found.serves(&call(0)));
        assert!(!found.serves(&call(1)), "another's card");
        assert!(!found.serves(&call(2)), "two rows");
        assert!(!found.serves(&call(3)), "no event");
        assert!(!found.serves(&Call { end: Some(486), ..call(0) }), "busy is no service");
        assert!(!found.serves(&Call { ringing: None, ..call(0) }), "it never rang");
    }
}
