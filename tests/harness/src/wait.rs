//! Waiting for a condition, with a deadline that only a failure reaches.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// How long anything on loopback may take on a busy machine before it counts as not happening.
pub const SOON: Duration = Duration::from_secs(20);

/// Looks until `look` finds something, and returns that; `None` when the deadline came first.
pub fn until<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if started.elapsed() > deadline {
            return None;
        }
        thread::sleep(EVERY);
    }
}

/// Waits for one of `events` that `look` accepts, from the `after`th on; answers it and the place behind it, or `None`.
pub fn for_event<T: Clone>(
    deadline: Duration,
    after: usize,
    events: impl Fn() -> Vec<T>,
    look: impl Fn(&T) -> bool,
) -> Option<(T, usize)> {
    until(deadline, || {
        let events = events();
        let place = after + events.iter().skip(after).position(&look)?;
        Some((events[place].clone(), place + 1))
    })
}
