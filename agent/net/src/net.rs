//! The door itself: the one value through which everything else reaches other machines.

use crate::{
    certificate::{Pins, Proof},
    dial::{Dialled, dial},
    error::NetError,
    http::{self, AddressCheck, Form, HttpRequest, HttpResponse, Sendable},
    ledger::{Attempt, LedgerSink, Target},
    locate::{Draw, Located, Place},
    mark::Mark,
    meter::{Count, Metered},
    names::{self, Names},
    proxy::{Proxies, Proxy},
    tls::{self, Tls},
    tunnel,
};
use agent_core::ledger::Purpose;
use hyper::header;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    collections::HashSet,
    io,
    net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};
use url::{Host, Url};

/// An encrypted connection.
pub type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Where a connection goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The name or address that was asked for: the ledger shows it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What is spoken there, as the ledger writes it: `tcp`, `tls`, `ws`, `wss`.
    pub scheme: &'static str,
    /// The addresses to try, in this order; the host is looked up when there are none.
    pub addresses: Vec<IpAddr>,
}

/// UDP peers remembered so that each is one row; beyond it they are noted anew.
const MOST_PEERS: usize = 4096;

/// Where name servers listen (RFC 1035 section 4.2), for the row of a name that came to nothing.
const NAME_SERVER_PORT: u16 = 53;

/// What can be set.
#[derive(Debug, Clone)]
pub struct NetConfig {
    /// Certificate authorities trusted beside the system's, PEM text with one or more certificates.
    pub authorities: Vec<String>,
    /// How long connecting may take over all addresses of a name (TLS comes on top, as long again).
    pub connect_timeout: Duration,
    /// The proxies HTTP goes through.
    pub proxies: Proxies,
    /// The name servers to ask; those of the system when empty.
    pub name_servers: Vec<SocketAddr>,
    /// Where keys are kept from their first use on; without it nobody is believed by it.
    pub pins: Option<Arc<dyn Pins>>,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            authorities: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            proxies: Proxies::from_env(),
            name_servers: Vec::new(),
            pins: None,
        }
    }
}

/// The door out. Cheap to clone; lives in one tokio runtime.
#[derive(Clone)]
pub struct Net(Arc<Inner>);

struct Inner {
    sink: LedgerSink,
    names: Names,
    tls: Tls,
    connect_timeout: Duration,
    proxies: Proxies,
    /// The UDP peers that have a row, and whether it is that of their refusal.
    peers: Mutex<HashSet<(Purpose, SocketAddr, bool)>>,
}

impl Net {
    /// The door with everything as the system has it; every attempt to leave is told to `ledger`.
    pub fn new(ledger: LedgerSink) -> Self {
        tls::install_provider();
        Self::build(ledger, NetConfig::default(), Vec::new())
    }

