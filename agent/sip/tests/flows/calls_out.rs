//! Calls we make, as transcripts of RFC 3261 sections 9.1, 13.2 and 18.1.1.

use crate::{
    script::{
        ACCOUNT, answer, answer_tagged, calling, clean, event, expect, expect_status, inside_ours,
        registered, say,
    },
    standing::{CALL, CONTACT, dial},
    world::{Letter, Who, World, sdp},
};
use agent_core::{
    party::Sdp,
    port::sip::{CallEnd, Loss, SipCommand, SipEvent},
};
use agent_sip::{
    flow::Transport,
    message::{Message, Method, Request, name},
};
use std::time::Duration;

#[test]
fn a_call_with_a_password_early_media_and_both_ends() {
    let mut world = World::new(1);
    let (phone, pbx) = registered(&mut world);
    let (letter, invite) = dial(&mut world, (phone, pbx));
    assert_eq!(invite.uri.to_string(), "sip:600@pbx.example");
    assert_eq!(invite.headers.from().unwrap().uri.to_string(), "sip:1001@pbx.example");
    assert!(invite.headers.get(name::USER_AGENT).unwrap().to_text().starts_with("Trayphone/"));
    answer(&mut world, &letter, 100, &[], "");
    answer(&mut world, &letter, 100, &[], "");
    event(&mut world, phone, "Phone(Trying { call: CallId(2) })");
    assert!(world.events(phone).is_empty(), "told once");
    let challenge =
        ("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256");
    answer(&mut world, &letter, 407, &[challenge], "");
    expect(&mut world, pbx, Method::Ack);
    let (letter, again) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(again.headers.cseq().unwrap().number, invite.headers.cseq().unwrap().number + 1);
    assert_eq!(again.headers.call_id().unwrap(), invite.headers.call_id().unwrap(), "RFC 3261 section 22.2");
    assert_eq!(again.headers.get(name::FROM), invite.headers.get(name::FROM));
    assert!(again.headers.has(name::PROXY_AUTHORIZATION));
    assert_eq!(again.headers.all(name::USER_AGENT).count(), 1);
    answer(&mut world, &letter, 180, &[CONTACT], "");
    event(&mut world, phone, "Progress { call: CallId(2), status: 180, answer: None }");
    answer(&mut world, &letter, 183, &[CONTACT], "early");
    let early = Some(Sdp(b"early".to_vec()));
    assert_eq!(world.event(phone), SipEvent::Progress { call: CALL, status: 183, answer: early });
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    let (_, ack) = expect(&mut world, pbx, Method::Ack);
    assert!(ack.headers.has(name::PROXY_AUTHORIZATION), "RFC 3261 section 13.2.2.4");
    assert_eq!(ack.headers.cseq().unwrap().number, again.headers.cseq().unwrap().number);
    assert_eq!(ack.uri.to_string(), "sip:600@192.0.2.10:5060");
    assert_eq!(world.event(phone), SipEvent::Answered { call: CALL, answer: Some(Sdp(b"answer".to_vec())) });

    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    assert!(world.events(phone).is_empty(), "a repeated 2xx is acknowledged and not told");
    say(&mut world, pbx, phone, &inside_ours(&again, ("BYE", 1), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended { call: CallId(2), end: RemoteHangup }");
    clean(&mut world, phone);
}

#[test]
fn our_bye_answers_a_challenge() {
    let mut world = World::new(2);
    let (phone, pbx) = registered(&mut world);
    let (letter, _) = dial(&mut world, (phone, pbx));
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    world.command(phone, SipCommand::Hangup { call: CALL });
    let (letter, first) = expect(&mut world, pbx, Method::Bye);
    answer(
        &mut world,
        &letter,
        401,
        &[("WWW-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n1\"")],
        "",
    );
    let (letter, second) = expect(&mut world, pbx, Method::Bye);
    assert!(second.headers.has(name::AUTHORIZATION));
    assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    clean(&mut world, phone);
}

/// A proxy passes a challenge on that somebody behind it made (RFC 3261 section 16.7): what answered it would let him try
/// passwords for as long as he likes.
#[test]
fn who_is_called_gets_no_answer_to_a_challenge_of_his_own() {
    for (status, field) in [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")] {
        let mut world = World::new(3);
        let (phone, pbx) = registered(&mut world);
        let (letter, _) = dial(&mut world, (phone, pbx));
        let theirs = "Digest realm=\"evil.example\", nonce=\"n1\", qop=\"auth\"";
        answer(&mut world, &letter, status, &[(field, theirs)], "");
        let (_, ack) = expect(&mut world, pbx, Method::Ack);
        assert!(!ack.headers.has(name::AUTHORIZATION) && !ack.headers.has("Proxy-Authorization"));
        let end = event(&mut world, phone, "Ended");
        assert!(
            matches!(end, SipEvent::Ended { end: CallEnd::Lost { why: Loss::Stranger, .. }, .. }),
            "{end:?}"
        );
        world.settle();
        assert!(world.inbox(pbx).is_empty(), "no second INVITE");
        clean(&mut world, phone);
    }
}

#[test]
fn every_branch_of_a_fork_that_answers_late_is_hung_up_on() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    let (letter, _) = dial(&mut world, (phone, pbx));
    for tag in ["a", "b", "c"] {
        answer_tagged(&mut world, &letter, (180, tag), &[CONTACT], "");
        event(&mut world, phone, "Progress");
    }
    answer_tagged(&mut world, &letter, (200, "a"), &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    for tag in ["b", "c"] {
        answer_tagged(&mut world, &letter, (200, tag), &[CONTACT], "answer");
        let (_, ack) = expect(&mut world, pbx, Method::Ack);
        let (bye_letter, bye) = expect(&mut world, pbx, Method::Bye);
        for request in [&ack, &bye] {
            assert_eq!(request.headers.to().unwrap().tag().unwrap(), tag, "RFC 3261 section 13.2.2.4");
        }
        answer_tagged(&mut world, &letter, (200, tag), &[CONTACT], "answer");
        let (_, ack) = loop {
            let (letter, request) = expect_any(&mut world, pbx);
            if request.method == Method::Ack {
                break (letter, request);
            }
        };
        assert_eq!(ack.headers.to().unwrap().tag().unwrap(), tag);
        answer(&mut world, &bye_letter, 200, &[], "");
        world.settle();
    }
    assert!(world.events(phone).is_empty());
    world.command(phone, SipCommand::Hangup { call: CALL });
    let (letter, bye) = expect(&mut world, pbx, Method::Bye);
    assert_eq!(bye.headers.to().unwrap().tag().unwrap(), "a");
    answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended");
    clean(&mut world, phone);
}

fn expect_any(world: &mut World, who: Who) -> (Letter, Request) {
    let letter = world.letter(who);
    match letter.message.clone() {
        Message::Request(request) => (letter, request),
        Message::Response(response) => panic!("{response:?}"),
    }
}

#[test]
fn cancel_waits_for_the_first_provisional_response() {
    let mut world = World::new(4);
    let (phone, pbx) = registered(&mut world);
    let (letter, invite) = dial(&mut world, (phone, pbx));
    world.command(phone, SipCommand::Hangup { call: CALL });
    world.settle();
    assert!(world.inbox(pbx).is_empty(), "RFC 3261 section 9.1");
    answer(&mut world, &letter, 100, &[], "");
    let (cancel_letter, cancel) = expect(&mut world, pbx, Method::Cancel);
    assert_eq!(cancel.headers.get(name::VIA), invite.headers.get(name::VIA));
    assert_eq!(cancel.headers.cseq().unwrap().to_string(), "1 CANCEL");
    assert_eq!(cancel.uri, invite.uri);
    assert!(cancel.headers.to().unwrap().tag().is_none());
    answer(&mut world, &cancel_letter, 200, &[], "");
    answer(&mut world, &letter, 487, &[], "");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    clean(&mut world, phone);
}

#[test]
fn a_cancel_that_crosses_the_answer_becomes_ack_and_bye() {
    let mut world = World::new(5);
    let (phone, pbx) = registered(&mut world);
    let (letter, _) = dial(&mut world, (phone, pbx));
    answer(&mut world, &letter, 180, &[CONTACT], "");
    event(&mut world, phone, "Progress");
    world.command(phone, SipCommand::Hangup { call: CALL });
    let (cancel, _) = expect(&mut world, pbx, Method::Cancel);
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    answer(&mut world, &cancel, 200, &[], "");
    expect(&mut world, pbx, Method::Ack);
    let (bye, _) = expect(&mut world, pbx, Method::Bye);
    answer(&mut world, &bye, 200, &[], "");
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    clean(&mut world, phone);
}

#[test]
fn a_cancel_nobody_heeds_ends_all_the_same() {
    let mut world = World::new(6);
    let (phone, pbx) = registered(&mut world);
    let (letter, _) = dial(&mut world, (phone, pbx));
    answer(&mut world, &letter, 180, &[CONTACT], "");
    event(&mut world, phone, "Progress");
    let begin = world.clock();
    world.command(phone, SipCommand::Hangup { call: CALL });
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    assert_eq!(world.clock() - begin, Duration::from_secs(2));
    clean(&mut world, phone);
}

#[test]
fn refusals_are_told_as_they_are() {
    for (status, phrase) in
        [(486, "Busy Here"), (302, "Moved Temporarily"), (404, "Not Found"), (603, "Decline")]
    {
        let mut world = World::new(7);
        let (phone, pbx) = registered(&mut world);
        let (letter, _) = dial(&mut world, (phone, pbx));
        answer(&mut world, &letter, status, &[], "");
        expect(&mut world, pbx, Method::Ack);
        let end =
            format!("Ended {{ call: CallId(2), end: Refused {{ status: {status}, phrase: \"{phrase}\" }} }}");
        event(&mut world, phone, &end);
        answer(&mut world, &letter, status, &[], "");
        let (_, ack) = expect(&mut world, pbx, Method::Ack);
        assert_eq!(ack.headers.to().unwrap().tag().unwrap(), "pbx", "RFC 3261 section 17.1.1.3");
        clean(&mut world, phone);
    }
}

#[test]
fn a_wrong_password_is_not_tried_for_ever() {
    let mut world = World::new(8);
    let (phone, pbx) = registered(&mut world);
    dial(&mut world, (phone, pbx));
    let mut letter = None;
    for nonce in ["n1", "n2"] {
        let (current, _) = match letter.take() {
            None => {
                world.events(phone).clear();
                world.command(phone, SipCommand::Hangup { call: CALL });
                world.events(phone).clear();
                let command = calling(4, "600");
                world.command(phone, command);
                expect(&mut world, pbx, Method::Invite)
            }
            Some(letter) => letter,
        };
        let challenge = format!("Digest realm=\"pbx.example\", nonce=\"{nonce}\", qop=\"auth\"");
        answer(&mut world, &current, 407, &[("Proxy-Authenticate", &challenge)], "");
        expect(&mut world, pbx, Method::Ack);
        if nonce == "n1" {
            letter = Some(expect(&mut world, pbx, Method::Invite));
        }
    }
    let ended = world.wait(|world| {
        world
            .events(phone)
            .iter()
            .position(|event| format!("{event:?}").contains("CallId(4)"))
            .map(|at| world.events(phone)[at].clone())
    });
    assert!(format!("{:?}", ended.unwrap()).contains("Refused { status: 407"));
}

#[test]
fn nobody_there_is_lost_after_timer_b_and_refused_at_once() {
    let mut world = World::new(9);
    let (phone, pbx) = registered(&mut world);
    let begin = world.clock();
    let (first, _) = dial(&mut world, (phone, pbx));
    let mut after = Vec::new();
    for _ in 0..6 {
        after.push((expect(&mut world, pbx, Method::Invite).0.at - first.at).as_millis());
    }
    assert_eq!(after, [500, 1500, 3500, 7500, 15500, 31500], "Timer A, RFC 3261 section 17.1.1.2");
    event(&mut world, phone, "Ended { call: CallId(2), end: Lost");
    assert_eq!(world.clock() - begin, Duration::from_secs(32), "Timer B");

    world.dead.insert("192.0.2.10".parse().unwrap());
    world.events(phone).clear();
    let command = calling(4, "600");
    let begin = world.clock();
    world.command(phone, command);
    let ended = world.wait(|world| {
        world.events(phone).iter().find(|event| matches!(event, SipEvent::Ended { .. })).cloned()
    });
    assert!(
        format!("{ended:?}").contains("Lost { why: Network, detail: \"Connection refused\" }"),
        "{ended:?}"
    );
    assert_eq!(world.clock(), begin);
}

#[test]
fn a_long_invite_goes_over_tcp_where_there_is_some() {
    for tcp in [true, false] {
        let mut world = World::new(10);
        let (phone, pbx) = registered(&mut world);
        if !tcp {
            world.no_tcp.insert("192.0.2.10".parse().unwrap());
        }
        let offer = Sdp(vec![b'x'; 1500]);
        world.command(
            phone,
            SipCommand::Invite { call: CALL, account: ACCOUNT, target: "600".into(), offer, withhold: false },
        );
        let (letter, invite) = expect(&mut world, pbx, Method::Invite);
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        assert_eq!(letter.flow.transport, transport, "RFC 3261 section 18.1.1");
        assert_eq!(invite.headers.via().unwrap().transport, transport.via_name());
        answer(&mut world, &letter, 200, &[CONTACT], "answer");
        event(&mut world, phone, "Answered");
        world.command(phone, SipCommand::Hangup { call: CALL });
        expect(&mut world, pbx, Method::Ack);
        let (bye, _) = expect(&mut world, pbx, Method::Bye);
        answer(&mut world, &bye, 200, &[], "");
        event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    }
}

#[test]
fn what_cannot_be_called_ends_with_a_sentence() {
    let mut world = World::new(11);
    let (phone, _) = registered(&mut world);
    for (target, account, word) in [
        ("sips:bob@x", 0, "NoTls"),
        ("", 0, "no number"),
        ("600", 7, "NoAccount"),
        ("sip:<", 0, "cannot be called"),
    ] {
        let account = agent_core::id::AccountId(account);
        world.command(
            phone,
            SipCommand::Invite {
                call: CALL,
                account,
                target: target.into(),
                offer: sdp("o"),
                withhold: false,
            },
        );
        let end = world.event(phone);
        assert!(format!("{end:?}").contains(word), "{end:?}");
    }
    clean(&mut world, phone);
}
