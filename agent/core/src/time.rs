//! Time as the core is told it.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// A moment: monotonic for deadlines, wall clock for the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic; every deadline is measured on it.
    pub at: Instant,
    /// Wall clock; only ever shown or stored, never compared.
    pub wall: UnixMillis,
}

impl Now {
    /// The same moment, `by` later on both clocks.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self { at: self.at + by, wall: UnixMillis(self.wall.0.saturating_add(millis)) }
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);
