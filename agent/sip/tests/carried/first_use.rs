//! Trust on first use: the key seen first is kept, another one is met with silence, and a check that cannot be made is none.

use crate::peer::{Certified, Phone, TlsLine, ok, within};
use agent_core::{
    certificate::{CertificateFault, CertificateRule, Fingerprint},
    port::sip::{Registration, RegistrationProblem},
    settings::AccountSettings,
};
use agent_net::{NetConfig, Pins};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

/// Keys in memory.
#[derive(Debug, Default)]
struct Kept {
    keys: Mutex<BTreeMap<String, Fingerprint>>,
    /// Why none can be read or written.
    broken: Option<&'static str>,
    /// Who is always first.
    rival: Option<Fingerprint>,
}

impl Pins for Kept {
    fn known(&self, name: &str) -> Result<Option<Fingerprint>, String> {
        self.broken.map_or(Ok(()), |why| Err(why.to_owned()))?;
        Ok(self.keys.lock().unwrap().get(name).copied())
    }

    fn keep_first(&self, name: &str, key: Fingerprint) -> Result<Fingerprint, String> {
        Ok(*self.keys.lock().unwrap().entry(name.to_owned()).or_insert(self.rival.unwrap_or(key)))
    }
}

/// How a registration at a PBX with this certificate goes, and whether anything was sent there.
async fn meets(certified: &Certified, kept: Option<&Arc<Kept>>) -> (Registration, bool) {
    let pins = kept.map(|kept| kept.clone() as Arc<dyn Pins>);
    let mut phone = Phone::with(NetConfig { pins, ..NetConfig::default() }).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registrar = format!("sips:{}", listener.local_addr().unwrap());
    phone.register_with(
        0,
        AccountSettings {
            aor: "sip:1001@pbx.example".to_owned(),
            registrar: Some(registrar),
            certificate: CertificateRule::FirstUse,
            ..AccountSettings::default()
        },
    );
    let acceptor = certified.acceptor();
    let server = tokio::spawn(async move {
        let Ok(mut line) = TlsLine::accept(&listener, &acceptor).await else { return false };
        let Some(request) = line.request_if_any().await else { return false };
        line.send(&ok(&request, line.peer)).await;
        true
    });
    let told = |state: &Registration| matches!(state, Registration::Registered | Registration::Failed { .. });
    let state = within(phone.state(told)).await;
    drop(phone);
    (state, within(server).await.unwrap())
}

#[tokio::test]
async fn the_first_key_is_kept_and_another_is_told_nothing() {
    // Self-signed, for another name, out of date: none of it counts, but the key does.
    let first = Certified::by(None, &["other.example"], (-3, -2));
    let second = Certified::by(None, &["pbx.example"], (-1, 1));
    let kept = Arc::new(Kept::default());
    assert_eq!(meets(&first, Some(&kept)).await, (Registration::Registered, true));
    assert_eq!(kept.keys.lock().unwrap().get("pbx.example"), Some(&first.fingerprint()));
    assert_eq!(meets(&first, Some(&kept)).await, (Registration::Registered, true));
    let (state, sent) = meets(&second, Some(&kept)).await;
    assert!(!sent, "not a byte of SIP");
    let Registration::Failed { reason: RegistrationProblem::Certificate(untrusted), .. } = state else {
        panic!("{state:?}")
    };
    assert_eq!(untrusted.fault, CertificateFault::Changed { expected: first.fingerprint() });
    assert_eq!((untrusted.host.as_str(), untrusted.presented), ("pbx.example", Some(second.fingerprint())));
    // Seen by the user and believed.
    kept.keys.lock().unwrap().insert("pbx.example".to_owned(), second.fingerprint());
    assert_eq!(meets(&second, Some(&kept)).await, (Registration::Registered, true));
}

#[tokio::test]
async fn where_no_key_can_be_kept_nobody_is_believed() {
    let certified = Certified::by(None, &["pbx.example"], (-1, 1));
    let broken = Arc::new(Kept { broken: Some("the disk is gone"), ..Kept::default() });
    for (kept, says) in [(Some(&broken), "the disk is gone"), (None, "no place to keep")] {
        let (state, sent) = meets(&certified, kept).await;
        assert!(!sent);
        let Registration::Failed { reason: RegistrationProblem::Unreachable { detail }, .. } = state else {
            panic!("{state:?}")
        };
        assert!(detail.contains(says), "{detail}");
    }
}

#[tokio::test]
async fn of_two_that_are_first_at_once_one_is() {
    let certified = Certified::by(None, &["pbx.example"], (-1, 1));
    let rival = Fingerprint([7; 32]);
    let kept = Arc::new(Kept { rival: Some(rival), ..Kept::default() });
    let (state, sent) = meets(&certified, Some(&kept)).await;
    assert!(!sent);
    let Registration::Failed { reason: RegistrationProblem::Certificate(untrusted), .. } = state else {
        panic!("{state:?}")
    };
    assert_eq!(untrusted.fault, CertificateFault::Changed { expected: rival });
}
