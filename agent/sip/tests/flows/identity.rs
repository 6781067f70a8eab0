//! Who calls, by which way, and who it is by then (RFC 3325, RFC 4916, RFC 5806), as a registrar and a stranger tell it.

use crate::{
    script::{answer, as_told, calling, event, expect, expect_status, inside, invite, registered, say},
    standing::theirs,
    world::{Who, World, call_of, sdp},
};
use agent_core::{
    party::Party,
    port::sip::{Circumstances, ForwardReason, Ring, SipCommand, SipEvent},
};
use agent_sip::{
    config::{Callers, Config},
    message::{Method, Response},
};

const ALL: &str = "P-Asserted-Identity: \"Alice\" <sip:+4930123@pbx.example>\n\
                   Diversion: \"Desk\" <sip:1002@pbx.example>;reason=no-answer;counter=2\n\
                   Alert-Info: <http://x>;info=alert-internal\nCall-Info: <sip:x>;answer-after=2\n\
                   P-Called-Party-ID: \"Hotline\" <sip:4711@pbx.example>\n";

fn incoming(world: &mut World, phone: Who) -> (Party, String, Circumstances) {
    let SipEvent::Incoming { party, called, with, .. } = event(world, phone, "Incoming") else {
        unreachable!()
    };
    (party, called, *with)
}

fn party(world: &mut World, phone: Who) -> (String, Option<String>) {
    let SipEvent::Party { party, .. } = event(world, phone, "Party") else { unreachable!() };
    (party.number, party.name)
}

#[test]
fn the_registrar_is_believed() {
    let mut world = World::new(1);
    let (phone, pbx) = registered(&mut world);
    let words = as_told(&world, &invite("in", 1, ALL, "offer"));
    say(&mut world, pbx, phone, &words);
    let (party, called, with) = incoming(&mut world, phone);
    assert_eq!((party.number.as_str(), party.name.as_deref()), ("+4930123", Some("Alice")));
    assert_eq!((called.as_str(), with.line.as_deref()), ("4711", Some("Hotline")));
    assert_eq!((with.ring, with.auto_answer), (Ring::Internal, Some(2)));
    let by = &with.forwarded[0];
    assert_eq!((by.by.number.as_str(), by.why, by.times), ("1002", ForwardReason::NoAnswer, 2));
}

#[test]
fn whoever_was_not_told_our_contact_has_nothing_answered_by_itself() {
    let mut world = World::new(1);
    let (phone, pbx) = registered(&mut world);
    // An address can be forged; what only the registrar was told cannot.
    say(&mut world, pbx, phone, &invite("in", 1, ALL, "offer"));
    let (_, _, with) = incoming(&mut world, phone);
    assert_eq!((with.ring, with.auto_answer), (Ring::Internal, None));
}

#[test]
fn a_stranger_is_known_by_from_alone() {
    let mut world = World::new(2);
    let stranger = world.script("192.0.2.66");
    let phone = world.phone("192.0.2.1", Config { callers: Callers::Anyone, ..Config::default() });
    crate::script::register(&mut world, phone, Some("sip:192.0.2.10"));
    world.settle();
    world.events(phone).clear();
    say(&mut world, stranger, phone, &invite("in", 1, ALL, "offer"));
    let (party, called, with) = incoming(&mut world, phone);
    assert_eq!((party.number.as_str(), called.as_str()), ("600", "1001"));
    assert_eq!(
        with,
        Circumstances::default(),
        "nobody but the registrar makes the phone ring, speak or name a boss"
    );
}

#[test]
fn who_answers_is_told_once() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    world.command(phone, calling(2, "600"));
    let (letter, _) = expect(&mut world, pbx, Method::Invite);
    let contact = ("Contact", "<sip:600@192.0.2.10:5060>");
    let known = ("P-Asserted-Identity", "\"Sales\" <sip:600@pbx.example>");
    answer(&mut world, &letter, 180, &[contact, known], "");
    event(&mut world, phone, "Progress");
    assert_eq!(party(&mut world, phone), ("600".to_owned(), Some("Sales".to_owned())));
    answer(&mut world, &letter, 180, &[contact, known], "");
    event(&mut world, phone, "Progress");
    let agent = ("Remote-Party-ID", "\"Bob\" <sip:1002@pbx.example>;party=called;privacy=off");
    answer(&mut world, &letter, 200, &[contact, agent], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    assert_eq!(party(&mut world, phone), ("1002".to_owned(), Some("Bob".to_owned())));
    world.settle();
    assert!(world.events(phone).is_empty());
}

#[test]
fn a_transfer_changes_who_is_there() {
    let mut world = World::new(4);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    expect_status(&mut world, pbx, 100);
    let call = call_of(&event(&mut world, phone, "Incoming"));
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed");
    let pai = "P-Asserted-Identity: \"Carol\" <sip:1003@pbx.example>\n";
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 2), "re", pai, "again"));
    assert_eq!(party(&mut world, phone), ("1003".to_owned(), Some("Carol".to_owned())));
    event(&mut world, phone, "Reoffer");
    world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("answer")) });
    world.settle();
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 2), "ack2", "", ""));
    // What the network asserts is not taken back by what the other side writes.
    say(&mut world, pbx, phone, &as_dave(&ok, 3, "Supported: from-change\n"));
    event(&mut world, phone, "Reoffer");
}

/// A re-INVITE in which From is another one, its tag the same (RFC 4916).
fn as_dave(ok: &Response, number: u32, more: &str) -> String {
    inside(ok, ("INVITE", number), &format!("dave{number}"), more, "again")
        .replace("\"Anna\" <sip:600@pbx.example>", "\"Dave\" <sip:1004@pbx.example>")
}

#[test]
fn a_changed_from_is_believed_of_who_says_so_and_from_where_the_call_leads() {
    let mut world = World::new(4);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    let change = "Supported: from-change\n";
    let forged = world.script("192.0.2.66");
    for (who, number, more, told) in [(pbx, 2, "", false), (forged, 3, change, false), (pbx, 4, change, true)]
    {
        say(&mut world, who, phone, &as_dave(&ok, number, more));
        if told {
            assert_eq!(party(&mut world, phone), ("1004".to_owned(), Some("Dave".to_owned())));
        }
        event(&mut world, phone, "Reoffer");
        world.command(phone, SipCommand::AnswerReoffer { call, answer: Ok(sdp("answer")) });
        world.settle();
        say(&mut world, who, phone, &inside(&ok, ("ACK", number), &format!("ack{number}"), "", ""));
        world.settle();
    }
}

#[test]
fn the_telephone_networks_cause_comes_before_the_end() {
    let mut world = World::new(5);
    let (phone, pbx) = registered(&mut world);
    world.command(phone, calling(2, "600"));
    let (letter, _) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 503, &[("Reason", "Q.850;cause=34;text=\"No circuit\"")], "");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Phone(Cause { call: CallId(2), q850: 34 })");
    event(&mut world, phone, "Ended");
}
