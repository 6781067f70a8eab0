//! macOS: a socket without a single peer hears of no refusal, so nothing is made of it.

use std::{io, net::SocketAddr};
use tokio::net::UdpSocket;

/// Nothing to ask for.
pub(in crate::transport) fn want_refusals(_socket: &UdpSocket) {}

/// Never any; a peer that is gone is noticed by Timer B or F.
pub(in crate::transport) fn take_refusals(_socket: &UdpSocket) -> Vec<(SocketAddr, io::Error)> {
    Vec::new()
}
