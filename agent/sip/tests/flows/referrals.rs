//! Calls that are handed over by them: their REFER to us (RFC 3515), and their INVITE with Replaces (RFC 3891).

use crate::{
    script::{
        ACCOUNT, answer, as_told, clean, event, expect, expect_status, inside, invite, registered, say,
    },
    standing::theirs,
    world::{Who, World, call_of, sdp},
};
use agent_core::{
    id::CallId,
    port::sip::{CallEnd, SipCommand, SipEvent, TransferCommand, TransferEvent, transfer::Wish},
};
use agent_sip::message::{Method, Response};
use std::time::Duration;

const CONTACT: (&str, &str) = ("Contact", "<sip:601@192.0.2.10:5060>");
const NEW: CallId = CallId(2);

/// They ask for `to` in their request number `number`.
fn refer(ok: &Response, number: u32, to: &str, more: &str) -> String {
    let more = format!("Refer-To: {to}\n{more}");
    inside(ok, ("REFER", number), &format!("refer{number}"), &more, "")
}

/// A report of ours: its state and its status line; answered.
fn reported(world: &mut World, pbx: Who, event: &str) -> (String, String) {
    let (letter, notify) = expect(world, pbx, Method::Notify);
    assert_eq!(notify.headers.get("Event").unwrap(), event);
    assert_eq!(notify.headers.get("Content-Type").unwrap(), "message/sipfrag;version=2.0");
    answer(world, &letter, 200, &[], "");
    let state = notify.headers.get("Subscription-State").unwrap().to_string();
    (state, String::from_utf8(notify.body.to_vec()).unwrap())
}

fn asked(world: &mut World, phone: Who) -> (String, bool) {
    match world.event(phone) {
        SipEvent::Transfer(TransferEvent::Asked { target, .. }) => (target.number, target.replaces),
        other => panic!("{other:?}"),
    }
}

fn accept_and_follow(world: &mut World, phone: Who, call: CallId) {
    world.command(phone, SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Call(call) }));
    let follow = TransferCommand::Follow {
        call: NEW,
        account: ACCOUNT,
        wish: Wish::Call(call),
        target: None,
        offer: sdp("offer"),
        withhold: false,
    };
    world.command(phone, SipCommand::Transfer(follow));
}

#[test]
fn we_call_whom_they_name_and_tell_them_how_it_goes() {
    let mut world = World::new(1);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    let to = "<sip:601@pbx.example?Replaces=there%3Bto-tag%3Dt%3Bfrom-tag%3Df>";
    let by = "Referred-By: <sip:600@pbx.example>\n";
    say(&mut world, pbx, phone, &refer(&ok, 2, to, by));
    assert_eq!(asked(&mut world, phone), ("601".to_owned(), true));
    accept_and_follow(&mut world, phone, call);
    let (_, accepted) = expect_status(&mut world, pbx, 202);
    assert!(accepted.headers.contact().is_some());
    let (state, line) = {
        let (letter, notify) = expect(&mut world, pbx, Method::Notify);
        answer(&mut world, &letter, 200, &[], "");
        let state = notify.headers.get("Subscription-State").unwrap().to_string();
        (state, String::from_utf8(notify.body.to_vec()).unwrap())
    };
    assert_eq!((state.as_str(), line.as_str()), ("active;expires=660", "SIP/2.0 100 Trying\r\n"));
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(invite.uri.to_string(), "sip:601@pbx.example");
    assert_eq!(invite.headers.get("Replaces").unwrap(), "there;to-tag=t;from-tag=f");
    assert_eq!(invite.headers.get("Referred-By").unwrap(), "<sip:600@pbx.example>");
    answer(&mut world, &letter, 180, &[CONTACT], "");
    event(&mut world, phone, "Progress");
    let (_, line) = reported(&mut world, pbx, "refer");
    assert_eq!(line, "SIP/2.0 180 Ringing\r\n");
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    let last = reported(&mut world, pbx, "refer");
    assert_eq!(last, ("terminated;reason=noresource".to_owned(), "SIP/2.0 200 OK\r\n".to_owned()));
    // They leave; the new call stays.
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 3), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    assert_eq!(world.event(phone), SipEvent::Ended { call, end: CallEnd::RemoteHangup });
    world.command(phone, SipCommand::Hangup { call: NEW });
    let (letter, _) = expect(&mut world, pbx, Method::Bye);
    answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended");
    clean(&mut world, phone);
}

