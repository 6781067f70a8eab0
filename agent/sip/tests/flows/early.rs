//! Before the answer: forks, provisional responses that are acknowledged (RFC 3262), UPDATE (RFC 3311), 199 (RFC 6228).

use crate::{
    script::{
        answer, answer_tagged, clean, event, expect, expect_status, inside, inside_ours, invite, registered,
        say,
    },
    standing::{CALL, CONTACT, dialled},
    world::{Letter, Who, World, call_of, sdp},
};
use agent_core::{
    id::CallId,
    party::Sdp,
    port::sip::{Reject, SipCommand, SipEvent},
};
use agent_sip::message::{Message, Method, Request, Response, name};
use std::time::Duration;

const RELIABLE: (&str, &str) = ("Require", "100rel");

/// A reliable provisional response with that tag and number.
fn reliable(world: &mut World, to: &Letter, (status, tag): (u16, &str), number: u32, body: &str) {
    answer_tagged(world, to, (status, tag), &[CONTACT, RELIABLE, ("RSeq", &number.to_string())], body);
}

fn progress(status: u16, answer: Option<&str>) -> SipEvent {
    SipEvent::Progress { call: CALL, status, answer: answer.map(|text| Sdp(text.as_bytes().to_vec())) }
}

/// A request of theirs in the early dialog of `tag`.
fn in_branch(invite: &Request, tag: &str, what: (&str, u32), branch: &str, body: &str) -> String {
    inside_ours(invite, what, branch, "", body).replace(";tag=pbx", &format!(";tag={tag}"))
}

fn answered(world: &mut World, who: Who) -> Response {
    match world.letter(who).message {
        Message::Response(response) => response,
        Message::Request(request) => panic!("{request:?}"),
    }
}

#[test]
fn reliable_responses_are_acknowledged_in_their_order() {
    let mut world = World::new(1);
    let (phone, pbx, letter, invite) = dialled(&mut world);
    assert!(invite.headers.has_word(name::SUPPORTED, "100rel"), "RFC 3262 section 4");
    reliable(&mut world, &letter, (183, "a"), 700, "early");
    let (first, prack) = expect(&mut world, pbx, Method::Prack);
    assert_eq!(prack.headers.get(name::RACK).unwrap(), "700 1 INVITE", "RFC 3262 section 7.2");
    assert_eq!(prack.headers.cseq().unwrap().to_string(), "2 PRACK");
    assert_eq!(prack.uri.to_string(), "sip:600@192.0.2.10:5060");
    assert_eq!(prack.headers.to().unwrap().tag().unwrap(), "a");
    assert_eq!(world.event(phone), progress(183, Some("early")));
    // The same again, and one that came too early, are passed over (section 4).
    reliable(&mut world, &letter, (183, "a"), 700, "early");
    reliable(&mut world, &letter, (180, "a"), 702, "");
    world.settle();
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
    answer(&mut world, &first, 401, &[("WWW-Authenticate", "Digest realm=\"pbx.example\", nonce=\"1\"")], "");
    let (again, prack) = expect(&mut world, pbx, Method::Prack);
    assert!(prack.headers.has(name::AUTHORIZATION), "RFC 3261 section 22.2");
    assert_eq!(prack.headers.get(name::RACK).unwrap(), "700 1 INVITE");
    answer(&mut world, &again, 200, &[], "");
    reliable(&mut world, &letter, (180, "a"), 701, "another answer");
    let (last, prack) = expect(&mut world, pbx, Method::Prack);
    assert_eq!(prack.headers.get(name::RACK).unwrap(), "701 1 INVITE");
    assert_eq!(world.event(phone), progress(180, None), "the first answer stands, RFC 3261 section 13.2.1");
    answer(&mut world, &last, 200, &[], "");
    answer_tagged(&mut world, &letter, (200, "a"), &[CONTACT], "a third answer");
    let (_, ack) = expect(&mut world, pbx, Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().to_string(), "1 ACK");
    assert_eq!(world.event(phone), SipEvent::Answered { call: CALL, answer: None });
    world.command(phone, SipCommand::Hangup { call: CALL });
    let (letter, bye) = expect(&mut world, pbx, Method::Bye);
    assert_eq!(bye.headers.cseq().unwrap().number, 5, "the numbers of the early dialog go on");
    answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended");
    clean(&mut world, phone);
}

