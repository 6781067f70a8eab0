//! Keep-alives (RFC 5626 sections 3.5 and 4.4, RFC 6223): whose silence means something, and what is done about it.

use crate::{
    script::{answer, expect, register},
    standing::{CONTACT, dial},
    world::{Letter, Who, World},
};
use agent_core::port::sip::{Registration, SipEvent};
use agent_sip::{
    config::Config,
    endpoint::Input,
    flow::{Flow, Transport},
    message::{Message, Method, Request, StreamItem},
};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

const S: Duration = Duration::from_secs(1);

/// A phone at a PBX over TCP or UDP, registered for so long that no refresh gets in the way.
struct Desk {
    world: World,
    phone: Who,
    pbx: Who,
    flow: Flow,
}

impl Desk {
    /// With these header fields in the 200; `lively` peers answer keep-alives.
    fn new(transport: Transport, lively: bool, headers: &[(&str, &str)]) -> Self {
        let mut world = World::new(7);
        let pbx = world.script("192.0.2.10");
        if lively {
            world.lively.insert(ip());
        }
        let phone = world.phone("192.0.2.1", Config { expires: 3600 * S, ..Config::default() });
        register(&mut world, phone, Some(&format!("sip:192.0.2.10;transport={transport}")));
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let flow = Flow { transport, local: letter.flow.peer, peer: letter.flow.local };
        let mut desk = Self { world, phone, pbx, flow };
        desk.grant(&letter, &request, headers);
        desk.world.events(phone).clear();
        desk
    }

    fn grant(&mut self, letter: &Letter, request: &Request, headers: &[(&str, &str)]) {
        let contact = request.headers.get("Contact").unwrap().to_string();
        let headers: Vec<_> =
            [("Contact", contact.as_str())].into_iter().chain(headers.iter().copied()).collect();
        answer(&mut self.world, letter, 200, &headers, "");
        self.world.settle();
    }

    fn states(&mut self) -> Vec<Registration> {
        let events = self.world.events(self.phone).drain(..);
        let state = |event| match event {
            SipEvent::Registration { state, .. } => Some(state),
            _ => None,
        };
        events.filter_map(state).collect()
    }

    /// The registration breaks within this time, and is renewed: the REGISTER that does it.
    fn breaks_within(&mut self, time: Duration) -> (Letter, Request) {
        let begin = self.world.clock();
        let phone = self.phone;
        let broken = self.world.wait(|world| (!world.events(phone).is_empty()).then_some(()));
        assert!(broken.is_some(), "nobody notices");
        assert!(self.world.clock() - begin <= time, "{:?}", self.world.clock() - begin);
        assert_eq!(self.states(), [Registration::Connecting]);
        self.world.silent.clear();
        let noticed = self.world.clock();
        let (letter, request) = expect(&mut self.world, self.pbx, Method::Register);
        assert!(self.world.clock() - noticed <= S / 4);
        (letter, request)
    }

    /// Nothing but keep-alives for so long.
    fn stays(&mut self, time: Duration) {
        let closed = self.world.closed.len();
        self.world.pass(time);
        assert_eq!(self.states(), []);
        assert_eq!(self.world.closed.len(), closed);
        assert!(self.world.inbox(self.pbx).is_empty());
    }
}

fn ip() -> IpAddr {
    "192.0.2.10".parse().unwrap()
}

#[test]
fn a_connection_that_has_answered_and_does_no_more_is_opened_anew() {
    let mut desk = Desk::new(Transport::Tcp, true, &[]);
    desk.stays(1000 * S);
    let pings = desk.world.pings(desk.pbx);
    assert!((8..=10).contains(&pings), "every 95 to 120 s: {pings}");
    desk.world.silent.insert(ip());
    let (letter, request) = desk.breaks_within(131 * S);
    assert_eq!(desk.world.closed, [desk.flow]);
    assert_ne!(letter.flow.peer, desk.flow.local, "another connection");
    desk.grant(&letter, &request, &[]);
    assert_eq!(desk.states(), [Registration::Registered]);
    desk.stays(500 * S);
}

