//! Recordings that are still being made: a WAV file whose header does not know its length yet.

use std::{fs, path::Path};

/// What a recording holds so far: one channel of 16-bit samples, and their rate. `None` before there is a whole header.
/// Of several channels the first is taken.
pub fn so_far(file: &Path) -> Option<(Vec<i16>, u32)> {
    parse(&fs::read(file).ok()?)
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
    use super::so_far;
    use agent_media::measure;

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
