//! Text messages (RFC 3428): out with challenges, redirections and an order; in as calls come, once each and never too many.

use crate::{
    script::{
        ACCOUNT, answer, clean, expect, expect_status, inside, invite, register, registered, say, settings,
    },
    world::{Faults, Letter, Who, World, sdp},
};
use agent_core::{
    id::CallId,
    port::sip::{
        MessageCommand, MessageEvent, SipCommand, SipEvent,
        message::{MessageAnswer, MessageProblem},
    },
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::{
    config::{Callers, Config},
    message::{Method, Request},
};
use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};

fn write(world: &mut World, phone: Who, message: u64, target: &str, text: &str) {
    let (target, text) = (target.to_owned(), text.to_owned());
    let command = MessageCommand::Send { message, account: ACCOUNT, target, text };
    world.command(phone, SipCommand::Message(command));
}

/// The next thing told of text messages.
fn told(world: &mut World, phone: Who) -> MessageEvent {
    match world.event(phone) {
        SipEvent::Message(event) => event,
        other => panic!("{other:?}"),
    }
}

fn taken(world: &mut World, phone: Who, message: u64) {
    let answer = MessageAnswer::Taken;
    world.command(phone, SipCommand::Message(MessageCommand::Answer { message, answer }));
}

fn sent(message: u64) -> MessageEvent {
    MessageEvent::Sent { message, kept: false }
}

fn failed(message: u64, why: MessageProblem) -> MessageEvent {
    MessageEvent::Failed { message, why }
}

fn body(request: &Request) -> &str {
    std::str::from_utf8(&request.body).expect("UTF-8")
}

fn next(world: &mut World, pbx: Who) -> (Letter, Request) {
    expect(world, pbx, Method::Message)
}

/// A MESSAGE of a scripted peer for 1001.
fn message(branch: &str, (call_id, number): (&str, u32), more: &str, body: &str) -> String {
    format!(
        "MESSAGE sip:1001@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP {{ip}}:5060;branch=z9hG4bK{branch}\nMax-Forwards: 70\n\
         From: \"Anna\" <sip:600@pbx.example>;tag=anna\nTo: <sip:1001@pbx.example>\nCall-ID: {call_id}\n\
         CSeq: {number} MESSAGE\n{more}Content-Length: {}\n\n{body}",
        body.len()
    )
}

const PLAIN: &str = "Content-Type: text/plain\n";

#[test]
fn a_text_leaves_as_the_rfc_wants_it_and_its_end_is_told() {
    let mut world = World::new(1);
    let (phone, pbx) = registered(&mut world);
    write(&mut world, phone, 2, "600", "Grüße");
    let (letter, request) = next(&mut world, pbx);
    assert_eq!((request.uri.to_string().as_str(), body(&request)), ("sip:600@pbx.example", "Grüße"));
    assert_eq!(
        request.headers.get("Content-Type").map(ToString::to_string).as_deref(),
        Some("text/plain;charset=UTF-8")
    );
    // Section 4: no Contact; it makes no dialog.
    assert!(!request.headers.has("Contact") && request.headers.to().unwrap().tag().is_none());
    answer(&mut world, &letter, 200, &[], "");
    assert_eq!(told(&mut world, phone), sent(2));
    write(&mut world, phone, 4, "sip:bob@other.example", "hello");
    let (letter, request) = next(&mut world, pbx);
    assert_eq!(request.uri.to_string(), "sip:bob@other.example");
    answer(&mut world, &letter, 202, &[], "");
    assert_eq!(told(&mut world, phone), MessageEvent::Sent { message: 4, kept: true });
    clean(&mut world, phone);
}

