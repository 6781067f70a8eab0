//! Whose certificate is believed: the rule of one connection, and what was wrong with what it met.

use agent_core::certificate::{CertificateFault, CertificateRule, Fingerprint, Untrusted};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// Names of a certificate that are told.
const MOST_NAMES: usize = 16;

/// Who has to be found at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The name the certificate must be for: what the user configured, and not what a name server made of it.
    pub name: String,
    /// Authorities trusted beside the system's: a PEM file.
    pub authorities: Option<PathBuf>,
    /// How it is decided.
    pub rule: CertificateRule,
}

impl Proof {
    /// A certificate of the system's authorities for `name`.
    pub fn of(name: &str) -> Self {
        Self { name: name.to_owned(), authorities: None, rule: CertificateRule::System }
    }
}

/// The keys that were seen at a first use. Its questions may read and write a file: none is asked on the runtime's thread.
pub trait Pins: fmt::Debug + Send + Sync {
    /// The key kept for `name`; the error is a sentence, and nobody is believed then.
    fn known(&self, name: &str) -> Result<Option<Fingerprint>, String>;
    /// Keeps the first key that `name` showed, and answers the one that is kept: another if somebody was first.
    fn keep_first(&self, name: &str, key: Fingerprint) -> Result<Fingerprint, String>;
}

/// The key of a certificate.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> Option<Fingerprint> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    Some(Fingerprint(Sha256::digest(parsed.subject_public_key_info()).into()))
}

/// Judges the certificate of one connection, and remembers why it did not believe it.
#[derive(Debug)]
pub(crate) struct Judge {
    rule: Rule,
    host: String,
    algorithms: WebPkiSupportedAlgorithms,
    refusal: Mutex<Option<Untrusted>>,
    /// The key that was seen, where none was known before.
    first: Mutex<Option<Fingerprint>>,
}

#[derive(Debug)]
enum Rule {
    Authorities(Arc<WebPkiServerVerifier>),
    Key(Fingerprint),
    /// Whatever it is, as long as it can be named.
    First,
}

impl Judge {
    /// By the name, and by authorities.
    pub(crate) fn by_authorities(host: &str, roots: Arc<RootCertStore>) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self::new(host, Rule::Authorities(verifier)))
    }

    /// By the key alone.
    pub(crate) fn by_key(host: &str, key: Fingerprint) -> Self {
        Self::new(host, Rule::Key(key))
    }

    /// By nothing: this is the first time, and what is seen is kept.
    pub(crate) fn by_first_use(host: &str) -> Self {
        Self::new(host, Rule::First)
    }

    fn new(host: &str, rule: Rule) -> Self {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        Self { rule, host: host.to_owned(), algorithms, refusal: Mutex::default(), first: Mutex::default() }
    }

    /// Why the certificate was not believed, if it came to that.
    pub(crate) fn refusal(&self) -> Option<Untrusted> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The key that was seen at a first use.
    pub(crate) fn seen(&self) -> Option<Fingerprint> {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(
        &self,
        chain: (&CertificateDer<'_>, &[CertificateDer<'_>]),
        name: &ServerName<'_>,
        (ocsp, now): (&[u8], UnixTime),
    ) -> Result<(), (CertificateFault, Error)> {
        match &self.rule {
            Rule::Authorities(verifier) => verifier
                .verify_server_cert(chain.0, chain.1, name, ocsp, now)
                .map(|_| ())
                .map_err(|error| (fault(&error), error)),
            Rule::First => {
                let seen = fingerprint(chain.0);
                *self.first.lock().unwrap_or_else(PoisonError::into_inner) = seen;
                let unreadable = || {
                    let error = Error::InvalidCertificate(CertificateError::BadEncoding);
                    (fault(&error), error)
                };
                seen.map(|_| ()).ok_or_else(unreadable)
            }
            Rule::Key(expected) if fingerprint(chain.0) == Some(*expected) => Ok(()),
            Rule::Key(expected) => Err((
                CertificateFault::Changed { expected: *expected },
                Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure),
            )),
        }
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge((end_entity, intermediates), server_name, (ocsp_response, now)).map_err(
            |(fault, error)| {
                let presented = fingerprint(end_entity);
                let refusal = Untrusted { host: self.host.clone(), fault, presented };
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                error
            },
        )?;
        Ok(ServerCertVerified::assertion())
    }

    // Whoever presents a certificate must hold its key, whatever the rule: else a pin would be a name anybody may say.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A name of a certificate as people write it; rustls tells it as `DnsName("pbx.example")` or `IpAddress(192.0.2.1)`.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"')).to_owned()
}

fn fault(error: &Error) -> CertificateFault {
    use CertificateError as Wrong;
    let Error::InvalidCertificate(wrong) = error else {
        return CertificateFault::Unusable { detail: error.to_string() };
    };
    match wrong {
        // A signature that is none of the authority's: somebody else bears its name.
        Wrong::UnknownIssuer | Wrong::BadSignature => CertificateFault::UnknownIssuer,
        Wrong::NotValidForNameContext { presented, .. } => CertificateFault::WrongName {
            names: presented.iter().take(MOST_NAMES).map(|name| bare(name)).collect(),
        },
        Wrong::NotValidForName => CertificateFault::WrongName { names: Vec::new() },
        Wrong::Expired | Wrong::ExpiredContext { .. } => CertificateFault::Expired,
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => CertificateFault::NotYetValid,
        // One that signs itself and calls itself an authority: nobody else vouches for it, which is what matters here.
        Wrong::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            CertificateFault::UnknownIssuer
        }
        other => CertificateFault::Unusable { detail: other.to_string() },
    }
}
