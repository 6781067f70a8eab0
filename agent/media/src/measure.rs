//! What a recording holds, measured without believing the program that made it: levels, tones and gaps.
//!
//! The exchange, the demo's script and the tests share this, so that "heard" means the same everywhere.

use std::{f64::consts::TAU, path::Path};

/// What counts as silence in dBov (RFC 6464 section 3).
pub const SILENCE_DBOV: f64 = -127.0;

/// How much quieter than a full-scale square wave a full-scale sine is, dB.
const SINE_DBOV: f64 = 3.010_3;

/// The level of `samples`, dBov: 0 is a full-scale square wave, a full-scale sine is -3, silence -127.
#[must_use]
pub fn level_dbov(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return SILENCE_DBOV;
    }
    let energy: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    dbov(energy / samples.len() as f64)
}

/// The level of the part of `samples` that is a tone of `hz`, dBov (Goertzel's algorithm).
#[must_use]
pub fn tone_dbov(samples: &[i16], rate: u32, hz: f64) -> f64 {
    if samples.is_empty() {
        return SILENCE_DBOV;
    }
    let turn = TAU * hz / f64::from(rate);
    let factor = 2.0 * turn.cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in samples {
        let next = f64::from(sample) + factor * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - factor * last * before;
    let amplitude = 2.0 * power.max(0.0).sqrt() / samples.len() as f64;
    dbov(amplitude * amplitude / 2.0)
}

/// A mean square as dBov.
fn dbov(mean_square: f64) -> f64 {
    let full = 32_768.0 * 32_768.0;
    if mean_square <= 0.0 { SILENCE_DBOV } else { (10.0 * (mean_square / full).log10()).max(SILENCE_DBOV) }
}

/// How well a recording carries a tone.
#[derive(Debug, Clone, PartialEq)]
pub struct ToneReport {
    /// Frames of 20 ms looked at.
    pub frames: usize,
    /// Those that carry the tone: it is loud enough and makes up most of the frame's energy.
    pub carrying: usize,
    /// The median level of the tone in the frames that carry it, dBov; -127 when none does.
    pub level_dbov: f64,
    /// The longest stretch without the tone between its first and its last sound, milliseconds.
    pub longest_gap_ms: u32,
    /// Where the tone is first heard, milliseconds from the beginning.
    pub first_ms: Option<u32>,
    /// Where it was last heard.
    pub last_ms: Option<u32>,
}

impl ToneReport {
    /// The share of the frames that carry the tone, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.frames == 0 { 0.0 } else { self.carrying as f64 / self.frames as f64 }
    }

    /// Whether the tone is heard as it was played, at `played_dbov`: at least 98 % of the frames carry it, its level is
    /// off by 1 dB at most, and no gap in it is longer than 40 ms. The answer is a sentence with what was measured.
    ///
    /// # Errors
    /// The same sentence, when it is not heard like that.
    pub fn as_played(&self, played_dbov: f64) -> Result<String, String> {
        let Some(length) = self.length_ms() else { return Err("nothing of the tone was heard".to_owned()) };
        let sentence = format!(
            "{:.1} % of the frames, {:.1} dBov (played at {played_dbov}), longest gap {} ms, {length} ms long",
            self.share() * 100.0,
            self.level_dbov,
            self.longest_gap_ms
        );
        let good = self.share() >= LEAST_SHARE
            && (self.level_dbov - played_dbov).abs() <= OFF_DB
            && self.longest_gap_ms <= LONGEST_GAP_MS;
        if good { Ok(sentence) } else { Err(sentence) }
    }

    /// From the tone's first sound to its last, milliseconds; `None` when there is none.
    #[must_use]
    pub fn length_ms(&self) -> Option<u32> {
        Some(self.last_ms?.saturating_sub(self.first_ms?))
    }
}

/// A tone is heard when at least this share of the frames carries it.
const LEAST_SHARE: f64 = 0.98;
/// Its level may be off by this much, dB.
const OFF_DB: f64 = 1.0;
/// No gap in it is longer, milliseconds.
const LONGEST_GAP_MS: u32 = 40;

/// The quietest tone that counts as heard, dBov.
const QUIETEST_DBOV: f64 = -45.0;

/// Looks for a tone of `hz` in every 20 ms of `samples`.
#[must_use]
pub fn tone(samples: &[i16], rate: u32, hz: f64) -> ToneReport {
    let frame = (rate / 50).max(1) as usize;
    let mut levels: Vec<f64> =
        samples.chunks_exact(frame).filter_map(|chunk| carried(chunk, rate, hz)).collect();
    levels.sort_by(f64::total_cmp);
    let level = levels.get(levels.len() / 2).copied().unwrap_or(SILENCE_DBOV);
    let hop = (rate / 100).max(1) as usize;
    let heard: Vec<bool> = samples
        .chunks_exact(hop)
        .map(|chunk| carried(chunk, rate, hz).is_some_and(|l| l > level - 6.0))
        .collect();
    let first = heard.iter().position(|&h| h);
    let last = heard.iter().rposition(|&h| h);
    let gap = match (first, last) {
        (Some(first), Some(last)) => longest_run(&heard[first..=last]),
        _ => 0,
    };
    ToneReport {
        frames: samples.len() / frame,
        carrying: levels.len(),
        level_dbov: level,
        longest_gap_ms: millis(gap),
        first_ms: first.map(millis),
        last_ms: last.map(|at| millis(at + 1)),
    }
}