#[test]
fn challenges_are_answered_and_a_refused_password_is_told() {
    let mut world = World::new(2);
    let (phone, pbx) = registered(&mut world);
    write(&mut world, phone, 2, "600", "one");
    let (letter, first) = next(&mut world, pbx);
    let ask = [("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n1\", qop=\"auth\"")];
    answer(&mut world, &letter, 407, &ask, "");
    let (letter, second) = next(&mut world, pbx);
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    assert!(second.headers.has("Proxy-Authorization"));
    answer(&mut world, &letter, 200, &[], "");
    assert_eq!(told(&mut world, phone), sent(2));
    // The next answers ahead; a challenge that comes back for the same nonce is a refusal, and not a loop.
    write(&mut world, phone, 4, "600", "two");
    let (letter, third) = next(&mut world, pbx);
    assert!(third.headers.has("Proxy-Authorization"));
    answer(&mut world, &letter, 407, &ask, "");
    let why = MessageProblem::Refused { status: 407, phrase: "Proxy Authentication Required".to_owned() };
    assert_eq!(told(&mut world, phone), failed(4, why));
    clean(&mut world, phone);
}

#[test]
fn to_one_address_one_after_the_other_to_others_meanwhile() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    for (message, to, text) in [(2, "600", "a"), (4, "600", "b"), (6, "601", "c"), (8, "600", "d")] {
        write(&mut world, phone, message, to, text);
    }
    world.settle();
    let (a, said) = next(&mut world, pbx);
    assert_eq!(body(&said), "a");
    let (c, said) = next(&mut world, pbx);
    assert_eq!(body(&said), "c");
    assert!(world.inbox(pbx).is_empty(), "b must wait for a");
    answer(&mut world, &c, 200, &[], "");
    assert_eq!(told(&mut world, phone), sent(6));
    // A refusal lets the next one go, too.
    answer(&mut world, &a, 404, &[], "");
    let why = MessageProblem::Refused { status: 404, phrase: "Not Found".to_owned() };
    assert_eq!(told(&mut world, phone), failed(2, why));
    let (b, said) = next(&mut world, pbx);
    assert_eq!(body(&said), "b");
    answer(&mut world, &b, 200, &[], "");
    assert_eq!(told(&mut world, phone), sent(4));
    let (d, said) = next(&mut world, pbx);
    assert_eq!(body(&said), "d");
    answer(&mut world, &d, 200, &[], "");
    assert_eq!(told(&mut world, phone), sent(8));
    clean(&mut world, phone);
}

#[test]
fn redirections_are_followed_within_the_domain_and_nowhere_else() {
    let mut world = World::new(4);
    let (phone, pbx) = registered(&mut world);
    write(&mut world, phone, 2, "600", "hello");
    let (letter, _) = next(&mut world, pbx);
    let to = "<sip:evil@elsewhere.example>, <sip:601@pbx.example>;q=0.1, <sip:602@pbx.example>;q=0.9";
    answer(&mut world, &letter, 302, &[("Contact", to)], "");
    follow(&mut world, phone, "602", true);
    let (letter, request) = next(&mut world, pbx);
    assert_eq!(
        (request.uri.to_string().as_str(), body(&request)),
        ("sip:602@pbx.example", "hello"),
        "the best that is ours"
    );
    answer(&mut world, &letter, 480, &[], "");
    follow(&mut world, phone, "601", true);
    let (letter, request) = next(&mut world, pbx);
    assert_eq!(request.uri.to_string(), "sip:601@pbx.example");
    answer(&mut world, &letter, 200, &[], "");
    assert_eq!(told(&mut world, phone), sent(2));
    write(&mut world, phone, 4, "600", "hello");
    let (letter, _) = next(&mut world, pbx);
    answer(&mut world, &letter, 302, &[("Contact", "<sip:evil@elsewhere.example>")], "");
    let why = MessageProblem::Refused { status: 302, phrase: "Moved Temporarily".to_owned() };
    assert_eq!(told(&mut world, phone), failed(4, why.clone()));
    // The core will have none of them.
    write(&mut world, phone, 6, "600", "hello");
    let (letter, _) = next(&mut world, pbx);
    answer(&mut world, &letter, 302, &[("Contact", to)], "");
    follow(&mut world, phone, "602", false);
    follow(&mut world, phone, "601", false);
    assert_eq!(told(&mut world, phone), failed(6, why));
    assert!(world.inbox(pbx).is_empty());
    clean(&mut world, phone);
}

/// The core is asked where a message of ours goes on to, and has a word.
fn follow(world: &mut World, phone: Who, number: &str, follow: bool) {
    let MessageEvent::Redirected { message, target } = told(world, phone) else { panic!("not asked") };
    assert_eq!((target.number.as_str(), target.home), (number, true));
    world.command(phone, SipCommand::Message(MessageCommand::Redirect { message, follow }));
}

