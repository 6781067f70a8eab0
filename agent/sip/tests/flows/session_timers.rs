//! Sessions that end when nobody refreshes them (RFC 4028), as caller and as callee.

use crate::{
    script::{answer, clean, event, expect, expect_status, inside, inside_ours, invite, registered, say},
    standing::{CALL, CONTACT, dialled, ours, theirs},
    world::{World, sdp},
};
use agent_core::port::sip::{PhoneEvent, SipCommand, SipEvent};
use agent_sip::message::{Message, Method, name};
use std::time::Duration;

const UPDATES: (&str, &str) = ("Allow", "INVITE, ACK, BYE, UPDATE");

fn interval(headers: &agent_sip::message::Headers) -> String {
    headers.get(name::SESSION_EXPIRES).map(|value| value.to_string()).unwrap_or_default()
}

#[test]
fn we_refresh_by_update_at_half_of_the_interval_and_again() {
    let mut world = World::new(1);
    let (phone, pbx, letter, invite) = dialled(&mut world);
    assert!(invite.headers.has_word(name::SUPPORTED, "timer"), "RFC 4028 section 7.1");
    assert_eq!(interval(&invite.headers), "1800");
    answer(&mut world, &letter, 422, &[("Min-SE", "2000")], "");
    expect(&mut world, pbx, Method::Ack);
    let (letter, again) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(
        (interval(&again.headers).as_str(), again.headers.min_se()),
        ("2000", Some(2000)),
        "section 7.3"
    );
    assert_eq!(again.headers.call_id(), invite.headers.call_id());
    assert_eq!(again.headers.cseq().unwrap().number, 2);
    answer(
        &mut world,
        &letter,
        200,
        &[CONTACT, UPDATES, ("Session-Expires", "2000;refresher=uac")],
        "answer",
    );
    let up = expect(&mut world, pbx, Method::Ack).0.at;
    event(&mut world, phone, "Answered");
    world.pass(Duration::from_secs(900));
    let (letter, update) = expect(&mut world, pbx, Method::Update);
    assert_eq!((letter.at - up).as_secs(), 1000, "section 10");
    assert!(update.body.is_empty() && update.headers.has(name::CONTACT));
    assert_eq!(interval(&update.headers), "2000;refresher=uac", "section 7.4");
    // A challenge, and somebody on the way who wants more again.
    answer(
        &mut world,
        &letter,
        407,
        &[("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"1\"")],
        "",
    );
    let (letter, update) = expect(&mut world, pbx, Method::Update);
    assert!(update.headers.has(name::PROXY_AUTHORIZATION));
    assert_eq!(interval(&update.headers), "2000;refresher=uac");
    answer(&mut world, &letter, 422, &[("Min-SE", "3000")], "");
    let (letter, update) = expect(&mut world, pbx, Method::Update);
    assert_eq!(interval(&update.headers), "3000;refresher=uac");
    answer(&mut world, &letter, 200, &[CONTACT, ("Session-Expires", "300;refresher=uac")], "");
    let (next, _) = expect(&mut world, pbx, Method::Update);
    assert_eq!((next.at - letter.at).as_secs(), 150);
    // Without the field the timer is off (section 7.2).
    answer(&mut world, &next, 200, &[CONTACT], "");
    world.pass(Duration::from_secs(400));
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}

#[test]
fn who_takes_no_update_is_refreshed_by_a_change_that_changes_nothing() {
    let mut world = World::new(2);
    let (phone, pbx, _) = ours(&mut world, &[UPDATES, ("Session-Expires", "100")]);
    let (letter, _) = expect(&mut world, pbx, Method::Update);
    answer(&mut world, &letter, 405, &[("Allow", "INVITE, ACK, BYE")], "");
    let refresh = world.event(phone);
    assert_eq!(refresh, SipEvent::Phone(PhoneEvent::Refresh { call: CALL }));
    world.command(phone, SipCommand::Reoffer { call: CALL, offer: sdp("the same") });
    let (letter, change) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(interval(&change.headers), "100;refresher=uac");
    answer(&mut world, &letter, 200, &[CONTACT, ("Session-Expires", "100;refresher=uac")], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "ReofferAnswered");
    let before = world.clock();
    event(&mut world, phone, "Phone(Refresh");
    assert_eq!((world.clock() - before).as_secs(), 50);
    // Nobody did it: asked again, and over in time (section 10).
    event(&mut world, phone, "Phone(Refresh");
    let end = loop {
        match world.event(phone) {
            SipEvent::Phone(_) => {}
            end => break end,
        }
    };
    assert!(format!("{end:?}").contains("Lost { why: Silent"), "{end:?}");
    assert_eq!((world.clock() - before).as_secs(), 68);
    expect(&mut world, pbx, Method::Bye);
}

