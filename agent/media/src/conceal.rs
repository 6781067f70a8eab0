//! What is played where nothing arrived: the last pitch periods again, fading, then the quiet hiss of the line.
//!
//! The idea is that of ITU-T G.711 Appendix I, without its 3.75 ms of extra delay: the seam between what was heard and
//! what is made up is closed by a correction that dies out, not by holding sound back.

use crate::codec::STEP;

/// What is remembered of the sound played: enough for three of the longest periods and a template.
const HISTORY: usize = 520;
/// The shortest pitch period looked for: 2.5 ms (400 Hz).
const SHORTEST: usize = 20;
/// The longest: 15 ms (66 Hz).
const LONGEST: usize = 120;
/// The stretch of sound compared: 20 ms.
const TEMPLATE: usize = 160;
/// How long a made-up stretch sounds at full level: 10 ms.
const FULL: usize = 80;
/// How long it then takes to fade: 50 ms.
const FADE: usize = 400;
/// How long real and made-up sound overlap where the real one comes back: 4 ms.
const MERGE: usize = 32;
/// The loudest hiss, as a root mean square: -54 dBov.
const LOUDEST_HISS: f32 = 65.0;

/// Remembers what was played and makes up what is missing.
#[derive(Debug, Clone)]
pub(crate) struct Concealer {
    /// The sound played last, oldest first.
    history: [i16; HISTORY],
    /// The same as it was when the made-up sound began.
    real: [i16; HISTORY],
    /// Samples made up since the last real one; 0: none.
    made_up: usize,
    /// The loop of sound that is repeated.
    cycle: Vec<f32>,
    /// Where in the loop.
    at: usize,
    /// How many pitch periods the loop holds.
    periods: usize,
    /// One pitch period, samples.
    period: usize,
    /// The step at the seam, dying out.
    correction: f32,
    /// Its share a sample later.
    decay: f32,
    /// The level of the line when nobody speaks, as a root mean square.
    floor: f32,
    /// The state of the hiss.
    seed: u32,
    hiss: f32,
}

impl Default for Concealer {
    fn default() -> Self {
        Self {
            history: [0; HISTORY],
            real: [0; HISTORY],
            made_up: 0,
            cycle: Vec::with_capacity(3 * LONGEST),
            at: 0,
            periods: 0,
            period: LONGEST,
            correction: 0.0,
            decay: 0.0,
            floor: 0.0,
            seed: 0x2545_F491,
            hiss: 0.0,
        }
    }
}

impl Concealer {
    /// Real sound is played; if made-up sound came before it, its first milliseconds are blended with that.
    pub(crate) fn real(&mut self, sound: &mut [i16]) {
        if self.made_up > 0 {
            let overlap = MERGE.min(sound.len());
            for (n, sample) in sound[..overlap].iter_mut().enumerate() {
                let share = (n + 1) as f32 / (overlap + 1) as f32;
                let made_up = self.next_sample();
                *sample = (f32::from(*sample) * share + made_up * (1.0 - share)) as i16;
            }
            self.made_up = 0;
        }
        self.watch_floor(sound);
        self.remember(sound);
    }

    /// Nothing is there to play: fills `sound`.
    pub(crate) fn missing(&mut self, sound: &mut [i16]) {
        if self.made_up == 0 {
            self.begin();
        }
        for sample in sound.iter_mut() {
            *sample = self.next_sample().clamp(-32_768.0, 32_767.0) as i16;
        }
        self.remember(sound);
    }

    /// The last `count` samples played (at most 520).
    pub(crate) fn last(&self, count: usize) -> &[i16] {
        &self.history[HISTORY - count.min(HISTORY)..]
    }

    fn remember(&mut self, sound: &[i16]) {
        let keep = sound.len().min(HISTORY);
        self.history.copy_within(keep.., 0);
        self.history[HISTORY - keep..].copy_from_slice(&sound[sound.len() - keep..]);
    }

    /// Follows the level of the pauses: down at once, up by 1 dB in about a second.
    fn watch_floor(&mut self, sound: &[i16]) {
        for part in sound.chunks_exact(STEP) {
            let energy: f32 = part.iter().map(|&s| f32::from(s) * f32::from(s)).sum();
            let level = (energy / STEP as f32).sqrt();
            self.floor =
                if level < self.floor || self.floor == 0.0 { level } else { self.floor * 1.001_2 + 0.01 };
        }
    }

    fn begin(&mut self) {
        self.real = self.history;
        self.period = pitch(&self.history).0;
        self.at = 0;
        self.repeat(1);
        let last = f32::from(self.history[HISTORY - 1]);
        let before = f32::from(self.history[HISTORY - 1 - self.period]);
        self.correction = last - before;
        self.decay = 0.85;
    }

    /// Makes the loop `periods` long. Its end runs over into what comes before its beginning, so that it closes.
    fn repeat(&mut self, periods: usize) {
        let length = periods * self.period;
        let overlap = self.period / 4;
        self.cycle.clear();
        self.cycle.extend(self.real[HISTORY - length..].iter().map(|&s| f32::from(s)));
        if HISTORY >= length + overlap {
            for n in 0..overlap {
                let share = (n + 1) as f32 / (overlap + 1) as f32;
                let earlier = f32::from(self.real[HISTORY - length - overlap + n]);
                let sample = &mut self.cycle[length - overlap + n];
                *sample = *sample * (1.0 - share) + earlier * share;
            }
        }
        self.periods = periods;
    }

