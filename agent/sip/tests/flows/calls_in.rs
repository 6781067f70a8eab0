//! Calls that come in, as transcripts of RFC 3261 sections 9, 13.3 and 15.

use crate::{
    script::{clean, event, expect, expect_status, inside, invite, registered, say},
    standing::{incoming, taken},
    world::{World, sdp},
};
use agent_core::{
    party::Sdp,
    port::sip::{Reject, SipCommand, SipEvent, Unfit},
};
use agent_sip::message::{Method, name};
use std::time::Duration;

#[test]
fn a_call_rings_is_answered_and_hung_up_by_them() {
    let mut world = World::new(1);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    let (_, trying) = expect_status(&mut world, pbx, 100);
    assert!(trying.headers.to().unwrap().tag().is_none(), "100 makes no dialog");
    let SipEvent::Incoming { call, party, called, local, offer, .. } = event(&mut world, phone, "Incoming")
    else {
        unreachable!()
    };
    assert_eq!(
        (party.number.as_str(), party.name.as_deref(), called.as_str()),
        ("600", Some("Anna"), "1001")
    );
    assert_eq!((local.to_string().as_str(), offer), ("192.0.2.1", Some(Sdp(b"offer".to_vec()))));
    assert_eq!(call.0 % 2, 1);

    world.command(phone, SipCommand::Ring { call });
    let (_, ringing) = expect_status(&mut world, pbx, 180);
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    assert_eq!(ringing.headers.to().unwrap().tag(), ok.headers.to().unwrap().tag());
    assert_eq!(ok.body_of("application/sdp").unwrap(), sdp("answer").0);
    assert!(ok.headers.has(name::ALLOW) && ok.headers.has(name::CONTACT));
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed { call: CallId(1), answer: None }");
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 2), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended { call: CallId(1), end: RemoteHangup }");
    clean(&mut world, phone);
    assert!(world.events(phone).iter().all(|event| !matches!(event, SipEvent::Ended { .. })));
}

#[test]
fn hanging_up_says_bye_and_waits_for_their_word() {
    let mut world = World::new(2);
    let (phone, pbx) = registered(&mut world);
    let (call, _) = taken(&mut world, (phone, pbx), "");
    world.command(phone, SipCommand::Hangup { call });
    let (letter, bye) = expect(&mut world, pbx, Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:600@192.0.2.10:5060");
    assert!(world.events(phone).is_empty());
    crate::script::answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended { call: CallId(1), end: LocalHangup }");
    clean(&mut world, phone);
}

#[test]
fn a_peer_that_is_gone_does_not_keep_the_user_waiting() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    let (call, _) = taken(&mut world, (phone, pbx), "");
    let begin = world.clock();
    world.command(phone, SipCommand::Hangup { call });
    event(&mut world, phone, "Ended { call: CallId(1), end: LocalHangup }");
    assert_eq!(world.clock() - begin, Duration::from_secs(2));
    clean(&mut world, phone);
}

#[test]
fn a_cancelled_call_ends_and_says_whether_another_phone_took_it() {
    for (reason, end) in [
        ("", "Cancelled { elsewhere: false }"),
        ("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n", "Cancelled { elsewhere: true }"),
        ("Reason: Q.850;cause=26\n", "Cancelled { elsewhere: true }"),
    ] {
        let mut world = World::new(4);
        let (phone, pbx) = registered(&mut world);
        let call = incoming(&mut world, (phone, pbx), "", "offer");
        let cancel = invite("in", 1, reason, "").replace("INVITE", "CANCEL");
        say(&mut world, pbx, phone, &cancel);
        let (_, ok) = expect_status(&mut world, pbx, 200);
        assert_eq!(ok.headers.cseq().unwrap().method, Method::Cancel);
        let (_, terminated) = expect_status(&mut world, pbx, 487);
        event(&mut world, phone, &format!("Ended {{ call: {call:?}, end: {end} }}"));
        say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "ACK"));
        assert_eq!(terminated.headers.cseq().unwrap().method, Method::Invite);
        // The user's answer came too late; nothing happens.
        world.command(phone, SipCommand::Accept { call, answer: sdp("late") });
        clean(&mut world, phone);
        assert!(world.inbox(pbx).is_empty(), "RFC 3261 section 9.2");
    }
}

