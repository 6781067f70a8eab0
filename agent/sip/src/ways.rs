//! The ways to a machine that name servers list, and which of them failed lately (RFC 3263 section 4.3).

use crate::flow::{Flow, Transport};
use agent_core::{certificate::Untrusted, port::sip::NoWebSocket};
use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// A way that failed is gone around for so long; twice as long each time it fails again.
const AVOID: Duration = Duration::from_secs(30);
/// The longest a way is gone around.
const MOST: Duration = Duration::from_secs(600);
/// Ways that failed and are remembered.
const MOST_KNOWN: usize = 256;

/// One way to a hop: a transport and an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// How.
    pub transport: Transport,
    /// Whither.
    pub peer: SocketAddr,
}

impl From<Flow> for Way {
    fn from(flow: Flow) -> Self {
        Self { transport: flow.transport, peer: flow.peer }
    }
}

/// Who was met at the end of a way instead of the machine that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// They did not prove to be that machine.
    Untrusted(Untrusted),
    /// They open no WebSocket for SIP.
    NoWebSocket(NoWebSocket),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted(untrusted) => untrusted.fmt(f),
            Self::NoWebSocket(none) => none.fmt(f),
        }
    }
}

/// What happened to the computer that ways lead from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Addresses, routes or interfaces are not what they were.
    Network,
    /// It is about to sleep.
    Sleeping,
    /// It slept and is awake again, or did not fall asleep after all.
    Awake,
}

/// What the name servers said of a hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The ways, in the order in which they are to be tried.
    pub ways: Vec<Way>,
    /// How long that may be believed; `None`: for ever.
    pub good_for: Option<Duration>,
}

/// How a way failed.
#[derive(Debug, Clone, Copy)]
struct Failure {
    until: Instant,
    /// In a row.
    times: u32,
    /// It said itself until when it wants to be left alone (RFC 3261 section 21.5.4): then it is.
    asked_for: bool,
}

/// The ways that failed lately.
#[derive(Debug, Default)]
pub(crate) struct Shunned(BTreeMap<Way, Failure>);

impl Shunned {
    /// A way failed: others are tried before it for a while.
    pub(crate) fn shun(&mut self, now: Instant, way: Way) {
        let times = self.0.get(&way).map_or(0, |failure| failure.times).saturating_add(1);
        let wait = AVOID.saturating_mul(2_u32.saturating_pow(times - 1)).min(MOST);
        self.insert(way, Failure { until: now + wait, times, asked_for: false });
    }

    /// Who is there asked to be left alone for so long (503 with Retry-After).
    pub(crate) fn bar(&mut self, now: Instant, way: Way, wait: Duration) {
        self.insert(way, Failure { until: now + wait, times: 1, asked_for: true });
    }

    /// A way led to its end.
    pub(crate) fn proven(&mut self, way: Way) {
        self.0.remove(&way);
    }

    /// The network is another one: what failed may work now. Who asked to be left alone still is.
    pub(crate) fn forgive(&mut self) {
        self.0.retain(|_, failure| failure.asked_for);
    }

    /// Until when a way is gone around; `None` when it is not.
    pub(crate) fn until(&self, now: Instant, way: Way) -> Option<Instant> {
        self.0.get(&way).map(|failure| failure.until).filter(|until| *until > now)
    }

    /// Until when who is there asked to be left alone; `None` when they did not.
    pub(crate) fn barred(&self, now: Instant, way: Way) -> Option<Instant> {
        let failure = self.0.get(&way).filter(|failure| failure.asked_for && failure.until > now);
        failure.map(|failure| failure.until)
    }

    /// The ways in the order in which they are to be tried: those that failed lately last, those that asked to be left
    /// alone not at all.
    pub(crate) fn order(&self, now: Instant, ways: &[Way]) -> Vec<Way> {
        let failed = |way: &Way| self.0.get(way).filter(|failure| failure.until > now);
        let mut left: Vec<Way> =
            ways.iter().copied().filter(|way| failed(way).is_none_or(|failure| !failure.asked_for)).collect();
        left.sort_by_key(|way| failed(way).map(|failure| failure.until));
        left
    }

    fn insert(&mut self, way: Way, failure: Failure) {
        if self.0.len() >= MOST_KNOWN {
            self.0.clear();
        }
        self.0.insert(way, failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(last: u8) -> Way {
        Way { transport: Transport::Udp, peer: SocketAddr::from(([192, 0, 2, last], 5060)) }
    }

    #[test]
    fn what_failed_is_tried_last_and_what_asked_for_peace_not_at_all() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut shunned = Shunned::default();
        let all = [way(1), way(2), way(3)];
        shunned.shun(start, way(1));
        assert_eq!(shunned.order(start, &all), [way(2), way(3), way(1)]);
        shunned.shun(start + second, way(2));
        assert_eq!(shunned.order(start + second, &all), [way(3), way(1), way(2)], "longest ago first");
        shunned.bar(start, way(3), 60 * second);
        assert_eq!(shunned.order(start + second, &all), [way(1), way(2)]);
        assert_eq!(shunned.order(start + 30 * second, &all), [way(1), way(2)]);
        shunned.forgive();
        assert_eq!(shunned.order(start + second, &all), [way(1), way(2)], "a new network is no new peace");
        assert_eq!(shunned.order(start + 60 * second, &all), all);
    }

    #[test]
    fn who_fails_again_is_avoided_longer_up_to_ten_minutes() {
        let start = Instant::now();
        let mut shunned = Shunned::default();
        for seconds in [30, 60, 120, 240, 480, 600, 600] {
            shunned.shun(start, way(1));
            assert_eq!(shunned.until(start, way(1)), Some(start + Duration::from_secs(seconds)));
        }
        shunned.proven(way(1));
        assert_eq!(shunned.until(start, way(1)), None);
        shunned.shun(start, way(1));
        assert_eq!(shunned.until(start, way(1)), Some(start + AVOID), "it led there meanwhile");
        for port in 0..10_000 {
            shunned.shun(start, Way { peer: SocketAddr::from(([192, 0, 2, 9], port)), ..way(1) });
        }
        assert!(shunned.0.len() <= MOST_KNOWN);
    }
}