    /// The same with `config`; an error when an authority in it is no certificate.
    pub fn with_config(ledger: LedgerSink, config: NetConfig) -> Result<Self, NetError> {
        tls::install_provider();
        let mut own = Vec::new();
        for text in &config.authorities {
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                own.push(certificate.map_err(|error| NetError::Tls {
                    host: "any host".to_owned(),
                    cause: format!("an own certificate authority is not PEM: {error}"),
                })?);
            }
        }
        Ok(Self::build(ledger, config, own))
    }

    fn build(sink: LedgerSink, config: NetConfig, own: Vec<CertificateDer<'static>>) -> Self {
        Self(Arc::new(Inner {
            names: Names::new(sink.clone(), config.name_servers),
            sink,
            tls: Tls::new(own, config.pins),
            connect_timeout: config.connect_timeout,
            proxies: config.proxies,
            peers: Mutex::default(),
        }))
    }

    /// The addresses of `host`, never none, those with a route first. Addresses, `localhost` and what the hosts file
    /// lists are answered here; anything else asks the name servers and leaves a row for each query, and one of its own
    /// when no address came of it. What can be no name is refused without a row: nobody was asked.
    pub async fn resolve(&self, purpose: &Purpose, host: &str) -> Result<Vec<IpAddr>, NetError> {
        let found = self.0.names.resolve(purpose, host).await;
        if let Err(error) = &found
            && !matches!(error, NetError::BadName(_))
        {
            let target = Target::new("dns", host, NAME_SERVER_PORT);
            Attempt::new(&self.0.sink, purpose, &target).failed(&error.to_string());
        }
        found
    }

    /// The ways to a SIP service, in the order in which they are to be tried (RFC 3263 section 4, RFC 2782); `draw` throws
    /// the dice for the weights. Rows are written as for [`Net::resolve`].
    pub async fn locate(
        &self,
        purpose: &Purpose,
        place: &Place<'_>,
        draw: Draw<'_>,
    ) -> Result<Located, NetError> {
        let found = self.0.names.locate(purpose, place, draw).await;
        if let Err(error) = &found
            && !matches!(error, NetError::BadName(_))
        {
            let target = Target::new("dns", place.host, NAME_SERVER_PORT);
            Attempt::new(&self.0.sink, purpose, &target).failed(&error.to_string());
        }
        found
    }

    /// The network changed: what name servers said before counts no longer.
    pub fn forget_names(&self) {
        self.0.names.forget();
    }

    /// A TCP connection, to the first of the host's addresses that answers.
    pub async fn tcp(&self, purpose: &Purpose, host: &str, port: u16) -> Result<TcpStream, NetError> {
        let Dialled { stream, attempt } = self.connect(purpose, &Target::new("tcp", host, port)).await?;
        attempt.allowed();
        Ok(stream)
    }

    /// A TLS connection; the certificate must be for `host`.
    pub async fn tls(&self, purpose: &Purpose, host: &str, port: u16) -> Result<TlsStream, NetError> {
        let Dialled { stream, attempt } = self.connect(purpose, &Target::new("tls", host, port)).await?;
        self.shaken(attempt, host, self.0.tls.handshake(stream, host)).await
    }

    /// The same as [`Net::tcp`], to addresses that are known already, for the signalling of calls: marked as that from the
    /// first packet on.
    pub async fn tcp_to(&self, purpose: &Purpose, place: &Destination) -> Result<TcpStream, NetError> {
        let Dialled { stream, attempt } = self.connect_to(purpose, place).await?;
        attempt.allowed();
        Ok(stream)
    }

    /// A TLS connection to `place`, to whoever proves to be who `proof` says; marked as [`Net::tcp_to`] has it.
    pub async fn tls_to(
        &self,
        purpose: &Purpose,
        place: &Destination,
        proof: &Proof,
    ) -> Result<TlsStream, NetError> {
        let Dialled { stream, attempt } = self.connect_to(purpose, place).await?;
        self.shaken(attempt, &proof.name, self.0.tls.prove(stream, proof)).await
    }

    async fn connect_to(&self, purpose: &Purpose, place: &Destination) -> Result<Dialled, NetError> {
        let mark = Some(Mark::Signalling);
        let target = Target { mark, ..Target::new(place.scheme, &place.host, place.port) };
        if place.addresses.is_empty() {
            return self.connect(purpose, &target).await;
        }
        let addresses = with_port(place.addresses.clone(), place.port);
        dial(&self.0.sink, purpose, &target, &addresses, self.0.connect_timeout).await
    }

    /// How long connecting may take, and each handshake after it as long again.
    pub fn connect_timeout(&self) -> Duration {
        self.0.connect_timeout
    }

    /// A handshake that must not take longer than connecting, and its row.
    async fn shaken(
        &self,
        attempt: Attempt,
        name: &str,
        handshake: impl Future<Output = Result<TlsStream, NetError>>,
    ) -> Result<TlsStream, NetError> {
        let limit = self.0.connect_timeout;
        match timeout(limit, handshake).await.unwrap_or_else(|_| Err(late(name, limit))) {
            Ok(stream) => {
                attempt.allowed();
                Ok(stream)
            }
            Err(error) => {
                attempt.failed(&error.to_string());
                Err(error)
            }
        }
    }

    /// A UDP socket on `bind` (port 0: any). Whoever sends with it tells every peer to [`Net::note_udp`] first; that
    /// and not the socket is what the ledger shows, so `purpose` only names the owner in the debug log.
    pub async fn udp(&self, purpose: &Purpose, bind: SocketAddr) -> Result<UdpSocket, NetError> {
        let socket = self.std_udp(purpose, bind)?;
        UdpSocket::from_std(socket).map_err(|error| no_socket(bind, &error))
    }

    /// The same as a non-blocking socket of the standard library, for threads without a runtime.
    pub fn std_udp(&self, purpose: &Purpose, bind: SocketAddr) -> Result<StdUdpSocket, NetError> {
        let socket = StdUdpSocket::bind(bind).map_err(|error| no_socket(bind, &error))?;
        socket.set_nonblocking(true).map_err(|error| no_socket(bind, &error))?;
        tracing::debug!(%bind, who = purpose.who, "a UDP socket was opened");
        Ok(socket)
    }

    /// A socket that takes TCP connections on `bind` (port 0: any). Who comes in was not asked for by us, and is no row of
    /// the ledger; `purpose` only names the owner in the debug log.
    pub async fn listen(&self, purpose: &Purpose, bind: SocketAddr) -> Result<TcpListener, NetError> {
        let listener = TcpListener::bind(bind).await.map_err(|error| no_socket(bind, &error))?;
        tracing::debug!(%bind, who = purpose.who, "TCP connections are accepted");
        Ok(listener)
    }

    /// A datagram goes to `peer`, which was looked up as `name` where it was: one row for each peer and purpose, at the
    /// first call. Cheap enough to be called before every datagram, but not from an audio callback (it takes a lock).
    pub fn note_udp(&self, purpose: &Purpose, peer: SocketAddr, name: Option<&str>) {
        if let Some(row) = self.udp_row(purpose, peer, name, false) {
            row.allowed();
        }
    }

    /// A datagram to `peer` came back, or could not leave: one more row that says so, at the first call for each peer and
    /// purpose.
    pub fn note_udp_failed(&self, purpose: &Purpose, peer: SocketAddr, name: Option<&str>, cause: &str) {
        if let Some(row) = self.udp_row(purpose, peer, name, true) {
            row.failed(cause);
        }
    }

    /// The row of a UDP peer, unless there is one.
    fn udp_row(
        &self,
        purpose: &Purpose,
        peer: SocketAddr,
        name: Option<&str>,
        failed: bool,
    ) -> Option<Attempt> {
        let mut peers = self.0.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= MOST_PEERS {
            peers.clear();
        }
        if !peers.insert((purpose.clone(), peer, failed)) {
            return None;
        }
        drop(peers);
        let host = name.map_or_else(|| peer.ip().to_string(), str::to_owned);
        Some(Attempt::new(&self.0.sink, purpose, &Target::new("udp", &host, peer.port())).at(peer))
    }

    /// The address this machine speaks from to reach `peer`. Sends nothing.
    pub fn source_address(&self, peer: SocketAddr) -> Result<IpAddr, NetError> {
        names::source_address(peer).map_err(|error| no_socket(peer, &error))
    }

    /// One request and its answer. The host's name is looked up once; `check` is asked about every address found, and
    /// only what it lets pass is connected to. Where a proxy is set the name is the proxy's to look up, so that `check`
    /// sees only hosts that are addresses themselves. Redirects come back as they are.
    pub async fn http(
        &self,
        purpose: &Purpose,
        request: HttpRequest,
        check: &AddressCheck<'_>,
    ) -> Result<HttpResponse, NetError> {
        let limit = request.timeout;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        timeout(limit, self.exchange(purpose, request, check))
            .await
            .unwrap_or_else(|_| Err(late(&host, limit)))
    }

    async fn connect(&self, purpose: &Purpose, target: &Target) -> Result<Dialled, NetError> {
        let addresses = with_port(self.addresses(purpose, target).await?, target.port);
        dial(&self.0.sink, purpose, target, &addresses, self.0.connect_timeout).await
    }

    /// The target's addresses; not finding any is a row of its own.
    async fn addresses(&self, purpose: &Purpose, target: &Target) -> Result<Vec<IpAddr>, NetError> {
        let found = self.0.names.resolve(purpose, &target.host).await;
        if let Err(error) = &found {
            Attempt::new(&self.0.sink, purpose, target).failed(&error.to_string());
        }
        found
    }
}

