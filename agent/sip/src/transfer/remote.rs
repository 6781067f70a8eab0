//! Calls the PBX asks for outside of any call: what is under way.

use crate::{
    dialog::Dialog,
    flow::Flow,
    message::{Request, Text},
    transaction::TransactionId,
    transfer::{ReferTo, Report},
};
use agent_core::id::AccountId;
use std::{collections::BTreeMap, time::Instant};

/// Wishes of all PBXs at once: a person clicks one after the other.
const MOST: usize = 8;

/// One wish.
pub(crate) struct Remote {
    pub(crate) account: AccountId,
    /// The REFER that waits for our answer, and the tag of that answer.
    pub(crate) request: Option<(TransactionId, Request, String)>,
    /// The road it came over, which the reports take.
    pub(crate) flow: Flow,
    /// Where we are reached in this dialog.
    pub(crate) contact: Text,
    pub(crate) dialog: Dialog,
    pub(crate) to: ReferTo,
    /// What they say of who asks (RFC 3892).
    pub(crate) referred_by: Option<Text>,
    /// They want no reports (RFC 4488).
    pub(crate) quiet: bool,
    /// A call that follows was begun.
    pub(crate) followed: bool,
    pub(crate) report: Report,
    /// The report that waits for its answer, and whether it was sent with credentials already.
    pub(crate) out: Option<(TransactionId, Request, bool)>,
    /// When it is given up.
    pub(crate) until: Instant,
}

/// All wishes under way.
#[derive(Default)]
pub(crate) struct Remotes {
    pub(crate) list: BTreeMap<u64, Remote>,
    last: u64,
}

impl Remotes {
    /// Whether one more may be asked about: one question at a time for each account, for who clicks twice means one call.
    pub(crate) fn has_room(&self, account: AccountId) -> bool {
        let waits = self.list.values().any(|remote| remote.account == account && !remote.followed);
        !waits && self.list.len() < MOST
    }

    /// Begins one, and gives its number.
    pub(crate) fn add(&mut self, remote: Remote) -> u64 {
        self.last += 1;
        self.list.insert(self.last, remote);
        self.last
    }

    /// When the next one is given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.list.values().map(|remote| remote.until).min()
    }

    /// One whose time is up.
    pub(crate) fn due(&self, now: Instant) -> Option<u64> {
        self.list.iter().find(|(_, remote)| remote.until <= now).map(|(number, _)| *number)
    }
}
