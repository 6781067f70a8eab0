//! The local API: one JSON object a line over a socket that only this user can open. The command line speaks it, too.

pub mod client;
pub mod hub;
pub mod protocol;
pub mod server;
