//! The PBX's side of the wire: floods of fat INVITEs, giant session descriptions, garbage where sound should come.

use crate::scene::Scene;
use harness::{
    stranger::Stranger,
    wait::{self, SOON},
};
use std::net::UdpSocket;

/// INVITEs of the flood.
const FLOOD: usize = 500;

/// What the agent may hold more at the height of a flood, KiB: every call of it as it came, twice.
const MEMORY: u64 = 96 * 1024;

/// An INVITE to our account from a stranger.
fn invite(from: &Stranger, name: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    request("INVITE", from, name, fields, body)
}

fn request(method: &str, from: &Stranger, name: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let address = from.address();
    let head = format!(
        "{method} sip:1001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK-{name}\r\n\
         From: <sip:+4940{name}@example.com>;tag=t{name}\r\nTo: <sip:1001@example.com>\r\nCall-ID: {name}\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:stranger@{address}>\r\n{fields}\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn cancel(from: &Stranger, name: &str) -> Vec<u8> {
    request("CANCEL", from, name, "", b"")
}

#[test]
fn a_flood_of_fat_invites_costs_memory_within_bounds_and_no_call() {
    let scene = Scene::new();
    let agent = &scene.agent;
    scene.a_call_is_served();
    let before = agent.memory();
    let mut stranger = Stranger::to(agent.listening_port());
    // 63,000 bytes of fields nobody asked for: as much as a datagram holds.
    let fat: String = (0..63).map(|n| format!("X-Fat-{n}: {}\r\n", "x".repeat(988))).collect();
    for number in 0..FLOOD {
        stranger.say(&invite(&stranger, &format!("1{number:05}"), &fat, b""));
        if number % 50 == 49 {
            // Every answer to the flood so far comes before this one's: it is not deaf meanwhile.
            stranger.ask();
        }
    }
    let most = agent.most_memory();
    println!("{before} KiB before, {most} KiB at the highest");
    assert!(most < before + MEMORY, "{before} KiB before, {most} KiB at the highest");
    for number in 0..FLOOD {
        stranger.say(&cancel(&stranger, &format!("1{number:05}")));
        if number % 50 == 49 {
            stranger.ask();
        }
    }
    let quiet = wait::until(SOON, || {
        let calls = agent.ask(&["status"]).pop()?["calls"].as_array()?.len();
        (calls == 0).then_some(())
    });
    assert!(quiet.is_some(), "calls stay: {:?}", agent.ask(&["status"]));
    scene.a_call_is_served();
    scene.all_are_registered(1);
}

#[test]
fn giant_and_broken_session_descriptions_are_answered() {
    let scene = Scene::new();
    let agent = &scene.agent;
    let mut stranger = Stranger::to(agent.listening_port());
    let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";
    let audio = "m=audio 40000 RTP/AVP 8\r\n";
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("many streams", format!("{head}{}", audio.repeat(2000)).into_bytes()),
        ("many attributes", format!("{head}{audio}{}", "a=rtpmap:8 PCMA/8000\r\n".repeat(2500)).into_bytes()),
        ("many formats", format!("{head}m=audio 40000 RTP/AVP{}\r\n", " 8".repeat(25_000)).into_bytes()),
        ("one long line", format!("{head}{audio}a={}\r\n", "x".repeat(60_000)).into_bytes()),
        ("no end", format!("{head}m=audio 40000 RTP/AVP 8").into_bytes()),
        ("a huge port", format!("{head}m=audio 4294967296 RTP/AVP 8\r\n").into_bytes()),
        ("a port below zero", format!("{head}m=audio -1 RTP/AVP 8\r\n").into_bytes()),
        ("many ports", format!("{head}m=audio 65535/65535 RTP/AVP 8\r\n").into_bytes()),
        ("every packet time", format!("{head}{audio}a=ptime:99999999999\r\na=maxptime:0\r\n").into_bytes()),
        ("a rate of nothing", format!("{head}m=audio 4 RTP/AVP 96\r\na=rtpmap:96 PCMA/0\r\n").into_bytes()),
        ("nothing", Vec::new()),
        ("zeros", vec![0; 60_000]),
        ("bytes", (0..60_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 23) as u8).collect()),
        ("multicast", head.replace("127.0.0.1", "224.0.0.1/255").into_bytes()),
        ("everybody", format!("{}{audio}", head.replace("127.0.0.1", "255.255.255.255")).into_bytes()),
    ];
    for (number, (what, body)) in bodies.iter().enumerate() {
        let name = format!("2{number:05}");
        let seen = agent.events().len();
        let answer = stranger.answer_to(&invite(&stranger, &name, "", body));
        let code = answer.map(|answer| answer.code()).unwrap_or_default();
        println!("{what}: {code}");
        assert!(code == 180 || (400..700).contains(&code), "{what}: {code}");
        if code == 180 {
            let ours = format!("+4940{name}");
            let (event, seen) = agent.wait_for(what, seen, SOON, |event| {
                event["type"] == "call" && event["state"] == "incoming" && event["party"]["number"] == ours
            });
            // Answered, so that media has to make something of the offer; whatever comes of it, the call ends.
            let call = event["call"].clone();
            agent.command(&["answer", &call.to_string()]);
            let end = stranger.hear(SOON).map(|end| end.code()).unwrap_or_default();
            println!("{what}, answered: {end}");
            assert!((200..700).contains(&end), "{what}, answered: {end}");
            agent.wait_for(what, seen, SOON, |event| {
                event["type"] == "call" && event["call"] == call && event["state"] != "incoming"
            });
            agent.command(&["hangup", &call.to_string()]);
        }
        assert!(stranger.ask().len() < 20, "{what}");
    }
    scene.a_call_is_served();
}

