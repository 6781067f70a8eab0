//! TLS for everybody: rustls with ring, the system's certificate authorities and our own.

use crate::error::NetError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OnceCell,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Makes ring the provider of the whole process; with two in the dependency graph the first handshake would panic.
pub(crate) fn install_provider() {
    // An error says that somebody (another `Net`) was first, which is as good.
    let _ = ring::default_provider().install_default();
}

/// The client side of TLS. The system's certificates are read at the first use.
pub(crate) struct Tls {
    own: Vec<CertificateDer<'static>>,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    pub(crate) fn new(own: Vec<CertificateDer<'static>>) -> Self {
        Self { own, config: OnceCell::new() }
    }

    /// Shakes hands over `stream`; the certificate must be for `host`.
    pub(crate) async fn handshake<S>(&self, stream: S, host: &str) -> Result<TlsStream<S>, NetError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let error = |cause: String| NetError::Tls { host: host.to_owned(), cause };
        // A bracketed address (`[::1]`) is written without brackets in a certificate.
        let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| NetError::BadName(host.to_owned()))?;
        let config = self.config.get_or_try_init(|| load(self.own.clone())).await.map_err(error)?;
        TlsConnector::from(config.clone())
            .connect(name, stream)
            .await
            .map_err(|cause| error(cause.to_string()))
    }
}

async fn load(own: Vec<CertificateDer<'static>>) -> Result<Arc<ClientConfig>, String> {
    // Some hundred files or a large one: not on the thread that also answers calls.
    tokio::task::spawn_blocking(move || build(own)).await.map_err(|error| error.to_string())?
}

fn build(own: Vec<CertificateDer<'static>>) -> Result<Arc<ClientConfig>, String> {
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
    if roots.is_empty() {
        return Err("this system has no certificate authorities (package ca-certificates)".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
