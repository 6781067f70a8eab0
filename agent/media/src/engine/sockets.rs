//! The two sockets of a session: an even port for RTP and the next one for RTCP (RFC 3550 section 11).

use agent_net::{Mark, Net, Purpose, mark};
use mio::{Interest, Registry, Token, net::UdpSocket};
use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// How often a pair of ports is looked for before giving up.
const TRIES: u32 = 64;

/// The sockets, registered with the engine's poll.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    /// Where RTP is received.
    pub(super) local: SocketAddr,
    /// Whom the ledger knows already.
    noted: Vec<SocketAddr>,
}

impl Sockets {
    /// Binds a pair on `local`; `token` stands for RTP, the next one for RTCP.
    pub(super) fn open(net: &Net, local: IpAddr, registry: &Registry, token: Token) -> Result<Self, String> {
        let mut why = String::new();
        // What does not fit is kept until the end, or the system would offer it again.
        let mut unfit = Vec::new();
        for _ in 0..TRIES {
            let first = bind(net, SocketAddr::new(local, 0))?;
            let port = first.local_addr().map_err(|error| error.to_string())?.port();
            let even = port % 2 == 0;
            let other = if even { port.checked_add(1) } else { port.checked_sub(1) };
            let Some(other) = other.filter(|&port| port != 0) else { continue };
            match bind(net, SocketAddr::new(local, other)) {
                Ok(second) => {
                    let (rtp, rtcp) = if even { (first, second) } else { (second, first) };
                    return Self::register(rtp, rtcp, registry, token).map_err(|error| error.to_string());
                }
                Err(error) => {
                    why = error;
                    unfit.push(first);
                }
            }
        }
        Err(format!("no pair of free ports for the audio: {why}"))
    }

    fn register(
        rtp: std::net::UdpSocket,
        rtcp: std::net::UdpSocket,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let local = rtp.local_addr()?;
        let (mut rtp, mut rtcp) = (UdpSocket::from_std(rtp), UdpSocket::from_std(rtcp));
        registry.register(&mut rtp, token, Interest::READABLE)?;
        registry.register(&mut rtcp, Token(token.0 + 1), Interest::READABLE)?;
        Ok(Self { rtp, rtcp, local, noted: Vec::new() })
    }

    /// Sends sound or keys.
    pub(super) fn send_rtp(&mut self, net: &Net, peer: SocketAddr, datagram: &[u8]) {
        self.note(net, peer);
        sent(self.rtp.send_to(datagram, peer));
    }

    /// Sends a report.
    pub(super) fn send_rtcp(&mut self, net: &Net, peer: SocketAddr, datagram: &[u8]) {
        if !datagram.is_empty() {
            self.note(net, peer);
            sent(self.rtcp.send_to(datagram, peer));
        }
    }

    /// Leaves a row in the ledger for every new peer.
    fn note(&mut self, net: &Net, peer: SocketAddr) {
        if !self.noted.contains(&peer) {
            self.noted.push(peer);
            net.note_udp(&purpose(), peer, None);
        }
    }

    /// Takes the sockets out of the poll.
    pub(super) fn close(&mut self, registry: &Registry) {
        for socket in [&mut self.rtp, &mut self.rtcp] {
            if let Err(error) = registry.deregister(socket) {
                tracing::debug!(%error, "a socket was not known to the poll");
            }
        }
    }
}

/// A datagram that could not be sent is a lost packet like any other: the peer's ICMP answer to an earlier one arrives
/// here as an error too.
fn sent(result: io::Result<usize>) {
    if let Err(error) = result {
        tracing::trace!(%error, "a packet was not sent");
    }
}

fn bind(net: &Net, address: SocketAddr) -> Result<std::net::UdpSocket, String> {
    let socket = net.std_udp(&purpose(), address).map_err(|error| error.to_string())?;
    mark(&socket, Mark::Voice);
    Ok(socket)
}

fn purpose() -> Purpose {
    Purpose { who: "media".to_owned(), why: "the sound of a call".to_owned() }
}