/// HTTP, step by step.
impl Net {
    async fn exchange(
        &self,
        purpose: &Purpose,
        request: HttpRequest,
        check: &AddressCheck<'_>,
    ) -> Result<HttpResponse, NetError> {
        let url = &request.url;
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
        let scheme = if url.scheme() == "https" { "https" } else { "http" };
        let mut target = Target { request: Some(request.summary()), ..Target::new(scheme, host, port) };
        let (sendable, proxy) = self.plan(&request).inspect_err(|error| {
            Attempt::new(&self.0.sink, purpose, &target).refused(&error.to_string());
        })?;
        let limit = request.connect_timeout;
        let Dialled { stream, mut attempt } = match &proxy {
            Some(proxy) => self.to_proxy(purpose, &mut target, (url, proxy, limit), check).await?,
            None => self.to_host(purpose, &target, limit, check).await?,
        };
        let count = Arc::new(Count::default());
        attempt.counted(count.clone());
        let connected = stream.peer_addr();
        let stream = Metered::new(stream, count);
        let answer = match (connected, scheme) {
            (Err(error), _) => {
                Err(NetError::Connect { host: host.to_owned(), port, cause: error.to_string() })
            }
            (Ok(address), "https") => match self.secure(stream, proxy.as_ref(), &target, limit).await {
                Ok(stream) => http::exchange(stream, sendable, host).await.map(|answer| (address, answer)),
                Err(error) => Err(error),
            },
            (Ok(address), _) => http::exchange(stream, sendable, host).await.map(|answer| (address, answer)),
        };
        match answer {
            Ok((address, (status, headers, body))) => {
                attempt.allowed();
                Ok(HttpResponse { status, headers, body, address, via_proxy: proxy.is_some() })
            }
            Err(error) => {
                attempt.failed(&error.to_string());
                Err(error)
            }
        }
    }

