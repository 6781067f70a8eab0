//! One call after the other, in turns: when the 180 is back, when the toast is handed over, when it has the name.

use crate::{
    caller::{self, Call, Pace},
    gauge,
    pair::Pair,
    report::{Row, Target, percentile},
    stage::{PJSUA, Stage, name},
};
use harness::desktop::Notice;
use std::time::{Duration, Instant};

/// Rounds; in each, one program after the other is called.
const ROUNDS: usize = 5;

/// Each round's calls: each ends before the next begins, and has time to be named.
const PACE: Pace =
    Pace { first: 0, calls: 50, every: Duration::from_millis(140), ring: Duration::from_millis(110) };

/// When what was seen of our calls, ms after the INVITE.
#[derive(Default)]
struct Seen {
    toast: Vec<f64>,
    named: Vec<f64>,
}

/// From INVITE to 180, ms: baresip's calls and pjsua2's.
type Others<'a> = (&'a Vec<f64>, &'a Vec<f64>);

/// Measures the calls.
pub(crate) fn measure(stage: &Stage, pair: &Pair) -> Result<Vec<Row>, String> {
    let load = gauge::load()?;
    let pjsua = stage.pjsua()?;
    let third = stage.phone(PJSUA)?;
    let (mut ours, mut theirs, mut thirds, mut seen) = (Vec::new(), Vec::new(), Vec::new(), Seen::default());
    for round in 0..ROUNDS {
        let pace = Pace { first: round * PACE.calls, ..PACE };
        let failed = |error: std::io::Error| format!("the caller's socket: {error}");
        theirs.extend(rung(&caller::ring(&pair.theirs, pace).map_err(failed)?));
        thirds.extend(rung(&caller::ring(&third, pace).map_err(failed)?));
        let heard = stage.monitor.count();
        let calls = caller::ring(&pair.ours, pace).map_err(failed)?;
        seen.look(&calls, pace.first, stage.monitor.all().split_off(heard));
        ours.extend(rung(&calls));
    }
    drop(pjsua);
    let calls = ROUNDS * PACE.calls;
    let others = Some((&theirs, &thirds));
    let rows = [
        ("INVITE to 180, p50", 0.5, Target::Theirs, &ours, others),
        ("INVITE to 180, p99", 0.99, Target::AtMost(3.0), &ours, others),
        ("INVITE to toast, p50", 0.5, Target::None, &seen.toast, None),
        ("INVITE to toast, p99", 0.99, Target::AtMost(20.0), &seen.toast, None),
        ("INVITE to named toast, p50", 0.5, Target::None, &seen.named, None),
        ("INVITE to named toast, p99", 0.99, Target::None, &seen.named, None),
    ];
    let row = |(what, share, target, ours, others): (_, f64, _, &Vec<f64>, Option<Others<'_>>)| Row {
        what,
        unit: "ms",
        target,
        trayphone: percentile(ours, share).unwrap_or(f64::NAN),
        baresip: others.and_then(|(theirs, _)| percentile(theirs, share)),
        pjsua: others.and_then(|(_, thirds)| percentile(thirds, share)),
        load,
        note: match others {
            Some(_) => format!("{calls} calls each, the kernel's time of arrival at the caller's socket"),
            None => {
                let late = ours.iter().filter(|ms| ms.is_infinite()).count();
                format!(
                    "{calls} calls, {late} without; Notify as the session bus hands it over; the others have no toast"
                )
            }
        },
    };
    Ok(rows.into_iter().map(row).collect())
}

/// From INVITE to 180, ms; a call that never rang counts as endless.
fn rung(calls: &[Call]) -> Vec<f64> {
    calls.iter().map(|call| call.ringing.map_or(f64::INFINITY, |it| it.as_secs_f64() * 1e3)).collect()
}

impl Seen {
    /// Finds each call's first toast and first named toast among what was handed over while it rang.
    fn look(&mut self, calls: &[Call], first: usize, notices: Vec<(Instant, Notice)>) {
        for (place, call) in calls.iter().enumerate() {
            let wanted = name(first + place);
            let over = call.sent_at + call.ringing.unwrap_or_default() + PACE.ring;
            let during = notices.iter().filter(|(at, _)| (call.sent_at..over).contains(at));
            let toasts = during.filter_map(|(at, notice)| match notice {
                Notice::Notify { title, body, .. } => Some((at.duration_since(call.sent_at), title, body)),
                _ => None,
            });
            let (mut toast, mut named) = (f64::INFINITY, f64::INFINITY);
            for (since, title, body) in toasts {
                let ms = since.as_secs_f64() * 1e3;
                if shows(title, &call.number) || shows(body, &call.number) {
                    toast = toast.min(ms);
                }
                if *title == wanted {
                    named = named.min(ms);
                }
            }
            self.toast.push(toast);
            self.named.push(named);
        }
    }
}

/// Whether a text holds the number, however it is written: the last seven digits are enough.
fn shows(text: &str, number: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    number.get(number.len() - 7..).is_some_and(|tail| digits.contains(tail))
}

#[cfg(test)]
mod tests {
    use super::{Seen, shows};
    use crate::{caller::Call, stage::name};
    use harness::desktop::Notice;
    use std::time::{Duration, Instant, SystemTime};

    #[test]
    fn a_number_is_found_however_it_is_written() {
        assert!(shows("+49 30 5000017", "+49305000017") && shows("030 / 50000-17", "+49305000017"));
        assert!(!shows("+49 30 5000016", "+49305000017") && !shows("", "+49305000017"));
    }

    #[test]
    fn a_toast_of_another_call_or_after_the_call_is_none() {
        let sent_at = Instant::now();
        let ringing = Some(Duration::from_millis(1));
        let number = crate::caller::number(17);
        let call = Call { number, sent: SystemTime::now(), sent_at, ringing, end: Some(487) };
        let notify = |ms, title: &str, body: &str| {
            let notice = Notice::Notify {
                replaces: 0,
                title: title.to_owned(),
                body: body.to_owned(),
                actions: Vec::new(),
                urgency: None,
                expires: 0,
            };
            (sent_at + Duration::from_millis(ms), notice)
        };
        let mut seen = Seen::default();
        let other = notify(2, "+49 30 5000016", "");
        let toast = notify(5, "+49 30 5000017", "");
        seen.look(
            std::slice::from_ref(&call),
            17,
            vec![other.clone(), toast, notify(9, &name(17), "+49 30 5000017")],
        );
        seen.look(&[call], 17, vec![other, notify(500, &name(17), "+49 30 5000017")]);
        assert_eq!((seen.toast, seen.named), (vec![5.0, f64::INFINITY], vec![9.0, f64::INFINITY]));
    }
}
