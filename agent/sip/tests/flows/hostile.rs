//! Hostile input: nothing that arrives may stop an endpoint, make it forget its work, or stay in it for ever.

use crate::{
    script::{clean, event, expect_status, inside, invite, registered, say},
    world::{World, call_of, sdp},
};
use agent_core::port::sip::SipCommand;
use agent_sip::{
    flow::{Flow, Transport},
    rng::{Rng, SeededRng},
};
use proptest::prelude::*;
use std::time::Duration;

/// Every kind of message that makes something happen here.
fn seeds() -> Vec<String> {
    let base = invite("x", 1, "", "offer");
    let mut seeds =
        vec![base.clone(), invite("y", 2, "Record-Route: <sip:192.0.2.10;lr>\nReason: SIP;cause=200\n", "")];
    for method in ["ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "SUBSCRIBE", "X"] {
        seeds.push(base.replace("INVITE", method));
    }
    for status in ["100 Trying", "180 Ringing", "200 OK", "401 No", "487 x", "503 x"] {
        seeds.push(base.replacen("INVITE sip:1001@192.0.2.1 SIP/2.0", &format!("SIP/2.0 {status}"), 1));
    }
    seeds
}

/// Changes bytes, cuts, repeats and swaps pieces, as the seed has it.
fn mutate(text: &str, rng: &mut SeededRng) -> Vec<u8> {
    let mut bytes = text.replace("{ip}", "192.0.2.10").replace('\n', "\r\n").into_bytes();
    for _ in 0..=rng.bits() % 6 {
        let at = (rng.bits() as usize) % bytes.len();
        match rng.bits() % 6 {
            0 => bytes[at] = rng.bits() as u8,
            1 => bytes.truncate(at.max(1)),
            2 => bytes.insert(at, b"\r\n;,<>\"@: \t=%"[(rng.bits() % 13) as usize]),
            3 => {
                bytes.remove(at);
                if bytes.is_empty() {
                    bytes.push(b'x');
                }
            }
            4 => {
                let piece = bytes[at..(at + 20).min(bytes.len())].to_vec();
                let to = (rng.bits() as usize) % bytes.len();
                bytes.splice(to..to, piece);
            }
            _ => {
                let other = seeds();
                let other = other[(rng.bits() as usize) % other.len()].replace('\n', "\r\n").into_bytes();
                let from = (rng.bits() as usize) % other.len();
                bytes.truncate(at.max(1));
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

#[test]
fn mutations_of_every_message_leave_an_endpoint_well() {
    let mut world = World::new(1);
    let (phone, pbx) = registered(&mut world);
    // A call stands meanwhile, and is neither ended nor deafened.
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer").replace("call-in", "standing"));
    expect_status(&mut world, pbx, 100);
    let standing = call_of(&event(&mut world, phone, "Incoming"));
    world.command(phone, SipCommand::Accept { call: standing, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(&mut world, phone, "Confirmed");

    let mut rng = SeededRng::new(99);
    let seeds = seeds();
    let from = Flow { transport: Transport::Udp, local: world.address(pbx), peer: world.address(phone) };
    for _ in 0..4000 {
        let bytes = mutate(&seeds[(rng.bits() as usize) % seeds.len()], &mut rng);
        let transport = if rng.bits().is_multiple_of(8) { Transport::Tcp } else { Transport::Udp };
        world.post(Flow { transport, ..from }, bytes.into());
        world.pass(Duration::from_millis(rng.bits() % 40));
        let calls: Vec<_> = world
            .events(phone)
            .drain(..)
            .filter(|event| format!("{event:?}").starts_with("Incoming"))
            .collect();
        for call in calls.iter().map(call_of) {
            match rng.bits() % 3 {
                0 => world.command(phone, SipCommand::Accept { call, answer: sdp("x") }),
                _ => world.command(phone, SipCommand::Hangup { call }),
            }
        }
        world.inbox(pbx).clear();
    }
    world.inbox(pbx).clear();
    world.pass(Duration::from_secs(100));
    world.events(phone).clear();
    world.inbox(pbx).clear();
    say(&mut world, pbx, phone, &inside(&ok, ("OPTIONS", 1000), "alive", "", ""));
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 1001), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, &format!("Ended {{ call: {standing:?}, end: RemoteHangup }}"));
    clean(&mut world, phone);
}

#[test]
fn the_messages_of_rfc_4475_leave_an_endpoint_well() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let mut messages: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "dat"))
        .collect();
    messages.sort();
    assert_eq!(messages.len(), 49);
    for path in messages {
        let bytes = std::fs::read(&path).unwrap();
        for transport in [Transport::Udp, Transport::Tcp] {
            let flow = Flow { transport, local: world.address(pbx), peer: world.address(phone) };
            world.post(flow, bytes.clone().into());
            world.settle();
        }
        let calls: Vec<_> = world.events(phone).drain(..).map(|event| call_of(&event)).collect();
        for call in calls {
            world.command(phone, SipCommand::Hangup { call });
        }
        world.settle();
        world.inbox(pbx).clear();
        let options = invite("alive", 1, "", "").replace("INVITE", "OPTIONS");
        say(&mut world, pbx, phone, &options.replace("alive", &path.file_stem().unwrap().to_string_lossy()));
        expect_status(&mut world, pbx, 200);
        world.pass(Duration::from_secs(40));
        world.inbox(pbx).clear();
        world.events(phone).clear();
    }
    clean(&mut world, phone);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..10)) {
        let mut world = World::new(2);
        let (phone, pbx) = registered(&mut world);
        let from = Flow { transport: Transport::Udp, local: world.address(pbx), peer: world.address(phone) };
        for piece in pieces {
            world.post(from, piece.into());
            world.settle();
        }
        clean(&mut world, phone);
    }
}
