//! A network in a box: endpoints and scripted peers, each at an address of its own, one clock, and settable faults.

use crate::{exchange::Exchange, stun};
use agent_core::{
    id::CallId,
    party::Sdp,
    port::sip::{PhoneEvent, SipCommand, SipEvent},
};
use agent_sip::{
    config::Config,
    endpoint::{Endpoint, Input, Load, Output, ReachId},
    flow::{Flow, Hop, Transmit, Transport},
    message::{Message, StreamItem},
    rng::{Rng, SeededRng},
    ways::{Found, Way},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

/// How long a test waits, on its own clock, before it gives up.
const LIMIT: Duration = Duration::from_secs(1000);

/// What the network does to datagrams, in percent and milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) loss: u64,
    pub(crate) duplicates: u64,
    pub(crate) delay_ms: u64,
    /// Up to so much more, which reorders.
    pub(crate) jitter_ms: u64,
}

/// A message as it arrived at a scripted peer.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) at: Duration,
    pub(crate) flow: Flow,
    pub(crate) message: Message,
}

enum Kind {
    Phone { endpoint: Box<Endpoint>, events: VecDeque<SipEvent> },
    Script { inbox: VecDeque<Letter>, pings: usize },
}

struct Node {
    ip: IpAddr,
    kind: Kind,
}

/// One node of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who(pub(crate) usize);

