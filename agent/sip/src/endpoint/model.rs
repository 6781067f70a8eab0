//! The endpoint itself: what it holds, what goes in, and whose each event is.

use crate::{
    call::Call,
    config::Config,
    deadlines::{Deadlines, earliest},
    dialog::DialogId,
    endpoint::gate::Gate,
    flow::{Flow, Transport},
    message::{Malformed, Message, Method, ParseError, Rejection, Request, Response, StreamItem},
    registration::Registration,
    rng::Rng,
    stun::is_stun,
    subscription::Watches,
    texting::Texts,
    transaction::{TransactionEvent, TransactionId},
    transfer::{Remotes, Transfers},
    ways::{Found, Obstacle, Turn, Way},
    wire::{Output, Owner, ReachId, Wire},
};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::{CallEnd, Loss, SipCommand, SipEvent, transfer::Wish},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    time::Instant,
};

/// What can happen to an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The core wants something.
    Command(SipCommand),
    /// A datagram came in: one message, or a keep-alive.
    Datagram {
        /// Whence, and at which of our addresses.
        flow: Flow,
        /// All of it.
        bytes: Bytes,
    },
    /// Something came over a stream.
    Item {
        /// Over which connection.
        flow: Flow,
        /// What.
        item: StreamItem,
    },
    /// The answer to `Output::Reach`: the ways there, or the sentence of the system.
    Reached {
        /// To which question.
        id: ReachId,
        /// The answer.
        result: Result<Found, String>,
    },
    /// The answer to `Output::Open`.
    Opened {
        /// To which question.
        id: ReachId,
        /// Which way.
        way: Way,
        /// The road it became, or the sentence of the system.
        result: Result<Flow, String>,
    },
    /// Something happened to the computer.
    Turned(Turn),
    /// The other answer to `Output::Open`: who is there is not what was meant.
    Blocked {
        /// To which question.
        id: ReachId,
        /// Which way it was.
        way: Way,
        /// What was met.
        why: Obstacle,
    },
    /// A connection is gone, or could not be opened.
    Closed {
        /// Which.
        flow: Flow,
        /// The sentence of the system.
        detail: String,
    },
    /// The network says that nothing reaches this peer over UDP.
    Refused {
        /// Whom.
        peer: SocketAddr,
        /// The sentence of the system.
        detail: String,
    },
    /// A deadline of [`Endpoint::next_deadline`] has come.
    Timeout,
}

/// How much an endpoint holds at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Calls, those winding up included.
    pub calls: usize,
    /// Registrations, those leaving included.
    pub registrations: usize,
    /// Client transactions.
    pub clients: usize,
    /// Server transactions.
    pub servers: usize,
    /// Requests that wait for the owner's answer.
    pub held: usize,
    /// Subscriptions, those being ended included.
    pub subscriptions: usize,
}

/// What became of a request that was asked within a dialog.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The call.
    pub call: CallId,
    /// The final response; or why none came: the call ended, nobody answered, there was no dialog.
    pub answer: Result<Response, CallEnd>,
}

/// What is to be done with it.
type Then = Box<dyn FnOnce(&mut Endpoint, Asked) + Send>;

/// A whole SIP endpoint, sans-IO.
pub struct Endpoint {
    pub(super) wire: Wire,
    pub(super) registrations: BTreeMap<u64, Registration>,
    pub(super) accounts: BTreeMap<AccountId, u64>,
    pub(super) calls: BTreeMap<CallId, Call>,
    /// Whose each dialog is. A call of ours has several while it forks.
    pub(super) dialogs: HashMap<DialogId, Owner>,
    dialogs_of: HashMap<CallId, Vec<DialogId>>,
    /// Who waits for the outcome of a request within a dialog.
    pub(super) errands: HashMap<u64, Then>,
    pub(super) next_errand: u64,
    /// Calls that change hands.
    pub(super) transfers: Transfers,
    pub(super) watches: Watches,
    /// Calls the PBX asks for.
    pub(super) remotes: Remotes,
    /// Text messages.
    pub(super) texts: Texts,
    pub(super) deadlines: Deadlines<Owner>,
    pub(super) held: HashMap<TransactionId, (Request, Flow)>,
    pub(super) next_call: CallId,
    pub(super) next_registration: u64,
    /// Strangers' INVITEs turned away so far.
    pub(super) strangers: u64,
    /// What strangers may begin.
    pub(super) gate: Gate,
    /// `Shutdown` was asked for; when to stop waiting.
    pub(super) closing: Option<Instant>,
    pub(super) down: bool,
}

impl Endpoint {
    /// An endpoint that knows nobody yet.
    pub fn new(now: Instant, config: Config, mut rng: Box<dyn Rng>) -> Self {
        Self {
            gate: Gate::new(now, rng.bits()),
            next_call: config.first_call,
            wire: Wire::new(now, config, rng),
            registrations: BTreeMap::new(),
            accounts: BTreeMap::new(),
            calls: BTreeMap::new(),
            dialogs: HashMap::new(),
            dialogs_of: HashMap::new(),
            errands: HashMap::new(),
            next_errand: 0,
            remotes: Remotes::default(),
            transfers: Transfers::default(),
            watches: Watches::default(),
            texts: Texts::new(now),
            deadlines: Deadlines::default(),
            held: HashMap::new(),
            next_registration: 1,
            strangers: 0,
            closing: None,
            down: false,
        }
    }