    /// What is to be sent, and through which proxy; nothing leaves before both are known.
    fn plan(&self, request: &HttpRequest) -> Result<(Sendable, Option<Proxy>), NetError> {
        let url = &request.url;
        let mut sendable = http::prepare(request)?;
        let host = || url.host_str().unwrap_or_default().to_owned();
        let proxy = self.0.proxies.for_url(url).map_err(|rule| NetError::Refused { host: host(), rule })?;
        if let Some(proxy) = &proxy
            && url.scheme() == "http"
        {
            *sendable.uri_mut() = http::uri(url, Form::Absolute)?;
            if let Some(value) = proxy.authorization.as_ref().and_then(|text| text.parse().ok()) {
                sendable.headers_mut().insert(header::PROXY_AUTHORIZATION, value);
            }
        }
        Ok((sendable, proxy))
    }

    /// Straight to the host: what `check` forbids is left out, and when nothing remains nothing is sent.
    async fn to_host(
        &self,
        purpose: &Purpose,
        target: &Target,
        limit: Duration,
        check: &AddressCheck<'_>,
    ) -> Result<Dialled, NetError> {
        let found = self.addresses(purpose, target).await?;
        let mut allowed = Vec::with_capacity(found.len());
        let mut refused = None;
        for address in with_port(found, target.port) {
            match check(address) {
                Ok(()) => allowed.push(address),
                Err(rule) => refused = refused.or(Some((address, rule))),
            }
        }
        match refused {
            Some((address, rule)) if allowed.is_empty() => Err(self.refuse(purpose, target, address, rule)),
            _ => dial(&self.0.sink, purpose, target, &allowed, limit).await,
        }
    }

    /// To the proxy, whose row is the host's: what counts is where the request goes in the end.
    async fn to_proxy(
        &self,
        purpose: &Purpose,
        target: &mut Target,
        (url, proxy, limit): (&Url, &Proxy, Duration),
        check: &AddressCheck<'_>,
    ) -> Result<Dialled, NetError> {
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(SocketAddr::new(ip.into(), target.port)),
            Some(Host::Ipv6(ip)) => Some(SocketAddr::new(ip.into(), target.port)),
            _ => None,
        };
        if let Some(address) = literal
            && let Err(rule) = check(address)
        {
            return Err(self.refuse(purpose, target, address, rule));
        }
        if let Some(request) = &mut target.request {
            request.push_str(&format!(" (via proxy {}:{})", proxy.host, proxy.port));
        }
        let found = match self.0.names.resolve(purpose, &proxy.host).await {
            Ok(found) => found,
            Err(error) => {
                Attempt::new(&self.0.sink, purpose, target).failed(&error.to_string());
                return Err(error);
            }
        };
        dial(&self.0.sink, purpose, target, &with_port(found, proxy.port), limit).await
    }

    /// TLS, through a tunnel of the proxy where there is one.
    async fn secure<S>(
        &self,
        stream: S,
        proxy: Option<&Proxy>,
        target: &Target,
        limit: Duration,
    ) -> Result<tokio_rustls::client::TlsStream<S>, NetError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let work = async {
            let stream = match proxy {
                Some(proxy) => tunnel::through(stream, proxy, &target.host, target.port).await?,
                None => stream,
            };
            self.0.tls.handshake(stream, &target.host).await
        };
        timeout(limit, work).await.unwrap_or_else(|_| Err(late(&target.host, limit)))
    }

    fn refuse(&self, purpose: &Purpose, target: &Target, address: SocketAddr, rule: String) -> NetError {
        Attempt::new(&self.0.sink, purpose, target).at(address).refused(&rule);
        NetError::Refused { host: target.host.clone(), rule }
    }
}

fn with_port(ips: Vec<IpAddr>, port: u16) -> Vec<SocketAddr> {
    ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}

fn late(host: &str, limit: Duration) -> NetError {
    NetError::Timeout { host: host.to_owned(), millis: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
}

fn no_socket(address: SocketAddr, error: &io::Error) -> NetError {
    NetError::Socket { address: address.to_string(), cause: error.to_string() }
}
