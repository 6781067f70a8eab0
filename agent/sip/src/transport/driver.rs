//! The loop: sockets, connections, names and the clock, all in one task.
//!
//! One task and no more, because every hop between tasks would stand between an INVITE and its 180. It wakes for
//! arrivals, commands and true deadlines only.

use super::{
    log::log,
    pipe::StreamNews,
    road::{Failure, Road},
    streams::{Connections, Opened},
    udp::{Arrival, Udp},
};
use crate::{
    endpoint::{Endpoint, Input, Output, ReachId},
    flow::{Flow, Hop, Transmit, Transport},
    ways::{Found, Turn, Way},
};
use agent_net::{Mark, Net, NetError, Purpose, Watch, mark};
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::sleep_until,
};

/// Datagrams taken before what they cause is sent and others get their turn.
const BATCH: usize = 16;
/// How long an address of ours is believed to be the one a peer is reached from.
const SOURCE_AGE: Duration = Duration::from_secs(10);
/// Peers whose source address is remembered.
const MOST_SOURCES: usize = 1024;
/// Addresses whose name is remembered for the ledger.
const MOST_NAMES: usize = 1024;
/// Messages kept for one connection that is being opened.
pub(super) const MOST_HELD: usize = 64;
/// Connections being opened at once.
pub(super) const MOST_DIALS: usize = 256;

/// What the tasks beside the loop tell it.
pub(super) enum News {
    /// A name was resolved.
    Named(ReachId, Hop, Result<Found, String>),
    /// A connection was opened for whoever asked for the way.
    Reached(ReachId, Way, Result<Opened, Failure>),
    /// A connection to send on was opened, or not.
    Dialled(Road, Result<Opened, Failure>),
}

/// The loop and what it owns.
pub(crate) struct Driver {
    pub(super) net: Net,
    pub(super) purpose: Purpose,
    endpoint: Endpoint,
    udp: Udp,
    /// For IPv6, opened when the first peer there is to be reached; not where an address was given to listen on.
    udp6: Option<Udp>,
    any: bool,
    listener: Option<TcpListener>,
    pub(super) connections: Connections,
    stream_news: mpsc::Receiver<StreamNews>,
    news: mpsc::Receiver<News>,
    pub(super) reporter: mpsc::Sender<News>,
    /// Messages for connections that are being opened.
    pub(super) held: HashMap<Road, Vec<Transmit>>,
    sources: HashMap<IpAddr, (Option<IpAddr>, Instant)>,
    /// The names that addresses were last looked up as: the ledger shows who was meant.
    pub(super) names: HashMap<IpAddr, String>,
    watch: Watch,
    /// What the endpoint said that is not for the network.
    told: VecDeque<Output>,
}

