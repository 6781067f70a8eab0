//! A registration: what it knows, what it is busy with, and when it wakes.

use crate::{
    auth::DigestClient,
    call::{Belief, Manners},
    flow::{Flow, Transport},
    line::Line,
    message::{Abilities, CSeq, Method, NameAddr, Params, Request, SipUri, Text, name},
    registration::{alive::Alive, backoff},
    transaction::TransactionId,
    ways::Way,
    wire::{Owner, ReachId, Toward, Wire, contact_uri},
};
use agent_core::{
    id::AccountId,
    port::sip::{Registration as Told, RegistrationProblem as Problem, SipEvent, Treatment},
    secret::Secret,
};
use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

/// A registration is left alone so long before a lost connection counts as the first again.
const STEADY: Duration = Duration::from_secs(60);
/// How long one of several machines may leave a REGISTER unanswered before the next is asked: it was said four times by
/// then (RFC 3261 section 17.1.2.2).
const PATIENCE: Duration = Duration::from_secs(4);
/// Old bindings that are taken away one after the other, at most.
const MOST_SWEEPS: u32 = 4;

/// What it is busy with.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nothing: registered and waiting for the refresh, or done with.
    Still,
    /// Waits for the ways to the registrar.
    Reaching(ReachId),
    /// Waits for one of them to lead there.
    Opening(ReachId, Way),
    /// A REGISTER is out.
    Asking(Box<Asking>),
    /// Waits to try again.
    Waiting,
}

/// A REGISTER that is out.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) id: TransactionId,
    /// The request as authorized, to tell a refused password from a new challenge.
    pub(super) sent: Request,
    pub(super) contact: SipUri,
    /// When the first of its tries left: the interval granted counts from here.
    pub(super) since: Instant,
    /// Requests sent so far for this one purpose.
    pub(super) tries: u32,
    /// It takes the binding away.
    pub(super) removing: bool,
}

/// A binding the registrar has confirmed.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) contact: SipUri,
    pub(super) since: Instant,
}

/// One account's registration.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(super) number: u64,
    /// `None` once another took its place: it then only leaves, and tells nobody.
    pub(super) account: Option<AccountId>,
    pub(super) line: Line,
    pub(super) password: Secret,
    pub(super) auth: DigestClient,
    pub(super) call_id: Text,
    pub(super) tag: String,
    /// The user part of our Contact: who was not told by the registrar cannot guess it.
    pub(super) user: String,
    pub(super) sequence: u32,
    /// The ways to the registrar when it was last looked up, the best first.
    pub(super) ways: Vec<Way>,
    /// Who was met on a way of this round and is not the registrar.
    pub(super) obstacle: Option<Problem>,
    /// Those not tried yet this time; the one in use stands apart.
    pub(super) left: VecDeque<Way>,
    pub(super) flow: Option<Flow>,
    /// When it has to be looked up again.
    pub(super) stale_at: Option<Instant>,
    /// When a REGISTER that found no answer is given up for another way.
    pub(super) patience: Option<Instant>,
    /// When the best way is tried again, where another one is in use.
    pub(super) home_at: Option<Instant>,
    /// When the binding is to be refreshed.
    pub(super) refresh: Option<Instant>,
    /// The network changed: what stands is looked at, and left as it is where nothing of it did.
    pub(super) checking: bool,
    /// The computer sleeps or slept: what was bound may be no more.
    pub(super) unsure: bool,
    /// The way in use is not the best one.
    pub(super) away: bool,
    /// Where the registrar sees us, when that is not where we are (NAT).
    pub(super) learned: Option<SocketAddr>,
    /// How often the learned address changed since the last regular refresh: a router that never answers the same
    /// must not keep us registering for ever.
    pub(super) relearned: u32,
    pub(super) told_address: Option<IpAddr>,
    pub(super) binding: Option<Binding>,
    /// The way the registrar wants our requests to take behind the first machine (RFC 3608).
    pub(super) service: Vec<NameAddr>,
    /// A binding under an address we had before, to be taken away with the next REGISTER.
    pub(super) stale: Option<SipUri>,
    pub(super) phase: Phase,
    pub(super) state: Told,
    /// What the registrar says it is, as last told.
    pub(super) product: Option<String>,
    /// How its kind of PBX wants to be treated.
    pub(crate) treatment: Treatment,
    pub(super) expires: Duration,
    pub(super) failures: u32,
    pub(super) losses: u32,
    /// This very password has registered: when it is refused later, it is more likely the PBX that has a bad day.
    pub(super) proven: bool,
    /// Another password came while a REGISTER with the old one was out: its refusal says nothing.
    pub(super) again: bool,
    /// `Unregister` was asked for.
    pub(super) leaving: bool,
    pub(super) wake: Option<Instant>,
    pub(super) expiry: Option<Instant>,
    pub(super) alive: Alive,
    /// RFC 5626 is offered: until a registrar refuses it.
    pub(super) outbound: bool,
    /// The registrar did as it has it.
    pub(super) applied: bool,
    /// Which of the roads of its address of record this one is (RFC 5626 section 4.2).
    pub(super) reg_id: u32,
    /// Bindings of an earlier start that may still be found and taken away.
    pub(super) sweeps: u32,
}

