//! What the tests of the store share: a profile to throw away, entries, and what the store tells.

use agent_core::{
    caller::CallerCard,
    id::AccountId,
    journal::{Direction, JournalEntry, Outcome},
    ledger::{Egress, LedgerRecord, Purpose},
    party::Party,
    port::store::{StoreCommand, StoreEvent},
    time::UnixMillis,
};
use agent_store::{Profile, StoreHandle, start};
use std::{
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

/// Long enough for the slowest machine; tests wait for conditions, not for this.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A running store and what it tells.
pub(crate) struct Running {
    pub(crate) handle: StoreHandle,
    events: Mutex<mpsc::Receiver<StoreEvent>>,
}

impl Running {
    pub(crate) fn start(dir: &Path) -> Self {
        let (tell, events) = mpsc::channel();
        let tell = Mutex::new(tell);
        let profile = Profile::open(Some(dir)).unwrap();
        let handle = start(profile, Arc::new(move |event| drop(tell.lock().unwrap().send(event)))).unwrap();
        Self { handle, events: Mutex::new(events) }
    }

    /// The next that is told, but for the PBX profiles that come with settings.
    pub(crate) fn next(&self) -> StoreEvent {
        loop {
            let event = self.any();
            if !matches!(event, StoreEvent::Profiles(_)) {
                return event;
            }
        }
    }

    pub(crate) fn any(&self) -> StoreEvent {
        self.events.lock().unwrap().recv_timeout(LONG).unwrap()
    }

    /// The next sentence about trouble, whatever else is told before it.
    pub(crate) fn trouble(&self) -> String {
        loop {
            if let StoreEvent::Trouble(text) | StoreEvent::Journal(Some(text)) = self.next() {
                return text;
            }
        }
    }

    /// What is told and was not yet looked at.
    pub(crate) fn rest(&self) -> Vec<StoreEvent> {
        self.events.lock().unwrap().try_iter().collect()
    }

    pub(crate) fn keep(&self, entry: &JournalEntry) {
        self.handle.send(StoreCommand::Journal(Box::new(entry.clone())));
    }

    pub(crate) fn flush(&self) {
        self.handle.flush(LONG).unwrap();
    }
}

/// A call that ended well, the `n`th of its day.
pub(crate) fn call(n: u64) -> JournalEntry {
    let begin = 1_763_900_000_000 + n as i64 * 1000;
    JournalEntry {
        key: format!("{begin}-{n}"),
        account: AccountId(0),
        direction: if n % 2 == 1 { Direction::Incoming } else { Direction::Outgoing },
        party: Party {
            number: format!("+4930{n:06}"),
            name: Some(format!("Anrufer \"{n}\"'; DROP TABLE call; --")),
            uri: format!("sip:+4930{n:06}@pbx.example"),
            withheld: false,
        },
        called: None,
        hidden: false,
        card: Some(CallerCard {
            source: "org.example.crm".to_owned(),
            name: format!("Alice {n}"),
            company: Some("100% ACME".to_owned()),
            url: None,
        }),
        started: UnixMillis(begin),
        answered: Some(UnixMillis(begin + 100)),
        ended: Some(UnixMillis(begin + 900)),
        outcome: Some(Outcome::Answered),
        cause: None,
    }
}

/// The same while it is still up.
pub(crate) fn open_call(n: u64) -> JournalEntry {
    JournalEntry { ended: None, outcome: None, ..call(n) }
}

pub(crate) fn row(at: i64, outcome: Egress) -> LedgerRecord {
    LedgerRecord {
        at: UnixMillis(at),
        purpose: Purpose { who: "plugin:org.example.crm".to_owned(), why: "look up a caller".to_owned() },
        scheme: "https".to_owned(),
        host: "crm.example".to_owned(),
        address: Some("192.0.2.7".to_owned()),
        port: 443,
        request: Some("GET /contacts?phone=…".to_owned()),
        bytes_out: 100,
        bytes_in: 2000,
        outcome,
    }
}

pub(crate) fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}
