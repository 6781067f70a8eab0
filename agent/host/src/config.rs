//! Where the host finds what it needs.

use std::path::PathBuf;

/// Where the host finds what it needs.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// The folder of the installed plugins, in the profile; made when the first one is installed.
    pub plugins: PathBuf,
    /// The program that compiles plugins; when absent, [`COMPILER`](crate::COMPILER) next to the program that runs.
    pub compiler: Option<PathBuf>,
    /// The user's key to seal compiled code with, from the keyring; when absent, plugins are compiled at every start.
    pub seal_key: Option<[u8; 32]>,
}
