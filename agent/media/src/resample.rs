//! From the rate of a sound device or file to the 8000 samples a second of the wire, and back.

use crate::codec::RATE;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
    audioadapter_buffers::direct::InterleavedSlice,
};

/// The lowest and the highest rate of a device or file that is dealt with, samples a second.
pub(crate) const RATES: std::ops::RangeInclusive<u32> = 4000..=384_000;

/// A float sample as 16 bits; what is beyond full scale is cut off.
pub(crate) fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// A 16-bit sample as a float.
pub(crate) fn to_f32(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

/// Turns a stream of one rate into one of another, 10 ms at a time.
pub(crate) struct Resampler {
    /// `None`: the rates are the same.
    inner: Option<Async<f32>>,
    /// How many samples go in at a time.
    chunk: usize,
    output: Vec<f32>,
}

impl Resampler {
    /// From `from` samples a second to `to`; both within `RATES`.
    pub(crate) fn new(from: u32, to: u32) -> Result<Self, String> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                return Err(format!("a rate of {rate} samples a second is out of reach"));
            }
        }
        let chunk = (from / 100) as usize;
        if from == to {
            return Ok(Self { inner: None, chunk, output: Vec::new() });
        }
        // The ratio is a fraction of whole numbers, so that a table with as many phases as its numerator is exact and
        // nothing needs to be interpolated between them. Long filters where the rate falls: they must be sharp at the
        // lower rate.
        let phases = (to / gcd(from, to)).clamp(1, 1024) as usize;
        let stretch = (from as f32 / to as f32).max(1.0);
        let length = ((48.0 * stretch) as usize).next_multiple_of(8).min(1024);
        let interpolation = if to / gcd(from, to) <= 1024 {
            SincInterpolationType::Nearest
        } else {
            SincInterpolationType::Linear
        };
        let filter = SincInterpolationParameters::new(length, WindowFunction::BlackmanHarris2)
            .oversampling_factor(phases)
            .interpolation(interpolation);
        let ratio = f64::from(to) / f64::from(from);
        let inner = Async::new_sinc(ratio, 1.0, &filter, chunk, 1, FixedAsync::Input)
            .map_err(|error| format!("cannot convert {from} to {to} samples a second: {error}"))?;
        let output = vec![0.0; inner.output_frames_max()];
        Ok(Self { inner: Some(inner), chunk, output })
    }

    /// How many samples `run` takes at a time: 10 ms of the source's rate.
    pub(crate) fn chunk(&self) -> usize {
        self.chunk
    }

    /// Converts exactly `chunk()` samples and hands the result to `take`. Anything else is an error of ours, and silent.
    pub(crate) fn run(&mut self, input: &[f32], take: impl FnOnce(&[f32])) {
        debug_assert_eq!(input.len(), self.chunk);
        let Some(inner) = &mut self.inner else {
            take(input);
            return;
        };
        let frames = self.output.len();
        let done = match (
            InterleavedSlice::new(input, 1, input.len()),
            InterleavedSlice::new_mut(&mut self.output, 1, frames),
        ) {
            (Ok(source), Ok(mut target)) => inner.process_into_buffer(&source, &mut target, None).ok(),
            _ => None,
        };
        match done {
            Some((_, produced)) => take(&self.output[..produced]),
            None => debug_assert!(false, "the resampler was given {} samples", input.len()),
        }
    }
}

/// A whole clip at 8000 samples a second.
pub(crate) fn clip(samples: &[i16], rate: u32) -> Result<Vec<i16>, String> {
    if rate == RATE {
        return Ok(samples.to_vec());
    }
    let mut resampler = Resampler::new(rate, RATE)?;
    let mut all = Vec::with_capacity(samples.len() * RATE as usize / rate as usize + 160);
    let mut chunk = vec![0.0; resampler.chunk()];
    for piece in samples.chunks(resampler.chunk()) {
        chunk.fill(0.0);
        for (to, &from) in chunk.iter_mut().zip(piece) {
            *to = to_f32(from);
        }
        resampler.run(&chunk, |out| all.extend(out.iter().map(|&s| to_i16(s))));
    }
    Ok(all)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure;

    #[test]
    fn a_tone_keeps_level_and_pitch_through_every_common_rate() {
        for rate in [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000] {
            let tone = measure::sine(rate, 1000.0, -13.0, 1.0);
            let narrow = clip(&tone, rate).expect("a common rate");
            assert!((narrow.len() as i64 - 8000).abs() <= 160, "{rate}: {}", narrow.len());
            let report = measure::tone(&narrow[400..7600], RATE, 1000.0);
            assert!(report.share() > 0.999 && (report.level_dbov + 13.0).abs() < 0.1, "{rate}: {report:?}");
            let mut wide = Vec::new();
            let mut up = Resampler::new(RATE, rate).expect("a common rate");
            for piece in narrow.chunks_exact(80) {
                let piece: Vec<f32> = piece.iter().map(|&s| to_f32(s)).collect();
                up.run(&piece, |out| wide.extend(out.iter().map(|&s| to_i16(s))));
            }
            let from = rate as usize / 10;
            let report = measure::tone(&wide[from..wide.len() - from], rate, 1000.0);
            assert!(report.share() > 0.999 && (report.level_dbov + 13.0).abs() < 0.1, "{rate}: {report:?}");
        }
    }

    #[test]
    fn what_the_wire_cannot_carry_does_not_fold_back() {
        let tone = measure::sine(48_000, 5000.0, -13.0, 1.0);
        let narrow = clip(&tone, 48_000).expect("a common rate");
        assert!(measure::tone_dbov(&narrow[400..], RATE, 3000.0) < -70.0);
        assert!(measure::level_dbov(&narrow[400..]) < -65.0);
    }

    #[test]
    fn a_rate_out_of_reach_is_refused() {
        assert!(Resampler::new(0, RATE).is_err());
        assert!(Resampler::new(1_000_000, RATE).is_err());
    }
}
