//! What can go wrong with the exchange and the CRM.

use std::time::Duration;

/// An error of the exchange or of the CRM.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No socket could be opened.
    #[error("the {what} cannot listen on {address}: {detail}")]
    Listen {
        /// Which part.
        what: &'static str,
        /// Where.
        address: String,
        /// The sentence of the system.
        detail: String,
    },
    /// A thread could not be started, or ended early.
    #[error("the {what} has stopped: {detail}")]
    Stopped {
        /// Which part.
        what: &'static str,
        /// Why.
        detail: String,
    },
    /// Nobody is registered at the extension that was to be rung.
    #[error("no phone is registered at extension {0}")]
    NotRegistered(String),
    /// What was waited for did not happen.
    #[error("no {what} within {} ms", .within.as_millis())]
    TooLate {
        /// What was waited for.
        what: &'static str,
        /// How long.
        within: Duration,
    },
    /// The call was over before what was waited for happened.
    #[error("the call ended before the {what}: {end}")]
    Ended {
        /// What was waited for.
        what: &'static str,
        /// How it ended.
        end: String,
    },
}