#[test]
fn an_acknowledgement_that_failed_is_made_again_with_the_repetition() {
    let mut world = World::new(2);
    let (phone, pbx, letter, _) = dialled(&mut world);
    reliable(&mut world, &letter, (180, "a"), 1, "");
    let (first, _) = expect(&mut world, pbx, Method::Prack);
    answer(&mut world, &first, 503, &[], "");
    world.settle();
    reliable(&mut world, &letter, (180, "a"), 1, "");
    let (second, prack) = expect(&mut world, pbx, Method::Prack);
    assert_eq!(prack.headers.get(name::RACK).unwrap(), "1 1 INVITE");
    answer(&mut world, &second, 200, &[], "");
    assert_eq!(world.event(phone), progress(180, None));
    assert!(world.events(phone).is_empty(), "told once");
}

#[test]
fn each_branch_has_its_own_numbers_and_the_last_that_speaks_is_heard() {
    let mut world = World::new(3);
    let (phone, pbx, letter, invite) = dialled(&mut world);
    for (tag, number, body) in [("a", 5, "a speaks"), ("b", 90, "b speaks"), ("c", 7, "")] {
        reliable(&mut world, &letter, (183, tag), number, body);
        let (prack_letter, prack) = expect(&mut world, pbx, Method::Prack);
        assert_eq!(prack.headers.to().unwrap().tag().unwrap(), tag);
        assert_eq!(
            prack.headers.cseq().unwrap().number,
            2,
            "RFC 3261 section 12.2.1.1: each counts for itself"
        );
        answer_tagged(&mut world, &prack_letter, (200, tag), &[], "");
        assert_eq!(world.event(phone), progress(183, Some(body).filter(|body| !body.is_empty())));
    }
    // A request in a branch is known, its order is checked there, and one in no branch is not.
    say(&mut world, pbx, phone, &in_branch(&invite, "a", ("OPTIONS", 50), "o1", ""));
    assert_eq!(answered(&mut world, pbx).status, 200);
    say(&mut world, pbx, phone, &in_branch(&invite, "b", ("OPTIONS", 9), "o2", ""));
    assert_eq!(answered(&mut world, pbx).status, 200);
    say(&mut world, pbx, phone, &in_branch(&invite, "a", ("OPTIONS", 49), "o3", ""));
    assert_eq!(answered(&mut world, pbx).status, 500, "RFC 3261 section 12.2.2");
    say(&mut world, pbx, phone, &in_branch(&invite, "x", ("OPTIONS", 1), "o4", ""));
    assert_eq!(answered(&mut world, pbx).status, 481);
    // b leaves: it was the one that was heard. So does c, which was not.
    for tag in ["b", "c"] {
        answer_tagged(&mut world, &letter, (199, tag), &[CONTACT], "");
    }
    assert_eq!(world.event(phone), progress(199, None), "RFC 6228");
    world.settle();
    assert!(world.events(phone).is_empty(), "{:?}", world.events(phone));
    say(&mut world, pbx, phone, &in_branch(&invite, "b", ("OPTIONS", 10), "o5", ""));
    assert_eq!(answered(&mut world, pbx).status, 481);
    answer_tagged(&mut world, &letter, (200, "d"), &[CONTACT], "d speaks");
    let (_, ack) = expect(&mut world, pbx, Method::Ack);
    assert_eq!(ack.headers.to().unwrap().tag().unwrap(), "d");
    assert_eq!(
        world.event(phone),
        SipEvent::Answered { call: CALL, answer: Some(Sdp(b"d speaks".to_vec())) }
    );
    // a answers too: ACK and BYE, with the numbers it had.
    answer_tagged(&mut world, &letter, (200, "a"), &[CONTACT], "a speaks");
    expect(&mut world, pbx, Method::Ack);
    let (bye_letter, bye) = expect(&mut world, pbx, Method::Bye);
    assert_eq!(bye.headers.cseq().unwrap().number, 3, "above its PRACK");
    answer_tagged(&mut world, &bye_letter, (200, "a"), &[], "");
    say(&mut world, pbx, phone, &in_branch(&invite, "d", ("BYE", 1), "bye", ""));
    assert_eq!(answered(&mut world, pbx).status, 200);
    event(&mut world, phone, "Ended { call: CallId(2), end: RemoteHangup }");
    clean(&mut world, phone);
}

