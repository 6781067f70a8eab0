//! The jitter buffer against seeded networks: how late it plays, and how much it makes up, are bounded.

use super::*;
use crate::measure;
use std::time::Duration;

/// A network and two clocks.
#[derive(Debug, Clone, Copy)]
struct Network {
    /// Packets come up to this much late, ms.
    jitter: f64,
    /// Lost, of 100.
    loss: f64,
    /// Losses come in runs of this many packets on average.
    burst: f64,
    /// Doublets, of 100.
    doublets: f64,
    /// The sender's clock against the ear's, parts per million.
    drift: f64,
    /// The ear pulls this many steps at a time.
    chunk: u64,
}

const CALM: Network = Network { jitter: 0.0, loss: 0.0, burst: 1.0, doublets: 0.0, drift: 0.0, chunk: 1 };

/// What came of it after the first three seconds.
#[derive(Debug)]
struct Outcome {
    /// Mean time from the fastest possible arrival to the ear, ms.
    delay: f64,
    /// The greatest such time.
    worst: f64,
    /// The mean of what the buffer itself says of it, ms.
    told: f64,
    /// Made up though it was not lost, of 100.
    needless: f64,
    /// Made up in all, of 100.
    concealed: f64,
    lost: f64,
    sound: Vec<i16>,
}

struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Sends `seconds` of a tone through `network`.
fn run(network: Network, seconds: u64, seed: u64) -> Outcome {
    let mut random = Random(seed);
    let tone = measure::sine(RATE, 200.0, -13.0, seconds as f64);
    let start = Instant::now();
    let mut arrivals: Vec<(f64, u32, usize)> = Vec::new();
    let mut lost = 0_u64;
    let mut losing = false;
    let packets = seconds * 50;
    for n in 0..packets {
        let stop = 1.0 / network.burst;
        let begin = network.loss / 100.0 * stop / (1.0 - network.loss / 100.0).max(0.01);
        losing = if losing { random.unit() >= stop } else { random.unit() < begin };
        if losing {
            lost += 1;
            continue;
        }
        let sent = 20.0 * n as f64 * (1.0 - network.drift / 1e6);
        let stamp = (0xffff_f000_u32).wrapping_add(n as u32 * 160);
        arrivals.push((sent + random.unit() * network.jitter, stamp, n as usize));
        if random.unit() * 100.0 < network.doublets {
            arrivals.push((sent + random.unit() * network.jitter + 5.0, stamp, n as usize));
        }
    }
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut jitter = Jitter::default();
    let (mut sound, mut delays, mut told) = (Vec::new(), Vec::new(), Vec::new());
    let mut arrivals = arrivals.into_iter().peekable();
    let mut base = 0;
    for step in 0..seconds * 100 {
        let now = (step / network.chunk * network.chunk + network.chunk) as f64 * 10.0 + 3.0;
        while let Some((at, stamp, n)) = arrivals.next_if(|a| a.0 <= now) {
            jitter.push(after(start, at), stamp, &tone[n * 160..n * 160 + 160]);
        }
        let mut out = [0; STEP];
        jitter.pull(after(start, now), &mut out);
        sound.extend(out);
        if step == 300 {
            base = jitter.counters.concealed;
        }
        if step > 300 && jitter.playing {
            let (stamp, number) = jitter.reference.expect("packets came");
            let played = jitter.next - jitter.ready.len() as i64 + jitter.gap - number;
            let sent = (f64::from(stamp.wrapping_sub(0xffff_f000)) + played as f64) / 8.0;
            // What was pulled now was 10 ms before what comes next.
            delays.push(now + 10.0 - sent * (1.0 - network.drift / 1e6));
            told.push(jitter.delay_ms());
        }
    }
    let pulled = (seconds * RATE as u64 - 24_000) as f64;
    let concealed = 100.0 * (jitter.counters.concealed - base) as f64 / pulled;
    let lost = 100.0 * lost as f64 / packets as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Outcome {
        delay: mean(&delays),
        told: mean(&told),
        worst: delays.iter().copied().fold(0.0, f64::max),
        needless: (concealed - lost).max(0.0),
        concealed,
        lost,
        sound,
    }
}

