//! Builds what a user runs: `trayphone`, and beside it the compile helper, each by its own cargo so that features never unify.

use crate::{
    error::{Result, run},
    stages::announce,
    tree::Tree,
};

/// How the programs are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As a developer and the tests use them.
    Dev,
    /// As they are shipped and measured.
    Release,
}

impl Profile {
    /// The arguments cargo wants for it.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &[],
            Self::Release => &["--release"],
        }
    }
}

/// Builds both; cargo leaves alone what is up to date.
pub(crate) fn build(tree: &Tree, profile: Profile) -> Result<()> {
    announce("trayphone and its compile helper");
    for package in ["agent-compile", "trayphone"] {
        run(tree.cargo().args(["build", "--package", package]).args(profile.arguments()))?;
    }
    Ok(())
}