#[test]
fn more_branches_than_anybody_has_cost_nothing() {
    let mut world = World::new(4);
    let (phone, pbx, letter, invite) = dialled(&mut world);
    for at in 0..200 {
        reliable(&mut world, &letter, (180, &format!("t{at}")), 1, "");
        answer_tagged(&mut world, &letter, (180, &format!("u{at}")), &[CONTACT], "");
    }
    world.settle();
    let pracks = world.inbox(pbx).iter().filter(|it| matches!(&it.message, Message::Request(_))).count();
    assert_eq!(pracks, 8, "sixteen branches are known, every other one reliable");
    world.inbox(pbx).clear();
    say(&mut world, pbx, phone, &in_branch(&invite, "t150", ("OPTIONS", 1), "o", ""));
    let status = loop {
        if let Message::Response(response) = world.letter(pbx).message {
            break response.status;
        }
    };
    assert_eq!(status, 481);
    answer(&mut world, &letter, 486, &[], "");
    world.wait(|world| world.events(phone).iter().find(|it| matches!(it, SipEvent::Ended { .. })).cloned());
    clean(&mut world, phone);
}

#[test]
fn an_update_before_the_answer_follows_the_offers_under_way() {
    let mut world = World::new(5);
    let (phone, pbx, letter, invite) = dialled(&mut world);
    answer_tagged(&mut world, &letter, (183, "a"), &[CONTACT], "a preview");
    assert_eq!(world.event(phone), progress(183, Some("a preview")));
    // Our offer is not answered for good: 491 (RFC 3311 section 5.2). Without an offer nothing is in the way.
    say(&mut world, pbx, phone, &in_branch(&invite, "a", ("UPDATE", 1), "u1", "offer"));
    assert_eq!(answered(&mut world, pbx).status, 491);
    say(&mut world, pbx, phone, &in_branch(&invite, "a", ("UPDATE", 2), "u2", ""));
    let ok = answered(&mut world, pbx);
    assert!(ok.status == 200 && ok.headers.has(name::CONTACT) && ok.headers.has(name::ALLOW));
    reliable(&mut world, &letter, (183, "a"), 1, "the answer");
    let (prack, _) = expect(&mut world, pbx, Method::Prack);
    answer_tagged(&mut world, &prack, (200, "a"), &[], "");
    assert_eq!(world.event(phone), progress(183, Some("the answer")));
    say(&mut world, pbx, phone, &in_branch(&invite, "a", ("UPDATE", 3), "u3", "music"));
    assert_eq!(world.event(phone), SipEvent::Reoffer { call: CALL, offer: Some(Sdp(b"music".to_vec())) });
    say(&mut world, pbx, phone, &in_branch(&invite, "a", ("UPDATE", 4), "u4", ""));
    let busy = answered(&mut world, pbx);
    assert_eq!(busy.status, 500, "one UPDATE at a time");
    assert!(busy.headers.retry_after().unwrap() <= Duration::from_secs(10));
    world.command(phone, SipCommand::AnswerReoffer { call: CALL, answer: Ok(sdp("heard")) });
    let ok = answered(&mut world, pbx);
    assert_eq!((ok.status, ok.body.as_ref()), (200, sdp("heard").0.as_slice()));
    world.settle();
    assert!(world.inbox(pbx).is_empty(), "no ACK is owed, so nothing is repeated");
    // An answered branch that is not heard cannot have the one sound there is.
    reliable(&mut world, &letter, (183, "b"), 1, "b speaks");
    let (prack, _) = expect(&mut world, pbx, Method::Prack);
    answer_tagged(&mut world, &prack, (200, "b"), &[], "");
    assert_eq!(world.event(phone), progress(183, Some("b speaks")));
    say(&mut world, pbx, phone, &in_branch(&invite, "a", ("UPDATE", 5), "u5", "music"));
    assert_eq!(answered(&mut world, pbx).status, 488);
    answer_tagged(&mut world, &letter, (200, "b"), &[CONTACT], "");
    expect(&mut world, pbx, Method::Ack);
    assert_eq!(world.event(phone), SipEvent::Answered { call: CALL, answer: None });
}

