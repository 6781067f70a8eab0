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
        Self { rate: usize::try_from(rate).unwrap_or(1).clamp(1, 1000), sent: VecDeque::new() }
    }

    /// From when on the next may leave. What hurries uses the second's allowance as it is; the rest keeps even steps, so
    /// that the start of many is spread.
    pub(crate) fn free(&self, hurried: bool) -> Option<Instant> {
        let full = (self.sent.len() >= self.rate).then(|| self.sent.front().map(|at| *at + SECOND)).flatten();
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