#[test]
fn garbage_where_sound_should_come_ends_no_call() {
    let scene = Scene::new();
    let agent = &scene.agent;
    let seen = agent.events().len();
    let call = scene.ring();
    let (event, seen) = agent.wait_for_call("incoming", seen, SOON);
    agent.ask(&["answer", &event["call"].to_string()]);
    let (_, seen) = agent.wait_for_call("established", seen, SOON);
    let (_, seen) = agent.wait_for("sound", seen, SOON, |event| event["type"] == "media");
    let before = agent.memory();
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
    let ports = agent.udp_ports();
    assert!(ports.len() >= 2, "SIP and RTP at least: {ports:?}");
    let mut dice = Dice(4475);
    for turn in 0..20_000usize {
        let packet = dice.packet();
        // A full buffer drops what is garbage anyway.
        let _ = stranger.send_to(&packet, ("127.0.0.1", ports[turn % ports.len()]));
    }
    let count = agent.events().len();
    let facts =
        agent.wait_for("sound after the garbage", count.max(seen), SOON, |event| event["type"] == "media");
    println!("{}", facts.0);
    let status = agent.ask(&["status"]).pop().unwrap_or_default();
    assert_eq!(status["calls"][0]["state"], "established", "{status}");
    call.hang_up();
    agent.wait_for_call("terminated", count, SOON);
    let grown = agent.memory().saturating_sub(before);
    assert!(grown < 32 * 1024, "it grew by {grown} KiB");
    scene.a_call_is_served();
}

/// The same garbage in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Bytes; half of them begin like RTP or RTCP.
    fn packet(&mut self) -> Vec<u8> {
        let length = (self.roll() % 1500) as usize;
        let mut packet: Vec<u8> = (0..length).map(|_| self.roll() as u8).collect();
        if length > 1 && self.roll().is_multiple_of(2) {
            packet[0] = 0x80 | (self.roll() as u8 & 0x3f);
            packet[1] = [8, 0, 13, 101, 200, 201, 202, 203][(self.roll() % 8) as usize];
        }
        packet
    }
}
