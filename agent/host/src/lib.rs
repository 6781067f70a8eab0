//! The plugin host: sandboxed components, grants, and the plugins' road to the network.
//!
//! A plugin is a wasm component of the package `trayphone:plugin` with a manifest. It is installed by [`install`], which
//! shows and asks for what it wants to reach, compiles it by way of the helper program, and puts it in place whole or
//! not at all. [`start`] runs what is installed: each question gets a fresh sandbox with bounded memory, computing time,
//! waiting time, output and host calls; its only road to the network is the interface `http`, which
//! follows grants and leaves rows in the ledger.

mod address;
mod card;
mod compiler;
mod config;
mod consent;
mod contract;
pub mod engine;
mod error;
mod folder;
mod grant;
mod guest;
mod hash;
mod health;
mod inspect;
mod install;
mod installed;
mod known;
mod manifest;
mod package;
mod plugin;
mod sandbox;
mod seal;
mod setting;
mod ticker;
mod toml_text;
mod values;
mod web;
mod worker;

pub use address::Reach;
pub use compiler::COMPILER;
pub use config::{HostConfig, SealKey};
pub use consent::{Consent, ConsentKind, ConsentRow};
pub use error::HostError;
pub use inspect::{Inspection, MAX_WASM_BYTES, inspect};
pub use install::{Ask, install, list, remove};
pub use manifest::{API, SENDS};
pub use worker::{HostHandle, Tell, start, start_watched};
