//! What registrations and calls have in common: sending requests the right way, answering, and telling.
//!
//! A request has its [`TransactionId`] before the way to its next hop is known; whoever sent it does not notice whether
//! a name had to be resolved, a connection opened, or UDP left for TCP because the message is long.

use crate::{
    config::Config,
    device::Device,
    flow::{Flow, Hop, Transmit, Transport, host_port},
    message::{Header, Method, NameAddr, Rejection, Request, Response, SipUri, Text, name},
    rng::Rng,
    transaction::{TransactionEvent, TransactionId, Transactions},
    transfer::Followed,
    ways::{Found, Shunned, Way},
};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::SipEvent,
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Requests longer than this leave UDP for TCP where the peer has it (RFC 3261 section 18.1.1).
const LARGEST_DATAGRAM: usize = 1300;
/// How long a peer that refused TCP is sent long requests over UDP without asking again.
const NO_TCP_FOR: Duration = Duration::from_secs(600);
/// Peers without TCP that are remembered.
const MOST_NO_TCP: usize = 256;

/// Names a question of where a hop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReachId(u64);

/// Whose a request or a question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Owner {
    /// A registration's, by its number.
    Registration(u64),
    /// A call's.
    Call(CallId),
    /// A subscription's, by its number.
    Subscription(u64),
    /// What an account publishes of ourselves.
    Publication(AccountId),
    /// The queue of those of an account's subscriptions that wait for their turn.
    Desk(AccountId),
    /// A report's on a call the PBX asked for, by the wish's number.
    Remote(u64),
    /// A text message's, by the name the core gave it.
    Text(u64),
    /// The text messages of others that wait for the core's word.
    Inbox,
}

/// What an endpoint wants done, or tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Bytes to be sent.
    Transmit(Transmit),
    /// Find the ways to a hop; to be answered with `Input::Reached`.
    Reach {
        /// The question's name.
        id: ReachId,
        /// Where to.
        hop: Hop,
    },
    /// Go one of the ways: connect, unless a connection is open or none is needed; to be answered with `Input::Opened`.
    Open {
        /// The question's name.
        id: ReachId,
        /// The hop it is a way to.
        hop: Hop,
        /// The way.
        way: Way,
    },
    /// Close a connection; it does not answer. Not to be told as closed.
    Close(Flow),
    /// A fact for the core.
    Event(SipEvent),
    /// A request outside of dialogs that is the owner's to answer (see [`Config::screened`]).
    Outside {
        /// To be answered with `Endpoint::respond`, or, for an INVITE, let in with `Endpoint::admit`.
        id: TransactionId,
        /// The request; it passed `message::check_request`.
        request: Request,
        /// Whence it came.
        flow: Flow,
    },
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub(crate) enum Toward {
    /// Over a road that is known.
    Flow(Flow),
    /// To the hop; the road, if given, is where the other side is already known to be, and the way out when the hop
    /// cannot be reached.
    Hop(Hop, Option<Flow>),
}

/// What waits for a road.
#[derive(Debug)]
struct Waiting {
    /// `None` for an ACK, which has no transaction.
    id: Option<TransactionId>,
    request: Request,
    hop: Hop,
    /// The ways not tried yet, once they are known.
    ways: VecDeque<Way>,
    fallback: Option<Flow>,
    /// The road is asked for because UDP is too narrow; if there is none, UDP it is.
    widening: bool,
}

/// The shared part of an endpoint.
pub(crate) struct Wire {
    pub(crate) now: Instant,
    pub(crate) config: Config,
    pub(crate) rng: Box<dyn Rng>,
    pub(crate) transactions: Transactions,
    pub(crate) out: VecDeque<Output>,
    /// Calls that others wished for.
    pub(crate) followed: Followed,
    /// Ways that failed lately.
    pub(crate) shunned: Shunned,
    /// Roads that were found to be broken, and how that showed.
    pub(crate) failed: Vec<(Flow, String)>,
    /// What stays the same of us.
    pub(crate) device: Device,
    owners: HashMap<TransactionId, Owner>,
    waiting: BTreeMap<ReachId, Waiting>,
    asked: BTreeMap<ReachId, Owner>,
    no_tcp: HashMap<SocketAddr, Instant>,
    next_reach: u64,
}