impl Driver {
    /// Opens the sockets: UDP and TCP on the same port, where both can be had.
    pub(crate) async fn open(
        net: Net,
        endpoint: Endpoint,
        bind: Option<SocketAddr>,
    ) -> Result<Self, NetError> {
        let purpose = Purpose { who: "sip".to_owned(), why: "calls and registration".to_owned() };
        let wanted = bind.unwrap_or(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0));
        let (udp, listener) = open_pair(&net, &purpose, wanted).await?;
        let (stream_reporter, stream_news) = mpsc::channel(256);
        // Who finds it full waits in a task of its own, of which a dial or a resolution is one.
        let (reporter, news) = mpsc::channel(MOST_DIALS);
        Ok(Self {
            net,
            purpose,
            endpoint,
            udp,
            udp6: None,
            any: bind.is_none(),
            listener,
            connections: Connections::new(stream_reporter),
            stream_news,
            news,
            reporter,
            held: HashMap::new(),
            sources: HashMap::new(),
            names: HashMap::new(),
            watch: Watch::start(),
            told: VecDeque::new(),
        })
    }

    /// The address listened on; its IP may be the wildcard.
    pub(crate) fn listening(&self) -> SocketAddr {
        self.udp.local()
    }

    /// Runs `with` on the endpoint and carries out what it wants.
    pub(crate) fn with_endpoint(&mut self, with: impl FnOnce(&mut Endpoint, Instant)) {
        with(&mut self.endpoint, Instant::now());
        self.flush();
    }

    /// What the endpoint said that is not for the network.
    pub(crate) fn take_told(&mut self) -> Option<Output> {
        self.told.pop_front()
    }

    /// Waits for the next thing to happen and handles it.
    pub(crate) async fn step(&mut self) {
        let deadline = self.endpoint.next_deadline();
        tokio::select! {
            () = self.udp.ready() => self.drain(false),
            () = ready(self.udp6.as_ref()) => self.drain(true),
            Some(news) = self.stream_news.recv() => self.on_stream(news),
            Some(news) = self.news.recv() => self.on_news(news),
            stream = accept(self.listener.as_ref()) => {
                if let Some(opened) = Opened::plain(stream) {
                    self.connections.add(opened, true);
                }
            }
            turn = self.watch.next() => self.turned(told(turn)),
            () = until(deadline) => self.input(Input::Timeout),
        }
        if self.watch.overslept() {
            self.turned(Turn::Awake);
        }
        self.flush();
    }

    pub(super) fn input(&mut self, input: Input) {
        self.endpoint.handle(Instant::now(), input);
    }

    /// Takes a batch of datagrams; the rest is still there at the next turn.
    fn drain(&mut self, v6: bool) {
        let mut arrivals = Vec::new();
        let Some(socket) = (if v6 { self.udp6.as_mut() } else { Some(&mut self.udp) }) else { return };
        while arrivals.len() < BATCH
            && let Some(arrival) = socket.take()
        {
            arrivals.push(arrival);
        }
        arrivals.append(&mut socket.refusals());
        for arrival in arrivals {
            match arrival {
                Arrival::Datagram(peer, bytes) => {
                    if let Some(flow) = self.udp_flow(peer) {
                        log("received", &flow, &bytes);
                        self.input(Input::Datagram { flow, bytes });
                        self.flush();
                    }
                }
                Arrival::Refused(peer, detail) => self.refused(peer, detail),
            }
        }
    }

    /// A datagram to `peer` came back, or never left.
    fn refused(&mut self, peer: SocketAddr, detail: String) {
        self.net.note_udp_failed(&self.purpose, peer, self.name(peer), &detail);
        self.input(Input::Refused { peer, detail });
    }

    /// What `peer` was looked up as; `None` when nobody named it.
    fn name(&self, peer: SocketAddr) -> Option<&str> {
        self.names.get(&peer.ip()).map(String::as_str)
    }

    fn on_stream(&mut self, news: StreamNews) {
        match news {
            StreamNews::Item(flow, item) => self.input(Input::Item { flow, item: *item }),
            StreamNews::Closed(flow, detail) => {
                self.connections.remove(&flow);
                self.input(Input::Closed { flow, detail });
            }
        }
    }

    fn on_news(&mut self, news: News) {
        match news {
            News::Named(id, hop, result) => {
                let ways = result.iter().flat_map(|found| &found.ways);
                let named: Vec<_> = ways.map(|way| (way.peer.ip(), hop.host.clone())).collect();
                if self.names.len() + named.len() > MOST_NAMES {
                    self.names.clear();
                }
                self.names.extend(named);
                self.input(Input::Reached { id, result });
            }
            News::Reached(id, way, result) => {
                let result = match result.and_then(|opened| self.take_connection(opened)) {
                    Ok(flow) => Ok(flow),
                    Err(Failure::Met(why)) => return self.input(Input::Blocked { id, way, why }),
                    Err(Failure::Said(detail)) => Err(detail),
                };
                self.input(Input::Opened { id, way, result });
            }
            News::Dialled(road, result) => {
                let held = self.held.remove(&road).unwrap_or_default();
                match result.and_then(|opened| self.take_connection(opened)) {
                    Ok(flow) => {
                        for transmit in held {
                            self.connections.send(&flow, &transmit.bytes);
                        }
                    }
                    Err(why) => {
                        let detail = why.to_string();
                        for transmit in held {
                            self.input(Input::Closed { flow: transmit.flow, detail: detail.clone() });
                        }
                    }
                }
            }
        }
    }

    fn take_connection(&mut self, opened: Opened) -> Result<Flow, Failure> {
        let full = || Failure::Said("too many connections are open".to_owned());
        self.connections.add(opened, false).ok_or_else(full)
    }

    /// The way between us and `peer` over UDP; `None` without a route.
    pub(super) fn udp_flow(&mut self, peer: SocketAddr) -> Option<Flow> {
        let socket =
            [Some(&self.udp), self.udp6.as_ref()].into_iter().flatten().find(|s| s.serves(peer.ip()))?;
        let bound = socket.local();
        let ip = if bound.ip().is_unspecified() { self.source(peer)? } else { bound.ip() };
        Some(Flow { transport: Transport::Udp, local: SocketAddr::new(ip, bound.port()), peer })
    }

    /// The address we speak from to `peer`: what a connected socket says, remembered for a while.
    fn source(&mut self, peer: SocketAddr) -> Option<IpAddr> {
        let now = Instant::now();
        if let Some((ip, since)) = self.sources.get(&peer.ip())
            && now.duration_since(*since) < SOURCE_AGE
        {
            return *ip;
        }
        if self.sources.len() >= MOST_SOURCES {
            self.sources.clear();
        }
        let ip = self.net.source_address(peer).ok();
        self.sources.insert(peer.ip(), (ip, now));
        ip
    }

    /// Carries out everything the endpoint wants of the network, and keeps the rest for whoever owns us.
    fn flush(&mut self) {
        while let Some(output) = self.endpoint.poll() {
            match output {
                Output::Transmit(transmit) => self.transmit(transmit),
                Output::Reach { id, hop } => self.reach(id, hop),
                Output::Open { id, hop, way } => self.open_way(id, &hop, way),
                Output::Close(flow) => self.connections.remove(&flow),
                other => self.told.push_back(other),
            }
        }
    }

    fn transmit(&mut self, transmit: Transmit) {
        log("sent", &transmit.flow, &transmit.bytes);
        match transmit.flow.transport {
            Transport::Udp => self.transmit_udp(&transmit),
            _ => self.transmit_stream(transmit),
        }
    }

    fn transmit_udp(&mut self, transmit: &Transmit) {
        let peer = transmit.flow.peer;
        self.net.note_udp(&self.purpose, peer, self.name(peer));
        let socket =
            [Some(&self.udp), self.udp6.as_ref()].into_iter().flatten().find(|s| s.serves(peer.ip()));
        let result = match socket {
            Some(socket) => socket.send(peer, &transmit.bytes).map_err(|error| error.to_string()),
            None => Err("there is no socket of that address family".to_owned()),
        };
        if let Err(detail) = result {
            self.refused(peer, detail);
        }
    }

    /// Something happened to the computer: what was known of addresses and names counts no longer, and connections that
    /// leave from an address that is not ours any more are gone, whatever the system thinks of them.
    fn turned(&mut self, turn: Turn) {
        tracing::debug!(?turn, "the computer or its network is not what it was");
        self.sources.clear();
        if turn != Turn::Sleeping {
            self.net.forget_names();
            for flow in self.connections.all() {
                if self.net.source_address(flow.peer).ok() != Some(flow.local.ip()) {
                    self.connections.remove(&flow);
                    let detail = "the network it ran over is gone".to_owned();
                    self.input(Input::Closed { flow, detail });
                }
            }
        }
        self.input(Input::Turned(turn));
    }

    pub(super) fn open_udp6(&mut self) {
        if self.any && self.udp6.is_none() {
            let any = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0);
            match Udp::open(&self.net, &self.purpose, any) {
                Ok(socket) => self.udp6 = Some(socket),
                Err(error) => tracing::debug!(%error, "there is no IPv6 here"),
            }
        }
    }
}

