//! What the registrar's answers mean.

use crate::{
    auth::AuthError,
    flow::Flow,
    message::{Contacts, Response, SipUri, Uri, name},
    registration::{
        alive::requires_outbound,
        road::{LEAST_WAIT, LONGEST_WAIT},
        state::{Asking, Binding, Phase, Registration},
    },
    transaction::TransactionId,
    wire::{Output, Wire},
};
use agent_core::port::sip::{PhoneEvent, Registration as Told, RegistrationProblem as Problem, SipEvent};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Requests sent for one purpose before it counts as refused: challenges, a longer interval, a stale nonce.
const MOST_TRIES: u32 = 6;
/// The longest a registrar may say what it is, characters.
const LONGEST_PRODUCT: usize = 128;
/// No interval we agree to is longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Registration {
    /// A response to a REGISTER.
    pub(crate) fn response(&mut self, wire: &mut Wire, id: TransactionId, response: &Response) {
        if response.is_provisional() {
            return;
        }
        let (Some(asking), Some(flow)) = (self.take_asking(id), self.flow) else { return };
        if asking.removing {
            return self.removal_answered(wire, flow, &asking, response);
        }
        self.learn_product(wire, response);
        let again = std::mem::take(&mut self.again);
        if again && !response.is_success() && !self.leaving {
            return self.reach(wire);
        }
        match response.status {
            200..=299 => {
                self.proven |= !again;
                self.confirmed(wire, flow, &asking, response);
            }
            401 | 407 => self.challenged(wire, flow, &asking, response),
            // A machine on the way knows nothing of RFC 5626: then it is done without (section 4.2.1).
            439 if self.outbound => {
                self.outbound = false;
                self.applied = false;
                self.send(wire, flow, (asking.since, asking.tries + 1, false));
            }
            423 => self.too_brief(wire, flow, &asking, response),
            // Of a password that has served it says something else, and it is tried again.
            403 if asking.sent.headers.has(name::AUTHORIZATION)
                || asking.sent.headers.has(name::PROXY_AUTHORIZATION) =>
            {
                if self.proven {
                    let phrase = response.phrase.to_display();
                    let after = response.headers.retry_after();
                    let after = after.map(|wait| wait.clamp(LEAST_WAIT, LONGEST_WAIT));
                    self.fail(wire, Problem::Forbidden { phrase }, after);
                } else {
                    self.password_refused(wire);
                }
            }
            _ => self.refused(wire, response),
        }
    }

    /// What the registrar says it is (Server, or User-Agent where it writes that), told when it is news. A challenge says it,
    /// too, but so does whoever answers in its place: only its 200 counts.
    fn learn_product(&mut self, wire: &mut Wire, response: &Response) {
        if !response.is_success() {
            return;
        }
        let said = response.headers.get(name::SERVER).or_else(|| response.headers.get(name::USER_AGENT));
        let (Some(account), Some(said)) = (self.account, said) else { return };
        let product: String = said.to_display().chars().take(LONGEST_PRODUCT).collect();
        if self.product.as_ref() != Some(&product) {
            self.product = Some(product.clone());
            wire.tell(SipEvent::Phone(PhoneEvent::Pbx { account, product }));
        }
    }

    /// No answer within Timer F.
    pub(crate) fn timed_out(&mut self, wire: &mut Wire, id: TransactionId) {
        if self.take_asking(id).is_some() {
            if let Some(flow) = self.flow.filter(|flow| flow.transport.reliable()) {
                // What answers nothing is dead (a router forgot it, say), and must not be used again.
                wire.out.push_back(Output::Close(flow));
            }
            self.leave_way(wire, Problem::Silent);
        }
    }

    /// The REGISTER could not be sent, or its connection was lost.
    pub(crate) fn transport_failed(&mut self, wire: &mut Wire, id: TransactionId, detail: &str) {
        if self.take_asking(id).is_some() {
            self.leave_way(wire, Problem::Unreachable { detail: detail.to_owned() });
        }
    }

    fn take_asking(&mut self, id: TransactionId) -> Option<Asking> {
        match std::mem::replace(&mut self.phase, Phase::Still) {
            Phase::Asking(asking) if asking.id == id => {
                self.patience = None;
                Some(*asking)
            }
            other => {
                self.phase = other;
                None
            }
        }
    }

    fn confirmed(&mut self, wire: &mut Wire, flow: Flow, asking: &Asking, response: &Response) {
        let granted = granted(response, &asking.contact, self.expires).map(|granted| granted.min(LONGEST));
        let Some(granted) = granted.filter(|granted| !granted.is_zero()) else {
            // It said yes, and nobody would find us there.
            self.binding = None;
            self.expiry = None;
            let phrase = if granted.is_some() {
                "no time was granted"
            } else {
                "our address is not among those bound"
            };
            let problem = Problem::Refused { status: response.status, phrase: phrase.to_owned() };
            return self.fail(wire, problem, None);
        };
        let until = asking.since + granted;
        self.binding = Some(Binding { contact: asking.contact.clone(), since: wire.now });
        self.take_service(response);
        self.applied = self.outbound && requires_outbound(response);
        self.stale = None;
        self.failures = 0;
        if self.leaving {
            return self.ask(wire, flow, true);
        }
        if self.learn(flow, response) && self.relearned < 2 {
            // It sees us elsewhere than we said: said again, rightly, and the wrong binding taken back.
            self.relearned += 1;
            self.retire_contact();
            return self.ask(wire, flow, false);
        }
        if let Some(old) = self.left_behind(response, &asking.contact) {
            self.stale = Some(old);
            return self.ask(wire, flow, false);
        }
        self.expiry = Some(until);
        self.refresh = Some(refresh_at(asking.since, granted, wire.now));
        self.wake = self.refresh;
        self.arrived(wire, flow);
        self.keep_alive(wire, flow, response);
        self.tell(wire, Told::Registered);
    }

    /// A binding to be taken away before we say that we are registered: a call would ring at two addresses, one of them
    /// nobody's.
    fn left_behind(&mut self, response: &Response, contact: &SipUri) -> Option<SipUri> {
        let old = left_behind(response, contact).filter(|_| self.sweeps > 0);
        // From then on every binding under our user is of this start.
        self.sweeps = if old.is_some() { self.sweeps - 1 } else { 0 };
        old
    }

    fn challenged(&mut self, wire: &mut Wire, flow: Flow, asking: &Asking, response: &Response) {
        if self.password.expose().is_empty() {
            return self.fail(wire, Problem::NoPassword, None);
        }
        match self.auth.challenged(&asking.sent, response) {
            Ok(()) if asking.tries < MOST_TRIES => {
                if self.learn(flow, response) {
                    self.retire_contact();
                }
                self.send(wire, flow, (asking.since, asking.tries + 1, asking.removing));
            }
            Err(AuthError::Rejected) => {
                self.binding = None;
                self.expiry = None;
                self.password_refused(wire);
            }
            Err(AuthError::Weaker) => self.fail(wire, Problem::WeakerAuthentication, None),
            Err(AuthError::Unsupported | AuthError::Stranger) => {
                self.fail(wire, Problem::NoCommonAuthentication, None);
            }
            Ok(()) => self.refused(wire, response),
        }
    }

    /// The credentials were refused. The next try, with this password or another, waits for a challenge of its own: what
    /// is remembered of this one is old by then.
    fn password_refused(&mut self, wire: &mut Wire) {
        self.auth.forget();
        self.fail(wire, Problem::WrongPassword, None);
    }

    /// 423: the interval asked for is too short (section 10.3).
    fn too_brief(&mut self, wire: &mut Wire, flow: Flow, asking: &Asking, response: &Response) {
        let least = response.headers.min_expires().map(|seconds| Duration::from_secs(seconds.into()));
        match least.filter(|least| *least > self.expires && *least <= LONGEST) {
            Some(least) if asking.tries < MOST_TRIES => {
                self.expires = least;
                self.send(wire, flow, (asking.since, asking.tries + 1, false));
            }
            _ => self.refused(wire, response),
        }
    }

    fn refused(&mut self, wire: &mut Wire, response: &Response) {
        let phrase = response.phrase.to_display();
        let after = response.headers.retry_after().map(|wait| wait.clamp(LEAST_WAIT, LONGEST_WAIT));
        let problem = Problem::Refused { status: response.status, phrase };
        if Self::tells_to_go_on(response) {
            return self.unavailable(wire, problem, after);
        }
        self.fail(wire, problem, after);
    }

    /// Whatever the registrar says to our leaving, we leave; only a challenge is answered once more.
    fn removal_answered(&mut self, wire: &mut Wire, flow: Flow, asking: &Asking, response: &Response) {
        if !self.leaving {
            // The user changed their mind meanwhile.
            self.again = false;
            self.binding = None;
            return self.ask(wire, flow, false);
        }
        let again = matches!(response.status, 401 | 407)
            && asking.tries < MOST_TRIES
            && self.auth.challenged(&asking.sent, response).is_ok();
        if again {
            self.send(wire, flow, (asking.since, asking.tries + 1, true));
        } else {
            self.left(wire);
        }
    }

    /// Takes to heart where the registrar saw our request come from (RFC 3581): true when the Contact has to change.
    fn learn(&mut self, flow: Flow, response: &Response) -> bool {
        if flow.transport.web() {
            // Our Contact names no address there.
            return false;
        }
        let Ok(via) = response.headers.via() else { return false };
        let seen = match (via.received(), via.rport()) {
            (Some(ip), Some(port)) => SocketAddr::new(ip.to_canonical(), port),
            _ => return false,
        };
        let current = self.learned.unwrap_or(flow.local);
        if seen == current {
            return false;
        }
        self.learned = (seen != flow.local).then_some(seen);
        true
    }
}

