//! Everything that can go wrong with what is kept, as sentences that name the file and what to do.

use std::{fmt, path::PathBuf};

/// Why something could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system does not say where a user's files belong.
    #[error("no place for the profile: {0}; name one with --profile")]
    NoPlace(String),
    /// The profile folder must not be used as it is.
    #[error("the profile folder {} cannot be used: {cause}", dir.display())]
    Profile {
        /// The folder.
        dir: PathBuf,
        /// What is wrong and what to do.
        cause: String,
    },
    /// A file could not be read or written.
    #[error("{}: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The settings are wrong; one line for each mistake.
    #[error("{0}")]
    Settings(SettingsErrors),
    /// What lies where the settings file belongs is none.
    #[error("{}: {cause}", file.display())]
    NoSettingsFile {
        /// The place.
        file: PathBuf,
        /// What lies there and what to do.
        cause: String,
    },
    /// An account to be added is there, or one to be removed is not.
    #[error("{0}")]
    Account(String),
    /// The account to be added makes no sense: `key: what to write instead`, one line for each mistake.
    #[error("{0}")]
    NewAccount(String),
    /// The journal comes from a later version of this program.
    #[error(
        "{} was written by a newer Trayphone (its format is {found}, this one knows {known}): update Trayphone, or use another profile",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
        /// The latest format known here.
        known: u32,
    },
    /// The journal could not be read or written.
    #[error("{}: {cause}", file.display())]
    Journal {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        cause: String,
        /// The file's content is not (or no longer) a database.
        damaged: bool,
    },
    /// The keyring did not do what it was asked.
    #[error("{0}")]
    Keyring(String),
}

/// All mistakes of a settings file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsErrors(pub Vec<SettingsError>);

/// One mistake, with the place an editor can jump to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong and what to write instead. Never repeats a value that may be a secret.
    pub text: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file.display(), self.line, self.column, self.text)
    }
}

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}