#[test]
fn who_has_never_answered_is_left_in_peace() {
    for transport in [Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Udp] {
        let mut desk = Desk::new(transport, false, &[]);
        desk.stays(2000 * S);
        assert!(desk.world.pings(desk.pbx) > 10, "{transport}");
        let questions = if transport == Transport::Udp { 3 } else { 0 };
        assert_eq!(desk.world.questions, questions, "over {transport}: who speaks no STUN is spared it");
    }
}

#[test]
fn a_promise_that_is_not_kept_is_believed_once() {
    for transport in [Transport::Tcp, Transport::Udp] {
        for promise in [("Require", "path, Outbound"), ("Flow-Timer", "20")] {
            let mut desk = Desk::new(transport, false, &[promise]);
            let (letter, request) = desk.breaks_within(130 * S);
            desk.grant(&letter, &request, &[promise]);
            assert_eq!(desk.states(), [Registration::Registered]);
            desk.stays(2000 * S);
            assert!(desk.world.pings(desk.pbx) > 10);
        }
    }
}

#[test]
fn a_promise_that_is_kept_is_counted_on_from_the_beginning() {
    let mut desk = Desk::new(Transport::Tcp, true, &[("Flow-Timer", "20")]);
    desk.world.silent.insert(ip());
    desk.breaks_within(30 * S);
}

#[test]
fn the_registrar_says_how_often_and_who_repeats_our_offer_says_nothing() {
    let often = |transport, headers: &[(&str, &str)]| {
        let mut desk = Desk::new(transport, true, headers);
        desk.stays(1000 * S);
        desk.world.pings(desk.pbx) + desk.world.questions
    };
    assert!((50..=63).contains(&often(Transport::Tcp, &[("Flow-Timer", "20")])), "every 16 to 20 s");
    assert!((50..=63).contains(&often(Transport::Udp, &[("Flow-Timer", "20")])));
    assert!((34..=42).contains(&often(Transport::Udp, &[])), "every 24 to 29 s");
    for wrong in ["0", "soon", "-1", "99999999999"] {
        assert!((8..=11).contains(&often(Transport::Tcp, &[("Flow-Timer", wrong)])), "{wrong}");
    }
    assert!(often(Transport::Tcp, &[("Flow-Timer", "1")]) <= 250, "not faster than every 5 s");
}

#[test]
fn the_next_machine_says_how_often_in_via() {
    let (mut world, mut kept) = (World::new(3), Vec::new());
    let pbx = world.script("192.0.2.10");
    world.lively.insert(ip());
    for keep in ["keep", "keep=30"] {
        let phone = world.phone("192.0.2.1", Config { expires: 3600 * S, ..Config::default() });
        register(&mut world, phone, Some("sip:192.0.2.10;transport=tcp"));
        let (mut letter, request) = expect(&mut world, pbx, Method::Register);
        let via = request.headers.get("Via").unwrap().to_string();
        assert!(via.ends_with(";keep"), "{via}");
        let agent_sip::message::Message::Request(letter_request) = &mut letter.message else { panic!() };
        letter_request.headers.set("Via", via.replace(";keep", &format!(";{keep}")));
        let contact = request.headers.get("Contact").unwrap().to_string();
        answer(&mut world, &letter, 200, &[("Contact", &contact)], "");
        let before = world.pings(pbx);
        world.pass(300 * S);
        kept.push(world.pings(pbx) - before);
        world.restart(phone, Config::default());
        world.moves(phone, "192.0.2.99");
    }
    assert!((2..=3).contains(&kept[0]) && (10..=12).contains(&kept[1]), "{kept:?}");
}

#[test]
fn their_ping_is_no_answer_to_ours() {
    let mut desk = Desk::new(Transport::Tcp, false, &[]);
    for _ in 0..5 {
        let pings = desk.world.pings(desk.pbx);
        let pbx = desk.pbx;
        desk.world.wait(|world| (world.pings(pbx) > pings).then_some(())).unwrap();
        // Two line ends, as a stream is cut.
        for item in [StreamItem::Pong, StreamItem::Ping] {
            desk.world.input(desk.phone, Input::Item { flow: desk.flow, item });
        }
    }
    desk.world.settle();
    desk.stays(1000 * S);
}

#[test]
fn a_line_end_that_nobody_asked_for_is_no_answer() {
    let mut desk = Desk::new(Transport::Tcp, false, &[]);
    desk.world.input(desk.phone, Input::Item { flow: desk.flow, item: StreamItem::Pong });
    desk.stays(1000 * S);
}