#[test]
fn what_goes_wrong_is_told_once_and_says_what_it_was() {
    let mut world = World::new(5);
    let (phone, pbx) = registered(&mut world);
    for (message, to, why) in [
        (2, "sips:bob@pbx.example", MessageProblem::NoTls),
        (4, "", MessageProblem::Target),
        (6, "sip:", MessageProblem::Target),
    ] {
        write(&mut world, phone, message, to, "hello");
        assert_eq!(told(&mut world, phone), failed(message, why), "{to}");
    }
    write(&mut world, phone, 8, "600", &"x".repeat(8193));
    assert_eq!(told(&mut world, phone), failed(8, MessageProblem::TooLong));
    world.silent.insert("192.0.2.10".parse().unwrap());
    write(&mut world, phone, 10, "600", "hello");
    assert_eq!(told(&mut world, phone), failed(10, MessageProblem::Silent));
    world.silent.clear();
    world.dead.insert("192.0.2.10".parse().unwrap());
    write(&mut world, phone, 12, "600", "hello");
    let all: Vec<SipEvent> = world
        .wait(|world| {
            let said = |event: &SipEvent| *event == SipEvent::Message(failed(12, MessageProblem::Network));
            world.events(phone).iter().any(said).then(|| world.events(phone).drain(..).collect())
        })
        .expect("a word of it");
    let of_texts = all.iter().filter(|event| matches!(event, SipEvent::Message(_))).count();
    assert_eq!(of_texts, 1);
    let nobody = agent_core::id::AccountId(7);
    let command =
        MessageCommand::Send { message: 14, account: nobody, target: "600".into(), text: "x".into() };
    world.command(phone, SipCommand::Message(command));
    let last = world.events(phone).pop_back();
    assert_eq!(last, Some(SipEvent::Message(failed(14, MessageProblem::NoAccount))));
    assert!(world.inbox(pbx).iter().all(|letter| !matches!(&letter.message,
        agent_sip::message::Message::Request(request) if request.uri.to_string().contains("bob"))));
}

#[test]
fn more_than_a_datagram_goes_over_tcp_or_not_at_all() {
    let mut world = World::new(6);
    let (phone, pbx) = registered(&mut world);
    // 1300 bytes with everything (section 8, RFC 3261 section 18.1.1).
    let long = "x".repeat(1200);
    write(&mut world, phone, 2, "600", &long);
    let (letter, request) = next(&mut world, pbx);
    assert!(letter.flow.transport.reliable() && body(&request) == long);
    answer(&mut world, &letter, 200, &[], "");
    assert_eq!(told(&mut world, phone), sent(2));
    world.no_tcp.insert("192.0.2.10".parse().unwrap());
    for message in [4, 6] {
        write(&mut world, phone, message, "600", &long);
        assert_eq!(told(&mut world, phone), failed(message, MessageProblem::TooLong));
    }
    world.settle();
    assert!(world.inbox(pbx).is_empty(), "it left by UDP all the same");
    write(&mut world, phone, 8, "600", "short");
    let (letter, _) = next(&mut world, pbx);
    assert!(!letter.flow.transport.reliable());
    answer(&mut world, &letter, 200, &[], "");
    assert_eq!(told(&mut world, phone), sent(8));
    clean(&mut world, phone);
}

#[test]
fn too_many_are_refused_and_none_is_forgotten_at_the_end() {
    let mut world = World::new(7);
    let (phone, pbx) = registered(&mut world);
    for number in 0..300 {
        write(&mut world, phone, number, "600", "hello");
    }
    world.settle();
    let turned: Vec<SipEvent> = world.events(phone).drain(..).collect();
    assert_eq!(turned.len(), 300 - 256);
    assert!(turned.iter().all(|event| matches!(
        event,
        SipEvent::Message(MessageEvent::Failed { why: MessageProblem::TooMany, .. })
    )));
    let (letter, _) = next(&mut world, pbx);
    world.command(phone, SipCommand::Shutdown { within: Duration::from_secs(2) });
    let quitting = world.events(phone).drain(..).collect::<Vec<_>>();
    let given_up = |event: &&SipEvent| {
        matches!(event, SipEvent::Message(MessageEvent::Failed { why: MessageProblem::Quitting, .. }))
    };
    assert_eq!(quitting.iter().filter(given_up).count(), 255, "what has not left does not leave");
    answer(&mut world, &letter, 200, &[], "");
    world.settle();
    assert!(world.events(phone).contains(&SipEvent::Message(sent(0))), "what has left is waited for");
    world.pass(Duration::from_secs(3));
    assert_eq!(world.events(phone).back(), Some(&SipEvent::Down));
}

