//! Subscriptions (RFC 6665): asked for, refreshed in their dialogs, lost with the registration, and back by themselves.

use crate::{
    script::{ACCOUNT, answer, answer_tagged, expect, expect_status, say, settings},
    watching::{
        DIALOG, agree, confirm, enrol, lines, notify, one, phone, quiet, seconds_to_next, standing, status,
        tell, told, watching,
    },
    world::World,
};
use agent_core::{
    party::Party,
    port::sip::{
        SipCommand, SipEvent, WatchCommand, WatchEvent,
        watch::{LineState, Package, Watched},
    },
    settings::AccountSettings,
};
use agent_sip::message::{Message, Method};
use std::time::Duration;

#[test]
fn a_line_is_watched_and_refreshed_in_its_dialog() {
    let mut world = World::new(1);
    let (phone, pbx, first) = standing(&mut world);
    assert_eq!(first.uri.to_string(), "sip:1002@pbx.example");
    assert_eq!(first.headers.get("Event").unwrap(), "dialog");
    assert_eq!(first.headers.get("Accept").unwrap(), DIALOG.1);
    assert_eq!(tell(&mut world, (pbx, phone), &first, 2, "active", &lines(1, false, "early")), 200);
    world.settle();
    let ringing = world.events(phone).pop_back().unwrap();
    let SipEvent::Watch(WatchEvent::Line { line, .. }) = ringing else { panic!("{ringing:?}") };
    assert_eq!(line.state, LineState::Ringing);
    let anna = Party {
        number: "600".to_owned(),
        name: Some("Anna".to_owned()),
        uri: "sip:600@pbx.example".to_owned(),
        withheld: false,
    };
    assert_eq!(line.with, Some(anna));
    assert_eq!(line.pickup.map(|pickup| pickup.call_id).as_deref(), Some("c"));
    let begin = world.clock();
    let (letter, refresh) = expect(&mut world, pbx, Method::Subscribe);
    let after = (world.clock() - begin).as_secs();
    assert!((400..=520).contains(&after), "{after}");
    assert_eq!(refresh.uri.to_string(), "sip:pbx@192.0.2.10:5060", "to the notifier's Contact");
    assert_eq!(refresh.headers.to().unwrap().tag().unwrap(), "pbx");
    assert_eq!(refresh.headers.call_id().unwrap(), first.headers.call_id().unwrap());
    assert!(refresh.headers.cseq().unwrap().number > first.headers.cseq().unwrap().number);
    agree(&mut world, &letter, "600");
    assert_eq!(tell(&mut world, (pbx, phone), &first, 3, "active", &lines(2, true, "")), 200);
    assert_eq!(told(&mut world, phone), ["1002 Idle"]);
}

#[test]
fn a_notify_may_overtake_the_200() {
    let mut world = World::new(2);
    let (phone, pbx, letter, request) = one(&mut world);
    assert_eq!(
        tell(&mut world, (pbx, phone), &request, 1, "active;expires=600", &lines(0, true, "confirmed")),
        200
    );
    assert_eq!(told(&mut world, phone), ["Active", "1002 Busy"]);
    agree(&mut world, &letter, "600");
    world.pass(Duration::from_secs(100));
    assert_eq!(told(&mut world, phone), Vec::<String>::new(), "and Timer N was stopped by it");
    assert!(world.inbox(pbx).is_empty());
}

#[test]
fn of_a_fork_one_branch_is_kept() {
    let mut world = World::new(3);
    let (phone, pbx, letter, request) = one(&mut world);
    answer_tagged(
        &mut world,
        &letter,
        (200, "one"),
        &[("Expires", "600"), ("Contact", "<sip:1@192.0.2.10>")],
        "",
    );
    world.settle();
    let say = |world: &mut World, tag: &str, number, state: &str| {
        let words = notify(&request, tag, number, "active", (DIALOG.0, DIALOG.1, &lines(0, true, state)));
        say(world, pbx, phone, &words);
        world.settle();
        status(world, pbx)
    };
    assert_eq!(say(&mut world, "two", 1, "confirmed"), 200, "the first that tells something is the one");
    assert_eq!(say(&mut world, "one", 1, ""), 481, "RFC 6665 section 4.1.2.4");
    assert_eq!(say(&mut world, "two", 2, "early"), 200);
    assert_eq!(told(&mut world, phone), ["Active", "1002 Busy", "1002 Ringing"]);
    // Out of order, and another package's.
    assert_eq!(say(&mut world, "two", 1, ""), 500);
    let words = notify(&request, "two", 9, "active", ("presence", DIALOG.1, &lines(9, true, "")));
    crate::script::say(&mut world, pbx, phone, &words);
    assert_eq!(status(&mut world, pbx), 489);
}

