//! WAV files: read as a microphone would speak them, written so that a killed program leaves a valid file.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// What can go wrong with a WAV file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WavError {
    /// The file cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not a WAV file we can read.
    #[error("{path} is not a readable WAV file: {why}")]
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// The most header and sample bytes a WAV file can count (its sizes are 32 bits wide).
const MOST_BYTES: u64 = u32::MAX as u64 - 64;
/// The length of the header written here.
const HEADER: u64 = 44;

/// Reads `path` as one channel, at most `most` frames of it; answers samples and rate.
pub(crate) fn read(path: &Path, most: usize) -> Result<(Vec<i16>, u32), WavError> {
    let format = |error: hound::Error| match error {
        hound::Error::IoError(source) => WavError::Io { path: path.to_owned(), source },
        other => WavError::Format { path: path.to_owned(), why: other.to_string() },
    };
    let reader = hound::WavReader::open(path).map_err(format)?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels.max(1));
    if spec.sample_rate == 0 {
        return Err(WavError::Format { path: path.to_owned(), why: "its sample rate is 0".to_owned() });
    }
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => {
            collect(reader.into_samples::<f32>(), channels, most).map_err(format)?
        }
        hound::SampleFormat::Int => {
            let full = (1_i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            let scaled = reader.into_samples::<i32>().map(|s| s.map(|s| s as f32 / full));
            collect(scaled, channels, most).map_err(format)?
        }
    };
    let mono = samples
        .chunks_exact(channels)
        .map(|frame| crate::resample::to_i16(frame.iter().sum::<f32>() / channels as f32))
        .collect();
    Ok((mono, spec.sample_rate))
}

/// Takes at most `most` frames; a file cut off in the middle counts as far as it goes.
fn collect(
    samples: impl Iterator<Item = Result<f32, hound::Error>>,
    channels: usize,
    most: usize,
) -> Result<Vec<f32>, hound::Error> {
    let mut all = Vec::new();
    for sample in samples.take(most.saturating_mul(channels)) {
        match sample {
            Ok(sample) => all.push(sample),
            Err(hound::Error::IoError(error))
                if error.kind() != io::ErrorKind::UnexpectedEof && all.is_empty() =>
            {
                return Err(hound::Error::IoError(error));
            }
            Err(_) if !all.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Writes one channel of 16 bits. The samples go to the file first and the header's sizes after them, every tenth of a
/// second and at the end, so that whatever kills the program, the file is a valid one that lacks a tenth of a second at
/// most, and who reads it meanwhile misses no more.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    rate: u32,
    /// Sample bytes written.
    bytes: u64,
    /// How many of them the header counts.
    counted: u64,
}

impl Writer {
    /// Begins a new file, in place of an older one.
    pub(crate) fn create(path: &Path, rate: u32) -> Result<Self, WavError> {
        let fail = |source| WavError::Io { path: path.to_owned(), source };
        let file = File::create(path).map_err(fail)?;
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(32_768, file),
            rate,
            bytes: 0,
            counted: 1,
        };
        writer.update_header()?;
        Ok(writer)
    }

    /// Goes on with a file that this program began (of the same rate), at its end.
    pub(crate) fn append(path: &Path, rate: u32) -> Result<Self, WavError> {
        let fail = |source| WavError::Io { path: path.to_owned(), source };
        let mut file = File::options().read(true).write(true).open(path).map_err(fail)?;
        let mut head = [0; HEADER as usize];
        let ours = file.read_exact(&mut head).is_ok() && head == header(rate, data_bytes(&head));
        if !ours {
            return Self::create(path, rate);
        }
        let end = file.seek(SeekFrom::End(0)).map_err(fail)?;
        let bytes = (end - HEADER) & !1;
        file.seek(SeekFrom::Start(HEADER + bytes)).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(32_768, file),
            rate,
            bytes,
            counted: u64::from(data_bytes(&head)),
        })
    }

    /// Adds samples; what goes beyond the 4 GiB a WAV file can count is left out.
    pub(crate) fn write(&mut self, samples: &[i16]) -> Result<(), WavError> {
        for sample in samples {
            if self.bytes + 2 > MOST_BYTES {
                break;
            }
            self.file.write_all(&sample.to_le_bytes()).map_err(|source| self.fail(source))?;
            self.bytes += 2;
        }
        if self.bytes - self.counted.min(self.bytes) >= u64::from(self.rate / 5) {
            self.update_header()?;
        }
        Ok(())
    }

    /// Everything written so far is in the file from now on, whoever reads it.
    pub(crate) fn flush(&mut self) -> Result<(), WavError> {
        self.update_header()
    }

    /// Puts everything on disk.
    pub(crate) fn close(mut self) -> Result<(), WavError> {
        self.update_header()
    }

    fn update_header(&mut self) -> Result<(), WavError> {
        if self.counted == self.bytes {
            return Ok(());
        }
        self.counted = self.bytes;
        let head = header(self.rate, u32::try_from(self.bytes).unwrap_or(u32::MAX));
        let bytes = self.bytes;
        let write = |file: &mut BufWriter<File>| {
            file.flush()?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&head)?;
            file.seek(SeekFrom::Start(HEADER + bytes))?;
            file.flush()
        };
        write(&mut self.file).map_err(|source| self.fail(source))
    }

    fn fail(&self, source: io::Error) -> WavError {
        WavError::Io { path: self.path.clone(), source }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.update_header() {
            tracing::warn!(%error, "the recording lacks its end");
        }
    }
}

