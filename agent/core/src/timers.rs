//! Every deadline the core waits for, in one ordered place, so that a thousand calls cost no scan.

use crate::{
    id::{AccountId, CallId},
    port::Neighbour,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// What a deadline is for. Setting one again moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    /// The call has rung long enough, here or there.
    Ring(CallId),
    /// A neighbour should have answered by now.
    Step(CallId),
    /// The toast no longer says that somebody is being looked up.
    Lookup(CallId),
    /// A re-INVITE that crossed theirs is tried again.
    Retry(CallId),
    /// A call that changes hands has done so, or nobody says a word of it.
    Transfer(CallId),
    /// A call that asks to be answered by itself is.
    Auto(CallId),
    /// A call for help has been silent too long.
    Help(CallId),
    /// A code that was dialled has had its time.
    Code(CallId),
    /// One line of the journal stands for the calls of the last second.
    Flood,
    /// The busy or congestion tone has been heard.
    Tone,
    /// The question was not answered.
    Question,
    /// A toast that only informs has been up long enough.
    Note(u64),
    /// A question for an account's password was not answered at all.
    Password(AccountId),
    /// A neighbour that broke is started anew.
    Restart(Neighbour),
    /// A neighbour that was started anew has lasted.
    Steady(Neighbour),
    /// The PBX session had its time to wind up.
    Quit,
}

/// The deadlines, each set at most once.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    order: BTreeSet<(Instant, Deadline)>,
    set: BTreeMap<Deadline, Instant>,
}

impl Timers {
    pub(crate) fn set(&mut self, what: Deadline, at: Instant) {
        self.clear(what);
        self.set.insert(what, at);
        self.order.insert((at, what));
    }

    pub(crate) fn clear(&mut self, what: Deadline) {
        if let Some(at) = self.set.remove(&what) {
            self.order.remove(&(at, what));
        }
    }

    pub(crate) fn clear_call(&mut self, call: CallId) {
        for what in [
            Deadline::Ring(call),
            Deadline::Step(call),
            Deadline::Lookup(call),
            Deadline::Retry(call),
            Deadline::Transfer(call),
            Deadline::Auto(call),
            Deadline::Help(call),
            Deadline::Code(call),
        ] {
            self.clear(what);
        }
    }

    /// Nothing is waited for any more.
    pub(crate) fn clear_all(&mut self) {
        self.order.clear();
        self.set.clear();
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes one deadline that has come.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Deadline> {
        let (at, what) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.clear(what);
        Some(what)
    }
}
