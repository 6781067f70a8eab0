//! Floods of strangers: a call of the PBX is served as if there were none, and nothing of them stays.

use crate::{
    script::{answer, expect, expect_status, invite, register, registered, say},
    world::World,
};
use agent_core::{
    id::CallId,
    port::sip::{SipCommand, SipEvent},
};
use agent_sip::{
    config::{Callers, Config},
    endpoint::Input,
    flow::{Flow, Transport},
    message::Method,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// Ten seconds of 2,000 INVITE a second from strangers, and a call of the PBX in each of them.
fn flooded(callers: Callers, sources: u32) {
    let mut world = World::new(9);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", Config { callers, ..Config::default() });
    register(&mut world, phone, None);
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    answer(&mut world, &letter, 200, &[], "");
    world.settle();
    world.events(phone).clear();
    let mut ringing = Vec::new();
    let template = invite("FLOOD", 1, "", "offer").replace("call-in", "flood-FLOOD").replace('\n', "\r\n");
    for turn in 0..20_000_u32 {
        let source = Ipv4Addr::from(0x0a00_0001 + turn % sources);
        let words = template.replace("FLOOD", &turn.to_string()).replace("{ip}", &source.to_string());
        let flow = Flow {
            transport: Transport::Udp,
            local: world.address(phone),
            peer: SocketAddr::new(source.into(), 5060),
        };
        world.input(phone, Input::Datagram { flow, bytes: words.into() });
        world.pass(Duration::from_micros(500));
        if turn % 2000 == 1999 {
            world.inbox(pbx).clear();
            let before = world.clock();
            ringing.extend(world.events(phone).drain(..).filter_map(incoming));
            let words = invite(&format!("pbx{turn}"), 1, "", "offer").replace("call-in", &format!("c{turn}"));
            say(&mut world, pbx, phone, &words);
            world.settle();
            let call =
                world.events(phone).drain(..).filter_map(incoming).next_back().expect("the call of the PBX");
            world.command(phone, SipCommand::Ring { call });
            expect_status(&mut world, pbx, 100);
            expect_status(&mut world, pbx, 180);
            assert!(world.clock() - before < Duration::from_millis(100), "{:?}", world.clock() - before);
            world.command(phone, SipCommand::Hangup { call });
            expect_status(&mut world, pbx, 486);
            // Calls of strangers that are refused anyway are not kept at all.
            let most = if callers == Callers::Registrar { 100 } else { 10_000 };
            assert!(world.load(phone).servers < most, "{:?}", world.load(phone));
        }
    }
    // What it kept of the flood, where anyone may call, rings; declined, all of it is gone after the timers.
    world.pass(Duration::from_secs(1));
    let rings = ringing.into_iter().map(|call| SipCommand::Hangup { call });
    rings.for_each(|command| world.command(phone, command));
    world.pass(Duration::from_secs(80));
    let load = world.load(phone);
    assert_eq!((load.calls, load.servers), (0, 0), "{load:?}");
}

fn incoming(event: SipEvent) -> Option<CallId> {
    match event {
        SipEvent::Incoming { call, .. } => Some(call),
        _ => None,
    }
}

#[test]
fn a_flood_of_one_stranger_takes_no_place_of_the_pbx() {
    flooded(Callers::Registrar, 1);
}

#[test]
fn a_flood_of_many_strangers_takes_no_place_of_the_pbx() {
    flooded(Callers::Registrar, 50_000);
}

#[test]
fn a_flood_takes_no_place_of_the_pbx_where_anyone_may_call() {
    flooded(Callers::Anyone, 7);
}

/// RFC 3261 section 8.2.7: what is not kept is answered alike when it comes again, and its ACK is swallowed.
#[test]
fn what_is_answered_without_being_kept_is_answered_alike() {
    let mut world = World::new(10);
    let (phone, _) = registered(&mut world);
    let stranger = world.script("192.0.2.66");
    for turn in 0..200 {
        let words = invite(&format!("x{turn}"), 1, "", "").replace("call-in", &format!("x{turn}"));
        say(&mut world, stranger, phone, &words.replace("INVITE", "OPTIONS"));
    }
    world.settle();
    world.inbox(stranger).clear();
    let load = world.load(phone);
    let late = invite("late", 1, "", "offer").replace("call-in", "late");
    say(&mut world, stranger, phone, &late);
    let (_, first) = expect_status(&mut world, stranger, 403);
    say(&mut world, stranger, phone, &late);
    let (_, second) = expect_status(&mut world, stranger, 403);
    assert_eq!(first.headers.to().unwrap().tag(), second.headers.to().unwrap().tag());
    assert!(first.headers.to().unwrap().tag().is_some());
    say(&mut world, stranger, phone, &late.replace("INVITE", "ACK"));
    say(&mut world, stranger, phone, &late.replace("INVITE", "OPTIONS"));
    let (_, busy) = expect_status(&mut world, stranger, 503);
    assert!(busy.headers.retry_after().is_some());
    assert_eq!(world.load(phone), load, "nothing of it is kept");
}