#[test]
fn a_refresh_that_fails_ends_the_call_or_is_tried_again() {
    for (status, ends) in [(481, true), (408, true), (500, false), (491, false)] {
        let mut world = World::new(3);
        let (phone, pbx, _) = ours(&mut world, &[UPDATES, ("Session-Expires", "1800;refresher=uac")]);
        let (letter, _) = expect(&mut world, pbx, Method::Update);
        answer(&mut world, &letter, status, &[], "");
        if ends {
            event(&mut world, phone, "Ended { call: CallId(2), end: Lost { why: Forgotten");
            let (bye, _) = expect(&mut world, pbx, Method::Bye);
            answer(&mut world, &bye, 200, &[], "");
            clean(&mut world, phone);
        } else {
            let (again, _) = expect(&mut world, pbx, Method::Update);
            let waited = (again.at - letter.at).as_millis();
            let within = if status == 491 { 2100..=4000 } else { 400_000..=450_000 };
            assert!(within.contains(&waited), "{status}: {waited} ms");
            assert!(world.events(phone).is_empty());
        }
    }
    // Nobody answers at all: Timer F, then it is over.
    let mut world = World::new(4);
    let (phone, pbx, _) = ours(&mut world, &[UPDATES, ("Session-Expires", "1800;refresher=uac")]);
    let (letter, _) = expect(&mut world, pbx, Method::Update);
    event(&mut world, phone, "Ended { call: CallId(2), end: Lost { why: Silent");
    assert_eq!((world.clock() - letter.at).as_secs(), 32);
}

#[test]
fn who_is_to_refresh_and_does_not_is_hung_up_on() {
    let mut world = World::new(5);
    let (phone, pbx, invite) = ours(&mut world, &[("Session-Expires", "600;refresher=uas")]);
    let up = world.clock();
    world.pass(Duration::from_secs(300));
    say(
        &mut world,
        pbx,
        phone,
        &inside_ours(
            &invite,
            ("UPDATE", 1),
            "u",
            "Supported: timer\nSession-Expires: 600;refresher=uac\n",
            "",
        ),
    );
    let (_, ok) = expect_status(&mut world, pbx, 200);
    assert_eq!(interval(&ok.headers), "600;refresher=uac", "section 9");
    assert!(ok.headers.has_word(name::REQUIRE, "timer"));
    let (letter, _) = expect(&mut world, pbx, Method::Bye);
    assert_eq!((letter.at - up).as_secs(), 300 + 600 - 32, "section 10");
    event(&mut world, phone, "Ended { call: CallId(2), end: Lost { why: Silent");
    answer(&mut world, &letter, 200, &[], "");
    clean(&mut world, phone);
}

#[test]
fn a_callee_agrees_refuses_what_is_too_brief_and_refreshes_where_it_must() {
    let mut world = World::new(6);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("brief", 1, "Supported: timer\nSession-Expires: 60\n", "offer"));
    let (_, brief) = expect_status(&mut world, pbx, 422);
    assert_eq!(brief.headers.min_se(), Some(90), "section 9");
    world.settle();
    assert!(world.events(phone).is_empty(), "it does not ring");

    let (mut world, allow) = (World::new(7), "Allow: INVITE, ACK, BYE, UPDATE\n");
    let (phone, pbx, call, ok) = theirs(&mut world, &format!("Session-Expires: 1200\n{allow}"));
    assert_eq!(interval(&ok.headers), "1200;refresher=uas", "who cannot refresh is refreshed");
    let (letter, update) = expect(&mut world, pbx, Method::Update);
    assert_eq!(interval(&update.headers), "1200;refresher=uac", "the refresher is whose request it is");
    answer(&mut world, &letter, 200, &[CONTACT, ("Session-Expires", "1200;refresher=uac")], "");
    // A change of theirs that is too brief is refused, one that says nothing keeps the timer.
    say(
        &mut world,
        pbx,
        phone,
        &inside(&ok, ("INVITE", 2), "i2", "Supported: timer\nSession-Expires: 10\n", "hold"),
    );
    expect_status(&mut world, pbx, 422);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 2), "i2", "", ""));
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 3), "i3", "Supported: timer\n", "hold"));
    expect_status(&mut world, pbx, 100);
    event(&mut world, phone, "Reoffer");
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("held")) });
    let (letter, held) = expect_status(&mut world, pbx, 200);
    assert_eq!(interval(&held.headers), "1200;refresher=uas");
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 3), "a3", "", ""));
    let (next, _) = expect(&mut world, pbx, Method::Update);
    assert_eq!((next.at - letter.at).as_secs(), 600);
    // Who can do it and was not asked for anything is refreshed by us as well.
    let mut world = World::new(8);
    let (_, _, _, ok) = theirs(&mut world, "Supported: timer\n");
    assert_eq!(interval(&ok.headers), "1800;refresher=uas");
    let mut world = World::new(9);
    let (phone, pbx, _, ok) = theirs(&mut world, "");
    assert_eq!(interval(&ok.headers), "");
    world.pass(Duration::from_secs(1700));
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}

/// Whatever the network does to refreshes, a call whose other side lives goes on, and one whose other side is gone ends.
#[test]
fn refreshes_get_through_a_bad_network() {
    let mut world = World::new(10);
    let (phone, pbx, _) = ours(&mut world, &[UPDATES, ("Session-Expires", "90;refresher=uac")]);
    world.faults = crate::world::Faults { loss: 30, duplicates: 20, delay_ms: 100, jitter_ms: 3900 };
    let begin = world.clock();
    let mut refreshed = 0;
    while world.clock() - begin < Duration::from_secs(900) {
        world.pass(Duration::from_millis(100));
        while let Some(letter) = world.inbox(pbx).pop_front() {
            if matches!(&letter.message, Message::Request(request) if request.method == Method::Update) {
                refreshed += 1;
                answer(&mut world, &letter, 200, &[CONTACT, ("Session-Expires", "90;refresher=uac")], "");
            }
        }
    }
    assert!(refreshed >= 15 && world.events(phone).is_empty(), "{refreshed}: {:?}", world.events(phone));
    world.silent.insert("192.0.2.10".parse().unwrap());
    event(&mut world, phone, "Ended { call: CallId(2), end: Lost { why: Silent");
}
