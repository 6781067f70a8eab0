//! macOS: the octet of IPv6 is an option of the socket.

use socket2::Socket;
use std::io;

/// Marks what leaves over IPv6.
pub(super) fn mark_v6(socket: &Socket, octet: u32) -> io::Result<()> {
    socket.set_tclass_v6(octet)
}