#[test]
fn a_cancel_after_the_answer_changes_nothing_and_an_unknown_one_gets_481() {
    let mut world = World::new(5);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "", "offer");
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "CANCEL"));
    let (_, cancelled) = expect_status(&mut world, pbx, 200);
    assert_eq!(cancelled.headers.cseq().unwrap().method, Method::Cancel);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed");
    say(&mut world, pbx, phone, &invite("other", 1, "", "").replace("INVITE", "CANCEL"));
    expect_status(&mut world, pbx, 481);
}

#[test]
fn refusals_have_their_codes_and_are_repeated_until_acknowledged() {
    for (why, status, warning) in [
        (Reject::Busy, 486, None),
        (Reject::Decline, 486, None),
        (Reject::Unavailable, 480, None),
        (Reject::NotAcceptable, 488, None),
        (Reject::Unfit(Unfit::Address), 488, Some("301 ")),
        (Reject::Unfit(Unfit::Transport), 488, Some("302 ")),
        (Reject::Unfit(Unfit::Media), 488, Some("304 ")),
        (Reject::Unfit(Unfit::Format), 488, Some("305 ")),
    ] {
        let mut world = World::new(6);
        let (phone, pbx) = registered(&mut world);
        let call = incoming(&mut world, (phone, pbx), "", "offer");
        world.command(phone, SipCommand::Reject { call, why });
        event(&mut world, phone, "Ended { call: CallId(1), end: Rejected }");
        let (letter, refusal) = expect_status(&mut world, pbx, status);
        let begin = letter.at;
        let said = refusal.headers.get(name::WARNING).map(|text| text.to_display().to_string());
        assert_eq!(said.as_deref().map(|text| &text[..4]), warning, "RFC 3261 section 20.43");
        let mut after = Vec::new();
        for _ in 0..4 {
            after.push((expect_status(&mut world, pbx, status).0.at - begin).as_millis());
        }
        assert_eq!(after, [500, 1500, 3500, 7500], "Timer G, RFC 3261 section 17.2.1");
        say(&mut world, pbx, phone, &invite("in", 1, "", "").replace("INVITE", "ACK"));
        world.settle();
        world.inbox(pbx).clear();
        world.pass(Duration::from_secs(20));
        assert!(world.inbox(pbx).is_empty(), "an acknowledged refusal is not repeated");
        clean(&mut world, phone);
    }
}

#[test]
fn hanging_up_on_a_ringing_call_declines_it() {
    let mut world = World::new(7);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "", "offer");
    world.command(phone, SipCommand::Hangup { call });
    expect_status(&mut world, pbx, 486);
    event(&mut world, phone, "Ended { call: CallId(1), end: Rejected }");
}

#[test]
fn an_answer_is_repeated_until_acknowledged_or_the_call_is_lost() {
    let mut world = World::new(8);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "", "offer");
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let begin = expect_status(&mut world, pbx, 200).0.at;
    let mut after = Vec::new();
    for _ in 0..6 {
        after.push((expect_status(&mut world, pbx, 200).0.at - begin).as_millis());
    }
    assert_eq!(after, [500, 1500, 3500, 7500, 11500, 15500], "RFC 3261 section 13.3.1.4");
    event(&mut world, phone, "Ended { call: CallId(1), end: Lost");
    assert_eq!(world.clock() - begin, Duration::from_secs(32));
    let bye = loop {
        match world.letter(pbx) {
            letter if matches!(letter.message, agent_sip::message::Message::Request(_)) => break letter,
            _ => {}
        }
    };
    crate::script::answer(&mut world, &bye, 200, &[], "");
    clean(&mut world, phone);
}

