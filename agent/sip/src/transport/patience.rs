//! How long a connection may keep its place without saying anything whole.

use std::time::{Duration, Instant};

/// A connection over which nothing came for so long is closed. Registrations keep theirs busy.
const IDLE: Duration = Duration::from_secs(3600);
/// What was begun must come to its end in this time, and a connection that others opened must have a first word: half
/// messages would otherwise hold every place there is. Timer B or F is over by then (RFC 3261 section 17.1.1.2).
const WHOLE: Duration = Duration::from_secs(32);

/// One connection's clock.
#[derive(Debug)]
pub(super) struct Patience {
    /// The last whole item, or the beginning.
    last: Instant,
    /// Others opened it, and nothing whole came yet.
    mute: bool,
    /// When the message began that has not come to its end.
    begun: Option<Instant>,
}

impl Patience {
    /// The connection was opened, by us or by others (`theirs`).
    pub(super) fn new(now: Instant, theirs: bool) -> Self {
        Self { last: now, mute: theirs, begun: None }
    }

    /// When it is over.
    pub(super) fn ends(&self) -> Instant {
        match self.begun {
            Some(begun) => begun + WHOLE,
            None if self.mute => self.last + WHOLE,
            None => self.last + IDLE,
        }
    }

    /// Bytes came: whether they ended a message or a line end between messages, and whether another one has begun.
    pub(super) fn read(&mut self, now: Instant, whole: bool, begun: bool) {
        if whole {
            self.last = now;
            self.mute = false;
            self.begun = None;
        }
        self.begun = begun.then(|| self.begun.unwrap_or(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_message_has_half_a_minute_however_slowly_it_grows() {
        let start = Instant::now();
        let mut patience = Patience::new(start, true);
        for second in 0..30 {
            patience.read(start + Duration::from_secs(second), false, true);
        }
        assert_eq!(patience.ends(), start + WHOLE);
        let later = start + Duration::from_secs(31);
        patience.read(later, true, false);
        assert_eq!(patience.ends(), later + IDLE, "it came to its end");
        patience.read(later, true, true);
        assert_eq!(patience.ends(), later + WHOLE, "a whole one, and the next has begun");
    }

    #[test]
    fn who_opens_a_connection_has_something_to_say() {
        let start = Instant::now();
        assert_eq!(Patience::new(start, true).ends(), start + WHOLE);
        assert_eq!(Patience::new(start, false).ends(), start + IDLE, "our own waits for the exchange");
    }
}
