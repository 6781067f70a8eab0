//! Recordings that are still being made: a WAV file whose header does not know its length yet.

use std::{fs, path::Path, time::Duration};

use agent_media::measure;

use crate::wait;

/// What a recording holds so far: one channel of 16-bit samples, and their rate. `None` before there is a whole header.
/// Of several channels the first is taken.
pub fn so_far(file: &Path) -> Option<(Vec<i16>, u32)> {
    parse(&fs::read(file).ok()?)
}

/// Waits until a recording carries the tone of `hz` in so many frames (of 20 ms), and answers all of it; `None` when it does
/// not in time.
pub fn wait_for_tone(file: &Path, hz: f64, frames: usize, deadline: Duration) -> Option<(Vec<i16>, u32)> {
    wait::until(deadline, || {
        let (samples, rate) = so_far(file)?;
        let heard = measure::tone_between(&samples, rate, hz).carrying;
        (heard >= frames).then_some((samples, rate))
    })
}

/// Judges a whole recording: it carries the tone of `hz` as it was played at `level` dBov (`ToneReport::as_played`), and
/// not that of `other_hz`.
///
/// # Errors
/// A sentence with what is heard instead.
pub fn judge(
    (samples, rate): &(Vec<i16>, u32),
    (hz, level): (f64, f64),
    other_hz: f64,
) -> Result<String, String> {
    let said = measure::tone_between(samples, *rate, hz).as_played(level)?;
    let other = measure::tone(samples, *rate, other_hz).share();
    if other < 0.01 {
        Ok(said)
    } else {
        Err(format!("{said}; and the other direction's tone in {:.1} % of the frames", other * 100.0))
    }
}

fn parse(bytes: &[u8]) -> Option<(Vec<i16>, u32)> {
    let mut at = 12;
    let (mut channels, mut rate) = (1, 8000);
    loop {
        let name = bytes.get(at..at + 4)?;
        let length = u32::from_le_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?);
        let body = bytes.get(at + 8..)?;
        match name {
            b"fmt " => {
                channels = usize::from(u16::from_le_bytes(body.get(2..4)?.try_into().ok()?)).max(1);
                rate = u32::from_le_bytes(body.get(4..8)?.try_into().ok()?);
            }
            // While it is being written the length is wrong; nothing follows the sound in what we read.
            b"data" => {
                let samples = body
                    .chunks_exact(2 * channels)
                    .map(|frame| i16::from_le_bytes([frame[0], frame[1]]))
                    .collect();
                return Some((samples, rate));
            }
            _ => {}
        }
        at += 8 + usize::try_from(length).ok()?;
    }
}

#[cfg(test)]
mod tests {
    use super::{judge, so_far};
    use agent_media::measure;

    #[test]
    fn one_tone_is_heard_and_another_is_an_echo() {
        let (voice, echo) = (measure::sine(8000, 440.0, -20.0, 2.0), measure::sine(8000, 1000.0, -30.0, 2.0));
        assert!(judge(&(voice.clone(), 8000), (440.0, -20.0), 1000.0).is_ok());
        assert!(judge(&(voice.clone(), 8000), (440.0, -17.0), 1000.0).is_err(), "too quiet");
        // After what was said, so that it is heard alone.
        let both = (voice.into_iter().chain(echo).collect(), 8000);
        let said = judge(&both, (440.0, -20.0), 1000.0).expect_err("an echo");
        assert!(said.contains("50.0 % of the frames"), "{said}");
    }

    #[test]
    fn reads_what_is_there_whatever_the_header_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.wav");
        measure::write_wav(&file, 16000, &[1, -2, 3]).expect("a file");
        let mut bytes = std::fs::read(&file).expect("a file");
        assert_eq!(so_far(&file), Some((vec![1, -2, 3], 16000)));
        let data = bytes.windows(4).position(|four| four == b"data").expect("a chunk");
        bytes[data + 4..data + 8].fill(0);
        bytes.extend([4, 0, 9]);
        std::fs::write(&file, &bytes).expect("a file");
        assert_eq!(so_far(&file), Some((vec![1, -2, 3, 4], 16000)));
        std::fs::write(&file, &bytes[..20]).expect("a file");
        assert_eq!(so_far(&file), None);
    }
}
