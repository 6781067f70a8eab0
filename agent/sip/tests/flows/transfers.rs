//! Calls that are handed over by us: REFER, its reports, and what becomes of the call (RFC 3515, 3892, 4488, 5589).

use crate::{
    script::{
        ACCOUNT, answer, clean, event, expect, expect_status, inside, inside_ours, invite, registered, say,
    },
    standing::{CALL, CONTACT, ours},
    world::{Who, World, call_of, sdp},
};
use agent_core::port::sip::{
    ForwardReason, SipCommand, SipEvent, TransferCommand, TransferEvent, transfer::TransferProblem,
};
use agent_sip::message::{Method, Request};
use std::time::Duration;

fn blind(world: &mut World, phone: Who, target: &str) {
    let command = TransferCommand::Blind { call: CALL, account: ACCOUNT, target: target.to_owned() };
    world.command(phone, SipCommand::Transfer(command));
}

/// A report of theirs: `state`, and the status line.
fn report(
    world: &mut World,
    (pbx, phone): (Who, Who),
    invite: &Request,
    number: u32,
    state: &str,
    line: &str,
) {
    let more = format!("Event: refer\nSubscription-State: {state}\n");
    let branch = format!("notify{number}");
    let words = inside_ours(invite, ("NOTIFY", number), &branch, &more, "");
    let body = if line.is_empty() { String::new() } else { format!("SIP/2.0 {line}\r\n") };
    let kind = format!("Content-Type: message/sipfrag;version=2.0\nContent-Length: {}\n\n{line}", body.len());
    let words = words.replace("Content-Length: 0\n\n", &kind.replace(line, body.trim_end()));
    say(world, pbx, phone, &format!("{words}{}", if line.is_empty() { "" } else { "\n" }));
}

fn told(world: &mut World, phone: Who) -> TransferEvent {
    match world.event(phone) {
        SipEvent::Transfer(event) => event,
        other => panic!("{other:?}"),
    }
}

fn failed(why: TransferProblem) -> TransferEvent {
    TransferEvent::Failed { call: CALL, why }
}

fn hang_up(world: &mut World, phone: Who, pbx: Who) {
    world.command(phone, SipCommand::Hangup { call: CALL });
    let (letter, _) = expect(world, pbx, Method::Bye);
    answer(world, &letter, 200, &[], "");
    event(world, phone, "Ended");
    assert!(world.events(phone).is_empty());
    clean(world, phone);
}

#[test]
fn a_call_is_sent_elsewhere_and_its_way_is_told() {
    let mut world = World::new(1);
    let (phone, pbx, invite) = ours(&mut world, &[]);
    assert!(invite.headers.has_word("Supported", "replaces") && invite.headers.has_word("Allow", "REFER"));
    blind(&mut world, phone, "601");
    let (letter, refer) = expect(&mut world, pbx, Method::Refer);
    assert_eq!(refer.uri.to_string(), "sip:600@192.0.2.10:5060");
    assert_eq!(refer.headers.get("Refer-To").unwrap(), "<sip:601@pbx.example>");
    assert_eq!(refer.headers.get("Referred-By").unwrap(), "<sip:1001@pbx.example>");
    assert!(refer.headers.contact().is_some() && refer.headers.has_word("Supported", "norefersub"));
    answer(&mut world, &letter, 202, &[CONTACT], "");
    assert_eq!(told(&mut world, phone), TransferEvent::Agreed { call: CALL });
    for (number, line) in [(1, "100 Trying"), (2, "180 Ringing")] {
        report(&mut world, (pbx, phone), &invite, number, "active;expires=60", line);
        expect_status(&mut world, pbx, 200);
        let status = line[..3].parse().unwrap();
        assert_eq!(told(&mut world, phone), TransferEvent::Progress { call: CALL, status });
    }
    report(&mut world, (pbx, phone), &invite, 3, "active", "200 OK");
    expect_status(&mut world, pbx, 200);
    assert_eq!(told(&mut world, phone), TransferEvent::Done { call: CALL });
    // What still comes is answered and means nothing.
    report(&mut world, (pbx, phone), &invite, 4, "terminated;reason=noresource", "486 Busy");
    expect_status(&mut world, pbx, 200);
    hang_up(&mut world, phone, pbx);
}

#[test]
fn a_report_may_overtake_the_answer_to_refer() {
    let mut world = World::new(2);
    let (phone, pbx, invite) = ours(&mut world, &[]);
    blind(&mut world, phone, "601");
    let (letter, _) = expect(&mut world, pbx, Method::Refer);
    report(&mut world, (pbx, phone), &invite, 1, "active", "100 Trying");
    expect_status(&mut world, pbx, 200);
    assert_eq!(told(&mut world, phone), TransferEvent::Progress { call: CALL, status: 100 });
    report(&mut world, (pbx, phone), &invite, 2, "terminated;reason=noresource", "200 OK");
    expect_status(&mut world, pbx, 200);
    assert_eq!(told(&mut world, phone), TransferEvent::Done { call: CALL });
    answer(&mut world, &letter, 202, &[CONTACT], "");
    world.settle();
    hang_up(&mut world, phone, pbx);
}

