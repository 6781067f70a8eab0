//! Whither a connection leads: to an address, or to a machine that has to be who the user meant.

use crate::{
    flow::{Hop, Transport, Trust},
    ways::Obstacle,
};
use agent_net::{NetError, Proof};
use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc};

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

    /// Under which path its WebSocket is asked for.
    pub(super) fn path(&self) -> &str {
        self.trust.as_ref().and_then(|trust| trust.path.as_deref()).unwrap_or("/")
    }

    /// What its certificate must be.
    pub(super) fn proof(&self) -> Proof {
        match &self.trust {
            None => Proof::of(&self.host),
            Some(trust) => Proof {
                name: trust.name.clone(),
                authorities: trust.authorities.as_ref().map(PathBuf::from),
                rule: trust.rule,
            },
        }
    }
}

/// Why no connection came about.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// Somebody is there, but not what was meant.
    Met(Obstacle),
    /// Anything else, as a sentence.
    Said(String),
}

impl From<NetError> for Failure {
    fn from(error: NetError) -> Self {
        match error {
            NetError::Certificate(untrusted) => Self::Met(Obstacle::Untrusted(*untrusted)),
            other => Self::Said(other.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Met(obstacle) => obstacle.fmt(f),
            Self::Said(sentence) => f.write_str(sentence),
        }
    }
}
