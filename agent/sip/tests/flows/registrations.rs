//! Registrations (RFC 3261 section 10, digest by RFC 7616 and 8760), and how they come back when something breaks.

use crate::{
    registrar::Registrar,
    script::{ACCOUNT, answer, calling, clean, event, expect, register, registered},
    world::{Who, World},
};
use agent_core::{
    port::sip::{Registration, RegistrationProblem, SipCommand, SipEvent},
    secret::Secret,
};
use agent_sip::{
    auth::Algorithm,
    config::Config,
    flow::Transport,
    message::{Contacts, Method, NameAddr, Request, name},
};
use std::time::Duration;

fn state(world: &mut World, phone: Who) -> Registration {
    loop {
        if let SipEvent::Registration { state, .. } = world.event(phone) {
            return state;
        }
    }
}

fn contacts(request: &Request) -> Vec<NameAddr> {
    match request.headers.contacts() {
        Ok(Contacts::List(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn expires(request: &Request) -> u32 {
    request.headers.expires().expect("Expires")
}

#[test]
fn a_digest_of_every_kind_registers() {
    for algorithms in [
        &[Algorithm::Md5][..],
        &[Algorithm::Sha256],
        &[Algorithm::Sha256, Algorithm::Md5],
        &[Algorithm::Md5, Algorithm::Sha256],
    ] {
        let mut world = World::new(1);
        let mut registrar = Registrar::new(&mut world, algorithms);
        let phone = world.phone("192.0.2.1", Config::default());
        register(&mut world, phone, None);
        assert_eq!(state(&mut world, phone), Registration::Connecting);
        event(&mut world, phone, "Address { account: AccountId(0), local: 192.0.2.1 }");
        let (first, status) = registrar.serve(&mut world);
        assert_eq!((status, first.uri.to_string().as_str()), (401, "sip:pbx.example"));
        assert_eq!(
            first.headers.get(name::FROM).unwrap().to_text().split(";tag").next(),
            Some("<sip:1001@pbx.example>")
        );
        let (second, status) = registrar.serve(&mut world);
        assert_eq!(status, 200, "{algorithms:?}");
        assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
        assert_eq!(second.headers.call_id().unwrap(), first.headers.call_id().unwrap());
        assert_eq!(state(&mut world, phone), Registration::Registered);
        let contact = &contacts(&second)[0];
        assert_ne!(contact.uri.user_text().unwrap(), "1001", "a stranger must not guess our Contact");
    }
}

#[test]
fn it_refreshes_well_before_the_interval_ends_and_reuses_the_nonce() {
    let mut world = World::new(2);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Sha256]);
    registrar.grants = 60;
    let phone = world.phone("192.0.2.1", Config { keep_alive: Duration::ZERO, ..Config::default() });
    register(&mut world, phone, None);
    registrar.serve_through(&mut world);
    world.settle();
    let begin = world.clock();
    let (refresh, status) = registrar.serve(&mut world);
    assert_eq!((world.clock() - begin).as_secs(), 30);
    assert_eq!(status, 200, "the nonce is still good");
    assert!(
        refresh.headers.get(name::AUTHORIZATION).unwrap().to_text().contains("nc=00000002"),
        "RFC 7616 section 3.4"
    );
    // An hour later it has refreshed and refreshed, through stale nonces, and was never anything but registered.
    world.events(phone).clear();
    let end = world.clock() + Duration::from_secs(3600);
    while world.clock() < end {
        registrar.serve(&mut world);
    }
    world.settle();
    assert!(world.events(phone).is_empty(), "{:?}", world.events(phone));
}

#[test]
fn the_interval_granted_counts_wherever_it_is_written() {
    for (contact_expires, header, refresh) in
        [(Some(40), None, 20), (None, Some("40"), 20), (None, None, 60), (Some(1200), Some("40"), 960)]
    {
        let mut world = World::new(3);
        let pbx = world.script("192.0.2.10");
        let phone = world.phone("192.0.2.1", Config { keep_alive: Duration::ZERO, ..Config::default() });
        register(&mut world, phone, None);
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let ours = contacts(&request)[0].uri.to_string();
        let ours =
            contact_expires.map_or(format!("<{ours}>"), |seconds| format!("<{ours}>;expires={seconds}"));
        let mut lines = vec![("Contact", "<sip:other@192.0.2.77>;expires=3"), ("Contact", ours.as_str())];
        lines.extend(header.map(|seconds| ("Expires", seconds)));
        answer(&mut world, &letter, 200, &lines, "");
        world.settle();
        let begin = world.clock();
        expect(&mut world, pbx, Method::Register);
        assert_eq!((world.clock() - begin).as_secs(), refresh, "RFC 3261 section 10.2.4");
    }
}

#[test]
fn it_is_never_registered_outside_of_a_confirmed_interval() {
    let mut world = World::new(4);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Md5]);
    registrar.grants = 20;
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    registrar.serve_through(&mut world);
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert_eq!(state(&mut world, phone), Registration::Registered);
    let begin = world.clock();
    world.silent.insert("192.0.2.10".parse().unwrap());
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert_eq!((world.clock() - begin).as_secs(), 20);
    let Registration::Failed { reason: RegistrationProblem::Silent, retry_ms: Some(retry) } =
        state(&mut world, phone)
    else {
        panic!("not silent")
    };
    assert_eq!((world.clock() - begin).as_secs(), 10 + 32, "refresh at half, Timer F after it");
    assert!((2500..=5000).contains(&retry), "{retry}");
    world.silent.clear();
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    registrar.serve_through(&mut world);
    assert_eq!(state(&mut world, phone), Registration::Registered, "recovered by itself");
}

