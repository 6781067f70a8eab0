//! Where the host finds what it needs.

use std::{fmt, path::PathBuf, sync::Arc};

/// Where the host finds what it needs.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// The folder of the installed plugins, in the profile; made when the first one is installed.
    pub plugins: PathBuf,
    /// The program that compiles plugins; when absent, [`COMPILER`](crate::COMPILER) next to the program that runs.
    pub compiler: Option<PathBuf>,
    /// The user's key to seal compiled code with; where there is none, plugins are compiled at every start.
    pub seal_key: SealKey,
}

/// Where the key comes from that seals compiled code. It is asked for when a plugin is loaded and not before: the
/// system's keyring may take its time, and an agent without plugins needs none.
#[derive(Clone)]
pub struct SealKey(Arc<dyn Fn() -> Option<[u8; 32]> + Send + Sync>);

impl SealKey {
    /// Asks `fetch` each time; it may wait for the user.
    pub fn from_fn(fetch: impl Fn() -> Option<[u8; 32]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fetch))
    }

    /// The key, or `None` where there is none. May wait: not for a thread that must go on.
    pub fn get(&self) -> Option<[u8; 32]> {
        (self.0)()
    }
}

impl From<Option<[u8; 32]>> for SealKey {
    fn from(key: Option<[u8; 32]>) -> Self {
        Self::from_fn(move || key)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}