#[test]
fn a_phone_that_is_named_by_its_own_address_is_called_at_our_pbx() {
    let mut world = World::new(11);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    let to = "<sip:601@192.0.2.77:5062;ob?Replaces=there%3Bto-tag%3Dt%3Bfrom-tag%3Df>";
    say(&mut world, pbx, phone, &refer(&ok, 2, to, ""));
    let target = match world.event(phone) {
        SipEvent::Transfer(TransferEvent::Asked { target, .. }) => target,
        other => panic!("{other:?}"),
    };
    assert_eq!((target.number.as_str(), target.home, target.phone), ("601", false, true));
    world.command(phone, SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Call(call) }));
    let follow = TransferCommand::Follow {
        call: NEW,
        account: ACCOUNT,
        wish: Wish::Call(call),
        target: Some("601".to_owned()),
        offer: sdp("offer"),
        withhold: false,
    };
    world.command(phone, SipCommand::Transfer(follow));
    expect_status(&mut world, pbx, 202);
    reported(&mut world, pbx, "refer");
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(invite.uri.to_string(), "sip:601@pbx.example");
    assert_eq!(invite.headers.to().unwrap().uri.to_string(), "sip:601@pbx.example");
    assert_eq!(invite.headers.get("Replaces").unwrap(), "there;to-tag=t;from-tag=f");
    // Another 601 than was meant has no such call.
    answer(&mut world, &letter, 481, &[], "");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Ended");
    let (_, line) = reported(&mut world, pbx, "refer");
    assert!(line.starts_with("SIP/2.0 481 "), "{line}");
    assert!(world.events(phone).is_empty());
}

#[test]
fn what_came_to_nothing_is_told_and_may_be_asked_again() {
    let mut world = World::new(2);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    say(&mut world, pbx, phone, &refer(&ok, 2, "<sip:601@pbx.example>", ""));
    asked(&mut world, phone);
    // A second wish while the first is open (glare of transfers) has to wait.
    say(&mut world, pbx, phone, &refer(&ok, 3, "<sip:602@pbx.example>", ""));
    expect_status(&mut world, pbx, 491);
    accept_and_follow(&mut world, phone, call);
    expect_status(&mut world, pbx, 202);
    reported(&mut world, pbx, "refer");
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    assert!(!invite.headers.has("Referred-By") && !invite.headers.has("Replaces"));
    answer(&mut world, &letter, 486, &[], "");
    expect(&mut world, pbx, Method::Ack);
    let busy = event(&mut world, phone, "Ended");
    assert!(matches!(busy, SipEvent::Ended { call: NEW, end: CallEnd::Refused { status: 486, .. } }));
    let (state, line) = reported(&mut world, pbx, "refer");
    assert_eq!(
        (state.as_str(), line.as_str()),
        ("terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n")
    );
    // The next one in this dialog is named (RFC 3515 section 2.4.6).
    say(&mut world, pbx, phone, &refer(&ok, 4, "<sip:602@pbx.example>", ""));
    asked(&mut world, phone);
    world.command(phone, SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Call(call) }));
    expect_status(&mut world, pbx, 202);
    reported(&mut world, pbx, "refer;id=4");
    // The user was asked and said no.
    world.command(phone, SipCommand::Transfer(TransferCommand::Refuse { wish: Wish::Call(call) }));
    let (state, line) = reported(&mut world, pbx, "refer;id=4");
    assert_eq!((state.as_str(), line.as_str()), ("terminated;reason=noresource", "SIP/2.0 603 Decline\r\n"));
    assert!(world.events(phone).is_empty());
}