#[test]
fn a_bye_that_overtakes_the_answer_ends_the_call() {
    let mut world = World::new(6);
    let (phone, pbx, letter, invite) = dialled(&mut world);
    answer_tagged(&mut world, &letter, (180, "a"), &[CONTACT], "");
    event(&mut world, phone, "Progress");
    say(&mut world, pbx, phone, &in_branch(&invite, "a", ("BYE", 1), "bye", ""));
    assert_eq!(answered(&mut world, pbx).status, 200);
    assert!(world.events(phone).is_empty(), "other branches may still answer");
    answer_tagged(&mut world, &letter, (200, "a"), &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Ended { call: CallId(2), end: RemoteHangup }");
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty());
}

/// A call that rings here, from somebody who wants to know for certain.
fn rings(world: &mut World, more: &str, body: &str) -> (Who, Who, CallId) {
    let (phone, pbx) = registered(world);
    say(world, pbx, phone, &invite("in", 1, more, body));
    expect_status(world, pbx, 100);
    let call = call_of(&event(world, phone, "Incoming"));
    world.command(phone, SipCommand::Ring { call });
    (phone, pbx, call)
}

fn rack(ringing: &Response, number: u32) -> String {
    format!("RAck: {number} {} INVITE\n", ringing.headers.cseq().unwrap().number)
}

#[test]
fn who_insists_gets_a_ringing_that_is_repeated_until_acknowledged() {
    let mut world = World::new(7);
    let (phone, pbx, call) = rings(&mut world, "Require: 100rel\n", "offer");
    let (first, ringing) = expect_status(&mut world, pbx, 180);
    let number = ringing.headers.rseq().expect("RFC 3262 section 3");
    assert!(ringing.headers.has_word(name::REQUIRE, "100rel") && number < 1 << 31);
    assert!(ringing.headers.has(name::CONTACT) && ringing.body.is_empty());
    let mut after = Vec::new();
    for _ in 0..5 {
        let (letter, again) = expect_status(&mut world, pbx, 180);
        assert_eq!(again.headers.rseq(), Some(number));
        after.push((letter.at - first.at).as_millis());
    }
    assert_eq!(after, [500, 1500, 3500, 7500, 15500], "doubling from T1, RFC 3262 section 3");
    for (branch, cseq, what, code) in [
        ("p1", 2, rack(&ringing, number + 1), 481),
        ("p2", 3, rack(&ringing, number).replace("INVITE", "UPDATE"), 481),
        ("p3", 4, String::new(), 400),
        ("p4", 5, rack(&ringing, number), 200),
        ("p5", 6, rack(&ringing, number), 481),
    ] {
        say(&mut world, pbx, phone, &inside(&ringing, ("PRACK", cseq), branch, &what, ""));
        expect_status(&mut world, pbx, code);
    }
    // The minute's reminder is reliable as well, with the next number.
    let (letter, reminder) = expect_status(&mut world, pbx, 180);
    assert_eq!(reminder.headers.rseq(), Some(number + 1));
    assert_eq!((letter.at - first.at).as_secs(), 60);
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ringing, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed");
    world.pass(Duration::from_secs(40));
    assert!(world.inbox(pbx).is_empty(), "nothing is repeated after the final answer");
    say(&mut world, pbx, phone, &inside(&ringing, ("PRACK", 7), "p7", &rack(&ringing, number + 1), ""));
    expect_status(&mut world, pbx, 200);
}

