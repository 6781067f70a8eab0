//! Whose word is the registrar's: a datagram bears whatever address its sender writes, a connection shows that the address
//! is theirs, and over TLS the registrar has proven its name.

use crate::{
    script::{ACCOUNT, answer, event, expect, expect_status, inside, invite, settings},
    world::{Letter, Who, World, call_of, sdp},
};
use agent_core::{
    id::CallId,
    party::Party,
    port::sip::{SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::{
    config::Config,
    flow::{Flow, Transport},
    message::{Method, Response},
};
use std::time::Duration;

const PBX: &str = "192.0.2.10";

/// A phone whose account is registered over one transport, and the road it is registered over, as the PBX sees it.
struct Desk {
    world: World,
    phone: Who,
    pbx: Who,
    road: Flow,
}

impl Desk {
    fn new(transport: Transport) -> Self {
        let mut world = World::new(1);
        let pbx = world.script(PBX);
        let config =
            Config { expires: Duration::from_secs(3600), keep_alive: Duration::ZERO, ..Config::default() };
        let phone = world.phone("192.0.2.1", config);
        let registrar = format!("sip:{PBX};transport={}", transport.uri_name());
        let settings = AccountSettings { registrar: Some(registrar), ..settings(None) };
        let password = Secret::new("secret".to_owned());
        world.command(phone, SipCommand::Register { account: ACCOUNT, settings, password });
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let contact = request.headers.get("Contact").expect("a Contact").to_string();
        answer(&mut world, &letter, 200, &[("Contact", &contact)], "");
        world.settle();
        world.events(phone).clear();
        Self { world, phone, pbx, road: letter.flow }
    }

    /// Another road from the PBX's address.
    fn other(&self, transport: Transport) -> Flow {
        let local = format!("{PBX}:41000").parse().expect("an address");
        Flow { transport, local, peer: self.world.address(self.phone) }
    }

    fn post(&mut self, flow: Flow, words: &str) {
        let via = format!("SIP/2.0/{} ", flow.transport.via_name());
        let words = words.replace("SIP/2.0/UDP ", &via).replace("{ip}", PBX).replace('\n', "\r\n");
        self.world.post(flow, words.into_bytes().into());
    }

    /// Whether a call for our number rings that comes over this road.
    fn rings(&mut self, flow: Flow, call_id: &str) -> bool {
        let words =
            invite(call_id, 1, "", "offer").replace("Call-ID: call-in", &format!("Call-ID: {call_id}"));
        self.post(flow, &words);
        self.world.settle();
        self.world.events(self.phone).drain(..).any(|event| matches!(event, SipEvent::Incoming { .. }))
    }
}

#[test]
fn a_call_rings_where_its_sender_is_known_as_well_as_over_the_accounts_own_road() {
    use Transport::{Tcp, Tls, Udp, Ws, Wss};
    for (own, over, rings) in [
        (Udp, Udp, true),
        // A long request leaves UDP (RFC 3261 section 18.1.1).
        (Udp, Tcp, true),
        (Tcp, Udp, false),
        (Tcp, Tcp, true),
        (Ws, Udp, false),
        (Tls, Udp, false),
        (Tls, Tcp, false),
        (Tls, Tls, false),
        (Wss, Udp, false),
        (Wss, Tcp, false),
    ] {
        let mut desk = Desk::new(own);
        let other = desk.other(over);
        assert_eq!(desk.rings(other, "other"), rings, "registered over {own}, called over {over}");
        let road = desk.road;
        assert!(desk.rings(road, "own"), "{own}");
    }
}

fn party(desk: &mut Desk) -> Option<Party> {
    desk.world.settle();
    desk.world.events(desk.phone).drain(..).find_map(|event| match event {
        SipEvent::Party { party, .. } => Some(party),
        _ => None,
    })
}

/// A call that stands, over the account's own road.
fn talking(transport: Transport) -> (Desk, CallId, Response) {
    let mut desk = Desk::new(transport);
    let road = desk.road;
    desk.post(road, &invite("in", 1, "", "offer"));
    expect_status(&mut desk.world, desk.pbx, 100);
    let call = call_of(&event(&mut desk.world, desk.phone, "Incoming"));
    desk.world.command(desk.phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok): (Letter, Response) = expect_status(&mut desk.world, desk.pbx, 200);
    if transport.secure() {
        let forged = desk.other(Transport::Udp);
        desk.post(forged, &inside(&ok, ("ACK", 1), "forged", "", ""));
        desk.world.settle();
        assert!(desk.world.events(desk.phone).is_empty(), "an ACK in the open confirms nothing");
    }
    desk.post(road, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut desk.world, desk.phone, "Confirmed");
    (desk, call, ok)
}

#[test]
fn who_is_there_is_not_changed_by_a_datagram_where_the_call_runs_over_a_connection() {
    for transport in [Transport::Tcp, Transport::Tls] {
        let (mut desk, _, ok) = talking(transport);
        let pai = "P-Asserted-Identity: \"Police\" <sip:110@pbx.example>\n";
        let forged = desk.other(Transport::Udp);
        desk.post(forged, &inside(&ok, ("UPDATE", 2), "u2", pai, ""));
        assert_eq!(party(&mut desk), None, "{transport}");
        let road = desk.road;
        desk.post(road, &inside(&ok, ("UPDATE", 3), "u3", pai, ""));
        assert_eq!(party(&mut desk).map(|party| party.number), Some("110".to_owned()), "{transport}");
    }
}

#[test]
fn a_call_over_tls_is_not_ended_held_or_sent_on_in_the_open() {
    let (mut desk, call, ok) = talking(Transport::Tls);
    for (number, method) in ["BYE", "INVITE", "UPDATE", "INFO", "REFER", "NOTIFY"].into_iter().enumerate() {
        let number = 2 + u32::try_from(number).expect("few");
        for transport in [Transport::Udp, Transport::Tcp] {
            let forged = desk.other(transport);
            let branch = format!("{method}{transport}");
            let more = "Refer-To: <sip:601@pbx.example>\nEvent: talk\n";
            desk.post(forged, &inside(&ok, (method, number), &branch, more, "offer"));
            expect_status(&mut desk.world, desk.pbx, 403);
            desk.world.settle();
            let events: Vec<_> = desk.world.events(desk.phone).drain(..).collect();
            assert!(events.is_empty(), "{method} over {transport}: {events:?}");
        }
    }
    // The number of a forged one does not count: the next of theirs is in order.
    let road = desk.road;
    desk.post(road, &inside(&ok, ("BYE", 2), "bye", "", ""));
    expect_status(&mut desk.world, desk.pbx, 200);
    event(&mut desk.world, desk.phone, &format!("Ended {{ call: {call:?}, end: RemoteHangup }}"));
}
