//! What a plugin is delivered as: a fixed list of files, read to memory with caps, never unpacked to paths it names.

use crate::{
    error::HostError,
    folder,
    hash::{Digest, digest},
    inspect::MAX_WASM_BYTES,
    manifest::Manifest,
};
use std::path::Path;

/// The largest `plugin.toml`, bytes.
const MAX_MANIFEST_BYTES: usize = 64 * 1024;

/// A plugin as delivered. Today the source is a folder; an archive will be read into the same.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// The text of `plugin.toml`.
    pub(crate) text: String,
    /// What it says.
    pub(crate) manifest: Manifest,
    /// `plugin.wasm`.
    pub(crate) wasm: Vec<u8>,
    /// Over both files: rights are granted to this package and no other.
    pub(crate) hash: Digest,
}

impl Package {
    /// Reads the folder at `source`, or the folder of the `plugin.toml` or `plugin.wasm` at `source`.
    pub(crate) fn read(source: &Path) -> Result<Self, HostError> {
        let inside = source.is_file()
            && source.file_name().is_some_and(|name| name == "plugin.toml" || name == "plugin.wasm");
        let folder = if inside { source.parent().unwrap_or(source) } else { source };
        if !folder.is_dir() {
            return Err(HostError::file(source, "is not a folder with plugin.toml and plugin.wasm in it"));
        }
        let text = folder::read_text(&folder.join("plugin.toml"), MAX_MANIFEST_BYTES)?;
        let manifest = Manifest::read(&text)?;
        let wasm = folder::read(&folder.join("plugin.wasm"), MAX_WASM_BYTES)?;
        let hash = digest([&b"plugin.toml"[..], text.as_bytes(), b"plugin.wasm", &wasm]);
        Ok(Self { text, manifest, wasm, hash })
    }
}
