//! A rate with the burst it allows, and whether one more fits.

use std::time::{Duration, Instant};

/// A rate with the burst it allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure {
    /// One each.
    pub(crate) every: Duration,
    /// The most at once after a rest.
    pub(crate) at_once: u32,
}

impl Measure {
    /// Takes one, if one is left. `paid`: until when the past ones are paid for.
    pub(crate) fn take(&self, paid: &mut Instant, now: Instant) -> bool {
        let from = (*paid).max(now);
        let fits = from.duration_since(now) < self.every * self.at_once;
        if fits {
            *paid = from + self.every;
        }
        fits
    }
}