impl Registration {
    /// A registration that has not begun.
    pub(crate) fn new(
        wire: &mut Wire,
        (number, account): (u64, AccountId),
        (line, user, reg_id): (Line, String, u32),
        password: Secret,
    ) -> Self {
        Self {
            number,
            account: Some(account),
            auth: DigestClient::new(line.username.clone(), password.clone()),
            line,
            password,
            call_id: wire.rng.token(12).into(),
            tag: wire.rng.token(6),
            user,
            sequence: 0,
            ways: Vec::new(),
            left: VecDeque::new(),
            obstacle: None,
            flow: None,
            stale_at: None,
            patience: None,
            home_at: None,
            refresh: None,
            checking: false,
            unsure: false,
            away: false,
            learned: None,
            relearned: 0,
            told_address: None,
            binding: None,
            service: Vec::new(),
            stale: None,
            phase: Phase::Still,
            state: Told::Idle,
            product: None,
            treatment: Treatment::default(),
            expires: wire.config.expires,
            failures: 0,
            losses: 0,
            proven: false,
            again: false,
            leaving: false,
            wake: None,
            expiry: None,
            alive: Alive::default(),
            outbound: true,
            applied: false,
            reg_id,
            sweeps: MOST_SWEEPS,
        }
    }

    /// The line.
    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    /// How its calls behave.
    pub(crate) fn manners(&self) -> Manners {
        let mut own = self.line.manners.clone();
        own.home.extend(self.flow().map(|flow| flow.peer.ip().to_string()));
        Manners { reliable: own.reliable || self.treatment.reliable_ringing, ..own }
    }

    /// Whose word counts in its calls.
    pub(crate) fn belief(&self) -> Belief {
        let own = self.line.belief();
        Belief { order: self.treatment.identity.clone().unwrap_or(own.order), ..own }
    }

    /// A fresh set of credentials, for one call.
    pub(crate) fn credentials(&self) -> DigestClient {
        let mut places = self.line.places();
        places.extend(self.ways.iter().map(|way| way.peer.ip().to_string()));
        DigestClient::for_call(&self.auth, places, self.line.realms())
    }

    /// The way to the registrar, once known.
    pub(crate) fn flow(&self) -> Option<Flow> {
        self.flow
    }

    /// Whether its requests go out over a secure road only.
    pub(crate) fn is_secure(&self) -> bool {
        self.flow.map(|flow| flow.transport).or(self.line.hop.transport).is_some_and(Transport::secure)
    }

    /// The Contact under which the registrar knows us (or soon will).
    pub(crate) fn contact(&self) -> Option<SipUri> {
        let flow = self.flow?;
        let contact = contact_uri(Some(&self.user), flow.transport, self.learned.unwrap_or(flow.local));
        // Who calls back comes over this road and no other (RFC 5626 section 4.3).
        Some(if self.applied { contact.with_param("ob", "") } else { contact })
    }

    /// Whether this is the user part of our Contact.
    pub(crate) fn is_contact_user(&self, user: &str) -> bool {
        self.user == user
    }

    /// The user part of our Contact.
    pub(crate) fn contact_user(&self) -> &str {
        &self.user
    }

    /// Whether it has nothing more to do.
    pub(crate) fn is_over(&self) -> bool {
        self.leaving && matches!(self.phase, Phase::Still)
    }

    /// When [`Registration::timeout`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.wake, self.expiry, self.alive.deadline(), self.patience, self.home_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Begins, or begins anew with another password.
    pub(crate) fn begin(&mut self, wire: &mut Wire, password: Secret) {
        self.auth = DigestClient::new(self.line.username.clone(), password.clone());
        self.proven &= self.password.expose() == password.expose();
        self.password = password;
        self.failures = 0;
        self.losses = 0;
        self.leaving = false;
        self.expires = wire.config.expires;
        // One REGISTER at a time (section 10.2): one that is out is waited for, its answer sets the course.
        if matches!(self.phase, Phase::Asking(_)) {
            self.again = true;
        } else {
            self.reach(wire);
        }
    }