#[test]
fn a_challenge_is_answered_and_serves_the_next_ones() {
    let mut world = World::new(4);
    let (_, pbx) = phone(&mut world, watching(&["1002", "1003"]), quiet());
    let challenge =
        [("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n1\", qop=\"auth\", algorithm=MD5")];
    let (letter, first) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 407, &challenge, "");
    let (letter, again) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(again.headers.call_id().unwrap(), first.headers.call_id().unwrap());
    assert_eq!(again.headers.cseq().unwrap().number, 2);
    assert!(again.headers.has("Proxy-Authorization"));
    agree(&mut world, &letter, "600");
    let (_, other) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(other.uri.user_text().unwrap(), "1003");
    assert!(other.headers.get("Proxy-Authorization").unwrap().to_text().contains("nc=00000002"));
}

/// Whose line is watched is somebody else.
#[test]
fn a_challenge_of_whose_line_is_watched_is_not_answered() {
    let mut world = World::new(4);
    let (_, pbx) = phone(&mut world, watching(&["1002"]), quiet());
    let theirs = [("WWW-Authenticate", "Digest realm=\"evil.example\", nonce=\"n1\", qop=\"auth\"")];
    let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 401, &theirs, "");
    world.pass(Duration::from_secs(600));
    assert!(world.inbox(pbx).is_empty(), "it is asked again");
}

#[test]
fn pending_is_not_known() {
    let mut world = World::new(16);
    let (phone, pbx, letter, request) = one(&mut world);
    agree(&mut world, &letter, "600");
    assert_eq!(tell(&mut world, (pbx, phone), &request, 1, "pending;expires=600", &lines(0, true, "")), 200);
    assert_eq!(told(&mut world, phone), ["Pending"]);
    assert_eq!(tell(&mut world, (pbx, phone), &request, 2, "active", &lines(1, true, "")), 200);
    assert_eq!(told(&mut world, phone), ["Active", "1002 Idle"]);
}

#[test]
fn the_notifier_may_shorten_the_interval() {
    let mut world = World::new(17);
    let (phone, pbx, request) = standing(&mut world);
    tell(&mut world, (pbx, phone), &request, 2, "active;expires=60", &lines(1, true, ""));
    let (after, ..) = seconds_to_next(&mut world, pbx);
    assert!((42..=51).contains(&after), "{after}");
}

#[test]
fn a_gap_in_the_documents_is_healed_by_a_refresh() {
    let mut world = World::new(18);
    let (phone, pbx, request) = standing(&mut world);
    assert_eq!(tell(&mut world, (pbx, phone), &request, 2, "active", &lines(5, false, "early")), 200);
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
    let (after, letter, _) = seconds_to_next(&mut world, pbx);
    assert!(after <= 2, "{after}");
    agree(&mut world, &letter, "600");
    tell(&mut world, (pbx, phone), &request, 3, "active", &lines(6, true, "early"));
    assert_eq!(told(&mut world, phone), ["1002 Ringing"]);
}

#[test]
fn a_body_that_cannot_be_read_makes_it_unknown() {
    let mut world = World::new(19);
    let (phone, pbx, request) = standing(&mut world);
    assert_eq!(tell(&mut world, (pbx, phone), &request, 2, "active", "<dialog-info><"), 400);
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    assert_eq!(tell(&mut world, (pbx, phone), &request, 3, "active", &lines(3, true, "")), 200);
    assert_eq!(told(&mut world, phone), ["Active", "1002 Idle"]);
    let words = notify(&request, "pbx", 4, "active", ("dialog", "text/plain", "free"));
    say(&mut world, pbx, phone, &words);
    let (_, response) = expect_status(&mut world, pbx, 415);
    assert_eq!(response.headers.get("Accept").unwrap(), DIALOG.1);
}

#[test]
fn with_the_registration_everything_is_unknown_at_once_and_comes_back() {
    let mut world = World::new(20);
    let (phone, pbx, request) = standing(&mut world);
    world.dead.insert("192.0.2.10".parse().unwrap());
    let flow = agent_sip::flow::Flow {
        transport: agent_sip::flow::Transport::Udp,
        local: world.address(phone),
        peer: world.address(pbx),
    };
    world.input(phone, agent_sip::endpoint::Input::Refused { peer: flow.peer, detail: "gone".to_owned() });
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    world.pass(Duration::from_secs(2));
    world.dead.clear();
    world.inbox(pbx).clear();
    let (letter, register) = expect(&mut world, pbx, Method::Register);
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
    confirm(&mut world, &letter, &register);
    let (letter, refresh) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(
        refresh.headers.call_id().unwrap(),
        request.headers.call_id().unwrap(),
        "its dialog may live yet"
    );
    agree(&mut world, &letter, "600");
    tell(&mut world, (pbx, phone), &request, 2, "active", &lines(1, true, "confirmed"));
    assert_eq!(told(&mut world, phone), ["Active", "1002 Busy"]);
}

