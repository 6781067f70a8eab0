//! Calls of ours that are redirected (RFC 3261 section 8.1.3.4), and those that must not be.

use crate::{
    script::{answer, clean, event, expect},
    standing::{CALL, CONTACT, dialled},
    world::{Letter, Who, World},
};
use agent_core::port::sip::{PhoneEvent, SipCommand, SipEvent, TransferCommand, TransferEvent};
use agent_sip::message::{Method, Request};
use std::time::Duration;

/// Refuses an INVITE and gives the number the call goes on to, as told and as called.
fn refused(
    world: &mut World,
    (phone, pbx): (Who, Who),
    letter: &Letter,
    status: u16,
    contact: &str,
) -> (Letter, Request) {
    let headers = [("Contact", contact)];
    answer(world, letter, status, if contact.is_empty() { &[] } else { &headers }, "");
    expect(world, pbx, Method::Ack);
    let number = asked(world, phone);
    world.command(phone, redirect(true));
    let (letter, invite) = expect(world, pbx, Method::Invite);
    let SipEvent::Phone(PhoneEvent::Moved { call: CALL, to }) = world.event(phone) else {
        panic!("not told")
    };
    assert_eq!(invite.uri.user_text().unwrap().to_text(), to.number.as_str());
    assert_eq!(to.number, number);
    (letter, invite)
}

/// The number the core is asked about.
fn asked(world: &mut World, phone: Who) -> String {
    let SipEvent::Transfer(TransferEvent::Redirected { call: CALL, target }) = world.event(phone) else {
        panic!("not asked")
    };
    assert!(target.home && !target.replaces, "{target:?}");
    target.number
}

fn redirect(follow: bool) -> SipCommand {
    SipCommand::Transfer(TransferCommand::Redirect { call: CALL, follow, target: None })
}

#[test]
fn nobody_is_called_elsewhere_before_the_core_has_said_so() {
    let mut world = World::new(6);
    let (phone, pbx, letter, _) = dialled(&mut world);
    let both = "<sip:0900123@pbx.example>, <sip:702@pbx.example>";
    answer(&mut world, &letter, 302, &[("Contact", both)], "");
    expect(&mut world, pbx, Method::Ack);
    assert_eq!(asked(&mut world, phone), "0900123");
    world.pass(Duration::from_secs(120));
    assert!(world.inbox(pbx).is_empty(), "nothing leaves, however long the answer takes");
    world.command(phone, redirect(false));
    assert_eq!(asked(&mut world, phone), "702", "the next one");
    world.command(phone, redirect(false));
    event(&mut world, phone, "Ended { call: CallId(2), end: Refused { status: 302");
    world.command(phone, redirect(true));
    assert!(world.inbox(pbx).is_empty());
    clean(&mut world, phone);

    // The user hangs up instead: there is nobody to be told.
    let mut world = World::new(7);
    let (phone, pbx, letter, _) = dialled(&mut world);
    answer(&mut world, &letter, 302, &[("Contact", both)], "");
    expect(&mut world, pbx, Method::Ack);
    asked(&mut world, phone);
    world.command(phone, SipCommand::Hangup { call: CALL });
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
    world.command(phone, redirect(true));
    assert!(world.inbox(pbx).is_empty());
    clean(&mut world, phone);
}

#[test]
fn the_core_puts_a_code_before_the_number_and_the_user_reads_the_number() {
    let mut world = World::new(8);
    let (phone, pbx, letter, _) = dialled(&mut world);
    answer(&mut world, &letter, 302, &[("Contact", "<sip:030123@192.0.2.10:5070;user=phone>")], "");
    expect(&mut world, pbx, Method::Ack);
    assert_eq!(asked(&mut world, phone), "030123");
    let target = Some("*31#030123".to_owned());
    let redirect = TransferCommand::Redirect { call: CALL, follow: true, target };
    world.command(phone, SipCommand::Transfer(redirect));
    let (_, invite) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(invite.uri.to_string(), "sip:*31%23030123@192.0.2.10:5070;user=phone");
    let SipEvent::Phone(PhoneEvent::Moved { to, .. }) = world.event(phone) else { panic!("not told") };
    assert_eq!(to.number, "030123");
}

