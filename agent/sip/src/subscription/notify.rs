//! NOTIFY: whose it is, what it says of the subscription, and what it says of the target (RFC 6665 section 4.1.3).

use crate::{
    dialog::{Dialog, DialogId},
    event::{mwi, reginfo::ContactEvent},
    message::{Params, Rejection, Request, Response, name},
    subscription::{
        package::{self, Read},
        reply::HOUR,
        state::{Phase, Subscription, Turn},
    },
    transaction::TransactionId,
    wire::Wire,
};
use agent_core::port::sip::{
    SipEvent,
    watch::{Mailbox, Package, Subscribed},
};
use std::time::Duration;

/// After a gap in the documents the whole state is asked for no sooner than this after the last time.
const GAP: Duration = Duration::from_secs(2);
/// A subscription that the PBX ends sooner than this after it began is not asked for again at once.
const STEADY: Duration = Duration::from_secs(30);

/// What a NOTIFY means to others than the subscription.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Noted {
    /// What became of our own registration.
    pub(crate) registration: Option<ContactEvent>,
}

/// Subscription-State.
struct SubscriptionState {
    word: String,
    reason: String,
    expires: Option<Duration>,
    retry_after: Option<Duration>,
}

impl SubscriptionState {
    /// Reads it; a PBX of RFC 3265's drafts sends none, and means `active`.
    fn of(request: &Request) -> Self {
        let value = request.headers.get(name::SUBSCRIPTION_STATE).cloned().unwrap_or_else(|| "active".into());
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let word = String::from_utf8_lossy(value[..end].trim_ascii()).to_ascii_lowercase();
        let params = Params::parse(&value[end..]).unwrap_or_default();
        let seconds = |name: &str| {
            let text = params.value(name)?.as_str()?;
            text.trim().parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()))
        };
        let reason = params.value("reason").map(|reason| reason.to_text().to_ascii_lowercase());
        Self {
            word,
            reason: reason.unwrap_or_default(),
            expires: seconds("expires"),
            retry_after: seconds("retry-after").map(|wait| wait.clamp(Duration::from_secs(1), HOUR)),
        }
    }
}

impl Subscription {
    /// A NOTIFY under our names.
    pub(crate) fn notified(
        &mut self,
        wire: &mut Wire,
        id: TransactionId,
        request: &Request,
        own: impl Fn(&str) -> bool,
    ) -> Noted {
        if let Err(status) = self.admit(request) {
            wire.respond(id, Response::to(request, status, None));
            return Noted::default();
        }
        let state = SubscriptionState::of(request);
        let read = self.known.read(self.account, &self.watched, request, own);
        match &read {
            Read::Foreign => {
                let mut rejection = Rejection::new(415, None);
                rejection.headers.push((name::ACCEPT, package::body(self.watched.package).to_owned()));
                wire.reject(id, request, &rejection);
            }
            Read::Unreadable => {
                wire.reject(id, request, &Rejection::new(400, Some("the body cannot be read".to_owned())));
            }
            Read::Told(..) | Read::Gap => wire.respond(id, Response::to(request, 200, None)),
        }
        self.silence = None;
        match state.word.as_str() {
            "terminated" => self.terminated(wire, &state, read),
            _ if self.leaving => Noted::default(),
            word => self.stands(wire, &state, word == "pending", read),
        }
    }

    /// Whether it is ours: the right event, in the right dialog, in order. The first one makes the dialog.
    fn admit(&mut self, request: &Request) -> Result<(), u16> {
        let event = request.headers.get(name::EVENT).map(|value| {
            let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
            value[..end].trim_ascii().to_ascii_lowercase()
        });
        if event.as_deref() != Some(package::event(self.watched.package).as_bytes()) {
            return Err(489);
        }
        let gone = matches!(self.phase, Phase::Off | Phase::Over) && self.dialog.is_none();
        if gone {
            return Err(481);
        }
        let number = request.headers.cseq().map_err(|_| 400_u16)?.number;
        match &mut self.dialog {
            Some(dialog) => {
                let theirs = DialogId::of_request(&request.headers).ok().flatten();
                if theirs.is_none_or(|theirs| !dialog.is_with(&theirs.remote_tag)) {
                    // Another branch of a fork (RFC 6665 section 4.1.2.4).
                    return Err(481);
                }
                if !dialog.in_order(number) {
                    return Err(500);
                }
                dialog.retarget(&request.headers);
            }
            None => self.dialog = Some(Dialog::by_notify(request, self.sequence).map_err(|_| 400_u16)?),
        }
        Ok(())
    }

