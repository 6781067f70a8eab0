//! How long sound must be held back for the network and the sound card as they are.

use crate::codec::RATE;
use std::collections::VecDeque;

/// The least that is held back, samples: 20 ms.
const LEAST: f64 = 160.0;
/// The most: 200 ms. Between 20 and 60 ms is where a phone should be; beyond that only a network that is as bad as
/// that leads, because words lost are worse than words late.
const MOST: f64 = 1600.0;
/// Where a stream begins, before anything is known: 40 ms.
const FIRST: f64 = 320.0;
/// How many packets are remembered: 8 seconds of 20 ms.
const MEMORY: usize = 400;
/// For how long the fastest packet counts, in parts of one second.
const PARTS: usize = 8;
/// The share of packets that may come too late: 1 of 100.
const TOLERATED: f64 = 0.01;
/// A second of packets of 20 ms.
const SECOND: usize = 50;
/// So many packets are a beginning.
const FEW: usize = 10;
/// A packet is early when all that came after it, or before it, took this much longer, samples (10 ms).
const EARLY: f64 = 80.0;
/// After how many packets the answer is worked out again.
const EVERY: u32 = 10;

/// Learns from each packet.
#[derive(Debug, Default)]
pub(crate) struct Estimator {
    /// Transit times of the last packets, samples (relative to the sender's unknown clock).
    transits: VecDeque<f64>,
    /// The fastest transit in each of the last seconds, and which second that was.
    fastest: VecDeque<(i64, f64)>,
    /// Packets since the target was worked out.
    since: u32,
    /// How much the network spreads packets, samples; `None`: not known yet.
    spread: Option<f64>,
    /// How far the sound card's pulls run ahead of their mean, samples.
    pulls: f64,
}

impl Estimator {
    /// A packet came at `now` after `transit`.
    pub(crate) fn arrived(&mut self, now: f64, transit: f64) {
        let second = (now / f64::from(RATE)) as i64;
        if self.transits.len() < SECOND && self.fastest().is_some_and(|fastest| fastest - transit > EARLY) {
            // What came so far waited somewhere, for the way to open or for us to listen: it tells nothing of the network.
            self.restart();
            self.spread = None;
        }
        match self.fastest.back_mut() {
            Some((last, least)) if *last == second => *least = least.min(transit),
            _ => self.fastest.push_back((second, transit)),
        }
        while self.fastest.len() > PARTS {
            self.fastest.pop_front();
        }
        if self.transits.len() >= MEMORY {
            self.transits.pop_front();
        }
        self.transits.push_back(transit);
        self.since += 1;
        // A packet later than anything allowed for is not waited for ten packets long.
        let surprise = self.transits.len() > 5 && self.fastest().is_some_and(|f| transit - f > self.target());
        if self.since >= EVERY || surprise || self.spread.is_none() {
            self.since = 0;
            self.learn();
        }
    }

    /// The ear's pull came `ahead` samples before its mean time.
    pub(crate) fn pulled(&mut self, ahead: f64) {
        self.pulls = (self.pulls * 0.998).max(ahead.clamp(0.0, 240.0));
    }

    /// The sender's clock began anew.
    pub(crate) fn restart(&mut self) {
        *self = Self { pulls: self.pulls, spread: self.spread, ..Self::default() };
    }

    /// The stream is about to be played. A first packet that was much faster than all after it tells nothing of the
    /// network: its sender paused after it. The zero is set by the others.
    pub(crate) fn forget_early(&mut self) {
        let known = self.transits.len();
        while known <= FEW
            && let Some(&early) = self.transits.front()
            && let Some(rest) = self.transits.iter().skip(1).copied().reduce(f64::min)
            && rest - early > EARLY
        {
            self.transits.pop_front();
            let second = self.fastest.back().map_or(0, |&(second, _)| second);
            self.fastest = VecDeque::from([(second, rest)]);
            self.spread = None;
        }
        if self.transits.len() < known {
            self.learn();
        }
    }

    /// What came so far was no stream: if there is no more than that, nothing is known.
    pub(crate) fn forget_lone(&mut self) {
        if self.transits.len() <= FEW {
            self.restart();
        }
    }

    /// The transit of the fastest packet of the last seconds: the zero of all delays.
    pub(crate) fn fastest(&self) -> Option<f64> {
        self.fastest.iter().map(|&(_, least)| least).reduce(f64::min)
    }

    /// How much later than the fastest packet allows sound should be played, samples.
    pub(crate) fn target(&self) -> f64 {
        let spread = self.spread.unwrap_or(FIRST - self.pulls);
        // Half a step of 10 ms, because that is how finely a pull comes.
        (spread + self.pulls + 40.0).clamp(LEAST, MOST)
    }

    fn learn(&mut self) {
        let Some(fastest) = self.fastest() else { return };
        // Before a second has gone by the beginning's caution holds.
        if self.transits.len() < SECOND {
            let worst = self.transits.iter().fold(0.0_f64, |worst, transit| worst.max(transit - fastest));
            self.spread = Some(self.spread.unwrap_or(FIRST - 40.0).max(worst));
            return;
        }
        let mut delays: Vec<f64> = self.transits.iter().map(|transit| transit - fastest).collect();
        let rank = ((delays.len() as f64) * (1.0 - TOLERATED)) as usize;
        let rank = rank.min(delays.len() - 1);
        let (_, value, _) = delays.select_nth_unstable_by(rank, f64::total_cmp);
        let (now, before) = (*value, self.spread.unwrap_or(FIRST));
        // Up at once, down by a tenth of the way a time.
        self.spread = Some(if now > before { now } else { before + (now - before) / 10.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_network_needs_the_least() {
        let mut estimator = Estimator::default();
        assert!(estimator.target() > 300.0, "caution at the beginning");
        for n in 0..500 {
            estimator.arrived(f64::from(n) * 160.0, 1234.0);
        }
        assert!((estimator.target() - LEAST).abs() < 5.0, "{}", estimator.target());
        for n in 500..1000 {
            let late = if n % 20 == 0 { 400.0 } else { 0.0 };
            estimator.arrived(f64::from(n) * 160.0, 1234.0 + late);
        }
        assert!(estimator.target() > 400.0, "a twentieth of the packets comes 50 ms late");
    }

    #[test]
    fn a_slow_clock_moves_the_zero() {
        let mut estimator = Estimator::default();
        for n in 0..5000 {
            // 200 ppm: 0.032 samples a packet.
            estimator.arrived(f64::from(n) * 160.0, f64::from(n) * 0.032);
        }
        let fastest = estimator.fastest().expect("packets came");
        assert!((fastest - 160.0).abs() < 14.0, "{fastest}");
        assert!(estimator.target() < 200.0);
    }
}
