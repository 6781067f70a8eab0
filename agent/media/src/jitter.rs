//! The jitter buffer: packets in as they come, sound out as the ear needs it, 10 ms at a time.
//!
//! Sans-IO: time is a parameter. It is steered by one number, the *delay*: how much later than the fastest packet would
//! allow a sample is played. `estimate` says how large it must be for the network as it is (20 ms at least), `stretch`
//! makes a little more or less sound out of what is there, so that the delay follows without a click, and
//! `crate::conceal` fills what never came. A sound card that runs faster or slower than the sender's clock moves the
//! delay like anything else, and is made up for in the same way.

#[cfg(test)]
mod beginning;
mod estimate;
#[cfg(test)]
mod simulation;
mod stretch;

use crate::{
    codec::{RATE, STEP},
    conceal::Concealer,
};
use estimate::Estimator;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

/// The most sound held back, samples (one second): more means that nobody has been pulling.
const MOST_HELD: i64 = RATE as i64;
/// After this long without a packet what comes next is a new beginning, samples (half a second).
const LULL: i64 = RATE as i64 / 2;
/// As much sound in a row is always enough to begin with, samples (40 ms); on a calm network less is.
const ENOUGH: f64 = 320.0;
/// Sound in a row may lack this much, samples (40 ms): that is filled.
const HOLE: i64 = 320;
/// A packet that is not enough to begin with waits this long for the next one, samples (200 ms).
const ALONE: f64 = 1600.0;
/// The delay may be this much above what it should be before sound is shortened, samples.
const TOO_LATE: f64 = 64.0;
/// And this much below before it is drawn out.
const TOO_EARLY: f64 = 40.0;
/// An excess beyond this is not bent away but cut out, samples (120 ms): nobody has pulled for a while, and what was
/// not heard then is not wanted now.
const HOPELESS: f64 = 960.0;
/// Between two stretches, in steps of 10 ms: speech may be bent, not broken.
const REST: u32 = 4;
/// A time stamp this far off its time of arrival belongs to another clock, samples (one second).
const OFF_CLOCK: f64 = RATE as f64;

/// What a pull gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pulled {
    /// Sound that was sent.
    Sound,
    /// At least a part of it is made up, because nothing was there.
    Concealed,
    /// Nothing has been sent yet, or not for a while.
    Silence,
}

/// What has become of the packets and the sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Packets that came after their time.
    pub(crate) late: u64,
    /// Samples made up.
    pub(crate) concealed: u64,
    /// Samples left out and drawn out to follow the delay.
    pub(crate) removed: u64,
    /// Samples drawn out.
    pub(crate) inserted: u64,
}

/// The buffer of one stream.
#[derive(Debug)]
pub(crate) struct Jitter {
    /// The moment all times are counted from.
    epoch: Option<Instant>,
    /// Packets not yet played, by their first sample's number.
    packets: BTreeMap<i64, Vec<i16>>,
    /// When the last packet came.
    latest: f64,
    /// Time stamps count up from here: the last one, and its number.
    reference: Option<(u32, i64)>,
    estimator: Estimator,
    /// Sound decoded and ready.
    ready: VecDeque<i16>,
    /// The number of the sample after the last one in `ready`.
    next: i64,
    /// The stream runs: what is missing is concealed.
    playing: bool,
    /// Samples made up since the last packet was taken.
    gap: i64,
    /// The delay of what is played now, smoothed, samples.
    delay: f64,
    /// Steps until the next stretch is allowed.
    rest: u32,
    /// Packets in a row whose time stamps do not fit the clock.
    strangers: u32,
    concealer: Concealer,
    counters: Counters,
}

impl Default for Jitter {
    fn default() -> Self {
        Self {
            epoch: None,
            packets: BTreeMap::new(),
            latest: 0.0,
            reference: None,
            estimator: Estimator::default(),
            ready: VecDeque::with_capacity(2048),
            next: 0,
            playing: false,
            gap: 0,
            delay: 0.0,
            rest: 0,
            strangers: 0,
            concealer: Concealer::default(),
            counters: Counters::default(),
        }
    }
}

impl Jitter {
    /// A packet came: `timestamp` counts its first sample, `sound` is what it decodes to.
    pub(crate) fn push(&mut self, now: Instant, timestamp: u32, sound: &[i16]) {
        if sound.is_empty() {
            return;
        }
        let now = self.clock(now);
        let number = self.number(timestamp);
        let fits = match self.estimator.fastest() {
            Some(fastest) => (now - number as f64 - fastest).abs() < OFF_CLOCK,
            None => true,
        };
        if !fits {
            // After a stall of the network old packets come late, one of them proves nothing. A sender that restarted
            // its clock goes on with the new one.
            self.strangers += 1;
            if self.strangers < 3 {
                return;
            }
            self.restart();
            let number = self.number_anew(timestamp);
            return self.insert(now, number, sound);
        }
        self.strangers = 0;
        self.insert(now, number, sound);
    }