fn after(start: Instant, ms: f64) -> Instant {
    start + Duration::from_secs_f64(ms / 1000.0)
}

#[test]
fn a_calm_network_costs_little_and_changes_nothing() {
    for chunk in [1, 2] {
        let outcome = run(Network { chunk, ..CALM }, 30, 1);
        assert!(outcome.delay < 38.0, "{} {}", outcome.delay, outcome.worst);
        assert!((outcome.told - outcome.delay).abs() < 1.0, "{} {}", outcome.told, outcome.delay);
        assert!(outcome.concealed < 0.01, "{}", outcome.concealed);
        let report = measure::tone(&outcome.sound[24_000..], RATE, 200.0);
        assert!(report.share() > 0.999 && report.longest_gap_ms == 0, "{report:?}");
        assert!((report.level_dbov + 13.0).abs() < 0.2, "{report:?}");
    }
}

#[test]
fn jitter_is_followed_and_no_more() {
    for (most, bound) in [(5.0, 40.0), (10.0, 42.0), (20.0, 50.0), (30.0, 60.0)] {
        for seed in 1..4 {
            let outcome = run(Network { jitter: most, ..CALM }, 60, seed);
            println!(
                "jitter {most}: delay {:.1} worst {:.1} made up {:.2} %",
                outcome.delay, outcome.worst, outcome.concealed
            );
            assert!(outcome.delay < bound, "{most}: {} {}", outcome.delay, outcome.worst);
            assert!(outcome.needless < 1.0, "{most}: {}", outcome.needless);
        }
    }
}

#[test]
fn loss_is_made_up_and_nothing_else() {
    for loss in [1.0, 5.0, 10.0, 20.0] {
        for burst in [1.0, 3.0] {
            let outcome = run(Network { jitter: 30.0, loss, burst, ..CALM }, 60, 7);
            let Outcome { delay, concealed, lost, .. } = outcome;
            println!("loss {lost:.1} % in runs of {burst}: delay {delay:.1}, made up {concealed:.1} %");
            assert!(outcome.delay < 65.0, "{loss}/{burst}: {}", outcome.delay);
            assert!(outcome.needless < 1.5, "{loss}/{burst}: {} of {}", outcome.needless, outcome.lost);
            let report = measure::tone(&outcome.sound[24_000..], RATE, 200.0);
            assert!(report.share() > 0.9, "{loss}/{burst}: {report:?}");
        }
    }
}

#[test]
fn a_drifting_clock_is_followed() {
    for drift in [-200.0, -50.0, 50.0, 200.0] {
        let outcome = run(Network { drift, jitter: 10.0, chunk: 2, ..CALM }, 300, 3);
        assert!(outcome.delay < 58.0 && outcome.worst < 90.0, "{drift}: {} {}", outcome.delay, outcome.worst);
        assert!(outcome.needless < 0.3, "{drift}: {}", outcome.needless);
    }
}

#[test]
fn doublets_change_nothing() {
    let plain = run(Network { jitter: 15.0, ..CALM }, 30, 5);
    let doubled = run(Network { jitter: 15.0, doublets: 30.0, ..CALM }, 30, 5);
    assert!(doubled.needless < 0.5 && (doubled.delay - plain.delay).abs() < 10.0, "{doubled:?}");
}

#[test]
fn a_storm_passes() {
    let mut jitter = Jitter::default();
    let start = Instant::now();
    let tone = measure::sine(RATE, 200.0, -13.0, 0.02);
    let (mut out, mut n) = ([0; STEP], 0_u32);
    let mut delay = Vec::new();
    for step in 0..3000_u64 {
        // Ten seconds calm, one second nothing and then all at once, and calm again.
        let stalled = (1000..1100).contains(&step);
        if !stalled {
            while u64::from(n) * 2 <= step {
                jitter.push(after(start, step as f64 * 10.0), n * 160, &tone);
                n += 1;
            }
        }
        jitter.pull(after(start, step as f64 * 10.0 + 1.0), &mut out);
        if step % 100 == 99 {
            delay.push(jitter.delay_ms());
        }
    }
    assert!(delay[8] < 40.0 && delay[29] < 60.0, "{delay:?}");
}

