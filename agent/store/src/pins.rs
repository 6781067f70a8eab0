//! The keys that PBXs showed at their first use, by the name that was configured: a file in the profile that people can read.

use crate::{error::StoreError, file, profile::Profile};
use agent_core::certificate::Fingerprint;
use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// What stands at the beginning of the file.
const HEAD: &str = "# The keys that PBXs showed at their first use (certificate = \"first-use\").\n\
                    # `trayphone account trust` changes one after showing both.\n";
/// More PBXs than any profile has; a longer file is not ours.
const MOST: u64 = 64 * 1024;
/// One change at a time, or one of two would be lost.
static TURN: Mutex<()> = Mutex::new(());

/// The keys that are kept. What another process writes is seen at once: each question reads the file.
#[derive(Debug, Clone)]
pub struct Pins {
    file: PathBuf,
}

impl Pins {
    /// Those of a profile.
    pub fn of(profile: &Profile) -> Self {
        Self { file: profile.pins_file() }
    }

    /// The key kept for `name`; an error when the file cannot be read or understood: then nobody is believed.
    pub fn known(&self, name: &str) -> Result<Option<Fingerprint>, StoreError> {
        Ok(self.read()?.get(&plain(name)).copied())
    }

    /// Keeps the first key that `name` showed; answers the one that is kept, which is another if somebody was first.
    pub fn keep_first(&self, name: &str, key: Fingerprint) -> Result<Fingerprint, StoreError> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.read()?;
        if let Some(kept) = all.get(&plain(name)) {
            return Ok(*kept);
        }
        all.insert(plain(name), key);
        self.write(&all)?;
        Ok(key)
    }

    /// Keeps another key for `name`: the user has seen both.
    pub fn replace(&self, name: &str, key: Fingerprint) -> Result<(), StoreError> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.read()?;
        all.insert(plain(name), key);
        self.write(&all)
    }

    fn read(&self) -> Result<BTreeMap<String, Fingerprint>, StoreError> {
        let wrong = |cause: String| StoreError::File { file: self.file.clone(), cause };
        match fs::metadata(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Ok(meta) if meta.len() > MOST => return Err(wrong("it is too long to be ours".to_owned())),
            _ => {}
        }
        let text = fs::read_to_string(&self.file).map_err(|error| wrong(error.to_string()))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(at, line)| {
                let entry =
                    line.split_once(' ').and_then(|(name, key)| Some((name, Fingerprint::parse(key)?)));
                let (name, key) =
                    entry.ok_or_else(|| wrong(format!("line {} names no host and key", at + 1)))?;
                Ok((name.to_owned(), key))
            })
            .collect()
    }

    fn write(&self, all: &BTreeMap<String, Fingerprint>) -> Result<(), StoreError> {
        let lines: String = all.iter().map(|(name, key)| format!("{name} {key}\n")).collect();
        file::replace(&self.file, &format!("{HEAD}{lines}"))
    }
}

/// Names of machines are the same in either case and with a dot at their end.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Fingerprint {
        Fingerprint([byte; 32])
    }

    #[test]
    fn the_first_key_stays_until_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(&folder.path().join("profile"))).unwrap();
        let pins = Pins::of(&profile);
        assert_eq!(pins.known("pbx.example").unwrap(), None);
        assert_eq!(pins.keep_first("PBX.example.", key(1)).unwrap(), key(1));
        assert_eq!(pins.keep_first("pbx.example", key(2)).unwrap(), key(1), "somebody was first");
        assert_eq!(pins.keep_first("192.0.2.1", key(3)).unwrap(), key(3));
        // Another process asks.
        let other = Pins::of(&profile);
        assert_eq!(other.known("pbx.EXAMPLE").unwrap(), Some(key(1)));
        other.replace("pbx.example", key(2)).unwrap();
        assert_eq!(pins.known("pbx.example").unwrap(), Some(key(2)));
        assert_eq!(pins.known("192.0.2.1").unwrap(), Some(key(3)));
    }

    #[test]
    fn what_cannot_be_read_believes_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(&folder.path().join("profile"))).unwrap();
        let pins = Pins::of(&profile);
        for spoilt in ["pbx.example", "pbx.example sha256:12", "\u{0}"] {
            fs::write(profile.pins_file(), spoilt).unwrap();
            assert!(pins.known("pbx.example").is_err() && pins.keep_first("pbx.example", key(1)).is_err());
            assert_eq!(fs::read_to_string(profile.pins_file()).unwrap(), spoilt, "nothing is lost");
        }
        fs::write(profile.pins_file(), "x".repeat(100_000)).unwrap();
        assert!(pins.known("pbx.example").is_err());
    }
}
