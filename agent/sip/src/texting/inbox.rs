//! Text messages of theirs: those that wait for the core's word, those that were answered, and how many may come.

use crate::{measure::Measure, message::Request, transaction::TransactionId};
use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

/// The most that wait for the core's word.
const MOST_WAITING: usize = 64;
/// For how long: a sender gives up after 32 s (RFC 3261 section 17.1.2.2).
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Answers that are remembered, so that what comes again is answered alike and not shown again.
const MOST_KNOWN: usize = 512;
/// For how long.
const KNOWN_FOR: Duration = Duration::from_secs(600);
/// What all of them together may send, the PBX included, before it is asked to slow down: ten a second, a hundred at once.
/// Nobody reads more.
const PACE: Measure = Measure { every: Duration::from_millis(100), at_once: 100 };

/// What makes two requests the same message (RFC 3261 section 8.2.2.2): Call-ID, CSeq and From tag, and its very words, for
/// some programs send everything under one Call-ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u64, u64);

impl Key {
    /// Of a request that passed `check_request`.
    pub(crate) fn of(request: &Request) -> Self {
        let headers = &request.headers;
        let mut named = DefaultHasher::new();
        headers.call_id().map(|it| it.to_vec()).unwrap_or_default().hash(&mut named);
        headers.cseq().map(|it| it.number).unwrap_or_default().hash(&mut named);
        headers.from().ok().and_then(|from| from.tag().map(|tag| tag.to_vec())).hash(&mut named);
        let mut said = DefaultHasher::new();
        request.body.hash(&mut said);
        Self(named.finish(), said.finish())
    }
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: TransactionId,
    pub(crate) request: Request,
    /// Since when.
    pub(crate) since: Instant,
}

/// All of theirs.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: BTreeMap<u64, Waiting>,
    known: VecDeque<(Instant, Key, u16)>,
    /// Until when those that came are paid for.
    paid: Instant,
    last: u64,
}

impl Inbox {
    pub(crate) fn new(now: Instant) -> Self {
        Self { waiting: BTreeMap::new(), known: VecDeque::new(), paid: now, last: 0 }
    }

    /// Whether one more may come: not too many wait, and not too many came.
    pub(crate) fn has_room(&mut self, now: Instant) -> bool {
        self.waiting.len() < MOST_WAITING && PACE.take(&mut self.paid, now)
    }

    /// Takes one in and names it.
    pub(crate) fn push(&mut self, waiting: Waiting) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, waiting);
        self.last
    }

    /// One gets its answer.
    pub(crate) fn answer(&mut self, now: Instant, number: u64, status: u16) -> Option<Waiting> {
        let waiting = self.waiting.remove(&number)?;
        self.known.retain(|(at, ..)| now.duration_since(*at) < KNOWN_FOR);
        if self.known.len() >= MOST_KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((now, Key::of(&waiting.request), status));
        Some(waiting)
    }

    /// When the oldest has waited long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().next().map(|waiting| waiting.since + LONGEST_WAIT)
    }

    /// Takes out those that have waited long enough.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<Waiting> {
        let late = |_: &u64, waiting: &mut Waiting| waiting.since + LONGEST_WAIT <= now;
        self.waiting.extract_if(.., late).map(|(_, waiting)| waiting).collect()
    }

    /// How the same message was answered before.
    pub(crate) fn known(&self, now: Instant, key: Key) -> Option<u16> {
        let mut all = self.known.iter().rev();
        all.find(|(at, known, _)| *known == key && now.duration_since(*at) < KNOWN_FOR)
            .map(|(.., status)| *status)
    }

    /// A transaction is gone: nobody waits for the answer any more.
    pub(crate) fn gone(&mut self, id: TransactionId) {
        self.waiting.retain(|_, waiting| waiting.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Method, Uri, name};

    fn request(call_id: &str, number: u32, body: &str) -> Request {
        let mut request = Request::new(Method::Message, "sip:1@x".parse::<Uri>().unwrap());
        request.headers.push(name::FROM, "<sip:2@x>;tag=t");
        request.headers.push(name::CALL_ID, call_id);
        request.headers.push(name::CSEQ, format!("{number} MESSAGE"));
        request.set_body("text/plain", body.to_owned());
        request
    }

    #[test]
    fn the_same_words_under_the_same_names_are_one_message() {
        let key = Key::of(&request("a", 1, "hello"));
        assert_eq!(key, Key::of(&request("a", 1, "hello")));
        for other in [request("b", 1, "hello"), request("a", 2, "hello"), request("a", 1, "hallo")] {
            assert_ne!(key, Key::of(&other));
        }
    }

    #[test]
    fn what_was_answered_is_known_for_a_while_and_not_without_end() {
        let start = Instant::now();
        let mut inbox = Inbox::new(start);
        let id = crate::transaction::Transactions::new(Default::default(), Default::default()).reserve();
        for number in 0..2000 {
            let now = start + Duration::from_secs(u64::from(number));
            let named = inbox.push(Waiting { id, request: request("a", number, "x"), since: now });
            inbox.answer(now, named, 200).unwrap();
            assert!(inbox.known.len() <= MOST_KNOWN && inbox.waiting.is_empty());
        }
        let last = start + Duration::from_secs(1999);
        assert_eq!(inbox.known(last, Key::of(&request("a", 1999, "x"))), Some(200));
        assert_eq!(inbox.known(last + KNOWN_FOR, Key::of(&request("a", 1999, "x"))), None);
    }
}
