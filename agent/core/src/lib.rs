//! The pure call core: one door in (`Agent::handle`), one door out (`Agent::poll_effect`), and time comes in as a value.
//!
//! No socket, file, thread, clock or hash order lives here; `clippy.toml` beside this crate bans them. What the
//! neighbours tell the core and what the core asks of them stands in [`port`], what the user may ask in [`action`],
//! what is shown in [`view`]. Everything else says how one becomes the other.

pub mod action;
mod agent;
mod call;
pub mod caller;
mod calls;
pub mod certificate;
mod codes;
mod context;
mod escape;
mod faults;
pub mod handover;
mod help;
pub mod id;
pub mod journal;
pub mod ledger;
mod lines;
mod lookup;
mod messages;
mod notes;
pub mod number;
mod outbox;
pub mod party;
pub mod pbx;
pub mod plain;
pub mod port;
mod question;
mod registration;
pub mod secret;
mod sent;
pub mod settings;
mod show;
mod switches;
pub mod text;
pub mod time;
mod timers;
pub mod transcript;
pub mod view;
pub mod vigil;
mod watch;

pub use agent::Agent;
