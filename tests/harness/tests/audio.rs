//! Calls with baresip in both directions, through the pocket exchange and through kamailio: both sides hear each other, and only each other.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use agent_exchange::{Exchange, ExchangeConfig, User};
use agent_media::measure::{self, ToneReport};
use harness::{
    agent::{Account, Agent},
    baresip::{Baresip, Setup},
    kamailio::{Kamailio, REALM},
    recording,
    sipp::Transport,
    wait::{self, SOON},
};

/// What the agent says, Hz.
const AGENT_HZ: f64 = 1000.0;
/// What baresip says, Hz.
const PEER_HZ: f64 = 440.0;
/// How loud both are, dBov.
const LEVEL: f64 = -20.0;
/// How much talk is measured, seconds.
const TALK: usize = 10;
/// The talk begins after this, milliseconds: a baresip that was called sends a first packet and then opens its file.
const START_MS: usize = 300;

#[test]
fn baresip_calls_through_the_pocket_exchange() {
    with_exchange(Transport::Udp, Caller::Peer);
}

#[test]
fn baresip_is_called_through_the_pocket_exchange() {
    with_exchange(Transport::Tcp, Caller::Agent);
}

#[test]
fn baresip_calls_through_kamailio() {
    with_kamailio(Transport::Tcp, Caller::Peer);
}

#[test]
fn baresip_is_called_through_kamailio() {
    with_kamailio(Transport::Udp, Caller::Agent);
}

/// Who begins the call.
#[derive(Clone, Copy, PartialEq)]
enum Caller {
    Agent,
    Peer,
}

fn with_exchange(transport: Transport, caller: Caller) {
    let folder = tempfile::tempdir().expect("a folder");
    let users = vec![User::new("1001", "one"), User::new("1002", "two").md5_only()];
    let exchange =
        Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("the exchange starts");
    let port = exchange.address().port();
    let account = Account::at(port, transport, "one");
    let domain = format!("127.0.0.1:{port}");
    talk(folder.path(), port, &domain, (account, "two"), caller);
}

fn with_kamailio(transport: Transport, caller: Caller) {
    let folder = tempfile::tempdir().expect("a folder");
    let kamailio = Kamailio::start(folder.path());
    let mut account = Account::at(kamailio.port, transport, &Kamailio::password("1001"));
    account.aor = format!("sip:1001@{REALM}");
    talk(folder.path(), kamailio.port, REALM, (account, &Kamailio::password("1002")), caller);
}

/// One call at a time: each is measured, and two at once on a small machine would disturb one another.
static LINE: Mutex<()> = Mutex::new(());

fn talk(folder: &Path, port: u16, domain: &str, (account, peer_password): (Account, &str), caller: Caller) {
    let _line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    let (agent_says, agent_hears) = (tone(folder, AGENT_HZ), folder.join("agent-hears.wav"));
    let peer_says = tone(folder, PEER_HZ);
    let agent = Agent::start(folder, "agent", account.with_files(&agent_says, &agent_hears).start());
    agent.wait_until_registered();
    let setup = Setup {
        user: "1002",
        password: Some(peer_password),
        registrar: port,
        domain: Some(domain),
        transport: Transport::Udp,
        answers: caller == Caller::Agent,
        says: &peer_says,
        codecs: "PCMA,PCMU",
    };
    let mut peer = Baresip::start(folder, &setup);
    peer.wait_until_registered();
    match caller {
        Caller::Agent => {
            agent.ask(&["dial", "1002"]);
        }
        Caller::Peer => {
            peer.command("dial", &format!("sip:1001@{domain}"));
            agent.wait_for_call("incoming", 0, SOON);
            agent.ask(&["answer"]);
        }
    }
    let (_, seen) = agent.wait_for_call("established", 0, SOON);
    both_hear(&agent, &mut peer, &agent_hears);
    agent.ask(&["hangup"]);
    agent.wait_for_call("terminated", seen, SOON);
    peer.wait_for_event("CALL_CLOSED", 0, SOON);
}

/// Waits for ten seconds of talk in both recordings, then judges them.
fn both_hear(agent: &Agent, peer: &mut Baresip, agent_hears: &Path) {
    let enough = wait::until(SOON * 2, || {
        let peer_hears = peer.heard().pop()?;
        let long = |file: &Path, hz| {
            heard(file, hz).is_some_and(|(report, _)| report.carrying >= TALK * 50 + START_MS / 20)
        };
        (long(agent_hears, PEER_HZ) && long(&peer_hears, AGENT_HZ)).then_some(peer_hears)
    });
    let Some(peer_hears) = enough else {
        let at_peer: Vec<_> =
            peer.heard().iter().map(|file| heard(file, AGENT_HZ).map(|(report, _)| report)).collect();
        let at_agent = heard(agent_hears, PEER_HZ).map(|(report, _)| report);
        panic!(
            "they do not hear each other\nbaresip: {at_peer:?}\nagent: {at_agent:?}\n{}\n{}",
            peer.proc, agent.proc
        );
    };
    judge("the agent hears baresip", agent_hears, PEER_HZ, AGENT_HZ);
    judge("baresip hears the agent", &peer_hears, AGENT_HZ, PEER_HZ);
}

/// At least 98 % of the frames carry the tone, within 1 dB of what was sent, no gap over 40 ms, and nothing of our own.
fn judge(what: &str, file: &Path, hz: f64, other_hz: f64) {
    let (report, other) = heard(file, hz)
        .map(|(report, samples)| (settled(&report, &samples, hz), share(&samples, other_hz)))
        .expect(what);
    assert!(report.share() >= 0.98, "{what}: {:.3} of the frames\n{report:?}", report.share());
    assert!((report.level_dbov - LEVEL).abs() <= 1.0, "{what}: {} dBov\n{report:?}", report.level_dbov);
    assert!(report.longest_gap_ms <= 40, "{what}: a gap\n{report:?}");
    assert!(other < 0.01, "{what}: the other direction's tone in {other:.3} of the frames");
}

/// What is judged of a recording: all of it but the beginning of the sound.
fn settled(report: &ToneReport, (samples, rate): &(Vec<i16>, u32), hz: f64) -> ToneReport {
    let begin = report.first_ms.unwrap_or(0) as usize + START_MS;
    let skipped = (begin * *rate as usize / 1000).min(samples.len());
    measure::tone_between(&samples[skipped..], *rate, hz)
}

fn heard(file: &Path, hz: f64) -> Option<(ToneReport, (Vec<i16>, u32))> {
    let (samples, rate) = recording::so_far(file)?;
    Some((measure::tone_between(&samples, rate, hz), (samples, rate)))
}

fn share((samples, rate): &(Vec<i16>, u32), hz: f64) -> f64 {
    measure::tone(samples, *rate, hz).share()
}

fn tone(folder: &Path, hz: f64) -> PathBuf {
    let path = folder.join(format!("{hz}.wav"));
    measure::write_wav(&path, 8000, &measure::sine(8000, hz, LEVEL, 60.0)).expect("a file");
    path
}