#[test]
fn whatever_goes_wrong_leaves_the_call_and_says_why() {
    let not_taken = |status, phrase: &str| TransferProblem::NotTaken { status, phrase: phrase.to_owned() };
    type Case<'a> = (u16, &'a [(&'a str, &'a str)], Option<TransferProblem>);
    let cases: [Case<'_>; 6] = [
        (202, &[("terminated;reason=noresource", "486 Busy Here")], Some(not_taken(486, "Busy Here"))),
        (202, &[("active", "603 Decline")], Some(not_taken(603, "Decline"))),
        (202, &[("active", "180 Ringing"), ("terminated", "")], Some(TransferProblem::Untold)),
        (202, &[("terminated;reason=noresource", "100 Trying")], Some(TransferProblem::Untold)),
        (202, &[], Some(TransferProblem::Silent)),
        (405, &[], None),
    ];
    for (status, reports, problem) in cases {
        let mut world = World::new(3);
        let (phone, pbx, invite) = ours(&mut world, &[]);
        blind(&mut world, phone, "601");
        let (letter, _) = expect(&mut world, pbx, Method::Refer);
        answer(&mut world, &letter, status, &[CONTACT], "");
        let mut number = 0;
        for (state, line) in reports {
            world.settle();
            number += 1;
            report(&mut world, (pbx, phone), &invite, number, state, line);
            expect_status(&mut world, pbx, 200);
        }
        let begin = world.clock();
        let last = loop {
            match told(&mut world, phone) {
                TransferEvent::Agreed { .. } | TransferEvent::Progress { .. } => {}
                last => break last,
            }
        };
        let refused = TransferProblem::Refused { status, phrase: "Method Not Allowed".to_owned() };
        assert_eq!(last, failed(problem.unwrap_or(refused)));
        assert!(world.clock() - begin <= Duration::from_secs(33), "{:?}", world.clock() - begin);
        // Another try is possible at once.
        blind(&mut world, phone, "602");
        let (letter, _) = expect(&mut world, pbx, Method::Refer);
        answer(&mut world, &letter, 202, &[CONTACT, ("Refer-Sub", "false")], "");
        // They will report nothing (RFC 4488): it is as good as done.
        assert_eq!(told(&mut world, phone), TransferEvent::Done { call: CALL });
        hang_up(&mut world, phone, pbx);
    }
}

#[test]
fn a_challenge_is_answered_and_the_second_number_counts() {
    let mut world = World::new(4);
    let (phone, pbx, invite) = ours(&mut world, &[]);
    blind(&mut world, phone, "601");
    let (letter, first) = expect(&mut world, pbx, Method::Refer);
    let asks =
        ("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n\", algorithm=MD5, qop=\"auth\"");
    answer(&mut world, &letter, 407, &[asks], "");
    let (letter, again) = expect(&mut world, pbx, Method::Refer);
    assert_eq!(again.headers.get("Refer-To"), first.headers.get("Refer-To"));
    assert_eq!(again.headers.get("Referred-By"), first.headers.get("Referred-By"));
    assert!(again.headers.has("Proxy-Authorization"));
    answer(&mut world, &letter, 202, &[CONTACT], "");
    assert_eq!(told(&mut world, phone), TransferEvent::Agreed { call: CALL });
    let number = again.headers.cseq().unwrap().number;
    // One that is about another REFER is not ours (RFC 3515 section 2.4.6).
    let other = |at: u32, id: u32| {
        let more = format!("Event: refer;id={id}\nSubscription-State: terminated\n");
        inside_ours(&invite, ("NOTIFY", at), &format!("id{at}"), &more, "")
    };
    say(&mut world, pbx, phone, &other(1, number + 5));
    expect_status(&mut world, pbx, 481);
    say(&mut world, pbx, phone, &other(2, number));
    expect_status(&mut world, pbx, 200);
    assert_eq!(told(&mut world, phone), failed(TransferProblem::Untold));
    // Another package is none of ours (RFC 6665 section 4.1.3).
    let more = "Event: message-summary\nSubscription-State: active\n";
    say(&mut world, pbx, phone, &inside_ours(&invite, ("NOTIFY", 3), "mwi", more, ""));
    expect_status(&mut world, pbx, 489);
    hang_up(&mut world, phone, pbx);
}

