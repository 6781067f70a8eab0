//! SIP carried by something else, TLS or a WebSocket, on real sockets of the loopback.

mod first_use;
mod peer;
mod secure;
mod web;
