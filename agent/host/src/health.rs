//! How a plugin fares: strikes for misbehaving, pauses that grow, and the sentence that says so.

use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// So many strikes within [`WINDOW`] pause a plugin.
const STRIKES: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// How long the first, second and every further pause is.
const PAUSES: [Duration; 3] = [Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];

/// After so long without a strike, the next pause is a first one again.
const FORGIVEN: Duration = Duration::from_secs(1800);

/// One plugin's record.
#[derive(Debug, Default)]
pub(crate) struct Health {
    strikes: VecDeque<Instant>,
    pauses: usize,
    paused: Option<(Instant, String)>,
}

impl Health {
    /// It misbehaved; `what` says how. Whether it is paused from now on.
    pub(crate) fn strike(&mut self, now: Instant, what: &str) -> bool {
        if self.strikes.back().is_some_and(|last| now.duration_since(*last) > FORGIVEN) {
            self.pauses = 0;
        }
        self.strikes.push_back(now);
        while self.strikes.front().is_some_and(|first| now.duration_since(*first) > WINDOW) {
            self.strikes.pop_front();
        }
        if self.strikes.len() < STRIKES || self.paused.is_some() {
            return false;
        }
        let pause = PAUSES[self.pauses.min(PAUSES.len() - 1)];
        self.pauses += 1;
        self.strikes.drain(..self.strikes.len() - 1);
        let text = format!("paused for {} s: {what}, {STRIKES} times within a minute", pause.as_secs());
        self.paused = Some((now + pause, text));
        true
    }

    /// Until when it is paused, if it is.
    pub(crate) fn paused_until(&self) -> Option<Instant> {
        self.paused.as_ref().map(|(until, _)| *until)
    }

    /// Why it is paused, if it is.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.paused.as_ref().map(|(_, text)| text.as_str())
    }

    /// Ends a pause whose time has come.
    pub(crate) fn resume(&mut self, now: Instant) {
        if self.paused.as_ref().is_some_and(|(until, _)| *until <= now) {
            self.paused = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, Instant};
    use std::time::Duration;

    #[test]
    fn three_strikes_within_a_minute_pause_and_pauses_grow() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut health = Health::default();
        assert!(!health.strike(at(0), "it loops"));
        assert!(!health.strike(at(61), "it loops"));
        assert!(!health.strike(at(62), "it loops"));
        assert!(health.strike(at(63), "it loops"));
        assert_eq!(health.paused_until(), Some(at(93)));
        assert_eq!(health.problem(), Some("paused for 30 s: it loops, 3 times within a minute"));
        health.resume(at(92));
        assert!(health.problem().is_some());
        health.resume(at(93));
        assert_eq!(health.problem(), None);
        assert!(!health.strike(at(121), "it loops"));
        assert!(health.strike(at(122), "it loops"));
        assert_eq!(health.paused_until(), Some(at(122 + 120)));
    }
}
