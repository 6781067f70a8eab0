//! Everything that can go wrong with a plugin, one sentence each: what, and what to do.

use std::path::PathBuf;

/// Why a plugin could not be installed, removed, read or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// `plugin.toml` is not as it should be.
    #[error("{file}:{line}: {what}")]
    Manifest {
        /// `plugin.toml` or `settings.toml`.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what would be right.
        what: String,
    },
    /// A setting is missing or wrong.
    #[error("the setting \"{key}\" {what}")]
    Setting {
        /// Which.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// `plugin.wasm` is not a component this agent can run.
    #[error("plugin.wasm {0}")]
    Wasm(String),
    /// It asks for something this agent does not offer.
    #[error("plugin.wasm needs {0}, which this agent does not offer")]
    Imports(String),
    /// It does not export what its manifest says it provides.
    #[error("plugin.toml says that the plugin provides {0}, but plugin.wasm does not export it")]
    Exports(String),
    /// It was made for another version of the contract.
    #[error("the plugin was made for version {theirs} of trayphone:plugin; this agent speaks {ours}")]
    Version {
        /// The plugin's.
        theirs: String,
        /// The agent's.
        ours: &'static str,
    },
    /// The program that compiles plugins is not where it should be.
    #[error(
        "{0} is missing: it belongs next to the program `trayphone` and compiles plugins; install Trayphone again, or build it with `cargo build -p agent-compile`"
    )]
    NoCompiler(PathBuf),
    /// The plugin could not be compiled.
    #[error("the plugin could not be compiled: {0}")]
    Compile(String),
    /// It compiles but does not start.
    #[error("the plugin does not start: {0}")]
    Start(String),
    /// The user said no.
    #[error("nothing was installed: the rights it asks for were not granted")]
    NotGranted,
    /// No such plugin.
    #[error("no plugin \"{id}\" is installed{}", list(.known))]
    Unknown {
        /// What was asked for.
        id: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Its files are not those that were installed.
    #[error("its files were changed since it was installed: install it again")]
    Changed,
}

impl HostError {
    /// An error of the file system, with the path.
    pub(crate) fn file(path: impl Into<PathBuf>, cause: impl ToString) -> Self {
        Self::File { path: path.into(), cause: cause.to_string() }
    }

    /// A setting that will not do.
    pub(crate) fn setting(key: &str, what: impl Into<String>) -> Self {
        Self::Setting { key: key.to_owned(), what: what.into() }
    }
}

fn list(ids: &[String]) -> String {
    if ids.is_empty() { String::new() } else { format!(" (there is {})", ids.join(", ")) }
}
