//! What packages are installed for.

/// What the packages are for; each group holds those before it that it builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// To compile everything, plugins included.
    Build,
    /// To run the demo.
    Demo,
    /// To run the tests: real peers and a desktop.
    Test,
    /// To cross-build for Windows and type-check for macOS.
    Cross,
    /// To prove the two commands in a fresh Debian.
    CleanTree,
}
