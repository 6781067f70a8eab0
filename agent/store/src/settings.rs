//! The settings file: read with all its mistakes told at once, written so that comments stay.

mod edit;
mod fields;
mod nearest;
mod read;

pub(crate) use edit::block;
pub use edit::{add_account, check_account, remove_account, write_default};
pub(crate) use read::place;

use crate::{
    error::{SettingsError, SettingsErrors, StoreError},
    language::system_language,
    profile::Profile,
};
use agent_core::settings::{Language, Settings};
use std::{
    fs,
    io::{self, Read},
    path::Path,
};

/// What a new settings file holds: every setting with its default, as comments.
pub const DEFAULT_FILE: &str = include_str!("settings/default.toml");

/// The profile's settings, those left out at their defaults and `auto` resolved. No file at all is no mistake.
pub fn read_settings(profile: &Profile) -> Result<Settings, StoreError> {
    let mut settings = read_file(&profile.settings_file())?.unwrap_or_default();
    if settings.language == Language::Auto {
        settings.language = system_language();
    }
    Ok(settings)
}

/// Reads `text` as if it stood in `file`; `auto` stays `auto`.
pub fn parse_settings(file: &Path, text: &str) -> Result<Settings, SettingsErrors> {
    read::read(file, text)
}

/// The settings in `file`, or `None` where there is no such file.
fn read_file(file: &Path) -> Result<Option<Settings>, StoreError> {
    match text_of(file)? {
        Some(text) => read::read(file, &text).map(Some).map_err(StoreError::Settings),
        None => Ok(None),
    }
}

/// A settings file is at most this long, bytes; more is some other file.
const MOST_BYTES: u64 = 1024 * 1024;

fn text_of(file: &Path) -> Result<Option<String>, StoreError> {
    let failed = |cause: String| StoreError::File { file: file.to_owned(), cause };
    let none = |cause: String| StoreError::NoSettingsFile { file: file.to_owned(), cause };
    match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(meta) if meta.is_dir() => {
            return Err(none("this is a folder: put a settings file in its place".to_owned()));
        }
        // A pipe would be waited for, and a device may never end.
        Ok(meta) if !meta.is_file() => {
            let what = "this is a pipe, a socket or a device: put a settings file in its place";
            return Err(none(what.to_owned()));
        }
        Ok(meta) if meta.len() > MOST_BYTES => {
            return Err(none(format!("larger than {MOST_BYTES} bytes: this is no settings file")));
        }
        _ => {}
    }
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
        .map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
        let (line, column) = read::place(&text, good);
        let told = "not UTF-8 from here on: save the file in UTF-8".to_owned();
        StoreError::Settings(SettingsErrors(vec![SettingsError {
            file: file.to_owned(),
            line,
            column,
            text: told,
        }]))
    })
}
