//! One UDP socket: one datagram is one message, and what the network refuses is told together with whom it is about.

use super::system;
use agent_net::{Mark, Net, NetError, Purpose, mark};
use socket2::SockRef;
use std::{
    io,
    net::{IpAddr, SocketAddr},
};
use tokio::net::UdpSocket;

/// Bytes the kernel should keep for us while we are busy: some thousand messages (the system may grant less).
const RECEIVE_BUFFER: usize = 4 << 20;
/// The largest datagram there is.
const LARGEST: usize = 65_535;

/// What came out of the socket.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A datagram.
    Datagram(SocketAddr, bytes::Bytes),
    /// The network says that this peer cannot be reached.
    Refused(SocketAddr, String),
}

/// A socket and the buffer it reads into.
pub(super) struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
    buffer: Box<[u8]>,
}

impl Udp {
    /// Opens a socket on `bind` (port 0: any).
    pub(super) fn open(net: &Net, purpose: &Purpose, bind: SocketAddr) -> Result<Self, NetError> {
        let wrong =
            |error: io::Error| NetError::Socket { address: bind.to_string(), cause: error.to_string() };
        let socket = UdpSocket::from_std(net.std_udp(purpose, bind)?).map_err(wrong)?;
        let local = socket.local_addr().map_err(wrong)?;
        mark(&socket, Mark::Signalling);
        if let Err(error) = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER) {
            tracing::debug!(%error, "the receive buffer stays as it is");
        }
        system::want_refusals(&socket);
        Ok(Self { socket, local, buffer: vec![0; LARGEST].into_boxed_slice() })
    }

    /// The address bound; its IP may be the wildcard.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether datagrams to `peer` can leave here.
    pub(super) fn serves(&self, peer: IpAddr) -> bool {
        self.local.is_ipv4() == peer.is_ipv4()
    }

    /// Waits until there is something to take.
    pub(super) async fn ready(&self) {
        if let Err(error) = self.socket.ready(system::WATCHED).await {
            // Only a runtime that shuts down does this; waiting for ever is what is left.
            tracing::debug!(%error, "the socket cannot be waited for");
            std::future::pending::<()>().await;
        }
    }

    /// Takes the next arrival without waiting; `None` when there is none.
    pub(super) fn take(&mut self) -> Option<Arrival> {
        loop {
            match self.socket.try_recv_from(&mut self.buffer) {
                Ok((length, from)) => {
                    let bytes = bytes::Bytes::copy_from_slice(&self.buffer[..length]);
                    return Some(Arrival::Datagram(canonical(from), bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                // An error of the past, not of this call: what is known about it lies in the error queue.
                Err(error) => tracing::debug!(%error, "a datagram of ours was refused"),
            }
        }
    }

    /// The refusals that came in since the last time.
    pub(super) fn refusals(&self) -> Vec<Arrival> {
        let told = system::take_refusals(&self.socket).into_iter();
        told.map(|(peer, error)| Arrival::Refused(peer, error.to_string())).collect()
    }

    /// Sends one datagram. A full send buffer drops it, as the network might: retransmissions are made for that.
    pub(super) fn send(&self, peer: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        for last in [false, true] {
            match self.socket.try_send_to(bytes, peer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tracing::debug!("the send buffer is full; a datagram was dropped");
                    return Ok(());
                }
                // A refusal of an earlier datagram, perhaps to somebody else, is reported once and then forgotten.
                Err(error) if !last && is_echo(&error) => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// Errors that may speak of an earlier datagram.
fn is_echo(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionRefused | Kind::ConnectionReset | Kind::HostUnreachable | Kind::NetworkUnreachable
    )
}

/// IPv4 as IPv4, also where a socket for both families writes it as IPv6.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn datagrams_are_marked_as_signalling() {
        let net = Net::new(std::sync::Arc::new(|_| {}));
        let purpose = Purpose { who: "sip".to_owned(), why: "a test".to_owned() };
        let udp = Udp::open(&net, &purpose, "127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(SockRef::from(&udp.socket).tos_v4().unwrap(), 0x60);
    }
}
