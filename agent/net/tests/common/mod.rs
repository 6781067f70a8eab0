//! What the tests of the door share: a ledger that can be read, servers on loopback, a certificate authority.

use agent_net::{LedgerRecord, LedgerSink, Net, NetConfig, Proxies, Purpose};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The rows written so far.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<LedgerRecord>>>);

impl Ledger {
    pub(crate) fn sink(&self) -> LedgerSink {
        let rows = self.0.clone();
        Arc::new(move |row| rows.lock().unwrap().push(row))
    }

    pub(crate) fn rows(&self) -> Vec<LedgerRecord> {
        self.0.lock().unwrap().clone()
    }

    /// The only row there is.
    pub(crate) fn one(&self) -> LedgerRecord {
        let rows = self.rows();
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows[0].clone()
    }
}

pub(crate) fn why() -> Purpose {
    Purpose { who: "plugin:test".to_owned(), why: "look up a caller".to_owned() }
}

/// A door without proxies, whatever the environment of the test says.
pub(crate) fn net(ledger: &Ledger) -> Net {
    with(ledger, NetConfig::default())
}

pub(crate) fn with(ledger: &Ledger, config: NetConfig) -> Net {
    let proxies = if config.proxies == Proxies::from_env() { Proxies::none() } else { config.proxies };
    Net::with_config(ledger.sink(), NetConfig { proxies, ..config }).unwrap()
}

/// A listener and where it listens.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Reads a request up to the empty line.
pub(crate) async fn head<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// Answers one request with `answer`; the task's result is the request's head.
pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let (listener, address) = listen().await;
    let answer = answer.into();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await;
        // Whoever asked may have had enough before the end of a large answer.
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
        head
    });
    (address, task)
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

    /// Takes TLS connections in the name of `host`.
    pub(crate) fn acceptor(&self, host: &str) -> tokio_rustls::TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Arc::new(config).into()
    }
}

/// Waits until the other side has closed.
pub(crate) async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset is as closed as an end.
    let _ = stream.read_to_end(&mut rest).await;
}