/// What a header says about the length of the samples.
fn data_bytes(head: &[u8; HEADER as usize]) -> u32 {
    u32::from_le_bytes([head[40], head[41], head[42], head[43]])
}

/// The header of a 16-bit, one-channel PCM file.
fn header(rate: u32, bytes: u32) -> [u8; HEADER as usize] {
    let mut head = [0; HEADER as usize];
    head[..4].copy_from_slice(b"RIFF");
    head[4..8].copy_from_slice(&bytes.saturating_add(36).to_le_bytes());
    head[8..16].copy_from_slice(b"WAVEfmt ");
    head[16..20].copy_from_slice(&16_u32.to_le_bytes());
    head[20..22].copy_from_slice(&1_u16.to_le_bytes());
    head[22..24].copy_from_slice(&1_u16.to_le_bytes());
    head[24..28].copy_from_slice(&rate.to_le_bytes());
    head[28..32].copy_from_slice(&rate.saturating_mul(2).to_le_bytes());
    head[32..34].copy_from_slice(&2_u16.to_le_bytes());
    head[34..36].copy_from_slice(&16_u16.to_le_bytes());
    head[36..40].copy_from_slice(b"data");
    head[40..44].copy_from_slice(&bytes.to_le_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in a folder of its own, which lasts as long as the first of the two.
    fn file(name: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join(name);
        (folder, file)
    }

    #[test]
    fn what_is_written_is_read_and_goes_on() {
        let (_folder, path) = file("round.wav");
        let mut writer = Writer::create(&path, 8000).expect("created");
        writer.write(&[1, -2, 3]).expect("written");
        writer.close().expect("closed");
        let mut writer = Writer::append(&path, 8000).expect("opened again");
        writer.write(&[4, 5]).expect("written");
        writer.close().expect("closed");
        assert_eq!(read(&path, usize::MAX).expect("readable"), (vec![1, -2, 3, 4, 5], 8000));
        assert_eq!(read(&path, 2).expect("readable").0, [1, -2]);
    }

    #[test]
    fn a_killed_writer_leaves_a_valid_file() {
        let (_folder, path) = file("killed.wav");
        let mut writer = Writer::create(&path, 8000).expect("created");
        for _ in 0..10 {
            writer.write(&[7; 800]).expect("written");
        }
        writer.write(&[7; 80]).expect("written");
        let so_far = |path| read(path, usize::MAX).expect("readable though nobody closed it").0.len();
        assert_eq!(so_far(&path), 8000, "a second, in tenths");
        writer.flush().expect("flushed");
        assert_eq!(so_far(&path), 8080, "all of it");
        std::mem::forget(writer);
        Writer::append(&path, 8000).expect("goes on").write(&[1]).expect("written");
        assert!(read(&path, usize::MAX).expect("readable").0.len() > 8000);
    }

    #[test]
    fn what_is_no_wav_file_is_named() {
        let (_folder, path) = file("text.wav");
        std::fs::write(&path, "this is not sound").expect("written");
        let error = read(&path, 10).expect_err("not a WAV file").to_string();
        assert!(error.contains("text.wav is not a readable WAV file"), "{error}");
        let error = read(Path::new("/nowhere/x.wav"), 10).expect_err("no such file").to_string();
        assert!(error.starts_with("/nowhere/x.wav: "), "{error}");
    }
}
