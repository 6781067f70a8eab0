//! The PBX asks the phone to call somebody, outside of any call (REFER, RFC 3515, 4488): click-to-dial.

use crate::{
    script::{ACCOUNT, answer, as_told, clean, event, expect, expect_status, registered, say},
    world::{Letter, Who, World, sdp},
};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::{CallEnd, Loss, SipCommand, SipEvent, TransferCommand, TransferEvent, transfer::Wish},
};
use agent_sip::message::{Method, Request};
use std::time::Duration;

const CONTACT: (&str, &str) = ("Contact", "<sip:601@192.0.2.10:5060>");
const NEW: CallId = CallId(2);

/// Somebody wants `to` called.
fn refer(branch: &str, to: &str, more: &str) -> String {
    format!(
        "REFER sip:1001@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP {{ip}}:5060;branch=z9hG4bK{branch}\nMax-Forwards: 70\n\
         From: <sip:1001@pbx.example>;tag=desk\nTo: <sip:1001@pbx.example>\nCall-ID: click-{branch}\nCSeq: 7 REFER\n\
         Contact: <sip:cti@{{ip}}:5060>\nRefer-To: {to}\n{more}Content-Length: 0\n\n"
    )
}

fn asked(world: &mut World, phone: Who) -> (u64, String, bool) {
    match world.event(phone) {
        SipEvent::Transfer(TransferEvent::RemoteDial { account: ACCOUNT, request, target }) => {
            (request, target.number, target.home)
        }
        other => panic!("{other:?}"),
    }
}

fn accept(world: &mut World, phone: Who, request: u64) {
    let accept = TransferCommand::Accept { wish: Wish::Request(request) };
    world.command(phone, SipCommand::Transfer(accept));
}

fn refuse(world: &mut World, phone: Who, request: u64) {
    let refuse = TransferCommand::Refuse { wish: Wish::Request(request) };
    world.command(phone, SipCommand::Transfer(refuse));
}

fn follow(world: &mut World, phone: Who, request: u64) {
    let follow = TransferCommand::Follow {
        call: NEW,
        account: ACCOUNT,
        wish: Wish::Request(request),
        target: None,
        offer: sdp("offer"),
        withhold: false,
    };
    world.command(phone, SipCommand::Transfer(follow));
}

/// A report of ours: its state and its status line. It is not answered yet.
fn report(world: &mut World, pbx: Who) -> (Letter, Request, String) {
    let (letter, notify) = expect(world, pbx, Method::Notify);
    assert_eq!(notify.headers.get("Event").unwrap(), "refer");
    assert_eq!(notify.headers.get("Content-Type").unwrap(), "message/sipfrag;version=2.0");
    let state = notify.headers.get("Subscription-State").unwrap().to_string();
    let line = format!("{state}: {}", String::from_utf8(notify.body.to_vec()).unwrap().trim_end());
    (letter, notify, line)
}

fn reported(world: &mut World, pbx: Who) -> String {
    let (letter, _, line) = report(world, pbx);
    answer(world, &letter, 200, &[], "");
    line
}

#[test]
fn we_call_whom_the_pbx_names_and_tell_it_how_that_goes() {
    let mut world = World::new(1);
    let (phone, pbx) = registered(&mut world);
    let words = refer("a", "<sip:601@pbx.example>", "Referred-By: <sip:cti@pbx.example>\n");
    let words = as_told(&world, &words);
    say(&mut world, pbx, phone, &words);
    let (request, number, home) = asked(&mut world, phone);
    assert_eq!((number.as_str(), home), ("601", true));
    accept(&mut world, phone, request);
    let (_, accepted) = expect_status(&mut world, pbx, 202);
    let tag = accepted.headers.to().unwrap().tag().unwrap().to_string();
    assert!(accepted.headers.contact().is_some());
    let (letter, notify, line) = report(&mut world, pbx);
    assert_eq!(line, "active;expires=660: SIP/2.0 100 Trying");
    // In the dialog that the 202 made, towards their Contact.
    assert_eq!(notify.uri.to_string(), "sip:cti@192.0.2.10:5060");
    assert_eq!(notify.headers.from().unwrap().tag().unwrap().to_string(), tag);
    assert_eq!(notify.headers.to().unwrap().tag().unwrap().to_string(), "desk");
    assert!(notify.headers.contact().is_some());
    answer(&mut world, &letter, 200, &[], "");
    follow(&mut world, phone, request);
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(invite.uri.to_string(), "sip:601@pbx.example");
    assert_eq!(invite.headers.get("Referred-By").unwrap(), "<sip:cti@pbx.example>");
    answer(&mut world, &letter, 180, &[CONTACT], "");
    event(&mut world, phone, "Progress");
    assert_eq!(reported(&mut world, pbx), "active;expires=660: SIP/2.0 180 Ringing");
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    assert_eq!(reported(&mut world, pbx), "terminated;reason=noresource: SIP/2.0 200 OK");
    // A second one to the same wish is none of anybody's.
    follow(&mut world, phone, request);
    let end = event(&mut world, phone, "Ended");
    assert!(
        matches!(end, SipEvent::Ended { end: CallEnd::Lost { why: Loss::Forgotten, .. }, .. }),
        "{end:?}"
    );
    world.command(phone, SipCommand::Hangup { call: NEW });
    let (letter, _) = expect(&mut world, pbx, Method::Bye);
    answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended");
    clean(&mut world, phone);
}

