//! Ways: finding the way to a hop, opening connections, and sending over them.

use super::{
    driver::{Driver, MOST_DIALS, MOST_HELD, News},
    pipe::Duplex,
    road::{Failure, Identity, Road},
    streams::{Opened, Pipe, ends},
    web,
};
use crate::{
    endpoint::{Input, ReachId},
    flow::{Flow, Hop, Transmit, Transport},
    rng::{OsRng, Rng},
    ways::{Found, Way},
};
use agent_net::{Candidate, Carrier, Destination, Net, Place, Purpose};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

impl Driver {
    /// Finds the ways to a hop (RFC 3263). An address needs no waiting; a name is resolved beside the loop.
    pub(super) fn reach(&mut self, id: ReachId, hop: Hop) {
        if let Ok(ip) = hop.host.parse::<IpAddr>() {
            let ip = ip.to_canonical();
            self.names.remove(&ip);
            let transport = hop.transport.unwrap_or(Transport::Udp);
            let peer = SocketAddr::new(ip, hop.port.unwrap_or(transport.default_port()));
            let found = Found { ways: vec![Way { transport, peer }], good_for: None };
            return self.input(Input::Reached { id, result: Ok(found) });
        }
        let (net, purpose, reporter) = (self.net.clone(), self.purpose.clone(), self.reporter.clone());
        tokio::spawn(async move {
            let found = locate(&net, &purpose, &hop).await;
            // Without a loop nobody waits for it.
            let _ = reporter.send(News::Named(id, hop, found)).await;
        });
    }

    /// Goes a way to a hop: over UDP there is nothing to do; over anything else a connection that is open already serves, or
    /// one is opened.
    pub(super) fn open_way(&mut self, id: ReachId, hop: &Hop, way: Way) {
        if way.transport == Transport::Udp {
            if way.peer.is_ipv6() {
                self.open_udp6();
            }
            let flow = self.udp_flow(way.peer);
            let result = flow.ok_or_else(|| format!("there is no way to {} from here", hop.host));
            return self.input(Input::Opened { id, way, result });
        }
        let to = Hop { port: Some(way.peer.port()), ..hop.clone() };
        let identity = (way.transport != Transport::Tcp).then(|| Arc::new(Identity::of(way.transport, &to)));
        let open = match &identity {
            Some(identity) => self.connections.proven(identity).filter(|flow| flow.peer == way.peer),
            None => self.connections.to(way.peer),
        };
        if let Some(flow) = open {
            return self.input(Input::Opened { id, way, result: Ok(flow) });
        }
        let (net, purpose, reporter) = (self.net.clone(), self.purpose.clone(), self.reporter.clone());
        let (port, addresses) = (way.peer.port(), vec![way.peer.ip()]);
        let place = Destination { host: hop.host.clone(), port, scheme: way.transport.uri_name(), addresses };
        tokio::spawn(async move {
            let opened = open_connection(&net, &purpose, &place, identity).await;
            // As above.
            let _ = reporter.send(News::Reached(id, way, opened)).await;
        });
    }

    /// Sends over the connection a flow names, or over another to the same end, or over one that is opened for it: to the
    /// same address, or, where the other end had proven a name, to that name and no other.
    pub(super) fn transmit_stream(&mut self, transmit: Transmit) {
        if self.connections.send(&transmit.flow, &transmit.bytes) {
            return;
        }
        let road = match self.connections.identity(&transmit.flow) {
            Some(identity) => Road::Named(identity),
            None if transmit.flow.transport == Transport::Tcp => {
                let peer = transmit.otherwise.unwrap_or(transmit.flow.peer);
                if transmit.otherwise.is_some() && self.connections.to(peer).is_some() {
                    let flow = Flow { peer, ..transmit.flow };
                    self.connections.send(&flow, &transmit.bytes);
                    return;
                }
                Road::Plain(peer)
            }
            None => {
                let detail = "the connection is gone, and nobody knows to whom it led".to_owned();
                return self.input(Input::Closed { flow: transmit.flow, detail });
            }
        };
        let dials = self.held.len();
        let held = self.held.entry(road.clone()).or_default();
        if dials >= MOST_DIALS || held.len() >= MOST_HELD {
            tracing::warn!("too many messages wait for connections; one was dropped");
            return;
        }
        let first = held.is_empty();
        let peer = transmit.flow.peer;
        held.push(transmit);
        if first {
            self.dial(road, peer);
        }
    }