/// A binding of an earlier start of ours, under the user that only we have, at an address that is ours no more. Only where ours
/// stands in the list as we wrote it: a router or the registrar may have put another address in its place.
fn left_behind(response: &Response, contact: &SipUri) -> Option<SipUri> {
    let Ok(Contacts::List(list)) = response.headers.contacts() else { return None };
    let whole: Uri = contact.clone().into();
    let listed = list.iter().any(|bound| bound.uri.same(&whole));
    let mut others =
        list.iter().filter(|bound| !bound.uri.same(&whole)).filter_map(|bound| bound.uri.as_sip());
    others.find(|uri| listed && uri.user == contact.user).cloned()
}

/// The interval granted to our binding: at our Contact, else in Expires, else as `asked` (section 10.2.4). `None`: a 200 lists
/// all bindings (section 10.3 step 8), and ours is not among them. A router may have written another address into it; the
/// random user is ours alone.
fn granted(response: &Response, contact: &SipUri, asked: Duration) -> Option<Duration> {
    let seconds = |text: &[u8]| std::str::from_utf8(text).ok()?.trim().parse::<u32>().ok();
    let whole: Uri = contact.clone().into();
    let ours = |uri: &Uri| uri.as_sip().is_some_and(|uri| uri.user == contact.user);
    let near =
        |uri: &Uri| uri.as_sip().is_some_and(|uri| ours(&uri.clone().into()) && uri.host == contact.host);
    let list = match response.headers.contacts() {
        Ok(Contacts::List(list)) => list,
        _ => Vec::new(),
    };
    let find = |fits: &dyn Fn(&Uri) -> bool| list.iter().find(|bound| fits(&bound.uri));
    // An address we had before may still be bound, under the same user.
    let bound = find(&|uri| uri.same(&whole)).or_else(|| find(&near)).or_else(|| find(&ours))?;
    let at_contact = bound.params.get("expires").and_then(seconds).or_else(|| response.headers.expires());
    Some(at_contact.map_or(asked, |seconds| Duration::from_secs(seconds.into())))
}

/// When to refresh: well before the end, and so early that one silent try (Timer F, 32 s) still leaves time for another.
fn refresh_at(since: Instant, granted: Duration, now: Instant) -> Instant {
    let after = if granted <= Duration::from_secs(300) { granted / 2 } else { granted * 4 / 5 };
    // Not faster than once a second, whatever is granted.
    (since + after).max(now + Duration::from_secs(1))
}