    /// Takes the binding away and ends. Told as `Unregistered`.
    pub(crate) fn leave(&mut self, wire: &mut Wire) {
        self.leaving = true;
        self.wake = None;
        self.alive.stop();
        self.home_at = None;
        match (&self.phase, self.flow, &self.binding) {
            (Phase::Asking(_), ..) => {}
            (_, Some(flow), Some(_)) => self.ask(wire, flow, true),
            _ => self.left(wire),
        }
    }

    /// Leaves like [`Registration::leave`], but for nobody: another registration speaks for the account now.
    pub(crate) fn leave_silently(&mut self, wire: &mut Wire) {
        self.account = None;
        self.leave(wire);
    }

    /// Stops waiting for the registrar's word.
    pub(crate) fn abandon(&mut self, wire: &mut Wire) {
        self.leaving = true;
        self.left(wire);
    }

    /// Whether what comes over `from` is the registrar's word: it comes from the address it is spoken to at, or another of
    /// its name's, and the sender's address is proven as well as over our own road. A datagram bears whatever address its
    /// sender writes, so that it counts only where the account itself uses datagrams; and where the registrar has proven
    /// its name, what it has to say comes over that connection. Ports say nothing: over TCP a PBX calls from any.
    pub(crate) fn is_registrar(&self, from: &Flow) -> bool {
        if let Some(flow) = &self.flow
            && (flow.transport.secure() || flow.same_road(from))
        {
            return flow.same_road(from);
        }
        let own = self.flow.iter().map(|flow| (flow.transport, flow.peer.ip()));
        let ways = self.ways.iter().map(|way| (way.transport, way.peer.ip()));
        own.chain(ways).any(|(transport, ip)| from.as_good_as(transport) && from.peer.ip() == ip)
    }

    /// The road broke while nothing was out: the registrar restarted, or the network changed.
    pub(crate) fn road_lost(&mut self, wire: &mut Wire, lost: &Flow, detail: &str) {
        let ours = self.flow.is_some_and(|flow| flow.same_road(lost));
        if !ours || self.leaving || !matches!(self.phase, Phase::Still) || self.binding.is_none() {
            return;
        }
        // A registrar that still has it would call there, too, and wait for an answer.
        self.retire_contact();
        if self.binding.take().is_some_and(|binding| wire.now.duration_since(binding.since) >= STEADY) {
            self.losses = 0;
        }
        wire.shunned.shun(wire.now, (*lost).into());
        self.expiry = None;
        self.alive.stop();
        self.home_at = None;
        self.losses += 1;
        if self.losses == 1 {
            // Everybody's connection broke in the same moment: not everybody comes back in the same moment.
            let soon = wire.rng.between(Duration::ZERO, Duration::from_millis(250));
            self.phase = Phase::Waiting;
            self.wake = Some(wire.now + soon);
            self.tell(wire, Told::Connecting);
        } else {
            self.failures = self.losses - 2;
            self.fail(wire, Problem::Unreachable { detail: detail.to_owned() }, None);
        }
    }

    /// Does what is due.
    pub(crate) fn timeout(&mut self, wire: &mut Wire) {
        let now = wire.now;
        let due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        let (wake, expired) = (due(&mut self.wake), due(&mut self.expiry));
        if expired {
            self.binding = None;
            self.alive.stop();
            if matches!(self.state, Told::Registered) {
                self.tell(wire, Told::Connecting);
            }
        }
        self.ask_alive(wire);
        if due(&mut self.patience) {
            self.out_of_patience(wire);
        }
        if due(&mut self.home_at) && matches!(self.phase, Phase::Still) {
            return self.reach(wire);
        }
        if wake {
            match (&self.phase, self.flow) {
                (Phase::Still, Some(flow)) if self.binding.is_some() => {
                    self.relearned = 0;
                    self.refresh(wire, flow);
                }
                (Phase::Still | Phase::Waiting, _) => self.reach(wire),
                (Phase::Reaching(_) | Phase::Opening(..) | Phase::Asking(_), _) => {}
            }
        }
    }

    /// The binding's address is about to be replaced: the next REGISTER takes it away.
    pub(super) fn retire_contact(&mut self) {
        if let Some(binding) = &self.binding {
            self.stale = Some(binding.contact.clone());
        }
    }

