//! The sounds that are not speech: ringing, call-progress tones by country, and keys for peers without RFC 4733.
//!
//! Everything is made sample by sample at 8000 samples a second. The call-progress tones are those of ITU-T E.180
//! supplement 2; the ring is our own: a soft chord in the country's rhythm.

use crate::codec::RATE;
use agent_core::view::Sound;
use std::f32::consts::TAU;

/// A country's tones. Times in milliseconds, sounding and silent by turns.
struct Tones {
    countries: &'static [&'static str],
    /// The ring's rhythm.
    ring: &'static [u32],
    /// What is heard while it rings there.
    ringback: (&'static [f32], &'static [u32]),
    busy: (&'static [f32], &'static [u32]),
    congestion: (&'static [f32], &'static [u32]),
    waiting: (&'static [f32], &'static [u32]),
}

/// The countries known; the first is taken where none fits.
const TABLE: &[Tones] = &[
    Tones {
        countries: &["DE", "AT", "CH", "LU"],
        ring: &[1000, 4000],
        ringback: (&[425.0], &[1000, 4000]),
        busy: (&[425.0], &[480, 480]),
        congestion: (&[425.0], &[240, 240]),
        waiting: (&[425.0], &[200, 200, 200, 5000]),
    },
    Tones {
        countries: &["US", "CA", "PR"],
        ring: &[2000, 4000],
        ringback: (&[440.0, 480.0], &[2000, 4000]),
        busy: (&[480.0, 620.0], &[500, 500]),
        congestion: (&[480.0, 620.0], &[250, 250]),
        waiting: (&[440.0], &[300, 9700]),
    },
    Tones {
        countries: &["FR", "MC"],
        ring: &[1500, 3500],
        ringback: (&[440.0], &[1500, 3500]),
        busy: (&[440.0], &[500, 500]),
        congestion: (&[440.0], &[250, 250]),
        waiting: (&[440.0], &[300, 10_000]),
    },
    Tones {
        countries: &["GB", "IE", "IM", "JE", "GG"],
        ring: &[400, 200, 400, 2000],
        ringback: (&[400.0, 450.0], &[400, 200, 400, 2000]),
        busy: (&[400.0], &[375, 375]),
        congestion: (&[400.0], &[400, 350, 225, 525]),
        waiting: (&[400.0], &[100, 2500]),
    },
];

/// The ring's chord: the two notes of a major third by turns, each with its octave.
const RING_NOTES: [f32; 2] = [659.26, 523.25];
/// How long each note sounds, milliseconds.
const RING_NOTE: u32 = 120;
/// A colleague's call: one short burst, the same in every country.
const RING_INTERNAL: [u32; 2] = [480, 3520];
/// A call that the PBX marks: three quick bursts.
const RING_SPECIAL: [u32; 6] = [360, 240, 360, 240, 360, 2440];
/// A call was answered by itself: two short notes, once.
const BEEP_NOTES: [f32; 1] = [1400.0];
/// See [`BEEP_NOTES`].
const BEEP: [u32; 4] = [150, 100, 150, 100];
/// How long busy and congestion are heard before they end by themselves, milliseconds.
const PATIENCE: u32 = 5000;
/// The level of one call-progress frequency as an amplitude: together -16 dBov.
const PROGRESS: f32 = 0.225;
/// The level of the ring as an amplitude.
const RING: f32 = 0.4;
/// How long a tone swells and dies, milliseconds: without it every edge clicks.
const EDGE: u32 = 5;

/// Makes one sound, sample by sample.
#[derive(Debug, Clone)]
pub(crate) struct Generator {
    sound: Sound,
    frequencies: &'static [f32],
    cadence: &'static [u32],
    /// Samples made so far.
    at: u64,
}

impl Generator {
    /// Begins `sound` as it is heard in `country` (two letters, ISO 3166).
    pub(crate) fn new(sound: Sound, country: &str) -> Self {
        let tones = TABLE
            .iter()
            .find(|tones| tones.countries.iter().any(|c| c.eq_ignore_ascii_case(country)))
            .unwrap_or(&TABLE[0]);
        let (frequencies, cadence) = match sound {
            Sound::Ring => (&RING_NOTES as &[f32], tones.ring),
            Sound::RingInternal => (&RING_NOTES as &[f32], &RING_INTERNAL as &[u32]),
            Sound::RingSpecial => (&RING_NOTES as &[f32], &RING_SPECIAL as &[u32]),
            Sound::CallWaiting => tones.waiting,
            Sound::Beep => (&BEEP_NOTES as &[f32], &BEEP as &[u32]),
            Sound::Ringback => tones.ringback,
            Sound::Busy => tones.busy,
            Sound::Congestion => tones.congestion,
        };
        Self { sound, frequencies, cadence, at: 0 }
    }

    /// Which sound this is.
    pub(crate) fn sound(&self) -> Sound {
        self.sound
    }

    /// Adds the next samples to `mix`. Answers false once the sound is over.
    pub(crate) fn add(&mut self, mix: &mut [i16]) -> bool {
        let limit = match self.sound {
            Sound::Busy | Sound::Congestion => Some(samples(PATIENCE)),
            Sound::Beep => Some(BEEP.iter().map(|&ms| samples(ms)).sum()),
            _ => None,
        };
        for sample in mix {
            if limit.is_some_and(|limit| self.at >= limit) {
                return false;
            }
            let value = self.next_sample();
            *sample = sample.saturating_add((value * 32_767.0) as i16);
        }
        true
    }

    fn next_sample(&mut self) -> f32 {
        let length: u64 = self.cadence.iter().map(|&ms| samples(ms)).sum();
        let mut within = self.at % length.max(1);
        self.at += 1;
        for (n, &ms) in self.cadence.iter().enumerate() {
            let part = samples(ms);
            if within < part {
                return if n % 2 == 0 { self.sounding(within, part) } else { 0.0 };
            }
            within -= part;
        }
        0.0
    }

