//! Deadlines of many things, at most one each, with the earliest at hand.
//!
//! The timers A to K of RFC 3261 section 17 (its appendix A lists them) and the refreshes of section 10.2.4 end up here:
//! a transaction has several timers, and hands over the earliest of them.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    time::Instant,
};

/// Entries of a table whose room is not worth giving back.
const ROOM: usize = 256;

/// One deadline a key. Setting, clearing and taking the earliest cost the logarithm of how many there are.
#[derive(Debug)]
pub(crate) struct Deadlines<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: HashMap<K, Instant>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_key: HashMap::new() }
    }
}

impl<K: Copy + Ord + Hash> Deadlines<K> {
    /// Sets, moves or (with `None`) clears the deadline of `key`.
    pub(crate) fn set(&mut self, key: K, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.by_key.insert(key, at),
            None => {
                let before = self.by_key.remove(&key);
                give_back(&mut self.by_key);
                before
            }
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, key));
        }
        if let Some(at) = at {
            self.by_time.insert((at, key));
        }
    }

    /// The earliest of all.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes one that has come; its key has no deadline afterwards.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<K> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.set(key, None);
        Some(key)
    }
}

/// Gives the room of a table back that was much fuller once: a flood's tables would stay for ever.
pub(crate) fn give_back<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > ROOM && map.len() < map.capacity() / 8 {
        map.shrink_to(ROOM.max(map.len() * 2));
    }
}

/// The earlier of two deadlines that may be missing.
pub(crate) fn earliest(one: Option<Instant>, two: Option<Instant>) -> Option<Instant> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_table_that_was_full_gives_its_room_back() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        (0..10_000).for_each(|key| deadlines.set(key, Some(start)));
        assert!(deadlines.by_key.capacity() >= 10_000);
        while deadlines.take_due(start).is_some() {}
        assert!(deadlines.by_key.capacity() < 4 * ROOM, "{}", deadlines.by_key.capacity());
    }

    #[test]
    fn the_earliest_comes_first_and_a_moved_one_only_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut deadlines = Deadlines::default();
        deadlines.set(1, Some(at(30)));
        deadlines.set(2, Some(at(10)));
        deadlines.set(3, Some(at(20)));
        deadlines.set(2, Some(at(40)));
        deadlines.set(3, None);
        assert_eq!(deadlines.next(), Some(at(30)));
        assert_eq!(deadlines.take_due(at(29)), None);
        assert_eq!(deadlines.take_due(at(50)), Some(1));
        assert_eq!(deadlines.take_due(at(50)), Some(2));
        assert_eq!(deadlines.take_due(at(50)), None);
        assert_eq!(deadlines.next(), None);
    }
}
