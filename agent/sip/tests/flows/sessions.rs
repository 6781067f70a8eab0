//! Changes of a session (RFC 3261 section 14): hold, resume, and what happens when both sides want one.

use crate::{
    script::{answer, clean, event, expect, expect_status, inside, inside_ours, invite, registered, say},
    standing::{CALL, CONTACT, ours, theirs},
    world::{World, call_of, sdp},
};
use agent_core::{
    party::Sdp,
    port::sip::{Reject, SipCommand, SipEvent},
};
use agent_sip::message::{Method, name};
use std::time::Duration;

#[test]
fn we_hold_and_resume() {
    let mut world = World::new(1);
    let (phone, pbx, first) = ours(&mut world, &[]);
    let call = CALL;
    for (number, name) in [(2, "hold"), (3, "resume")] {
        world.command(phone, SipCommand::Reoffer { call, offer: sdp(name) });
        let (letter, again) = expect(&mut world, pbx, Method::Invite);
        assert_eq!(again.headers.cseq().unwrap().number, number);
        assert_eq!(again.uri.to_string(), "sip:600@192.0.2.10:5060");
        assert_eq!(again.headers.call_id().unwrap(), first.headers.call_id().unwrap());
        assert_eq!(again.headers.to().unwrap().tag().unwrap(), "pbx");
        assert_eq!(again.body, sdp(name).0);
        answer(&mut world, &letter, 200, &[CONTACT], "their answer");
        let (_, ack) = expect(&mut world, pbx, Method::Ack);
        assert_eq!(ack.headers.cseq().unwrap().number, number);
        assert_eq!(
            world.event(phone),
            SipEvent::ReofferAnswered { call, answer: Sdp(b"their answer".to_vec()) }
        );
        answer(&mut world, &letter, 200, &[CONTACT], "their answer");
        expect(&mut world, pbx, Method::Ack);
    }
    world.command(phone, SipCommand::Hangup { call });
    let (letter, bye) = expect(&mut world, pbx, Method::Bye);
    assert_eq!(bye.headers.cseq().unwrap().number, 4);
    answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended");
    clean(&mut world, phone);
}

#[test]
fn they_hold_and_we_answer_or_refuse() {
    let mut world = World::new(2);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 2), "hold", "", "hold"));
    expect_status(&mut world, pbx, 100);
    assert_eq!(world.event(phone), SipEvent::Reoffer { call, offer: Some(Sdp(b"hold".to_vec())) });
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("held")) });
    let (_, held) = expect_status(&mut world, pbx, 200);
    assert_eq!(held.body, sdp("held").0);
    assert!(held.headers.has(name::CONTACT));
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 2), "ack2", "", ""));
    world.settle();
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 3), "bad", "", "video only"));
    expect_status(&mut world, pbx, 100);
    event(&mut world, phone, "Reoffer");
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Err(Reject::NotAcceptable) });
    expect_status(&mut world, pbx, 488);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 3), "bad", "", ""));
    // Without an offer ours goes out, and their answer comes with the ACK.
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 4), "none", "", ""));
    expect_status(&mut world, pbx, 100);
    assert_eq!(world.event(phone), SipEvent::Reoffer { call, offer: None });
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("our offer")) });
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 4), "ack4", "", "answer in ACK"));
    let answered = Some(Sdp(b"answer in ACK".to_vec()));
    assert_eq!(world.event(phone), SipEvent::Confirmed { call, answer: answered });
    // An ACK that owes us the answer is told all the same: somebody waits for it.
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 5), "owed", "", ""));
    expect_status(&mut world, pbx, 100);
    event(&mut world, phone, "Reoffer");
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("our offer")) });
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 5), "ack5", "", ""));
    assert_eq!(world.event(phone), SipEvent::Confirmed { call, answer: None });
    assert!(world.events(phone).is_empty());
}

#[test]
fn a_refused_change_leaves_the_session_as_it_was() {
    let mut world = World::new(3);
    let (phone, pbx, _) = ours(&mut world, &[]);
    let call = CALL;
    world.command(phone, SipCommand::Reoffer { call, offer: sdp("hold") });
    let (letter, _) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 488, &[], "");
    expect(&mut world, pbx, Method::Ack);
    assert_eq!(world.event(phone), SipEvent::ReofferRefused { call, status: 488 });
    world.pass(Duration::from_secs(10));
    assert!(world.events(phone).is_empty(), "RFC 3261 section 14.1");
}

