//! Linux: the octet of IPv6 is an option of the socket.

use socket2::Socket;
use std::io;

/// Marks what leaves over IPv6.
pub(super) fn mark_v6(socket: &Socket, octet: u32) -> io::Result<()> {
    socket.set_tclass_v6(octet)
}

#[cfg(test)]
mod tests {
    use crate::mark::{Mark, mark};
    use socket2::SockRef;
    use std::net::UdpSocket;

    #[test]
    fn ipv6_is_marked_as_well() {
        let Ok(socket) = UdpSocket::bind("[::1]:0") else {
            println!("skipped: this machine has no IPv6");
            return;
        };
        mark(&socket, Mark::Voice);
        assert_eq!(SockRef::from(&socket).tclass_v6().unwrap(), 0xb8);
    }
}