/// The wait for the next try, in milliseconds, of a registration that failed over its password.
fn refused_for(world: &mut World, phone: Who) -> u64 {
    match state(world, phone) {
        Registration::Failed { reason: RegistrationProblem::WrongPassword, retry_ms: Some(wait) } => wait,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_password_that_never_served_is_tried_again_once_in_half_an_hour() {
    const LEAST: u64 = 15 * 60 * 1000;
    for forbidden in [false, true] {
        let mut world = World::new(5);
        let mut registrar = Registrar::new(&mut world, &[Algorithm::Sha256]);
        registrar.password = "another";
        let phone = world.phone("192.0.2.1", Config::default());
        register(&mut world, phone, None);
        for _ in 0..3 {
            // The nonce of the try before is long gone: each begins with a challenge of its own.
            let (first, _) = registrar.serve(&mut world);
            assert!(!first.headers.has(name::AUTHORIZATION), "{first:?}");
            if forbidden {
                let (letter, _) = expect(&mut world, registrar.who(), Method::Register);
                answer(&mut world, &letter, 403, &[], "");
            } else {
                registrar.serve(&mut world);
            }
            assert_eq!(state(&mut world, phone), Registration::Connecting);
            let wait = refused_for(&mut world, phone);
            assert!((LEAST..=2 * LEAST).contains(&wait), "{wait}");
            world.pass(Duration::from_millis(wait - 1000));
            assert!(world.inbox(registrar.who()).is_empty(), "accounts are locked by tries");
        }
        // The user database of the PBX is there again: nobody has to do anything.
        registrar.password = "secret";
        registrar.serve_through(&mut world);
        assert_eq!(state(&mut world, phone), Registration::Connecting);
        assert_eq!(state(&mut world, phone), Registration::Registered);
    }
}

#[test]
fn a_new_password_does_not_wait_for_the_old_ones_turn() {
    let mut world = World::new(24);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Sha256]);
    registrar.password = "another";
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    registrar.serve(&mut world);
    registrar.serve(&mut world);
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    refused_for(&mut world, phone);
    registrar.password = "secret";
    let begin = world.clock();
    register(&mut world, phone, None);
    registrar.serve_through(&mut world);
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert_eq!(state(&mut world, phone), Registration::Registered);
    assert!(world.clock() - begin < Duration::from_secs(1));
}

