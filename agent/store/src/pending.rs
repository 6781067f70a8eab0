//! What waits to be written: bounded, never blocking whoever hands it in, and forgetting no call.

use agent_core::{
    action::Switch,
    id::AccountId,
    journal::JournalEntry,
    ledger::LedgerRecord,
    port::store::{KeptSwitch, PasswordQuestion},
};
use std::collections::{BTreeMap, VecDeque};

/// Ledger rows that may wait; the oldest go first when a disk has been full for long.
const MOST_ROWS: usize = 20_000;

/// Calls that may wait: a call counts once however often it changes, so this is a disk that has been full for days.
const MOST_CALLS: usize = 50_000;

/// Switches that may wait: an account has a few.
const MOST_SWITCHES: usize = 1000;

/// Numbers to be blocked that may wait: each came from a person.
const MOST_BLOCKS: usize = 256;

/// What is to be written in one go.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The newest state of each call, by its key.
    pub(crate) calls: BTreeMap<String, JournalEntry>,
    pub(crate) rows: VecDeque<LedgerRecord>,
    /// The newest state of each switch, and whether it is kept.
    pub(crate) switches: BTreeMap<SwitchKey, (KeptSwitch, bool)>,
}

/// Account, switch and queue.
type SwitchKey = (String, Switch, Option<String>);

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.rows.is_empty() && self.switches.is_empty()
    }
}

/// The inbox of the store's thread.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) batch: Batch,
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
    pub(crate) fn switch(&mut self, kept: KeptSwitch, on: bool) {
        let key = (kept.aor.clone(), kept.switch, kept.queue.clone());
        let switches = &mut self.batch.switches;
        if switches.len() < MOST_SWITCHES || switches.contains_key(&key) {
            switches.insert(key, (kept, on));
        } else {
            self.lost += 1;
        }
    }

    pub(crate) fn call(&mut self, call: JournalEntry) {
        let calls = &mut self.batch.calls;
        if calls.len() >= MOST_CALLS && !calls.contains_key(&call.key) {
            // Keys begin with the time: the first one is the oldest.
            calls.pop_first();
            self.lost += 1;
        }
        calls.insert(call.key.clone(), call);
    }

    pub(crate) fn block(&mut self, number: String, on: bool) {
        if self.blocks.len() < MOST_BLOCKS {
            self.blocks.push((number, on));
        }
    }

    pub(crate) fn row(&mut self, row: LedgerRecord) {
        let rows = &mut self.batch.rows;
        if rows.len() >= MOST_ROWS {
            rows.pop_front();
            self.lost += 1;
        }
        rows.push_back(row);
    }

    /// Takes back what could not be written; what came in meanwhile is newer.
    pub(crate) fn put_back(&mut self, batch: Batch) {
        let newer = std::mem::replace(&mut self.batch, batch);
        self.batch.calls.extend(newer.calls);
        self.batch.switches.extend(newer.switches);
        newer.rows.into_iter().for_each(|row| self.row(row));
    }

    pub(crate) fn has_writing(&self) -> bool {
        !self.batch.is_empty()
    }
}
