//! The neighbours by name: who can break without the rest, and be started anew.

use serde::{Deserialize, Serialize};

/// A neighbour of the core: a part of the program with threads or tasks of its own, which can break without the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    /// The PBX session.
    Sip,
    /// The audio.
    Media,
    /// The plugins.
    Host,
    /// The disk and the keyring.
    Store,
    /// The desktop.
    Shell,
    /// The local API.
    Api,
}