/// Looks for a tone between its first and its last sound only: what comes before and after is not held against it.
#[must_use]
pub fn tone_between(samples: &[i16], rate: u32, hz: f64) -> ToneReport {
    let whole = tone(samples, rate, hz);
    let (Some(first), Some(last)) = (whole.first_ms, whole.last_ms) else { return whole };
    let at = |ms: u32| (u64::from(ms) * u64::from(rate) / 1000) as usize;
    let mut inner = tone(&samples[at(first)..at(last).min(samples.len())], rate, hz);
    inner.first_ms = whole.first_ms;
    inner.last_ms = whole.last_ms;
    inner
}

/// The tone's level when the frame carries it.
fn carried(frame: &[i16], rate: u32, hz: f64) -> Option<f64> {
    let tone = tone_dbov(frame, rate, hz);
    (tone > QUIETEST_DBOV && tone > level_dbov(frame) - SINE_DBOV).then_some(tone)
}

/// The longest run of `false`.
fn longest_run(heard: &[bool]) -> usize {
    heard.split(|&h| h).map(<[bool]>::len).max().unwrap_or(0)
}

/// Hops of 10 ms as milliseconds.
fn millis(hops: usize) -> u32 {
    u32::try_from(hops * 10).unwrap_or(u32::MAX)
}

/// A sine of `hz` at `level` dBov, `seconds` long.
#[must_use]
pub fn sine(rate: u32, hz: f64, level: f64, seconds: f64) -> Vec<i16> {
    let amplitude = 32_768.0 * 10f64.powf((level + SINE_DBOV) / 20.0);
    let count = (f64::from(rate) * seconds) as usize;
    (0..count)
        .map(|n| {
            let value = amplitude * (TAU * hz * n as f64 / f64::from(rate)).sin();
            value.round().clamp(-32_768.0, 32_767.0) as i16
        })
        .collect()
}

/// Reads a WAV file (any rate, width and number of channels) as one channel; answers the samples and their rate.
///
/// # Errors
/// A sentence, when the file cannot be read or is no WAV file.
pub fn read_wav(path: &Path) -> Result<(Vec<i16>, u32), String> {
    crate::wav::read(path, usize::MAX).map_err(|error| error.to_string())
}

/// Writes one channel as a 16-bit WAV file.
///
/// # Errors
/// A sentence, when the file cannot be written.
pub fn write_wav(path: &Path, rate: u32, samples: &[i16]) -> Result<(), String> {
    let mut writer = crate::wav::Writer::create(path, rate).map_err(|error| error.to_string())?;
    writer.write(samples).map_err(|error| error.to_string())?;
    writer.close().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_sine_is_three_below_overload() {
        let tone = sine(8000, 1000.0, -3.01, 1.0);
        assert!((level_dbov(&tone) + 3.01).abs() < 0.05);
        assert!((tone_dbov(&tone, 8000, 1000.0) + 3.01).abs() < 0.05);
        assert!(tone_dbov(&tone, 8000, 440.0) < -60.0);
        assert!((level_dbov(&[0; 80]) - SILENCE_DBOV).abs() < f64::EPSILON);
    }

    #[test]
    fn gaps_and_strangers_are_found() {
        let mut samples = sine(8000, 440.0, -20.0, 1.0);
        samples[3200..3680].fill(0);
        let report = tone(&samples, 8000, 440.0);
        assert_eq!((report.frames, report.carrying, report.longest_gap_ms), (50, 47, 60));
        assert!((report.level_dbov + 20.0).abs() < 0.2);
        assert_eq!(tone(&samples, 8000, 1000.0).carrying, 0);
    }

    #[test]
    fn a_tone_as_played_is_heard_and_a_broken_one_is_not() {
        let whole = sine(8000, 440.0, -12.0, 3.0);
        let judge = |samples: &[i16], hz, level| tone_between(samples, 8000, hz).as_played(level);
        let said = judge(&whole, 440.0, -12.0).expect("it is heard");
        assert_eq!(said, "100.0 % of the frames, -12.0 dBov (played at -12), longest gap 0 ms, 3000 ms long");
        for level in [-13.1, -10.9] {
            assert!(judge(&whole, 440.0, level).is_err(), "played at {level}");
        }
        assert_eq!(judge(&whole, 1000.0, -12.0), Err("nothing of the tone was heard".to_owned()));
        let holes = |every: usize, ms: usize| {
            let mut broken = whole.clone();
            broken[4000..20_000].chunks_exact_mut(every * 8).for_each(|part| part[..ms * 8].fill(0));
            judge(&broken, 440.0, -12.0)
        };
        assert!(holes(2000, 40).is_ok(), "a gap of 40 ms");
        assert!(holes(2000, 60).is_err(), "a gap of 60 ms, in 98 % of the tone");
        assert!(holes(500, 40).is_err(), "four gaps of 40 ms, more than 2 % of the tone");
    }

    #[test]
    fn what_comes_before_and_after_is_not_counted() {
        let mut samples = vec![0; 4000];
        samples.extend(sine(8000, 440.0, -20.0, 1.0));
        samples.extend([0; 4000]);
        assert!(tone(&samples, 8000, 440.0).share() < 0.6);
        let inner = tone_between(&samples, 8000, 440.0);
        assert!(inner.share() > 0.99, "{inner:?}");
        assert_eq!((inner.first_ms, inner.last_ms, inner.longest_gap_ms), (Some(500), Some(1500), 0));
    }
}
