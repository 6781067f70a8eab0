//! The way in and out of an audio callback: rings and atomics, no allocation, no lock, no system call of ours.

use crate::{
    codec::{RATE, STEP},
    resample::{Resampler, to_f32, to_i16},
};
use cpal::{FromSample, Sample};
use rtrb::{Consumer, Producer, RingBuffer};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// A callback that has not come for this long never will, as a rule.
const STALLED: Duration = Duration::from_millis(200);
/// A device that ran this long without a loss is a quick one again.
const CALM: Duration = Duration::from_secs(10);
/// A fresh stream may take this long to begin.
const STARTING: Duration = Duration::from_secs(3);
/// What is kept ready beyond what a callback takes at least: one turn of our clock and a little, milliseconds.
const AHEAD_MS: u32 = 14;
/// A stream begins with this, and ends there after some calm seconds.
const FIRST_AHEAD_MS: u32 = 34;
/// And at most, after callbacks found too little.
const MOST_AHEAD_MS: u32 = 60;
/// So many steps without a miss and a millisecond less is kept ready.
const FORGET: u32 = 100;

/// What a callback tells about itself.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// How often it came.
    calls: AtomicU64,
    /// Frames of its last call.
    frames: AtomicU32,
    /// Frames that found no room, or were not there.
    missed: AtomicU64,
    /// The stream reported an error and must be built anew.
    broken: AtomicBool,
}

impl Pulse {
    fn beat(&self, frames: usize) {
        self.frames.store(u32::try_from(frames).unwrap_or(u32::MAX), Relaxed);
        self.calls.fetch_add(1, Relaxed);
    }

    /// The stream is broken.
    pub(super) fn broke(&self) {
        self.broken.store(true, Relaxed);
    }
}

/// How long a callback may stay away before its device counts as lost. A device that is lost soon after it was opened
/// may only be a slow one (a monitor that hands over a second at a time, a headset that changes its profile): each
/// time it gets twice as long, up to what a fresh stream gets.
#[derive(Debug)]
pub(crate) struct Patience {
    wait: Duration,
    lost: Option<Instant>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { wait: STALLED, lost: None }
    }
}

impl Patience {
    /// A device was lost, and is opened again.
    pub(crate) fn lost(&mut self, now: Instant) {
        if self.lost.is_some_and(|before| now.saturating_duration_since(before) > CALM + self.wait) {
            self.wait = STALLED;
        }
        self.wait = (self.wait * 2).min(STARTING);
        self.lost = Some(now);
    }
}

/// Watches a callback from outside.
#[derive(Debug)]
pub(crate) struct Watch {
    pulse: Arc<Pulse>,
    seen: u64,
    since: Option<Instant>,
}

impl Watch {
    fn new(pulse: Arc<Pulse>) -> Self {
        Self { pulse, seen: 0, since: None }
    }

    /// Whether the stream is broken, or its callback has stopped coming.
    pub(crate) fn stalled(&mut self, now: Instant, patience: &Patience) -> bool {
        let calls = self.pulse.calls.load(Relaxed);
        if calls != self.seen {
            self.seen = calls;
            self.since = Some(now);
        }
        let since = *self.since.get_or_insert(now);
        let wait = if calls == 0 { STARTING } else { patience.wait };
        self.pulse.broken.load(Relaxed) || now.saturating_duration_since(since) > wait
    }
}

/// The callback's half of a microphone.
pub(super) struct CaptureSide {
    ring: Producer<f32>,
    channels: usize,
    pulse: Arc<Pulse>,
}

impl CaptureSide {
    /// Takes what the sound card recorded. Called in the audio callback.
    pub(super) fn feed<T: Sample>(&mut self, data: &[T])
    where
        f32: FromSample<T>,
    {
        let mut lost = 0;
        for frame in data.chunks_exact(self.channels) {
            let sum: f32 = frame.iter().map(|&sample| f32::from_sample(sample)).sum();
            if self.ring.push(sum / self.channels as f32).is_err() {
                lost += 1;
            }
        }
        self.pulse.missed.fetch_add(lost, Relaxed);
        self.pulse.beat(data.len() / self.channels);
    }
}

/// Our half of a microphone.
pub(crate) struct Capture {
    ring: Consumer<f32>,
    resampler: Resampler,
    chunk: Vec<f32>,
    pub(crate) watch: Watch,
}

impl Capture {
    /// Adds what has been recorded since, at 8000 samples a second.
    pub(crate) fn read(&mut self, samples: &mut Vec<i16>) {
        while let Ok(chunk) = self.ring.read_chunk(self.resampler.chunk()) {
            let (first, second) = chunk.as_slices();
            self.chunk.clear();
            self.chunk.extend_from_slice(first);
            self.chunk.extend_from_slice(second);
            chunk.commit_all();
            self.resampler.run(&self.chunk, |out| samples.extend(out.iter().map(|&s| to_i16(s))));
        }
    }
}

