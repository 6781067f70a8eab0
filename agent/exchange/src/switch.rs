//! The switch: who is connected with whom. A call is two legs, and what happens on one is done on the other.

use crate::{
    call::{CallerState, ExtensionCall},
    config::ExchangeConfig,
    extension::Extension,
    faults::Faults,
    media::{Sends, Session},
    registrar::{Binding, Registrar},
};
use agent_core::{
    id::{AccountId, CallId},
    party::{Party, Sdp},
    port::sip::{
        CallEnd, MessageCommand, MessageEvent, Reject, SipCommand, SipEvent, message::MessageAnswer,
    },
};
use agent_sip::{
    SipHandle, Told,
    endpoint::Placement,
    flow::Flow,
    message::{Abilities, Host, Method, NameAddr, Request, Response, SipUri, name},
    rng::{OsRng, Rng},
    transaction::TransactionId,
};
use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// What the exchange serves.
pub(crate) const ABILITIES: Abilities<'static> = Abilities {
    methods: &[Method::Invite, Method::Ack, Method::Bye, Method::Cancel, Method::Options, Method::Register],
    ..Abilities::PHONE
};

/// Calls to extensions that are remembered after their end.
const MOST_REMEMBERED: usize = 64;
/// How often a slow registrar looks whether it may answer.
const SLOW: Duration = Duration::from_millis(10);
/// Calls let in that were not told yet.
const MOST_PENDING: usize = 4096;

/// One leg of a call.
enum Leg {
    /// Connected with another leg; `placed` when the exchange made it, else the phone did.
    Bridge { other: CallId, placed: bool, answered: bool },
    /// An end of the exchange's own.
    Own { session: Session, state: watch::Sender<CallerState> },
}

/// Where a call is to go.
enum Destination {
    Extension(Extension),
    Phone(Box<Binding>),
}

/// Everything the exchange knows; behind one lock, used from the SIP loop and from outside.
pub(crate) struct Switch {
    config: ExchangeConfig,
    faults: Faults,
    sip: Option<SipHandle>,
    ip: IpAddr,
    pub(crate) registrar: Registrar,
    legs: BTreeMap<CallId, Leg>,
    pending: BTreeMap<AccountId, Destination>,
    remembered: VecDeque<ExtensionCall>,
    next_call: CallId,
    next_pending: u32,
    rng: OsRng,
    changed: watch::Sender<u64>,
    down: watch::Sender<bool>,
}

impl Switch {
    pub(crate) fn new(config: ExchangeConfig, faults: Faults, down: watch::Sender<bool>) -> Self {
        let mut rng = OsRng::default();
        let mut key = [0; 32];
        rng.fill(&mut key);
        Self {
            registrar: Registrar::new(&config, faults.clone(), key),
            ip: config.ip,
            config,
            faults,
            sip: None,
            legs: BTreeMap::new(),
            pending: BTreeMap::new(),
            remembered: VecDeque::new(),
            next_call: CallId::FIRST_OUTGOING,
            next_pending: 0,
            rng,
            changed: watch::channel(0).0,
            down,
        }
    }

    /// Gives it the way to SIP.
    pub(crate) fn connect(&mut self, sip: SipHandle) {
        self.sip = Some(sip);
    }

    /// Tells of every REGISTER that was served.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The calls to extensions so far, oldest first.
    pub(crate) fn remembered(&self) -> Vec<ExtensionCall> {
        self.remembered.iter().cloned().collect()
    }

    /// Makes a call to a phone.
    pub(crate) fn ring(
        &mut self,
        phone: Binding,
        (number, display): (&str, &str),
        session: Session,
    ) -> (CallId, watch::Receiver<CallerState>) {
        let user = if number.is_empty() { "anonymous" } else { number };
        let host = if number.is_empty() { Host::Name("anonymous.invalid".into()) } else { self.ip.into() };
        let from = NameAddr::new(SipUri::new(Some(user), host, None)).with_display(display);
        let call = self.number();
        let (state, watched) = watch::channel(CallerState::new());
        let offer = session.offer(false);
        self.legs.insert(call, Leg::Own { session, state });
        self.place(call, from, phone, Sdp(offer));
        (call, watched)
    }

