//! The one door out: names, TLS, sockets and the HTTP client, and a ledger record for every attempt to leave.
//!
//! Whoever reaches another machine asks a [`Net`] for it and says why ([`Purpose`]). The promise kept here is *no row in
//! the ledger, nothing left the machine*: rows are written for what was connected, what failed, what our own rules
//! refused and what was given up half way (a dropped future). Name queries are rows too, written where the packet
//! leaves, so an answer from the cache or from the hosts file leaves none.
//!
//! Nothing is read or opened before it is needed: the resolver is built at the first name, the certificates of the
//! system are loaded at the first TLS connection.
//!
//! HTTP goes through the proxy that `http_proxy`, `https_proxy` and `no_proxy` name; proxies set only in a desktop's
//! own settings (PAC files, WinINET, macOS network services) are not read yet.

mod certificate;
mod dial;
mod error;
mod http;
mod ledger;
mod locate;
mod mark;
mod meter;
mod names;
mod net;
mod prefer;
mod proxy;
mod tls;
mod tunnel;
mod watch;
mod wire;

pub use agent_core::ledger::{Egress, LedgerRecord, Purpose};
pub use certificate::{Pins, Proof};
pub use error::NetError;
pub use http::{
    AddressCheck, HttpRequest, HttpResponse, MAX_HEADER_BYTES, MAX_HEADERS, MAX_REQUEST_BYTES,
    MAX_RESPONSE_BYTES,
};
pub use ledger::LedgerSink;
pub use locate::{Candidate, Carrier, Draw, Located, Place};
pub use mark::{Mark, mark};
pub use net::{Destination, Net, NetConfig, TlsStream};
pub use proxy::Proxies;
pub use watch::{Turn, Watch};