#[test]
fn the_best_address_is_tried_first_and_the_next_when_it_fails() {
    let mut world = World::new(1);
    let (phone, pbx, letter, first) = dialled(&mut world);
    let contacts = "<sip:701@pbx.example>;q=0.2, <sip:702@PBX.example;maddr=203.0.113.1;user=phone?Subject=x>;q=0.9, <tel:+4930123>;q=0.5, <sip:704@192.0.2.10>;q=0.1";
    let (letter, invite) = refused(&mut world, (phone, pbx), &letter, 302, contacts);
    assert_eq!(invite.uri.to_string(), "sip:702@PBX.example;user=phone");
    assert_eq!(invite.headers.call_id(), first.headers.call_id());
    assert_eq!(invite.headers.get("To"), first.headers.get("To"));
    assert_eq!(invite.headers.cseq().unwrap().number, 2);
    assert_eq!(invite.body, first.body);
    // One of them knows better, and knows a way back that is not gone again.
    let (letter, invite) =
        refused(&mut world, (phone, pbx), &letter, 301, "<sip:600@pbx.example>, <sip:703@pbx.example>");
    assert_eq!(invite.uri.to_string(), "sip:703@pbx.example");
    let (letter, invite) = refused(&mut world, (phone, pbx), &letter, 486, "");
    assert_eq!(invite.uri.to_string(), "sip:+4930123@pbx.example");
    let (letter, _) = refused(&mut world, (phone, pbx), &letter, 404, "");
    let (letter, invite) = refused(&mut world, (phone, pbx), &letter, 480, "");
    assert_eq!(invite.uri.to_string(), "sip:704@192.0.2.10");
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
}

#[test]
fn nobody_is_sent_elsewhere_round_in_circles_or_for_ever() {
    for (status, contact) in [
        (302, "<sip:600@203.0.113.9>"),
        (302, "<sip:+1900@evil.example>, <sips:600@pbx.example>, <mailto:a@pbx.example>"),
        (302, "<sip:600@pbx.example;transport=tcp>"),
        (302, "<sip:pbx.example>"),
        (302, ""),
        (305, "<sip:601@pbx.example>"),
        (380, "<sip:601@pbx.example>"),
        (486, "<sip:601@pbx.example>"),
    ] {
        let mut world = World::new(2);
        let (phone, pbx, letter, _) = dialled(&mut world);
        let headers = [("Contact", contact)];
        answer(&mut world, &letter, status, if contact.is_empty() { &[] } else { &headers }, "");
        expect(&mut world, pbx, Method::Ack);
        event(&mut world, phone, &format!("Ended {{ call: CallId(2), end: Refused {{ status: {status}"));
        clean(&mut world, phone);
    }
    // Each knows another one: five are believed.
    let mut world = World::new(3);
    let (phone, pbx, mut letter, _) = dialled(&mut world);
    for at in 1..=5 {
        let contact = format!("<sip:70{at}@pbx.example>");
        letter = refused(&mut world, (phone, pbx), &letter, 302, &contact).0;
    }
    answer(&mut world, &letter, 302, &[("Contact", "<sip:706@pbx.example>")], "");
    event(&mut world, phone, "Ended { call: CallId(2), end: Refused { status: 302");
    clean(&mut world, phone);
}

#[test]
fn a_word_for_all_ends_it_and_so_does_the_user() {
    let mut world = World::new(4);
    let (phone, pbx, letter, _) = dialled(&mut world);
    let both = "<sip:701@pbx.example>, <sip:702@pbx.example>";
    let (letter, _) = refused(&mut world, (phone, pbx), &letter, 300, both);
    answer(&mut world, &letter, 603, &[], "");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Ended { call: CallId(2), end: Refused { status: 603");

    let mut world = World::new(5);
    let (phone, pbx, letter, _) = dialled(&mut world);
    answer(&mut world, &letter, 180, &[CONTACT], "");
    event(&mut world, phone, "Progress");
    world.command(phone, SipCommand::Hangup { call: CALL });
    expect(&mut world, pbx, Method::Cancel);
    answer(&mut world, &letter, 302, &[("Contact", both)], "");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
}