    /// Something happened. Drain [`Endpoint::poll`] afterwards.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.wire.now = self.wire.now.max(now);
        match input {
            Input::Command(command) => self.command(command),
            Input::Datagram { flow, bytes } if is_stun(&bytes) => self.mapped(&flow, &bytes),
            Input::Datagram { flow, bytes } => match Message::parse_datagram(&bytes) {
                Ok(message) => self.message(flow, message),
                Err(error) => self.unread(flow, &error),
            },
            Input::Item { flow, item } => self.item(flow, item),
            Input::Reached { id, result } => self.reached(id, result),
            Input::Opened { id, way, result } => self.opened(id, way, result),
            Input::Blocked { id, way, why } => self.blocked(id, way, why),
            Input::Turned(turn) => self.turned(turn),
            Input::Closed { flow, detail } => {
                self.wire.transactions.connection_lost(self.wire.now, &flow, &detail);
                self.pump();
                self.road_lost(&flow, &detail);
            }
            Input::Refused { peer, detail } => {
                self.wire.transactions.peer_refused(self.wire.now, peer, &detail);
                self.pump();
                self.road_lost(&Flow { transport: Transport::Udp, local: peer, peer }, &detail);
            }
            Input::Timeout => self.timeout(),
        }
        self.pump();
        self.report_followed();
        self.pump();
        self.check_down();
    }

    /// The next thing to be done or told, in order. Bytes come first: nothing that is told is as urgent as a 100.
    pub fn poll(&mut self) -> Option<Output> {
        if let Some(transmit) = self.wire.transactions.poll_transmit() {
            return Some(Output::Transmit(transmit));
        }
        self.wire.out.pop_front()
    }

    /// When `Input::Timeout` is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        let closing = self.closing.filter(|_| !self.down);
        let calls = earliest(self.deadlines.next(), self.transfers.deadline());
        let calls = earliest(calls, self.remotes.deadline());
        earliest(earliest(self.wire.transactions.next_deadline(), calls), closing)
    }

    /// How much it holds at the moment.
    pub fn load(&self) -> Load {
        let (clients, servers) = self.wire.transactions.len();
        Load {
            calls: self.calls.len(),
            registrations: self.registrations.len(),
            clients,
            servers,
            held: self.held.len(),
            subscriptions: self.watches.subscriptions.len(),
        }
    }

    /// How many INVITEs were turned away because they came from nobody an account takes calls from.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }

    /// Runs `with` on a call, then files its deadline and its dialog, or forgets it.
    pub(super) fn with_call(&mut self, id: CallId, with: impl FnOnce(&mut Call, &mut Wire)) {
        if let Some(call) = self.calls.get_mut(&id) {
            with(call, &mut self.wire);
            self.settle_call(id);
        }
    }

    pub(super) fn settle_call(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let outcomes = call.take_outcomes();
        let over = call.is_over();
        let dialogs = if over { Vec::new() } else { call.dialog_ids() };
        self.deadlines.set(Owner::Call(id), call.deadline().filter(|_| !over));
        if over {
            self.calls.remove(&id);
            self.transfers.forget(id);
            self.wire.followed.forget(Wish::Call(id));
        }
        self.file_dialogs(id, dialogs);
        self.hand_out(id, outcomes);
    }

    /// From now on these dialogs are the call's, and no others.
    fn file_dialogs(&mut self, id: CallId, dialogs: Vec<DialogId>) {
        let before = self.dialogs_of.get(&id).map_or(&[][..], Vec::as_slice);
        if before == dialogs {
            return;
        }
        for dialog in before {
            if !dialogs.contains(dialog) {
                self.transfers.ended(dialog.clone());
            }
            self.dialogs.remove(dialog);
        }
        for dialog in &dialogs {
            self.dialogs.insert(dialog.clone(), Owner::Call(id));
        }
        if dialogs.is_empty() {
            self.dialogs_of.remove(&id);
        } else {
            self.dialogs_of.insert(id, dialogs);
        }
    }

    fn message(&mut self, flow: Flow, message: Message) {
        match message {
            Message::Request(request) => {
                if let Some(rejection) = self.crowded(&request, &flow) {
                    let tag = self.gate.tag(&request);
                    return self.wire.transactions.answer_unread(&request, &rejection, (flow, &tag));
                }
                let back = self.wire.transactions.received_request(self.wire.now, request, flow);
                if let Some((request, wrong)) = back.filter(|(request, _)| request.method != Method::Ack) {
                    self.answer_unread(flow, &request, &wrong.into());
                }
            }
            Message::Response(response) => self.wire.transactions.received_response(self.wire.now, response),
        }
    }

    fn item(&mut self, flow: Flow, item: StreamItem) {
        self.heard(&flow, &item);
        match item {
            StreamItem::Message(message) => self.message(flow, message),
            StreamItem::Ping => self.wire.transactions.send_bytes(flow, b"\r\n"),
            StreamItem::Pong => {}
            StreamItem::Malformed(error) | StreamItem::Fatal(error) => self.unread(flow, &error),
        }
    }

    /// Bytes that are no message: answered when they are a request that says whom to answer.
    fn unread(&mut self, flow: Flow, error: &ParseError) {
        if error.what != Malformed::KeepAlive {
            tracing::debug!(%error, "what came in cannot be read");
        }
        if let Some((request, rejection)) = error.answer() {
            self.answer_unread(flow, request, &rejection);
        }
    }

    fn answer_unread(&mut self, flow: Flow, request: &Request, rejection: &Rejection) {
        let tag = self.wire.rng.token(6);
        self.wire.transactions.answer_unread(request, rejection, (flow, &tag));
    }

    fn timeout(&mut self) {
        self.wire.transactions.timeout(self.wire.now);
        self.pump();
        while let Some(owner) = self.deadlines.take_due(self.wire.now) {
            match owner {
                Owner::Registration(number) => self.with_registration(number, Registration::timeout),
                Owner::Call(id) => self.with_call(id, Call::timeout),
                Owner::Subscription(number) => {
                    self.with_subscription(number, |subscription, _, wire| subscription.timeout(wire));
                }
                Owner::Desk(account) => self.take_turns(account),
                Owner::Inbox => self.texts_overdue(),
                // They wait for nothing but their transactions.
                Owner::Text(_) | Owner::Remote(_) => {}
                Owner::Publication(account) => {
                    self.with_publication(account, |publication, desk, wire| publication.timeout(wire, desk));
                }
            }
        }
        self.transfers_due();
        self.remotes_due();
        self.roads_failed();
    }

    /// Hands what transactions tell to whom it concerns.
    pub(super) fn pump(&mut self) {
        while let Some((owner, event)) = self.wire.poll_event() {
            match event {
                TransactionEvent::Request { id, request, flow, cancels, merged } => {
                    self.request(id, (request, flow), cancels, merged);
                }
                TransactionEvent::Ack { request, flow } => self.ack(&request, &flow),
                event => self.progress(owner, &event),
            }
        }
    }

    fn progress(&mut self, owner: Option<Owner>, event: &TransactionEvent) {
        if let TransactionEvent::Gone { id } = event {
            self.held.remove(id);
            self.texts.inbox.gone(*id);
        }
        match owner {
            Some(Owner::Call(call)) if self.goes_elsewhere(call, event) => {}
            Some(Owner::Call(call)) => self.with_call(call, |call, wire| match event {
                TransactionEvent::Response { id, response } => call.response(wire, *id, response),
                TransactionEvent::TimedOut { id } => {
                    let end = CallEnd::Lost { why: Loss::Silent, detail: String::new() };
                    call.unanswered(wire, *id, end);
                }
                TransactionEvent::Failed { id, detail } => {
                    let end = CallEnd::Lost { why: Loss::Network, detail: detail.clone() };
                    call.unanswered(wire, *id, end);
                }
                TransactionEvent::Gone { id } => call.gone(*id),
                TransactionEvent::Request { .. } | TransactionEvent::Ack { .. } => {}
            }),
            Some(Owner::Registration(number)) => {
                self.with_registration(number, |registration, wire| match event {
                    TransactionEvent::Response { id, response } => registration.response(wire, *id, response),
                    TransactionEvent::TimedOut { id } => registration.timed_out(wire, *id),
                    TransactionEvent::Failed { id, detail } => {
                        registration.transport_failed(wire, *id, detail)
                    }
                    _ => {}
                })
            }
            Some(Owner::Subscription(number)) => self.subscription_event(number, event),
            Some(Owner::Publication(account)) => self.publication_event(account, event),
            Some(Owner::Text(number)) => self.text_event(number, event),
            Some(Owner::Remote(number)) => self.remote_event(number, event),
            Some(Owner::Desk(_) | Owner::Inbox) | None => {}
        }
    }

    /// After `Shutdown`: tells `Down` once everything has ended, or when the time is up.
    fn check_down(&mut self) {
        let Some(until) = self.closing.filter(|_| !self.down) else { return };
        let quiet = self.registrations.is_empty()
            && self.calls.values().all(Call::is_quiet)
            && self.texts.outbox.len() == 0;
        if !quiet && self.wire.now < until {
            return;
        }
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for id in calls {
            self.with_call(id, Call::abandon);
        }
        let numbers: Vec<u64> = self.registrations.keys().copied().collect();
        for number in numbers {
            self.with_registration(number, Registration::abandon);
        }
        self.abandon_texts();
        self.down = true;
        self.wire.tell(SipEvent::Down);
    }
}