#[test]
fn a_text_of_theirs_is_told_and_answered_when_the_core_has_it() {
    let mut world = World::new(8);
    let (phone, pbx) = registered(&mut world);
    let more = format!("P-Asserted-Identity: \"Anna Bell\" <sip:605@pbx.example>\n{PLAIN}");
    say(&mut world, pbx, phone, &message("a", ("in", 1), &more, "Grüße"));
    let MessageEvent::Arrived { message: name, account, party, text, call } = told(&mut world, phone) else {
        panic!("it arrives")
    };
    assert_eq!((account, call, text.as_str()), (Some(ACCOUNT), None, "Grüße"));
    assert_eq!((party.number.as_str(), party.name.as_deref()), ("605", Some("Anna Bell")));
    world.settle();
    assert!(world.inbox(pbx).is_empty(), "nobody has it yet");
    taken(&mut world, phone, name);
    let (_, ok) = expect_status(&mut world, pbx, 200);
    // Section 7: no body, no Contact.
    assert!(ok.body.is_empty() && !ok.headers.has("Contact") && ok.headers.to().unwrap().tag().is_some());
    for (answer, status) in
        [(MessageAnswer::Blocked, 603), (MessageAnswer::Anonymous, 433), (MessageAnswer::Unavailable, 480)]
    {
        let branch = format!("r{status}");
        say(&mut world, pbx, phone, &message(&branch, (&branch, 1), PLAIN, "hello"));
        let MessageEvent::Arrived { message, .. } = told(&mut world, phone) else { panic!("it arrives") };
        world.command(phone, SipCommand::Message(MessageCommand::Answer { message, answer }));
        expect_status(&mut world, pbx, status);
    }
    clean(&mut world, phone);
}

#[test]
fn what_comes_again_is_answered_alike_and_told_once() {
    let mut world = World::new(9);
    let (phone, pbx) = registered(&mut world);
    let first = message("a", ("in", 1), PLAIN, "hello");
    say(&mut world, pbx, phone, &first);
    let MessageEvent::Arrived { message: name, .. } = told(&mut world, phone) else { panic!("it arrives") };
    taken(&mut world, phone, name);
    expect_status(&mut world, pbx, 200);
    // The same transaction; the same by another way at once (a merged request, RFC 3261 section 8.2.2.2), and later.
    say(&mut world, pbx, phone, &first);
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &message("b", ("in", 1), PLAIN, "hello"));
    expect_status(&mut world, pbx, 200);
    world.pass(Duration::from_secs(120));
    say(&mut world, pbx, phone, &message("c", ("in", 1), PLAIN, "hello"));
    expect_status(&mut world, pbx, 200);
    assert!(world.events(phone).is_empty());
    // Other words under the same names are another message: some programs name all of theirs alike.
    world.pass(Duration::from_secs(120));
    say(&mut world, pbx, phone, &message("d", ("in", 1), PLAIN, "goodbye"));
    let MessageEvent::Arrived { message: name, text, .. } = told(&mut world, phone) else {
        panic!("it arrives")
    };
    assert_eq!(text, "goodbye");
    taken(&mut world, phone, name);
    expect_status(&mut world, pbx, 200);
    clean(&mut world, phone);
}

