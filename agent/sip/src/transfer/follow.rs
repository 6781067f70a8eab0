//! Calls that somebody else asked for: what becomes of them is overheard, so that he can be told (RFC 3515 section 2.4.5).

use crate::{message::phrase, transfer::Fragment};
use agent_core::{
    id::CallId,
    port::sip::{CallEnd, Loss, SipEvent, transfer::Wish},
};
use std::collections::{BTreeMap, VecDeque};

/// Which calls follow whose wish, and what there is to be told.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    calls: BTreeMap<CallId, Wish>,
    news: VecDeque<(Wish, Fragment)>,
}

impl Followed {
    /// From now on what becomes of `call` is told to who wished for it.
    pub(crate) fn begin(&mut self, call: CallId, wish: Wish) {
        self.calls.insert(call, wish);
    }

    /// Nobody is told any more.
    pub(crate) fn forget(&mut self, wish: Wish) {
        self.calls.retain(|_, of| *of != wish);
    }

    /// Takes in what the core is told.
    pub(crate) fn note(&mut self, event: &SipEvent) {
        if self.calls.is_empty() {
            return;
        }
        let (call, fragment) = match event {
            SipEvent::Progress { call, status, .. } => (call, Fragment::new(*status, phrase(*status))),
            SipEvent::Answered { call, .. } => (call, Fragment::new(200, phrase(200))),
            SipEvent::Ended { call, end } => (call, ended(end)),
            _ => return,
        };
        let Some(&wish) = self.calls.get(call) else { return };
        if fragment.is_final() {
            self.calls.remove(call);
        }
        self.news.push_back((wish, fragment));
    }

    /// The next thing to be told.
    pub(crate) fn next(&mut self) -> Option<(Wish, Fragment)> {
        self.news.pop_front()
    }
}

fn ended(end: &CallEnd) -> Fragment {
    let status = match end {
        CallEnd::Refused { status, phrase } => return Fragment::new(*status, phrase.clone()),
        CallEnd::Lost { why: Loss::Silent, .. } => 408,
        CallEnd::Lost { why: Loss::Target, .. } => 404,
        CallEnd::Lost { why: Loss::Network, .. } => 503,
        CallEnd::Lost { .. } => 480,
        CallEnd::RefusedElsewhere => 603,
        CallEnd::LocalHangup | CallEnd::Cancelled { .. } | CallEnd::Rejected | CallEnd::RemoteHangup => 487,
    };
    Fragment::new(status, phrase(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_wished_for_is_told_and_nothing_after_its_end() {
        let mut followed = Followed::default();
        let (call, wish) = (CallId(4), Wish::Call(CallId(1)));
        let progress = |call| SipEvent::Progress { call, status: 180, answer: None };
        followed.note(&progress(call));
        assert_eq!(followed.next(), None);
        followed.begin(call, wish);
        followed.note(&progress(CallId(6)));
        followed.note(&progress(call));
        let end = CallEnd::Refused { status: 486, phrase: "Busy Here".to_owned() };
        followed.note(&SipEvent::Ended { call, end });
        followed.note(&progress(call));
        assert_eq!(followed.next(), Some((wish, Fragment::new(180, "Ringing"))));
        assert_eq!(followed.next(), Some((wish, Fragment::new(486, "Busy Here"))));
        assert_eq!(followed.next(), None);
    }
}
