//! The way a message travels: which transport, from which address of ours, to which address of theirs.

use crate::message::SipUri;
use std::{fmt, net::SocketAddr};

/// How bytes are carried. TLS and WebSocket become further variants; everything that differs between them is asked of
/// this type, nowhere is a transport compared by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// One datagram is one message.
    Udp,
    /// A stream; messages are framed by Content-Length (RFC 3261 section 18.3).
    Tcp,
}

impl Transport {
    /// Reliable transports need no retransmissions (RFC 3261 section 17).
    pub fn reliable(self) -> bool {
        self != Self::Udp
    }

    /// As in a Via header: `SIP/2.0/UDP`.
    pub fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }

    /// As in a URI: `;transport=udp`.
    pub fn uri_name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }

    /// The transport of that name, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp].into_iter().find(|transport| transport.uri_name().eq_ignore_ascii_case(name))
    }

    /// The port where a URI or a Via names none (RFC 3261 section 19.1.2).
    pub fn default_port(self) -> u16 {
        5060
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri_name())
    }
}

/// A transport with both its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// How.
    pub transport: Transport,
    /// Our end: what goes into Via and Contact. Never a wildcard address.
    pub local: SocketAddr,
    /// Their end.
    pub peer: SocketAddr,
}

impl Flow {
    /// Whether both mean the same road. The peer tells them apart: who connects to us has a port of its own for each
    /// connection, and we open one connection a peer.
    pub fn same_road(&self, other: &Self) -> bool {
        self.transport == other.transport && self.peer == other.peer
    }
}

/// The next machine on the way to an address, before its name is resolved. Port and transport stay open where the
/// address leaves them open, because RFC 3263 decides by that what to ask the name servers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// Name or address, without brackets.
    pub host: String,
    /// The port, when one is given.
    pub port: Option<u16>,
    /// The transport, when one is given.
    pub transport: Option<Transport>,
}

impl Hop {
    /// Where requests to this address go. `None` when no transport of ours leads there (`sips:`, an unknown transport).
    pub fn to(uri: &SipUri) -> Option<Self> {
        let transport = match uri.param("transport") {
            Some(name) => Some(Transport::by_name(std::str::from_utf8(&name).ok()?)?),
            None => None,
        };
        (!uri.secure).then(|| Self { host: uri.host.to_plain(), port: uri.port, transport })
    }
}

/// Bytes to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Over which road. A TCP connection that is gone is opened anew, to the same peer.
    pub flow: Flow,
    /// Where a response goes when the connection it belongs to is gone (RFC 3261 section 18.2.2).
    pub otherwise: Option<SocketAddr>,
    /// One whole message, or a keep-alive.
    pub bytes: bytes::Bytes,
}
