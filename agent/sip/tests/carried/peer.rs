//! What the tests over encrypted and framed transports share: a phone, a certificate authority, a registrar's end.

use agent_core::{
    certificate::Fingerprint,
    id::AccountId,
    port::sip::{Registration, SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
};
use agent_net::{LedgerRecord, Net, NetConfig, Proxies};
use agent_sip::{
    SipConfig, SipHandle,
    message::{Message, Request, Response, StreamDecoder, StreamItem},
    start,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// No single step takes this long; a test that waits longer has failed.
const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const ACCOUNT: AccountId = AccountId(0);

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(LIMIT, what).await.expect("it takes too long")
}

/// An agent's SIP with everything it tells.
pub(crate) struct Phone {
    pub(crate) sip: SipHandle,
    events: UnboundedReceiver<SipEvent>,
    rows: Arc<Mutex<Vec<LedgerRecord>>>,
}

impl Phone {
    /// One that trusts `authority` as if it were the system's.
    pub(crate) async fn trusting(authority: &Authority) -> Self {
        Self::with(NetConfig { authorities: vec![authority.pem()], ..NetConfig::default() }).await
    }

    /// One with a door out of the test's own.
    pub(crate) async fn with(config: NetConfig) -> Self {
        let (sender, events) = unbounded_channel();
        // The phone may tell more than a test waits for.
        let tell = Arc::new(move |event| drop(sender.send(event)));
        let rows: Arc<Mutex<Vec<LedgerRecord>>> = Arc::default();
        let ledger = rows.clone();
        let config = NetConfig { proxies: Proxies::none(), ..config };
        let net = Net::with_config(Arc::new(move |row| ledger.lock().unwrap().push(row)), config).unwrap();
        let config = SipConfig { bind: Some("127.0.0.1:0".parse().unwrap()), ..SipConfig::default() };
        let sip = start(config, net, tell);
        within(sip.listening()).await.unwrap();
        Self { sip, events, rows }
    }

    pub(crate) fn register(&self, aor: &str, registrar: &str) {
        self.register_as(ACCOUNT.0, aor, registrar);
    }

    pub(crate) fn register_as(&self, account: u32, aor: &str, registrar: &str) {
        self.register_with(
            account,
            AccountSettings {
                aor: aor.to_owned(),
                registrar: Some(registrar.to_owned()),
                ..AccountSettings::default()
            },
        );
    }

    pub(crate) fn register_with(&self, account: u32, settings: AccountSettings) {
        let password = Secret::new("secret".to_owned());
        self.sip.send(SipCommand::Register { account: AccountId(account), settings, password });
    }

    pub(crate) async fn event(&mut self) -> SipEvent {
        within(self.events.recv()).await.expect("SIP ended")
    }

    /// Waits for a registration state.
    pub(crate) async fn state(&mut self, is: impl Fn(&Registration) -> bool) -> Registration {
        loop {
            if let SipEvent::Registration { state, .. } = self.event().await
                && is(&state)
            {
                return state;
            }
        }
    }

    pub(crate) async fn registered(&mut self) {
        self.state(|state| *state == Registration::Registered).await;
    }

    /// The ledger.
    pub(crate) fn rows(&self) -> Vec<LedgerRecord> {
        self.rows.lock().unwrap().clone()
    }
}

/// 200 to a request, a REGISTER's Contact confirmed.
pub(crate) fn ok(request: &Request, from: SocketAddr) -> Response {
    let mut request = request.clone();
    request.headers.note_source(from);
    let mut response = Response::to(&request, 200, Some("peer"));
    if let Some(contact) = request.headers.get("Contact") {
        response.headers.push("Contact", contact.clone());
    }
    response
}

/// A certificate authority of our own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Takes TLS connections in these names.
    pub(crate) fn acceptor(&self, names: &[&str]) -> TlsAcceptor {
        Certified::by(Some(self), names, (-1, 1)).acceptor()
    }
}

/// A certificate and its key.
pub(crate) struct Certified {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Certified {
    /// One for these names, by an authority or by itself, valid between two days counted from today.
    pub(crate) fn by(authority: Option<&Authority>, names: &[&str], (from, to): (i64, i64)) -> Self {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let today = SystemTime::now();
        let day = |days: i64| {
            let far = Duration::from_secs(days.unsigned_abs() * 24 * 3600);
            if days < 0 { today - far } else { today + far }
        };
        (params.not_before, params.not_after) = (day(from).into(), day(to).into());
        let certificate = match authority {
            Some(authority) => params.signed_by(&key, &authority.0).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        Self { certificate: CertificateDer::from(certificate.der().to_vec()), key }
    }

    /// Its key's, as `openssl` would say it.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.key.subject_public_key_info()).into())
    }

    /// Takes TLS connections with it.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        Arc::new(config).into()
    }
}

/// One accepted connection.
pub(crate) struct TlsLine {
    stream: TlsStream<TcpStream>,
    decoder: StreamDecoder,
    pub(crate) peer: SocketAddr,
}

impl TlsLine {
    pub(crate) async fn accept(listener: &TcpListener, acceptor: &TlsAcceptor) -> io::Result<Self> {
        let (stream, peer) = within(listener.accept()).await?;
        let stream = within(acceptor.accept(stream)).await?;
        Ok(Self { stream, decoder: StreamDecoder::new(), peer })
    }

    pub(crate) async fn item(&mut self) -> StreamItem {
        let mut buffer = [0; 4096];
        loop {
            if let Some(item) = self.decoder.next_item() {
                return item;
            }
            let length = within(self.stream.read(&mut buffer)).await.unwrap();
            assert_ne!(length, 0, "the connection was closed");
            self.decoder.push(&buffer[..length]);
        }
    }

    pub(crate) async fn request(&mut self) -> Request {
        match self.item().await {
            StreamItem::Message(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    /// The same, or nothing where the connection ends without a byte of it.
    pub(crate) async fn request_if_any(&mut self) -> Option<Request> {
        let mut first = [0; 1];
        let read = within(self.stream.read(&mut first)).await;
        if !matches!(read, Ok(1)) {
            return None;
        }
        self.decoder.push(&first);
        Some(self.request().await)
    }

    pub(crate) async fn send(&mut self, response: &Response) {
        self.write(&response.to_bytes()).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }
}