#[test]
fn a_change_of_a_call_that_is_not_there_any_more_ends_it() {
    for status in [481, 408] {
        let mut world = World::new(4);
        let (phone, pbx, _) = ours(&mut world, &[]);
        let call = CALL;
        world.command(phone, SipCommand::Reoffer { call, offer: sdp("hold") });
        let (letter, _) = expect(&mut world, pbx, Method::Invite);
        answer(&mut world, &letter, status, &[], "");
        expect(&mut world, pbx, Method::Ack);
        event(&mut world, phone, "Ended { call: CallId(2), end: Lost");
        let (letter, _) = expect(&mut world, pbx, Method::Bye);
        answer(&mut world, &letter, 481, &[], "");
        clean(&mut world, phone);
    }
}

#[test]
fn changes_that_meet_are_told_apart() {
    // Theirs comes while ours is out: 491; ours gets 491 too, waits 2.1 to 4 s (the Call-ID is ours) and comes again.
    let mut world = World::new(5);
    let (phone, pbx, invite) = ours(&mut world, &[]);
    let call = CALL;
    world.command(phone, SipCommand::Reoffer { call, offer: sdp("ours") });
    let (letter, first) = expect(&mut world, pbx, Method::Invite);
    say(&mut world, pbx, phone, &inside_ours(&invite, ("INVITE", 1), "glare", "", "theirs"));
    expect_status(&mut world, pbx, 491);
    say(&mut world, pbx, phone, &inside_ours(&invite, ("ACK", 1), "glare", "", ""));
    answer(&mut world, &letter, 491, &[], "");
    expect(&mut world, pbx, Method::Ack);
    let begin = world.clock();
    let (letter, second) = expect(&mut world, pbx, Method::Invite);
    let waited = (world.clock() - begin).as_millis();
    assert!((2100..=4000).contains(&waited), "RFC 3261 section 14.1: {waited} ms");
    assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    assert_eq!(second.body, sdp("ours").0);
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "ReofferAnswered");
    assert!(world.events(phone).is_empty(), "theirs was never told");
}

#[test]
fn who_did_not_make_the_call_waits_less_and_takes_theirs_meanwhile() {
    let mut world = World::new(6);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    world.command(phone, SipCommand::Reoffer { call, offer: sdp("ours") });
    let (letter, _) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 491, &[], "");
    expect(&mut world, pbx, Method::Ack);
    let begin = world.clock();
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 2), "theirs", "", "theirs"));
    world.settle();
    if world
        .inbox(pbx)
        .iter()
        .all(|letter| !matches!(&letter.message, agent_sip::message::Message::Request(_)))
    {
        expect_status(&mut world, pbx, 100);
        event(&mut world, phone, "Reoffer");
        world.pass(Duration::from_secs(3));
        assert!(world.inbox(pbx).is_empty(), "ours waits for the end of theirs");
        world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("answer")) });
        expect_status(&mut world, pbx, 200);
        say(&mut world, pbx, phone, &inside(&ok, ("ACK", 2), "ack2", "", ""));
    }
    let (_, again) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(again.body, sdp("ours").0);
    assert!(world.clock() - begin <= Duration::from_secs(4));
}

#[test]
fn one_change_of_theirs_at_a_time_and_in_order() {
    let mut world = World::new(7);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 5), "one", "", "one"));
    expect_status(&mut world, pbx, 100);
    event(&mut world, phone, "Reoffer");
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 6), "two", "", "two"));
    let (_, busy) = expect_status(&mut world, pbx, 500);
    assert!(busy.headers.retry_after().unwrap() <= Duration::from_secs(10), "RFC 3261 section 14.2");
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 6), "two", "", ""));
    say(&mut world, pbx, phone, &inside(&ok, ("OPTIONS", 4), "old", "", ""));
    expect_status(&mut world, pbx, 500);
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("answer")) });
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 7), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended { call: CallId(1), end: RemoteHangup }");
    clean(&mut world, phone);
}

#[test]
fn a_change_nobody_answers_is_refused_and_one_nobody_acknowledges_ends_the_call() {
    let mut world = World::new(8);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 2), "one", "", "one"));
    expect_status(&mut world, pbx, 100);
    event(&mut world, phone, "Reoffer");
    let begin = world.clock();
    expect_status(&mut world, pbx, 488);
    assert_eq!((world.clock() - begin).as_secs(), 30);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 2), "one", "", ""));
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 3), "two", "", "two"));
    expect_status(&mut world, pbx, 100);
    event(&mut world, phone, "Reoffer");
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("answer")) });
    event(&mut world, phone, "Ended { call: CallId(1), end: Lost");
    clean(&mut world, phone);
}

#[test]
fn a_bye_ends_a_change_under_way() {
    let mut world = World::new(9);
    let (phone, pbx, _, ok) = theirs(&mut world, "");
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 2), "one", "", "one"));
    expect_status(&mut world, pbx, 100);
    event(&mut world, phone, "Reoffer");
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 3), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    expect_status(&mut world, pbx, 487);
    event(&mut world, phone, "Ended { call: CallId(1), end: RemoteHangup }");
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 2), "one", "", ""));
    clean(&mut world, phone);
}