#[test]
fn who_wants_no_reports_gets_none() {
    let mut world = World::new(3);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    say(&mut world, pbx, phone, &refer(&ok, 2, "<tel:+49-30-1>", "Refer-Sub: false\nRequire: norefersub\n"));
    assert_eq!(asked(&mut world, phone).0, "+49301");
    accept_and_follow(&mut world, phone, call);
    let (_, accepted) = expect_status(&mut world, pbx, 202);
    assert_eq!(accepted.headers.get("Refer-Sub").unwrap(), "false");
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(invite.uri.to_string(), "sip:+49-30-1@pbx.example");
    answer(&mut world, &letter, 603, &[], "");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Ended");
    // It is over: the next one is taken.
    say(&mut world, pbx, phone, &refer(&ok, 3, "<sip:601@pbx.example>", ""));
    asked(&mut world, phone);
    world.command(phone, SipCommand::Transfer(TransferCommand::Refuse { wish: Wish::Call(call) }));
    expect_status(&mut world, pbx, 603);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let mut world = World::new(4);
    let (phone, pbx, _, ok) = theirs(&mut world, "");
    for (at, (to, status)) in [
        ("<sip:601@x>, <sip:602@x>", 400),
        ("<sip:601@x?Replaces=nothing>", 400),
        ("<sip:601@x;method=BYE>", 603),
        ("<http://x/>", 603),
    ]
    .into_iter()
    .enumerate()
    {
        say(&mut world, pbx, phone, &refer(&ok, 2 + at as u32, to, ""));
        expect_status(&mut world, pbx, status);
    }
    say(&mut world, pbx, phone, &inside(&ok, ("REFER", 9), "none", "", ""));
    expect_status(&mut world, pbx, 400);
    assert!(world.events(phone).is_empty());
    // The core has no word: they are not left waiting.
    say(&mut world, pbx, phone, &refer(&ok, 10, "<sip:601@x>", ""));
    asked(&mut world, phone);
    let begin = world.clock();
    expect_status(&mut world, pbx, 603);
    assert!(world.clock() - begin < Duration::from_secs(30));
    // Nobody wishes for it any more.
    let follow = TransferCommand::Follow {
        call: NEW,
        account: ACCOUNT,
        wish: Wish::Call(CallId(1)),
        target: None,
        offer: sdp("o"),
        withhold: false,
    };
    world.command(phone, SipCommand::Transfer(follow));
    event(&mut world, phone, "Ended");
}

#[test]
fn they_go_or_hear_nothing_while_we_follow() {
    let mut world = World::new(5);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    say(&mut world, pbx, phone, &refer(&ok, 2, "<sip:601@pbx.example>", ""));
    asked(&mut world, phone);
    accept_and_follow(&mut world, phone, call);
    expect_status(&mut world, pbx, 202);
    let (letter, _) = expect(&mut world, pbx, Method::Notify);
    // They know nothing of such reports: none is sent any more, and the call goes on.
    answer(&mut world, &letter, 481, &[], "");
    let (letter, _) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 180, &[CONTACT], "");
    event(&mut world, phone, "Progress");
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 3), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended");
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    world.command(phone, SipCommand::Hangup { call: NEW });
    let (letter, _) = expect(&mut world, pbx, Method::Bye);
    answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended");
    clean(&mut world, phone);
}

/// An INVITE of the PBX that takes the place of the dialog `ok` made.
fn replacing(world: &World, ok: &Response, branch: &str, more: &str) -> String {
    let tag = ok.headers.to().unwrap().tag().unwrap().to_string();
    let replaces = format!("Replaces: call-in;to-tag={tag};from-tag=anna{more}\n");
    let words = as_told(world, &invite(branch, 1, &replaces, "offer"));
    words.replace("Call-ID: call-in", &format!("Call-ID: {branch}")).replace(">;tag=anna\n", ">;tag=bert\n")
}

fn acknowledge_refusal(world: &mut World, (pbx, phone): (Who, Who), words: &str, refusal: &Response) {
    let (head, _) = words.split_once("\n\n").unwrap();
    let to = format!("To: {}", refusal.headers.get("To").unwrap());
    let head = head.replace("INVITE", "ACK").replace("To: <sip:1001@pbx.example>", &to);
    let ack = format!("{}\nContent-Length: 0\n\n", head.split_once("\nContent-Type").unwrap().0);
    say(world, pbx, phone, &ack);
}

