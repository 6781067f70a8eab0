//! Whom is not let ring: the blocked, the hidden where nobody takes them, and who comes while we are busy; and what a flood
//! of calls may write down.

use super::board::Calls;
use crate::{
    call::Call,
    context::Context,
    id::AccountId,
    journal::{Cause, Direction, JournalEntry, Outcome},
    party::Party,
    port::sip::Reject,
    settings::BlockedHear,
    text,
    timers::Deadline,
};
use std::time::Duration;

impl Calls {
    /// Why a call does not ring, and what the journal says of it. The blocked come first: they are not to learn whether
    /// anybody is there.
    pub(super) fn turned_away(
        &self,
        cx: &Context<'_>,
        call: &Call,
        quitting: bool,
    ) -> Option<(Reject, Option<Cause>)> {
        let account = cx.account(call.account);
        let settings = &cx.settings.calls;
        if quitting {
            return Some((Reject::Unavailable, None));
        }
        if !settings.blocked.is_empty() {
            let number = cx.numbers.caller(&call.party);
            if cx.numbers.blocked(&call.party.number, &number, &settings.blocked) {
                let why = match settings.blocked_hear {
                    BlockedHear::Busy => Reject::Busy,
                    BlockedHear::Declined => Reject::Unwanted,
                };
                return Some((why, Some(Cause::Blocked)));
            }
        }
        if call.party.withheld && account.is_some_and(|account| account.reject_anonymous) {
            return Some((Reject::Anonymous, Some(Cause::Anonymous)));
        }
        if let Some(unfit) = &call.unfit {
            return Some((Reject::from(unfit), Some(Cause::from(unfit))));
        }
        let most = usize::try_from(settings.most).unwrap_or(usize::MAX);
        let waiting = account.and_then(|account| account.waiting).unwrap_or(settings.waiting);
        let busy = self.map.len() >= most || (!waiting && !self.map.is_empty());
        busy.then_some((Reject::Busy, Some(Cause::Busy)))
    }

    /// Whether a call that comes has a line of the journal of its own. When not, one line a second stands for all.
    pub(super) fn is_written(&mut self, cx: &mut Context<'_>) -> bool {
        let admits = self.flood.admits(cx.now.at);
        if !admits {
            if self.flood.unwritten == 0 {
                cx.after(Deadline::Flood, Duration::from_secs(1));
            }
            self.flood.unwritten = self.flood.unwritten.saturating_add(1);
        }
        admits
    }

    /// The line that stands for many calls.
    pub(crate) fn sum_up(&mut self, cx: &mut Context<'_>) {
        let count = std::mem::take(&mut self.flood.unwritten);
        if count == 0 {
            return;
        }
        let name = cx.say(&text::calls::MANY_CALLS, &[&count.to_string()]);
        cx.out.journal(JournalEntry {
            key: format!("{}-flood", cx.now.wall.0),
            account: AccountId(0),
            direction: Direction::Incoming,
            party: Party { name: Some(name), ..Party::default() },
            called: None,
            hidden: false,
            card: None,
            started: cx.now.wall,
            answered: None,
            ended: Some(cx.now.wall),
            outcome: Some(Outcome::Missed),
            cause: Some(Cause::Flood),
        });
    }
}

/// How a call ends that was turned away: who is blocked or hides was declined, everybody else missed.
pub(super) fn outcome(cause: Option<Cause>) -> Outcome {
    match cause {
        Some(Cause::Blocked | Cause::Anonymous | Cause::Forwarded) => Outcome::Declined,
        _ => Outcome::Missed,
    }
}
