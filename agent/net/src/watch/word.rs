//! What an operating system says, and what it has to be able to.

use std::time::Duration;
use tokio::sync::mpsc;

/// What a system says, as it says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Something of the network changed.
    Network,
    /// It is about to sleep.
    Sleeping,
    /// It is awake again.
    Awake,
    /// The clock was set, which it also is on waking up.
    Clock,
}

/// What a system says it with; never waits.
#[derive(Debug, Clone)]
pub(super) struct Teller(mpsc::Sender<Word>);

impl Teller {
    /// Says it into `words`.
    pub(super) fn new(words: mpsc::Sender<Word>) -> Self {
        Self(words)
    }

    /// Says it, if anybody listens.
    pub(super) fn tell(&self, word: Word) {
        if self.0.try_send(word).is_err() {
            tracing::debug!(?word, "nobody takes what the system says");
        }
    }
}

/// An operating system that speaks while the value lives.
pub(super) trait Listening: Sized {
    /// Begins to listen. What cannot be listened to is said to the log and left out.
    fn begin(teller: Teller) -> Self;

    /// How long the computer has slept since it started.
    fn slept() -> Duration;
}
