//! A desk behind a router with NAT: the PBX outside reaches it, sound goes both ways, and a router that was restarted is got over.

use agent_media::measure;
use harness::{
    agent::{Account, Agent},
    baresip::{Baresip, Setup},
    certificate::Certificate,
    kamailio::{Kamailio, Options, REALM},
    network::{self, OUTSIDE, Office},
    recording,
    sipp::Transport,
    wait::SOON,
};
use std::path::{Path, PathBuf};

/// What the desk says, Hz.
const DESK_HZ: f64 = 1000.0;
/// What the phone outside says, Hz.
const OUTSIDE_HZ: f64 = 1500.0;
/// A second of talk, in frames of 20 ms.
const TALK: usize = 50;

#[test]
fn a_desk_behind_a_nat_calls_and_is_called_over_udp() {
    network::alone("a_desk_behind_a_nat_calls_and_is_called_over_udp", || both_ways(Transport::Udp));
}

#[test]
fn a_desk_behind_a_nat_calls_and_is_called_over_tcp() {
    network::alone("a_desk_behind_a_nat_calls_and_is_called_over_tcp", || both_ways(Transport::Tcp));
}

#[test]
fn a_desk_behind_a_nat_calls_and_is_called_over_tls() {
    network::alone("a_desk_behind_a_nat_calls_and_is_called_over_tls", || both_ways(Transport::Tls));
}

#[test]
fn a_desk_behind_a_router_that_restarts_is_reached_again() {
    network::alone("a_desk_behind_a_router_that_restarts_is_reached_again", || {
        let folder = tempfile::tempdir().expect("a folder");
        let mut scene = Scene::set(folder.path(), Transport::Udp);
        let seen = scene.is_called(0);
        scene.talk(0);
        // The router's other place is told from the one before by those who know that one.
        let answers = |log: &str| log.lines().filter(|line| is_answer(line)).count();
        scene.agent.proc.wait_for("an answer of STUN's", SOON, |log| (answers(log) > 0).then_some(()));
        let registered = |log: &str| log.matches("REGISTER sip").count();
        let before = registered(&scene.agent.proc.log());
        scene.office.restart_router();
        let restarted = std::time::Instant::now();
        scene.agent.proc.wait_for("another REGISTER", SOON, |log| (registered(log) > before).then_some(()));
        println!("the router's new place was told after {:.1} s", restarted.elapsed().as_secs_f64());
        // Who is in the call is told as well, by a re-INVITE, and their BYE comes in.
        let told = |line: &str| line.contains("sent udp") && line.contains("ACK sip");
        scene.agent.proc.wait_for("our ACK", SOON, |log| log.lines().any(told).then_some(()));
        scene.phone.command("hangup", "");
        let (_, seen) = scene.agent.wait_for_call("terminated", seen, SOON);
        let seen = scene.is_called(seen);
        scene.hang_up(seen);
    });
}

fn is_answer(line: &str) -> bool {
    line.contains("received udp") && line.contains("(STUN)")
}

/// An office, a PBX that everybody reaches, an agent in the office and a phone elsewhere.
struct Scene {
    agent: Agent,
    phone: Baresip,
    heard_at_the_desk: PathBuf,
    _kamailio: Kamailio,
    office: Office,
}

fn tone(folder: &Path, hz: f64) -> PathBuf {
    let path = folder.join(format!("{hz}.wav"));
    measure::write_wav(&path, 8000, &measure::sine(8000, hz, -20.0, 120.0)).expect("a file");
    path
}

impl Scene {
    fn set(folder: &Path, transport: Transport) -> Self {
        let office = Office::behind_nat(folder);
        let certificate = Certificate::make(folder, "pbx", &[REALM]);
        let options = Options {
            host: Some(OUTSIDE),
            nat: true,
            certificate: (transport == Transport::Tls).then_some(&certificate),
            ..Options::default()
        };
        let kamailio = Kamailio::start_with(folder, &options);
        let port = kamailio.port_for(transport);
        let mut account = Account::at(port, transport, &Kamailio::password("1001"));
        account.aor = format!("sip:1001@{REALM}");
        account.registrar = format!("sip:{OUTSIDE}:{port};transport={}", transport.parameter());
        let heard_at_the_desk = folder.join("desk-hears.wav");
        let mut start = account.with_files(&tone(folder, DESK_HZ), &heard_at_the_desk).start();
        start.environment.push(("SSL_CERT_FILE".to_owned(), certificate.authority.display().to_string()));
        start.through = office.at_desk();
        let agent = Agent::start(folder, "agent", start);
        agent.wait_until_registered();
        let setup = Setup {
            user: "1002",
            password: Some(&Kamailio::password("1002")),
            host: OUTSIDE,
            registrar: kamailio.port,
            domain: Some(REALM),
            transport: Transport::Udp,
            answers: true,
            says: &tone(folder, OUTSIDE_HZ),
            codecs: "PCMA",
        };
        let mut phone = Baresip::start(folder, &setup);
        phone.wait_until_registered();
        Self { agent, phone, heard_at_the_desk, _kamailio: kamailio, office }
    }

    /// The phone calls the desk; answers how many events there are once it stands.
    fn is_called(&mut self, after: usize) -> usize {
        self.phone.command("dial", &format!("sip:1001@{REALM}"));
        let (_, seen) = self.agent.wait_for_call("incoming", after, SOON);
        self.agent.ask(&["answer"]);
        self.agent.wait_for_call("established", seen, SOON).1
    }

    /// Each hears the other one, in call number `call` of the phone.
    fn talk(&mut self, call: usize) {
        let heard = recording::wait_for_tone(&self.heard_at_the_desk, OUTSIDE_HZ, TALK, SOON);
        assert!(heard.is_some(), "the desk hears nothing\n{}{}", self.agent.proc, self.phone.proc);
        self.phone.wait_for_event("CALL_ESTABLISHED", call, SOON);
        let file = harness::wait::until(SOON, || self.phone.heard().get(call).cloned());
        let file = file.unwrap_or_else(|| panic!("the phone records nothing\n{}", self.phone.proc));
        let heard = recording::wait_for_tone(&file, DESK_HZ, TALK, SOON);
        assert!(heard.is_some(), "the phone hears nothing\n{}{}", self.agent.proc, self.phone.proc);
    }

    fn hang_up(&mut self, after: usize) -> usize {
        self.agent.ask(&["hangup"]);
        self.agent.wait_for_call("terminated", after, SOON).1
    }
}

fn both_ways(transport: Transport) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::set(folder.path(), transport);
    assert_ne!(scene.office.flows(), 0, "nothing passes the router");
    let seen = scene.is_called(0);
    scene.talk(0);
    let seen = scene.hang_up(seen);
    scene.agent.ask(&["dial", "1002"]);
    let (_, seen) = scene.agent.wait_for_call("established", seen, SOON);
    scene.talk(1);
    // The phone's end of it reaches the desk, too.
    scene.phone.command("hangup", "");
    scene.agent.wait_for_call("terminated", seen, SOON);
}
