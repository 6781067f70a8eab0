//! What subscriptions are about beside lines: voice mail (RFC 3842), other phones (RFC 3680), our presence (RFC 3903).

use crate::{
    script::{ACCOUNT, answer, expect, expect_status, say, settings},
    watching::{agree, confirm, enrol, is, notify, phone, quiet, told},
    world::World,
};
use agent_core::{
    port::sip::{
        SipCommand, WatchCommand,
        watch::{PresenceInfo, PresenceState},
    },
    settings::AccountSettings,
};
use agent_sip::{endpoint::Input, message::Method, ways::Turn};
use std::time::Duration;

#[test]
fn voice_mail_is_heard_asked_for_or_not() {
    let mut world = World::new(23);
    let (phone, pbx) = phone(&mut world, AccountSettings { voice_mail: true, ..settings(None) }, quiet());
    let (letter, request) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(request.uri.to_string(), "sip:1001@pbx.example");
    agree(&mut world, &letter, "3600");
    let body = "Messages-Waiting: yes\nMessage-Account: sip:*97@pbx.example\nVoice-Message: 2/1 (0/0)\n";
    let kind = "application/simple-message-summary";
    say(&mut world, pbx, phone, &notify(&request, "pbx", 1, "active", ("message-summary", kind, body)));
    expect_status(&mut world, pbx, 200);
    let words = told(&mut world, phone).join(" ");
    assert!(words.contains("new: Some(2)") && words.contains("*97"), "{words}");
    // The way of PBXs that tell everybody they register (Asterisk, FreeSWITCH).
    let contact = request.headers.contact().unwrap().uri;
    let unasked = |branch: &str, event: &str| {
        format!(
            "NOTIFY {contact} SIP/2.0\nVia: SIP/2.0/UDP {{ip}}:5060;branch=z9hG4bK{branch}\nMax-Forwards: 70\n\
             From: <sip:pbx@pbx.example>;tag=x\nTo: <sip:1001@pbx.example>\nCall-ID: {branch}\nCSeq: 1 NOTIFY\n\
             Contact: <sip:pbx@{{ip}}>\nEvent: {event}\nSubscription-State: terminated;reason=noresource\n\
             Content-Type: {kind}\nContent-Length: 22\n\nMessages-Waiting: no\n\n"
        )
    };
    say(&mut world, pbx, phone, &unasked("one", "message-summary"));
    expect_status(&mut world, pbx, 200);
    assert!(told(&mut world, phone).join(" ").contains("waiting: false"));
    say(&mut world, pbx, phone, &unasked("two", "check-sync"));
    expect_status(&mut world, pbx, 481);
    let stranger = world.script("192.0.2.66");
    say(&mut world, stranger, phone, &unasked("three", "message-summary"));
    expect_status(&mut world, stranger, 481);
    assert!(told(&mut world, phone).is_empty());
}

#[test]
fn other_phones_are_told_and_a_binding_taken_away_is_made_anew() {
    let mut world = World::new(24);
    let (phone, pbx) = phone(&mut world, AccountSettings { other_phones: true, ..settings(None) }, quiet());
    let (letter, request) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(request.headers.get("Event").unwrap(), "reg");
    agree(&mut world, &letter, "3600");
    let ours = request.headers.contact().unwrap().uri;
    let document = |version: u32, event: &str| {
        let state = if event == "registered" { "active" } else { "terminated" };
        format!(
            "<reginfo version=\"{version}\" state=\"full\"><registration state=\"active\"><contact id=\"1\" state=\"{state}\" \
             event=\"{event}\"><uri>{ours}</uri></contact><contact id=\"2\" state=\"active\" event=\"registered\">\
             <uri>sip:1001@192.0.2.7</uri><display-name>Desk</display-name></contact></registration></reginfo>"
        )
    };
    let kind = "application/reginfo+xml";
    say(
        &mut world,
        pbx,
        phone,
        &notify(&request, "pbx", 1, "active", ("reg", kind, &document(0, "registered"))),
    );
    expect_status(&mut world, pbx, 200);
    let words = told(&mut world, phone).join(" ");
    assert!(words.contains("Desk") && !words.contains(&ours.to_string()), "{words}");
    say(
        &mut world,
        pbx,
        phone,
        &notify(&request, "pbx", 2, "active", ("reg", kind, &document(1, "deactivated"))),
    );
    expect_status(&mut world, pbx, 200);
    let (letter, register) = expect(&mut world, pbx, Method::Register);
    assert_ne!(register.headers.expires(), Some(0));
    assert!(world.events(phone).iter().any(|event| format!("{event:?}").contains("state: Connecting")));
    confirm(&mut world, &letter, &register);
}