impl Wire {
    pub(crate) fn new(now: Instant, config: Config, mut rng: Box<dyn Rng>) -> Self {
        let device = config.device.clone().unwrap_or_else(|| {
            let mut secret = [0; 32];
            rng.fill(&mut secret);
            Device::new(secret)
        });
        Self {
            now,
            transactions: Transactions::new(config.timers, config.limits),
            config,
            rng,
            out: VecDeque::new(),
            followed: Followed::default(),
            shunned: Shunned::default(),
            failed: Vec::new(),
            device,
            owners: HashMap::new(),
            waiting: BTreeMap::new(),
            asked: BTreeMap::new(),
            no_tcp: HashMap::new(),
            next_reach: 0,
        }
    }

    /// Tells the core.
    pub(crate) fn tell(&mut self, event: SipEvent) {
        self.followed.note(&event);
        self.out.push_back(Output::Event(event));
    }

    /// Sends a request of `owner`'s. `User-Agent` is added here, and a Contact where the method wants one and the
    /// request has none.
    pub(crate) fn send(&mut self, owner: Owner, mut request: Request, toward: Toward) -> TransactionId {
        request.headers.push(name::USER_AGENT, self.config.user_agent.as_str());
        let id = self.transactions.reserve();
        self.owners.insert(id, owner);
        self.route(Some(id), request, toward);
        id
    }

    /// Sends the ACK to a 2xx.
    pub(crate) fn send_ack(&mut self, mut request: Request, toward: Toward) {
        request.headers.push(name::USER_AGENT, self.config.user_agent.as_str());
        self.route(None, request, toward);
    }

    /// Gives an INVITE up, sent or still waiting for its road.
    pub(crate) fn cancel(&mut self, id: TransactionId, headers: Vec<Header>) {
        if !self.withdraw(id) {
            self.transactions.cancel(self.now, id, headers);
        }
    }

    /// Nobody waits for the answer to a request of ours any more.
    pub(crate) fn forsake(&mut self, id: TransactionId) {
        if !self.withdraw(id) {
            self.transactions.forsake(self.now, id);
        }
    }

    /// Drops a request that still waits for its road; `false` when none does.
    fn withdraw(&mut self, id: TransactionId) -> bool {
        let reach = self.waiting.iter().find(|(_, waiting)| waiting.id == Some(id)).map(|(reach, _)| *reach);
        let Some(waiting) = reach.and_then(|reach| self.waiting.remove(&reach)) else { return false };
        self.give_up(&waiting, "it was given up before it could be sent");
        true
    }

    /// Asks for the ways to a hop on behalf of `owner`, who is told the answer.
    pub(crate) fn reach(&mut self, owner: Owner, hop: Hop) -> ReachId {
        let id = self.ask(hop);
        self.asked.insert(id, owner);
        id
    }

    /// Goes one of the ways to a hop on behalf of `owner`, who is told the outcome.
    pub(crate) fn open(&mut self, owner: Owner, hop: Hop, way: Way) -> ReachId {
        let id = self.go(hop, way);
        self.asked.insert(id, owner);
        id
    }

    /// The ways to a hop were found, or not. What waited for them goes the first; if somebody asked, the answer is theirs.
    pub(crate) fn reached(
        &mut self,
        id: ReachId,
        result: Result<Found, String>,
    ) -> Option<(Owner, Result<Found, String>)> {
        if let Some(owner) = self.asked.remove(&id) {
            return Some((owner, result));
        }
        let mut waiting = self.waiting.remove(&id)?;
        match result {
            Ok(found) => {
                waiting.ways = self.shunned.order(self.now, &found.ways).into();
                self.try_next(waiting, "nobody there can be reached at the moment");
            }
            Err(detail) => self.no_way(waiting, &detail),
        }
        None
    }

    /// A way led somewhere, or not. What waited for it is sent, or goes the next; if somebody asked, the answer is theirs.
    pub(crate) fn opened(
        &mut self,
        id: ReachId,
        way: Way,
        result: Result<Flow, String>,
    ) -> Option<(Owner, Result<Flow, String>)> {
        if let Some(owner) = self.asked.remove(&id) {
            return Some((owner, result));
        }
        let waiting = self.waiting.remove(&id)?;
        match result {
            Ok(flow) => self.dispatch(waiting.id, waiting.request, flow, waiting.widening),
            Err(detail) => {
                if way.transport.reliable() {
                    self.shunned.shun(self.now, way);
                }
                self.try_next(waiting, &detail);
            }
        }
        None
    }