    /// SIP tells something.
    pub(crate) fn told(&mut self, told: Told) {
        match told {
            Told::Outside { id, request, flow } => self.outside(id, &request, flow),
            Told::Event(event) => self.event(event),
        }
    }

    fn outside(&mut self, id: TransactionId, request: &Request, flow: Flow) {
        let tag = self.rng.token(6);
        let response = match request.method {
            Method::Register => {
                let response = self.registrar.register(request, flow, Instant::now(), &tag);
                self.changed.send_modify(|count| *count += 1);
                response
            }
            Method::Invite => self.invite(id, request, &tag).err().map(|no| *no),
            Method::Options => {
                let mut response = Response::to(request, 200, Some(&tag));
                response.headers.push(name::ALLOW, ABILITIES.allow());
                response.headers.push(name::ACCEPT, ABILITIES.accept());
                Some(response)
            }
            _ => Some(Response::to(request, 405, Some(&tag))),
        };
        let (Some(sip), Some(response)) = (self.sip.clone(), response) else { return };
        if request.method == Method::Register && self.faults.is_registrar_slow() {
            let faults = self.faults.clone();
            tokio::spawn(async move {
                while faults.is_registrar_slow() {
                    tokio::time::sleep(SLOW).await;
                }
                sip.respond(id, response);
            });
        } else {
            sip.respond(id, response);
        }
    }

    /// Lets a call in, or says how it is refused.
    fn invite(&mut self, id: TransactionId, request: &Request, tag: &str) -> Result<(), Box<Response>> {
        let refuse = |status| Err(Box::new(Response::to(request, status, Some(tag))));
        if let Some(status) = self.faults.refuses_calls() {
            return refuse(status);
        }
        let caller = request.headers.from().ok().and_then(|from| from.uri.user_text());
        let ours = caller.is_some_and(|caller| self.registrar.knows(&caller.to_text()));
        if ours
            && self.config.challenge_calls
            && let Some(refusal) = self.registrar.refuses(request, tag, true)
        {
            return Err(Box::new(refusal));
        }
        let called = request.uri.user_text().map(|user| user.to_text().into_owned()).unwrap_or_default();
        let destination = match Extension::by_number(&called) {
            Some(Extension::Busy) => return refuse(486),
            Some(extension) => Destination::Extension(extension),
            None if !self.registrar.knows(&called) => return refuse(404),
            None => match self.registrar.phones(&called, Instant::now()).into_iter().next() {
                Some(phone) => Destination::Phone(Box::new(phone)),
                None => return refuse(480),
            },
        };
        self.next_pending = self.next_pending.wrapping_add(1);
        let account = AccountId(self.next_pending);
        if self.pending.len() >= MOST_PENDING {
            self.pending.pop_first();
        }
        self.pending.insert(account, destination);
        if let Some(sip) = &self.sip {
            sip.admit(id, account);
        }
        Ok(())
    }

