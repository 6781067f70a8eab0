//! How a stream begins: traces of packets on a virtual clock, judged as an ear would, from the first tone on.

use super::*;
use crate::measure::{self, ToneReport};
use std::time::Duration;

const HZ: f64 = 440.0;
const LEVEL: f64 = -20.0;
/// Every trace goes on evenly until then, ms.
const END: u32 = 4000;

/// What a trace sounded like.
#[derive(Debug)]
struct Heard {
    /// From its first tone to its last.
    report: ToneReport,
    /// The delay at the end, ms.
    delay: f64,
    counters: Counters,
}

/// A packet of 20 ms: when it comes, and the sender's time it begins at, ms.
type Packet = (u32, u32);

/// An even stream whose first packet comes at `from` and begins at `stamp`.
fn even(from: u32, stamp: u32) -> impl Iterator<Item = Packet> {
    (0..).map(move |n| (from + 20 * n, stamp + 20 * n)).take_while(|&(at, _)| at < END)
}

/// Drives a buffer through `packets`; the ear pulls from `ear` on, every 10 ms, and `heard` is told what it got when.
fn drive(
    packets: impl IntoIterator<Item = Packet>,
    ear: u32,
    mut heard: impl FnMut(u32, Option<Pulled>, &[i16; STEP]),
) -> Jitter {
    let tone = measure::sine(RATE, HZ, LEVEL, f64::from(2 * END) / 1000.0);
    let mut packets: Vec<Packet> = packets.into_iter().collect();
    packets.sort_by_key(|&(at, _)| at);
    let mut packets = packets.into_iter().peekable();
    let mut jitter = Jitter::default();
    let start = Instant::now();
    for now in (0..END).step_by(10) {
        while let Some((at, stamp)) = packets.next_if(|&(at, _)| at <= now) {
            let from = stamp as usize * 8;
            let at = start + Duration::from_millis(u64::from(at));
            jitter.push(at, 0xffff_fe00_u32.wrapping_add(stamp * 8), &tone[from..from + 160]);
        }
        let mut step = [0; STEP];
        // The pull comes a little after what has just arrived.
        let moment = start + Duration::from_millis(u64::from(now) + 3);
        let pulled = (now >= ear).then(|| jitter.pull(moment, &mut step));
        heard(now, pulled, &step);
    }
    jitter
}

/// What `packets` sound like to an ear that listens from `ear` on.
fn play(packets: impl IntoIterator<Item = Packet>, ear: u32) -> Heard {
    let mut sound = Vec::new();
    let jitter = drive(packets, ear, |_, _, step| sound.extend(step));
    let report = measure::tone_between(&sound, RATE, HZ);
    Heard { report, delay: jitter.delay_ms(), counters: jitter.counters() }
}

/// Whole from its first tone, which comes at `first` ms at the latest, and soon with little delay.
fn whole(heard: &Heard, first: u32) {
    let Heard { report, delay, .. } = heard;
    assert!(report.first_ms.is_some_and(|at| at <= first), "heard late: {heard:?}");
    assert!(report.share() >= 0.98 && report.longest_gap_ms <= 40, "{heard:?}");
    assert!((report.level_dbov - LEVEL).abs() < 1.0, "{heard:?}");
    assert!(*delay < 60.0, "{heard:?}");
}

#[test]
fn an_even_stream_begins_after_40_ms() {
    let heard = play(even(0, 0), 0);
    whole(&heard, 50);
    assert_eq!((heard.report.longest_gap_ms, heard.counters.concealed), (0, 0), "{heard:?}");
}

#[test]
fn a_lone_first_packet_waits_for_the_rest() {
    // Its sender's clock stands still meanwhile, or goes on.
    for pause in [50, 70, 110, 190, 240, 400, 900] {
        for stamp in [20, 20 + pause] {
            let heard = play([(0, 0)].into_iter().chain(even(20 + pause, stamp)), 0);
            println!("{pause} {stamp} {heard:?}");
            whole(&heard, 20 + pause + 60);
            assert!(heard.counters.concealed <= 320, "{pause} {stamp} {heard:?}");
        }
    }
}

#[test]
fn a_lone_packet_that_opens_the_way_sets_no_delay() {
    let heard = play([(0, 0)].into_iter().chain(even(90, 20)), 0);
    let plain = play(even(90, 20), 0);
    assert!((heard.delay - plain.delay).abs() < 2.0, "{heard:?} {plain:?}");
}

#[test]
fn nothing_but_lone_packets_is_nothing() {
    let heard = play((0..4).map(|n| (n * 1000, n * 1000)), 0);
    assert_eq!(heard.report.carrying, 0, "{heard:?}");
}

#[test]
fn a_burst_at_the_beginning_is_heard_at_once_and_bent_to_time() {
    // Sound that waited somewhere on the way: 100 ms, all at once.
    let heard = play((0..5).map(|n| (80, n * 20)).chain(even(100, 100)), 0);
    whole(&heard, 100);
    assert_eq!(heard.counters.concealed, 0, "{heard:?}");
}

#[test]
fn an_old_burst_is_not_played_late() {
    let heard = play((0..40).map(|n| (800, n * 20)).chain(even(820, 800)), 0);
    whole(&heard, 820);
}

#[test]
fn an_ear_that_comes_late_hears_the_present() {
    for late in [100, 300, 1500] {
        whole(&play(even(0, 0), late), late + 20);
    }
}

#[test]
fn order_and_loss_at_the_beginning_are_made_up_for() {
    // The second before the first, and the fourth before the third.
    let swapped = even(0, 0).map(|(at, stamp)| if at % 40 == 0 { (at + 25, stamp) } else { (at, stamp) });
    let heard = play(swapped, 0);
    whole(&heard, 80);
    for lost in [0, 20, 40, 60] {
        let heard = play(even(0, 0).filter(|&(_, stamp)| stamp != lost), 0);
        whole(&heard, 80);
        assert!(heard.counters.concealed <= 160, "{lost}: {heard:?}");
    }
}

#[test]
fn short_packets_and_long_ones_begin_alike() {
    let tone = measure::sine(RATE, HZ, LEVEL, 2.0);
    for length in [80, 160, 240, 320, 480] {
        let mut jitter = Jitter::default();
        let start = Instant::now();
        let at = |samples: usize| start + Duration::from_micros(samples as u64 * 125);
        let mut sound = Vec::new();
        for step in 0..150 {
            let now = step * STEP;
            if now % length < STEP {
                let n = now / length * length;
                jitter.push(at(n), n as u32, &tone[n..n + length]);
            }
            let mut out = [0; STEP];
            jitter.pull(at(now + 24), &mut out);
            sound.extend(out);
        }
        let report = measure::tone_between(&sound, RATE, HZ);
        assert!(report.first_ms.is_some_and(|at| at <= 60), "{length}: {report:?}");
        assert!(report.share() >= 0.98 && report.longest_gap_ms == 0, "{length}: {report:?}");
    }
}

#[test]
fn after_a_pause_the_first_packet_is_not_held_back_longer_than_the_network_needs() {
    let talk = even(0, 0).filter(|&(at, _)| !(1000..2000).contains(&at));
    let mut back = None;
    drive(talk, 0, |now, pulled, _| {
        if now >= 2000 && pulled == Some(Pulled::Sound) {
            back.get_or_insert(now);
        }
    });
    assert!(back.is_some_and(|at| at <= 2040), "{back:?}");
}
