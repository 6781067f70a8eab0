//! What is under way: our own transfers, theirs, and the dialogs that ended a while ago.

use crate::{
    dialog::DialogId,
    message::{Request, Text},
    transaction::TransactionId,
    transfer::{Fragment, ReferTo},
};
use agent_core::id::CallId;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

/// Dialogs that ended and are remembered, so that who wants to replace one is told the truth.
const MOST_ENDED: usize = 64;

/// A transfer we asked for (RFC 3515 section 2.4.1).
#[derive(Debug)]
pub(crate) struct Ours {
    /// Tells it from an earlier one of the same call.
    pub(crate) serial: u64,
    /// The CSeq number of the REFER, once it was answered: what its reports are named by (section 2.4.6).
    pub(crate) number: Option<u32>,
    /// They told how it ended; what they still report is answered and means nothing.
    pub(crate) over: bool,
    /// When it is given up, or forgotten.
    pub(crate) until: Instant,
}

/// A transfer they asked for.
#[derive(Debug)]
pub(crate) struct Theirs {
    /// The REFER that waits for our answer.
    pub(crate) request: Option<(TransactionId, Request)>,
    pub(crate) to: ReferTo,
    /// What they say of who asks (RFC 3892).
    pub(crate) referred_by: Option<Text>,
    /// The `id` of our reports: none for the first REFER of a dialog (RFC 3515 section 2.4.6).
    pub(crate) number: Option<u32>,
    /// They want no reports (RFC 4488).
    pub(crate) quiet: bool,
    /// A call that follows was begun.
    pub(crate) followed: bool,
    pub(crate) report: Report,
    /// When it is given up.
    pub(crate) until: Instant,
}

/// What is being reported.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// A NOTIFY waits for its answer.
    pub(crate) out: bool,
    /// What was said last.
    pub(crate) said: Option<Fragment>,
    /// What is to be said next: the newest, for they come in order or not at all.
    pub(crate) next: Option<Fragment>,
}

impl Report {
    /// Something is to be said; what was said already is not said again, and nothing after a final word.
    pub(crate) fn add(&mut self, fragment: Fragment) {
        let known = self.said.as_ref().is_some_and(|said| said.is_final() || *said == fragment);
        let decided = self.next.as_ref().is_some_and(Fragment::is_final);
        if !known && !decided {
            self.next = Some(fragment);
        }
    }

    /// What goes out now.
    pub(crate) fn take(&mut self) -> Option<Fragment> {
        if self.out {
            return None;
        }
        let next = self.next.take()?;
        self.out = true;
        self.said = Some(next.clone());
        Some(next)
    }

    /// Whether the last word was said, and heard.
    pub(crate) fn is_done(&self) -> bool {
        !self.out && self.next.is_none() && self.said.as_ref().is_some_and(Fragment::is_final)
    }
}

/// Everything under way.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    pub(crate) ours: BTreeMap<CallId, Ours>,
    pub(crate) theirs: BTreeMap<CallId, Theirs>,
    /// Calls in which they have asked before.
    pub(crate) asked_before: BTreeSet<CallId>,
    serial: u64,
    ended: VecDeque<DialogId>,
}

impl Transfers {
    /// One of ours begins.
    pub(crate) fn begin(&mut self, call: CallId, until: Instant) -> u64 {
        self.serial += 1;
        self.ours.insert(call, Ours { serial: self.serial, number: None, over: false, until });
        self.serial
    }

    /// One of ours, unless it was taken back or another one took its place.
    pub(crate) fn known(&mut self, call: CallId, serial: u64) -> Option<&mut Ours> {
        self.ours.get_mut(&call).filter(|ours| ours.serial == serial)
    }

    /// The call is gone, and with it whatever it had asked for.
    pub(crate) fn forget(&mut self, call: CallId) {
        self.ours.remove(&call);
        self.theirs.remove(&call);
        self.asked_before.remove(&call);
    }

    /// A dialog ended.
    pub(crate) fn ended(&mut self, dialog: DialogId) {
        if self.ended.len() == MOST_ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(dialog);
    }

    /// Whether such a dialog ended a while ago.
    pub(crate) fn has_ended(&self, dialog: &DialogId) -> bool {
        self.ended.contains(dialog)
    }

    /// When something is to be given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ours = self.ours.values().map(|ours| ours.until);
        ours.chain(self.theirs.values().map(|theirs| theirs.until)).min()
    }

    /// Ours whose time is up.
    pub(crate) fn ours_due(&self, now: Instant) -> Option<CallId> {
        self.ours.iter().find(|(_, ours)| ours.until <= now).map(|(call, _)| *call)
    }

    /// Theirs whose time is up.
    pub(crate) fn theirs_due(&self, now: Instant) -> Option<CallId> {
        self.theirs.iter().find(|(_, theirs)| theirs.until <= now).map(|(call, _)| *call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_the_newest_once_and_ends_with_a_final_word() {
        let word = |status| Fragment::new(status, "");
        let mut report = Report::default();
        report.add(word(100));
        assert_eq!(report.take(), Some(word(100)));
        report.add(word(180));
        report.add(word(183));
        assert_eq!(report.take(), None, "one at a time");
        report.out = false;
        assert_eq!(report.take(), Some(word(183)));
        report.add(word(183));
        report.out = false;
        assert_eq!(report.take(), None, "it was said");
        report.add(word(486));
        report.add(word(180));
        assert!(!report.is_done());
        assert_eq!(report.take(), Some(word(486)));
        assert!(!report.is_done(), "nobody has heard it");
        report.out = false;
        report.add(word(200));
        assert!(report.is_done() && report.take().is_none());
    }

    #[test]
    fn few_ended_dialogs_are_remembered() {
        let mut transfers = Transfers::default();
        let name = |at: usize| DialogId {
            call_id: format!("{at}").into(),
            local_tag: "l".into(),
            remote_tag: "r".into(),
        };
        for at in 0..1000 {
            transfers.ended(name(at));
        }
        assert!(transfers.has_ended(&name(999)) && !transfers.has_ended(&name(1)));
        assert_eq!(transfers.ended.len(), MOST_ENDED);
    }
}