    /// Sends the first REGISTER of a purpose.
    pub(super) fn ask(&mut self, wire: &mut Wire, flow: Flow, removing: bool) {
        let since = wire.now;
        self.send(wire, flow, (since, 1, removing));
    }

    pub(super) fn send(
        &mut self,
        wire: &mut Wire,
        flow: Flow,
        (since, tries, removing): (Instant, u32, bool),
    ) {
        let current = contact_uri(Some(&self.user), flow.transport, self.learned.unwrap_or(flow.local));
        let bound = self.binding.as_ref().map(|binding| binding.contact.clone());
        let contact = bound.filter(|_| removing).unwrap_or(current);
        let mut request = self.request(wire, &contact, if removing { Duration::ZERO } else { self.expires });
        let cnonce = wire.rng.token(8);
        self.auth.authorize(&mut request, &cnonce);
        let id = wire.send(Owner::Registration(self.number), request.clone(), Toward::Flow(flow));
        self.phase = Phase::Asking(Box::new(Asking { id, sent: request, contact, since, tries, removing }));
        // Where there are others to ask, nobody waits half a minute for one.
        self.patience = (!self.left.is_empty() && !removing).then(|| wire.now + PATIENCE);
        if self.binding.is_none() && !removing {
            self.tell(wire, Told::Connecting);
        }
    }

    fn request(&mut self, wire: &Wire, contact: &SipUri, expires: Duration) -> Request {
        self.sequence += 1;
        let own = self.instance_params(wire);
        let mut request = Request::new(Method::Register, self.line.domain());
        let headers = &mut request.headers;
        for route in &self.line.routes {
            headers.push(name::ROUTE, route.to_value());
        }
        headers.push(name::MAX_FORWARDS, "70");
        headers.push(name::FROM, self.line.address().with_tag(self.tag.as_str()).to_value());
        headers.push(name::TO, self.line.address().to_value());
        headers.push(name::CALL_ID, self.call_id.clone());
        headers.push(name::CSEQ, CSeq { number: self.sequence, method: Method::Register }.to_string());
        let with_expires = |uri: &SipUri, params: Params, seconds: u64| {
            let params = params.with("expires", seconds.to_string());
            NameAddr { params, ..NameAddr::new(uri.clone()) }.to_value()
        };
        headers.push(name::CONTACT, with_expires(contact, own, expires.as_secs()));
        if let Some(stale) = self.stale.as_ref().filter(|stale| *stale != contact) {
            headers.push(name::CONTACT, with_expires(stale, Params::new(), 0));
        }
        headers.push(name::EXPIRES, expires.as_secs().to_string());
        headers.push(name::ALLOW, Abilities::PHONE.allow());
        // A proxy on the way may ask to be on the way back (RFC 3327 section 5.1).
        headers.push(name::SUPPORTED, if self.outbound { "path, outbound" } else { "path" });
        request
    }

    /// It did not work: says why, and plans the next try unless only the user can help. A refused password is tried again,
    /// too, since a PBX whose user database is away refuses every one; but rarely, since accounts are locked by tries.
    pub(super) fn fail(&mut self, wire: &mut Wire, reason: Problem, after: Option<Duration>) {
        if self.leaving {
            return self.left(wire);
        }
        let hopeless = matches!(reason, Problem::NoPassword);
        let wait = after.unwrap_or_else(|| match reason {
            Problem::WrongPassword => backoff::wait_refused(self.proven, wire.rng.as_mut()),
            _ => backoff::wait(self.failures, wire.rng.as_mut()),
        });
        self.failures = self.failures.saturating_add(1);
        self.phase = if hopeless { Phase::Still } else { Phase::Waiting };
        self.patience = None;
        self.home_at = None;
        self.checking = false;
        self.wake = (!hopeless).then(|| wire.now + wait);
        self.alive.stop();
        let retry_ms = (!hopeless).then(|| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self.tell(wire, Told::Failed { reason, retry_ms });
    }

    /// Done: nothing is bound any more, as far as we can do anything about it.
    pub(super) fn left(&mut self, wire: &mut Wire) {
        self.phase = Phase::Still;
        self.binding = None;
        self.wake = None;
        self.expiry = None;
        self.alive.stop();
        self.patience = None;
        self.home_at = None;
        self.tell(wire, Told::Unregistered);
    }

    pub(super) fn tell(&mut self, wire: &mut Wire, state: Told) {
        if self.state != state {
            self.state = state.clone();
            if let Some(account) = self.account {
                wire.tell(SipEvent::Registration { account, state });
            }
        }
    }
}
