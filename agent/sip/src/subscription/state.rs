//! One subscription: what it is busy with, when it wakes, and what it asks.

use crate::{
    dialog::Dialog,
    message::{CSeq, Method, NameAddr, Request, Text, Uri, name},
    rng::Rng,
    subscription::{
        desk::{Desk, Road},
        package::{self, Known},
    },
    transaction::TransactionId,
    wire::{Owner, Toward, Wire},
};
use agent_core::{
    id::AccountId,
    port::sip::{
        SipEvent,
        watch::{Subscribed, WatchEvent, Watched},
    },
};
use std::time::{Duration, Instant};

/// The longest first wait after a failure.
const BASE: Duration = Duration::from_secs(10);
/// The longest wait after failures.
const MOST_WAIT: Duration = Duration::from_secs(600);
/// How long the last NOTIFY of a subscription that we ended is waited for.
pub(super) const LINGER: Duration = Duration::from_secs(5);

/// Call-ID and our tag: what a NOTIFY names us by, even before any answer came.
pub(crate) type Tags = (Text, Text);

/// How a subscription wants the account's next SUBSCRIBE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// When its turn comes.
    Waiting,
    /// Before those that only wait.
    Hurried,
}

/// What it is busy with.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nothing: the account is not registered.
    Off,
    /// It waits for its turn to say SUBSCRIBE.
    Queued,
    /// A SUBSCRIBE is out.
    Asking(Box<Asking>),
    /// Answered; it wakes to refresh.
    Standing,
    /// It wakes to try again.
    Waiting,
    /// We ended it; the last NOTIFY may come yet.
    Lingering,
    /// Nothing more is to be done.
    Over,
}

/// A SUBSCRIBE that is out.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) id: TransactionId,
    /// As sent, credentials and all.
    pub(super) sent: Request,
    /// When the first of its tries left: the interval granted counts from here.
    pub(super) since: Instant,
    /// Requests sent so far for this one purpose.
    pub(super) tries: u32,
    /// It was sent within the dialog.
    pub(super) inside: bool,
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(super) number: u64,
    pub(super) account: AccountId,
    pub(super) watched: Watched,
    /// Whose state it is, as an address.
    pub(super) target: Uri,
    pub(super) call_id: Text,
    pub(super) tag: Text,
    pub(super) sequence: u32,
    /// Made by the first NOTIFY (RFC 6665 section 4.4.1); those of other branches of a fork are refused.
    pub(super) dialog: Option<Dialog>,
    pub(super) phase: Phase,
    /// The purpose of a SUBSCRIBE that is asked again after a challenge: since when, and how many went out.
    pub(super) again: Option<(Instant, u32)>,
    pub(super) expires: Duration,
    pub(super) failures: u32,
    /// When it began to stand.
    pub(super) stood: Option<Instant>,
    /// Nothing is asked before, whatever happens to the account.
    pub(super) not_before: Option<Instant>,
    pub(super) wake: Option<Instant>,
    pub(super) expiry: Option<Instant>,
    /// Timer N: a NOTIFY must have come by then (RFC 6665 section 4.1.2).
    pub(super) silence: Option<Instant>,
    pub(super) leaving: bool,
    pub(super) known: Known,
    pub(super) told: Subscribed,
    pub(super) turn: Option<Turn>,
}