#[test]
fn what_is_no_plain_text_is_refused_and_nothing_is_told_of_it() {
    let mut world = World::new(10);
    let (phone, pbx) = registered(&mut world);
    let typing = "Content-Type: application/im-iscomposing+xml\n";
    for (at, (more, status)) in [
        ("Content-Type: text/html\n", 415),
        ("Content-Type: message/cpim\n", 415),
        (typing, 415),
        ("Content-Type: text/plain\nContent-Encoding: gzip\n", 415),
        ("Content-Type: text/plain\nRequire: teleport\n", 420),
    ]
    .into_iter()
    .enumerate()
    {
        say(&mut world, pbx, phone, &message(&format!("x{at}"), (&format!("x{at}"), 1), more, "hello"));
        let (_, no) = expect_status(&mut world, pbx, status);
        if status == 415 && !more.contains("gzip") {
            assert_eq!(no.headers.get("Accept").map(ToString::to_string).as_deref(), Some("text/plain"));
        }
    }
    say(&mut world, pbx, phone, &message("long", ("long", 1), PLAIN, &"x".repeat(16 * 1024 + 1)));
    expect_status(&mut world, pbx, 413);
    // Nothing is said, and somebody is there.
    say(&mut world, pbx, phone, &message("none", ("none", 1), "", ""));
    expect_status(&mut world, pbx, 200);
    assert!(world.events(phone).is_empty());
    clean(&mut world, phone);
}

#[test]
fn strangers_write_no_more_than_they_call() {
    let mut world = World::new(11);
    let (phone, _) = registered(&mut world);
    let stranger = world.script("203.0.113.9");
    for user in ["1001", "nobody"] {
        let words = message(user, (user, 1), PLAIN, "hello")
            .replace("sip:1001@192.0.2.1", &format!("sip:{user}@192.0.2.1"));
        say(&mut world, stranger, phone, &words);
        expect_status(&mut world, stranger, 403);
    }
    assert!(world.events(phone).is_empty());
    let mut world = World::new(12);
    let config = Config { callers: Callers::Anyone, ..Config::default() };
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", config);
    register(&mut world, phone, None);
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let contact = request.headers.get("Contact").expect("a Contact").to_string();
    answer(&mut world, &letter, 200, &[("Contact", &contact)], "");
    world.settle();
    world.events(phone).clear();
    let stranger = world.script("203.0.113.9");
    let more = format!("P-Asserted-Identity: <sip:100@pbx.example>\n{PLAIN}");
    say(&mut world, stranger, phone, &message("a", ("a", 1), &more, "hello"));
    let MessageEvent::Arrived { party, .. } = told(&mut world, phone) else { panic!("it arrives") };
    assert_eq!(party.number, "600", "what a stranger asserts is not believed");
}

#[test]
fn a_flood_is_asked_to_slow_down_and_leaves_nothing_behind() {
    let mut world = World::new(13);
    let (phone, pbx) = registered(&mut world);
    for number in 0..400_u32 {
        let name = format!("f{number}");
        say(&mut world, pbx, phone, &message(&name, (&name, 1), PLAIN, "hello"));
        world.settle();
        while let Some(event) = world.events(phone).pop_front() {
            if let SipEvent::Message(MessageEvent::Arrived { message, .. }) = event {
                taken(&mut world, phone, message);
            }
        }
    }
    world.settle();
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    while let Some(letter) = world.inbox(pbx).pop_front() {
        if let agent_sip::message::Message::Response(response) = letter.message {
            *answers.entry(response.status).or_default() += 1;
            assert_eq!(response.status == 503, response.headers.has("Retry-After"));
        }
    }
    assert_eq!(answers, BTreeMap::from([(200, 100), (503, 300)]));
    // A core that answers nothing is not waited for by more than there is room for.
    world.pass(Duration::from_secs(60));
    for number in 0..100_u32 {
        let name = format!("g{number}");
        say(&mut world, pbx, phone, &message(&name, (&name, 1), PLAIN, "hello"));
    }
    world.settle();
    assert_eq!(world.events(phone).len(), 64);
    clean(&mut world, phone);
}

