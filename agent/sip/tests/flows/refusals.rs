//! What is refused, with the code RFC 3261 section 8.2 asks for, and who may call.

use crate::{
    script::{event, expect_status, invite, register, registered, say},
    world::{Who, World},
};
use agent_sip::{
    config::{Callers, Config},
    message::name,
    transaction::Limits,
};
use std::time::Duration;

/// What this phone serves.
fn allow() -> String {
    agent_sip::message::Abilities::PHONE.allow()
}

/// What a request from the PBX gets for an answer.
fn status(world: &mut World, (phone, pbx): (Who, Who), words: &str) -> agent_sip::message::Response {
    world.inbox(pbx).clear();
    say(world, pbx, phone, words);
    world.settle();
    match world.inbox(pbx).pop_front().map(|letter| letter.message) {
        Some(agent_sip::message::Message::Response(response)) => response,
        other => panic!("{words}: {other:?}"),
    }
}

#[test]
fn what_is_not_understood_is_refused_in_its_own_way() {
    let mut world = World::new(1);
    let who = registered(&mut world);
    let base = invite("x", 1, "", "offer");
    let allow = allow();
    for (branch, change, code, header) in [
        ("a", ("Max-Forwards: 70", "Require: 100rel, none"), 420, Some((name::UNSUPPORTED, "none"))),
        (
            "b",
            ("application/sdp", "application/xml"),
            415,
            Some((name::ACCEPT, "application/sdp, multipart/mixed")),
        ),
        ("c", ("sip:1001@192.0.2.1 ", "mailto:x@y "), 416, None),
        ("d", ("SIP/2.0\nVia", "SIP/3.0\nVia"), 505, None),
        ("e", ("CSeq: 1 INVITE", "CSeq: 1 BYE"), 400, None),
        ("f", ("Contact: <sip:600@{ip}:5060>\n", ""), 400, None),
        ("g", ("sip:1001@192.0.2.1", "sip:nobody@192.0.2.1"), 404, None),
        ("h", ("Max-Forwards: 70", "Accept: text/plain"), 406, None),
        ("i", ("INVITE", "SUBSCRIBE"), 405, Some((name::ALLOW, allow.as_str()))),
        ("j", ("INVITE", "FROBNICATE"), 501, Some((name::ALLOW, allow.as_str()))),
        ("k", ("To: <sip:1001@pbx.example>", "To: <sip:1001@pbx.example>;tag=gone"), 481, None),
        ("l", ("INVITE", "BYE"), 481, None),
        (
            "m",
            ("Content-Length", "Content-Encoding: gzip\nContent-Length"),
            415,
            Some(("Accept-Encoding", "identity")),
        ),
        (
            "n",
            ("Max-Forwards: 70", "Require: one, 100rel\nRequire: two"),
            420,
            Some((name::UNSUPPORTED, "one, two")),
        ),
    ] {
        assert!(base.contains(change.0));
        let words = base.replace("z9hG4bKx", &format!("z9hG4bK{branch}")).replace("call-in", branch);
        let words = words.replace(change.0, change.1);
        let response = status(&mut world, who, &words);
        assert_eq!(response.status, code, "{change:?}");
        assert!(response.headers.to().unwrap().tag().is_some(), "RFC 3261 section 8.2.6.2");
        if let Some((name, value)) = header {
            assert_eq!(response.headers.get(name).unwrap(), value);
        }
        assert!(world.events(who.0).is_empty());
    }
}

/// What only who forwards may act upon is no reason to refuse a call: Proxy-Require (RFC 3261 section 20.29), no hop left
/// (section 16.3, RFC 4475 section 3.3.11). Nor is a Require in an ACK, which nobody could refuse (section 8.2.2.3).
#[test]
fn what_concerns_proxies_alone_is_passed_over() {
    for change in [
        ("Max-Forwards: 70", "Max-Forwards: 70\nProxy-Require: nothing-we-know"),
        ("Max-Forwards: 70", "Max-Forwards: 0"),
        ("Content-Length", "Content-Encoding: identity\nContent-Length"),
    ] {
        let mut world = World::new(8);
        let (phone, pbx) = registered(&mut world);
        say(&mut world, pbx, phone, &invite("in", 1, "", "offer").replace(change.0, change.1));
        expect_status(&mut world, pbx, 100);
        let call = crate::world::call_of(&event(&mut world, phone, "Incoming"));
        let answer = crate::world::sdp("answer");
        world.command(phone, agent_core::port::sip::SipCommand::Accept { call, answer });
        let (_, ok) = expect_status(&mut world, pbx, 200);
        let ack = crate::script::inside(&ok, ("ACK", 1), "ack", "Require: nothing-we-know\n", "");
        say(&mut world, pbx, phone, &ack.replace("Max-Forwards: 70", "Max-Forwards: 0"));
        event(&mut world, phone, "Confirmed");
    }
}