    fn next_sample(&mut self) -> f32 {
        // A second and third period after 10 and 20 ms: a single one repeated for longer buzzes.
        let wanted = (self.made_up / STEP + 1).min(3);
        if wanted > self.periods {
            let expected = self.cycle.get(self.at).copied().unwrap_or(0.0);
            self.repeat(wanted);
            self.correction += expected - self.cycle.get(self.at).copied().unwrap_or(0.0);
        }
        let looped = self.cycle.get(self.at).copied().unwrap_or(0.0);
        self.at = (self.at + 1) % self.cycle.len().max(1);
        let faded = self.made_up.saturating_sub(FULL).min(FADE) as f32 / FADE as f32;
        let gain = 1.0 - faded;
        self.made_up += 1;
        self.correction *= self.decay;
        (looped + self.correction) * gain + self.next_hiss() * faded
    }

    /// A hiss at the level of the line's pauses, a little darker than white.
    fn next_hiss(&mut self) -> f32 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 17;
        self.seed ^= self.seed << 5;
        let white = (self.seed >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
        self.hiss = 0.5 * self.hiss + 0.5 * white;
        // A uniform value has a root mean square of 0.577, the filter leaves 0.577 of that.
        self.hiss * 3.0 * self.floor.min(LOUDEST_HISS)
    }
}

/// The pitch period of the end of `sound` and how alike the periods are (0 to 1): the lag at which it correlates best
/// with itself.
pub(crate) fn pitch(sound: &[i16]) -> (usize, f32) {
    let end = sound.len();
    if end < TEMPLATE + LONGEST {
        return (LONGEST, 0.0);
    }
    let likeness = |lag: usize, step: usize| {
        let (mut cross, mut now, mut then) = (0.0_f32, 1.0_f32, 1.0_f32);
        for n in (end - TEMPLATE..end).step_by(step) {
            let (a, b) = (f32::from(sound[n]), f32::from(sound[n - lag]));
            cross += a * b;
            now += a * a;
            then += b * b;
        }
        cross / (now * then).sqrt()
    };
    // The whole range in steps of two, then every lag around the best: half the work, the same answer.
    let mut best = (LONGEST, f32::MIN);
    for lag in (SHORTEST..=LONGEST).step_by(2) {
        let value = likeness(lag, 2);
        // A multiple of the period is as good as the period: the shorter one wins unless the longer is clearly better.
        if value > best.1 + if lag > 2 * SHORTEST { 0.01 } else { 0.0 } {
            best = (lag, value);
        }
    }
    let coarse = best.0;
    best = (coarse, likeness(coarse, 1));
    for lag in coarse.saturating_sub(1).max(SHORTEST)..=(coarse + 1).min(LONGEST) {
        let value = likeness(lag, 1);
        if value > best.1 {
            best = (lag, value);
        }
    }
    (best.0, best.1.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure;

    /// A voiced sound: harmonics of `hz` with falling level.
    fn voice(hz: f64, seconds: f64) -> Vec<i16> {
        (1..=12_u32)
            .map(|k| measure::sine(8000, hz * f64::from(k), -20.0 - 3.0 * f64::from(k), seconds))
            .reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect())
            .expect("twelve harmonics")
    }

    #[test]
    fn the_pitch_of_a_voice_is_found() {
        for hz in [90.0, 120.0, 180.0, 210.0] {
            let (lag, likeness) = pitch(&voice(hz, 0.1));
            let period = 8000.0 / hz;
            let turns = lag as f64 / period;
            assert!((turns - turns.round()).abs() * period < 1.5 && likeness > 0.9, "{hz}: {lag} {likeness}");
        }
    }

    #[test]
    fn a_lost_packet_is_filled_like_its_surroundings() {
        let mut sound = voice(130.0, 0.5);
        let truth = sound.clone();
        let mut concealer = Concealer::default();
        for part in sound[..1600].chunks_mut(80) {
            concealer.real(part);
        }
        concealer.missing(&mut sound[1600..1760]);
        concealer.real(&mut sound[1760..1920]);
        let error: Vec<i16> = sound[1600..1760].iter().zip(&truth[1600..]).map(|(a, b)| a - b).collect();
        let (signal, noise) = (measure::level_dbov(&truth[1600..1760]), measure::level_dbov(&error));
        assert!(noise < signal - 10.0, "made up {noise}, real {signal}");
        assert_eq!(sound[1800..1920], truth[1800..1920], "what arrived is untouched");
    }

    #[test]
    fn there_is_no_click_at_either_seam() {
        let mut sound = measure::sine(8000, 317.0, -13.0, 0.5);
        let steepest = sound.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max();
        let mut concealer = Concealer::default();
        for (n, part) in sound.chunks_mut(80).enumerate() {
            if n % 7 == 5 { concealer.missing(part) } else { concealer.real(part) }
        }
        let after = sound.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max();
        assert!(after <= steepest.map(|s| s + s / 2), "{after:?}, before {steepest:?}");
    }

    #[test]
    fn a_long_gap_fades_to_the_hiss_of_the_line() {
        let mut concealer = Concealer::default();
        let mut quiet: Vec<i16> = (0..1600).map(|n| if n % 2 == 0 { 20 } else { -20 }).collect();
        concealer.real(&mut quiet);
        concealer.real(&mut measure::sine(8000, 400.0, -13.0, 0.2));
        let mut gap = vec![0; 1600];
        concealer.missing(&mut gap);
        assert!(measure::level_dbov(&gap[..80]) > -16.0);
        let hiss = measure::level_dbov(&gap[800..]);
        assert!((-75.0..-55.0).contains(&hiss), "{hiss}");
        let mut silent = Concealer::default();
        silent.missing(&mut gap);
        assert!(gap.iter().all(|&s| s == 0), "nothing heard before: nothing made up");
    }
}
