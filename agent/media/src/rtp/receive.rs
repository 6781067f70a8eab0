//! The receiving half of a stream: which packets belong to it, and the statistics of RFC 3550 appendix A.

use crate::codec::RATE;
use std::time::{Duration, Instant};

/// A jump of the sequence number larger than this is a new beginning (RFC 3550 appendix A.1).
const MOST_DROPOUT: u16 = 3000;
/// How far back a packet may come too late.
const MOST_MISORDER: u16 = 100;
const _: () = assert!((MOST_MISORDER as u32) < u128::BITS, "every packet that may come has its bit");
/// How long a source must be silent before another may take its place at once.
const SILENT: Duration = Duration::from_millis(100);

/// What is to be done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Play it.
    Good,
    /// Play it, and forget what came before: another source speaks, or the same one began anew.
    Fresh,
    /// Leave it out: it is a stranger's, or a doublet, or lies too far off.
    Ignore,
}

/// What has come from one source.
#[derive(Debug, Clone)]
struct Source {
    ssrc: u32,
    /// The highest sequence number, with its wraps above it.
    highest: u32,
    base: u32,
    received: u32,
    /// The sequence number expected after a jump.
    jumped: Option<u16>,
    last: Instant,
    /// The highest sequence number and the 127 below it, as bits: doublets are known by it, as far back as a packet may
    /// come ([`MOST_MISORDER`]).
    seen: u128,
    /// Time in transit of the packet before, samples (relative).
    transit: Option<f64>,
    /// RFC 3550 section 6.4.1, samples.
    jitter: f64,
    /// Expected and received at the last report.
    reported: (u32, u32),
    /// The same at the last look at the facts.
    looked: (u32, u32),
}

impl Source {
    fn new(ssrc: u32, sequence: u16, now: Instant) -> Self {
        let first = u32::from(sequence);
        Self {
            ssrc,
            highest: first,
            base: first,
            received: 1,
            jumped: None,
            last: now,
            seen: 1,
            transit: None,
            jitter: 0.0,
            reported: (0, 0),
            looked: (0, 0),
        }
    }

    fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.base).wrapping_add(1)
    }
}

/// One report about what was received (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Report {
    /// About whom.
    pub(crate) ssrc: u32,
    /// Lost since the last report, of 256.
    pub(crate) fraction: u8,
    /// Lost since the beginning.
    pub(crate) lost: u32,
    /// Highest sequence number, extended.
    pub(crate) highest: u32,
    /// Jitter in samples.
    pub(crate) jitter: u32,
}

/// Sorts packets and counts them.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    source: Option<Source>,
    /// A newcomer and the sequence number expected of it next.
    candidate: Option<(u32, u16)>,
    /// Packets of all sources that counted.
    total: u64,
    start: Option<Instant>,
}

impl Receiver {
    /// A packet came from the peer. `clock`: its time stamp counts for the jitter (sound, not events).
    pub(crate) fn packet(
        &mut self,
        now: Instant,
        ssrc: u32,
        sequence: u16,
        timestamp: u32,
        clock: bool,
    ) -> Verdict {
        let start = *self.start.get_or_insert(now);
        let verdict = self.place(now, ssrc, sequence);
        if verdict == Verdict::Ignore {
            return verdict;
        }
        self.total += 1;
        self.candidate = None;
        if let Some(source) = &mut self.source {
            source.last = now;
            if clock {
                let arrival = now.saturating_duration_since(start).as_secs_f64() * f64::from(RATE);
                // Time stamps wrap: only the difference of two transits means something, taken as a signed 32 bits.
                let transit = arrival - f64::from(timestamp);
                if let Some(before) = source.transit {
                    let wrap = 4_294_967_296.0;
                    let difference = (transit - before + wrap / 2.0).rem_euclid(wrap) - wrap / 2.0;
                    // A step of more than a second is a new clock, not jitter.
                    if difference.abs() < f64::from(RATE) {
                        source.jitter += (difference.abs() - source.jitter) / 16.0;
                    }
                }
                source.transit = Some(transit);
            }
        }
        verdict
    }

    fn place(&mut self, now: Instant, ssrc: u32, sequence: u16) -> Verdict {
        let Some(source) = &mut self.source else {
            self.source = Some(Source::new(ssrc, sequence, now));
            return Verdict::Fresh;
        };
        if source.ssrc != ssrc {
            // Two in a row, or the old one silent: a single stray packet must not tear the stream.
            let proven = self.candidate == Some((ssrc, sequence));
            if proven || now.saturating_duration_since(source.last) > SILENT {
                self.source = Some(Source::new(ssrc, sequence, now));
                return Verdict::Fresh;
            }
            self.candidate = Some((ssrc, sequence.wrapping_add(1)));
            return Verdict::Ignore;
        }
        let ahead = sequence.wrapping_sub(source.highest as u16);
        if ahead == 0 {
            return Verdict::Ignore;
        }
        if ahead < MOST_DROPOUT {
            source.seen = source.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            source.highest = source.highest.wrapping_add(u32::from(ahead));
            source.received += 1;
            source.jumped = None;
            return Verdict::Good;
        }
        let behind = ahead.wrapping_neg();
        if behind <= MOST_MISORDER {
            let bit = 1_u128.checked_shl(u32::from(behind)).unwrap_or(0);
            if source.seen & bit != 0 {
                return Verdict::Ignore;
            }
            source.seen |= bit;
            source.received += 1;
            return Verdict::Good;
        }
        if source.jumped == Some(sequence) {
            self.source = Some(Source::new(ssrc, sequence, now));
            return Verdict::Fresh;
        }
        source.jumped = Some(sequence.wrapping_add(1));
        Verdict::Ignore
    }