#[test]
fn a_way_of_signing_in_that_nobody_knows_is_named() {
    for challenge in
        ["Basic realm=\"pbx.example\"", "Digest realm=\"pbx.example\", nonce=\"1\", algorithm=SHA-1"]
    {
        let mut world = World::new(23);
        let pbx = world.script("192.0.2.10");
        let phone = world.phone("192.0.2.1", Config::default());
        register(&mut world, phone, None);
        let (letter, _) = expect(&mut world, pbx, Method::Register);
        answer(&mut world, &letter, 401, &[("WWW-Authenticate", challenge)], "");
        assert_eq!(state(&mut world, phone), Registration::Connecting);
        let Registration::Failed { reason, retry_ms: Some(_) } = state(&mut world, phone) else {
            panic!("{challenge}: given up, though the PBX may be set right")
        };
        assert_eq!(reason, RegistrationProblem::NoCommonAuthentication, "{challenge}");
    }
}

#[test]
fn a_registrar_that_asks_for_less_than_before_gets_nothing() {
    let mut world = World::new(20);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Sha256]);
    registrar.grants = 60;
    let phone = world.phone("192.0.2.1", Config { keep_alive: Duration::ZERO, ..Config::default() });
    register(&mut world, phone, None);
    registrar.serve_through(&mut world);
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert_eq!(state(&mut world, phone), Registration::Registered);
    let (letter, request) = expect(&mut world, registrar.who(), Method::Register);
    let said =
        request.headers.get("Authorization").expect("what it is asked for ahead").to_text().into_owned();
    let realm = said.split("realm=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a realm");
    let weak = format!("Digest realm=\"{realm}\", nonce=\"theirs\", algorithm=MD5");
    answer(&mut world, &letter, 401, &[("WWW-Authenticate", &weak)], "");
    let Registration::Failed { reason, retry_ms: Some(_) } = state(&mut world, phone) else {
        panic!("given up")
    };
    assert_eq!(reason, RegistrationProblem::WeakerAuthentication);
    // And when it asks as before, all is as before.
    registrar.serve_through(&mut world);
    let mut shown = state(&mut world, phone);
    if shown == Registration::Connecting {
        shown = state(&mut world, phone);
    }
    assert_eq!(shown, Registration::Registered);
}

#[test]
fn a_password_that_served_is_tried_again_when_the_pbx_has_a_bad_day() {
    // A 403 to credentials, and challenges without end: both are what a PBX says whose user database is away.
    for forbidden in [true, false] {
        let mut world = World::new(19);
        let mut registrar = Registrar::new(&mut world, &[Algorithm::Sha256]);
        registrar.grants = 60;
        let phone = world.phone("192.0.2.1", Config { keep_alive: Duration::ZERO, ..Config::default() });
        register(&mut world, phone, None);
        registrar.serve_through(&mut world);
        assert_eq!(state(&mut world, phone), Registration::Connecting);
        assert_eq!(state(&mut world, phone), Registration::Registered);
        if forbidden {
            let (letter, _) = expect(&mut world, registrar.who(), Method::Register);
            answer(&mut world, &letter, 403, &[], "");
        } else {
            registrar.password = "another";
            registrar.serve(&mut world);
            registrar.serve(&mut world);
            registrar.password = "secret";
        }
        let Registration::Failed { reason, retry_ms: Some(retry) } = state(&mut world, phone) else {
            panic!("given up")
        };
        if forbidden {
            let refused = RegistrationProblem::Forbidden { phrase: "Forbidden".to_owned() };
            assert_eq!(reason, refused, "the PBX's own words, not the password's fault");
        } else {
            assert_eq!(reason, RegistrationProblem::WrongPassword);
            assert!((150_000..=300_000).contains(&retry), "accounts are locked by tries: {retry}");
        }
        registrar.serve_through(&mut world);
        // While the old binding still holds, a second try is none to worry anybody about.
        let mut shown = state(&mut world, phone);
        if shown == Registration::Connecting {
            shown = state(&mut world, phone);
        }
        assert_eq!(shown, Registration::Registered, "recovered by itself");
    }
}