/// What the system told, in the endpoint's words.
fn told(turn: agent_net::Turn) -> Turn {
    match turn {
        agent_net::Turn::Network => Turn::Network,
        agent_net::Turn::Sleeping => Turn::Sleeping,
        agent_net::Turn::Awake => Turn::Awake,
    }
}

/// UDP and TCP on one port. With a port of our choice several are tried; with a given one UDP must be had, and TCP is
/// left out with a warning when somebody else has it.
async fn open_pair(
    net: &Net,
    purpose: &Purpose,
    wanted: SocketAddr,
) -> Result<(Udp, Option<TcpListener>), NetError> {
    let mut tries = if wanted.port() == 0 { 8 } else { 1 };
    loop {
        let udp = Udp::open(net, purpose, wanted)?;
        tries -= 1;
        match net.listen(purpose, udp.local()).await {
            Ok(listener) => {
                // Who connects to us is answered with this mark as well.
                mark(&listener, Mark::Signalling);
                return Ok((udp, Some(listener)));
            }
            Err(_) if tries > 0 => {}
            Err(error) => {
                tracing::warn!(%error, "no connections are accepted: the TCP port is not free");
                return Ok((udp, None));
            }
        }
    }
}

async fn ready(socket: Option<&Udp>) {
    match socket {
        Some(socket) => socket.ready().await,
        None => std::future::pending().await,
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Out of descriptors, most likely: trying again at once would only burn time.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
