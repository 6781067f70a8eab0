//! Whither a connection leads: to an address, or to a machine that has to be who the user meant.

use crate::flow::{Hop, Transport, Trust};
use std::{net::SocketAddr, sync::Arc};

/// Whither a connection leads that names cannot be mistaken on: it serves only who asks for the same machine, the same
/// name in its certificate and the same rule for that certificate (RFC 5922 section 7).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    /// What runs over it.
    pub(super) transport: Transport,
    /// The machine that was asked for.
    pub(super) host: String,
    /// The port there.
    pub(super) port: u16,
    /// What the user configured about whom to find there.
    pub(super) trust: Option<Arc<Trust>>,
}

/// Whither a connection is opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Road {
    /// A plain one, to an address.
    Plain(SocketAddr),
    /// Any other.
    Named(Arc<Identity>),
}

impl Identity {
    pub(super) fn of(transport: Transport, hop: &Hop) -> Self {
        let port = hop.port.unwrap_or(transport.default_port());
        Self { transport, host: hop.host.clone(), port, trust: hop.trust.clone() }
    }

    /// The name the certificate must be for.
    pub(super) fn name(&self) -> &str {
        self.trust.as_ref().map_or(&self.host, |trust| &trust.name)
    }
}