#[test]
fn no_is_said_at_once_or_by_a_report() {
    let mut world = World::new(2);
    let (phone, pbx) = registered(&mut world);
    let ask = |world: &mut World, branch: &str, more: &str| {
        let words = as_told(world, &refer(branch, "<sip:601@pbx.example>", more));
        say(world, pbx, phone, &words);
        asked(world, phone).0
    };
    let request = ask(&mut world, "a", "");
    refuse(&mut world, phone, request);
    expect_status(&mut world, pbx, 603);

    // Nobody has a word in time: their REFER waits 32 s.
    ask(&mut world, "b", "");
    expect_status(&mut world, pbx, 603);

    // The user is asked, and says no.
    let request = ask(&mut world, "c", "");
    accept(&mut world, phone, request);
    expect_status(&mut world, pbx, 202);
    assert!(reported(&mut world, pbx).ends_with("100 Trying"));
    // Who clicks again meanwhile means one call.
    let again = as_told(&world, &refer("d", "<sip:602@pbx.example>", ""));
    say(&mut world, pbx, phone, &again);
    expect_status(&mut world, pbx, 486);
    refuse(&mut world, phone, request);
    assert_eq!(reported(&mut world, pbx), "terminated;reason=noresource: SIP/2.0 603 Decline");

    // They want no reports.
    let request = ask(&mut world, "e", "Refer-Sub: false\nSupported: norefersub\n");
    accept(&mut world, phone, request);
    let (_, accepted) = expect_status(&mut world, pbx, 202);
    assert_eq!(accepted.headers.get("Refer-Sub").unwrap(), "false");
    refuse(&mut world, phone, request);
    world.pass(Duration::from_secs(40));
    assert!(world.inbox(pbx).is_empty());
    clean(&mut world, phone);
}

#[test]
fn a_report_is_signed_once_and_one_that_nobody_hears_is_the_last() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    let words = as_told(&world, &refer("a", "<sip:601@pbx.example>", ""));
    say(&mut world, pbx, phone, &words);
    let (request, ..) = asked(&mut world, phone);
    accept(&mut world, phone, request);
    expect_status(&mut world, pbx, 202);
    let challenge = [("WWW-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n\", qop=\"auth\"")];
    let (letter, ..) = report(&mut world, pbx);
    answer(&mut world, &letter, 401, &challenge, "");
    let (letter, signed, _) = report(&mut world, pbx);
    assert!(signed.headers.get("Authorization").is_some());
    answer(&mut world, &letter, 481, &[], "");
    // The call is made all the same.
    follow(&mut world, phone, request);
    let (letter, _) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 486, &[], "");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Ended");
    world.pass(Duration::from_secs(40));
    assert!(world.inbox(pbx).is_empty());
    clean(&mut world, phone);
}

#[test]
fn only_the_pbx_is_heard_and_only_what_can_be_called() {
    let mut world = World::new(4);
    let (phone, pbx) = registered(&mut world);
    let stranger = world.script("192.0.2.66");
    let good = as_told(&world, &refer("a", "<sip:601@pbx.example>", ""));
    say(&mut world, stranger, phone, &good);
    expect_status(&mut world, stranger, 403);
    for (branch, words, status) in [
        // To a name everybody knows: whoever forges the PBX's address knows it, too.
        ("b", refer("b", "<sip:601@pbx.example>", ""), 404),
        ("c", as_told(&world, &refer("c", "<sip:601@pbx.example;method=BYE>", "")), 603),
        ("d", as_told(&world, &refer("d", "not an address", "")), 400),
        (
            "e",
            as_told(&world, &refer("e", "<sip:601@pbx.example>", "").replace("Contact:", "X-Contact:")),
            400,
        ),
        (
            "f",
            as_told(&world, &refer("f", "<sip:601@pbx.example>", "").replace("Refer-To:", "X-Refer-To:")),
            400,
        ),
    ] {
        say(&mut world, pbx, phone, &words);
        let (_, response) = expect_status(&mut world, pbx, status);
        assert_eq!(response.headers.call_id().unwrap(), format!("click-{branch}").as_str());
    }
    assert!(world.events(phone).is_empty());
    // An account that is gone has nobody to ask.
    let good = as_told(&world, &refer("g", "<sip:601@pbx.example>", ""));
    say(&mut world, pbx, phone, &good);
    asked(&mut world, phone);
    world.command(phone, SipCommand::Unregister { account: AccountId(0) });
    expect_status(&mut world, pbx, 603);
}
