//! Our own presence, published (RFC 3903): made, changed, refreshed and taken away, one PUBLISH at a time.

use crate::{
    event::pidf,
    message::{CSeq, Method, Request, Response, Text, name},
    subscription::desk::Desk,
    transaction::TransactionId,
    wire::{Owner, Toward, Wire},
};
use agent_core::{id::AccountId, port::sip::watch::PresenceInfo};
use std::time::{Duration, Instant};

/// How long is asked for.
const INTERVAL: Duration = Duration::from_secs(3600);
/// Requests sent for one purpose before it counts as refused.
const MOST_TRIES: u32 = 5;
/// The wait after a failure; the longest is an hour, and who does not serve this is asked no sooner.
const WAIT: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);
/// No interval we agree to is longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A PUBLISH that is out.
#[derive(Debug)]
struct Asking {
    id: TransactionId,
    sent: Request,
    tries: u32,
    /// What it says; `None`: it takes away.
    says: Option<PresenceInfo>,
}

/// What an account publishes.
#[derive(Debug)]
pub(crate) struct Publication {
    account: AccountId,
    call_id: Text,
    tag: Text,
    sequence: u32,
    /// What is to be published; `None`: nothing.
    wanted: Option<PresenceInfo>,
    /// What the PBX holds, and under which name.
    held: Option<(PresenceInfo, Text)>,
    asking: Option<Box<Asking>>,
    expires: Duration,
    failures: u32,
    /// When to refresh, or to try again.
    wake: Option<Instant>,
}

impl Publication {
    pub(crate) fn new(wire: &mut Wire, account: AccountId) -> Self {
        Self {
            account,
            call_id: wire.rng.token(12).into(),
            tag: wire.rng.token(8).into(),
            sequence: 0,
            wanted: None,
            held: None,
            asking: None,
            expires: INTERVAL,
            failures: 0,
            wake: None,
        }
    }

