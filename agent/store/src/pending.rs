//! What waits to be written: bounded, never blocking whoever hands it in, and forgetting no call.

use agent_core::{id::AccountId, journal::JournalEntry, ledger::LedgerRecord, port::store::PasswordQuestion};
use std::collections::{BTreeMap, VecDeque};

/// Ledger rows that may wait; the oldest go first when a disk has been full for long.
const MOST_ROWS: usize = 20_000;

/// Calls that may wait: a call counts once however often it changes, so this is a disk that has been full for days.
const MOST_CALLS: usize = 50_000;

/// Numbers to be blocked that may wait: each came from a person.
const MOST_BLOCKS: usize = 256;

/// The inbox of the store's thread.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The newest state of each call, by its key.
    pub(crate) calls: BTreeMap<String, JournalEntry>,
    pub(crate) rows: VecDeque<LedgerRecord>,
    /// Calls and rows that found no room.
    pub(crate) lost: usize,
    /// The newest question of each account; the core passes answers to older ones over.
    pub(crate) passwords: BTreeMap<AccountId, PasswordQuestion>,
    /// Numbers to be blocked, or no longer.
    pub(crate) blocks: Vec<(String, bool)>,
    /// The settings are to be read up to this request.
    pub(crate) reload_asked: u64,
    /// Everything up to this flush request is to be written out.
    pub(crate) flush_asked: u64,
    pub(crate) closing: bool,
}

impl Pending {
    pub(crate) fn call(&mut self, call: JournalEntry) {
        if self.calls.len() >= MOST_CALLS && !self.calls.contains_key(&call.key) {
            // Keys begin with the time: the first one is the oldest.
            self.calls.pop_first();
            self.lost += 1;
        }
        self.calls.insert(call.key.clone(), call);
    }

    pub(crate) fn block(&mut self, number: String, on: bool) {
        if self.blocks.len() < MOST_BLOCKS {
            self.blocks.push((number, on));
        }
    }

    pub(crate) fn row(&mut self, row: LedgerRecord) {
        if self.rows.len() >= MOST_ROWS {
            self.rows.pop_front();
            self.lost += 1;
        }
        self.rows.push_back(row);
    }

    /// Takes back what could not be written; what came in meanwhile is newer.
    pub(crate) fn put_back(&mut self, calls: BTreeMap<String, JournalEntry>, rows: VecDeque<LedgerRecord>) {
        let newer = std::mem::replace(&mut self.calls, calls);
        self.calls.extend(newer);
        let newer = std::mem::replace(&mut self.rows, rows);
        newer.into_iter().for_each(|row| self.row(row));
    }

    pub(crate) fn has_writing(&self) -> bool {
        !self.calls.is_empty() || !self.rows.is_empty()
    }
}
