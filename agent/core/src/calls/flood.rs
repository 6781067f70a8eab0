//! How much of a flood of calls is written down one by one.

use std::time::Instant;

/// Calls that may come at once and each have a line of the journal.
const MOST_AT_ONCE: u32 = 1000;
/// Calls a second that each have a line of the journal, once more than that came at once.
const A_SECOND: u32 = 250;

/// How much may still be written, and what was not.
#[derive(Debug)]
pub(super) struct Flood {
    left: u32,
    /// Since when `left` is what it is.
    since: Option<Instant>,
    /// Calls that are in no line of their own.
    pub(super) unwritten: u32,
}

impl Default for Flood {
    fn default() -> Self {
        Self { left: MOST_AT_ONCE, since: None, unwritten: 0 }
    }
}

impl Flood {
    /// Whether one more call has a line of its own.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let millis = u64::try_from(now.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX);
        let more = millis.saturating_mul(u64::from(A_SECOND)) / 1000;
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(more).min(MOST_AT_ONCE);
            self.since = Some(now);
        }
        let admits = self.left > 0;
        self.left = self.left.saturating_sub(1);
        admits
    }
}
