//! What the exchange heard on a call, put in order by RTP timestamp, and measured.

use agent_media::measure::{self, ToneReport};
use std::{path::Path, time::Instant};

/// Samples a second: G.711.
pub(crate) const RATE: u32 = 8000;
/// A recording stops growing here: fifteen minutes.
const MOST_SAMPLES: usize = RATE as usize * 900;
/// A timestamp that jumps further than this begins anew where the recording ends: ten seconds.
const FURTHEST: i64 = RATE as i64 * 10;

/// What was heard.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// The sound, 8000 samples a second; what never arrived is silence.
    pub samples: Vec<i16>,
    /// Packets with sound.
    pub packets: u64,
    /// When the first came.
    pub first: Option<Instant>,
    /// When the last came.
    pub last: Option<Instant>,
    /// The longest time between two that followed each other, milliseconds.
    pub longest_pause_ms: u64,
    /// Keys pressed (RFC 4733).
    pub digits: String,
    stream: Option<(u32, i64, u32)>,
    key: Option<u32>,
}

impl Recording {
    /// How long it is, milliseconds.
    pub fn millis(&self) -> u64 {
        self.samples.len() as u64 * 1000 / u64::from(RATE)
    }

    /// Looks for a tone over all of it.
    pub fn tone(&self, hz: f64) -> ToneReport {
        measure::tone(&self.samples, RATE, hz)
    }

    /// Looks for a tone between its first and last sound.
    pub fn tone_between(&self, hz: f64) -> ToneReport {
        measure::tone_between(&self.samples, RATE, hz)
    }

    /// The level of all of it, dBov.
    pub fn level_dbov(&self) -> f64 {
        measure::level_dbov(&self.samples)
    }

    /// Writes it as a WAV file; the error is a sentence.
    pub fn write_wav(&self, path: &Path) -> Result<(), String> {
        measure::write_wav(path, RATE, &self.samples)
    }

    /// Takes a packet with sound.
    pub(crate) fn take(&mut self, now: Instant, (ssrc, timestamp): (u32, u32), sound: &[i16]) {
        if let Some(last) = self.last {
            let pause = u64::try_from(now.duration_since(last).as_millis()).unwrap_or(u64::MAX);
            self.longest_pause_ms = self.longest_pause_ms.max(pause);
        }
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.packets += 1;
        let place = self.place(ssrc, timestamp);
        let Ok(at) = usize::try_from(place) else { return };
        let end = at + sound.len();
        if end > MOST_SAMPLES {
            return;
        }
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        self.samples[at..end].copy_from_slice(sound);
    }

    /// Takes an event packet: a key counts once however often it is repeated.
    pub(crate) fn take_key(&mut self, timestamp: u32, payload: &[u8]) {
        const KEYS: &[u8; 16] = b"0123456789*#ABCD";
        let Some(&key) = payload.first().and_then(|event| KEYS.get(usize::from(*event))) else { return };
        if self.key.replace(timestamp) != Some(timestamp) && self.digits.len() < 1024 {
            self.digits.push(char::from(key));
        }
    }

    /// Where in the recording a packet belongs; below zero is before its beginning.
    fn place(&mut self, ssrc: u32, timestamp: u32) -> i64 {
        let end = self.samples.len() as i64;
        if let Some((known, base, origin)) = self.stream
            && known == ssrc
        {
            let place = base + i64::from(timestamp.wrapping_sub(origin).cast_signed());
            if (place - end).abs() < FURTHEST {
                return place;
            }
        }
        // Another sender, or the same after a jump: it goes on where the recording ends.
        self.stream = Some((ssrc, end, timestamp));
        end
    }
}

#[cfg(test)]
mod tests {
    use super::Recording;
    use std::time::Instant;

    #[test]
    fn packets_find_their_place() {
        let now = Instant::now();
        let mut heard = Recording::default();
        heard.take(now, (1, u32::MAX - 159), &[1; 160]);
        heard.take(now, (1, 160), &[3; 160]);
        heard.take(now, (1, 0), &[2; 160]);
        assert_eq!(heard.samples.len(), 480);
        assert_eq!((heard.samples[0], heard.samples[160], heard.samples[479]), (1, 2, 3));
        heard.take(now, (1, 900_000), &[4; 160]);
        heard.take(now, (2, 5), &[5; 160]);
        assert_eq!(heard.samples.len(), 800, "a jump and another sender go on at the end");
        assert_eq!(heard.samples[799], 5);
        heard.take(now, (2, 5_u32.wrapping_sub(2_000)), &[6; 160]);
        assert_eq!(heard.samples.len(), 800, "what belongs before the beginning is dropped");
        assert_eq!(heard.packets, 6);
    }

    #[test]
    fn keys_count_once() {
        let mut heard = Recording::default();
        for (timestamp, event) in [(1, 5), (1, 5), (2, 11), (3, 5), (3, 5), (4, 99)] {
            heard.take_key(timestamp, &[event, 0x0a, 0, 160]);
        }
        assert_eq!(heard.digits, "5#5");
    }
}
