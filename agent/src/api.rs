//! The local API: one JSON object a line over a socket that only this user can open. The command line speaks it, too.

pub(crate) mod client;
pub(crate) mod hub;
pub(crate) mod protocol;
pub(crate) mod server;