#[test]
fn a_new_password_is_not_judged_by_the_answer_to_the_old_one() {
    let mut world = World::new(18);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Sha256]);
    let phone = world.phone("192.0.2.1", Config::default());
    let settings = crate::script::settings(None);
    let password = Secret::new("old".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings, password });
    registrar.serve(&mut world);
    let (letter, _) = expect(&mut world, registrar.who(), Method::Register);
    register(&mut world, phone, None);
    answer(&mut world, &letter, 403, &[], "");
    registrar.serve_through(&mut world);
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert_eq!(state(&mut world, phone), Registration::Registered);
}

#[test]
fn without_a_password_it_says_so() {
    let mut world = World::new(6);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Md5]);
    let phone = world.phone("192.0.2.1", Config::default());
    let settings = crate::script::settings(None);
    world.command(
        phone,
        SipCommand::Register { account: ACCOUNT, settings, password: Secret::new(String::new()) },
    );
    registrar.serve(&mut world);
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    let failed = Registration::Failed { reason: RegistrationProblem::NoPassword, retry_ms: None };
    assert_eq!(state(&mut world, phone), failed);
}

#[test]
fn too_brief_an_interval_is_asked_for_longer() {
    let mut world = World::new(7);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    assert_eq!(expires(&request), 120);
    answer(&mut world, &letter, 423, &[("Min-Expires", "1800")], "");
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    assert_eq!(expires(&request), 1800, "RFC 3261 section 10.3");
    answer(&mut world, &letter, 423, &[("Min-Expires", "1000")], "");
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    let Registration::Failed { reason: RegistrationProblem::Refused { status: 423, .. }, .. } =
        state(&mut world, phone)
    else {
        panic!("a registrar that contradicts itself is not followed for ever")
    };
}

#[test]
fn refusals_are_told_and_retry_after_is_honoured() {
    let mut world = World::new(8);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    answer(&mut world, &letter, 503, &[("Retry-After", "77")], "");
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    let reason = RegistrationProblem::Refused { status: 503, phrase: "Service Unavailable".to_owned() };
    assert_eq!(state(&mut world, phone), Registration::Failed { reason, retry_ms: Some(77_000) });
    let begin = world.clock();
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    assert_eq!((world.clock() - begin).as_secs(), 77);
    answer(&mut world, &letter, 302, &[("Contact", "<sip:elsewhere>")], "");
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    let Registration::Failed { reason: RegistrationProblem::Refused { status: 302, .. }, .. } =
        state(&mut world, phone)
    else {
        panic!("redirections are not followed")
    };
    // 403 before any password was sent is not about the password.
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    answer(&mut world, &letter, 403, &[], "");
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    let Registration::Failed { reason: RegistrationProblem::Refused { status: 403, .. }, .. } =
        state(&mut world, phone)
    else {
        panic!("403")
    };
}

#[test]
fn failures_are_tried_again_ever_less_often() {
    let mut world = World::new(9);
    let pbx = world.script("192.0.2.10");
    world.dead.insert("192.0.2.10".parse().unwrap());
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    let mut waits = Vec::new();
    while waits.len() < 9 {
        if let Registration::Failed { reason, retry_ms } = state(&mut world, phone) {
            assert_eq!(reason, RegistrationProblem::Unreachable { detail: "Connection refused".to_owned() });
            waits.push(retry_ms.unwrap());
        }
    }
    for (wait, most) in waits.iter().zip([5, 10, 20, 40, 80, 160, 300, 300, 300]) {
        assert!((most * 500..=most * 1000).contains(wait), "RFC 5626 section 4.5: {waits:?}");
    }
    world.dead.clear();
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let contact = request.headers.get("Contact").expect("a Contact").to_string();
    answer(&mut world, &letter, 200, &[("Contact", &contact)], "");
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert_eq!(state(&mut world, phone), Registration::Registered);
}

