//! Subscriptions (RFC 6665): asked for, refreshed, refused, lost with the registration, and back by themselves.

use crate::{
    script::{ACCOUNT, answer, answer_tagged, expect, expect_status, say, settings},
    world::{Letter, Who, World},
};
use agent_core::{
    party::Party,
    port::sip::{
        SipCommand, SipEvent, WatchCommand, WatchEvent,
        watch::{LineState, Package, PresenceInfo, PresenceState, Subscribed, Watched},
    },
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::{
    config::Config,
    message::{Message, Method, Request},
};
use std::time::Duration;

/// A registered phone with these settings, and its scripted PBX; nothing left to read but SUBSCRIBEs.
fn phone(world: &mut World, settings: AccountSettings, config: Config) -> (Who, Who) {
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", config);
    enrol(world, phone, settings);
    let (letter, request) = expect(world, pbx, Method::Register);
    confirm(world, &letter, &request);
    (phone, pbx)
}

fn enrol(world: &mut World, phone: Who, settings: AccountSettings) {
    let password = Secret::new("secret".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings, password });
}

fn confirm(world: &mut World, letter: &Letter, request: &Request) {
    let contact = request.headers.get("Contact").expect("a Contact").to_string();
    answer(world, letter, 200, &[("Contact", &contact)], "");
    world.settle();
}

fn quiet() -> Config {
    Config { expires: Duration::from_secs(3600), keep_alive: Duration::ZERO, ..Config::default() }
}

fn watching(targets: &[&str]) -> AccountSettings {
    let watch = targets.iter().map(|target| (*target).to_owned()).collect();
    AccountSettings { watch, ..settings(None) }
}

/// One watched line, and its SUBSCRIBE.
fn one(world: &mut World) -> (Who, Who, Letter, Request) {
    let (phone, pbx) = phone(world, watching(&["1002"]), quiet());
    let (letter, request) = expect(world, pbx, Method::Subscribe);
    (phone, pbx, letter, request)
}

fn agree(world: &mut World, letter: &Letter, seconds: &str) {
    answer(world, letter, 200, &[("Expires", seconds), ("Contact", "<sip:pbx@192.0.2.10:5060>")], "");
    world.settle();
}

