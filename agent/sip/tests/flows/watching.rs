//! What the tests of subscriptions share: a phone that watches, and the words of the notifier.

use crate::{
    script::{ACCOUNT, answer, expect, say, settings},
    world::{Letter, Who, World},
};
use agent_core::{
    port::sip::{SipCommand, SipEvent, WatchEvent, watch::Subscribed},
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::{
    config::Config,
    message::{Message, Method, Request},
};
use std::time::Duration;

/// A registered phone with these settings, and its scripted PBX; nothing left to read but SUBSCRIBEs.
pub(crate) fn phone(world: &mut World, settings: AccountSettings, config: Config) -> (Who, Who) {
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", config);
    enrol(world, phone, settings);
    let (letter, request) = expect(world, pbx, Method::Register);
    confirm(world, &letter, &request);
    (phone, pbx)
}

pub(crate) fn enrol(world: &mut World, phone: Who, settings: AccountSettings) {
    let password = Secret::new("secret".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings, password });
}

pub(crate) fn confirm(world: &mut World, letter: &Letter, request: &Request) {
    let contact = request.headers.get("Contact").expect("a Contact").to_string();
    answer(world, letter, 200, &[("Contact", &contact)], "");
    world.settle();
}

pub(crate) fn quiet() -> Config {
    Config { expires: Duration::from_secs(3600), keep_alive: Duration::ZERO, ..Config::default() }
}

pub(crate) fn watching(targets: &[&str]) -> AccountSettings {
    let watch = targets.iter().map(|target| (*target).to_owned()).collect();
    AccountSettings { watch, ..settings(None) }
}

/// One watched line, and its SUBSCRIBE.
pub(crate) fn one(world: &mut World) -> (Who, Who, Letter, Request) {
    let (phone, pbx) = phone(world, watching(&["1002"]), quiet());
    let (letter, request) = expect(world, pbx, Method::Subscribe);
    (phone, pbx, letter, request)
}

pub(crate) fn agree(world: &mut World, letter: &Letter, seconds: &str) {
    answer(world, letter, 200, &[("Expires", seconds), ("Contact", "<sip:pbx@192.0.2.10:5060>")], "");
    world.settle();
}

/// A NOTIFY of the dialog that our `subscribe` began.
pub(crate) fn notify(
    subscribe: &Request,
    tag: &str,
    number: u32,
    state: &str,
    (event, kind, body): (&str, &str, &str),
) -> String {
    let contact = subscribe.headers.contact().expect("Contact").uri;
    let from = subscribe.headers.to().expect("To").with_tag(tag).to_value();
    let to = subscribe.headers.from().expect("From").to_value();
    let call_id = subscribe.headers.call_id().expect("Call-ID");
    let kind = if body.is_empty() { String::new() } else { format!("Content-Type: {kind}\n") };
    let length = body.replace('\n', "\r\n").len();
    format!(
        "NOTIFY {contact} SIP/2.0\nVia: SIP/2.0/UDP {{ip}}:5060;branch=z9hG4bK{tag}{number}-{length}\nMax-Forwards: 70\nFrom: {from}\n\
         To: {to}\nCall-ID: {call_id}\nCSeq: {number} NOTIFY\nContact: <sip:pbx@{{ip}}:5060>\nEvent: {event}\n\
         Subscription-State: {state}\n{kind}Content-Length: {length}\n\n{body}"
    )
}

/// A dialog-info document: `early`, `confirmed`, or no dialog at all.
pub(crate) fn lines(version: u32, full: bool, state: &str) -> String {
    let dialog = if state.is_empty() {
        String::new()
    } else {
        format!(
            "<dialog id=\"d\" call-id=\"c\" local-tag=\"l\" remote-tag=\"r\" direction=\"recipient\"><state>{state}</state>\
             <remote><identity display=\"Anna\">sip:600@pbx.example</identity></remote></dialog>"
        )
    };
    let kind = if full { "full" } else { "partial" };
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" \
         state=\"{kind}\" entity=\"sip:1002@pbx.example\">{dialog}</dialog-info>"
    )
}

pub(crate) const DIALOG: (&str, &str) = ("dialog", "application/dialog-info+xml");

pub(crate) fn tell(
    world: &mut World,
    ends: (Who, Who),
    subscribe: &Request,
    number: u32,
    state: &str,
    body: &str,
) -> u16 {
    let (pbx, phone) = ends;
    say(world, pbx, phone, &notify(subscribe, "pbx", number, state, (DIALOG.0, DIALOG.1, body)));
    world.settle();
    status(world, pbx)
}

/// The status of the next response at a peer.
pub(crate) fn status(world: &mut World, who: Who) -> u16 {
    loop {
        if let Message::Response(response) = world.letter(who).message {
            return response.status;
        }
    }
}

/// What was told of watched things since the last time.
pub(crate) fn told(world: &mut World, phone: Who) -> Vec<String> {
    world.settle();
    let word = |event: SipEvent| match event {
        SipEvent::Watch(WatchEvent::State { state, .. }) => Some(match state {
            Subscribed::Refused { status, .. } => format!("Refused {status}"),
            state => format!("{state:?}"),
        }),
        SipEvent::Watch(WatchEvent::Line { target, line, .. }) => Some(format!("{target} {:?}", line.state)),
        SipEvent::Watch(event) => Some(format!("{event:?}")),
        _ => None,
    };
    std::mem::take(world.events(phone)).into_iter().filter_map(word).collect()
}

/// Registered, subscribed, answered, and told that the line is free.
pub(crate) fn standing(world: &mut World) -> (Who, Who, Request) {
    let (phone, pbx, letter, request) = one(world);
    agree(world, &letter, "600");
    assert_eq!(tell(world, (pbx, phone), &request, 1, "active;expires=600", &lines(0, true, "")), 200);
    assert_eq!(told(world, phone), ["Active", "1002 Idle"]);
    (phone, pbx, request)
}

pub(crate) fn is(letter: &Letter, method: &Method) -> bool {
    matches!(&letter.message, Message::Request(request) if request.method == *method)
}

/// The seconds until the next SUBSCRIBE; registrations are confirmed meanwhile.
pub(crate) fn seconds_to_next(world: &mut World, pbx: Who) -> (u64, Letter, Request) {
    let begin = world.clock();
    loop {
        while let Some(letter) = world.inbox(pbx).pop_front() {
            match &letter.message {
                Message::Request(request) if request.method == Method::Subscribe => {
                    let request = request.clone();
                    return (letter.at.saturating_sub(begin).as_secs(), letter, request);
                }
                Message::Request(request) if request.method == Method::Register => {
                    let request = request.clone();
                    confirm(world, &letter, &request);
                }
                _ => {}
            }
        }
        assert!((world.clock() - begin).as_secs() < 10_000, "no SUBSCRIBE comes");
        world.pass(Duration::from_millis(200));
    }
}