    fn insert(&mut self, now: f64, number: i64, sound: &[i16]) {
        self.latest = now;
        self.estimator.arrived(now, now - number as f64);
        let end = number + sound.len() as i64;
        if self.playing && end <= self.next {
            self.counters.late += 1;
            return;
        }
        self.packets.entry(number).or_insert_with(|| sound.to_vec());
        while let (Some((&first, _)), Some((&last, _))) =
            (self.packets.first_key_value(), self.packets.last_key_value())
        {
            if last - first < MOST_HELD {
                break;
            }
            self.packets.pop_first();
        }
    }

    /// The stream began anew (another source, or a jump): what is ready is still played, then the new one.
    pub(crate) fn restart(&mut self) {
        self.packets.clear();
        self.reference = None;
        self.estimator.restart();
        self.playing = false;
        self.strangers = 0;
    }

    /// Fills 10 ms of sound for the ear.
    pub(crate) fn pull(&mut self, now: Instant, out: &mut [i16; STEP]) -> Pulled {
        let now = self.clock(now);
        if !self.playing && !self.begin(now) {
            return self.idle(out);
        }
        self.follow(now);
        self.cut(now);
        self.fetch(now, STEP);
        self.adapt();
        let have = self.ready.len().min(STEP);
        for (to, from) in out.iter_mut().zip(self.ready.drain(..have)) {
            *to = from;
        }
        if have > 0 {
            self.concealer.real(&mut out[..have]);
        }
        if have == STEP {
            return Pulled::Sound;
        }
        let missing = STEP - have;
        self.concealer.missing(&mut out[have..]);
        self.gap += missing as i64;
        self.counters.concealed += missing as u64;
        if self.gap > LULL && self.packets.is_empty() {
            // Nobody sends any more: this is a pause (silence suppression, hold), not loss.
            self.playing = false;
            self.counters.concealed -= self.gap as u64;
        }
        Pulled::Concealed
    }

    /// How much later than at best possible sound is played now, milliseconds.
    pub(crate) fn delay_ms(&self) -> f64 {
        if self.playing { self.delay * 1000.0 / f64::from(RATE) } else { 0.0 }
    }

    /// What became of the packets so far.
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// Nothing runs: the rest of an earlier stream, then quiet.
    fn idle(&mut self, out: &mut [i16; STEP]) -> Pulled {
        let have = self.ready.len().min(STEP);
        for (to, from) in out.iter_mut().zip(self.ready.drain(..have)) {
            *to = from;
        }
        if have > 0 {
            self.concealer.real(&mut out[..have]);
        }
        self.concealer.missing(&mut out[have..]);
        if have > 0 { Pulled::Sound } else { Pulled::Silence }
    }

    /// Waits until there is something to begin with: as much sound in a row as is to be held back, and held back for
    /// long enough. A lone packet is no beginning: many a sender sends one when the call is answered, to open the way,
    /// and has its sound ready only later.
    fn begin(&mut self, now: f64) -> bool {
        if !self.ready.is_empty() {
            return false;
        }
        let Some(first) = self.beginning() else {
            self.abandon(now);
            return false;
        };
        self.estimator.forget_early();
        let Some(fastest) = self.estimator.fastest() else { return false };
        let delay = now - first as f64 - fastest;
        if delay < self.estimator.target() - STEP as f64 / 2.0 {
            return false;
        }
        self.packets = self.packets.split_off(&first);
        self.playing = true;
        self.next = first;
        self.gap = 0;
        self.delay = delay;
        true
    }

    /// The first packet of the first stretch of sound that is long enough to begin with; a hole ends a stretch.
    fn beginning(&self) -> Option<i64> {
        let enough = self.estimator.target().min(ENOUGH) as i64;
        let (mut first, mut end) = (None, 0);
        for (&number, packet) in &self.packets {
            let start = *first.get_or_insert(number);
            let start = if number - end > HOLE && number != start { *first.insert(number) } else { start };
            end = end.max(number + packet.len() as i64);
            if end - start >= enough {
                return Some(start);
            }
        }
        None
    }

    /// What nothing followed for long is forgotten: played now it would be a click, and played with what comes it would
    /// be far from it.
    fn abandon(&mut self, now: f64) {
        if !self.packets.is_empty() && now - self.latest > ALONE {
            self.packets.clear();
            self.estimator.forget_lone();
        }
    }

    /// Keeps an eye on the delay.
    fn follow(&mut self, now: f64) {
        let Some(fastest) = self.estimator.fastest() else { return };
        if self.gap > 0 {
            return;
        }
        let delay = now - (self.next - self.ready.len() as i64) as f64 - fastest;
        self.delay += (delay - self.delay) / 32.0;
        self.estimator.pulled(self.delay - delay);
    }

    /// Cuts out what is hopelessly late, down to the delay that should be.
    fn cut(&mut self, now: f64) {
        let Some(fastest) = self.estimator.fastest() else { return };
        let first = self.next - self.ready.len() as i64;
        let excess = now - first as f64 - fastest - self.estimator.target();
        if self.gap > 0 || excess < HOPELESS {
            return;
        }
        self.top_up(excess as usize + STEP);
        let cut = (excess as usize).min(self.ready.len());
        self.ready.drain(..cut);
        self.counters.removed += cut as u64;
        // One made-up sample, so that the seam is blended like that after a gap.
        self.concealer.missing(&mut [0]);
        self.resumed(now);
    }

