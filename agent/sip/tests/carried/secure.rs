//! TLS on real sockets of the loopback: whose certificate is taken, what a secure account says of itself, and that
//! nothing falls from it to a plain transport.

use crate::peer::{ACCOUNT, Authority, Certified, Phone, TlsLine, ok, within};
use agent_core::{
    certificate::{CertificateFault, CertificateRule, Fingerprint},
    id::CallId,
    party::Sdp,
    port::sip::{Registration, RegistrationProblem, SipCommand, SipEvent},
    settings::AccountSettings,
};
use agent_sip::message::{Method, StreamItem};
use tokio::net::{TcpListener, UdpSocket};

fn invite(target: &str) -> SipCommand {
    let offer = Sdp(b"offer".to_vec());
    SipCommand::Invite { call: CallId(2), account: ACCOUNT, target: target.into(), offer, withhold: false }
}

#[tokio::test]
async fn a_registrar_that_proves_its_name_is_registered_at_and_called_over() {
    let authority = Authority::new();
    let mut phone = Phone::trusting(&authority).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // The registrar is an address: it is the account's domain that it has to prove.
    phone.register("sip:1001@pbx.example", &format!("sip:{address};transport=tls"));
    let acceptor = authority.acceptor(&["pbx.example"]);
    let mut line = TlsLine::accept(&listener, &acceptor).await.unwrap();
    let request = line.request().await;
    assert_eq!(request.headers.via().unwrap().transport.to_string(), "TLS");
    let contact = request.headers.contact().unwrap().uri.to_string();
    assert!(contact.ends_with(&format!("@{};transport=tls", line.peer)), "{contact}");
    line.send(&ok(&request, line.peer)).await;
    phone.registered().await;

    phone.sip.send(invite("sips:600@pbx.example"));
    let invite = line.request().await;
    assert_eq!(
        (invite.method.clone(), invite.uri.to_string()),
        (Method::Invite, "sips:600@pbx.example".into())
    );
    let contact = invite.headers.contact().unwrap().uri.to_string();
    assert!(contact.starts_with("sips:") && !contact.contains("transport"), "RFC 3261 8.1.1.8: {contact}");
    let mut busy = ok(&invite, line.peer);
    busy.status = 486;
    line.send(&busy).await;
    assert_eq!(line.request().await.method, Method::Ack);
    line.write(b"\r\n\r\n").await;
    assert_eq!(line.item().await, StreamItem::Pong);

    drop(line);
    let mut line = TlsLine::accept(&listener, &acceptor).await.unwrap();
    let request = line.request().await;
    assert_eq!(request.method, Method::Register);
    line.send(&ok(&request, line.peer)).await;
    phone.registered().await;
    let rows = phone.rows();
    assert!(rows.iter().all(|row| row.scheme == "tls" && row.port == address.port()), "{rows:#?}");
    assert_eq!(rows.len(), 2, "each connection has its row");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_no_plain_road_is_taken() {
    let authority = Authority::new();
    let mut phone = Phone::trusting(&authority).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let plain = UdpSocket::bind(address).await.unwrap();
    phone.register("sip:1001@pbx.example", &format!("sips:{address}"));
    let acceptor = authority.acceptor(&["other.example"]);
    let refused = tokio::spawn(async move {
        // Every connection that comes: each has to be refused in the handshake.
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            assert!(acceptor.accept(stream).await.is_err(), "it was trusted");
        }
    });
    let state = phone.state(|state| matches!(state, Registration::Failed { .. })).await;
    let Registration::Failed { reason, retry_ms: Some(_) } = state else { panic!("{state:?}") };
    let RegistrationProblem::Certificate(untrusted) = reason else { panic!("{reason:?}") };
    let names = vec!["other.example".to_owned()];
    assert_eq!(
        (untrusted.host.as_str(), untrusted.fault),
        ("pbx.example", CertificateFault::WrongName { names })
    );
    phone.sip.send(invite("sips:600@pbx.example"));
    loop {
        if let SipEvent::Ended { .. } = phone.event().await {
            break;
        }
    }
    refused.abort();
    let mut buffer = [0; 16];
    assert!(plain.try_recv(&mut buffer).is_err(), "something went out in the clear");
    assert!(phone.rows().iter().all(|row| row.scheme == "tls"));
}

#[tokio::test]
async fn two_names_at_one_address_are_two_connections() {
    let authority = Authority::new();
    let phone = Phone::trusting(&authority).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registrar = format!("sip:{};transport=tls", listener.local_addr().unwrap());
    let acceptor = authority.acceptor(&["a.example", "b.example"]);
    phone.register_as(0, "sip:1@a.example", &registrar);
    let mut first = within(TlsLine::accept(&listener, &acceptor)).await.unwrap();
    let request = first.request().await;
    assert_eq!(request.uri.to_string(), "sip:a.example");
    first.send(&ok(&request, first.peer)).await;
    phone.register_as(1, "sip:1@b.example", &registrar);
    let mut second = within(TlsLine::accept(&listener, &acceptor)).await.unwrap();
    assert_eq!(second.request().await.uri.to_string(), "sip:b.example");
    // The same name shares its connection.
    phone.register_as(2, "sip:2@a.example", &registrar);
    assert_eq!(first.request().await.headers.to().unwrap().uri.to_string(), "sip:2@a.example");
}

