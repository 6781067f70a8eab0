//! Text messages (MESSAGE, RFC 3428): what waits to leave, what was received, and what the bytes of one say.
//!
//! Pure bookkeeping and reading; `endpoint/texts` acts on it.

mod inbox;
mod outbox;
mod read;

pub(crate) use inbox::{Inbox, Key, Waiting};
pub(crate) use outbox::{Letter, Out, Outbox};
pub(crate) use read::read;

/// What the endpoint knows of text messages.
pub(crate) struct Texts {
    /// Ours.
    pub(crate) outbox: Outbox,
    /// Theirs.
    pub(crate) inbox: Inbox,
}

impl Texts {
    pub(crate) fn new(now: std::time::Instant) -> Self {
        Self { outbox: Outbox::default(), inbox: Inbox::new(now) }
    }
}