#[test]
fn a_name_that_is_not_found_is_unreachable() {
    let mut world = World::new(10);
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, Some("sip:nowhere.example"));
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    let Registration::Failed { reason: RegistrationProblem::Unreachable { detail }, retry_ms: Some(_) } =
        state(&mut world, phone)
    else {
        panic!("reachable")
    };
    assert!(detail.contains("nowhere.example"));
    register(&mut world, phone, Some("sip:x;transport=carrier-pigeon"));
    let Registration::Failed { reason: RegistrationProblem::Unreachable { detail }, retry_ms: None } =
        state(&mut world, phone)
    else {
        panic!("reachable")
    };
    assert!(detail.contains("transport"), "{detail}");
}

#[test]
fn behind_a_router_the_contact_is_what_the_registrar_sees() {
    let mut world = World::new(11);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Md5]);
    world.seen_as.insert("192.0.2.1:5060".parse().unwrap(), "203.0.113.5:31000".parse().unwrap());
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    let (first, _) = registrar.serve(&mut world);
    assert!(contacts(&first)[0].uri.to_string().ends_with("@192.0.2.1:5060"));
    let (second, status) = registrar.serve(&mut world);
    assert_eq!(status, 200);
    assert!(
        contacts(&second)[0].uri.to_string().ends_with("@203.0.113.5:31000"),
        "learnt from the challenge, RFC 3581"
    );
    assert_eq!(contacts(&second).len(), 1);
    world.settle();
    // The router forgets and maps anew: the next refresh learns it, and takes the old binding away.
    world.seen_as.insert("192.0.2.1:5060".parse().unwrap(), "203.0.113.5:32000".parse().unwrap());
    let (refresh, status) = registrar.serve(&mut world);
    assert!(contacts(&refresh)[0].uri.to_string().ends_with(":31000"));
    assert_eq!(status, 401, "the nonce is old by now");
    let corrected = registrar.serve_through(&mut world);
    let list = contacts(&corrected);
    assert!(list[0].uri.to_string().ends_with(":32000"));
    assert!(list[1].uri.to_string().ends_with(":31000"));
    assert_eq!(list[1].params.get("expires"), Some(&b"0"[..]));
}

#[test]
fn a_registrar_that_restarts_is_noticed_and_registered_with_again() {
    let mut world = World::new(12);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Md5]);
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    registrar.serve_through(&mut world);
    world.settle();
    world.events(phone).clear();
    world.pass(Duration::from_secs(60));
    assert!(world.questions >= 2, "RFC 5626 section 4.4");
    world.dead.insert("192.0.2.10".parse().unwrap());
    let begin = world.clock();
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert!((world.clock() - begin).as_secs() <= 29, "the keep-alive is refused");
    world.pass(Duration::from_secs(10));
    world.dead.clear();
    registrar.serve_through(&mut world);
    world.settle();
    assert_eq!(
        world.events(phone).back(),
        Some(&SipEvent::Registration { account: ACCOUNT, state: Registration::Registered })
    );
}

#[test]
fn a_lost_connection_is_opened_anew_at_once() {
    let mut world = World::new(13);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Md5]);
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, Some("sip:pbx.example;transport=tcp"));
    let request = registrar.serve_through(&mut world);
    let contact = contacts(&request)[0].uri.clone();
    assert_eq!(contact.as_sip().unwrap().param("transport").as_deref(), Some(&b"tcp"[..]));
    world.settle();
    world.events(phone).clear();
    let port = contact.as_sip().unwrap().port.unwrap();
    let flow = agent_sip::flow::Flow {
        transport: Transport::Tcp,
        local: format!("192.0.2.1:{port}").parse().unwrap(),
        peer: "192.0.2.10:5060".parse().unwrap(),
    };
    let closed = || agent_sip::endpoint::Input::Closed { flow, detail: "the peer closed it".to_owned() };
    let begin = world.clock();
    world.input(phone, closed());
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    let again = registrar.serve_through(&mut world);
    assert!((world.clock() - begin).as_millis() <= 250);
    assert_ne!(contacts(&again)[0].uri, contact, "another connection, another Contact");
    assert_eq!(state(&mut world, phone), Registration::Registered);
    // A registrar that accepts and closes, again and again, is met ever less often.
    world.input(phone, closed());
    let Registration::Failed { reason: RegistrationProblem::Unreachable { detail }, retry_ms: Some(wait) } =
        state(&mut world, phone)
    else {
        panic!("at once again")
    };
    assert_eq!(detail, "the peer closed it");
    assert!(wait >= 2500);
}

