//! Neighbours that broke: which are down, and when each is started anew.

use crate::port::Neighbour;
use std::{collections::BTreeMap, time::Duration};

/// The first new start comes so long after the fault, each further one after twice the time.
const FIRST: Duration = Duration::from_secs(1);
/// No new start waits longer.
const LONGEST: Duration = Duration::from_secs(60);
/// Whoever lasts so long has recovered: its next fault counts as the first.
pub(crate) const STEADY: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Down,
    /// Its new start was asked for.
    Starting,
}

/// The neighbours that broke and have not recovered.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: BTreeMap<Neighbour, (State, u32)>,
}

impl Faults {
    /// A neighbour broke: how long to wait before it is started anew; `None` when that is known already.
    pub(crate) fn broke(&mut self, who: Neighbour) -> Option<Duration> {
        let (state, faults) = self.list.entry(who).or_insert((State::Up, 0));
        if *state == State::Down {
            return None;
        }
        *state = State::Down;
        let wait = FIRST.saturating_mul(1 << (*faults).min(16)).min(LONGEST);
        *faults = faults.saturating_add(1);
        Some(wait)
    }

    /// Its time to start anew has come: whether it is still wanted.
    pub(crate) fn starting(&mut self, who: Neighbour) -> bool {
        match self.list.get_mut(&who) {
            Some((state @ State::Down, _)) => {
                *state = State::Starting;
                true
            }
            _ => false,
        }
    }

    /// It was started anew; `false` when it broke again meanwhile, or nobody asked.
    pub(crate) fn restarted(&mut self, who: Neighbour) -> bool {
        match self.list.get_mut(&who) {
            Some((state @ State::Starting, _)) => {
                *state = State::Up;
                true
            }
            _ => false,
        }
    }

    /// It has lasted.
    pub(crate) fn steady(&mut self, who: Neighbour) {
        self.list.retain(|of, (state, _)| *of != who || *state != State::Up);
    }

    /// Whether it is of no use now.
    pub(crate) fn is_down(&self, who: Neighbour) -> bool {
        self.list.get(&who).is_some_and(|(state, _)| *state != State::Up)
    }

    /// Those that are of no use now.
    pub(crate) fn down(&self) -> impl Iterator<Item = Neighbour> {
        self.list.iter().filter(|(_, (state, _))| *state != State::Up).map(|(who, _)| *who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_until_it_lasts() {
        let mut faults = Faults::default();
        let who = Neighbour::Sip;
        for wanted in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(faults.broke(who), Some(Duration::from_secs(wanted)));
            assert_eq!(faults.broke(who), None, "told twice");
            assert!(faults.is_down(who));
            assert!(faults.starting(who) && !faults.starting(who));
            assert!(faults.is_down(who), "asked to start is not started");
            assert!(faults.restarted(who) && !faults.restarted(who));
            assert!(!faults.is_down(who));
        }
        faults.steady(who);
        assert_eq!(faults.broke(who), Some(FIRST));
        faults.steady(who);
        assert!(faults.is_down(who), "steady is only who is up");
        assert_eq!(faults.down().collect::<Vec<_>>(), [who]);
        assert!(!faults.is_down(Neighbour::Media));
    }

    #[test]
    fn one_that_breaks_while_it_starts_waits_again() {
        let mut faults = Faults::default();
        faults.broke(Neighbour::Store);
        faults.starting(Neighbour::Store);
        assert_eq!(faults.broke(Neighbour::Store), Some(Duration::from_secs(2)));
        assert!(!faults.restarted(Neighbour::Store), "it is down again");
    }
}
