//! The thin, impure shell around [`Endpoint`](crate::endpoint::Endpoint): what touches the network.
//!
//! RFC 3261 section 18 rules here: an answer goes back the way its request came (18.2.2), over a stream on the same
//! connection, and UDP and TCP are listened to on one port (18.2.1). Which address and port a peer is reached at comes
//! from the endpoint.

mod driver;
mod log;
mod patience;
mod pipe;
mod reach;
mod road;
mod streams;
mod system;
mod udp;
mod web;

pub(crate) use driver::Driver;
pub(crate) use web::{Said, config as web_config, said, sentence};