    /// It stands, or may yet.
    fn stands(&mut self, wire: &mut Wire, state: &SubscriptionState, pending: bool, read: Read) -> Noted {
        if let Some(left) = state.expires.filter(|left| !left.is_zero()) {
            let expiry = wire.now + left;
            // The notifier may shorten it, never lengthen it.
            if matches!(self.phase, Phase::Standing) && self.expiry.is_none_or(|known| expiry < known) {
                self.plan(wire, expiry);
            }
        }
        if matches!(self.phase, Phase::Off) {
            // The account is not registered: nothing counts as known, and the refresh brings the whole state.
            return Noted::default();
        }
        self.stood.get_or_insert(wire.now);
        self.failures = 0;
        self.not_before = None;
        match read {
            Read::Gap => {
                // Everything since is missing: the whole state comes with a refresh.
                let soon = wire.now + GAP;
                if matches!(self.phase, Phase::Standing) && self.wake.is_none_or(|wake| wake > soon) {
                    self.wake = Some(soon);
                }
                Noted::default()
            }
            Read::Told(..) if pending => {
                self.tell(wire, Subscribed::Pending);
                Noted::default()
            }
            Read::Told(event, registration) => {
                self.tell(wire, Subscribed::Active);
                if let Some(event) = event {
                    wire.tell(SipEvent::Watch(event));
                }
                Noted { registration }
            }
            Read::Foreign | Read::Unreadable => {
                // It changed, and nobody knows to what.
                self.tell(wire, Subscribed::Unknown);
                Noted::default()
            }
        }
    }

    /// The PBX ended it: the reason says whether and when to ask again (RFC 6665 section 4.1.3).
    fn terminated(&mut self, wire: &mut Wire, state: &SubscriptionState, read: Read) -> Noted {
        if self.leaving {
            self.phase = Phase::Over;
            return Noted::default();
        }
        let steady = self.stood.is_some_and(|since| wire.now.duration_since(since) >= STEADY);
        let registration = match read {
            // It never changes again, so what it says last stays true.
            Read::Told(event, registration) if state.reason == "invariant" => {
                self.tell(wire, Subscribed::Active);
                if let Some(event) = event {
                    wire.tell(SipEvent::Watch(event));
                }
                registration
            }
            Read::Told(_, registration) => registration,
            _ => None,
        };
        // An answer to a refresh that is still out is not waited for: it cannot bring back what was ended.
        self.drop_dialog(wire);
        match state.reason.as_str() {
            "invariant" => {
                self.phase = Phase::Waiting;
                self.wake = None;
            }
            "rejected" | "noresource" => {
                let refused = Subscribed::Refused { status: 0, phrase: state.reason.clone() };
                self.tell(wire, refused);
                self.wait(wire, Some(state.retry_after.map_or(HOUR, |wait| wait.max(HOUR))));
            }
            "deactivated" | "timeout" if steady => {
                self.tell(wire, Subscribed::Unknown);
                self.queue(Turn::Waiting);
            }
            // `deactivated` may come again with each new subscription; whoever ends them at once is given time.
            _ => {
                self.tell(wire, Subscribed::Unknown);
                self.wait(wire, state.retry_after);
            }
        }
        Noted { registration }
    }
}

/// A NOTIFY that nobody asked for: voice mail is told like that by many PBXs (RFC 3842 leaves it to them). `None`: it is
/// nothing of the kind, 481 is the answer.
pub(crate) fn unasked(request: &Request) -> Option<Mailbox> {
    let event = request.headers.get(name::EVENT)?;
    let end = event.iter().position(|&b| b == b';').unwrap_or(event.len());
    let name = package::event(Package::Messages).as_bytes();
    if !event[..end].trim_ascii().eq_ignore_ascii_case(name) {
        return None;
    }
    mwi::parse(&request.body_of(mwi::TYPE)?)
}
