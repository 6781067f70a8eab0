//! The way a message travels: which transport, from which address of ours, to which address of theirs.

use crate::message::{Host, SipUri};
use agent_core::certificate::CertificateRule;
use sha2::{Digest, Sha256};
use std::{fmt, net::SocketAddr, sync::Arc};

/// How bytes are carried. Everything that differs between transports is asked of this type; nowhere but in the sockets'
/// own code is one compared by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// One datagram is one message.
    Udp,
    /// A stream; messages are framed by Content-Length (RFC 3261 section 18.3).
    Tcp,
    /// The same stream in TLS; we are the client, and the other end has proven its name (RFC 5922).
    Tls,
    /// One WebSocket message is one message (RFC 7118); we are the client.
    Ws,
    /// The same in TLS.
    Wss,
}

impl Transport {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// Reliable transports need no retransmissions (RFC 3261 section 17).
    pub fn reliable(self) -> bool {
        self != Self::Udp
    }

    /// Nobody on the way reads or changes what is sent, and the other end has proven its name: what `sips:` asks for.
    pub fn secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// WebSocket: the one who opened the connection has no address that another could connect to (RFC 7118 section 5).
    pub fn web(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// As in a Via header: `SIP/2.0/UDP`.
    pub fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// As in the settings: `;transport=udp`.
    pub fn uri_name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// As in a Contact: both kinds of WebSocket are `ws` there (RFC 7118 section 5.2.1).
    pub fn contact_name(self) -> &'static str {
        if self.web() { Self::Ws.uri_name() } else { self.uri_name() }
    }

    /// The transport of that name, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.uri_name().eq_ignore_ascii_case(name))
    }

    /// The transport that carries the same and is [secure](Self::secure), as `sips:` has it (RFC 3261 section 26.2.2): `None` for UDP.
    pub fn secured(self) -> Option<Self> {
        match self {
            Self::Udp => None,
            Self::Tcp | Self::Tls => Some(Self::Tls),
            Self::Ws | Self::Wss => Some(Self::Wss),
        }
    }

    /// The port where a URI or a Via names none (RFC 3261 section 19.1.2, RFC 7118 section 5.1).
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
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
    /// connection, and we open one connection a peer. Not so where the other end has proven a name: at one address there
    /// may be several names, and each connection is its own road.
    pub fn same_road(&self, other: &Self) -> bool {
        self.transport == other.transport
            && self.peer == other.peer
            && (!self.transport.secure() || self.local == other.local)
    }

    /// Whether who sends over this road is known as well as over one of that kind: who connects has shown that the address
    /// is theirs, and who proved a name needs none (we take no secure connection, so that each is one we made).
    pub(crate) fn as_good_as(&self, transport: Transport) -> bool {
        match transport {
            Transport::Udp => true,
            Transport::Tcp | Transport::Ws => self.transport.reliable(),
            Transport::Tls | Transport::Wss => self.transport.secure(),
        }
    }

    /// Whether a message over `other` may be from who is at the other end of this road.
    pub(crate) fn leads_where(&self, other: &Self) -> bool {
        let same = match self.transport.secure() {
            true => self.peer == other.peer,
            false => self.peer.ip() == other.peer.ip(),
        };
        same && other.as_good_as(self.transport)
    }

    /// What stands in a Via: our end, or, where nobody can connect to us, a name that leads nowhere.
    pub fn sent_by(&self) -> (Host, Option<u16>) {
        host_port(self.transport, self.local)
    }
}

/// How others write where we are: our address; over WebSocket a name that leads nowhere, the same for as long as the
/// connection lasts, made of the address so that it does not show it (RFC 7118 sections 5 and 7).
pub(crate) fn host_port(transport: Transport, local: SocketAddr) -> (Host, Option<u16>) {
    if !transport.web() {
        return (Host::from(local.ip()), Some(local.port()));
    }
    let hash = Sha256::digest(local.to_string());
    let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    (Host::Name(format!("{name}.invalid").into()), None)
}

/// Who has to be found at the other end of a connection, and where there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trust {
    /// The name the user configured (RFC 5922 section 7): never what a name server made of it.
    pub name: String,
    /// A PEM file of authorities that are trusted beside the system's.
    pub authorities: Option<String>,
    /// How it is decided.
    pub rule: CertificateRule,
    /// Under which path it opens a WebSocket; `None` where it is spoken to without one.
    pub path: Option<String>,
}

/// The next machine on the way to an address, before its name is resolved. Port and transport stay open where the
/// address leaves them open, because RFC 3263 decides by that what to ask the name servers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// Name or address, without brackets.
    pub host: String,
    /// The port, when one is given.
    pub port: Option<u16>,
    /// The transport, when one is given; `sips:` gives a secure one.
    pub transport: Option<Transport>,
    /// Whom a secure transport has to find there, and where a WebSocket is; `None`: whoever proves to be the host.
    pub trust: Option<Arc<Trust>>,
}

impl Hop {
    /// Where requests to this address go. `None` when no transport of ours leads there (an unknown one, or `sips:` over
    /// UDP).
    pub fn to(uri: &SipUri) -> Option<Self> {
        let transport = match uri.param("transport") {
            Some(name) => Some(Transport::by_name(std::str::from_utf8(&name).ok()?)?),
            None => None,
        };
        let transport = match uri.secure {
            true => Some(transport.unwrap_or(Transport::Tls).secured()?),
            false => transport,
        };
        Some(Self { host: uri.host.to_plain(), port: uri.port, transport, trust: None })
    }

    /// The name a certificate must be for.
    pub fn name(&self) -> &str {
        self.trust.as_ref().map_or(&self.host, |trust| &trust.name)
    }
}

/// Bytes to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Over which road. A connection that is gone is opened anew, to the same peer; a secure one to the same name.
    pub flow: Flow,
    /// Where a response goes when the connection it belongs to is gone (RFC 3261 section 18.2.2).
    pub otherwise: Option<SocketAddr>,
    /// One whole message, or a keep-alive.
    pub bytes: bytes::Bytes,
}