#[test]
fn options_are_answered_with_what_we_can_do() {
    let mut world = World::new(2);
    let who = registered(&mut world);
    for (branch, uri, code) in
        [("a", "sip:1001@192.0.2.1", 200), ("b", "sip:192.0.2.1:5060", 200), ("c", "sip:x@192.0.2.1", 404)]
    {
        let words = invite(branch, 1, "", "").replace("INVITE", "OPTIONS").replace("sip:1001@192.0.2.1", uri);
        let response = status(&mut world, who, &words.replace("call-in", branch));
        assert_eq!(response.status, code, "RFC 3261 section 11.2");
        if code == 200 {
            assert_eq!(response.headers.get(name::ALLOW).unwrap(), allow().as_str());
            assert_eq!(response.headers.get(name::ACCEPT).unwrap(), "application/sdp, multipart/mixed");
        }
    }
}

#[test]
fn the_same_request_over_two_paths_rings_once() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("one", 1, "", "offer"));
    expect_status(&mut world, pbx, 100);
    event(&mut world, phone, "Incoming");
    assert_eq!(
        status(&mut world, (phone, pbx), &invite("two", 1, "", "offer")).status,
        482,
        "RFC 3261 section 8.2.2.2"
    );
    assert!(world.events(phone).is_empty());
}

#[test]
fn a_peer_of_rfc_2543_is_matched_without_a_branch() {
    let mut world = World::new(4);
    let (phone, pbx) = registered(&mut world);
    let old = invite("x", 1, "", "offer").replace(";branch=z9hG4bKx", "").replace(";tag=anna", "");
    say(&mut world, pbx, phone, &old);
    expect_status(&mut world, pbx, 100);
    let call = crate::world::call_of(&event(&mut world, phone, "Incoming"));
    say(&mut world, pbx, phone, &old);
    expect_status(&mut world, pbx, 100);
    assert!(world.events(phone).is_empty(), "RFC 3261 section 17.2.3");
    world.command(
        phone,
        agent_core::port::sip::SipCommand::Reject { call, why: agent_core::port::sip::Reject::Busy },
    );
    let (_, busy) = expect_status(&mut world, pbx, 486);
    let tag = busy.headers.to().unwrap().tag().unwrap().to_string();
    let ack = old
        .replace("INVITE", "ACK")
        .replace("To: <sip:1001@pbx.example>", &format!("To: <sip:1001@pbx.example>;tag={tag}"));
    say(&mut world, pbx, phone, &ack);
    world.settle();
    world.inbox(pbx).clear();
    world.pass(Duration::from_secs(20));
    let repeated = world
        .inbox(pbx)
        .iter()
        .any(|letter| matches!(&letter.message, agent_sip::message::Message::Response(_)));
    assert!(!repeated, "the ACK was matched");
}

/// An INVITE for a name that no account has.
fn nobody(branch: &str) -> String {
    let words = invite(branch, 1, "", "offer").replace("call-in", branch);
    words.replace("INVITE sip:1001@", "INVITE sip:4711@")
}