    fn try_next(&mut self, mut waiting: Waiting, detail: &str) {
        match waiting.ways.pop_front() {
            Some(way) => {
                let id = self.go(waiting.hop.clone(), way);
                self.waiting.insert(id, waiting);
            }
            None => self.no_way(waiting, detail),
        }
    }

    fn no_way(&mut self, waiting: Waiting, detail: &str) {
        match waiting.fallback {
            Some(flow) => {
                if waiting.widening {
                    self.remember_no_tcp(flow.peer);
                }
                self.dispatch(waiting.id, waiting.request, flow, true);
            }
            None => self.give_up(&waiting, detail),
        }
    }

    /// Answers a request with only a status code; `tag` becomes the To tag.
    pub(crate) fn refuse(&mut self, id: TransactionId, request: &Request, status: u16) {
        let tag = self.rng.token(6);
        self.respond(id, Response::to(request, status, Some(&tag)));
    }

    /// Answers a request as `rejection` says.
    pub(crate) fn reject(&mut self, id: TransactionId, request: &Request, rejection: &Rejection) {
        let tag = self.rng.token(6);
        self.respond(id, rejection.response(request, Some(&tag)));
    }

    /// Sends a response; `Server` is added to finals.
    pub(crate) fn respond(&mut self, id: TransactionId, mut response: Response) {
        if response.status >= 200 && !response.headers.has(name::SERVER) {
            response.headers.push(name::SERVER, self.config.user_agent.as_str());
        }
        self.transactions.respond(self.now, id, &response);
    }

    /// The next event of a transaction, with whose it is.
    pub(crate) fn poll_event(&mut self) -> Option<(Option<Owner>, TransactionEvent)> {
        let event = self.transactions.poll_event()?;
        let owner = match &event {
            TransactionEvent::Gone { id } => self.owners.remove(id),
            TransactionEvent::Response { id, .. }
            | TransactionEvent::TimedOut { id }
            | TransactionEvent::Failed { id, .. } => self.owners.get(id).copied(),
            TransactionEvent::Request { .. } | TransactionEvent::Ack { .. } => None,
        };
        Some((owner, event))
    }

    /// Whose a transaction is.
    pub(crate) fn owner(&self, id: TransactionId) -> Option<Owner> {
        self.owners.get(&id).copied()
    }

    /// From now on, events about this server transaction are `owner`'s.
    pub(crate) fn own(&mut self, id: TransactionId, owner: Owner) {
        self.owners.insert(id, owner);
    }

    /// Finds a road and sends.
    fn route(&mut self, id: Option<TransactionId>, request: Request, toward: Toward) {
        let (hop, hint) = match toward {
            Toward::Flow(flow) => return self.dispatch(id, request, flow, false),
            Toward::Hop(hop, hint) => (hop, hint),
        };
        // What runs over a connection whose other end has proven its name stays there, and so does what runs over a
        // WebSocket: whatever a Contact or a Record-Route says, nothing falls from a secure road to a plain one.
        if let Some(flow) = hint.filter(|hint| hint.transport.secure() || hint.transport.web()) {
            return self.dispatch(id, request, flow, false);
        }
        if let Some(flow) = hint.and_then(|hint| beside(&hint, &hop)) {
            return self.dispatch(id, request, flow, false);
        }
        // An address that names no transport is spoken to as its owner spoke to us.
        let transport = hop.transport.or(hint.map(|hint| hint.transport));
        let secure = transport.is_some_and(Transport::secure);
        let hop = Hop { transport, ..hop };
        let reach = self.ask(hop.clone());
        let ways = VecDeque::new();
        // Where only a secure road leads, a plain one is no way out.
        let fallback = hint.filter(|_| !secure);
        self.waiting.insert(reach, Waiting { id, request, hop, ways, fallback, widening: false });
    }

