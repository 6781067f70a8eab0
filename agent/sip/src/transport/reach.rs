//! Ways: finding the way to a hop, opening connections, and sending over them.

use super::{
    driver::{Driver, MOST_DIALS, MOST_HELD, News},
    road::{Identity, Road},
    streams::Opened,
};
use crate::{
    endpoint::{Input, ReachId},
    flow::{Flow, Hop, Transmit, Transport},
};
use agent_net::{Destination, Net, Purpose};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

impl Driver {
    /// Finds the way to a hop. An address needs no waiting; a name is resolved beside the loop.
    pub(super) fn reach(&mut self, id: ReachId, hop: Hop) {
        if let Ok(ip) = hop.host.parse::<IpAddr>() {
            self.names.remove(&ip.to_canonical());
            return self.reach_addresses(id, &hop, &[ip.to_canonical()]);
        }
        let (net, purpose, reporter) = (self.net.clone(), self.purpose.clone(), self.reporter.clone());
        tokio::spawn(async move {
            let named = net.resolve(&purpose, &hop.host).await.map_err(|error| error.to_string());
            // Without a loop nobody waits for it.
            let _ = reporter.send(News::Named(id, hop, named)).await;
        });
    }

    /// The way to the addresses of a hop: over UDP they are all there is to know; over anything else a connection that is
    /// open already serves, or one is opened.
    pub(super) fn reach_addresses(&mut self, id: ReachId, hop: &Hop, ips: &[IpAddr]) {
        let transport = hop.transport.unwrap_or(Transport::Udp);
        let port = hop.port.unwrap_or(transport.default_port());
        let mut peers = ips.iter().map(|ip| SocketAddr::new(*ip, port));
        if transport == Transport::Udp {
            return self.reach_by_datagram(id, hop, (ips, port));
        }
        let identity = (transport != Transport::Tcp).then(|| Arc::new(Identity::of(transport, hop)));
        let open = match &identity {
            Some(identity) => self.connections.proven(identity),
            None => peers.find_map(|peer| self.connections.to(peer)),
        };
        if let Some(flow) = open {
            return self.input(Input::Reached { id, ips: ips.to_vec(), result: Ok(vec![flow]) });
        }
        let (net, purpose, reporter) = (self.net.clone(), self.purpose.clone(), self.reporter.clone());
        let place = Destination { host: hop.host.clone(), port, addresses: ips.to_vec() };
        tokio::spawn(async move {
            let ips = place.addresses.clone();
            let opened = open_connection(&net, &purpose, &place, identity).await;
            // As above.
            let _ = reporter.send(News::Reached(id, ips, opened)).await;
        });
    }

    fn reach_by_datagram(&mut self, id: ReachId, hop: &Hop, (ips, port): (&[IpAddr], u16)) {
        if ips.iter().any(IpAddr::is_ipv6) {
            self.open_udp6();
        }
        let peers = ips.iter().map(|ip| SocketAddr::new(*ip, port));
        let flows: Vec<Flow> = peers.filter_map(|peer| self.udp_flow(peer)).collect();
        let none = flows.is_empty();
        let result = if none { Err(format!("there is no way to {} from here", hop.host)) } else { Ok(flows) };
        self.input(Input::Reached { id, ips: ips.to_vec(), result });
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
        held.push(transmit);
        if first {
            self.dial(road);
        }
    }

    fn dial(&self, road: Road) {
        let (net, purpose, reporter) = (self.net.clone(), self.purpose.clone(), self.reporter.clone());
        let (place, identity) = match &road {
            Road::Plain(peer) => {
                let host = peer.ip().to_string();
                (Destination { host, port: peer.port(), addresses: Vec::new() }, None)
            }
            Road::Named(identity) => {
                let (host, port) = (identity.host.clone(), identity.port);
                (Destination { host, port, addresses: Vec::new() }, Some(identity.clone()))
            }
        };
        tokio::spawn(async move {
            let opened = open_connection(&net, &purpose, &place, identity).await;
            // The loop is gone: there is nobody left to tell.
            let _ = reporter.send(News::Dialled(road, opened)).await;
        });
    }
}

/// A connection to `place`: plain, or the one that `identity` asks for.
async fn open_connection(
    net: &Net,
    purpose: &Purpose,
    place: &Destination,
    identity: Option<Arc<Identity>>,
) -> Result<Opened, String> {
    let no_address = || "the connection was gone at once".to_owned();
    let Some(identity) = identity else {
        let stream = net.tcp_to(purpose, place).await.map_err(|error| error.to_string())?;
        return Opened::plain(stream).ok_or_else(no_address);
    };
    let stream = net.tls_to(purpose, place, identity.name()).await.map_err(|error| error.to_string())?;
    Opened::proven(stream, identity).ok_or_else(no_address)
}