#[test]
fn a_ringing_nobody_acknowledges_ends_the_call() {
    let mut world = World::new(8);
    let (phone, pbx, _) = rings(&mut world, "Require: 100rel\n", "offer");
    let begin = expect_status(&mut world, pbx, 180).0.at;
    let gone = loop {
        if let Letter { at, message: Message::Response(response), .. } = world.letter(pbx)
            && response.status != 180
        {
            assert_eq!(response.status, 504);
            break at;
        }
    };
    assert_eq!(gone - begin, Duration::from_secs(32), "RFC 3262 section 3");
    event(&mut world, phone, "Ended { call: CallId(1), end: Lost { why: Unacknowledged");
    clean(&mut world, phone);
}

#[test]
fn who_merely_can_gets_a_plain_ringing() {
    let mut world = World::new(9);
    let (_, pbx, _) = rings(&mut world, "Supported: 100rel\n", "offer");
    let (_, ringing) = expect_status(&mut world, pbx, 180);
    assert!(!ringing.headers.has(name::RSEQ) && !ringing.headers.has(name::REQUIRE));
}

#[test]
fn offers_before_our_answer_come_too_early() {
    let mut world = World::new(11);
    let (phone, pbx, call) = rings(&mut world, "Require: 100rel\n", "offer");
    let (_, ringing) = expect_status(&mut world, pbx, 180);
    let number = ringing.headers.rseq().unwrap();
    say(&mut world, pbx, phone, &inside(&ringing, ("PRACK", 2), "p", &rack(&ringing, number), "an offer"));
    let (_, early) = expect_status(&mut world, pbx, 500);
    assert!(early.headers.has(name::RETRY_AFTER), "RFC 3311 section 5.2");
    say(&mut world, pbx, phone, &inside(&ringing, ("UPDATE", 3), "u", "", "an offer"));
    let (_, early) = expect_status(&mut world, pbx, 500);
    assert!(early.headers.has(name::RETRY_AFTER));
    say(&mut world, pbx, phone, &inside(&ringing, ("UPDATE", 4), "v", "", ""));
    expect_status(&mut world, pbx, 200);
    world.pass(Duration::from_secs(10));
    assert!(world.inbox(pbx).is_empty(), "the refused PRACK acknowledged it all the same");
    world.command(phone, SipCommand::Reject { call, why: Reject::Busy });
    expect_status(&mut world, pbx, 486);
    event(&mut world, phone, "Ended");
}

#[test]
fn an_update_in_a_call_that_stands_changes_it_or_crosses_ours() {
    let mut world = World::new(12);
    let (phone, pbx, call) = rings(&mut world, "", "offer");
    expect_status(&mut world, pbx, 180);
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed");
    let elsewhere = world.script("192.0.2.30");
    let moved =
        inside(&ok, ("UPDATE", 2), "u2", "", "hold").replace("<sip:600@{ip}:5060>", "<sip:600@192.0.2.30>");
    say(&mut world, pbx, phone, &moved);
    event(&mut world, phone, "Reoffer");
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 3), "i3", "", "resume"));
    expect_status(&mut world, pbx, 500);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 3), "i3", "", ""));
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("held")) });
    let (_, held) = expect_status(&mut world, pbx, 200);
    assert_eq!(held.body, sdp("held").0);
    world.command(phone, SipCommand::Reoffer { call, offer: sdp("ours") });
    let (letter, change) = expect(&mut world, elsewhere, Method::Invite);
    assert_eq!(change.uri.to_string(), "sip:600@192.0.2.30", "UPDATE moves the target, RFC 3311 section 5.1");
    say(&mut world, pbx, phone, &inside(&ok, ("UPDATE", 4), "u4", "", "theirs"));
    expect_status(&mut world, pbx, 491);
    answer(&mut world, &letter, 200, &[CONTACT], "fine");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "ReofferAnswered");
    say(&mut world, pbx, phone, &inside(&ok, ("UPDATE", 5), "u5", "", "bad"));
    event(&mut world, phone, "Reoffer");
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Err(Reject::NotAcceptable) });
    expect_status(&mut world, pbx, 488);
    say(&mut world, pbx, phone, &inside(&ok, ("UPDATE", 6), "u6", "", "silence"));
    event(&mut world, phone, "Reoffer");
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 7), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    expect_status(&mut world, pbx, 487);
    event(&mut world, phone, "Ended { call: CallId(1), end: RemoteHangup }");
    clean(&mut world, phone);
}