#[test]
fn what_is_not_wanted_any_more_is_ended_in_its_dialog() {
    let mut world = World::new(21);
    let (phone, pbx, request) = standing(&mut world);
    enrol(&mut world, phone, watching(&["1003"]));
    let (letter, end) = loop {
        let (_, letter, request) = seconds_to_next(&mut world, pbx);
        if request.headers.expires() == Some(0) {
            break (letter, request);
        }
    };
    assert_eq!(end.headers.call_id().unwrap(), request.headers.call_id().unwrap());
    agree(&mut world, &letter, "0");
    assert_eq!(tell(&mut world, (pbx, phone), &request, 2, "terminated;reason=timeout", ""), 200);
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    assert_eq!(world.load(phone).subscriptions, 1);
}

#[test]
fn whoever_quits_ends_its_subscriptions() {
    let mut world = World::new(22);
    let (phone, pbx, request) = standing(&mut world);
    world.command(phone, SipCommand::Shutdown { within: Duration::from_secs(2) });
    let (_, end) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(end.headers.expires(), Some(0));
    assert_eq!(end.headers.call_id().unwrap(), request.headers.call_id().unwrap());
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    answer(&mut world, &letter, 200, &[], "");
    world.settle();
    assert_eq!(world.load(phone).subscriptions, 0);
    assert!(world.events(phone).contains(&SipEvent::Down));
}

/// 500 lines: none of the seconds of their start, of a lost registration or of a challenge sees more than ten SUBSCRIBEs,
/// and what they cost when nothing happens is a bounded number of wake-ups.
#[test]
fn many_keep_the_pace_and_sleep() {
    let targets: Vec<String> = (0..500).map(|nth| format!("{}", 2000 + nth)).collect();
    let settings = AccountSettings { watch: targets, ..settings(None) };
    let mut world = World::new(25);
    let (phone, pbx) = phone(&mut world, settings, quiet());
    let mut sent: Vec<Duration> = Vec::new();
    let end = world.clock() + Duration::from_secs(1300);
    let mut open = std::collections::HashMap::new();
    while world.clock() < end {
        let letter = world.letter(pbx);
        match &letter.message {
            Message::Request(request) if request.method == Method::Subscribe => {
                sent.push(letter.at);
                let request = request.clone();
                answer(
                    &mut world,
                    &letter,
                    200,
                    &[("Expires", "600"), ("Contact", "<sip:pbx@192.0.2.10>")],
                    "",
                );
                let call_id = request.headers.call_id().unwrap();
                let (first, number) = open.entry(call_id).or_insert((request, 0_u32));
                *number += 1;
                let body = lines(*number, true, "");
                let words = notify(first, "pbx", *number, "active", (DIALOG.0, DIALOG.1, &body));
                say(&mut world, pbx, phone, &words);
            }
            _ => {}
        }
    }
    assert_eq!(open.len(), 500);
    assert_eq!(world.load(phone).subscriptions, 500);
    for (at, first) in sent.iter().enumerate() {
        let within = sent[at..].iter().take_while(|time| **time < *first + Duration::from_secs(1)).count();
        assert!(within <= 10, "{within} from {first:?}");
    }
    // The start took 50 s, evenly; then each was refreshed about every 465 s.
    assert!(sent[499] - sent[0] >= Duration::from_millis(49_900), "{:?}", sent[499] - sent[0]);
    let refreshes = sent.len() - 500;
    assert!((900..=1600).contains(&refreshes), "{refreshes}");
    world.with_endpoint(phone, |endpoint| assert!(endpoint.next_deadline().is_some()));
}

#[test]
fn what_is_asked_for_beside_the_settings_is_watched_too() {
    let mut world = World::new(26);
    let (phone, pbx) = phone(&mut world, settings(None), quiet());
    let line = |target: &str| Watched { package: Package::Line, target: target.to_owned() };
    let watch = |watched| SipCommand::Watch(WatchCommand::Watch { account: ACCOUNT, watched });
    world.command(phone, watch(vec![line("1002"), line("sips:x@y")]));
    let (_, request) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(request.uri.to_string(), "sip:1002@pbx.example");
    world.command(phone, watch(Vec::new()));
    world.pass(Duration::from_secs(100));
    assert_eq!(world.load(phone).subscriptions, 0);
}