#[test]
fn a_transfer_is_taken_back_or_ends_with_the_call() {
    let mut world = World::new(5);
    let (phone, pbx, invite) = ours(&mut world, &[]);
    blind(&mut world, phone, "601");
    let (letter, _) = expect(&mut world, pbx, Method::Refer);
    answer(&mut world, &letter, 202, &[CONTACT], "");
    told(&mut world, phone);
    world.command(phone, SipCommand::Transfer(TransferCommand::Drop { call: CALL }));
    report(&mut world, (pbx, phone), &invite, 1, "active", "180 Ringing");
    expect_status(&mut world, pbx, 481);
    assert!(world.events(phone).is_empty());
    // Once more, and they hang up in the middle: the end is told, and nothing besides.
    blind(&mut world, phone, "602");
    expect(&mut world, pbx, Method::Refer);
    say(&mut world, pbx, phone, &inside_ours(&invite, ("BYE", 2), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended");
    clean(&mut world, phone);
    assert!(world.events(phone).is_empty());
    // A call that is over, or rings, is handed to nobody.
    blind(&mut world, phone, "603");
    assert_eq!(told(&mut world, phone), failed(TransferProblem::NotNow));
}

#[test]
fn two_calls_are_connected() {
    let mut world = World::new(6);
    let (phone, pbx, _) = ours(&mut world, &[]);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    expect_status(&mut world, pbx, 100);
    let other = call_of(&event(&mut world, phone, "Incoming"));
    let attended = TransferCommand::Attended { call: CALL, account: ACCOUNT, with: other };
    world.command(phone, SipCommand::Transfer(attended.clone()));
    // It rings, and there is nothing to be connected with.
    assert_eq!(told(&mut world, phone), failed(TransferProblem::Target));
    world.command(phone, SipCommand::Accept { call: other, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed");
    world.command(phone, SipCommand::Transfer(attended));
    let (letter, refer) = expect(&mut world, pbx, Method::Refer);
    let tag = ok.headers.to().unwrap().tag().unwrap().to_string();
    assert_eq!(
        refer.headers.get("Refer-To").unwrap(),
        format!("<sip:600@pbx.example?Replaces=call-in%3Bto-tag%3Danna%3Bfrom-tag%3D{tag}>").as_str()
    );
    answer(&mut world, &letter, 202, &[CONTACT], "");
    assert_eq!(told(&mut world, phone), TransferEvent::Agreed { call: CALL });
}

#[test]
fn a_call_that_rings_is_deflected() {
    // The words of RFC 5806 section 4.
    for (why, word) in [
        (ForwardReason::Deflected, "deflection"),
        (ForwardReason::Always, "unconditional"),
        (ForwardReason::Busy, "user-busy"),
        (ForwardReason::NoAnswer, "no-answer"),
        (ForwardReason::DoNotDisturb, "do-not-disturb"),
    ] {
        is_deflected(why, word);
    }
}

fn is_deflected(why: ForwardReason, word: &str) {
    let mut world = World::new(7);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    expect_status(&mut world, pbx, 100);
    let call = call_of(&event(&mut world, phone, "Incoming"));
    let target = "601".to_owned();
    let deflect = TransferCommand::Deflect { call, account: ACCOUNT, target, why };
    world.command(phone, SipCommand::Transfer(deflect.clone()));
    let (_, moved) = expect_status(&mut world, pbx, 302);
    assert_eq!(moved.headers.get("Contact").unwrap(), "<sip:601@pbx.example>");
    assert_eq!(
        moved.headers.get("Diversion").unwrap(),
        format!("<sip:1001@pbx.example>;reason={word}").as_str()
    );
    say(
        &mut world,
        pbx,
        phone,
        &invite("in", 1, "", "")
            .replace("INVITE", "ACK")
            .replace("To: <sip:1001@pbx.example>", &format!("To: {}", moved.headers.get("To").unwrap())),
    );
    event(&mut world, phone, "Ended");
    // It is over, and nothing more is to be sent.
    world.command(phone, SipCommand::Transfer(deflect));
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty());
}

#[test]
fn a_call_that_rings_elsewhere_is_picked_up() {
    let mut world = World::new(8);
    let (phone, pbx) = registered(&mut world);
    let dialog = agent_core::port::sip::transfer::DialogRef {
        call_id: "their-call".to_owned(),
        to_tag: "caller".to_owned(),
        from_tag: "callee".to_owned(),
    };
    let target = "sip:600@pbx.example".to_owned();
    let pickup = |dialog| TransferCommand::Pickup {
        call: CALL,
        account: ACCOUNT,
        target: target.clone(),
        dialog,
        offer: sdp("offer"),
    };
    world.command(phone, SipCommand::Transfer(pickup(dialog.clone())));
    let (letter, taking) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(
        taking.headers.get("Replaces").unwrap(),
        "their-call;to-tag=caller;from-tag=callee;early-only"
    );
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    hang_up(&mut world, phone, pbx);
    let bad = agent_core::port::sip::transfer::DialogRef { call_id: "x\r\nVia: y".to_owned(), ..dialog };
    world.command(phone, SipCommand::Transfer(pickup(bad)));
    event(&mut world, phone, "Ended");
    assert!(world.inbox(pbx).is_empty());
}