    /// Opens a connection anew: to who was at `peer`, where SRV may have led.
    fn dial(&self, road: Road, peer: SocketAddr) {
        let (net, purpose, reporter) = (self.net.clone(), self.purpose.clone(), self.reporter.clone());
        let (place, identity) = match &road {
            Road::Plain(peer) => {
                let host = peer.ip().to_string();
                (Destination { host, port: peer.port(), scheme: "tcp", addresses: Vec::new() }, None)
            }
            Road::Named(identity) => {
                let (host, port) = (identity.host.clone(), identity.port);
                let scheme = identity.transport.uri_name();
                (Destination { host, port, scheme, addresses: vec![peer.ip()] }, Some(identity.clone()))
            }
        };
        tokio::spawn(async move {
            let opened = open_connection(&net, &purpose, &place, identity).await;
            // The loop is gone: there is nobody left to tell.
            let _ = reporter.send(News::Dialled(road, opened)).await;
        });
    }
}

/// What the name servers say of a hop. Over WebSocket nobody is spoken to who did not ask for it: its port is a web
/// server's.
async fn locate(net: &Net, purpose: &Purpose, hop: &Hop) -> Result<Found, String> {
    let offered = [Carrier::Udp, Carrier::Tcp, Carrier::Tls];
    let carrier = hop.transport.map(carrier);
    let place = Place { host: &hop.host, port: hop.port, carrier, offered: &offered };
    let mut rng = OsRng::default();
    let mut draw = |most: u32| u32::try_from(rng.bits() % (u64::from(most) + 1)).unwrap_or(most);
    let located = net.locate(purpose, &place, &mut draw).await.map_err(|error| error.to_string())?;
    let way = |it: Candidate| {
        let peer = SocketAddr::new(it.address.ip().to_canonical(), it.address.port());
        Way { transport: transport(it.carrier), peer }
    };
    Ok(Found { ways: located.candidates.into_iter().map(way).collect(), good_for: located.good_for })
}

fn carrier(transport: Transport) -> Carrier {
    match transport {
        Transport::Udp => Carrier::Udp,
        Transport::Tcp => Carrier::Tcp,
        Transport::Tls => Carrier::Tls,
        Transport::Ws => Carrier::Ws,
        Transport::Wss => Carrier::Wss,
    }
}

fn transport(carrier: Carrier) -> Transport {
    match carrier {
        Carrier::Udp => Transport::Udp,
        Carrier::Tcp => Transport::Tcp,
        Carrier::Tls => Transport::Tls,
        Carrier::Ws => Transport::Ws,
        Carrier::Wss => Transport::Wss,
    }
}

/// A connection to `place`: plain, or the one that `identity` asks for, TLS, a WebSocket, or one in the other.
async fn open_connection(
    net: &Net,
    purpose: &Purpose,
    place: &Destination,
    identity: Option<Arc<Identity>>,
) -> Result<Opened, Failure> {
    let gone = || Failure::Said("the connection was gone at once".to_owned());
    let Some(identity) = identity else {
        return Opened::plain(net.tcp_to(purpose, place).await?).ok_or_else(gone);
    };
    let transport = identity.transport;
    let (stream, ends): (Box<dyn Duplex>, _) = if transport.secure() {
        let stream = net.tls_to(purpose, place, &identity.proof()).await?;
        let ends = ends(stream.get_ref().0);
        (Box::new(stream), ends)
    } else {
        let stream = net.tcp_to(purpose, place).await?;
        let ends = ends(&stream);
        (Box::new(stream), ends)
    };
    let ends = ends.ok_or_else(gone)?;
    let pipe = if transport.web() {
        Pipe::Web(Box::new(web::open(net.connect_timeout(), stream, &identity).await?))
    } else {
        Pipe::Bytes(stream)
    };
    Ok(Opened { pipe, ends, identity: Some(identity) })
}