    /// The value `at` samples into a burst of `length`.
    fn sounding(&self, at: u64, length: u64) -> f32 {
        if rings(self.sound) {
            let note = samples(RING_NOTE);
            let hz = RING_NOTES[usize::from((at / note) % 2 == 1)];
            let (value, of) = (at % note, note.min(length - (at / note) * note));
            return RING * edge(value, of) * (0.75 * sine(hz, at) + 0.25 * sine(2.0 * hz, at));
        }
        PROGRESS * edge(at, length) * self.frequencies.iter().map(|&hz| sine(hz, at)).sum::<f32>()
            / (self.frequencies.len() as f32).sqrt()
    }
}

/// Whether a sound is what rings, and belongs on the device that does.
pub(crate) fn rings(sound: Sound) -> bool {
    matches!(sound, Sound::Ring | Sound::RingInternal | Sound::RingSpecial)
}

/// The eight frequencies of the keypad: rows, then columns (ITU-T Q.23).
const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// Fills `sound` with the tone of a key, `at` samples after it was pressed; silence for what is no key.
pub(crate) fn key(digit: char, at: u64, sound: &mut [i16]) {
    let place = ["123A", "456B", "789C", "*0#D"]
        .iter()
        .enumerate()
        .find_map(|(row, keys)| keys.find(digit.to_ascii_uppercase()).map(|column| (row, column)));
    for (n, sample) in (at..).zip(sound) {
        let value =
            place.map_or(0.0, |(row, column)| 0.2 * sine(ROWS[row], n) + 0.25 * sine(COLUMNS[column], n));
        *sample = (value * 32_767.0) as i16;
    }
}

fn samples(ms: u32) -> u64 {
    u64::from(ms) * u64::from(RATE) / 1000
}

/// Rises at the beginning of a burst and falls at its end.
fn edge(at: u64, length: u64) -> f32 {
    let swell = samples(EDGE);
    let near = (at + 1).min(length.saturating_sub(at)).min(swell);
    near as f32 / swell as f32
}

fn sine(hz: f32, at: u64) -> f32 {
    // The phase is taken modulo one turn in double width first: a float of a large angle is too coarse.
    let turns = f64::from(hz) * at as f64 / f64::from(RATE);
    (TAU * turns.fract() as f32).sin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure;

    fn made(sound: Sound, country: &str, seconds: usize) -> Vec<i16> {
        let mut samples = vec![0; seconds * 8000];
        let mut generator = Generator::new(sound, country);
        for step in samples.chunks_mut(80) {
            generator.add(step);
        }
        samples
    }

    #[test]
    fn ringback_is_one_second_in_five_to_the_sample() {
        for country in ["DE", "de", "", "XX"] {
            let samples = made(Sound::Ringback, country, 10);
            assert!(samples[..2].iter().any(|&s| s != 0) || samples[2] != 0);
            assert!(samples[7990..8000].iter().any(|&s| s != 0));
            assert!(samples[8000..40_000].iter().all(|&s| s == 0));
            assert!(samples[40_000..40_010].iter().any(|&s| s != 0));
            let tone = measure::tone(&samples[..8000], 8000, 425.0);
            assert_eq!(tone.carrying, 50);
            assert!((tone.level_dbov + 16.0).abs() < 0.5, "{tone:?}");
        }
    }

    #[test]
    fn busy_ends_by_itself() {
        let samples = made(Sound::Busy, "DE", 8);
        assert!(samples[3840..7680].iter().all(|&s| s == 0), "480 ms on, 480 ms off");
        assert!(samples[40_000..].iter().all(|&s| s == 0));
        let mut generator = Generator::new(Sound::Busy, "DE");
        let steps = (0..).take_while(|_| generator.add(&mut [0; 80])).count();
        assert_eq!(steps, 500);
    }

    #[test]
    fn every_country_has_every_sound() {
        let progress = [Sound::CallWaiting, Sound::Ringback, Sound::Busy, Sound::Congestion, Sound::Ring];
        for tones in TABLE {
            for sound in progress {
                let samples = made(sound, tones.countries[0], 3);
                let level = measure::level_dbov(&samples[..800]);
                assert!((-26.0..-6.0).contains(&level), "{sound:?} in {}: {level}", tones.countries[0]);
                assert!(samples.iter().all(|s| s.unsigned_abs() < 32_000), "{sound:?} is not cut off");
            }
        }
        assert!(measure::tone_dbov(&made(Sound::Busy, "US", 1)[..4000], 8000, 620.0) > -22.0);
    }

    #[test]
    fn the_ring_has_its_two_notes_and_no_click() {
        let samples = made(Sound::Ring, "DE", 5);
        assert!(measure::tone_dbov(&samples[80..880], 8000, 659.26) > -14.0);
        assert!(measure::tone_dbov(&samples[1040..1840], 8000, 523.25) > -14.0);
        assert!(samples[8000..].iter().all(|&s| s == 0));
        let steepest = samples.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max();
        assert!(steepest < Some(14_000), "{steepest:?}");
    }

    #[test]
    fn a_key_sounds_its_two_frequencies() {
        let mut sound = [0; 800];
        key('5', 0, &mut sound);
        assert!(measure::tone_dbov(&sound, 8000, 770.0) > -20.0);
        assert!(measure::tone_dbov(&sound, 8000, 1336.0) > -20.0);
        assert!(measure::tone_dbov(&sound, 8000, 941.0) < -40.0);
        key('x', 0, &mut sound);
        assert!(sound.iter().all(|&s| s == 0));
    }
}
