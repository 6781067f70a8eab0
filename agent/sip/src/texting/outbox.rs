//! Text messages of ours: to one address one after the other (RFC 3428 section 8), to many at once.

use crate::{
    call::Targets,
    message::{Request, Text, Uri},
    transaction::TransactionId,
};
use agent_core::{id::AccountId, port::sip::message::MessageProblem};
use std::collections::{BTreeMap, VecDeque};

/// The most that wait or are under way.
const MOST: usize = 256;

/// A MESSAGE that is out.
#[derive(Debug)]
pub(crate) struct Out {
    pub(crate) id: TransactionId,
    /// As sent, credentials and all.
    pub(crate) request: Request,
}

/// One text message.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) account: AccountId,
    /// Where it goes now; a redirection changes it.
    pub(crate) target: Uri,
    pub(crate) text: String,
    pub(crate) call_id: Text,
    pub(crate) tag: Text,
    pub(crate) sequence: u32,
    /// Requests sent so far to the address it goes to.
    pub(crate) tries: u32,
    /// Where else it may go.
    pub(crate) targets: Targets,
    /// Where it may go next, while the core is asked about that, and what it was refused with.
    pub(crate) asking: Option<(Uri, MessageProblem)>,
    /// What is out; `None` while it waits for its turn.
    pub(crate) out: Option<Out>,
}

/// Whom a message goes to: over which account, and the address that was asked for.
type Line = (AccountId, String);

/// All of ours.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    letters: BTreeMap<u64, (Line, Letter)>,
    /// Who waits for whom; the first of each is under way.
    lines: BTreeMap<Line, VecDeque<u64>>,
}

impl Outbox {
    /// Takes one in; whether it is its turn at once. `Err`: there are too many, or one of that name.
    pub(crate) fn push(&mut self, number: u64, letter: Letter) -> Result<bool, ()> {
        if self.letters.len() >= MOST || self.letters.contains_key(&number) {
            return Err(());
        }
        let line = (letter.account, letter.target.to_string());
        let queue = self.lines.entry(line.clone()).or_default();
        queue.push_back(number);
        let first = queue.len() == 1;
        self.letters.insert(number, (line, letter));
        Ok(first)
    }

    /// One of them.
    pub(crate) fn get(&mut self, number: u64) -> Option<&mut Letter> {
        self.letters.get_mut(&number).map(|(_, letter)| letter)
    }

    /// One is over; the next to the same address, whose turn it is now.
    pub(crate) fn remove(&mut self, number: u64) -> Option<u64> {
        let (line, _) = self.letters.remove(&number)?;
        let queue = self.lines.get_mut(&line)?;
        let was_first = queue.front() == Some(&number);
        queue.retain(|other| *other != number);
        let next = queue.front().copied();
        if next.is_none() {
            self.lines.remove(&line);
        }
        next.filter(|_| was_first)
    }

    /// Those that have not left yet.
    pub(crate) fn unsent(&self) -> Vec<u64> {
        self.letters
            .iter()
            .filter(|(_, (_, letter))| letter.out.is_none())
            .map(|(number, _)| *number)
            .collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<u64> {
        self.letters.keys().copied().collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.letters.len()
    }
}