    /// Sends over `flow`, unless the message is too long for it and a wider road may exist.
    fn dispatch(&mut self, id: Option<TransactionId>, mut request: Request, flow: Flow, settled: bool) {
        if !request.headers.has(name::CONTACT) && wants_contact(&request.method) {
            request.headers.push(name::CONTACT, own_contact(&request, &flow));
        }
        let never = request.method == Method::Message;
        let narrow = flow.transport == Transport::Udp && (never || !settled && self.may_have_tcp(flow.peer));
        if narrow && is_wide(&request) {
            let hop = Hop {
                host: flow.peer.ip().to_string(),
                port: Some(flow.peer.port()),
                transport: Some(Transport::Tcp),
                trust: None,
            };
            let reach = self.ask(hop.clone());
            let ways = VecDeque::new();
            // Text of any length over UDP would crowd out what shares the way (RFC 3428 section 8).
            let fallback = (!never).then_some(flow);
            self.waiting.insert(reach, Waiting { id, request, hop, ways, fallback, widening: true });
            return;
        }
        match id {
            Some(id) => self.transactions.send(self.now, id, (request, flow), self.rng.as_mut()),
            None => self.transactions.send_ack(request, flow, self.rng.as_mut()),
        }
    }

    fn give_up(&mut self, waiting: &Waiting, detail: &str) {
        if let Some(id) = waiting.id {
            self.transactions.fail_unsent(id, detail);
        }
    }

    fn ask(&mut self, hop: Hop) -> ReachId {
        self.next_reach += 1;
        let id = ReachId(self.next_reach);
        self.out.push_back(Output::Reach { id, hop });
        id
    }

    fn go(&mut self, hop: Hop, way: Way) -> ReachId {
        self.next_reach += 1;
        let id = ReachId(self.next_reach);
        self.out.push_back(Output::Open { id, hop, way });
        id
    }

    fn may_have_tcp(&self, peer: SocketAddr) -> bool {
        self.no_tcp.get(&peer).is_none_or(|since| self.now.duration_since(*since) >= NO_TCP_FOR)
    }

    fn remember_no_tcp(&mut self, peer: SocketAddr) {
        if self.no_tcp.len() >= MOST_NO_TCP {
            self.no_tcp.clear();
        }
        self.no_tcp.insert(peer, self.now);
    }
}

/// Methods whose requests name where their sender is reached: those that make or refresh a dialog's target (RFC 3261
/// section 12.1, RFC 3311 section 5.1, RFC 6665 section 4.1.2.1 and 4.2.1, RFC 3515 section 2.2).
pub(crate) fn wants_contact(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer)
}

/// Whether a request is too long for a datagram, once it has our Via.
pub(crate) fn is_wide(request: &Request) -> bool {
    request.to_bytes().len() + VIA_LENGTH > LARGEST_DATAGRAM
}

/// About what a Via of ours takes.
const VIA_LENGTH: usize = 90;

/// The road to `hop`, if it is plain from a road to the same machine: no name to resolve, no connection to open.
fn beside(road: &Flow, hop: &Hop) -> Option<Flow> {
    let transport = hop.transport.unwrap_or(road.transport);
    let ip: std::net::IpAddr = hop.host.parse().ok()?;
    let peer = SocketAddr::new(ip, hop.port.unwrap_or(transport.default_port()));
    let fits = transport == road.transport
        && peer.ip() == road.peer.ip()
        && (transport == Transport::Udp || peer.port() == road.peer.port());
    fits.then_some(Flow { peer, ..*road })
}

/// A Contact made of the user in From and the address of ours that `flow` leaves from.
fn own_contact(request: &Request, flow: &Flow) -> Text {
    let user = request.headers.from().ok().and_then(|from| from.uri.user_text());
    NameAddr::new(contact_uri(
        user.as_ref().map(|user| user.to_text().into_owned()).as_deref(),
        flow.transport,
        flow.local,
    ))
    .to_value()
}

/// `sip:user@address`, with the transport where it is not UDP.
pub(crate) fn contact_uri(user: Option<&str>, transport: Transport, address: SocketAddr) -> SipUri {
    let (host, port) = host_port(transport, address);
    let uri = SipUri::new(user, host, port);
    if transport == Transport::Udp { uri } else { uri.with_param("transport", transport.contact_name()) }
}