#[test]
fn bye_waits_for_the_ack() {
    let mut world = World::new(9);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "", "offer");
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    world.command(phone, SipCommand::Hangup { call });
    world.settle();
    assert!(world.inbox(pbx).is_empty(), "RFC 3261 section 15: no BYE before the ACK");
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    let (letter, _) = expect(&mut world, pbx, Method::Bye);
    crate::script::answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Confirmed");
    event(&mut world, phone, "Ended { call: CallId(1), end: LocalHangup }");
    clean(&mut world, phone);
}

#[test]
fn an_invite_without_an_offer_is_answered_with_ours_and_acknowledged_with_theirs() {
    let mut world = World::new(10);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "", ""));
    expect_status(&mut world, pbx, 100);
    let SipEvent::Incoming { call, offer: None, .. } = event(&mut world, phone, "Incoming") else {
        panic!("an offer")
    };
    world.command(phone, SipCommand::Accept { call, answer: sdp("offer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", "their answer"));
    let answer = Some(Sdp(b"their answer".to_vec()));
    assert_eq!(world.event(phone), SipEvent::Confirmed { call, answer }, "RFC 3261 section 13.3.1.4");
}

#[test]
fn a_bye_before_the_answer_is_a_cancel() {
    let mut world = World::new(11);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "", "offer");
    world.command(phone, SipCommand::Ring { call });
    let (_, ringing) = expect_status(&mut world, pbx, 180);
    say(&mut world, pbx, phone, &inside(&ringing, ("BYE", 2), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    expect_status(&mut world, pbx, 487);
    event(&mut world, phone, "Ended { call: CallId(1), end: Cancelled { elsewhere: false } }");
}

#[test]
fn ringing_is_said_again_every_minute_and_an_expired_invite_ends() {
    let mut world = World::new(12);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "Expires: 90\n", "offer");
    world.command(phone, SipCommand::Ring { call });
    let first = expect_status(&mut world, pbx, 180).0.at;
    let begin = first;
    assert_eq!((expect_status(&mut world, pbx, 180).0.at - first).as_secs(), 60, "RFC 3261 section 13.3.1.1");
    let (letter, _) = expect_status(&mut world, pbx, 487);
    assert_eq!((letter.at - begin).as_secs(), 90, "RFC 3261 section 13.3.1");
    event(&mut world, phone, "Ended { call: CallId(1), end: Cancelled { elsewhere: false } }");
}

#[test]
fn retransmissions_of_an_invite_ring_once() {
    let mut world = World::new(13);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "", "offer");
    world.command(phone, SipCommand::Ring { call });
    expect_status(&mut world, pbx, 180);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    expect_status(&mut world, pbx, 180);
    assert!(world.events(phone).is_empty(), "RFC 3261 section 17.2.1");
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    world.settle();
    assert!(world.inbox(pbx).is_empty(), "RFC 6026: absorbed, the 2xx is repeated by its own timer");
}

#[test]
fn a_caller_that_is_gone_while_it_rings_ends_the_call() {
    let mut world = World::new(15);
    let (phone, pbx) = registered(&mut world);
    let call = incoming(&mut world, (phone, pbx), "", "offer");
    world.dead.insert("192.0.2.10".parse().unwrap());
    world.command(phone, SipCommand::Ring { call });
    event(
        &mut world,
        phone,
        "Ended { call: CallId(1), end: Lost { why: Network, detail: \"Connection refused\" } }",
    );
    world.pass(Duration::from_secs(1));
    assert_eq!(world.load(phone).servers, 0);
}

#[test]
fn the_route_set_and_the_contact_are_followed() {
    let mut world = World::new(14);
    let (phone, pbx) = registered(&mut world);
    let proxy = world.script("192.0.2.20");
    let routes = "Record-Route: <sip:192.0.2.20;lr>, <sip:192.0.2.10;lr>\n";
    let call = incoming(&mut world, (phone, pbx), routes, "offer");
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    assert_eq!(ok.headers.addresses(name::RECORD_ROUTE).unwrap().len(), 2, "RFC 3261 section 12.1.1");
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed");
    world.command(phone, SipCommand::Hangup { call });
    let (_, bye) = expect(&mut world, proxy, Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:600@192.0.2.10:5060");
    assert_eq!(bye.headers.addresses(name::ROUTE).unwrap().len(), 2);
}