#[test]
fn our_presence_is_refreshed_when_the_account_is_registered_anew() {
    let mut world = World::new(29);
    let (phone, pbx) = phone(&mut world, AccountSettings { publish: true, ..settings(None) }, quiet());
    let presence = PresenceInfo { state: PresenceState::Away, note: None };
    world.command(phone, SipCommand::Watch(WatchCommand::Publish { account: ACCOUNT, presence }));
    let (letter, _) = expect(&mut world, pbx, Method::Publish);
    answer(&mut world, &letter, 200, &[("SIP-ETag", "one"), ("Expires", "600")], "");
    world.settle();
    // Another address: what the PBX holds is kept alive from there.
    let moved = world.clock();
    world.moves(phone, "192.0.2.77");
    world.input(phone, Input::Turned(Turn::Network));
    let (letter, register) = expect(&mut world, pbx, Method::Register);
    confirm(&mut world, &letter, &register);
    let (letter, refresh) = expect(&mut world, pbx, Method::Publish);
    assert!(world.clock() - moved < Duration::from_secs(5), "at once");
    answer(&mut world, &letter, 200, &[("SIP-ETag", "two"), ("Expires", "600")], "");
    assert_eq!(refresh.headers.get("SIP-If-Match").unwrap(), "one");
    assert!(refresh.body.is_empty() && refresh.headers.via().unwrap().host.to_plain() == "192.0.2.77");
    // And from then on as before.
    let begin = world.clock();
    let (_, refresh) = expect(&mut world, pbx, Method::Publish);
    assert_eq!(refresh.headers.get("SIP-If-Match").unwrap(), "two");
    assert!((420..=510).contains(&(world.clock() - begin).as_secs()));
}

#[test]
fn our_presence_is_made_changed_refreshed_and_taken_away() {
    let mut world = World::new(27);
    let (phone, pbx) = phone(&mut world, AccountSettings { publish: true, ..settings(None) }, quiet());
    let say = |state| {
        let presence = PresenceInfo { state, note: None };
        SipCommand::Watch(WatchCommand::Publish { account: ACCOUNT, presence })
    };
    world.command(phone, say(PresenceState::Available));
    let (letter, first) = expect(&mut world, pbx, Method::Publish);
    assert_eq!(
        (first.headers.get("Event").unwrap().as_str(), first.headers.has("SIP-If-Match")),
        (Some("presence"), false)
    );
    assert_eq!(agent_sip::event::pidf::parse(&first.body).unwrap().state, PresenceState::Available);
    // What changes while it is out is said afterwards, and only the last of it.
    world.command(phone, say(PresenceState::Away));
    world.command(phone, say(PresenceState::OnThePhone));
    answer(&mut world, &letter, 200, &[("SIP-ETag", "one"), ("Expires", "100")], "");
    let (letter, change) = expect(&mut world, pbx, Method::Publish);
    assert_eq!(change.headers.get("SIP-If-Match").unwrap(), "one");
    assert_eq!(agent_sip::event::pidf::parse(&change.body).unwrap().state, PresenceState::OnThePhone);
    answer(&mut world, &letter, 200, &[("SIP-ETag", "two"), ("Expires", "100")], "");
    let begin = world.clock();
    let (letter, refresh) = expect(&mut world, pbx, Method::Publish);
    assert!((70..=85).contains(&(world.clock() - begin).as_secs()));
    assert_eq!(refresh.headers.get("SIP-If-Match").unwrap(), "two");
    assert!(refresh.body.is_empty(), "RFC 3903 section 4.1");
    answer(&mut world, &letter, 412, &[], "");
    let (letter, anew) = expect(&mut world, pbx, Method::Publish);
    assert!(!anew.headers.has("SIP-If-Match") && !anew.body.is_empty());
    // A PBX that has forgotten this may have forgotten more.
    let (doubt, register) = expect(&mut world, pbx, Method::Register);
    let contact = register.headers.get("Contact").expect("a Contact").to_string();
    answer(&mut world, &doubt, 200, &[("Contact", &contact)], "");
    answer(&mut world, &letter, 423, &[("Min-Expires", "7200")], "");
    let (letter, longer) = expect(&mut world, pbx, Method::Publish);
    assert_eq!(longer.headers.expires(), Some(7200));
    answer(&mut world, &letter, 200, &[("SIP-ETag", "three"), ("Expires", "7200")], "");
    world.settle();
    world.command(phone, SipCommand::Shutdown { within: Duration::from_secs(2) });
    let (_, end) = expect(&mut world, pbx, Method::Publish);
    assert_eq!(
        (end.headers.expires(), end.headers.get("SIP-If-Match").unwrap().as_str()),
        (Some(0), Some("three"))
    );
}

#[test]
fn who_does_not_take_our_presence_is_left_alone_for_an_hour() {
    let mut world = World::new(28);
    let (phone, pbx) = phone(&mut world, AccountSettings { publish: true, ..settings(None) }, quiet());
    let say = |state| {
        let presence = PresenceInfo { state, note: None };
        SipCommand::Watch(WatchCommand::Publish { account: ACCOUNT, presence })
    };
    world.command(phone, say(PresenceState::Available));
    let (letter, _) = expect(&mut world, pbx, Method::Publish);
    answer(&mut world, &letter, 489, &[], "");
    world.settle();
    world.command(phone, say(PresenceState::Away));
    world.pass(Duration::from_secs(2000));
    assert!(!world.inbox(pbx).iter().any(|letter| is(letter, &Method::Publish)));
    world.inbox(pbx).clear();
    // An account that does not publish says nothing.
    enrol(&mut world, phone, settings(None));
    let (letter, register) = expect(&mut world, pbx, Method::Register);
    confirm(&mut world, &letter, &register);
    world.command(phone, say(PresenceState::Busy));
    world.pass(Duration::from_secs(2000));
    assert!(!world.inbox(pbx).iter().any(|letter| is(letter, &Method::Publish)));
}