/// A NOTIFY of the dialog that our `subscribe` began.
fn notify(
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
fn lines(version: u32, full: bool, state: &str) -> String {
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

const DIALOG: (&str, &str) = ("dialog", "application/dialog-info+xml");

fn tell(
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
fn status(world: &mut World, who: Who) -> u16 {
    loop {
        if let Message::Response(response) = world.letter(who).message {
            return response.status;
        }
    }
}

/// What was told of watched things since the last time.
fn told(world: &mut World, phone: Who) -> Vec<String> {
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
fn standing(world: &mut World) -> (Who, Who, Request) {
    let (phone, pbx, letter, request) = one(world);
    agree(world, &letter, "600");
    assert_eq!(tell(world, (pbx, phone), &request, 1, "active;expires=600", &lines(0, true, "")), 200);
    assert_eq!(told(world, phone), ["Active", "1002 Idle"]);
    (phone, pbx, request)
}

#[test]
fn a_line_is_watched_and_refreshed_in_its_dialog() {
    let mut world = World::new(1);
    let (phone, pbx, first) = standing(&mut world);
    assert_eq!(first.uri.to_string(), "sip:1002@pbx.example");
    assert_eq!(first.headers.get("Event").unwrap(), "dialog");
    assert_eq!(first.headers.get("Accept").unwrap(), DIALOG.1);
    assert_eq!(tell(&mut world, (pbx, phone), &first, 2, "active", &lines(1, false, "early")), 200);
    world.settle();
    let ringing = world.events(phone).pop_back().unwrap();
    let SipEvent::Watch(WatchEvent::Line { line, .. }) = ringing else { panic!("{ringing:?}") };
    assert_eq!(line.state, LineState::Ringing);
    let anna = Party {
        number: "600".to_owned(),
        name: Some("Anna".to_owned()),
        uri: "sip:600@pbx.example".to_owned(),
        withheld: false,
    };
    assert_eq!(line.with, Some(anna));
    assert_eq!(line.pickup.map(|pickup| pickup.call_id).as_deref(), Some("c"));
    let begin = world.clock();
    let (letter, refresh) = expect(&mut world, pbx, Method::Subscribe);
    let after = (world.clock() - begin).as_secs();
    assert!((400..=520).contains(&after), "{after}");
    assert_eq!(refresh.uri.to_string(), "sip:pbx@192.0.2.10:5060", "to the notifier's Contact");
    assert_eq!(refresh.headers.to().unwrap().tag().unwrap(), "pbx");
    assert_eq!(refresh.headers.call_id().unwrap(), first.headers.call_id().unwrap());
    assert!(refresh.headers.cseq().unwrap().number > first.headers.cseq().unwrap().number);
    agree(&mut world, &letter, "600");
    assert_eq!(tell(&mut world, (pbx, phone), &first, 3, "active", &lines(2, true, "")), 200);
    assert_eq!(told(&mut world, phone), ["1002 Idle"]);
}

#[test]
fn a_notify_may_overtake_the_200() {
    let mut world = World::new(2);
    let (phone, pbx, letter, request) = one(&mut world);
    assert_eq!(
        tell(&mut world, (pbx, phone), &request, 1, "active;expires=600", &lines(0, true, "confirmed")),
        200
    );
    assert_eq!(told(&mut world, phone), ["Active", "1002 Busy"]);
    agree(&mut world, &letter, "600");
    world.pass(Duration::from_secs(100));
    assert_eq!(told(&mut world, phone), Vec::<String>::new(), "and Timer N was stopped by it");
    assert!(world.inbox(pbx).is_empty());
}

#[test]
fn of_a_fork_one_branch_is_kept() {
    let mut world = World::new(3);
    let (phone, pbx, letter, request) = one(&mut world);
    answer_tagged(
        &mut world,
        &letter,
        (200, "one"),
        &[("Expires", "600"), ("Contact", "<sip:1@192.0.2.10>")],
        "",
    );
    world.settle();
    let say = |world: &mut World, tag: &str, number, state: &str| {
        let words = notify(&request, tag, number, "active", (DIALOG.0, DIALOG.1, &lines(0, true, state)));
        say(world, pbx, phone, &words);
        world.settle();
        status(world, pbx)
    };
    assert_eq!(say(&mut world, "two", 1, "confirmed"), 200, "the first that tells something is the one");
    assert_eq!(say(&mut world, "one", 1, ""), 481, "RFC 6665 section 4.1.2.4");
    assert_eq!(say(&mut world, "two", 2, "early"), 200);
    assert_eq!(told(&mut world, phone), ["Active", "1002 Busy", "1002 Ringing"]);
    // Out of order, and another package's.
    assert_eq!(say(&mut world, "two", 1, ""), 500);
    let words = notify(&request, "two", 9, "active", ("presence", DIALOG.1, &lines(9, true, "")));
    super::script::say(&mut world, pbx, phone, &words);
    assert_eq!(status(&mut world, pbx), 489);
}

#[test]
fn a_challenge_is_answered_and_serves_the_next_ones() {
    let mut world = World::new(4);
    let (_, pbx) = phone(&mut world, watching(&["1002", "1003"]), quiet());
    let challenge =
        [("Proxy-Authenticate", "Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\", algorithm=MD5")];
    let (letter, first) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 407, &challenge, "");
    let (letter, again) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(again.headers.call_id().unwrap(), first.headers.call_id().unwrap());
    assert_eq!(again.headers.cseq().unwrap().number, 2);
    assert!(again.headers.has("Proxy-Authorization"));
    agree(&mut world, &letter, "600");
    let (_, other) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(other.uri.user_text().unwrap(), "1003");
    assert!(other.headers.get("Proxy-Authorization").unwrap().to_text().contains("nc=00000002"));
}

#[test]
fn a_refused_password_is_not_tried_again_within_the_hour() {
    let mut world = World::new(5);
    let (phone, pbx, letter, _) = one(&mut world);
    let challenge = |nonce: &str| format!("Digest realm=\"pbx\", nonce=\"{nonce}\", qop=\"auth\"");
    answer(&mut world, &letter, 401, &[("WWW-Authenticate", &challenge("a"))], "");
    let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 401, &[("WWW-Authenticate", &challenge("b"))], "");
    world.settle();
    assert_eq!(told(&mut world, phone), ["Refused 401"]);
    world.pass(Duration::from_secs(3500));
    assert!(!world.inbox(pbx).iter().any(|letter| is(letter, &Method::Subscribe)));
}

fn is(letter: &Letter, method: &Method) -> bool {
    matches!(&letter.message, Message::Request(request) if request.method == *method)
}

/// The seconds until the next SUBSCRIBE; registrations are confirmed meanwhile.
fn seconds_to_next(world: &mut World, pbx: Who) -> (u64, Letter, Request) {
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

#[test]
fn each_refusal_has_its_wait() {
    for (status, more, least, most) in [
        (403, None, 3600, 3601),
        (489, None, 3600, 3601),
        (405, None, 3600, 3601),
        (404, None, 5, 10),
        (500, None, 5, 10),
        (503, Some(("Retry-After", "77 (busy)")), 77, 78),
        (480, Some(("Retry-After", "99999")), 3600, 3601),
        (481, None, 5, 10),
        (302, Some(("Contact", "<sip:evil@192.0.2.66>")), 5, 10),
    ] {
        let mut world = World::new(6);
        let (phone, pbx, letter, first) = one(&mut world);
        answer(&mut world, &letter, status, more.as_slice(), "");
        assert_eq!(told(&mut world, phone), [format!("Refused {status}")]);
        let (after, _, next) = seconds_to_next(&mut world, pbx);
        assert!((least..=most).contains(&after), "{status}: {after}");
        assert_ne!(next.headers.call_id().unwrap(), first.headers.call_id().unwrap(), "another dialog");
    }
}

#[test]
fn failures_grow_apart_up_to_ten_minutes() {
    let mut world = World::new(7);
    let (phone, pbx, mut letter, _) = one(&mut world);
    let mut waits = Vec::new();
    for _ in 0..9 {
        answer(&mut world, &letter, 500, &[], "");
        world.settle();
        let (after, next, _) = seconds_to_next(&mut world, pbx);
        waits.push(after);
        letter = next;
    }
    for (nth, most) in [10, 20, 40, 80, 160, 320, 600, 600, 600].into_iter().enumerate() {
        assert!((most / 2..=most).contains(&waits[nth]), "{waits:?}");
    }
    assert_eq!(told(&mut world, phone), ["Refused 500"], "told once");
}

#[test]
fn a_longer_interval_is_agreed_to() {
    let mut world = World::new(8);
    let (_, pbx, letter, _) = one(&mut world);
    answer(&mut world, &letter, 423, &[("Min-Expires", "1800")], "");
    let (letter, again) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(again.headers.expires(), Some(1800));
    answer(&mut world, &letter, 423, &[("Min-Expires", "1800")], "");
    let (after, ..) = seconds_to_next(&mut world, pbx);
    assert!(after >= 5, "the same minimum again is a refusal");
}

#[test]
fn what_tells_nothing_does_not_stand() {
    let mut world = World::new(9);
    let (phone, pbx, letter, _) = one(&mut world);
    agree(&mut world, &letter, "600");
    let begin = world.clock();
    let (_, _, next) = seconds_to_next(&mut world, pbx);
    let after = (world.clock() - begin).as_secs();
    assert!((32 + 5..=32 + 10).contains(&after), "Timer N is 64*T1: {after}");
    assert!(next.headers.to().unwrap().tag().is_none());
    assert_eq!(told(&mut world, phone), Vec::<String>::new(), "it was unknown all the time");
    assert_eq!(world.load(phone).subscriptions, 1);
}

#[test]
fn a_silent_pbx_makes_it_unknown() {
    let mut world = World::new(10);
    let (phone, pbx, _) = standing(&mut world);
    world.silent.insert("192.0.2.10".parse().unwrap());
    world.pass(Duration::from_secs(601));
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    world.silent.clear();
    let (_, letter, request) = seconds_to_next(&mut world, pbx);
    agree(&mut world, &letter, "600");
    tell(&mut world, (pbx, phone), &request, 1, "active", &lines(0, true, "confirmed"));
    assert_eq!(told(&mut world, phone), ["Active", "1002 Busy"]);
}

#[test]
fn a_pbx_that_began_anew_is_asked_anew() {
    let mut world = World::new(11);
    let (phone, pbx, first) = standing(&mut world);
    let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 481, &[], "");
    world.settle();
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    let (after, _, next) = seconds_to_next(&mut world, pbx);
    assert_eq!(after, 0);
    assert_ne!(next.headers.call_id().unwrap(), first.headers.call_id().unwrap());
    // What comes under the old names is nobody's.
    assert_eq!(tell(&mut world, (pbx, phone), &first, 2, "active", &lines(1, true, "confirmed")), 481);
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
}

#[test]
fn a_refresh_that_fails_otherwise_leaves_what_was_granted() {
    let mut world = World::new(12);
    let (phone, pbx, _) = standing(&mut world);
    let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 500, &[], "");
    world.settle();
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
    let (_, letter, again) = seconds_to_next(&mut world, pbx);
    assert!(again.headers.to().unwrap().tag().is_some(), "in the same dialog");
    answer(&mut world, &letter, 503, &[("Retry-After", "3000")], "");
    world.pass(Duration::from_secs(200));
    assert_eq!(told(&mut world, phone), ["Unknown"], "until its interval ran out");
}

#[test]
fn every_reason_of_an_end_has_its_consequence() {
    for (reason, state, least, most) in [
        ("deactivated", "Unknown", 0, 0),
        ("timeout", "Unknown", 0, 0),
        ("probation;retry-after=50", "Unknown", 50, 50),
        ("giveup", "Unknown", 5, 10),
        ("giveup;retry-after=99", "Unknown", 99, 99),
        ("rejected", "Refused 0", 3600, 3600),
        ("noresource", "Refused 0", 3600, 3600),
        ("something-new;retry-after=12", "Unknown", 12, 12),
    ] {
        let mut world = World::new(13);
        let (phone, pbx, request) = standing(&mut world);
        world.pass(Duration::from_secs(60));
        assert_eq!(
            tell(&mut world, (pbx, phone), &request, 2, &format!("terminated;reason={reason}"), ""),
            200
        );
        assert_eq!(told(&mut world, phone), [state], "{reason}");
        let (after, _, next) = seconds_to_next(&mut world, pbx);
        assert!((least..=most).contains(&after), "{reason}: {after}");
        assert!(next.headers.to().unwrap().tag().is_none());
    }
    // Who ends each at once is not asked again at once.
    let mut world = World::new(14);
    let (phone, pbx, request) = standing(&mut world);
    tell(&mut world, (pbx, phone), &request, 2, "terminated;reason=deactivated", "");
    let (after, ..) = seconds_to_next(&mut world, pbx);
    assert!((5..=10).contains(&after), "{after}");
    // What never changes again stays known, and is asked for no more.
    let mut world = World::new(15);
    let (phone, pbx, request) = standing(&mut world);
    tell(&mut world, (pbx, phone), &request, 2, "terminated;reason=invariant", &lines(1, true, "confirmed"));
    assert_eq!(told(&mut world, phone), ["1002 Busy"]);
    world.pass(Duration::from_secs(2000));
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
    assert!(!world.inbox(pbx).iter().any(|letter| is(letter, &Method::Subscribe)));
}

#[test]
fn pending_is_not_known() {
    let mut world = World::new(16);
    let (phone, pbx, letter, request) = one(&mut world);
    agree(&mut world, &letter, "600");
    assert_eq!(tell(&mut world, (pbx, phone), &request, 1, "pending;expires=600", &lines(0, true, "")), 200);
    assert_eq!(told(&mut world, phone), ["Pending"]);
    assert_eq!(tell(&mut world, (pbx, phone), &request, 2, "active", &lines(1, true, "")), 200);
    assert_eq!(told(&mut world, phone), ["Active", "1002 Idle"]);
}

#[test]
fn the_notifier_may_shorten_the_interval() {
    let mut world = World::new(17);
    let (phone, pbx, request) = standing(&mut world);
    tell(&mut world, (pbx, phone), &request, 2, "active;expires=60", &lines(1, true, ""));
    let (after, ..) = seconds_to_next(&mut world, pbx);
    assert!((42..=51).contains(&after), "{after}");
}

#[test]
fn a_gap_in_the_documents_is_healed_by_a_refresh() {
    let mut world = World::new(18);
    let (phone, pbx, request) = standing(&mut world);
    assert_eq!(tell(&mut world, (pbx, phone), &request, 2, "active", &lines(5, false, "early")), 200);
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
    let (after, letter, _) = seconds_to_next(&mut world, pbx);
    assert!(after <= 2, "{after}");
    agree(&mut world, &letter, "600");
    tell(&mut world, (pbx, phone), &request, 3, "active", &lines(6, true, "early"));
    assert_eq!(told(&mut world, phone), ["1002 Ringing"]);
}

#[test]
fn a_body_that_cannot_be_read_makes_it_unknown() {
    let mut world = World::new(19);
    let (phone, pbx, request) = standing(&mut world);
    assert_eq!(tell(&mut world, (pbx, phone), &request, 2, "active", "<dialog-info><"), 400);
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    assert_eq!(tell(&mut world, (pbx, phone), &request, 3, "active", &lines(3, true, "")), 200);
    assert_eq!(told(&mut world, phone), ["Active", "1002 Idle"]);
    let words = notify(&request, "pbx", 4, "active", ("dialog", "text/plain", "free"));
    say(&mut world, pbx, phone, &words);
    let (_, response) = expect_status(&mut world, pbx, 415);
    assert_eq!(response.headers.get("Accept").unwrap(), DIALOG.1);
}

#[test]
fn with_the_registration_everything_is_unknown_at_once_and_comes_back() {
    let mut world = World::new(20);
    let (phone, pbx, request) = standing(&mut world);
    world.dead.insert("192.0.2.10".parse().unwrap());
    let flow = agent_sip::flow::Flow {
        transport: agent_sip::flow::Transport::Udp,
        local: world.address(phone),
        peer: world.address(pbx),
    };
    world.input(phone, agent_sip::endpoint::Input::Refused { peer: flow.peer, detail: "gone".to_owned() });
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    world.pass(Duration::from_secs(2));
    world.dead.clear();
    world.inbox(pbx).clear();
    let (letter, register) = expect(&mut world, pbx, Method::Register);
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
    confirm(&mut world, &letter, &register);
    let (letter, refresh) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(
        refresh.headers.call_id().unwrap(),
        request.headers.call_id().unwrap(),
        "its dialog may live yet"
    );
    agree(&mut world, &letter, "600");
    tell(&mut world, (pbx, phone), &request, 2, "active", &lines(1, true, "confirmed"));
    assert_eq!(told(&mut world, phone), ["Active", "1002 Busy"]);
}

#[test]
fn what_is_not_wanted_any_more_is_ended_in_its_dialog() {
    let mut world = World::new(21);
    let (phone, pbx, request) = standing(&mut world);
    enrol(&mut world, phone, watching(&["1003"]));
    let (letter, end) = loop {
        let (_, letter, request) = seconds_to_next(&mut world, pbx);
        if request.headers.expires() == Some(0) {
            break (letter, request);
        }
    };
    assert_eq!(end.headers.call_id().unwrap(), request.headers.call_id().unwrap());
    agree(&mut world, &letter, "0");
    assert_eq!(tell(&mut world, (pbx, phone), &request, 2, "terminated;reason=timeout", ""), 200);
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    assert_eq!(world.load(phone).subscriptions, 1);
}

#[test]
fn whoever_quits_ends_its_subscriptions() {
    let mut world = World::new(22);
    let (phone, pbx, request) = standing(&mut world);
    world.command(phone, SipCommand::Shutdown { within: Duration::from_secs(2) });
    let (_, end) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(end.headers.expires(), Some(0));
    assert_eq!(end.headers.call_id().unwrap(), request.headers.call_id().unwrap());
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    answer(&mut world, &letter, 200, &[], "");
    world.settle();
    assert_eq!(world.load(phone).subscriptions, 0);
    assert!(world.events(phone).contains(&SipEvent::Down));
}

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

/// 500 lines: none of the seconds of their start, of a lost registration or of a challenge sees more than ten SUBSCRIBEs,
/// and what they cost when nothing happens is a bounded number of wake-ups.
#[test]
fn many_keep_the_pace_and_sleep() {
    let targets: Vec<String> = (0..500).map(|nth| format!("{}", 2000 + nth)).collect();
    let settings = AccountSettings { watch: targets, ..settings(None) };
    let mut world = World::new(25);
    let (phone, pbx) = phone(&mut world, settings, quiet());
    let mut sent: Vec<Duration> = Vec::new();
    let end = world.clock() + Duration::from_secs(1300);
    let mut open = std::collections::HashMap::new();
    while world.clock() < end {
        let letter = world.letter(pbx);
        match &letter.message {
            Message::Request(request) if request.method == Method::Subscribe => {
                sent.push(letter.at);
                let request = request.clone();
                answer(
                    &mut world,
                    &letter,
                    200,
                    &[("Expires", "600"), ("Contact", "<sip:pbx@192.0.2.10>")],
                    "",
                );
                let call_id = request.headers.call_id().unwrap();
                let (first, number) = open.entry(call_id).or_insert((request, 0_u32));
                *number += 1;
                let body = lines(*number, true, "");
                let words = notify(first, "pbx", *number, "active", (DIALOG.0, DIALOG.1, &body));
                say(&mut world, pbx, phone, &words);
            }
            _ => {}
        }
    }
    assert_eq!(open.len(), 500);
    assert_eq!(world.load(phone).subscriptions, 500);
    for (at, first) in sent.iter().enumerate() {
        let within = sent[at..].iter().take_while(|time| **time < *first + Duration::from_secs(1)).count();
        assert!(within <= 10, "{within} from {first:?}");
    }
    // The start took 50 s, evenly; then each was refreshed about every 465 s.
    assert!(sent[499] - sent[0] >= Duration::from_millis(49_900), "{:?}", sent[499] - sent[0]);
    let refreshes = sent.len() - 500;
    assert!((900..=1600).contains(&refreshes), "{refreshes}");
    world.with_endpoint(phone, |endpoint| assert!(endpoint.next_deadline().is_some()));
}

#[test]
fn what_is_asked_for_beside_the_settings_is_watched_too() {
    let mut world = World::new(26);
    let (phone, pbx) = phone(&mut world, settings(None), quiet());
    let line = |target: &str| Watched { package: Package::Line, target: target.to_owned() };
    let watch = |watched| SipCommand::Watch(WatchCommand::Watch { account: ACCOUNT, watched });
    world.command(phone, watch(vec![line("1002"), line("sips:x@y")]));
    let (_, request) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(request.uri.to_string(), "sip:1002@pbx.example");
    world.command(phone, watch(Vec::new()));
    world.pass(Duration::from_secs(100));
    assert_eq!(world.load(phone).subscriptions, 0);
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
