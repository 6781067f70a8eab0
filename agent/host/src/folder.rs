//! A plugin's folder in the profile, and writing in it so that nothing is ever half there.

#[cfg(not(target_os = "windows"))]
mod unix;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(not(target_os = "windows"))]
use unix::{builder, keep_private, private_file};
#[cfg(target_os = "windows")]
use windows::{builder, keep_private, private_file};

use crate::{error::HostError, hash::hex};
use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// `<plugins>/<id>`: everything of one plugin, so that removing it removes everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder of a plugin; `id` is valid, so it is one plain name.
    pub(crate) fn new(plugins: &Path, id: &str) -> Self {
        Self(plugins.join(id))
    }

    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.0.join("plugin.toml")
    }

    pub(crate) fn wasm(&self) -> PathBuf {
        self.0.join("plugin.wasm")
    }

    pub(crate) fn grants(&self) -> PathBuf {
        self.0.join("grants.toml")
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.0.join("settings.toml")
    }

    /// Compiled code; whoever can write here could run code, so it is the user's alone, and sealed besides.
    pub(crate) fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }
}

/// Makes a folder only its owner can enter, with those above it.
pub(crate) fn make(path: &Path) -> Result<(), HostError> {
    let made = builder().recursive(true).create(path).and_then(|()| keep_private(path));
    made.map_err(|error| HostError::file(path, error))
}

/// Makes a folder only its owner can enter in one that is there: what was removed meanwhile stays removed.
pub(crate) fn make_inside(path: &Path) -> Result<(), HostError> {
    let made = match builder().create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    };
    made.and_then(|()| keep_private(path)).map_err(|error| HostError::file(path, error))
}

/// Reads a whole regular file of at most `most` bytes.
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, HostError> {
    let wrong = |error: std::io::Error| HostError::file(path, error);
    // Looked at before it is opened: a pipe would keep us waiting for somebody to write.
    if !fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(HostError::file(path, "is not a file"));
    }
    let file = fs::File::open(path).map_err(wrong)?;
    if !file.metadata().map_err(wrong)?.is_file() {
        return Err(HostError::file(path, "is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() > most {
        return Err(HostError::file(path, format!("is larger than {most} bytes")));
    }
    Ok(bytes)
}

/// Reads a whole text file of at most `most` bytes.
pub(crate) fn read_text(path: &Path, most: usize) -> Result<String, HostError> {
    String::from_utf8(read(path, most)?).map_err(|_| HostError::file(path, "is not UTF-8 text"))
}

/// Writes a file whole or not at all: beside it first, then under its name.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), HostError> {
    let beside = path.with_extension(format!("{}.tmp", random_name()?));
    let written = private_file(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _gone_or_never_there = fs::remove_file(&beside);
        HostError::file(path, error)
    })
}

/// A folder that is filled under another name, and put in place or thrown away as a whole.
pub(crate) struct Staging {
    plugins: PathBuf,
    path: PathBuf,
}

/// What begins so in the plugins' folder is no plugin: an id never begins with a dot.
const STAGING: &str = ".new-";
const REPLACED: &str = ".old-";

impl Staging {
    pub(crate) fn begin(plugins: &Path) -> Result<Self, HostError> {
        make(plugins)?;
        sweep(plugins);
        let path = plugins.join(format!("{STAGING}{}", random_name()?));
        make(&path)?;
        Ok(Self { plugins: plugins.to_owned(), path })
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::at(self.path.clone())
    }

    /// Puts it in place as `id`, in exchange for what is there.
    pub(crate) fn finish(self, id: &str) -> Result<(), HostError> {
        let place = self.plugins.join(id);
        let old = self.plugins.join(format!("{REPLACED}{id}"));
        let replaces = place.exists();
        if replaces {
            remove_all(&old)?;
            fs::rename(&place, &old).map_err(|error| HostError::file(&place, error))?;
        }
        if let Err(error) = fs::rename(&self.path, &place) {
            if replaces && let Err(error) = fs::rename(&old, &place) {
                // The next install finds it and puts it back.
                tracing::error!(%error, "the plugin that was there could not be put back");
            }
            return Err(HostError::file(&place, error));
        }
        remove_all(&old)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = remove_all(&self.path) {
            tracing::warn!(%error, "left behind");
        }
    }
}

/// Removes what an install that was killed left, and puts back what it had moved away.
pub(crate) fn sweep(plugins: &Path) {
    for name in names(plugins) {
        let path = plugins.join(&name);
        let done = match name.strip_prefix(REPLACED) {
            Some(id) if !plugins.join(id).exists() => {
                fs::rename(&path, plugins.join(id)).map_err(|error| HostError::file(&path, error))
            }
            Some(_) => remove_all(&path),
            None if name.starts_with(STAGING) && stale(&path) => remove_all(&path),
            None => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "left behind by an install");
        }
    }
}

/// Another install may be at work in it: an hour is longer than any takes.
fn stale(path: &Path) -> bool {
    let age = fs::metadata(path).and_then(|meta| meta.modified()).map(|at| at.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age.as_secs() > 3600)
}

/// Removes a folder with all that is in it; it is no error if there is none.
pub(crate) fn remove_all(path: &Path) -> Result<(), HostError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(HostError::file(path, error)),
        _ => Ok(()),
    }
}

/// The names in a folder, sorted; none if it cannot be read.
pub(crate) fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn random_name() -> Result<String, HostError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| HostError::file("the system's source of random bytes", error))?;
    Ok(hex(&bytes))
}