    fn event(&mut self, event: SipEvent) {
        match event {
            SipEvent::Incoming { call, account, party, offer, .. } => match self.pending.remove(&account) {
                Some(Destination::Extension(extension)) => self.answer(call, extension, &party, offer),
                Some(Destination::Phone(phone)) => self.bridge(call, &party, *phone, offer),
                None => self.send(SipCommand::Reject { call, why: Reject::Unavailable }),
            },
            SipEvent::Progress { call, .. } => self.progress(call),
            SipEvent::Answered { call, answer } => self.answered(call, answer),
            SipEvent::Confirmed { call, answer } => {
                if let (Some(Leg::Own { session, .. }), Some(answer)) = (self.legs.get(&call), answer) {
                    session.complete(&answer.0);
                }
            }
            SipEvent::Reoffer { call, offer } => self.reoffer(call, offer),
            SipEvent::ReofferAnswered { call, answer } => match self.legs.get(&call) {
                Some(Leg::Bridge { other, .. }) => {
                    self.send(SipCommand::AnswerReoffer { call: *other, answer: Ok(answer) });
                }
                Some(Leg::Own { session, .. }) => {
                    session.complete(&answer.0);
                }
                None => {}
            },
            SipEvent::ReofferRefused { call, .. } => {
                if let Some(Leg::Bridge { other, .. }) = self.legs.get(&call) {
                    self.send(SipCommand::AnswerReoffer { call: *other, answer: Err(Reject::NotAcceptable) });
                }
            }
            SipEvent::Ended { call, end } => self.ended(call, end),
            SipEvent::Down => {
                self.down.send_replace(true);
            }
            // It makes calls and keeps no letters.
            SipEvent::Message(MessageEvent::Arrived { message, .. }) => {
                let answer = MessageAnswer::Unavailable;
                self.send(SipCommand::Message(MessageCommand::Answer { message, answer }));
            }
            SipEvent::Message(_)
            | SipEvent::Registration { .. }
            | SipEvent::Address { .. }
            | SipEvent::Party { .. }
            | SipEvent::Phone(_)
            | SipEvent::Transfer(_)
            | SipEvent::Watch(_) => {}
        }
    }

    /// A call for an extension of our own.
    fn answer(&mut self, call: CallId, extension: Extension, party: &Party, offer: Option<Sdp>) {
        let sends = match extension {
            Extension::Echo => Sends::Echo,
            _ => Sends::Tone { hz: self.config.tone_hz, dbov: self.config.tone_dbov },
        };
        let Some(sip) = self.sip.clone() else { return };
        let session = match Session::open(self.ip, sends, self.faults.clone()) {
            Ok(session) => session,
            Err(error) => {
                tracing::error!(%error, "no socket for a call's sound");
                return self.send(SipCommand::Reject { call, why: Reject::Unavailable });
            }
        };
        let (state, watched) = watch::channel(CallerState::new());
        let from = party.number.clone();
        let seen = ExtensionCall { extension, from, call, sip, state: watched, session: session.clone() };
        if self.remembered.len() == MOST_REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back(seen);
        self.send(SipCommand::Ring { call });
        state.send_modify(|state| state.ringing = Some(Instant::now()));
        let body = match offer {
            _ if extension == Extension::Never => None,
            None => Some(session.offer(false)),
            Some(offer) => match session.answer(&offer.0) {
                Some(answer) => Some(answer),
                None => {
                    self.legs.insert(call, Leg::Own { session, state });
                    return self.send(SipCommand::Reject { call, why: Reject::NotAcceptable });
                }
            },
        };
        if let Some(body) = body {
            self.send(SipCommand::Accept { call, answer: Sdp(body) });
            state.send_modify(|state| state.answered = Some(Instant::now()));
            self.hang_up_later(call);
        }
        self.legs.insert(call, Leg::Own { session, state });
    }