impl Subscription {
    /// One that has not begun.
    pub(crate) fn new(
        wire: &mut Wire,
        number: u64,
        account: AccountId,
        (watched, target): (Watched, Uri),
    ) -> Self {
        Self {
            number,
            account,
            expires: package::interval(watched.package),
            watched,
            target,
            call_id: wire.rng.token(12).into(),
            tag: wire.rng.token(8).into(),
            sequence: 0,
            dialog: None,
            phase: Phase::Off,
            again: None,
            failures: 0,
            stood: None,
            not_before: None,
            wake: None,
            expiry: None,
            silence: None,
            leaving: false,
            known: Known::default(),
            told: Subscribed::Unknown,
            turn: None,
        }
    }

    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }

    pub(crate) fn tags(&self) -> Tags {
        (self.call_id.clone(), self.tag.clone())
    }

    /// Whether it can be forgotten.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// When [`Subscription::timeout`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.wake, self.expiry, self.silence].into_iter().flatten().min()
    }

    /// Whether it wants to be put in the account's queue.
    pub(crate) fn take_turn(&mut self) -> Option<Turn> {
        self.turn.take()
    }

    /// The account is registered (again), or its road changed.
    pub(crate) fn begin(&mut self, wire: &mut Wire) {
        if self.leaving {
            return;
        }
        match self.phase {
            Phase::Off | Phase::Standing | Phase::Waiting => {
                match self.not_before.filter(|at| *at > wire.now) {
                    Some(at) => {
                        self.phase = Phase::Waiting;
                        self.wake = Some(at);
                    }
                    None => self.queue(Turn::Waiting),
                }
            }
            Phase::Queued => self.turn = Some(Turn::Waiting),
            Phase::Asking(_) | Phase::Lingering | Phase::Over => {}
        }
    }

    /// The account is not registered any more: nothing is known, and nothing is asked.
    pub(crate) fn lost(&mut self, wire: &mut Wire) {
        if self.leaving {
            self.phase = Phase::Over;
            return;
        }
        if !matches!(self.phase, Phase::Asking(_)) {
            self.phase = Phase::Off;
        }
        self.wake = None;
        self.silence = None;
        self.turn = None;
        self.tell(wire, Subscribed::Unknown);
    }

    /// It is not wanted any more.
    pub(crate) fn leave(&mut self, wire: &mut Wire) {
        if std::mem::replace(&mut self.leaving, true) {
            return;
        }
        self.tell(wire, Subscribed::Unknown);
        self.wake = None;
        self.silence = None;
        self.expiry = None;
        match (&self.phase, &self.dialog) {
            // The answer decides whether there is anything to end.
            (Phase::Asking(_), _) => {}
            (Phase::Queued | Phase::Standing | Phase::Waiting, Some(_)) => self.queue(Turn::Hurried),
            _ => self.phase = Phase::Over,
        }
    }

    /// Ends without another word.
    pub(crate) fn abandon(&mut self, wire: &mut Wire) {
        self.leaving = true;
        self.phase = Phase::Over;
        self.tell(wire, Subscribed::Unknown);
    }

    /// Does what is due.
    pub(crate) fn timeout(&mut self, wire: &mut Wire) {
        let due = |at: &mut Option<Instant>| at.take_if(|at| *at <= wire.now).is_some();
        let (woke, expired, silent) = (due(&mut self.wake), due(&mut self.expiry), due(&mut self.silence));
        if self.leaving {
            self.phase = Phase::Over;
            return;
        }
        if expired {
            // A refresh that is out may bring it back yet.
            if !matches!(self.phase, Phase::Asking(_)) {
                self.drop_dialog(wire);
            }
            self.tell(wire, Subscribed::Unknown);
        }
        match self.phase {
            // What was answered and tells nothing does not stand (RFC 6665 section 4.1.2.4).
            Phase::Standing if silent => self.failed(wire, None),
            Phase::Standing if woke || expired => self.queue(Turn::Waiting),
            Phase::Waiting if woke => self.queue(Turn::Waiting),
            _ => {}
        }
    }

    /// Its turn has come. False when it has nothing to say any more.
    pub(crate) fn go(&mut self, wire: &mut Wire, desk: &mut Desk) -> bool {
        let Some(road) = desk.road.clone().filter(|_| matches!(self.phase, Phase::Queued)) else {
            return false;
        };
        if self.leaving && self.dialog.is_none() {
            self.phase = Phase::Over;
            return false;
        }
        let inside = self.dialog.is_some();
        let mut request = match &mut self.dialog {
            Some(dialog) => dialog.request(Method::Subscribe),
            None => self.first(desk, &road),
        };
        let expires = if self.leaving { Duration::ZERO } else { self.expires };
        let headers = &mut request.headers;
        headers.push(name::CONTACT, NameAddr::new(road.contact.clone()).to_value());
        headers.push(name::EVENT, package::event(self.watched.package));
        headers.push(name::ACCEPT, package::body(self.watched.package));
        headers.push(name::EXPIRES, expires.as_secs().to_string());
        let cnonce = wire.rng.token(8);
        desk.auth.authorize(&mut request, &cnonce);
        let toward = match self.dialog.as_ref().and_then(Dialog::hop) {
            Some(hop) => Toward::Hop(hop, Some(road.flow)),
            None => Toward::Flow(road.flow),
        };
        let id = wire.send(Owner::Subscription(self.number), request.clone(), toward);
        let (since, tries) = self.again.take().unwrap_or((wire.now, 0));
        self.phase = Phase::Asking(Box::new(Asking { id, sent: request, since, tries: tries + 1, inside }));
        self.wake = None;
        self.silence = (!self.leaving).then(|| wire.now + wire.config.timers.patience());
        true
    }

    /// The SUBSCRIBE that begins a dialog.
    fn first(&mut self, desk: &Desk, road: &Road) -> Request {
        self.sequence += 1;
        let mut request = Request::new(Method::Subscribe, self.target.clone());
        let headers = &mut request.headers;
        for route in &road.routes {
            headers.push(name::ROUTE, route.to_value());
        }
        headers.push(name::MAX_FORWARDS, "70");
        headers.push(name::FROM, desk.line.address().with_tag(self.tag.clone()).to_value());
        headers.push(name::TO, NameAddr::new(self.target.clone()).to_value());
        headers.push(name::CALL_ID, self.call_id.clone());
        let cseq = CSeq { number: self.sequence, method: Method::Subscribe };
        headers.push(name::CSEQ, cseq.to_string());
        request
    }

    /// Waits for its turn.
    pub(super) fn queue(&mut self, turn: Turn) {
        self.phase = Phase::Queued;
        self.wake = None;
        self.turn = Some(turn);
    }

    /// The dialog is gone; the next SUBSCRIBE begins another, under other names, so that what still comes in the old one
    /// is nobody's.
    pub(super) fn drop_dialog(&mut self, wire: &mut Wire) {
        self.dialog = None;
        self.call_id = wire.rng.token(12).into();
        self.tag = wire.rng.token(8).into();
        self.sequence = 0;
        self.expiry = None;
        self.silence = None;
        self.stood = None;
        self.again = None;
        self.known.forget();
    }

    /// It does not stand: tried again after `wait`, or after a growing one.
    pub(super) fn failed(&mut self, wire: &mut Wire, wait: Option<Duration>) {
        self.drop_dialog(wire);
        self.tell(wire, Subscribed::Unknown);
        self.wait(wire, wait);
    }

    /// Waits for the next try.
    pub(super) fn wait(&mut self, wire: &mut Wire, wait: Option<Duration>) {
        if self.leaving {
            self.phase = Phase::Over;
            return;
        }
        let wait = wait.unwrap_or_else(|| backoff(self.failures, wire.rng.as_mut()));
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(wire.now + wait);
        self.wake = self.not_before;
        self.silence = None;
        self.phase = Phase::Waiting;
    }

    /// Tells how it fares, once.
    pub(super) fn tell(&mut self, wire: &mut Wire, state: Subscribed) {
        if self.told != state {
            self.told = state.clone();
            let (account, watched) = (self.account, self.watched.clone());
            wire.tell(SipEvent::Watch(WatchEvent::State { account, watched, state }));
        }
    }
}

/// The wait after `failures` failures in a row before this one: at most 10 s, doubling up to 10 min, and between half of it
/// and the whole at random, so that a PBX that comes back is not met by all of them in the same moment.
fn backoff(failures: u32, rng: &mut dyn Rng) -> Duration {
    let most = BASE.saturating_mul(2_u32.saturating_pow(failures)).min(MOST_WAIT);
    rng.between(most / 2, most)
}