    /// The source said goodbye: the next one is taken at once.
    pub(crate) fn goodbye(&mut self, ssrc: u32) {
        if self.source.as_ref().is_some_and(|source| source.ssrc == ssrc) {
            self.source = None;
        }
    }

    /// Packets that counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Interarrival jitter, milliseconds.
    pub(crate) fn jitter_ms(&self) -> f64 {
        self.source.as_ref().map_or(0.0, |source| source.jitter * 1000.0 / f64::from(RATE))
    }

    /// Lost of those expected since the last look, percent.
    pub(crate) fn look(&mut self) -> f64 {
        let Some(source) = &mut self.source else { return 0.0 };
        let (expected, received) = (source.expected(), source.received);
        let (due, came) = (expected.wrapping_sub(source.looked.0), received.wrapping_sub(source.looked.1));
        source.looked = (expected, received);
        if due == 0 || came >= due { 0.0 } else { 100.0 * f64::from(due - came) / f64::from(due) }
    }

    /// What a report says now; begins the next interval (RFC 3550 appendix A.3).
    pub(crate) fn report(&mut self) -> Option<Report> {
        let source = self.source.as_mut()?;
        let (expected, received) = (source.expected(), source.received);
        let due = expected.wrapping_sub(source.reported.0);
        let lost = due.saturating_sub(received.wrapping_sub(source.reported.1));
        source.reported = (expected, received);
        Some(Report {
            ssrc: source.ssrc,
            fraction: if due == 0 { 0 } else { (u64::from(lost) * 256 / u64::from(due)).min(255) as u8 },
            lost: expected.saturating_sub(received).min(0x7f_ffff),
            highest: source.highest,
            jitter: source.jitter as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn loss_order_and_doublets_are_counted() {
        let start = Instant::now();
        let mut receiver = Receiver::default();
        let order = [65_533_u16, 65_534, 65_535, 0, 1, 3, 2, 2, 6, 7];
        let verdicts: Vec<Verdict> = order
            .iter()
            .enumerate()
            .map(|(n, &s)| receiver.packet(after(start, 20 * n as u64), 1, s, 160 * n as u32, true))
            .collect();
        assert_eq!(verdicts[0], Verdict::Fresh);
        assert_eq!(verdicts[7], Verdict::Ignore, "the doublet");
        assert!(verdicts[1..7].iter().all(|&v| v == Verdict::Good));
        assert_eq!(receiver.total(), 9);
        assert!((receiver.look() - 100.0 * 2.0 / 11.0).abs() < 0.01);
        let report = receiver.report().expect("a source");
        assert_eq!((report.lost, report.highest, report.fraction), (2, 65_536 + 7, (2 * 256 / 11) as u8));
        assert!(receiver.look() < 0.01, "a new interval");
        assert_eq!(receiver.report().map(|r| r.fraction), Some(0));
    }

    #[test]
    fn a_doublet_is_known_as_far_back_as_a_packet_may_be_late() {
        let start = Instant::now();
        let mut receiver = Receiver::default();
        for n in 0..300_u16 {
            // One in seven is lost, and comes in late or never.
            if n % 7 != 0 {
                receiver.packet(start, 1, n, 160 * u32::from(n), true);
            }
        }
        let highest = 299;
        for behind in 0..=MOST_MISORDER {
            let sequence = highest - behind;
            let missing = sequence % 7 == 0;
            let before = receiver.total();
            for first in [true, false] {
                let expected = if missing && first { Verdict::Good } else { Verdict::Ignore };
                assert_eq!(receiver.packet(start, 1, sequence, 0, false), expected, "{behind} behind");
            }
            assert_eq!(receiver.total() - before, u64::from(missing));
        }
    }

    #[test]
    fn jitter_is_that_of_the_rfc() {
        let start = Instant::now();
        let mut receiver = Receiver::default();
        for n in 0..2000_u64 {
            let late = if n % 2 == 0 { 0 } else { 10 };
            receiver.packet(after(start, 20 * n + late), 1, n as u16, (160 * n) as u32, true);
        }
        assert!((receiver.jitter_ms() - 10.0).abs() < 0.2, "{}", receiver.jitter_ms());
        let mut even = Receiver::default();
        for n in 0..200_u64 {
            even.packet(after(start, 20 * n), 1, n as u16, (160 * n) as u32 ^ 0xffff_0000, true);
        }
        assert!(even.jitter_ms() < 0.01);
    }

    #[test]
    fn a_new_source_is_believed_after_two_packets_or_a_silence() {
        let start = Instant::now();
        let mut receiver = Receiver::default();
        receiver.packet(start, 1, 10, 0, true);
        assert_eq!(receiver.packet(after(start, 5), 2, 500, 0, true), Verdict::Ignore);
        assert_eq!(receiver.packet(after(start, 20), 1, 11, 160, true), Verdict::Good);
        assert_eq!(receiver.packet(after(start, 30), 2, 501, 160, true), Verdict::Ignore);
        assert_eq!(receiver.packet(after(start, 50), 2, 502, 320, true), Verdict::Fresh);
        assert_eq!(receiver.packet(after(start, 600), 3, 9, 320, true), Verdict::Fresh);
        receiver.goodbye(3);
        assert_eq!(receiver.packet(after(start, 601), 4, 9, 320, true), Verdict::Fresh);
    }

    #[test]
    fn a_jump_is_believed_after_two_packets() {
        let start = Instant::now();
        let mut receiver = Receiver::default();
        receiver.packet(start, 1, 10, 0, true);
        assert_eq!(receiver.packet(start, 1, 20_000, 0, true), Verdict::Ignore);
        assert_eq!(receiver.packet(start, 1, 20_001, 0, true), Verdict::Fresh);
    }
}
