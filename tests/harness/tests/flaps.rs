//! Networks and PBXs that come and go under the agent at its desk: how soon the PBX reaches it again, measured from outside by
//! a request that kamailio passes on, and how soon the two ends of a running call hear each other again. RFC 5626 section 4.5
//! leaves the times to us: 5 s. The figures are printed; namespaces are what it takes (see `harness::network`).

#[expect(dead_code, reason = "the tests of names use the rest of it")]
#[path = "../../../agent/net/tests/common/dns.rs"]
mod dns;

use agent_media::measure;
use dns::{NameServer, Record};
use harness::{
    agent::{Account, Agent},
    baresip::{Baresip, Setup},
    desk::{Desk, NAMES, PBX, SECOND},
    kamailio::{Kamailio, Options, REALM},
    network, recording,
    sipp::Transport,
    talk::{CALLED_HZ, CALLER_HZ},
    wait::{self, SOON},
};
use std::{
    cell::Cell,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What the product promises.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a test waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// So much of the other one is heard before a sound counts as back: what was under way does not suffice.
const HALF_A_SECOND: usize = 25;

#[test]
fn the_desk_flaps_and_its_call_goes_on_over_udp() {
    network::alone("the_desk_flaps_and_its_call_goes_on_over_udp", || links(Transport::Udp));
}

#[test]
fn the_desk_flaps_and_its_call_goes_on_over_tcp() {
    network::alone("the_desk_flaps_and_its_call_goes_on_over_tcp", || links(Transport::Tcp));
}

#[test]
fn a_pbx_that_is_killed_and_started_again_is_found_again() {
    network::alone("a_pbx_that_is_killed_and_started_again_is_found_again", restarted);
}

#[test]
fn the_next_machine_serves_while_the_first_is_away() {
    network::alone("the_next_machine_serves_while_the_first_is_away", next_machine);
}

/// A machine of the PBX at this address.
fn machine(folder: &Path, host: &str) -> Kamailio {
    let folder = folder.join(host);
    std::fs::create_dir_all(&folder).expect("the folder is ours");
    Kamailio::start_with(&folder, &Options { host: Some(host), port: Some(5060), ..Options::default() })
}

/// Asks this machine once to pass a request on to the agent; whether the agent answered.
fn reaches(host: &str) -> bool {
    thread_local!(static NUMBER: Cell<u32> = const { Cell::new(0) });
    let number = NUMBER.replace(NUMBER.get() + 1);
    let socket = UdpSocket::bind((host, 0)).expect("an address of ours");
    let own = socket.local_addr().expect("it is bound");
    socket.set_read_timeout(Some(Duration::from_millis(150))).expect("more than nothing");
    let ask = format!(
        "INFO sip:1001@{REALM} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{number};rport\r\nMax-Forwards: 10\r\n\
         From: <sip:test@{REALM}>;tag=t{number}\r\nTo: <sip:1001@{REALM}>\r\nCall-ID: {number}@{own}\r\n\
         CSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n"
    );
    let to: SocketAddr = format!("{host}:5060").parse().expect("an address");
    let mut buffer = [0; 4096];
    if socket.send_to(ask.as_bytes(), to).is_err() {
        return false;
    }
    while let Ok((length, _)) = socket.recv_from(&mut buffer) {
        // Whatever the agent says to it: it said it.
        if String::from_utf8_lossy(&buffer[..length]).contains("Server: Trayphone") {
            return true;
        }
    }
    false
}

/// Waits until this machine of the PBX reaches the agent; tells, and prints, how long that took since `since`.
fn reached(host: &str, agent: &Agent, what: &str, since: Instant) -> Duration {
    let reached = wait::until(PATIENCE, || reaches(host).then_some(()));
    assert!(reached.is_some(), "{what}: never reached again\n{}", agent.proc);
    let took = since.elapsed();
    println!("{what}: the PBX reaches the agent after {took:.2?}");
    took
}

fn agent(folder: &Path, registrar: &str, through: Vec<String>) -> Agent {
    let mut account = Account::at(5060, Transport::Udp, &Kamailio::password("1001"));
    account.aor = format!("sip:1001@{REALM}");
    account.registrar = format!("sip:{registrar}");
    let says = harness::talk::tone(folder, CALLER_HZ);
    let mut start = account.with_files(&says, &folder.join("desk-hears.wav")).start();
    start.through = through;
    let agent = Agent::start(folder, "agent", start);
    agent.wait_until_registered();
    agent
}

/// Where what somebody hears is, once it is.
type Recording<'a> = &'a dyn Fn() -> Option<PathBuf>;

/// A call between the desk and a phone beside the PBX.
struct Call {
    agent: Agent,
    phone: Baresip,
    desk_hears: PathBuf,
}

impl Call {
    fn begin(folder: &Path, agent: Agent) -> Self {
        let setup = Setup {
            user: "1002",
            password: Some(&Kamailio::password("1002")),
            host: PBX,
            registrar: 5060,
            domain: Some(REALM),
            transport: Transport::Udp,
            answers: true,
            says: &harness::talk::tone(folder, CALLED_HZ),
            codecs: "PCMA",
        };
        let mut phone = Baresip::start(folder, &setup);
        phone.wait_until_registered();
        agent.ask(&["dial", "1002"]);
        agent.wait_for_call("established", 0, SOON);
        let call = Self { agent, phone, desk_hears: folder.join("desk-hears.wav") };
        call.sound("a call begins", Instant::now());
        call
    }

    /// Waits until each end hears half a second of the other one anew; tells, and prints, how long that took since `since`.
    fn sound(&self, what: &str, since: Instant) -> Duration {
        let phone_hears = || self.phone.heard().pop();
        let desk_hears = || Some(self.desk_hears.clone());
        let ears: [(&str, f64, Recording<'_>); 2] =
            [("the desk", CALLED_HZ, &desk_hears), ("the phone", CALLER_HZ, &phone_hears)];
        let length = |file: Option<PathBuf>| {
            file.and_then(|file| recording::so_far(&file)).map_or(0, |(samples, _)| samples.len())
        };
        let before: Vec<usize> = ears.iter().map(|(_, _, file)| length(file())).collect();
        let mut slowest = Duration::ZERO;
        for ((who, hz, file), before) in ears.into_iter().zip(before) {
            let heard = wait::until(PATIENCE, || {
                let (samples, rate) = recording::so_far(&file()?)?;
                let news = samples.get(before..)?;
                (measure::tone_between(news, rate, hz).carrying >= HALF_A_SECOND).then_some(())
            });
            let took = since.elapsed();
            assert!(heard.is_some(), "{what}: {who} hears nothing\n{}{}", self.agent.proc, self.phone.proc);
            println!("{what}: half a second of the other one at {who} after {took:.2?}");
            slowest = slowest.max(took);
        }
        slowest
    }
}

/// Interfaces, addresses and routes of the desk.
fn links(transport: Transport) {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let desk = Desk::with_two_ways(folder);
    let _pbx = machine(folder, PBX);
    let begin = Instant::now();
    let registrar = format!("{PBX};transport={}", transport.parameter());
    let agent = agent(folder, &registrar, desk.at_desk());
    reached(PBX, &agent, "start", begin);
    let call = Call::begin(folder, agent);
    let mut slowest = Duration::ZERO;
    let mut flap = |what: &str, commands: &[&str]| {
        let since = Instant::now();
        commands.iter().for_each(|words| desk.ip(words));
        let what = format!("{transport:?}: {what}");
        let sound = call.sound(&what, since);
        slowest = slowest.max(sound).max(reached(PBX, &call.agent, &what, since));
    };
    let way_a = "route replace 10.99.0.0/24 via 10.99.1.1";
    desk.ip("link set way-a down");
    let seen = call.agent.events().len();
    let noticed = wait::until(PATIENCE, || (!reaches(PBX)).then_some(()));
    assert!(noticed.is_some(), "the interface is down");
    call.agent.wait_for_state("failed", PATIENCE);
    assert!(call.agent.events().len() > seen, "it says so");
    flap("interface down and up", &["link set way-a up", way_a]);
    flap("another address", &["addr del 10.99.1.2/24 dev way-a", "addr add 10.99.1.3/24 dev way-a", way_a]);
    flap("a route over another interface", &["route replace 10.99.0.0/24 via 10.99.2.1"]);
    flap("and back", &["addr del 10.99.1.3/24 dev way-a", "addr add 10.99.1.2/24 dev way-a", way_a]);
    println!("{transport:?}: the slowest: {slowest:.2?}");
    assert!(slowest < LIMIT, "{slowest:?}");
    assert_eq!(call.agent.ask(&["status"])[0]["calls"].as_array().map(Vec::len), Some(1), "the same call");
}

/// The PBX's only machine is killed in a call and started again.
fn restarted() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let desk = Desk::with_two_ways(folder);
    let mut pbx = machine(folder, PBX);
    let agent = agent(folder, &format!("{PBX};transport=tcp"), desk.at_desk());
    let call = Call::begin(folder, agent);
    pbx.proc.kill();
    call.sound("the PBX is gone", Instant::now());
    call.agent.wait_for_state("failed", PATIENCE);
    let _pbx = machine(folder, PBX);
    let took = reached(PBX, &call.agent, "the PBX was killed and started again", Instant::now());
    assert!(took < LIMIT, "{took:?}");
    call.sound("the PBX is back", Instant::now());
}

/// Two machines by SRV: the better one is left when it fails, and returned to when it has been back for a while.
fn next_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let desk = Desk::with_two_ways(folder);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let names = runtime.block_on(NameServer::start(&format!("{NAMES}:53"), 60));
    let servers = [Record::Srv(1, 0, 5060, "one.pbx.test"), Record::Srv(2, 0, 5060, "two.pbx.test")];
    names.set("_sip._tcp.pbx.test", &servers);
    names.set("one.pbx.test", &[Record::Address(PBX.parse().expect("an address"))]);
    names.set("two.pbx.test", &[Record::Address(SECOND.parse().expect("an address"))]);
    let (mut first, _second) = (machine(folder, PBX), machine(folder, SECOND));
    let agent = agent(folder, "pbx.test;transport=tcp", desk.at_desk_with_names(folder));
    reached(PBX, &agent, "two machines by SRV: at the first", Instant::now());
    first.proc.kill();
    let killed = Instant::now();
    let took = reached(SECOND, &agent, "the first was killed: at the second", killed);
    assert!(took < LIMIT, "{took:?}");
    let _first = machine(folder, PBX);
    reached(PBX, &agent, "the first is back: returned to it", Instant::now());
    let away = killed.elapsed();
    println!("it was away from the first for {away:.2?}");
    assert!(away > Duration::from_secs(25), "a machine that just failed is trusted at once\n{}", agent.proc);
}
