//! Transactions (RFC 3261 section 17, corrected by RFC 6026): each request is answered once, whatever the network does.
//!
//! [`Transactions`] is pure: requests to be sent, messages received and the time go in; bytes and [`TransactionEvent`]s
//! come out. It knows nothing of dialogs or calls.

mod client;
mod event;
mod matching;
mod server;
mod store;

pub use event::{TimerBase, TransactionEvent, TransactionId};
pub use store::{Limits, Transactions};
