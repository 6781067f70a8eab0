//! Whom is not let ring: the blocked, the hidden where nobody takes them, and who comes while we are busy; and what a flood
//! of calls may write down.

use super::board::Calls;
use crate::{
    action::{Source, Switch},
    call::Call,
    context::Context,
    id::AccountId,
    journal::{Cause, Direction, JournalEntry, Outcome},
    number::kind::Understood,
    party::Party,
    port::sip::{ForwardReason, Reject, SipCommand, TransferCommand},
    settings::BlockedHear,
    text,
    timers::Deadline,
};
use std::time::Duration;

/// How long after a call for help the calls that come ring whatever is set: they may be from where help is (RFC 7090 section
/// 1, whose marks few networks set).
const HELP_CALLS_BACK: Duration = Duration::from_secs(60 * 60);

/// The most often a call may have been forwarded to be forwarded here, too.
const MOST_SENT_ON: u32 = 5;

/// What comes of a call that does not ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turned {
    /// It is refused; the journal says why.
    Away(Reject, Option<Cause>),
    /// It goes elsewhere.
    On { to: String, why: ForwardReason },
}

impl Turned {
    /// What the journal says of it.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Away(_, cause) => *cause,
            Self::On { .. } => Some(Cause::Forwarded),
        }
    }

    /// What is said to the caller.
    pub(super) fn answer(self, call: &Call) -> SipCommand {
        match self {
            Self::Away(why, _) => SipCommand::Reject { call: call.id, why },
            Self::On { to: target, why } => {
                let account = call.account;
                SipCommand::Transfer(TransferCommand::Deflect { call: call.id, account, target, why })
            }
        }
    }
}

impl Calls {
    /// Why a call does not ring, and what the journal says of it. The blocked come first: they are not to learn whether
    /// anybody is there. Who forwards calls may do so because nothing is heard here.
    pub(super) fn turned_away(&self, cx: &Context<'_>, call: &Call, quitting: bool) -> Option<Turned> {
        let account = cx.account(call.account);
        let settings = &cx.settings.calls;
        if quitting {
            return Some(Turned::Away(Reject::Unavailable, None));
        }
        let help = self.helped.is_some_and(|at| cx.now.at.saturating_duration_since(at) < HELP_CALLS_BACK);
        if !settings.blocked.is_empty() {
            let number = cx.numbers.caller(&call.party);
            if cx.numbers.blocked(&call.party.number, &number, &settings.blocked) {
                let why = match settings.blocked_hear {
                    BlockedHear::Busy => Reject::Busy,
                    BlockedHear::Declined => Reject::Unwanted,
                };
                return Some(Turned::Away(why, Some(Cause::Blocked)));
            }
        }
        if !help && call.party.withheld && account.is_some_and(|account| account.reject_anonymous) {
            return Some(Turned::Away(Reject::Anonymous, Some(Cause::Anonymous)));
        }
        let forward = |switch, why| Self::sent_on_here(cx, call, switch).map(|to| Turned::On { to, why });
        if !help && let Some(on) = forward(Switch::ForwardAlways, ForwardReason::Always) {
            return Some(on);
        }
        if !help && account.is_some_and(|account| cx.lines.switches.dnd_here(&account.aor)) {
            let away = || Turned::Away(Reject::Busy, Some(Cause::DoNotDisturb));
            let on = forward(Switch::ForwardBusy, ForwardReason::DoNotDisturb);
            return Some(on.unwrap_or_else(away));
        }
        if let Some(unfit) = &call.unfit {
            return Some(Turned::Away(Reject::from(unfit), Some(Cause::from(unfit))));
        }
        let most = usize::try_from(settings.most).unwrap_or(usize::MAX);
        let waiting = account.and_then(|account| account.waiting).unwrap_or(settings.waiting);
        let busy = self.map.len() >= most || (!waiting && !self.map.is_empty());
        busy.then(|| {
            let away = || Turned::Away(Reject::Busy, Some(Cause::Busy));
            forward(Switch::ForwardBusy, ForwardReason::Busy).unwrap_or_else(away)
        })
    }

    /// Where this program sends a call that came; one that was sent on too often already goes no further, for it may be
    /// running in a circle, and nobody is sent to himself: who calls from where calls go wants whoever is here.
    pub(super) fn sent_on_here(cx: &Context<'_>, call: &Call, switch: Switch) -> Option<String> {
        let to = cx.lines.switches.forward_here(&cx.account(call.account)?.aor, switch)?;
        let times: u32 = call.with.forwarded.iter().map(|it| it.times).fold(0, u32::saturating_add);
        let caller = cx.numbers.caller(&call.party).lookup;
        let himself = match cx.numbers.understand(to, Source::Typed) {
            Understood::Dial(number) => caller.as_ref() == Some(&number.canonical),
            _ => false,
        };
        (times < MOST_SENT_ON && !himself).then(|| to.to_owned())
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
