//! The pure call core: one door in (`Agent::handle`), one door out (`Agent::poll_effect`), and time comes in as a value.
//!
//! No socket, file, thread, clock or hash order lives here; `clippy.toml` beside this crate bans them. What the
//! neighbours tell the core and what the core asks of them stands in [`port`], what the user may ask in [`action`],
//! what is shown in [`view`]. Everything else says how one becomes the other.

pub mod action;
pub mod caller;
pub mod id;
pub mod journal;
pub mod ledger;
pub mod number;
pub mod party;
pub mod plain;
pub mod port;
pub mod secret;
pub mod settings;
pub mod text;
pub mod time;
pub mod view;