#[test]
fn a_call_takes_the_place_of_one_that_stands() {
    let mut world = World::new(6);
    let (phone, pbx, old, ok) = theirs(&mut world, "");
    let words = replacing(&world, &ok, "new", "");
    say(&mut world, pbx, phone, &words);
    expect_status(&mut world, pbx, 100);
    let first = world.event(phone);
    let call = call_of(&event(&mut world, phone, "Incoming"));
    assert_eq!(first, SipEvent::Transfer(TransferEvent::Replacing { call, old }));
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, taken) = expect_status(&mut world, pbx, 200);
    assert!(taken.headers.has_word("Supported", "replaces"));
    say(&mut world, pbx, phone, &inside(&taken, ("ACK", 1), "ack2", "", ""));
    event(&mut world, phone, "Confirmed");
    world.command(phone, SipCommand::Hangup { call: old });
    let (letter, _) = expect(&mut world, pbx, Method::Bye);
    answer(&mut world, &letter, 200, &[], "");
    event(&mut world, phone, "Ended");
    // The same again names one that is over.
    let words = replacing(&world, &ok, "late", "");
    say(&mut world, pbx, phone, &words);
    let (_, refused) = expect_status(&mut world, pbx, 603);
    acknowledge_refusal(&mut world, (pbx, phone), &words, &refused);
    world.pass(Duration::from_secs(100));
    let words = replacing(&world, &ok, "later", "");
    say(&mut world, pbx, phone, &words);
    let (_, refused) = expect_status(&mut world, pbx, 603);
    acknowledge_refusal(&mut world, (pbx, phone), &words, &refused);
    assert!(world.events(phone).is_empty());
}

#[test]
fn a_call_that_may_not_take_the_place_is_told_why() {
    let mut world = World::new(7);
    let (phone, pbx, _, ok) = theirs(&mut world, "");
    let other = |words: String| words.replace("to-tag=", "to-tag=x");
    for (words, status) in [
        (replacing(&world, &ok, "a", ";early-only"), 486),
        (other(replacing(&world, &ok, "b", "")), 481),
        (replacing(&world, &ok, "c", "").replace("Replaces: call-in;", "Replaces: ;"), 400),
        (replacing(&world, &ok, "d", "\nReplaces: x;to-tag=1;from-tag=2"), 400),
    ] {
        say(&mut world, pbx, phone, &words);
        let (_, refused) = expect_status(&mut world, pbx, status);
        acknowledge_refusal(&mut world, (pbx, phone), &words, &refused);
    }
    // A stranger who overheard the dialog and our Contact has not the registrar's word.
    let stranger = world.script("192.0.2.66");
    let words = replacing(&world, &ok, "e", "");
    say(&mut world, stranger, phone, &words);
    let (_, refused) = expect_status(&mut world, stranger, 403);
    acknowledge_refusal(&mut world, (stranger, phone), &words, &refused);
    // Nor has he who forges the registrar's address, and was not told our Contact.
    let contact = world.told.clone().unwrap();
    let words = replacing(&world, &ok, "f", "").replacen(&contact, "sip:1001@192.0.2.1", 1);
    say(&mut world, pbx, phone, &words);
    let (_, refused) = expect_status(&mut world, pbx, 403);
    acknowledge_refusal(&mut world, (pbx, phone), &words, &refused);
    assert!(world.events(phone).is_empty());
}

#[test]
fn one_that_rings_here_is_nobodys_to_replace() {
    let mut world = World::new(8);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    expect_status(&mut world, pbx, 100);
    let call = call_of(&event(&mut world, phone, "Incoming"));
    world.command(phone, SipCommand::Ring { call });
    let (_, ringing) = expect_status(&mut world, pbx, 180);
    let words = replacing(&world, &ringing, "a", "");
    say(&mut world, pbx, phone, &words);
    expect_status(&mut world, pbx, 481);
    assert!(world.events(phone).is_empty());
}
