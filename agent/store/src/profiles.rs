//! The PBX profiles: those that come with the program, and the user's own, each mistake told with its line and key.

use crate::error::{SettingsError, SettingsErrors, StoreError};
use agent_core::{
    pbx::{BUILT_IN, PbxProfile},
    settings::Settings,
};
use std::{collections::BTreeMap, fs, io::Read, ops::Range, path::Path};
use toml_edit::{Document, TableLike};

/// A profile is at most this long, bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// The profile behind a name, or behind the whole path of one's own file.
pub fn pbx_profile(name: &str) -> Result<PbxProfile, StoreError> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return read(Path::new(name), text).map_err(StoreError::Settings);
    }
    let file = Path::new(name);
    if !file.is_absolute() {
        let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(StoreError::Account(format!(
            "no PBX profile is called \"{name}\": there are {}, and the whole path of a file of your own",
            known.join(", ")
        )));
    }
    read(file, &text_of(file)?).map_err(StoreError::Settings)
}

/// The profiles that these settings need, by what they call them, and what is wrong with the others.
pub(crate) fn needed(settings: &Settings) -> (BTreeMap<String, PbxProfile>, Vec<StoreError>) {
    let (mut found, mut wrong) = (BTreeMap::new(), Vec::new());
    let named = || settings.accounts.iter().map(|account| account.profile.as_str());
    let by_itself = BUILT_IN.iter().map(|(name, _)| *name).filter(|_| named().any(|name| name == "auto"));
    for name in named().filter(|name| !matches!(*name, "auto" | "none")).chain(by_itself) {
        if found.contains_key(name) {
            continue;
        }
        match pbx_profile(name) {
            Ok(profile) => drop(found.insert(name.to_owned(), profile)),
            Err(error) => wrong.push(error),
        }
    }
    (found, wrong)
}

/// Whether every profile that these settings name can be used; the first that cannot.
pub fn check_profiles(settings: &Settings) -> Result<(), StoreError> {
    needed(settings).1.into_iter().next().map_or(Ok(()), Err)
}

fn text_of(file: &Path) -> Result<String, StoreError> {
    let failed = |cause: String| StoreError::File { file: file.to_owned(), cause };
    let meta = fs::metadata(file).map_err(|error| failed(error.to_string()))?;
    // A pipe would be waited for, and a device may never end.
    if !meta.is_file() || meta.len() > MOST_BYTES {
        return Err(failed(format!(
            "this is no profile of a PBX: write a file of at most {MOST_BYTES} bytes"
        )));
    }
    let mut text = String::new();
    let read = fs::File::open(file).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| failed(error.to_string()))
}

fn read(file: &Path, text: &str) -> Result<PbxProfile, SettingsErrors> {
    let wrong = |span: Option<Range<usize>>, told: String| {
        let (line, column) = crate::settings::place(text, span.map_or(0, |span| span.start));
        SettingsErrors(vec![SettingsError { file: file.to_owned(), line, column, text: told }])
    };
    let profile: PbxProfile = toml_edit::de::from_str(text).map_err(|error| {
        let told = error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ");
        let span = error.span();
        // What is missing in a code is told at the code, whose key stands at the beginning of the line.
        let key = span.clone().and_then(|span| key_before(text, span.start));
        wrong(span, key.map_or(told.clone(), |key| format!("{key}: {told}")))
    })?;
    match profile.wrong() {
        Some((key, what)) => Err(wrong(place_of(text, key), format!("{key}: {what}"))),
        None => Ok(profile),
    }
}

/// The key whose line this byte stands in.
fn key_before(text: &str, byte: usize) -> Option<&str> {
    let line = text.get(..byte)?.rsplit('\n').next()?;
    let key = line.split_once('=')?.0.trim();
    (!key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some(key)
}

/// Where a key stands, in whichever part of the file.
fn place_of(text: &str, key: &str) -> Option<Range<usize>> {
    let document = Document::parse(text).ok()?;
    let root: &dyn TableLike = document.as_table();
    let parts = ["codes", "quirks"].iter().filter_map(|part| root.get(part)?.as_table_like());
    parts.chain([root]).find_map(|table| table.key(key)?.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        read(Path::new("/p.toml"), text).expect_err(text).to_string()
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_key() {
        for (text, expected) in [
            (
                "name = \"x\"\n\n[codes]\nfly = { code = \"*1\", verified = false }",
                "/p.toml:4:1: unknown field `fly`",
            ),
            (
                "name = \"x\"\n[codes]\ndnd_on = { code = \"*1\" }",
                "/p.toml:3:10: dnd_on: missing field `verified`",
            ),
            (
                "name = \"x\"\n[codes]\n\n  dnd_on = { code = \"a\", verified = false }",
                "/p.toml:4:3: dnd_on: a code has the keys",
            ),
            (
                "name = \"x\"\n[quirks]\nsubscribes_per_second = 0",
                "/p.toml:3:1: subscribes_per_second: 1 to 100",
            ),
            ("name = \"x\"\n[quirks]\ndtmf = 7", "/p.toml:3:8: dtmf: "),
            ("agents = []", "/p.toml:1:1: missing field `name`"),
            ("name = ", "/p.toml:1:8: name: "),
        ] {
            let told = told(text);
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }

    #[test]
    fn every_profile_that_comes_along_can_be_read() {
        for (name, _) in BUILT_IN {
            pbx_profile(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert!(pbx_profile("nobody").unwrap_err().to_string().contains("freepbx"));
    }
}