pub(crate) struct World {
    start: Instant,
    pub(crate) now: Instant,
    nodes: Vec<Node>,
    mail: BTreeMap<(Instant, u64), (Flow, Bytes)>,
    sequence: u64,
    pub(crate) faults: Faults,
    rng: SeededRng,
    /// Peers nobody listens at: datagrams are refused, connections cannot be opened.
    pub(crate) dead: BTreeSet<IpAddr>,
    /// Peers without TCP.
    pub(crate) no_tcp: BTreeSet<IpAddr>,
    /// Peers that answer keep-alives: over connections with a line end, over UDP by STUN.
    pub(crate) lively: BTreeSet<IpAddr>,
    /// Questions of STUN's that came to anybody.
    pub(crate) questions: usize,
    /// Peers that swallow everything.
    pub(crate) silent: BTreeSet<IpAddr>,
    /// As a router would show it: who sends from this address is seen at that one.
    pub(crate) seen_as: BTreeMap<SocketAddr, SocketAddr>,
    next_port: u16,
    /// What the name servers say.
    pub(crate) names: BTreeMap<String, Vec<IpAddr>>,
    /// Ways they list before those addresses, whatever transport was asked for (NAPTR).
    pub(crate) listed: Vec<Way>,
    /// For how long they say it.
    pub(crate) good_for: Option<Duration>,
    /// How often they were asked.
    pub(crate) lookups: usize,
    /// The phones have no route to anywhere.
    pub(crate) offline: bool,
    /// Connections a phone has closed.
    pub(crate) closed: Vec<Flow>,
    /// A PBX between the phones.
    pub(crate) exchange: Option<Exchange>,
    /// The Contact that the scripted registrar was told last.
    pub(crate) told: Option<String>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let start = Instant::now();
        Self {
            start,
            now: start,
            nodes: Vec::new(),
            mail: BTreeMap::new(),
            sequence: 0,
            faults: Faults::default(),
            rng: SeededRng::new(seed),
            dead: BTreeSet::new(),
            no_tcp: BTreeSet::new(),
            lively: BTreeSet::new(),
            questions: 0,
            silent: BTreeSet::new(),
            seen_as: BTreeMap::new(),
            next_port: 40_000,
            names: BTreeMap::from([(
                "pbx.example".to_owned(),
                vec!["192.0.2.10".parse().expect("an address")],
            )]),
            listed: Vec::new(),
            good_for: None,
            lookups: 0,
            offline: false,
            closed: Vec::new(),
            exchange: None,
            told: None,
        }
    }

    /// An endpoint of ours at this address.
    pub(crate) fn phone(&mut self, ip: &str, config: Config) -> Who {
        let seed = self.rng.bits();
        let endpoint = Box::new(Endpoint::new(self.now, config, Box::new(SeededRng::new(seed))));
        self.add(ip, Kind::Phone { endpoint, events: VecDeque::new() })
    }

    /// A peer whose every word the test says.
    pub(crate) fn script(&mut self, ip: &str) -> Who {
        self.add(ip, Kind::Script { inbox: VecDeque::new(), pings: 0 })
    }

    fn add(&mut self, ip: &str, kind: Kind) -> Who {
        self.nodes.push(Node { ip: ip.parse().expect("an address"), kind });
        Who(self.nodes.len() - 1)
    }

    /// When it began.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// Time since the beginning.
    pub(crate) fn clock(&self) -> Duration {
        self.now - self.start
    }

    /// Where a node listens.
    pub(crate) fn address(&self, who: Who) -> SocketAddr {
        SocketAddr::new(self.nodes[who.0].ip, 5060)
    }

    /// The core asks something of a phone.
    pub(crate) fn command(&mut self, who: Who, command: SipCommand) {
        self.input(who, Input::Command(command));
    }

    pub(crate) fn input(&mut self, who: Who, input: Input) {
        let now = self.now;
        self.with_endpoint(who, |endpoint| endpoint.handle(now, input));
    }

    /// Runs `with` on a phone's endpoint and carries its wishes out.
    pub(crate) fn with_endpoint(&mut self, who: Who, with: impl FnOnce(&mut Endpoint)) {
        let Kind::Phone { endpoint, .. } = &mut self.nodes[who.0].kind else { panic!("{who:?} is no phone") };
        with(endpoint);
        self.drain(who);
    }

    pub(crate) fn load(&self, who: Who) -> Load {
        match &self.nodes[who.0].kind {
            Kind::Phone { endpoint, .. } => endpoint.load(),
            Kind::Script { .. } => panic!("{who:?} is no phone"),
        }
    }

    /// Everything a phone has told and nobody has taken yet.
    pub(crate) fn events(&mut self, who: Who) -> &mut VecDeque<SipEvent> {
        match &mut self.nodes[who.0].kind {
            Kind::Phone { events, .. } => events,
            Kind::Script { .. } => panic!("{who:?} is no phone"),
        }
    }

    /// Everything that arrived at a scripted peer and nobody has taken yet.
    pub(crate) fn inbox(&mut self, who: Who) -> &mut VecDeque<Letter> {
        match &mut self.nodes[who.0].kind {
            Kind::Script { inbox, .. } => inbox,
            Kind::Phone { .. } => panic!("{who:?} is no script"),
        }
    }

    /// Keep-alives that arrived at a scripted peer.
    pub(crate) fn pings(&self, who: Who) -> usize {
        match &self.nodes[who.0].kind {
            Kind::Script { pings, .. } => *pings,
            Kind::Phone { .. } => panic!("{who:?} is no script"),
        }
    }

    /// The next thing a phone tells, waiting for it.
    pub(crate) fn event(&mut self, who: Who) -> SipEvent {
        self.wait(|world| world.events(who).pop_front())
            .unwrap_or_else(|| panic!("{who:?} tells nothing any more"))
    }

    /// The next message at a scripted peer, waiting for it.
    pub(crate) fn letter(&mut self, who: Who) -> Letter {
        self.wait(|world| world.inbox(who).pop_front()).unwrap_or_else(|| panic!("nothing comes to {who:?}"))
    }

    /// Lets time pass until `what` is there.
    pub(crate) fn wait<T>(&mut self, mut what: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        let end = self.now + LIMIT;
        loop {
            if let Some(found) = what(self) {
                return Some(found);
            }
            if !self.step(end) {
                return None;
            }
        }
    }

    /// When the next thing happens by itself, on its clock.
    pub(crate) fn due(&self) -> Option<Duration> {
        let mail = self.mail.first_key_value().map(|((at, _), _)| *at);
        let timer = self.next_deadline().map(|(at, _)| at);
        mail.into_iter().chain(timer).min().map(|at| at.saturating_duration_since(self.start))
    }

    /// A phone's program ends without a word and is started again; it knows nothing of before.
    pub(crate) fn restart(&mut self, who: Who, config: Config) {
        let seed = self.rng.bits();
        let endpoint = Box::new(Endpoint::new(self.now, config, Box::new(SeededRng::new(seed))));
        self.nodes[who.0].kind = Kind::Phone { endpoint, events: VecDeque::new() };
    }

    /// Lets this much time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Everything that is under way arrives; no timer runs out.
    pub(crate) fn settle(&mut self) {
        while let Some((&(at, _), _)) = self.mail.first_key_value() {
            if self.next_deadline().is_some_and(|(deadline, _)| deadline < at) {
                break;
            }
            self.step(at);
        }
    }

    /// The next thing that happens before `end`; false when nothing does.
    fn step(&mut self, end: Instant) -> bool {
        let mail = self.mail.first_key_value().map(|(key, _)| *key);
        let deadline = self.next_deadline();
        match (mail, deadline) {
            (Some((at, sequence)), deadline) if at <= end && deadline.is_none_or(|(due, _)| at <= due) => {
                self.now = self.now.max(at);
                if let Some((flow, bytes)) = self.mail.remove(&(at, sequence)) {
                    self.deliver(flow, bytes);
                }
                true
            }
            (_, Some((due, who))) if due <= end => {
                self.now = self.now.max(due);
                self.input(who, Input::Timeout);
                true
            }
            _ => false,
        }
    }

    fn next_deadline(&self) -> Option<(Instant, Who)> {
        let one = |(at, node): (usize, &Node)| match &node.kind {
            Kind::Phone { endpoint, .. } => endpoint.next_deadline().map(|due| (due, Who(at))),
            Kind::Script { .. } => None,
        };
        self.nodes.iter().enumerate().filter_map(one).min_by_key(|(due, who)| (*due, who.0))
    }

    fn drain(&mut self, who: Who) {
        loop {
            let Kind::Phone { endpoint, events } = &mut self.nodes[who.0].kind else { return };
            match endpoint.poll() {
                None => return,
                Some(Output::Event(event)) => events.push_back(event),
                Some(Output::Transmit(Transmit { flow, bytes, .. })) => self.post(flow, bytes),
                Some(Output::Reach { id, hop }) => self.reach(who, id, &hop),
                Some(Output::Open { id, way, .. }) => self.open(who, id, way),
                Some(Output::Close(flow)) => self.closed.push(flow),
                Some(Output::Outside { .. }) => panic!("no phone here is screened"),
            }
        }
    }

    /// The name servers answer.
    fn reach(&mut self, who: Who, id: ReachId, hop: &Hop) {
        self.lookups += 1;
        let transport = hop.transport.unwrap_or(Transport::Udp);
        let listed = self.names.get(&hop.host).cloned();
        let ips = match hop.host.parse::<IpAddr>() {
            Ok(ip) => Some(vec![ip]),
            Err(_) => listed,
        };
        let way = |ip: &IpAddr| Way {
            transport,
            peer: SocketAddr::new(*ip, hop.port.unwrap_or(transport.default_port())),
        };
        let good_for = self.good_for;
        let result = match ips {
            Some(ips) => {
                let ways = self.listed.iter().copied().chain(ips.iter().map(way)).collect();
                Ok(Found { ways, good_for })
            }
            None => Err(format!("{} is not known", hop.host)),
        };
        self.feed(who, Input::Reached { id, result });
    }

    /// The network carries, or not.
    fn open(&mut self, who: Who, id: ReachId, way: Way) {
        let ip = way.peer.ip();
        let tcp = way.transport.reliable();
        let result = if self.offline {
            Err("there is no route".to_owned())
        } else if tcp && (self.dead.contains(&ip) || self.no_tcp.contains(&ip)) {
            Err("Connection refused".to_owned())
        } else {
            let port = if tcp { self.take_port() } else { 5060 };
            let local = SocketAddr::new(self.nodes[who.0].ip, port);
            Ok(Flow { transport: way.transport, local, peer: way.peer })
        };
        self.feed(who, Input::Opened { id, way, result });
    }

    fn feed(&mut self, who: Who, input: Input) {
        let now = self.now;
        if let Kind::Phone { endpoint, .. } = &mut self.nodes[who.0].kind {
            endpoint.handle(now, input);
        }
    }

    /// A node is at another address from now on.
    pub(crate) fn moves(&mut self, who: Who, ip: &str) {
        self.nodes[who.0].ip = ip.parse().expect("an address");
    }

    fn take_port(&mut self) -> u16 {
        self.next_port += 1;
        self.next_port
    }

    /// Puts bytes on the way. `flow` is the sender's.
    pub(crate) fn post(&mut self, flow: Flow, bytes: Bytes) {
        let mut copies = 1;
        let mut delay = Duration::from_millis(self.faults.delay_ms);
        if flow.transport == Transport::Udp {
            if self.rng.bits() % 100 < self.faults.loss || self.silent.contains(&flow.peer.ip()) {
                copies = 0;
            } else if self.rng.bits() % 100 < self.faults.duplicates {
                copies = 2;
            }
        } else if self.silent.contains(&flow.peer.ip()) {
            copies = 0;
        }
        for _ in 0..copies {
            if flow.transport == Transport::Udp {
                delay += Duration::from_millis(self.rng.bits() % (self.faults.jitter_ms + 1));
            }
            self.sequence += 1;
            self.mail.insert((self.now + delay, self.sequence), (flow, bytes.clone()));
        }
    }

    fn deliver(&mut self, sent: Flow, bytes: Bytes) {
        let (from, to) = (sent.local, sent.peer);
        if let Some(exchange) = self.exchange.as_ref().filter(|exchange| exchange.ip == to.ip()) {
            for (peer, bytes) in exchange.pass(from, &bytes) {
                self.post(Flow { peer, local: to, transport: sent.transport }, bytes);
            }
            return;
        }
        let sender = self.nodes.iter().position(|node| node.ip == from.ip());
        if self.dead.contains(&to.ip()) {
            if let Some(sender) = sender.filter(|at| matches!(self.nodes[*at].kind, Kind::Phone { .. })) {
                let detail = "Connection refused".to_owned();
                let input = match sent.transport {
                    Transport::Udp => Input::Refused { peer: to, detail },
                    _ => Input::Closed { flow: sent, detail },
                };
                self.input(Who(sender), input);
            }
            return;
        }
        // A router's mapping works both ways.
        let to = self.seen_as.iter().find(|(_, outside)| **outside == to).map_or(to, |(inside, _)| *inside);
        let peer = self.seen_as.get(&from).copied().unwrap_or(from);
        let Some(at) = self.nodes.iter().position(|node| node.ip == to.ip()) else { return };
        let flow = Flow { transport: sent.transport, local: to, peer };
        let clock = self.clock();
        match &mut self.nodes[at].kind {
            Kind::Phone { .. } => {
                let input = match flow.transport {
                    Transport::Udp => Input::Datagram { flow, bytes },
                    _ => match Message::parse_datagram(&bytes) {
                        Ok(message) => Input::Item { flow, item: StreamItem::Message(message) },
                        Err(_) if bytes == "\r\n" => Input::Item { flow, item: StreamItem::Pong },
                        Err(_) => Input::Item { flow, item: StreamItem::Ping },
                    },
                };
                self.input(Who(at), input);
            }
            Kind::Script { inbox, .. } => match Message::parse_datagram(&bytes) {
                Ok(message) => inbox.push_back(Letter { at: clock, flow, message }),
                Err(_) => self.kept_alive(at, flow, &bytes),
            },
        }
    }

    /// A keep-alive came to a scripted peer.
    fn kept_alive(&mut self, at: usize, flow: Flow, bytes: &[u8]) {
        let lively = self.lively.contains(&flow.local.ip());
        if let Some(question) = stun::asked(bytes) {
            self.questions += 1;
            if lively {
                self.post(flow, stun::answer(question, flow.peer));
            }
        } else if let Kind::Script { pings, .. } = &mut self.nodes[at].kind {
            *pings += 1;
            if lively && flow.transport.reliable() {
                self.post(flow, Bytes::from("\r\n"));
            }
        }
    }
}

/// The call an event is about.
pub(crate) fn call_of(event: &SipEvent) -> CallId {
    match event {
        SipEvent::Incoming { call, .. }
        | SipEvent::Progress { call, .. }
        | SipEvent::Answered { call, .. }
        | SipEvent::Confirmed { call, .. }
        | SipEvent::Reoffer { call, .. }
        | SipEvent::ReofferAnswered { call, .. }
        | SipEvent::ReofferRefused { call, .. }
        | SipEvent::Party { call, .. }
        | SipEvent::Ended { call, .. } => *call,
        SipEvent::Phone(PhoneEvent::Refresh { call } | PhoneEvent::Moved { call, .. }) => *call,
        SipEvent::Registration { .. }
        | SipEvent::Address { .. }
        | SipEvent::Transfer(_)
        | SipEvent::Watch(_)
        | SipEvent::Message(_)
        | SipEvent::Down => {
            panic!("{event:?}")
        }
        SipEvent::Phone(event) => panic!("{event:?}"),
    }
}

/// A session description that can be told from others.
pub(crate) fn sdp(name: &str) -> Sdp {
    Sdp(format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns={name}\r\nt=0 0\r\n").into_bytes())
}
