//! Calls without an offer from who insists on 100rel: ours goes out in the 180, their answer comes with the PRACK (RFC 3262
//! section 5), and the 200 says nothing of it again.

use crate::{
    script::{clean, event, expect_status, inside, invite, registered, say},
    world::{Who, World, sdp},
};
use agent_core::{
    id::CallId,
    party::Sdp,
    port::sip::{PhoneCommand, SipCommand, SipEvent},
};
use agent_sip::message::{Response, name};
use std::time::Duration;

const INSISTS: &str = "Require: 100rel\n";

/// A call without an offer that is to ring with ours.
fn asked(world: &mut World) -> (Who, Who, CallId) {
    let (phone, pbx) = registered(world);
    say(world, pbx, phone, &invite("in", 1, INSISTS, ""));
    expect_status(world, pbx, 100);
    match event(world, phone, "Incoming") {
        SipEvent::Incoming { call, offer: None, with, .. } if with.rings_with_offer => (phone, pbx, call),
        other => panic!("{other:?}"),
    }
}

/// It rings, with our offer.
fn rings(world: &mut World) -> (Who, Who, CallId, Response) {
    let (phone, pbx, call) = asked(world);
    let ring = PhoneCommand::RingWith { call, offer: sdp("our offer") };
    world.command(phone, SipCommand::Phone(ring));
    let (_, ringing) = expect_status(world, pbx, 180);
    assert_eq!(ringing.body_of("application/sdp").unwrap(), sdp("our offer").0);
    assert!(ringing.headers.has_word(name::REQUIRE, "100rel"));
    (phone, pbx, call, ringing)
}

fn prack(ringing: &Response, number: u32, body: &str) -> String {
    let rack = format!("RAck: {} 1 INVITE\n", ringing.headers.rseq().unwrap());
    inside(ringing, ("PRACK", number), &format!("p{number}"), &rack, body)
}

#[test]
fn our_offer_is_in_the_ringing_and_their_answer_in_the_prack() {
    let mut world = World::new(1);
    let (phone, pbx, call, ringing) = rings(&mut world);
    say(&mut world, pbx, phone, &prack(&ringing, 2, "their answer"));
    expect_status(&mut world, pbx, 200);
    // A further PRACK would acknowledge nothing, and the reminder after a minute makes no further offer.
    say(&mut world, pbx, phone, &prack(&ringing, 3, "their answer"));
    expect_status(&mut world, pbx, 481);
    let (_, reminder) = expect_status(&mut world, pbx, 180);
    assert!(reminder.body.is_empty() && reminder.headers.rseq() != ringing.headers.rseq());
    say(&mut world, pbx, phone, &prack(&reminder, 4, ""));
    expect_status(&mut world, pbx, 200);
    world.command(phone, SipCommand::Accept { call, answer: sdp("our offer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    assert!(ok.body.is_empty(), "RFC 3262 section 5: it is agreed already");
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    let answer = Some(Sdp(b"their answer".to_vec()));
    assert_eq!(world.event(phone), SipEvent::Confirmed { call, answer });
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 5), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended");
    clean(&mut world, phone);
}

#[test]
fn no_answer_of_ours_goes_out_before_the_offer_is_acknowledged() {
    let mut world = World::new(2);
    let (phone, pbx, call, ringing) = rings(&mut world);
    world.command(phone, SipCommand::Accept { call, answer: sdp("our offer") });
    // The 180 is repeated, and nothing else is said (RFC 3262 section 3).
    let (_, again) = expect_status(&mut world, pbx, 180);
    assert_eq!(again.body, ringing.body);
    say(&mut world, pbx, phone, &prack(&ringing, 2, "their answer"));
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let (_, ok) = expect_status(&mut world, pbx, 200);
        numbers.push(ok.headers.cseq().unwrap().to_string());
        assert!(ok.body.is_empty());
    }
    assert_eq!(numbers, ["2 PRACK", "1 INVITE"]);
    say(&mut world, pbx, phone, &inside(&ringing, ("ACK", 1), "ack", "", ""));
    let answer = Some(Sdp(b"their answer".to_vec()));
    assert_eq!(world.event(phone), SipEvent::Confirmed { call, answer });
}

#[test]
fn who_never_acknowledges_is_refused_though_the_user_answered() {
    let mut world = World::new(3);
    let (phone, pbx, call, ringing) = rings(&mut world);
    world.command(phone, SipCommand::Accept { call, answer: sdp("our offer") });
    event(&mut world, phone, "Ended { call: CallId(1), end: Lost { why: Unacknowledged");
    world.inbox(pbx).retain(|letter| !format!("{:?}", letter.message).contains("status: 180"));
    expect_status(&mut world, pbx, 504);
    let ack = invite("in", 1, "", "").replace("INVITE", "ACK");
    say(&mut world, pbx, phone, &ack);
    clean(&mut world, phone);
    drop(ringing);
}

#[test]
fn a_prack_that_owes_us_the_answer_is_as_good_as_an_ack_that_does() {
    let mut world = World::new(4);
    let (phone, pbx, call, ringing) = rings(&mut world);
    say(&mut world, pbx, phone, &prack(&ringing, 2, ""));
    expect_status(&mut world, pbx, 200);
    world.command(phone, SipCommand::Accept { call, answer: sdp("our offer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    assert_eq!(world.event(phone), SipEvent::Confirmed { call, answer: None });
}

/// The user is quicker than the sound: the offer goes out with the 200, as ever (RFC 3261 section 13.3.1.4).
#[test]
fn answered_before_it_rang_the_offer_is_in_the_200() {
    let mut world = World::new(5);
    let (phone, pbx, call) = asked(&mut world);
    // A plain 180 says too little.
    world.command(phone, SipCommand::Ring { call });
    world.pass(Duration::from_secs(5));
    assert!(world.inbox(pbx).is_empty(), "{:?}", world.inbox(pbx));
    world.command(phone, SipCommand::Accept { call, answer: sdp("our offer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    assert_eq!(ok.body, sdp("our offer").0);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", "their answer"));
    let answer = Some(Sdp(b"their answer".to_vec()));
    assert_eq!(world.event(phone), SipEvent::Confirmed { call, answer });
}

#[test]
fn it_is_cancelled_or_refused_like_any_other() {
    let mut world = World::new(6);
    let (phone, pbx, call, _) = rings(&mut world);
    world.command(phone, SipCommand::Accept { call, answer: sdp("our offer") });
    say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "CANCEL"));
    expect_status(&mut world, pbx, 200);
    expect_status(&mut world, pbx, 487);
    event(&mut world, phone, "Ended { call: CallId(1), end: Cancelled { elsewhere: false } }");
    say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "ACK"));
    clean(&mut world, phone);
}
