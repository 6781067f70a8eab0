//! The codecs: G.711 in both laws, 8000 samples a second, one channel, a byte a sample.

use audio_codec::{Decoder, Encoder, pcma, pcmu};

/// Samples a second on the wire and everywhere inside this crate.
pub(crate) const RATE: u32 = 8000;
/// Samples in 10 ms, the step in which sound moves through this crate.
pub(crate) const STEP: usize = 80;

/// A codec that both sides can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// G.711 A-law.
    Pcma,
    /// G.711 mu-law.
    Pcmu,
}

impl Codec {
    /// The name in an `a=rtpmap` line (RFC 3551 section 4.5.14).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
        }
    }

    /// The payload type that means it without an `a=rtpmap` line (RFC 3551 section 6).
    pub(crate) fn static_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }

    /// Fills `payload` with one byte a sample.
    pub(crate) fn encode(self, samples: &[i16], payload: &mut Vec<u8>) {
        payload.clear();
        payload.resize(samples.len(), 0);
        let done = match self {
            Self::Pcma => pcma::PcmaEncoder::new().encode_into(samples, payload),
            Self::Pcmu => pcmu::PcmuEncoder::new().encode_into(samples, payload),
        };
        // The only error is a buffer too small, and it has just been made large enough.
        debug_assert!(done.is_ok_and(|n| n == samples.len()));
    }

    /// Fills `samples` with one sample a byte.
    pub(crate) fn decode(self, payload: &[u8], samples: &mut Vec<i16>) {
        samples.clear();
        samples.resize(payload.len(), 0);
        let done = match self {
            Self::Pcma => pcma::PcmaDecoder::new().decode_into(payload, samples),
            Self::Pcmu => pcmu::PcmuDecoder::new().decode_into(payload, samples),
        };
        debug_assert!(done.is_ok_and(|n| n == payload.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure;

    #[test]
    fn both_laws_keep_a_tone() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let tone = measure::sine(RATE, 1004.0, -13.0, 1.0);
            let (mut payload, mut back) = (Vec::new(), Vec::new());
            codec.encode(&tone, &mut payload);
            codec.decode(&payload, &mut back);
            assert_eq!((payload.len(), back.len()), (8000, 8000));
            assert!((measure::tone_dbov(&back, RATE, 1004.0) + 13.0).abs() < 0.1);
            let noise: Vec<i16> = tone.iter().zip(&back).map(|(a, b)| a - b).collect();
            assert!(measure::level_dbov(&noise) < -13.0 - 35.0, "signal to noise, {codec:?}");
        }
    }

    #[test]
    fn the_extremes_survive() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let (mut payload, mut back) = (Vec::new(), Vec::new());
            codec.encode(&[i16::MIN, i16::MAX, 0, 1, -1], &mut payload);
            codec.decode(&payload, &mut back);
            assert!(back[0] < -30_000 && back[1] > 30_000, "{codec:?} {back:?}");
            assert!(back[2..].iter().all(|s| s.abs() <= 8), "{codec:?} {back:?}");
        }
    }
}
