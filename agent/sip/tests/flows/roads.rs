//! The ways to a registrar (RFC 3263 section 4.3): fail-over and return, what Retry-After asks for, names that change, and
//! networks that do.

use crate::{
    script::{ACCOUNT, answer, calling, event, expect, inside_ours, register, registered, settings},
    world::{Letter, Who, World, sdp},
};
use agent_core::{
    id::CallId,
    port::sip::{Registration, RegistrationProblem, SipCommand, SipEvent},
    secret::Secret,
};
use agent_sip::{
    config::Config,
    endpoint::Input,
    flow::Transport,
    message::{Contacts, Message, Method, Request},
    ways::{Turn, Way},
};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// A phone, and a PBX of two machines.
struct Office {
    world: World,
    phone: Who,
    first: Who,
    second: Who,
}

impl Office {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        world.names.insert("pbx.example".to_owned(), vec![ip("192.0.2.10"), ip("192.0.2.11")]);
        let (first, second) = (world.script("192.0.2.10"), world.script("192.0.2.11"));
        let phone = world.phone("192.0.2.1", Config { keep_alive: Duration::ZERO, ..Config::default() });
        Self { world, phone, first, second }
    }

    /// The next REGISTER at `who` is granted for so many seconds.
    fn grant(&mut self, who: Who, seconds: u32) -> Request {
        let (letter, request) = expect(&mut self.world, who, Method::Register);
        grant(&mut self.world, &letter, &request, seconds);
        self.world.settle();
        request
    }

    fn states(&mut self) -> Vec<Registration> {
        states(&mut self.world, self.phone)
    }
}

fn ip(text: &str) -> std::net::IpAddr {
    text.parse().unwrap()
}

fn grant(world: &mut World, letter: &Letter, request: &Request, seconds: u32) {
    let contact = contacts(request).remove(0);
    answer(world, letter, 200, &[("Contact", &format!("<{contact}>;expires={seconds}"))], "");
}

