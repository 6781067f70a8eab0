//! CANCEL and what it races with (RFC 3261 section 9): answers, refusals, challenges, silence.

use crate::{
    script::{answer, answer_tagged, clean, event, expect, expect_status, inside, invite, registered, say},
    standing::{CALL, CONTACT, dialled, incoming},
    world::{Letter, Who, World, sdp},
};
use agent_core::port::sip::SipCommand;
use agent_sip::message::{Method, name};
use std::time::Duration;

/// A call of ours that rang there and was given up; the PBX has said that it cancels.
fn given_up(world: &mut World) -> (Who, Who, Letter) {
    let (phone, pbx, letter, _) = dialled(world);
    answer(world, &letter, 180, &[CONTACT], "");
    event(world, phone, "Progress");
    world.command(phone, SipCommand::Hangup { call: CALL });
    let (cancel, _) = expect(world, pbx, Method::Cancel);
    answer(world, &cancel, 200, &[], "");
    (phone, pbx, letter)
}

#[test]
fn a_cancel_that_is_heeded_and_never_followed_by_a_final_answer_ends_the_call() {
    let mut world = World::new(1);
    let (phone, pbx, _) = given_up(&mut world);
    let begin = world.clock();
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    assert_eq!((world.clock() - begin).as_secs(), 2, "the user does not wait for them");
    world.pass(Duration::from_secs(33));
    let load = world.load(phone);
    assert_eq!((load.calls, load.clients), (0, 0), "64*T1 after the CANCEL, RFC 3261 section 9.1");
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}

#[test]
fn whoever_answers_long_after_the_cancel_is_acknowledged_and_hung_up_on() {
    let mut world = World::new(2);
    let (phone, pbx, letter) = given_up(&mut world);
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    world.pass(Duration::from_secs(20));
    // A fork: two branches pick up in that moment.
    for tag in ["one", "two"] {
        answer_tagged(&mut world, &letter, (200, tag), &[CONTACT], "answer");
        let (_, ack) = expect(&mut world, pbx, Method::Ack);
        let (bye, request) = expect(&mut world, pbx, Method::Bye);
        for request in [&ack, &request] {
            assert_eq!(request.headers.to().unwrap().tag().unwrap(), tag);
        }
        answer(&mut world, &bye, 200, &[], "");
    }
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}

#[test]
fn a_call_given_up_before_they_said_a_word_sends_no_cancel_to_who_answers_finally() {
    let challenge = ("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n\"");
    let elsewhere = ("Contact", "<sip:700@pbx.example>");
    let longer = ("Min-SE", "3600");
    for (status, header) in
        [(200, CONTACT), (486, CONTACT), (407, challenge), (302, elsewhere), (422, longer), (503, CONTACT)]
    {
        let mut world = World::new(3);
        let (phone, pbx, letter, _) = dialled(&mut world);
        world.command(phone, SipCommand::Hangup { call: CALL });
        world.settle();
        answer(&mut world, &letter, status, &[header], if status == 200 { "answer" } else { "" });
        expect(&mut world, pbx, Method::Ack);
        if status == 200 {
            let (bye, _) = expect(&mut world, pbx, Method::Bye);
            answer(&mut world, &bye, 200, &[], "");
        }
        event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
        clean(&mut world, phone);
        assert!(world.inbox(pbx).is_empty(), "{status}: {:?}", world.inbox(pbx));
    }
}

#[test]
fn a_call_given_up_into_silence_is_repeated_until_timer_b_and_never_cancelled() {
    let mut world = World::new(4);
    let (phone, pbx, ..) = dialled(&mut world);
    world.command(phone, SipCommand::Hangup { call: CALL });
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    clean(&mut world, phone);
    let letters = std::mem::take(world.inbox(pbx));
    let cancels = letters.iter().filter(|letter| format!("{:?}", letter.message).contains("Cancel")).count();
    assert_eq!((letters.len(), cancels), (6, 0), "RFC 3261 section 9.1");
}

#[test]
fn their_cancel_again_is_answered_again_and_later_names_nothing() {
    let mut world = World::new(5);
    let (phone, pbx) = registered(&mut world);
    incoming(&mut world, (phone, pbx), "", "offer");
    // Require means nothing in a CANCEL (section 8.2.2.3).
    let cancel = invite("in", 1, "Require: nothing-we-know\n", "").replace("INVITE", "CANCEL");
    say(&mut world, pbx, phone, &cancel);
    let (_, ok) = expect_status(&mut world, pbx, 200);
    let (_, gone) = expect_status(&mut world, pbx, 487);
    let tag = |headers: &agent_sip::message::Headers| headers.to().unwrap().tag().unwrap().to_string();
    assert_eq!(tag(&ok.headers), tag(&gone.headers), "RFC 3261 section 9.2");
    event(&mut world, phone, "Ended { call: CallId(1), end: Cancelled { elsewhere: false } }");
    // It crossed the 487, or its answer was lost.
    say(&mut world, pbx, phone, &cancel);
    let (_, again) = expect_status(&mut world, pbx, 200);
    assert_eq!(tag(&again.headers), tag(&ok.headers));
    say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "ACK"));
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
    say(&mut world, pbx, phone, &cancel);
    expect_status(&mut world, pbx, 481);
}

#[test]
fn a_cancel_from_elsewhere_ends_nobodys_call() {
    let mut world = World::new(5);
    let (phone, pbx) = registered(&mut world);
    let stranger = world.script("192.0.2.66");
    incoming(&mut world, (phone, pbx), "", "offer");
    // With all that names the INVITE: who sent it, under which branch.
    let cancel = invite("in", 1, "", "").replace("INVITE", "CANCEL");
    say(&mut world, stranger, phone, &cancel.replace("{ip}", "192.0.2.10"));
    world.settle();
    assert!(world.events(phone).is_empty(), "it rings on");
    world.inbox(pbx).clear();
    say(&mut world, pbx, phone, &cancel);
    let statuses: Vec<u16> =
        [200, 487].map(|status| expect_status(&mut world, pbx, status).1.status).to_vec();
    assert_eq!(statuses, [200, 487]);
    event(&mut world, phone, "Ended { call: CallId(1), end: Cancelled { elsewhere: false } }");
}

#[test]
fn their_cancel_of_what_was_refused_or_challenges_nothing_changes_nothing() {
    let mut world = World::new(6);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "Require: nothing-we-know\n", "offer"));
    expect_status(&mut world, pbx, 420);
    say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "CANCEL"));
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "ACK"));
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}

/// Their CANCEL arrives after our 200 went out and was lost: the 200 comes again, and they hang up as they should.
#[test]
fn their_cancel_that_crosses_our_answer_leaves_a_call_that_their_bye_ends() {
    let mut world = World::new(7);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "", "offer");
    world.silent.insert("192.0.2.10".parse().unwrap());
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    world.settle();
    world.silent.clear();
    say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "CANCEL"));
    let (_, cancelled) = expect_status(&mut world, pbx, 200);
    assert_eq!(cancelled.headers.cseq().unwrap().method, Method::Cancel);
    let (_, ok) = expect_status(&mut world, pbx, 200);
    assert_eq!(ok.headers.cseq().unwrap().method, Method::Invite);
    assert!(ok.headers.has(name::CONTACT) && !ok.body.is_empty());
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed");
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 2), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended { call: CallId(1), end: RemoteHangup }");
    clean(&mut world, phone);
}