#[test]
fn who_may_call_is_decided_by_address_and_name() {
    for (callers, code) in [(Callers::Anyone, 100), (Callers::default(), 403)] {
        let mut world = World::new(5);
        let pbx = world.script("192.0.2.10");
        let stranger = world.script("192.0.2.66");
        let phone = world.phone("192.0.2.1", Config { callers, ..Config::default() });
        register(&mut world, phone, None);
        let (letter, request) = crate::script::expect(&mut world, pbx, agent_sip::message::Method::Register);
        crate::script::answer(&mut world, &letter, 200, &[], "");
        world.settle();
        assert_eq!(status(&mut world, (phone, stranger), &invite("s", 1, "", "offer")).status, code);
        assert_eq!(status(&mut world, (phone, pbx), &invite("p", 2, "", "offer")).status, 100);
        assert_eq!(
            status(&mut world, (phone, pbx), &nobody("n")).status,
            404,
            "the registrar may know who is here"
        );
        let strange = if code == 403 { 403 } else { 404 };
        let to_nobody = status(&mut world, (phone, stranger), &nobody("m")).status;
        assert_eq!(to_nobody, strange, "a stranger learns no names");
        world.with_endpoint(phone, |endpoint| {
            assert_eq!(endpoint.strangers(), if code == 403 { 2 } else { 0 });
        });
        // Who knows the Contact was told it by the registrar, wherever the message comes from.
        let contact = request.headers.contact().unwrap().uri.user_text().unwrap().to_string();
        let words =
            invite("c", 3, "", "offer").replace("sip:1001@192.0.2.1", &format!("sip:{contact}@192.0.2.1"));
        assert_eq!(status(&mut world, (phone, stranger), &words).status, 100);
    }
}

#[test]
fn a_flood_is_turned_away_and_leaves_nothing_behind() {
    let mut world = World::new(6);
    let pbx = world.script("192.0.2.10");
    let limits = Limits { servers: 50, clients: 50 };
    let phone = world.phone(
        "192.0.2.1",
        Config { limits, calls: 10, expires: Duration::from_secs(3600), ..Config::default() },
    );
    register(&mut world, phone, None);
    let (letter, _) = crate::script::expect(&mut world, pbx, agent_sip::message::Method::Register);
    crate::script::answer(&mut world, &letter, 200, &[], "");
    world.settle();
    world.events(phone).clear();
    let mut codes = std::collections::BTreeMap::new();
    for at in 0..100 {
        let words = invite(&format!("f{at}"), 1, "", "offer").replace("call-in", &format!("call-{at}"));
        let response = status(&mut world, (phone, pbx), &words);
        *codes.entry(response.status).or_insert(0) += 1;
        if response.status == 503 {
            assert!(response.headers.has(name::RETRY_AFTER));
        }
        let load = world.load(phone);
        assert!(load.servers <= 50 && load.calls <= 10);
    }
    assert_eq!(codes, [(100, 10), (503, 90)].into());
    let calls: Vec<_> = world.events(phone).iter().map(crate::world::call_of).collect();
    for call in calls {
        world.command(phone, agent_core::port::sip::SipCommand::Hangup { call });
    }
    crate::script::clean(&mut world, phone);
}

#[test]
fn a_via_that_cannot_be_read_is_refused_at_the_source_and_an_ack_with_it_dropped() {
    let mut world = World::new(1);
    let who = registered(&mut world);
    let broken = invite("x", 1, "", "offer").replace("SIP/2.0/UDP {ip}", "SIP/2.0/UDP {ip};;,;,,");
    assert_eq!(status(&mut world, who, &broken).status, 400);
    say(&mut world, who.1, who.0, &broken.replace("INVITE", "ACK"));
    world.settle();
    assert!(world.inbox(who.1).is_empty());
}

#[test]
fn two_requests_with_one_branch_are_two_when_their_call_ids_differ() {
    let mut world = World::new(1);
    let who = registered(&mut world);
    let one = invite("x", 1, "", "offer").replace("INVITE", "OPTIONS");
    let two = one.replace("call-in", "another");
    assert_eq!(status(&mut world, who, &one).headers.call_id().unwrap().as_ref(), b"call-in");
    assert_eq!(status(&mut world, who, &two).headers.call_id().unwrap().as_ref(), b"another");
    assert_eq!(status(&mut world, who, &one).headers.call_id().unwrap().as_ref(), b"call-in", "repeated");
}

#[test]
fn what_would_make_answers_fat_is_refused_and_not_kept() {
    let mut world = World::new(1);
    let who = registered(&mut world);
    let via = format!("Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bK{}\n", "x".repeat(1000));
    let fat = invite("x", 1, "", "offer").replace("From:", &format!("{}From:", via.repeat(9)));
    for _ in 0..3 {
        assert_eq!(status(&mut world, who, &fat).status, 400);
    }
    let thin = invite("y", 1, "", "offer").replace("From:", &format!("{}From:", via.repeat(7)));
    assert_eq!(status(&mut world, who, &thin).status, 100);
}
