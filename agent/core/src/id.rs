//! Names for accounts and calls that every floor can pass around.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One account of the settings, numbered by its place in the file, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(pub u32);

/// One call, for as long as the agent runs.
///
/// Both ends of the core make calls: the wire (an INVITE arrives) and the user (a number is dialled). So that neither
/// has to ask the other for a number, calls from the wire are odd and calls by the user are even, as HTTP/2 numbers
/// its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

impl CallId {
    /// The first call that arrives from the wire.
    pub const FIRST_INCOMING: Self = Self(1);
    /// The first call that the user dials.
    pub const FIRST_OUTGOING: Self = Self(2);

    /// The next id of the same parity.
    pub fn next(self) -> Self {
        Self(self.0 + 2)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