#[test]
fn a_text_within_a_call_is_told_with_the_call() {
    let mut world = World::new(14);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    world.settle();
    let call = CallId(1);
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    expect_status(&mut world, pbx, 100);
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    world.settle();
    world.events(phone).clear();
    let words = inside(&ok, ("MESSAGE", 2), "text", "Content-Type: text/plain\n", "");
    let words = words.replace("Content-Length: 0\n\n", "Content-Length: 5\n\nhello");
    say(&mut world, pbx, phone, &words);
    let MessageEvent::Arrived { message, account, party, text, call: of } = told(&mut world, phone) else {
        panic!("it arrives")
    };
    assert_eq!((account, of, text.as_str(), party.number.as_str()), (None, Some(call), "hello", "600"));
    taken(&mut world, phone, message);
    expect_status(&mut world, pbx, 200);
    // Out of order (RFC 3261 section 12.2.2).
    say(&mut world, pbx, phone, &words.replace("bKtext", "bKold").replace("2 MESSAGE", "1 MESSAGE"));
    expect_status(&mut world, pbx, 500);
    // A dialog that is none of ours.
    say(&mut world, pbx, phone, &words.replace("bKtext", "bKforeign").replace("call-in", "call-out"));
    expect_status(&mut world, pbx, 481);
    assert!(world.events(phone).is_empty());
}

/// What one of two phones on a bad network hears and sends.
fn phone_at(world: &mut World, ip: &str, user: &str) -> Who {
    let config = Config { keep_alive: Duration::ZERO, callers: Callers::Anyone, ..Config::default() };
    let phone = world.phone(ip, config);
    let settings = AccountSettings {
        aor: format!("sip:{user}@{ip}"),
        registrar: Some("sip:192.0.2.99".to_owned()),
        ..settings(None)
    };
    let password = Secret::new("x".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings, password });
    phone
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever the network does to datagrams: what was told as sent arrived once and in order, every message has one end,
    /// and what failed arrived at most once.
    #[test]
    fn on_a_bad_network_each_arrives_once_and_in_order(
        seed in any::<u64>(),
        loss in 0_u64..40,
        duplicates in 0_u64..40,
        delay_ms in 0_u64..4000,
        jitter_ms in 0_u64..2000,
        waits in proptest::collection::vec(0_u64..3000, 1..12),
    ) {
        let mut world = World::new(seed);
        let theirs = phone_at(&mut world, "192.0.2.2", "1002");
        let ours = phone_at(&mut world, "192.0.2.1", "1001");
        // The way out of our account leads to them, as over a PBX that does nothing.
        world.seen_as.insert("192.0.2.2:5060".parse().unwrap(), "192.0.2.99:5060".parse().unwrap());
        world.faults = Faults { loss, duplicates, delay_ms, jitter_ms };
        let mut arrived: Vec<u64> = Vec::new();
        let mut ends: BTreeMap<u64, MessageEvent> = BTreeMap::new();
        let mut watch = |world: &mut World| {
            while let Some(event) = world.events(theirs).pop_front() {
                if let SipEvent::Message(MessageEvent::Arrived { message, text, .. }) = event {
                    arrived.push(text.parse().expect("a number"));
                    taken(world, theirs, message);
                }
            }
            while let Some(event) = world.events(ours).pop_front() {
                if let SipEvent::Message(event) = event {
                    let (MessageEvent::Sent { message, .. } | MessageEvent::Failed { message, .. }) = event else {
                        panic!("{event:?}")
                    };
                    assert_eq!(ends.insert(message, event), None, "two ends");
                }
            }
        };
        for (number, wait) in (1_u64..).zip(&waits) {
            write(&mut world, ours, number, "sip:1002@192.0.2.2", &number.to_string());
            for _ in 0..wait / 100 {
                world.pass(Duration::from_millis(100));
                watch(&mut world);
            }
        }
        for _ in 0..6000 {
            world.pass(Duration::from_millis(100));
            watch(&mut world);
        }
        prop_assert_eq!(ends.len(), waits.len(), "each has an end");
        let in_order = arrived.windows(2).all(|pair| pair[0] < pair[1]);
        prop_assert!(in_order, "{:?}", arrived);
        for (message, end) in &ends {
            let there = arrived.contains(message);
            prop_assert!(there || !matches!(end, MessageEvent::Sent { .. }), "{message} was lost: {end:?}");
        }
        let load = world.load(ours);
        prop_assert_eq!(load.clients, 1 - usize::from(load.clients == 0), "only a REGISTER may be out");
    }
}