#[test]
fn a_pause_of_the_sender_is_a_pause() {
    let mut jitter = Jitter::default();
    let start = Instant::now();
    let tone = measure::sine(RATE, 200.0, -13.0, 0.02);
    let mut out = [0; STEP];
    let mut heard = Vec::new();
    for step in 0..1000_u64 {
        let speaking = !(300..600).contains(&step);
        if step % 2 == 0 && speaking {
            jitter.push(after(start, step as f64 * 10.0), step as u32 * 80, &tone);
        }
        heard.push(jitter.pull(after(start, step as f64 * 10.0 + 1.0), &mut out));
    }
    assert_eq!(heard[0], Pulled::Silence);
    assert_eq!(heard[400], Pulled::Silence, "after half a second it is a pause");
    let back = heard[600..].iter().position(|&p| p == Pulled::Sound).expect("heard again");
    assert!(back < 8, "{back}");
    assert!(heard[610..].iter().all(|&p| p == Pulled::Sound));
    assert!(jitter.delay_ms() < 60.0);
}

#[test]
fn a_sender_that_starts_its_clock_anew_is_followed() {
    let mut jitter = Jitter::default();
    let start = Instant::now();
    let tone = measure::sine(RATE, 200.0, -13.0, 0.02);
    let mut out = [0; STEP];
    let mut heard = Vec::new();
    for step in 0..1000_u64 {
        if step % 2 == 0 {
            let stamp = if step < 500 { step as u32 * 80 } else { 3_000_000_000 + step as u32 * 80 };
            jitter.push(after(start, step as f64 * 10.0), stamp, &tone);
        }
        heard.push(jitter.pull(after(start, step as f64 * 10.0 + 1.0), &mut out));
    }
    let lost = heard[500..].iter().filter(|&&p| p != Pulled::Sound).count();
    assert!(lost < 15, "{lost}");
    assert!(heard[520..].iter().all(|&p| p == Pulled::Sound));
}

#[test]
fn an_ear_that_stood_still_is_soon_in_time_again() {
    for stall in [10_u64, 30, 80] {
        let mut jitter = Jitter::default();
        let start = Instant::now();
        let tone = measure::sine(RATE, 1000.0, -13.0, 20.0);
        let mut out = [0; STEP];
        let mut delays = Vec::new();
        for step in 0..2000_u64 {
            if step % 2 == 0 {
                let n = step as usize / 2;
                jitter.push(
                    after(start, step as f64 * 10.0),
                    step as u32 * 80,
                    &tone[n * 160..n * 160 + 160],
                );
            }
            if !(1000..1000 + stall).contains(&step) {
                jitter.pull(after(start, step as f64 * 10.0 + 1.0), &mut out);
                delays.push(jitter.delay_ms());
            }
        }
        let back = delays[1000..].iter().position(|&delay| delay < 50.0).expect("in time again");
        assert!(back < 150, "{stall}: {back} steps, {:?}", &delays[995..1200]);
        assert!(delays.last().is_some_and(|&delay| delay < 45.0), "{delays:?}");
    }
}

#[test]
fn nobody_pulls_and_memory_stays_bounded() {
    let mut jitter = Jitter::default();
    let start = Instant::now();
    for n in 0..10_000_u32 {
        jitter.push(after(start, f64::from(n) * 20.0), n * 160, &[0; 160]);
    }
    assert!(jitter.packets.len() <= 51);
    jitter.push(start, 0, &[]);
    let mut out = [0; STEP];
    for step in 0..200 {
        jitter.pull(after(start, 200_000.0 + f64::from(step) * 10.0), &mut out);
    }
    assert!(jitter.packets.len() < 51);
}