    /// Takes packets until `wanted` samples are ready, or one is missing whose time has not come.
    fn fetch(&mut self, now: f64, wanted: usize) {
        while self.ready.len() < wanted {
            let Some((&number, packet)) = self.packets.first_key_value() else { return };
            let length = packet.len() as i64;
            if number + length <= self.next {
                self.packets.pop_first();
                self.counters.late += 1;
                continue;
            }
            if !self.due(now, number) {
                return;
            }
            let skip = self.skip(now, number, length);
            if let Some((_, packet)) = self.packets.pop_first() {
                self.ready.extend(&packet[skip.min(packet.len())..]);
                self.next = number + length;
                if self.gap > 0 {
                    self.gap = 0;
                    self.resumed(now);
                }
            }
        }
    }

    /// Whether the packet may be played now: at once when it follows the last one, and after a gap when its own time
    /// has come (a lost packet's time is filled, a pause is kept).
    fn due(&self, now: f64, number: i64) -> bool {
        if number <= self.next && self.gap == 0 {
            return true;
        }
        let Some(fastest) = self.estimator.fastest() else { return true };
        let delay = now + self.ready.len() as f64 - number as f64 - fastest;
        let target = self.estimator.target();
        let wanted =
            if self.gap > LULL { target } else { target.clamp(self.delay - 160.0, self.delay + 80.0) };
        // A sample's time is now when it lies within this step of 10 ms.
        delay >= wanted - STEP as f64 / 2.0 || self.gap > MOST_HELD
    }

    /// How much of a packet is not to be played: what was played before it and, after a gap, what is too late by now
    /// and has been made up already.
    fn skip(&self, now: f64, number: i64, length: i64) -> usize {
        let overlap = (self.next - number).max(0);
        let Some(fastest) = self.estimator.fastest() else { return overlap as usize };
        if self.gap == 0 {
            return overlap as usize;
        }
        let delay = now + self.ready.len() as f64 - (number + overlap) as f64 - fastest;
        let excess = (delay - self.estimator.target()) as i64;
        let made_up = (self.gap - (number - self.next).max(0)).max(0);
        if excess <= TOO_LATE as i64 {
            return overlap as usize;
        }
        (overlap + excess.min(made_up).min(length - overlap)) as usize
    }

    /// Sound is back after a gap: its delay is known exactly again.
    fn resumed(&mut self, now: f64) {
        if let Some(fastest) = self.estimator.fastest() {
            self.delay = now - (self.next - self.ready.len() as i64) as f64 - fastest;
        }
    }

    /// Shortens or draws out what is ready when the delay is not what it should be.
    fn adapt(&mut self) {
        if self.rest > 0 {
            self.rest -= 1;
            return;
        }
        let excess = self.delay - self.estimator.target();
        if self.gap > 0 || self.ready.len() < STEP {
            return;
        }
        if excess > TOO_LATE {
            self.top_up(stretch::NEEDED);
            if let Some(removed) =
                stretch::shorten(&mut self.ready, self.concealer.last(stretch::PAST), excess)
            {
                self.top_up(STEP);
                self.delay -= removed as f64;
                self.counters.removed += removed as u64;
                self.rest = REST;
            }
        } else if excess < -TOO_EARLY
            && let Some(inserted) = stretch::lengthen(&mut self.ready, self.concealer.last(stretch::PAST))
        {
            self.delay += inserted as f64;
            self.counters.inserted += inserted as u64;
            self.rest = REST;
        }
    }

    /// Makes packets that follow without a gap ready, until `wanted` samples are.
    fn top_up(&mut self, wanted: usize) {
        while self.ready.len() < wanted {
            let follows = self.packets.first_key_value().is_some_and(|(&number, _)| number == self.next);
            let Some((_, packet)) = follows.then(|| self.packets.pop_first()).flatten() else { return };
            self.next += packet.len() as i64;
            self.ready.extend(packet);
        }
    }

    /// Samples since the epoch.
    fn clock(&mut self, now: Instant) -> f64 {
        let epoch = *self.epoch.get_or_insert(now);
        now.saturating_duration_since(epoch).as_secs_f64() * f64::from(RATE)
    }

    /// A time stamp as a number that does not wrap.
    fn number(&mut self, timestamp: u32) -> i64 {
        let Some((last, number)) = self.reference else { return self.number_anew(timestamp) };
        let number = number + i64::from(timestamp.wrapping_sub(last) as i32);
        self.reference = Some((timestamp, number));
        number
    }

    fn number_anew(&mut self, timestamp: u32) -> i64 {
        // Above everything that was numbered before, whatever the stamp says.
        let number = self.next + 1_000_000;
        self.reference = Some((timestamp, number));
        number
    }
}
