//! One row of the egress ledger: what left this machine, to whom and why.

use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// Who asked for a connection, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Purpose {
    /// `sip`, `media`, `names` (resolving), or `plugin:<id>`.
    pub who: String,
    /// Why, as a short phrase: `register 1001`, `look up a caller`.
    pub why: String,
}

/// How the attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Egress {
    /// Connected (or, for UDP, sent to).
    Allowed,
    /// Our own policy said no; nothing left. The sentence says which rule.
    Refused(String),
    /// The network said no.
    Failed(String),
}

/// One attempt to reach another host, allowed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRecord {
    /// When it was tried.
    pub at: UnixMillis,
    /// Who asked and why.
    pub purpose: Purpose,
    /// `udp`, `tcp`, `tls`, `http`, `https`, `dns`.
    pub scheme: String,
    /// The name asked for (or the address, when there was no name).
    pub host: String,
    /// The address used, once known.
    pub address: Option<String>,
    /// The port.
    pub port: u16,
    /// For HTTP: method and path, secrets redacted.
    pub request: Option<String>,
    /// Bytes sent so far when the row was written.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// How it ended.
    pub outcome: Egress,
}