    /// When [`Publication::timeout`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.wake
    }

    /// From now on this is our presence; `None` takes it away.
    pub(crate) fn want(&mut self, wire: &mut Wire, desk: &mut Desk, presence: Option<PresenceInfo>) {
        self.wanted = presence;
        let refused = self.failures > 0 && self.wake.is_some();
        if self.asking.is_none() && !refused {
            self.go(wire, desk);
        }
    }

    /// The account is registered (again), or is not any more. What the PBX holds is refreshed at once: a PBX that was restarted
    /// holds nothing (412), and how much time was lost nobody knows.
    pub(crate) fn road(&mut self, wire: &mut Wire, desk: &mut Desk) {
        if desk.road.is_none() {
            self.wake = None;
        } else if self.asking.is_none() {
            self.failures = 0;
            self.renew(wire, desk);
        }
    }

    /// Time to refresh, or to try again.
    pub(crate) fn timeout(&mut self, wire: &mut Wire, desk: &mut Desk) {
        if self.wake.take_if(|at| *at <= wire.now).is_some() && self.asking.is_none() {
            self.renew(wire, desk);
        }
    }

    /// Refreshes what the PBX holds, or says what has changed.
    fn renew(&mut self, wire: &mut Wire, desk: &mut Desk) {
        match self.held.clone().filter(|(held, _)| Some(held) == self.wanted.as_ref()) {
            // A refresh carries no body (section 4.1).
            Some((held, etag)) => self.send(wire, desk, (Some(held), Some(etag), false), 0),
            None => self.go(wire, desk),
        }
    }

    /// Says what has changed, if anything has.
    fn go(&mut self, wire: &mut Wire, desk: &mut Desk) {
        match (self.wanted.clone(), self.held.clone()) {
            (Some(wanted), Some((held, _))) if wanted == held => {}
            (Some(wanted), held) => {
                self.send(wire, desk, (Some(wanted), held.map(|(_, etag)| etag), true), 0);
            }
            (None, Some((_, etag))) => self.send(wire, desk, (None, Some(etag), false), 0),
            (None, None) => self.wake = None,
        }
    }

    fn send(
        &mut self,
        wire: &mut Wire,
        desk: &mut Desk,
        (says, etag, body): (Option<PresenceInfo>, Option<Text>, bool),
        tries: u32,
    ) {
        let Some(road) = desk.road.clone() else { return };
        self.sequence += 1;
        let address = desk.line.address();
        let mut request = Request::new(Method::Publish, address.uri.clone());
        let headers = &mut request.headers;
        for route in &road.routes {
            headers.push(name::ROUTE, route.to_value());
        }
        headers.push(name::MAX_FORWARDS, "70");
        headers.push(name::FROM, address.clone().with_tag(self.tag.clone()).to_value());
        headers.push(name::TO, address.to_value());
        headers.push(name::CALL_ID, self.call_id.clone());
        headers.push(name::CSEQ, CSeq { number: self.sequence, method: Method::Publish }.to_string());
        headers.push(name::EVENT, "presence");
        let expires = if says.is_some() { self.expires } else { Duration::ZERO };
        headers.push(name::EXPIRES, expires.as_secs().to_string());
        if let Some(etag) = etag {
            headers.push(name::SIP_IF_MATCH, etag);
        }
        if let Some(presence) = says.as_ref().filter(|_| body) {
            request.set_body(pidf::TYPE, pidf::write(&address.uri.to_string(), presence));
        }
        let cnonce = wire.rng.token(8);
        desk.auth.authorize(&mut request, &cnonce);
        let id = wire.send(Owner::Publication(self.account), request.clone(), Toward::Flow(road.flow));
        self.wake = None;
        self.asking = Some(Box::new(Asking { id, sent: request, tries: tries + 1, says }));
    }

    /// A response to a PUBLISH.
    pub(crate) fn response(
        &mut self,
        wire: &mut Wire,
        desk: &mut Desk,
        id: TransactionId,
        response: &Response,
    ) {
        if response.is_provisional() || self.asking.as_ref().is_none_or(|asking| asking.id != id) {
            return;
        }
        let Some(asking) = self.asking.take() else { return };
        let etag = response.headers.get(name::SIP_ETAG).cloned();
        let again = asking.tries < MOST_TRIES;
        let before = asking.sent.headers.get(name::SIP_IF_MATCH).cloned();
        let body = !asking.sent.body.is_empty();
        match (response.status, etag) {
            (200..=299, Some(etag)) if asking.says.is_some() => {
                self.published(wire, desk, (&asking, etag), response)
            }
            (200..=299, _) => {
                self.held = None;
                self.failures = 0;
                if self.wanted.is_some() && asking.says.is_some() {
                    // Without a name it can be neither changed nor refreshed.
                    return self.fail(wire, Some(HOUR));
                }
                self.go(wire, desk);
            }
            (401 | 407, _) if again && desk.auth.challenged(&asking.sent, response).is_ok() => {
                self.send(wire, desk, (asking.says.clone(), before, body), asking.tries);
            }
            // The PBX knows nothing of it any more: published anew, with everything (section 4.2).
            (412, _) if again => {
                self.held = None;
                match self.wanted.clone() {
                    Some(wanted) => self.send(wire, desk, (Some(wanted), None, true), asking.tries),
                    None => self.wake = None,
                }
            }
            (423, _) if again && asking.says.is_some() => {
                let least = response.headers.min_expires().map(|seconds| Duration::from_secs(seconds.into()));
                match least.filter(|least| *least > self.expires && *least <= LONGEST) {
                    Some(least) => {
                        self.expires = least;
                        self.send(wire, desk, (asking.says.clone(), before, body), asking.tries);
                    }
                    None => self.fail(wire, Some(HOUR)),
                }
            }
            (status, _) => {
                let after =
                    response.headers.retry_after().map(|wait| wait.clamp(Duration::from_secs(1), HOUR));
                let never = matches!(status, 401 | 403 | 404 | 405 | 407 | 489 | 501);
                self.fail(wire, after.or(never.then_some(HOUR)));
            }
        }
    }

    fn published(
        &mut self,
        wire: &mut Wire,
        desk: &mut Desk,
        (asking, etag): (&Asking, Text),
        response: &Response,
    ) {
        let Some(says) = asking.says.clone() else { return };
        self.held = Some((says, etag));
        self.failures = 0;
        let granted =
            response.headers.expires().map_or(self.expires, |seconds| Duration::from_secs(seconds.into()));
        let granted = granted.clamp(Duration::from_secs(4), LONGEST);
        self.wake = Some(wire.now + wire.rng.between(granted * 7 / 10, granted * 17 / 20));
        if self.wanted != self.held.as_ref().map(|(held, _)| held.clone()) {
            self.go(wire, desk);
        }
    }

    /// No answer came, or it could not be sent.
    pub(crate) fn unanswered(&mut self, wire: &mut Wire, id: TransactionId) {
        if self.asking.take_if(|asking| asking.id == id).is_some() {
            self.fail(wire, None);
        }
    }

    fn fail(&mut self, wire: &mut Wire, wait: Option<Duration>) {
        let most = WAIT.saturating_mul(2_u32.saturating_pow(self.failures)).min(HOUR);
        let wait = wait.unwrap_or_else(|| wire.rng.between(most / 2, most));
        self.failures = self.failures.saturating_add(1);
        self.wake = Some(wire.now + wait);
    }
}
