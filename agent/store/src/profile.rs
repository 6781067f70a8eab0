//! The profile: the one folder that holds everything of one user's Trayphone.

use crate::{error::StoreError, platform};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of the plugins, in the profile.
const PLUGINS: &str = "plugins";

/// The folder with settings, journal, plugins and logs. Having one means that it exists and is the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    dir: PathBuf,
}

impl Profile {
    /// Where the profile lies when nobody names another place: `$XDG_CONFIG_HOME/trayphone` or `~/.config/trayphone` on
    /// Linux, `%LOCALAPPDATA%\Trayphone` on Windows, `~/Library/Application Support/Trayphone` on macOS.
    pub fn default_dir() -> Result<PathBuf, StoreError> {
        platform::default_profile_dir().map_err(StoreError::NoPlace)
    }

    /// Opens the profile in `dir` (the default place when `None`) and makes it, for this user only, where it is missing.
    pub fn open(dir: Option<&Path>) -> Result<Self, StoreError> {
        let dir = Self::absolute(dir)?;
        let refuse = |cause: String| StoreError::Profile { dir: dir.clone(), cause };
        platform::create_private_dir(&dir)
            .map_err(|error| refuse(format!("it could not be made: {error}")))?;
        if !dir.is_dir() {
            return Err(refuse("it is not a folder".to_owned()));
        }
        own(&dir, true).map_err(refuse)?;
        probe(&dir).map_err(|error| refuse(format!("nothing can be written there: {error}")))?;
        Ok(Self { dir })
    }

    /// The profile in `dir` if there is one, without making anything or trying to write: for commands that only read. It
    /// is refused where [`Profile::open`] refuses it, or others could put accounts and journals there for us to believe.
    pub fn existing(dir: Option<&Path>) -> Result<Self, StoreError> {
        let dir = Self::absolute(dir)?;
        let found = if dir.is_dir() {
            own(&dir, false)
        } else if dir.exists() {
            Err("it is not a folder".to_owned())
        } else {
            Err("there is no such folder; `trayphone account add` makes it".to_owned())
        };
        match found {
            Ok(()) => Ok(Self { dir }),
            Err(cause) => Err(StoreError::Profile { dir, cause }),
        }
    }

    fn absolute(dir: Option<&Path>) -> Result<PathBuf, StoreError> {
        let dir = dir.map_or_else(Self::default_dir, |dir| Ok(dir.to_owned()))?;
        // What runs later must not depend on the folder the agent was started in.
        std::path::absolute(&dir).map_err(|error| StoreError::Profile { dir, cause: error.to_string() })
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// `trayphone.toml`.
    pub fn settings_file(&self) -> PathBuf {
        self.dir.join("trayphone.toml")
    }

    /// `journal.db`: calls and the ledger.
    pub fn journal_file(&self) -> PathBuf {
        self.dir.join("journal.db")
    }

    /// `device`: the secret this computer is known again by at its PBXs.
    pub(crate) fn device_file(&self) -> PathBuf {
        self.dir.join("device")
    }

    /// `pins`: the keys that PBXs showed at their first use.
    pub(crate) fn pins_file(&self) -> PathBuf {
        self.dir.join("pins")
    }

    /// `plugins`, one folder a plugin; made for this user only where it is missing.
    pub fn plugins_dir(&self) -> Result<PathBuf, StoreError> {
        self.private(PLUGINS)
    }

    /// The same, whether it is there or not: for commands that only look.
    pub fn plugins_place(&self) -> PathBuf {
        self.dir.join(PLUGINS)
    }

    /// `logs`; made for this user only where it is missing.
    pub fn logs_dir(&self) -> Result<PathBuf, StoreError> {
        self.private("logs")
    }

    /// `cache`: what can be made again, such as compiled plugins; made for this user only where it is missing.
    pub fn cache_dir(&self) -> Result<PathBuf, StoreError> {
        self.private("cache")
    }

    fn private(&self, name: &str) -> Result<PathBuf, StoreError> {
        let dir = self.dir.join(name);
        platform::create_private_dir(&dir).map_err(|error| StoreError::Profile {
            dir: dir.clone(),
            cause: format!("it could not be made: {error}"),
        })?;
        Ok(dir)
    }
}

/// Says why others could put there what we would take for ours; with `mend` an empty folder is closed to them instead.
fn own(dir: &Path, mend: bool) -> Result<(), String> {
    match platform::exposure(dir, mend) {
        Ok(None) => Ok(()),
        Ok(Some(cause)) => Err(cause),
        Err(error) => Err(error.to_string()),
    }
}

/// Permission bits do not tell of read-only disks and quotas: only writing does.
fn probe(dir: &Path) -> io::Result<()> {
    let file = dir.join(format!(".probe-{}", std::process::id()));
    platform::private_file().write(true).create(true).truncate(true).open(&file)?;
    fs::remove_file(&file)
}
