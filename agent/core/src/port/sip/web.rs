//! Why the WebSocket to a PBX did not come about.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Somebody is there, but no WebSocket that SIP could run over (RFC 7118 section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoWebSocket {
    /// The machine that was asked.
    pub host: String,
    /// The path that was asked for.
    pub path: String,
    /// What it said.
    pub fault: WebFault,
}

/// What is wrong with the answer to the request for a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum WebFault {
    /// A web server's answer that opens none: 404 where there is nothing under this path, 401 or 403 where it is kept for
    /// others, 200 and a page where it is a web site.
    Status {
        /// Its status code.
        status: u16,
    },
    /// It sends us elsewhere, where nobody configured it: that is not followed.
    Redirected {
        /// Its status code (3xx).
        status: u16,
        /// Where to, as it writes it, cut to 256 characters; empty when it does not say.
        to: String,
    },
    /// A WebSocket, but not one for SIP: it does not agree to the sub-protocol `sip`.
    NoSip,
    /// What answers speaks no HTTP, or breaks the rules of the handshake (RFC 6455 section 4.1).
    Garbled {
        /// What is wrong, in English.
        detail: String,
    },
}

impl fmt::Display for NoWebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, path, fault } = self;
        match fault {
            WebFault::Status { status } => write!(f, "{host} opens no WebSocket at {path}: it says {status}"),
            WebFault::Redirected { status, to } => {
                write!(f, "{host} opens no WebSocket at {path}: it says {status} and names {to}")
            }
            WebFault::NoSip => write!(f, "{host} does not speak SIP over its WebSocket at {path}"),
            WebFault::Garbled { detail } => write!(f, "{host} speaks no WebSocket at {path}: {detail}"),
        }
    }
}
