//! TLS for everybody: rustls with ring, the system's certificate authorities and our own.

use crate::{
    certificate::{Judge, Pins, Proof},
    error::NetError,
};
use agent_core::certificate::{CertificateFault, CertificateRule, Fingerprint, Untrusted};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{fs, path::PathBuf, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OnceCell,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Bytes of a file of authorities: the system's own, some 140 of them, take a quarter of that.
const MOST_AUTHORITIES: u64 = 1 << 20;

/// A key that is not kept would be the first one each time.
const NO_PINS: &str = "there is no place to keep the key of its first use";

/// Makes ring the provider of the whole process; with two in the dependency graph the first handshake would panic.
pub(crate) fn install_provider() {
    // An error says that somebody (another `Net`) was first, which is as good.
    let _ = ring::default_provider().install_default();
}

/// The client side of TLS. The system's certificates are read at the first use.
pub(crate) struct Tls {
    own: Vec<CertificateDer<'static>>,
    roots: OnceCell<Arc<RootCertStore>>,
    config: OnceCell<Arc<ClientConfig>>,
    pins: Option<Arc<dyn Pins>>,
}

impl Tls {
    pub(crate) fn new(own: Vec<CertificateDer<'static>>, pins: Option<Arc<dyn Pins>>) -> Self {
        Self { own, roots: OnceCell::new(), config: OnceCell::new(), pins }
    }

    /// Shakes hands over `stream`; the certificate must be for `host`.
    pub(crate) async fn handshake<S>(&self, stream: S, host: &str) -> Result<TlsStream<S>, NetError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let error = |cause: String| NetError::Tls { host: host.to_owned(), cause };
        let name = server_name(host)?;
        let config = self.config.get_or_try_init(|| self.usual()).await.map_err(error)?;
        TlsConnector::from(config.clone())
            .connect(name, stream)
            .await
            .map_err(|cause| error(cause.to_string()))
    }

    /// Shakes hands over `stream` with whoever proves to be who `proof` says. Each connection sees the certificate: none is
    /// resumed on the word of another.
    pub(crate) async fn prove<S>(&self, stream: S, proof: &Proof) -> Result<TlsStream<S>, NetError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let host = proof.name.as_str();
        let error = |cause: String| NetError::Tls { host: host.to_owned(), cause };
        let name = server_name(host)?;
        let judge = match proof.rule {
            CertificateRule::Pin(key) => Judge::by_key(host, key),
            CertificateRule::FirstUse => match self.known(host).await.map_err(error)? {
                Some(key) => Judge::by_key(host, key),
                None => Judge::by_first_use(host),
            },
            CertificateRule::System => {
                let roots = self.roots_with(proof.authorities.clone()).await.map_err(error)?;
                Judge::by_authorities(host, roots).map_err(error)?
            }
        };
        let judge = Arc::new(judge);
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|cause| error(cause.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(judge.clone())
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let stream = shaken.map_err(|cause| match judge.refusal() {
            Some(refusal) => NetError::Certificate(Box::new(refusal)),
            None => error(cause.to_string()),
        })?;
        // It has proven by now that it holds the key.
        let Some(key) = judge.seen() else { return Ok(stream) };
        let expected = self.keep_first(host, key).await.map_err(error)?;
        if expected == key {
            return Ok(stream);
        }
        let (fault, presented) = (CertificateFault::Changed { expected }, Some(key));
        Err(NetError::Certificate(Box::new(Untrusted { host: host.to_owned(), fault, presented })))
    }

    async fn known(&self, host: &str) -> Result<Option<Fingerprint>, String> {
        let (pins, host) = (self.pins.clone().ok_or(NO_PINS)?, host.to_owned());
        apart(move || pins.known(&host)).await
    }

    async fn keep_first(&self, host: &str, key: Fingerprint) -> Result<Fingerprint, String> {
        let (pins, host) = (self.pins.clone().ok_or(NO_PINS)?, host.to_owned());
        apart(move || pins.keep_first(&host, key)).await
    }

    async fn usual(&self) -> Result<Arc<ClientConfig>, String> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(self.roots().await?)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// The authorities of the system and our own.
    async fn roots(&self) -> Result<Arc<RootCertStore>, String> {
        let found = self.roots.get_or_try_init(|| {
            let own = self.own.clone();
            // Some hundred files or a large one: not on the thread that also answers calls.
            apart(move || load(own))
        });
        let roots = found.await?;
        if roots.is_empty() {
            return Err("this system has no certificate authorities (package ca-certificates)".to_owned());
        }
        Ok(roots.clone())
    }

    /// The same and those of a file, read anew each time: who looks after a PBX replaces it.
    async fn roots_with(&self, file: Option<PathBuf>) -> Result<Arc<RootCertStore>, String> {
        let Some(file) = file else { return self.roots().await };
        // A system without authorities is no obstacle to one that is named.
        let usual = self.roots().await.unwrap_or_else(|_| Arc::new(RootCertStore::empty()));
        apart(move || {
            let cannot = |why: String| {
                format!("the certificate authorities in {} cannot be read: {why}", file.display())
            };
            let length = fs::metadata(&file).map_err(|error| cannot(error.to_string()))?.len();
            if length > MOST_AUTHORITIES {
                return Err(cannot(format!("{length} bytes are more than certificates take")));
            }
            let text = fs::read(&file).map_err(|error| cannot(error.to_string()))?;
            let mut roots = RootCertStore::clone(&usual);
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let added = certificate
                    .map_err(|error| error.to_string())
                    .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
                added.map_err(cannot)?;
            }
            if roots.len() == before {
                Err(cannot("there is no certificate in it".to_owned()))
            } else {
                Ok(Arc::new(roots))
            }
        })
        .await
    }
}

/// Runs what reads files beside the loop.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

/// A bracketed address (`[::1]`) is written without brackets in a certificate.
fn server_name(host: &str) -> Result<ServerName<'static>, NetError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    ServerName::try_from(bare.to_owned()).map_err(|_| NetError::BadName(host.to_owned()))
}

fn load(own: Vec<CertificateDer<'static>>) -> Result<Arc<RootCertStore>, String> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of the system was not read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    for certificate in own {
        roots
            .add(certificate)
            .map_err(|error| format!("an own certificate authority is not usable: {error}"))?;
    }
    Ok(Arc::new(roots))
}