#[test]
fn both_hang_up_at_once() {
    let mut world = World::new(10);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    world.command(phone, SipCommand::Hangup { call });
    expect(&mut world, pbx, Method::Bye);
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 2), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended { call: CallId(1), end: LocalHangup }");
    clean(&mut world, phone);
    assert!(world.events(phone).iter().all(|event| !matches!(event, SipEvent::Ended { .. })), "told once");
}

#[test]
fn the_newest_of_several_changes_wins_and_the_contact_moves() {
    let mut world = World::new(11);
    let (phone, pbx, _) = ours(&mut world, &[]);
    let call = CALL;
    let elsewhere = world.script("192.0.2.30");
    for name in ["a", "b", "c"] {
        world.command(phone, SipCommand::Reoffer { call, offer: sdp(name) });
    }
    let (letter, first) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(first.body, sdp("a").0);
    answer(&mut world, &letter, 200, &[("Contact", "<sip:600@192.0.2.30>")], "answer");
    expect(&mut world, elsewhere, Method::Ack);
    let (_, second) = expect(&mut world, elsewhere, Method::Invite);
    assert_eq!(second.body, sdp("c").0);
    assert_eq!(second.uri.to_string(), "sip:600@192.0.2.30", "RFC 3261 section 12.2.1.2");
}

/// RFC 3261 has no timer that ends an INVITE after a provisional answer, and whoever owes the final one stops
/// repeating it when the dialog ends.
#[test]
fn a_change_whose_answer_was_lost_is_forgotten_with_the_call() {
    for their_bye in [false, true] {
        let mut world = World::new(12);
        let (phone, pbx, call, ok) = theirs(&mut world, "");
        world.command(phone, SipCommand::Reoffer { call, offer: sdp("hold") });
        let (letter, _) = expect(&mut world, pbx, Method::Invite);
        answer(&mut world, &letter, 100, &[], "");
        world.settle();
        if their_bye {
            say(&mut world, pbx, phone, &inside(&ok, ("BYE", 2), "bye", "", ""));
            event(&mut world, phone, "Ended { call: CallId(1), end: RemoteHangup }");
        } else {
            world.command(phone, SipCommand::Hangup { call });
            let (letter, _) = expect(&mut world, pbx, Method::Bye);
            answer(&mut world, &letter, 200, &[], "");
            event(&mut world, phone, "Ended { call: CallId(1), end: LocalHangup }");
        }
        clean(&mut world, phone);
        assert!(world.events(phone).is_empty(), "{:?}", world.events(phone));
    }
}

#[test]
fn a_change_refused_after_our_bye_begins_nothing_anew() {
    for status in [401, 481, 491, 500] {
        let mut world = World::new(13);
        let (phone, pbx, call, _) = theirs(&mut world, "");
        world.command(phone, SipCommand::Reoffer { call, offer: sdp("hold") });
        let (change, _) = expect(&mut world, pbx, Method::Invite);
        answer(&mut world, &change, 100, &[], "");
        world.settle();
        world.command(phone, SipCommand::Hangup { call });
        let (bye, _) = expect(&mut world, pbx, Method::Bye);
        let challenge = [("WWW-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n\", algorithm=MD5")];
        answer(&mut world, &change, status, if status == 401 { &challenge } else { &[] }, "");
        expect(&mut world, pbx, Method::Ack);
        answer(&mut world, &bye, 200, &[], "");
        event(&mut world, phone, "Ended { call: CallId(1), end: LocalHangup }");
        clean(&mut world, phone);
        assert!(world.inbox(pbx).is_empty(), "{status} began {:?}", world.inbox(pbx));
        assert!(world.events(phone).is_empty(), "told once");
    }
}

/// We hang up before their ACK came, and a change of theirs overtakes it: it shows as well that our answer arrived.
#[test]
fn a_change_that_comes_instead_of_the_ack_lets_our_bye_out() {
    let mut world = World::new(14);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    expect_status(&mut world, pbx, 100);
    let call = call_of(&event(&mut world, phone, "Incoming"));
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    world.command(phone, SipCommand::Hangup { call });
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 2), "hold", "", "hold"));
    expect_status(&mut world, pbx, 487);
    let (bye, _) = expect(&mut world, pbx, Method::Bye);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 2), "hold", "", ""));
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    answer(&mut world, &bye, 200, &[], "");
    event(&mut world, phone, "Ended { call: CallId(1), end: LocalHangup }");
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}
