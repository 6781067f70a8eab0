//! From names to addresses: literals and localhost first, then the hosts file, then the system's name servers.

mod service;

use crate::{
    error::NetError,
    ledger::LedgerSink,
    prefer::prefer,
    wire::{Askers, Wire},
};
use agent_core::ledger::Purpose;
use hickory_resolver::{
    Hosts, Resolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig},
    proto::{
        op::Query,
        rr::{Name, RecordType},
    },
};
use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// What the system says about names stands in these where there are such files; a change makes us read them again.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Where there are no such files, the system's settings are read again after this long.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// Names kept in memory, each as long as its time to live says.
const CACHED_NAMES: u64 = 128;

/// The longest any lookup may take, all retries included.
const LIMIT: Duration = Duration::from_secs(10);

/// The way names are looked up. Costs nothing until the first name that is not an address.
pub(crate) struct Names {
    sink: LedgerSink,
    askers: Askers,
    servers: Vec<SocketAddr>,
    current: Mutex<Option<Arc<System>>>,
}

/// The system's settings as last read.
struct System {
    stamp: [Option<SystemTime>; FILES.len()],
    read: Instant,
    hosts: Hosts,
    resolver: Resolver<Wire>,
}

impl Names {
    /// With `servers` instead of the system's name servers, unless there are none.
    pub(crate) fn new(sink: LedgerSink, servers: Vec<SocketAddr>) -> Self {
        Self { sink, askers: Askers::default(), servers, current: Mutex::new(None) }
    }

    /// The addresses of `host`, never none.
    pub(crate) async fn resolve(&self, purpose: &Purpose, host: &str) -> Result<Vec<IpAddr>, NetError> {
        if let Some(addresses) = here(host) {
            return Ok(addresses);
        }
        let name = parse(host)?;
        let system = self.system_for(host)?;
        let listed = system.listed(&name);
        if !listed.is_empty() {
            return Ok(reachable_first(listed));
        }
        self.addresses(&system, purpose, (host, name)).await.map(|(addresses, _)| addresses)
    }

    /// The addresses of a name that the hosts file does not list, never none, and until when they are good.
    async fn addresses(
        &self,
        system: &System,
        purpose: &Purpose,
        (host, name): (&str, Name),
    ) -> Result<(Vec<IpAddr>, Instant), NetError> {
        let ascii = name.to_ascii();
        let _asking = self.askers.ask(ascii.trim_end_matches('.'), purpose);
        let answer = tokio::time::timeout(LIMIT, system.resolver.lookup_ip(name)).await;
        let result = match answer {
            Ok(Ok(found)) => Ok((found.iter().collect::<Vec<_>>(), found.valid_until())),
            Ok(Err(error)) if error.is_no_records_found() || error.is_nx_domain() => {
                return Err(NetError::UnknownName(host.to_owned()));
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no name server answered within {} s", LIMIT.as_secs())),
        };
        match result {
            Ok((addresses, _)) if addresses.is_empty() => Err(NetError::UnknownName(host.to_owned())),
            Ok((addresses, until)) => Ok((reachable_first(addresses), until)),
            Err(cause) => {
                self.forget();
                Err(NetError::Names { host: host.to_owned(), cause })
            }
        }
    }

    /// The network changed, or may have: the next lookup reads the system's settings again and remembers no answer.
    pub(crate) fn forget(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn system_for(&self, host: &str) -> Result<Arc<System>, NetError> {
        self.system().map_err(|cause| NetError::Names { host: host.to_owned(), cause })
    }

    fn system(&self) -> Result<Arc<System>, String> {
        let stamp = FILES.map(|file| fs::metadata(file).and_then(|meta| meta.modified()).ok());
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(system) = current.as_ref()
            && system.stamp == stamp
            && (stamp.iter().any(Option::is_some) || system.read.elapsed() < FRESH_FOR)
        {
            return Ok(system.clone());
        }
        let wire = Wire::new(self.sink.clone(), self.askers.clone());
        let mut builder = if self.servers.is_empty() {
            Resolver::builder(wire).map_err(|error| error.to_string())?
        } else {
            let servers = self.servers.iter().copied().map(server).collect();
            Resolver::builder_with_config(ResolverConfig::from_parts(None, Vec::new(), servers), wire)
        };
        let options = builder.options_mut();
        options.cache_size = CACHED_NAMES;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        // Looked at by ourselves: a name that is listed with one family must not be asked for in the other.
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = builder.build().map_err(|error| error.to_string())?;
        let hosts = Hosts::from_system().unwrap_or_default();
        let system = Arc::new(System { stamp, read: Instant::now(), hosts, resolver });
        *current = Some(system.clone());
        Ok(system)
    }
}

impl System {
    /// What the hosts file says.
    fn listed(&self, name: &Name) -> Vec<IpAddr> {
        [RecordType::AAAA, RecordType::A]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind)))
            .flat_map(|found| {
                found.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>()
            })
            .collect()
    }
}

fn server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

/// The address this machine would speak from to reach `peer`. Nothing is sent: connecting a UDP socket only asks the
/// routing table.
pub(crate) fn source_address(peer: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr =
        if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Port 0 cannot be connected to, and the port has no say in the route.
    socket.connect((peer.ip(), peer.port().max(1)))?;
    Ok(socket.local_addr()?.ip())
}

/// In the order of RFC 6724, so that what has no route from here goes last: whoever takes the first address shall reach it.
fn reachable_first(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    prefer(&mut addresses, |ip| source_address(SocketAddr::new(ip, 9)).ok());
    addresses
}

/// A host as a name, or the refusal of what can be none.
fn parse(host: &str) -> Result<Name, NetError> {
    let bad = || NetError::BadName(host.to_owned());
    let name = Name::from_utf8(host).map_err(|_| bad())?;
    if name.num_labels() == 0 || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad());
    }
    Ok(name)
}

/// Addresses need no name server, and `localhost` must not ask one (RFC 6761 section 6.3).
fn here(host: &str) -> Option<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Some(vec![address]);
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let local = name == "localhost" || name.ends_with(".localhost");
    // The old family first: a great many local servers listen there only.
    local.then(|| vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)])
}
