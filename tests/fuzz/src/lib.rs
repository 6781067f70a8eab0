//! Fuzz targets for everything that reads strangers' bytes, and the replay of their corpora.
//!
//! A target is a function over bytes that panics when a promise is broken: `cargo xtask fuzz` hands it to libFuzzer,
//! the tests here hand it every file of `corpus/<name>/`, so that no input that once broke something breaks it again.

pub mod targets;

use std::path::PathBuf;

/// A fuzz target: its name, which is its corpus' folder, and what it does with an input.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Panics when a promise is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "event-dialog-info", run: targets::events::dialog_info },
    Target { name: "event-presence", run: targets::events::presence },
    Target { name: "rtp", run: agent_media::probe::rtp },
    Target { name: "sdp", run: agent_media::probe::sdp },
    Target { name: "settings", run: targets::settings::settings },
    Target { name: "sip-addresses", run: targets::fields::addresses },
    Target { name: "sip-authorization", run: targets::fields::authorization },
    Target { name: "sip-datagram", run: targets::sip::datagram },
    Target { name: "sip-dialog", run: targets::dialog::dialog },
    Target { name: "sip-differential", run: targets::differential::differential },
    Target { name: "sip-digest", run: targets::fields::digest },
    Target { name: "sip-stream", run: targets::sip::stream },
    Target { name: "sip-websocket", run: agent_sip::probe::websocket },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Where the committed inputs of a target lie.
pub fn corpus(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}