/// The addresses a REGISTER binds and unbinds.
fn contacts(request: &Request) -> Vec<String> {
    match request.headers.contacts() {
        Ok(Contacts::List(list)) => list.iter().map(|contact| contact.uri.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

/// What was told of the registration and nobody has read yet.
fn states(world: &mut World, phone: Who) -> Vec<Registration> {
    let events: Vec<SipEvent> = world.events(phone).drain(..).collect();
    events
        .into_iter()
        .filter_map(|event| match event {
            SipEvent::Registration { state, .. } => Some(state),
            _ => None,
        })
        .collect()
}

fn turn(world: &mut World, phone: Who, turn: Turn) {
    world.input(phone, Input::Turned(turn));
}

#[test]
fn a_machine_that_refuses_is_gone_around_at_once_and_returned_to() {
    let mut office = Office::new(1);
    office.world.dead.insert(ip("192.0.2.10"));
    register(&mut office.world, office.phone, None);
    office.grant(office.second, 3600);
    assert_eq!(office.world.clock(), Duration::ZERO, "a refusal costs no time");
    assert_eq!(office.states(), [Registration::Connecting, Registration::Registered]);
    office.world.dead.clear();
    let back = office.grant(office.first, 3600);
    assert_eq!(office.world.clock(), 30 * S, "the best way is returned to");
    assert_eq!(contacts(&back).len(), 1, "the same address: nothing to take back");
    assert_eq!(office.states(), [], "and was registered all the time");
    office.world.pass(600 * S);
    assert!(office.world.inbox(office.second).is_empty());
}

/// Interfaces, addresses and routes say something all the time (IPv6 does so seconds after a cable was plugged in): who
/// serves now is not left for that, and the better machine has its half minute all the same.
#[test]
fn a_change_of_the_network_sends_nobody_back_to_a_machine_that_just_failed() {
    for fresh in [true, false] {
        let mut office = Office::new(9);
        office.world.dead.insert(ip("192.0.2.10"));
        register(&mut office.world, office.phone, None);
        office.grant(office.second, 3600);
        office.world.dead.clear();
        office.world.pass(if fresh { S } else { 10 * S });
        turn(&mut office.world, office.phone, Turn::Network);
        if !fresh {
            // The binding is looked after, where it is.
            office.grant(office.second, 3600);
        }
        office.world.pass(S);
        assert!(office.world.inbox(office.first).is_empty(), "nobody goes there yet");
        let turned = office.world.clock();
        office.grant(office.first, 3600);
        let waited = office.world.clock() - turned;
        assert!((28 * S..=30 * S).contains(&waited), "{waited:?}");
        assert!(!office.states().iter().any(|state| matches!(state, Registration::Failed { .. })));
    }
}

#[test]
fn a_machine_that_is_still_away_is_asked_ever_more_seldom() {
    let mut office = Office::new(2);
    office.world.dead.insert(ip("192.0.2.10"));
    register(&mut office.world, office.phone, None);
    office.grant(office.second, 86_400);
    let mut before = office.world.clock();
    let mut waits = Vec::new();
    for _ in 0..4 {
        // The first refuses again; the second is refreshed instead.
        office.grant(office.second, 86_400);
        waits.push((office.world.clock() - before).as_secs());
        before = office.world.clock();
    }
    assert_eq!(waits, [30, 60, 120, 240]);
    assert_eq!(office.states(), [Registration::Connecting, Registration::Registered]);
}

#[test]
fn a_silent_machine_costs_seconds_where_there_is_another_and_half_a_minute_where_not() {
    let mut office = Office::new(3);
    office.world.silent.insert(ip("192.0.2.10"));
    register(&mut office.world, office.phone, None);
    office.grant(office.second, 3600);
    assert_eq!(office.world.clock(), 4 * S);
    assert_eq!(office.states(), [Registration::Connecting, Registration::Registered]);
    let mut office = Office::new(3);
    office.world.silent.extend([ip("192.0.2.10"), ip("192.0.2.11")]);
    register(&mut office.world, office.phone, None);
    office.world.pass(35 * S);
    assert_eq!(office.states(), [Registration::Connecting], "the last one has its full time");
    office.world.pass(2 * S);
    assert!(matches!(
        office.states()[..],
        [Registration::Failed { reason: RegistrationProblem::Silent, retry_ms: Some(_) }]
    ));
}

#[test]
fn who_says_503_is_left_alone_as_long_as_they_ask() {
    let mut office = Office::new(4);
    register(&mut office.world, office.phone, None);
    let (letter, _) = expect(&mut office.world, office.first, Method::Register);
    answer(&mut office.world, &letter, 503, &[("Retry-After", "100")], "");
    office.grant(office.second, 3600);
    assert_eq!(office.states(), [Registration::Connecting, Registration::Registered]);
    office.world.dead.insert(ip("192.0.2.11"));
    turn(&mut office.world, office.phone, Turn::Awake);
    office.world.pass(60 * S);
    assert!(office.world.inbox(office.first).is_empty(), "RFC 3261 section 21.5.4");
    office.grant(office.first, 3600);
    assert!(office.world.clock() >= 100 * S, "{:?}", office.world.clock());
}

#[test]
fn names_are_looked_up_again_when_their_time_is_over_and_followed() {
    let mut office = Office::new(5);
    office.world.good_for = Some(90 * S);
    register(&mut office.world, office.phone, None);
    for _ in 0..3 {
        office.grant(office.first, 60);
    }
    assert_eq!(office.world.lookups, 1, "refreshed at 30 and 60 s");
    office.grant(office.first, 60);
    assert_eq!((office.world.clock(), office.world.lookups), (90 * S, 2));
    // By lot the other one comes first now: who has a good one stays there.
    office.world.names.insert("pbx.example".to_owned(), vec![ip("192.0.2.11"), ip("192.0.2.10")]);
    for _ in 0..4 {
        office.grant(office.first, 60);
    }
    // It moved.
    office.world.names.insert("pbx.example".to_owned(), vec![ip("192.0.2.11")]);
    while office.world.inbox(office.second).is_empty() && office.world.clock() < 400 * S {
        office.world.pass(S);
        if !office.world.inbox(office.first).is_empty() {
            office.grant(office.first, 60);
        }
    }
    office.grant(office.second, 60);
    // The name servers are away: the way in use is good all the same.
    office.world.names.clear();
    for _ in 0..8 {
        office.grant(office.second, 60);
    }
    assert_eq!(office.states(), [Registration::Connecting, Registration::Registered]);
}

#[test]
fn a_call_goes_to_the_next_machine_when_the_first_cannot_serve() {
    let mut office = Office::new(6);
    register(&mut office.world, office.phone, None);
    office.grant(office.first, 3600);
    office.world.events(office.phone).clear();
    let command = calling(2, "600");
    office.world.command(office.phone, command);
    let (letter, first) = expect(&mut office.world, office.first, Method::Invite);
    answer(&mut office.world, &letter, 503, &[], "");
    expect(&mut office.world, office.first, Method::Ack);
    let (letter, again) = expect(&mut office.world, office.second, Method::Invite);
    assert_eq!(again.headers.call_id().unwrap(), first.headers.call_id().unwrap());
    assert_eq!(again.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    assert_ne!(again.headers.via().unwrap().branch(), first.headers.via().unwrap().branch());
    // The registration does not stay where calls fail.
    office.grant(office.second, 3600);
    answer(&mut office.world, &letter, 200, &[("Contact", "<sip:600@192.0.2.11>")], "answer");
    expect(&mut office.world, office.second, Method::Ack);
    event(&mut office.world, office.phone, "Answered { call: CallId(2)");
    assert!(office.world.events(office.phone).is_empty());
}

#[test]
fn a_call_that_began_on_a_secure_way_never_goes_on_in_the_open() {
    for second in [Transport::Tls, Transport::Udp] {
        let mut office = Office::new(12);
        let way = |host, transport, port| Way { transport, peer: std::net::SocketAddr::new(ip(host), port) };
        // The settings name no transport, and the name servers list one each.
        office.world.listed = vec![way("192.0.2.10", Transport::Tls, 5061), way("192.0.2.11", second, 5061)];
        office.world.names.insert("pbx.example".to_owned(), Vec::new());
        register(&mut office.world, office.phone, None);
        office.grant(office.first, 3600);
        office.world.events(office.phone).clear();
        let (account, target) = (ACCOUNT, "sips:600@pbx.example".to_owned());
        let (call, offer) = (CallId(2), sdp("offer"));
        let command = SipCommand::Invite { call, account, target, offer, withhold: false };
        office.world.command(office.phone, command);
        let (letter, _) = expect(&mut office.world, office.first, Method::Invite);
        assert_eq!(letter.flow.transport, Transport::Tls);
        answer(&mut office.world, &letter, 503, &[], "");
        expect(&mut office.world, office.first, Method::Ack);
        office.world.settle();
        let sent: Vec<Method> = office
            .world
            .inbox(office.second)
            .iter()
            .filter_map(|letter| match &letter.message {
                Message::Request(request) => Some(request.method.clone()),
                Message::Response(_) => None,
            })
            .collect();
        let secure = second == Transport::Tls;
        assert_eq!(sent.contains(&Method::Invite), secure, "over {second}: {sent:?}");
        let ended = office.world.events(office.phone).iter().any(|e| matches!(e, SipEvent::Ended { .. }));
        assert_eq!(ended, !secure, "over {second}");
    }
}

#[test]
fn another_address_is_registered_within_half_a_second_and_the_call_follows() {
    let mut world = World::new(7);
    let (phone, pbx) = registered(&mut world);
    let command = calling(2, "600");
    world.command(phone, command);
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 200, &[("Contact", "<sip:600@192.0.2.10:5060>")], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    let begin = world.clock();
    world.moves(phone, "192.0.2.77");
    turn(&mut world, phone, Turn::Network);
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    assert!(world.clock() - begin <= 500 * MS, "{:?}", world.clock() - begin);
    let bound = contacts(&request);
    assert!(bound[0].contains("@192.0.2.77") && bound[1].contains("@192.0.2.1:"), "{bound:?}");
    let header = request.headers.all("Contact").nth(1).unwrap().to_text().into_owned();
    assert!(header.ends_with("expires=0"), "the old binding is taken back: {header}");
    assert!(request.headers.via().unwrap().to_string().contains("192.0.2.77"));
    grant(&mut world, &letter, &request, 3600);
    event(&mut world, phone, "Address { account: AccountId(0), local: 192.0.2.77 }");
    // The core offers anew from there.
    world.command(phone, SipCommand::Reoffer { call: CallId(2), offer: sdp("moved") });
    let (letter, change) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(change.headers.call_id().unwrap(), invite.headers.call_id().unwrap());
    assert!(change.headers.via().unwrap().to_string().contains("192.0.2.77"));
    assert!(
        change.headers.contact().unwrap().uri.to_string().contains("@192.0.2.77"),
        "the target is refreshed"
    );
    answer(&mut world, &letter, 200, &[("Contact", "<sip:600@192.0.2.10:5060>")], "fine");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "ReofferAnswered");
    crate::script::say(&mut world, pbx, phone, &inside_ours(&invite, ("BYE", 7), "bye", "", ""));
    crate::script::expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended");
}

#[test]
fn without_a_network_nobody_is_registered_and_its_return_is_used_at_once() {
    let mut world = World::new(8);
    let (phone, pbx) = registered(&mut world);
    world.pass(10 * S);
    world.offline = true;
    turn(&mut world, phone, Turn::Network);
    world.pass(500 * MS);
    let told = states(&mut world, phone);
    assert!(
        matches!(told[..], [Registration::Failed { reason: RegistrationProblem::Unreachable { .. }, .. }]),
        "{told:?}"
    );
    // It stays away for so long that the tries have become rare.
    world.pass(3600 * S);
    world.offline = false;
    let begin = world.clock();
    turn(&mut world, phone, Turn::Network);
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    assert!(world.clock() - begin <= 500 * MS, "{:?}", world.clock() - begin);
    grant(&mut world, &letter, &request, 3600);
    world.settle();
    assert_eq!(states(&mut world, phone).last(), Some(&Registration::Registered));
}

#[test]
fn who_sleeps_is_not_registered_and_who_wakes_up_is_soon() {
    for told in [true, false] {
        let mut world = World::new(9);
        let (phone, pbx) = registered(&mut world);
        if told {
            turn(&mut world, phone, Turn::Sleeping);
            assert_eq!(states(&mut world, phone), [Registration::Connecting]);
        }
        // The clock of the process stands still meanwhile.
        let begin = world.clock();
        turn(&mut world, phone, Turn::Awake);
        let said = states(&mut world, phone);
        assert_eq!(said, if told { vec![] } else { vec![Registration::Connecting] });
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        assert!(world.clock() - begin <= 500 * MS);
        assert_eq!(states(&mut world, phone), [], "not before the 200");
        grant(&mut world, &letter, &request, 3600);
        world.settle();
        assert_eq!(states(&mut world, phone), [Registration::Registered]);
    }
}

#[test]
fn not_every_desk_comes_back_in_the_same_moment() {
    let mut moments = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let mut world = World::new(100 + seed);
        let (phone, pbx) = registered(&mut world);
        let begin = world.clock();
        turn(&mut world, phone, Turn::Awake);
        expect(&mut world, pbx, Method::Register);
        moments.insert((world.clock() - begin).as_millis());
    }
    assert!(moments.len() > 20 && moments.iter().all(|ms| *ms <= 500), "{moments:?}");
}

#[test]
fn a_network_that_is_none_of_ours_changes_nothing_much() {
    let mut world = World::new(10);
    let (phone, pbx) = registered(&mut world);
    turn(&mut world, phone, Turn::Network);
    world.pass(2 * S);
    assert!(world.inbox(pbx).is_empty(), "confirmed a moment ago, over the same road");
    world.pass(60 * S);
    turn(&mut world, phone, Turn::Network);
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    assert_eq!(contacts(&request).len(), 1);
    grant(&mut world, &letter, &request, 3600);
    world.settle();
    assert_eq!(states(&mut world, phone), [], "it was registered all the time");
    world.pass(60 * S);
    assert!(world.inbox(pbx).is_empty());
}

#[test]
fn no_network_makes_a_wrong_password_right() {
    let mut world = World::new(11);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", Config::default());
    let password = Secret::new("wrong".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings: settings(None), password });
    for _ in 0..2 {
        let (letter, _) = expect(&mut world, pbx, Method::Register);
        let challenge = ("WWW-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n1\", qop=\"auth\"");
        answer(&mut world, &letter, 401, &[challenge], "");
    }
    world.settle();
    for _ in 0..5 {
        turn(&mut world, phone, Turn::Network);
        turn(&mut world, phone, Turn::Awake);
        world.pass(10 * S);
    }
    assert!(world.inbox(pbx).is_empty(), "a PBX that locks accounts counts tries");
}