/// The callback's half of an ear.
pub(super) struct PlaybackSide {
    ring: Consumer<f32>,
    channels: usize,
    pulse: Arc<Pulse>,
    /// The last sample: where nothing is there, it dies away instead of breaking off.
    last: f32,
}

impl PlaybackSide {
    /// Gives the sound card what it asks for. Called in the audio callback.
    pub(super) fn fill<T: Sample + FromSample<f32>>(&mut self, data: &mut [T]) {
        let mut missing = 0;
        for frame in data.chunks_mut(self.channels) {
            self.last = self.ring.pop().unwrap_or_else(|_| {
                missing += 1;
                self.last * 0.99
            });
            frame.fill(T::from_sample(self.last));
        }
        self.pulse.missed.fetch_add(missing, Relaxed);
        self.pulse.beat(data.len() / self.channels);
    }
}

/// Our half of an ear.
pub(crate) struct Playback {
    ring: Producer<f32>,
    capacity: usize,
    resampler: Resampler,
    rate: u32,
    step: [f32; STEP],
    /// The most frames a callback took lately.
    takes: u32,
    /// What is kept ready beyond that, milliseconds: more on a machine that is busy.
    ahead: u32,
    /// Frames that callbacks missed so far, and steps since the last miss.
    missed: u64,
    calm: u32,
    /// Something has been played.
    started: bool,
    pub(crate) watch: Watch,
}

impl Playback {
    /// How many steps of 10 ms should be played now, so that the next callback finds enough and not much more.
    pub(crate) fn wants(&mut self) -> usize {
        let last = self.watch.pulse.frames.load(Relaxed);
        // A single large request (the first one fills the server's buffer) is forgotten again.
        self.takes = last.max(self.takes - self.takes / 64);
        self.learn();
        let target = (self.takes + self.rate * self.ahead / 1000).min(self.capacity as u32 / 2) as usize;
        let ready = self.capacity - self.ring.slots();
        let step = (self.rate / 100) as usize;
        target.saturating_sub(ready).div_ceil(step)
    }

    /// Keeps more ready after a miss, and slowly less again.
    fn learn(&mut self) {
        let missed = self.watch.pulse.missed.load(Relaxed);
        // What the first callbacks miss is only the beginning.
        if missed > self.missed && self.started {
            self.ahead = (self.ahead + 10).min(MOST_AHEAD_MS);
            self.calm = 0;
            tracing::debug!(missed, ahead = self.ahead, "the ear ran dry");
        } else if self.ahead > AHEAD_MS {
            self.calm += 1;
            if self.calm >= FORGET {
                self.calm = 0;
                self.ahead -= 1;
            }
        }
        self.missed = missed;
    }

    /// Hands 10 ms to the sound card; what finds no room is lost.
    pub(crate) fn play(&mut self, step: &[i16; STEP]) {
        for (to, &from) in self.step.iter_mut().zip(step) {
            *to = to_f32(from);
        }
        self.started = self.ring.slots() < self.capacity;
        let ring = &mut self.ring;
        self.resampler.run(&self.step, |out| {
            for &sample in out {
                if ring.push(sample).is_err() {
                    break;
                }
            }
        });
    }
}

/// Both halves of a microphone of `rate` frames a second.
pub(super) fn capture(rate: u32, channels: usize) -> Result<(CaptureSide, Capture, Arc<Pulse>), String> {
    let (producer, consumer) = RingBuffer::new(rate as usize / 2);
    let resampler = Resampler::new(rate, RATE)?;
    let pulse = Arc::new(Pulse::default());
    let chunk = Vec::with_capacity(resampler.chunk());
    let side = CaptureSide { ring: producer, channels: channels.max(1), pulse: Arc::clone(&pulse) };
    let ours = Capture { ring: consumer, resampler, chunk, watch: Watch::new(Arc::clone(&pulse)) };
    Ok((side, ours, pulse))
}