    /// The fault of an extension that hangs up on its own.
    fn hang_up_later(&self, call: CallId) {
        let (Some(after), Some(sip)) = (self.faults.hangs_up_after(), self.sip.clone()) else { return };
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            sip.send(SipCommand::Hangup { call });
        });
    }

    /// A call for a phone.
    fn bridge(&mut self, call: CallId, party: &Party, phone: Binding, offer: Option<Sdp>) {
        let Some(offer) = offer else {
            return self.send(SipCommand::Reject { call, why: Reject::NotAcceptable });
        };
        let placed = self.number();
        let user = if party.number.is_empty() { "anonymous" } else { &party.number };
        let from = NameAddr::new(SipUri::new(Some(user), self.ip.into(), None));
        let from = from.with_display(party.name.as_deref().unwrap_or_default());
        self.legs.insert(call, Leg::Bridge { other: placed, placed: false, answered: false });
        self.legs.insert(placed, Leg::Bridge { other: call, placed: true, answered: false });
        self.place(placed, from, phone, offer);
    }

    fn place(&self, call: CallId, from: NameAddr, phone: Binding, offer: Sdp) {
        let Some(sip) = &self.sip else { return };
        let target = phone.contact.into();
        sip.place(Placement { call, from, target, flow: Some(phone.flow), headers: Vec::new(), offer });
    }

    fn progress(&self, call: CallId) {
        match self.legs.get(&call) {
            Some(Leg::Bridge { other, placed: true, .. }) => self.send(SipCommand::Ring { call: *other }),
            Some(Leg::Own { state, .. }) => state.send_modify(|state| {
                state.ringing.get_or_insert_with(Instant::now);
            }),
            _ => {}
        }
    }

    fn answered(&mut self, call: CallId, answer: Option<Sdp>) {
        match self.legs.get(&call) {
            Some(Leg::Bridge { other, .. }) => {
                let other = *other;
                let Some(answer) = answer else { return self.send(SipCommand::Hangup { call }) };
                for id in [call, other] {
                    if let Some(Leg::Bridge { answered, .. }) = self.legs.get_mut(&id) {
                        *answered = true;
                    }
                }
                self.send(SipCommand::Accept { call: other, answer });
            }
            Some(Leg::Own { session, state }) => {
                state.send_modify(|state| state.answered = Some(Instant::now()));
                if !answer.is_some_and(|answer| session.complete(&answer.0)) {
                    self.send(SipCommand::Hangup { call });
                }
            }
            None => {}
        }
    }

    fn reoffer(&self, call: CallId, offer: Option<Sdp>) {
        match (self.legs.get(&call), offer) {
            (Some(Leg::Bridge { other, .. }), Some(offer)) => {
                self.send(SipCommand::Reoffer { call: *other, offer });
            }
            (Some(Leg::Own { session, state }), Some(offer)) => {
                let answer = session.answer(&offer.0).map(Sdp).ok_or(Reject::NotAcceptable);
                let held = answer.is_ok() && !session.is_heard();
                state.send_modify(|state| state.held = held);
                self.send(SipCommand::AnswerReoffer { call, answer });
            }
            (Some(Leg::Own { session, .. }), None) => {
                let answer = Ok(Sdp(session.offer(false)));
                self.send(SipCommand::AnswerReoffer { call, answer });
            }
            (Some(Leg::Bridge { .. }), None) | (None, _) => {
                self.send(SipCommand::AnswerReoffer { call, answer: Err(Reject::NotAcceptable) });
            }
        }
    }

    fn ended(&mut self, call: CallId, end: CallEnd) {
        match self.legs.remove(&call) {
            Some(Leg::Bridge { other, placed: true, answered: false }) => {
                self.send(SipCommand::Reject { call: other, why: refusal(&end) });
            }
            Some(Leg::Bridge { other, .. }) => self.send(SipCommand::Hangup { call: other }),
            Some(Leg::Own { session, state }) => {
                session.stop();
                state.send_modify(|state| state.ended = Some((Instant::now(), end)));
            }
            None => {}
        }
    }

    fn number(&mut self) -> CallId {
        let number = self.next_call;
        self.next_call = number.next();
        number
    }

    fn send(&self, command: SipCommand) {
        if let Some(sip) = &self.sip {
            sip.send(command);
        }
    }
}

/// How a caller is refused when the phone called was lost that way.
fn refusal(end: &CallEnd) -> Reject {
    match end {
        CallEnd::Refused { status: 486 | 600, .. } => Reject::Busy,
        CallEnd::Refused { status: 603, .. } => Reject::Decline,
        CallEnd::Refused { status: 415 | 488 | 606, .. } => Reject::NotAcceptable,
        _ => Reject::Unavailable,
    }
}