/// What becomes of a registration with these settings at a PBX with this certificate: `None` when it registers.
async fn verdict(
    certified: &Certified,
    trusted: &Authority,
    set: impl FnOnce(&mut AccountSettings),
) -> Option<CertificateFault> {
    let mut phone = Phone::trusting(trusted).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registrar = format!("sips:{}", listener.local_addr().unwrap());
    let mut settings = AccountSettings {
        aor: "sip:1001@pbx.example".to_owned(),
        registrar: Some(registrar),
        ..AccountSettings::default()
    };
    set(&mut settings);
    phone.register_with(0, settings);
    let acceptor = certified.acceptor();
    let server = tokio::spawn(async move {
        let mut line = TlsLine::accept(&listener, &acceptor).await?;
        let request = line.request().await;
        line.send(&ok(&request, line.peer)).await;
        Ok::<_, std::io::Error>(line)
    });
    let told = |state: &Registration| matches!(state, Registration::Registered | Registration::Failed { .. });
    let state = phone.state(told).await;
    let open = server.await.unwrap();
    match state {
        Registration::Registered => None,
        Registration::Failed { reason: RegistrationProblem::Certificate(untrusted), .. } => {
            assert!(open.is_err(), "something was sent");
            assert_eq!(untrusted.presented, Some(certified.fingerprint()));
            Some(untrusted.fault)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_is_believed_by_the_rule_of_its_account() {
    let (ours, other) = (Authority::new(), Authority::new());
    let good = Certified::by(Some(&ours), &["pbx.example"], (-1, 1));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, ours.pem()).unwrap();
    let pin = |key| move |settings: &mut AccountSettings| settings.certificate = CertificateRule::Pin(key);
    let usual = |_: &mut AccountSettings| {};

    assert_eq!(verdict(&good, &ours, usual).await, None);
    assert_eq!(verdict(&good, &other, usual).await, Some(CertificateFault::UnknownIssuer));
    let ca = |settings: &mut AccountSettings| settings.ca = Some(file.to_str().unwrap().to_owned());
    assert_eq!(verdict(&good, &other, ca).await, None, "the account's own authority");

    let past = Certified::by(Some(&ours), &["pbx.example"], (-3, -2));
    assert_eq!(verdict(&past, &ours, usual).await, Some(CertificateFault::Expired));
    let early = Certified::by(Some(&ours), &["pbx.example"], (2, 3));
    assert_eq!(verdict(&early, &ours, usual).await, Some(CertificateFault::NotYetValid));
    let alone = Certified::by(None, &["pbx.example"], (-1, 1));
    assert_eq!(verdict(&alone, &ours, usual).await, Some(CertificateFault::UnknownIssuer));

    // A key that is named is believed whatever stands around it, and no other is.
    assert_eq!(verdict(&alone, &ours, pin(alone.fingerprint())).await, None);
    assert_eq!(verdict(&past, &other, pin(past.fingerprint())).await, None);
    let expected = alone.fingerprint();
    assert_eq!(verdict(&good, &ours, pin(expected)).await, Some(CertificateFault::Changed { expected }));

    // An address is proven by an address.
    let address = Certified::by(Some(&ours), &["127.0.0.1"], (-1, 1));
    let numeric = |settings: &mut AccountSettings| settings.aor = "sip:1001@127.0.0.1".to_owned();
    assert_eq!(verdict(&address, &ours, numeric).await, None);
    let names = vec!["127.0.0.1".to_owned()];
    assert_eq!(verdict(&address, &ours, usual).await, Some(CertificateFault::WrongName { names }));
    let names = vec!["pbx.example".to_owned()];
    assert_eq!(verdict(&good, &ours, numeric).await, Some(CertificateFault::WrongName { names }));
    assert_ne!(Fingerprint([0; 32]), good.fingerprint());
}

#[tokio::test]
async fn who_is_called_securely_is_reached_over_ipv6() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        println!("skipped: this machine has no IPv6");
        return;
    };
    let authority = Authority::new();
    let mut phone = Phone::trusting(&authority).await;
    let address = listener.local_addr().unwrap();
    phone.register("sip:1001@[::1]", &format!("sips:{address}"));
    let mut line = TlsLine::accept(&listener, &authority.acceptor(&["::1"])).await.unwrap();
    let request = line.request().await;
    assert_eq!(request.headers.via().unwrap().host.ip(), Some("::1".parse().unwrap()));
    let contact = request.headers.contact().unwrap().uri.to_string();
    assert!(contact.contains("@[::1]:") && contact.ends_with(";transport=tls"), "{contact}");
    line.send(&ok(&request, line.peer)).await;
    phone.registered().await;
}