/// Both halves of an ear.
pub(super) fn playback(rate: u32, channels: usize) -> Result<(PlaybackSide, Playback, Arc<Pulse>), String> {
    let capacity = rate as usize / 2;
    let (producer, consumer) = RingBuffer::new(capacity);
    let resampler = Resampler::new(RATE, rate)?;
    let pulse = Arc::new(Pulse::default());
    let side =
        PlaybackSide { ring: consumer, channels: channels.max(1), pulse: Arc::clone(&pulse), last: 0.0 };
    let watch = Watch::new(Arc::clone(&pulse));
    let takes = rate / 50;
    let ours = Playback {
        ring: producer,
        capacity,
        resampler,
        rate,
        step: [0.0; STEP],
        takes,
        ahead: FIRST_AHEAD_MS,
        missed: 0,
        calm: 0,
        started: false,
        watch,
    };
    Ok((side, ours, pulse))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure;
    use std::{
        alloc::{GlobalAlloc, Layout, System},
        cell::Cell,
    };

    thread_local! {
        /// How often this thread asked for memory, or gave some back.
        static ASKED: Cell<u64> = const { Cell::new(0) };
    }

    struct Counting;

    // SAFETY: everything is handed to the system's allocator unchanged.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
            // SAFETY: the caller's promise is passed on.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
            // SAFETY: the caller's promise is passed on.
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    #[global_allocator]
    static COUNTING: Counting = Counting;

    fn asked(work: impl FnOnce()) -> u64 {
        let before = ASKED.get();
        work();
        ASKED.get() - before
    }

    #[test]
    fn the_callbacks_ask_for_no_memory() {
        assert!(asked(|| drop(vec![1_u8; 10])) >= 2, "the counter counts");
        for (rate, channels) in [(48_000, 2), (44_100, 1), (8000, 6)] {
            let (mut record, mut heard, _) = capture(rate, channels).expect("a usual rate");
            let (mut play, mut said, _) = playback(rate, channels).expect("a usual rate");
            let floats = vec![0.25_f32; 480 * channels];
            let shorts = vec![1000_i16; 480 * channels];
            let (mut to_float, mut to_short) = (vec![0.0_f32; 480 * channels], vec![0_i16; 480 * channels]);
            said.play(&[1000; STEP]);
            // Also where the ring is full, or empty.
            let count = asked(|| {
                for _ in 0..200 {
                    record.feed(&floats);
                    record.feed(&shorts);
                    play.fill(&mut to_float);
                    play.fill(&mut to_short);
                }
            });
            assert_eq!(count, 0, "{rate}/{channels}");
            let mut samples = Vec::new();
            heard.read(&mut samples);
            assert!(!samples.is_empty());
        }
    }

    #[test]
    fn sound_comes_through_both_ways() {
        let (mut record, mut heard, _) = capture(48_000, 2).expect("a usual rate");
        let tone = measure::sine(48_000, 1000.0, -20.0, 0.4);
        let stereo: Vec<i16> = tone.iter().flat_map(|&s| [s, s]).collect();
        let mut samples = Vec::new();
        for part in stereo.chunks(960) {
            record.feed(part);
            heard.read(&mut samples);
        }
        let report = measure::tone_between(&samples[80..], RATE, 1000.0);
        assert!(report.share() > 0.99 && (report.level_dbov + 20.0).abs() < 0.3, "{report:?}");
        let (mut play, mut said, _) = playback(48_000, 2).expect("a usual rate");
        let tone = measure::sine(RATE, 1000.0, -20.0, 1.0);
        let mut steps = tone.as_chunks::<STEP>().0.iter();
        let mut out = Vec::new();
        for _ in 0..90 {
            for step in steps.by_ref().take(said.wants()) {
                said.play(step);
            }
            let mut data = [0_i16; 960];
            play.fill(&mut data);
            out.extend(data.iter().step_by(2));
        }
        let report = measure::tone_between(&out, 48_000, 1000.0);
        assert!(report.share() > 0.97 && report.longest_gap_ms == 0, "{report:?}");
        assert_eq!(play.pulse.missed.load(Relaxed), 0, "never empty");
        assert!(said.capacity - said.ring.slots() < 48 * 75, "and never more than needed");
    }

    #[test]
    fn a_callback_that_stops_is_noticed() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let quick = Patience::default();
        let (mut record, mut heard, pulse) = capture(8000, 1).expect("a usual rate");
        assert!(!heard.watch.stalled(start, &quick));
        assert!(!heard.watch.stalled(after(2000), &quick), "it may take a while to begin");
        record.feed(&[0_i16; 80]);
        assert!(!heard.watch.stalled(after(2500), &quick));
        assert!(!heard.watch.stalled(after(2600), &quick));
        assert!(heard.watch.stalled(after(2750), &quick));
        record.feed(&[0_i16; 80]);
        assert!(!heard.watch.stalled(after(2800), &quick));
        pulse.broke();
        assert!(heard.watch.stalled(after(2801), &quick));
    }

    #[test]
    fn a_slow_device_gets_longer_each_time_and_a_calm_one_is_quick_again() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut patience = Patience::default();
        let waits = [250, 700, 1500, 3100, 6100].map(|ms| {
            patience.lost(after(ms));
            patience.wait.as_millis()
        });
        assert_eq!(waits, [400, 800, 1600, 3000, 3000]);
        let (mut record, mut heard, _pulse) = capture(8000, 1).expect("a usual rate");
        record.feed(&[0_i16; 80]);
        assert!(!heard.watch.stalled(after(7000), &patience));
        assert!(!heard.watch.stalled(after(9900), &patience));
        assert!(heard.watch.stalled(after(10_001), &patience));
        patience.lost(after(19_101));
        assert_eq!(patience.wait.as_millis(), 400, "after calm seconds it is a device like any other");
    }
}
