//! Compiled code on disk, sealed: it is native code, so a file nobody vouches for is never loaded.
//!
//! The seal is an HMAC under a key of this user (kept in the keyring) over the plugin's wasm, what the code was compiled
//! for, and the code itself. What is checked is the copy in memory that is then run, so that later changes to the file
//! have no effect.

use crate::{
    error::HostError,
    folder::{self, Folder},
    hash::{Digest, hex, seal, sealed},
};

/// The largest compiled plugin, bytes.
pub(crate) const MAX_CODE_BYTES: usize = 64 * 1024 * 1024;

const MAGIC: &[u8; 8] = b"TPCODE1\n";
const HEAD: usize = MAGIC.len() + 32;

/// What is kept of a plugin's compiled code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Code whose seal holds.
    Code(Vec<u8>),
    /// None, or of another engine.
    Nothing,
    /// A file whose seal does not hold: damaged, or somebody else's. It was deleted.
    Unsealed,
}

/// The place of one plugin's compiled code.
pub(crate) struct Cache<'a> {
    /// The plugin's folder.
    pub(crate) folder: &'a Folder,
    /// The user's key.
    pub(crate) key: &'a Digest,
    /// SHA-256 of the wasm.
    pub(crate) wasm: Digest,
    /// What the code is compiled for.
    pub(crate) engine: Digest,
}

impl Cache<'_> {
    /// The code, if there is some and its seal holds. What does not hold is deleted.
    pub(crate) fn load(&self) -> Kept {
        let path = self.path();
        if !path.exists() {
            return Kept::Nothing;
        }
        let read = folder::read(&path, MAX_CODE_BYTES + HEAD);
        let found = read.as_ref().ok().and_then(|file| {
            let rest = file.strip_prefix(MAGIC)?;
            let (mac, code) = rest.split_at_checked(32)?;
            sealed(self.key, self.pieces(code), mac).then(|| code.to_vec())
        });
        match found {
            Some(code) => Kept::Code(code),
            None => {
                tracing::warn!("compiled code of a plugin without a valid seal: deleted, compiling anew");
                self.forget();
                Kept::Unsealed
            }
        }
    }

    /// Keeps the code, and nothing older beside it.
    pub(crate) fn keep(&self, code: &[u8]) -> Result<(), HostError> {
        self.forget();
        folder::make_inside(&self.folder.cache())?;
        let mac = seal(self.key, self.pieces(code));
        folder::write(&self.path(), &[&MAGIC[..], &mac, code].concat())
    }

    /// Deletes what there is.
    pub(crate) fn forget(&self) {
        if let Err(error) = folder::remove_all(&self.folder.cache()) {
            tracing::warn!(%error, "the cache could not be emptied");
        }
    }

    fn path(&self) -> std::path::PathBuf {
        let name = crate::hash::digest([&self.wasm[..], &self.engine]);
        self.folder.cache().join(format!("{}.cwasm", hex(&name[..16])))
    }

    fn pieces<'a>(&'a self, code: &'a [u8]) -> [&'a [u8]; 4] {
        [MAGIC, &self.wasm, &self.engine, code]
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, Folder, Kept};

    #[test]
    fn only_code_sealed_for_this_plugin_user_and_engine_is_loaded() -> Result<(), Box<dyn std::error::Error>>
    {
        let dir = std::env::temp_dir().join(format!("trayphone-seal-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        let folder = Folder::at(dir.clone());
        let cache = |key| Cache { folder: &folder, key, wasm: [1; 32], engine: [2; 32] };
        let mine = cache(&[7; 32]);
        mine.keep(b"code")?;
        assert_eq!(mine.load(), Kept::Code(b"code".to_vec()));
        // Another user's key: refused, and deleted.
        assert_eq!(cache(&[8; 32]).load(), Kept::Unsealed);
        assert_eq!(mine.load(), Kept::Nothing);
        // One bit flipped.
        mine.keep(b"code")?;
        let path = mine.path();
        let mut bytes = std::fs::read(&path)?;
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        std::fs::write(&path, bytes)?;
        assert_eq!(mine.load(), Kept::Unsealed);
        assert!(!path.exists());
        // Another wasm's code under this one's name.
        mine.keep(b"code")?;
        let other = Cache { folder: &folder, key: &[7; 32], wasm: [9; 32], engine: [2; 32] };
        std::fs::copy(&path, other.path())?;
        assert_eq!(other.load(), Kept::Unsealed);
        std::fs::remove_dir_all(dir)?;
        Ok(())
    }
}