#[test]
fn leaving_takes_the_binding_away() {
    let mut world = World::new(14);
    let mut registrar = Registrar::new(&mut world, &[Algorithm::Sha256]);
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    let bound = registrar.serve_through(&mut world);
    world.settle();
    world.events(phone).clear();
    world.command(phone, SipCommand::Unregister { account: ACCOUNT });
    let request = registrar.serve_through(&mut world);
    assert_eq!(contacts(&request)[0].uri, contacts(&bound)[0].uri);
    assert_eq!((contacts(&request)[0].params.get("expires"), expires(&request)), (Some(&b"0"[..]), 0));
    assert_eq!(state(&mut world, phone), Registration::Unregistered);
    clean(&mut world, phone);
    assert!(world.inbox(registrar.who()).is_empty());
}

#[test]
fn leaving_while_registering_waits_for_the_answer() {
    let mut world = World::new(15);
    let (pbx, phone) = (world.script("192.0.2.10"), world.phone("192.0.2.1", Config::default()));
    register(&mut world, phone, None);
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    world.command(phone, SipCommand::Unregister { account: ACCOUNT });
    world.settle();
    assert!(world.inbox(pbx).is_empty(), "RFC 3261 section 10.2: one REGISTER at a time");
    let contact = request.headers.get(name::CONTACT).unwrap().to_string();
    answer(&mut world, &letter, 200, &[("Contact", &contact)], "");
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    assert_eq!(expires(&request), 0);
    answer(&mut world, &letter, 200, &[], "");
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert_eq!(state(&mut world, phone), Registration::Unregistered);
}

#[test]
fn other_settings_replace_the_old_binding() {
    let mut world = World::new(16);
    let (phone, pbx) = registered(&mut world);
    let mut settings = crate::script::settings(None);
    settings.aor = "sip:1002@pbx.example".to_owned();
    let password = Secret::new("secret".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings, password });
    let (_, old) = expect(&mut world, pbx, Method::Register);
    assert_eq!(
        (expires(&old), old.headers.to().unwrap().uri.to_string().as_str()),
        (0, "sip:1001@pbx.example")
    );
    let (letter, new) = expect(&mut world, pbx, Method::Register);
    assert_eq!(new.headers.to().unwrap().uri.to_string(), "sip:1002@pbx.example");
    let contact = new.headers.get("Contact").expect("a Contact").to_string();
    answer(&mut world, &letter, 200, &[("Contact", &contact)], "");
    assert_eq!(state(&mut world, phone), Registration::Connecting);
    assert_eq!(state(&mut world, phone), Registration::Registered, "the old one leaves without a word");
}

#[test]
fn shutdown_ends_calls_and_registrations_and_says_so() {
    for answers in [true, false] {
        let mut world = World::new(17);
        let (phone, pbx) = registered(&mut world);
        let command = calling(2, "600");
        world.command(phone, command);
        let (letter, _) = expect(&mut world, pbx, Method::Invite);
        answer(&mut world, &letter, 200, &[("Contact", "<sip:600@192.0.2.10>")], "answer");
        expect(&mut world, pbx, Method::Ack);
        event(&mut world, phone, "Answered");
        let begin = world.clock();
        world.command(phone, SipCommand::Shutdown { within: Duration::from_millis(1500) });
        let (bye, _) = expect(&mut world, pbx, Method::Bye);
        let (leave, _) = expect(&mut world, pbx, Method::Register);
        if answers {
            answer(&mut world, &bye, 200, &[], "");
            answer(&mut world, &leave, 200, &[], "");
        }
        event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
        event(&mut world, phone, "Registration { account: AccountId(0), state: Unregistered }");
        event(&mut world, phone, "Down");
        assert_eq!(world.clock() - begin, Duration::from_millis(if answers { 0 } else { 1500 }));
        clean(&mut world, phone);
        assert!(world.events(phone).is_empty());
    }
}
