//! How often an account may say SUBSCRIBE: never more than so many within any second, and evenly when there are many.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const SECOND: Duration = Duration::from_secs(1);

/// The pace of one account.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The most within a second, at least one.
    rate: usize,
    /// When the last ones left.
    sent: VecDeque<Instant>,
}

impl Pace {
    /// At most so many a second.
    pub(crate) fn new(rate: u32) -> Self {
        let mut pace = Self { rate: 1, sent: VecDeque::new() };
        pace.set(rate);
        pace
    }

    /// Another pace from now on; what left within the last second counts.
    pub(crate) fn set(&mut self, rate: u32) {
        self.rate = usize::try_from(rate).unwrap_or(1).clamp(1, 1000);
    }

    /// From when on the next may leave. What hurries uses the second's allowance as it is; the rest keeps even steps, so
    /// that the start of many is spread.
    pub(crate) fn free(&self, hurried: bool) -> Option<Instant> {
        let last = self.sent.len().checked_sub(self.rate).and_then(|at| self.sent.get(at));
        let full = last.map(|at| *at + SECOND);
        let step = SECOND / u32::try_from(self.rate).unwrap_or(1);
        let even = self.sent.back().map(|at| *at + step).filter(|_| !hurried);
        full.max(even)
    }

    /// One left.
    pub(crate) fn left(&mut self, now: Instant) {
        while self.sent.len() >= self.rate {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_sees_more_than_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(10);
        let mut now = start;
        let mut sent = Vec::new();
        for nth in 0..200 {
            // Every third hurries.
            if let Some(free) = pace.free(nth % 3 == 0) {
                now = now.max(free);
            }
            pace.left(now);
            sent.push(now);
        }
        for (at, first) in sent.iter().enumerate() {
            let within = sent[at..].iter().take_while(|time| **time < *first + SECOND).count();
            assert!(within <= 10, "{within} within the second from {:?}", *first - start);
        }
        assert!(now - start >= Duration::from_secs(13), "{:?}", now - start);
    }

    #[test]
    fn a_slower_pace_counts_what_has_left() {
        let now = Instant::now();
        let mut pace = Pace::new(4);
        for _ in 0..4 {
            pace.left(now);
        }
        pace.left(now + SECOND / 2);
        pace.set(2);
        // The last two left now and half a second later: the next waits for the first of them.
        assert_eq!(pace.free(true), Some(now + SECOND));
        pace.left(now + SECOND);
        assert_eq!(pace.free(true), Some(now + SECOND / 2 + SECOND));
        pace.set(1);
        assert_eq!(pace.free(true), Some(now + SECOND * 2));
    }

    #[test]
    fn what_hurries_does_not_wait_for_its_step() {
        let now = Instant::now();
        let mut pace = Pace::new(4);
        assert_eq!(pace.free(false), None);
        pace.left(now);
        assert_eq!(pace.free(true), None);
        assert_eq!(pace.free(false), Some(now + Duration::from_millis(250)));
        for _ in 0..3 {
            pace.left(now);
        }
        assert_eq!(pace.free(true), Some(now + SECOND));
    }
}
