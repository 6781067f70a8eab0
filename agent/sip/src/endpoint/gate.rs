//! How much strangers may begin here: so many requests a second from one source, and so many from all of them.
//!
//! A transaction lives 32 s (RFC 3261 sections 17.2.1 and 17.2.2), so that a few thousand requests a second would fill
//! the table of transactions, and nobody else's call would find room. What comes over the measure is answered without
//! anything being kept (section 8.2.7): a stateless server repeats nothing, and answers alike what comes again.

use crate::measure::Measure;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// What one source may begin: fifty a second, a hundred at once.
const ONE: Measure = Measure { every: Duration::from_millis(20), at_once: 100 };
/// What all strangers together may begin: with 32 s each that is less than a third of the transactions there may be.
const ALL: Measure = Measure { every: Duration::from_micros(3_333), at_once: 600 };
/// Sources that are remembered. Further ones share the measure of all.
const MOST_SOURCES: usize = 4096;

/// Counts what strangers begin.
pub(super) struct Gate {
    sources: HashMap<IpAddr, Instant>,
    all: Instant,
    /// Makes tags that nobody can foretell and that are the same for the same request.
    secret: u64,
}

impl Gate {
    pub(super) fn new(now: Instant, secret: u64) -> Self {
        Self { sources: HashMap::new(), all: now, secret }
    }

    /// Whether a stranger's request may begin something.
    pub(super) fn admits(&mut self, now: Instant, ip: IpAddr) -> bool {
        let ip = network(ip);
        if self.sources.len() >= MOST_SOURCES && !self.sources.contains_key(&ip) {
            self.sources.retain(|_, paid| *paid > now);
        }
        let one = match self.sources.len() {
            ..MOST_SOURCES => self.sources.entry(ip).or_insert(now),
            _ => match self.sources.get_mut(&ip) {
                Some(paid) => paid,
                None => return ALL.take(&mut self.all, now),
            },
        };
        // One source's excess does not count against all the others.
        ONE.take(one, now) && ALL.take(&mut self.all, now)
    }

    /// The tag for an answer that is not kept (RFC 3261 section 8.2.7).
    pub(super) fn tag(&self, request: &crate::message::Request) -> String {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        for name in [crate::message::name::VIA, crate::message::name::CALL_ID, crate::message::name::CSEQ] {
            request.headers.get(name).map(|value| value.as_ref().to_vec()).hash(&mut hasher);
        }
        format!("{:016x}", hasher.finish())
    }
}

/// Whoever has an address of version 6 has 2^64 of them.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(last: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0x0a00_0000 + last).into()
    }

    #[test]
    fn one_source_has_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut gate = Gate::new(start, 1);
        let admitted = |gate: &mut Gate, at| (0..1000).filter(|_| gate.admits(at, v4(1))).count();
        assert_eq!(admitted(&mut gate, start), 100);
        assert_eq!(admitted(&mut gate, start + Duration::from_secs(1)), 50);
        assert!(gate.admits(start + Duration::from_secs(1), v4(2)), "another source has its own");
        assert_eq!(admitted(&mut gate, start + Duration::from_secs(60)), 100, "a rest gives the burst back");
    }

    #[test]
    fn all_sources_together_are_measured_and_few_are_remembered() {
        let start = Instant::now();
        let mut gate = Gate::new(start, 1);
        let first = (0..100_000).filter(|from| gate.admits(start, v4(*from))).count();
        assert_eq!(first, 600);
        assert!(gate.sources.len() <= MOST_SOURCES);
        let later = start + Duration::from_secs(1);
        let second = (0..100_000).filter(|from| gate.admits(later, v4(*from))).count();
        assert!((299..=302).contains(&second), "{second}");
    }

    #[test]
    fn a_network_of_version_6_is_one_source() {
        let start = Instant::now();
        let mut gate = Gate::new(start, 1);
        let from = |last: u32| IpAddr::V6(Ipv6Addr::from((0x2001_0db8_u128 << 96) + u128::from(last)));
        assert_eq!((0..1000).filter(|last| gate.admits(start, from(*last))).count(), 100);
    }
}