fn outside(port: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], port))
}

#[test]
fn a_router_that_gives_another_place_is_noticed_and_the_registrar_told() {
    let mut desk = Desk::new(Transport::Udp, true, &[]);
    let inside = desk.flow.local;
    desk.stays(300 * S);
    for port in [4001, 4002, 4003] {
        desk.world.seen_as.insert(inside, outside(port));
        let begin = desk.world.clock();
        let (letter, request) = expect(&mut desk.world, desk.pbx, Method::Register);
        assert!(desk.world.clock() - begin <= 30 * S, "{:?}", desk.world.clock() - begin);
        let contact = request.headers.get("Contact").unwrap().to_string();
        assert!(contact.contains(&format!("@198.51.100.7:{port}>")), "{contact}");
        desk.grant(&letter, &request, &[]);
        assert_eq!(desk.states(), [], "it was registered all the time");
    }
    desk.stays(600 * S);
}

#[test]
fn who_is_in_a_call_is_told_of_another_place_as_well() {
    let mut desk = Desk::new(Transport::Udp, true, &[]);
    desk.world.pass(60 * S);
    let (letter, _) = dial(&mut desk.world, (desk.phone, desk.pbx));
    let headers = [CONTACT, ("Allow", "INVITE, ACK, BYE, UPDATE")];
    answer(&mut desk.world, &letter, 200, &headers, "answer");
    expect(&mut desk.world, desk.pbx, Method::Ack);
    desk.world.seen_as.insert(desk.flow.local, outside(4001));
    // The same moment, in whichever order.
    for _ in 0..2 {
        let letter = desk.world.letter(desk.pbx);
        let Message::Request(request) = &letter.message else { panic!("{letter:?}") };
        let contact = request.headers.get("Contact").unwrap().to_string();
        assert!(contact.contains("@198.51.100.7:4001>"), "{contact}");
        assert!([Method::Register, Method::Update].contains(&request.method), "{}", request.method);
        desk.grant(&letter, &request.clone(), &[]);
    }
    desk.stays(200 * S);
}

#[test]
fn where_stun_and_the_registrar_never_saw_us_alike_the_registrar_is_believed() {
    let mut desk = Desk::new(Transport::Udp, true, &[]);
    let inside = desk.flow.local;
    desk.world.seen_as.insert(inside, outside(4000));
    // The first answer is as good as any other.
    desk.stays(300 * S);
    desk.world.seen_as.insert(inside, outside(4001));
    let (letter, request) = expect(&mut desk.world, desk.pbx, Method::Register);
    let contact = request.headers.get("Contact").unwrap().to_string();
    assert!(contact.contains("@192.0.2.1:5060>"), "{contact}");
    desk.grant(&letter, &request, &[]);
    assert_eq!(desk.states(), []);
}

#[test]
fn who_spoke_stun_and_is_silent_is_registered_at_anew() {
    let mut desk = Desk::new(Transport::Udp, true, &[]);
    desk.stays(100 * S);
    desk.world.silent.insert(ip());
    let (letter, request) = desk.breaks_within(40 * S);
    desk.grant(&letter, &request, &[]);
    // It was started again without.
    desk.world.lively.clear();
    assert_eq!(desk.states(), [Registration::Registered]);
    desk.stays(1000 * S);
}

#[test]
fn a_question_that_is_lost_is_asked_again() {
    let mut desk = Desk::new(Transport::Udp, true, &[]);
    desk.stays(100 * S);
    desk.world.faults.loss = 20;
    desk.stays(800 * S);
}

#[test]
fn answers_to_nobodys_question_change_nothing() {
    let mut desk = Desk::new(Transport::Udp, false, &[]);
    // One question is out, and has another name.
    desk.world.wait(|world| (world.questions > 0).then_some(())).unwrap();
    for port in 4000..4100 {
        let bytes = crate::stun::answer([7; 12], SocketAddr::from(([198, 51, 100, 7], port)));
        desk.world.input(desk.phone, Input::Datagram { flow: desk.flow, bytes });
    }
    desk.stays(1000 * S);
    assert_eq!(desk.world.questions, 3, "nobody was taken for one who speaks STUN");
}
