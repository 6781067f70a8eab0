//! macOS: a socket without a single peer hears of no refusal, so nothing is made of it.

use std::{io, net::SocketAddr};
use tokio::{io::Interest, net::UdpSocket};

/// Arrivals only: nobody would take an error that is waited for, and the wait would be over at once for ever.
pub(in crate::transport) const WATCHED: Interest = Interest::READABLE;

/// Nothing to ask for.
pub(in crate::transport) fn want_refusals(_socket: &UdpSocket) {}

/// Never any; a peer that is gone is noticed by Timer B or F.
pub(in crate::transport) fn take_refusals(_socket: &UdpSocket) -> Vec<(SocketAddr, io::Error)> {
    Vec::new()
}
