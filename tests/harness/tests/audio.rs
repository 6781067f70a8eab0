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
/// What baresip says, Hz: none of the tones a phone makes by itself, nor next to one.
const PEER_HZ: f64 = 1500.0;
/// How loud both are, dBov.
const LEVEL: f64 = -20.0;
/// How much talk is measured, seconds.
const TALK: usize = 10;

/// One test a call: the PBX, who calls, and what carries SIP to either end.
macro_rules! calls {
    ($($(#[$when:meta])? $name:ident: $pbx:ident, $caller:ident calls, agent $agent:ident, baresip $peer:ident;)*) => {
        $(
            #[test]
            $(#[$when])?
            fn $name() {
                let call = Call {
                    caller: Caller::$caller,
                    agent: Transport::$agent,
                    baresip: Transport::$peer,
                };
                Pbx::$pbx.carry(&call);
            }
        )*
    };
}

/// The rest of the matrix.
macro_rules! long_calls {
    ($($name:ident: $pbx:ident, $caller:ident calls, agent $agent:ident, baresip $peer:ident;)*) => {
        calls! {
            $(
                #[ignore = "takes a quarter of a minute: `cargo xtask test --full` runs it"]
                $name: $pbx, $caller calls, agent $agent, baresip $peer;
            )*
        }
    };
}

// Every run has each PBX, each direction, and each transport at either end of each PBX.
calls! {
    exchange_baresip_tcp_calls_agent_udp: Exchange, Baresip calls, agent Udp, baresip Tcp;
    exchange_agent_tcp_calls_baresip_udp: Exchange, Agent calls, agent Tcp, baresip Udp;
    kamailio_baresip_udp_calls_agent_tcp: Kamailio, Baresip calls, agent Tcp, baresip Udp;
    kamailio_agent_udp_calls_baresip_tcp: Kamailio, Agent calls, agent Udp, baresip Tcp;
}

long_calls! {
    exchange_baresip_udp_calls_agent_udp: Exchange, Baresip calls, agent Udp, baresip Udp;
    exchange_baresip_udp_calls_agent_tcp: Exchange, Baresip calls, agent Tcp, baresip Udp;
    exchange_baresip_tcp_calls_agent_tcp: Exchange, Baresip calls, agent Tcp, baresip Tcp;
    exchange_agent_udp_calls_baresip_udp: Exchange, Agent calls, agent Udp, baresip Udp;
    exchange_agent_udp_calls_baresip_tcp: Exchange, Agent calls, agent Udp, baresip Tcp;
    exchange_agent_tcp_calls_baresip_tcp: Exchange, Agent calls, agent Tcp, baresip Tcp;
    kamailio_baresip_udp_calls_agent_udp: Kamailio, Baresip calls, agent Udp, baresip Udp;
    kamailio_baresip_tcp_calls_agent_udp: Kamailio, Baresip calls, agent Udp, baresip Tcp;
    kamailio_baresip_tcp_calls_agent_tcp: Kamailio, Baresip calls, agent Tcp, baresip Tcp;
    kamailio_agent_udp_calls_baresip_udp: Kamailio, Agent calls, agent Udp, baresip Udp;
    kamailio_agent_tcp_calls_baresip_udp: Kamailio, Agent calls, agent Tcp, baresip Udp;
    kamailio_agent_tcp_calls_baresip_tcp: Kamailio, Agent calls, agent Tcp, baresip Tcp;
}

/// Who begins the call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Caller {
    Agent,
    Baresip,
}

/// One row of the matrix.
struct Call {
    caller: Caller,
    agent: Transport,
    baresip: Transport,
}

/// What stands between the two.
enum Pbx {
    Exchange,
    Kamailio,
}

impl Pbx {
    fn carry(&self, call: &Call) {
        match self {
            Self::Exchange => with_exchange(call),
            Self::Kamailio => with_kamailio(call),
        }
    }
}

fn with_exchange(call: &Call) {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let port = exchange.address().port();
    let account = Account::at(port, call.agent, "one");
    let domain = format!("127.0.0.1:{port}");
    talk(folder.path(), (port, &domain), (account, "two"), call);
}

fn exchange() -> Exchange {
    let users = vec![User::new("1001", "one"), User::new("1002", "two").md5_only()];
    Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("the exchange starts")
}

fn with_kamailio(call: &Call) {
    let folder = tempfile::tempdir().expect("a folder");
    let kamailio = Kamailio::start(folder.path());
    let mut account = Account::at(kamailio.port, call.agent, &Kamailio::password("1001"));
    account.aor = format!("sip:1001@{REALM}");
    talk(folder.path(), (kamailio.port, REALM), (account, &Kamailio::password("1002")), call);
}

/// One call at a time: each is measured, and two at once on a small machine would disturb one another.
static LINE: Mutex<()> = Mutex::new(());

fn talk(folder: &Path, at: (u16, &str), passwords: (Account, &str), call: &Call) {
    let _line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    let (agent, mut peer, agent_hears) = connect(folder, at, passwords, call);
    let seen = agent.events().len();
    both_hear(&agent, &mut peer, &agent_hears);
    agent.ask(&["hangup"]);
    agent.wait_for_call("terminated", seen, SOON);
    peer.wait_for_event("CALL_CLOSED", 0, SOON);
}

/// The two of them in a call, and where the agent's ear is recorded.
fn connect(
    folder: &Path,
    (port, domain): (u16, &str),
    (account, peer_password): (Account, &str),
    call: &Call,
) -> (Agent, Baresip, PathBuf) {
    let (agent_says, agent_hears) = (tone(folder, AGENT_HZ), folder.join("agent-hears.wav"));
    let peer_says = tone(folder, PEER_HZ);
    let agent = Agent::start(folder, "agent", account.with_files(&agent_says, &agent_hears).start());
    agent.wait_until_registered();
    let setup = Setup {
        user: "1002",
        password: Some(peer_password),
        host: "127.0.0.1",
        registrar: port,
        domain: Some(domain),
        transport: call.baresip,
        answers: call.caller == Caller::Agent,
        says: &peer_says,
        codecs: "PCMA,PCMU",
    };
    let mut peer = Baresip::start(folder, &setup);
    peer.wait_until_registered();
    match call.caller {
        Caller::Agent => {
            agent.ask(&["dial", "1002"]);
        }
        Caller::Baresip => {
            peer.command("dial", &format!("sip:1001@{domain}"));
            agent.wait_for_call("incoming", 0, SOON);
            agent.ask(&["answer"]);
        }
    }
    agent.wait_for_call("established", 0, SOON);
    (agent, peer, agent_hears)
}

/// Waits for ten seconds of talk in both recordings, then judges them.
fn both_hear(agent: &Agent, peer: &mut Baresip, agent_hears: &Path) {
    let enough = wait::until(SOON * 2, || {
        let peer_hears = peer.heard().pop()?;
        let long = |file: &Path, hz| heard(file, hz).is_some_and(|report| report.carrying >= TALK * 50);
        (long(agent_hears, PEER_HZ) && long(&peer_hears, AGENT_HZ)).then_some(peer_hears)
    });
    let Some(peer_hears) = enough else {
        let at_peer: Vec<_> = peer.heard().iter().map(|file| heard(file, AGENT_HZ)).collect();
        let at_agent = heard(agent_hears, PEER_HZ);
        panic!(
            "they do not hear each other\nbaresip: {at_peer:?}\nagent: {at_agent:?}\n{}\n{}",
            peer.proc, agent.proc
        );
    };
    judge("the agent hears baresip", agent_hears, PEER_HZ, AGENT_HZ);
    judge("baresip hears the agent", &peer_hears, AGENT_HZ, PEER_HZ);
}

/// Each hears the other as it spoke, and nothing of its own.
fn judge(what: &str, file: &Path, hz: f64, other_hz: f64) {
    let heard = recording::so_far(file).expect(what);
    match recording::judge(&heard, (hz, LEVEL), other_hz) {
        Ok(said) => println!("{what}: {said}"),
        Err(instead) => panic!("{what}: {instead}"),
    }
}

fn heard(file: &Path, hz: f64) -> Option<ToneReport> {
    let (samples, rate) = recording::so_far(file)?;
    Some(measure::tone_between(&samples, rate, hz))
}

fn tone(folder: &Path, hz: f64) -> PathBuf {
    let path = folder.join(format!("{hz}.wav"));
    measure::write_wav(&path, 8000, &measure::sine(8000, hz, LEVEL, 60.0)).expect("a file");
    path
}

/// Keys by RFC 4733, and a hold by each side, with a phone that is not ours.
#[test]
fn baresip_and_the_agent_put_each_other_on_hold_and_send_each_other_keys() {
    let _line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let port = exchange.address().port();
    let domain = format!("127.0.0.1:{port}");
    let call = Call { caller: Caller::Agent, agent: Transport::Udp, baresip: Transport::Udp };
    let passwords = (Account::at(port, call.agent, "one"), "two");
    let (agent, mut peer, agent_hears) = connect(folder.path(), (port, &domain), passwords, &call);
    let mut line = HoldLine { agent: &agent, peer: &mut peer, agent_hears: &agent_hears };
    line.is_heard("at first");
    line.changes(|_, agent| drop(agent.ask(&["hold"])), ("held", true), ["a=sendonly", "a=recvonly"]);
    line.changes(|_, agent| drop(agent.ask(&["resume"])), ("held", false), ["a=sendrecv", "a=sendrecv"]);
    line.is_heard("after our hold");
    line.changes(|peer, _| peer.command("hold", ""), ("held_by_them", true), ["a=sendonly", "a=recvonly"]);
    line.changes(|peer, _| peer.command("resume", ""), ("held_by_them", false), ["a=sendrecv", "a=sendrecv"]);
    line.is_heard("after theirs");
    agent.ask(&["dtmf", "42#"]);
    for (nth, key) in ["4", "2", "#"].into_iter().enumerate() {
        let event = peer.wait_for_event("CALL_DTMF_START", nth, SOON);
        assert_eq!(event["param"], key, "{event}");
    }
    let mut seen = agent.events().len();
    for key in ["7", "*", "D"] {
        peer.command("sndcode", key);
        let (event, at) = agent.wait_for("a key", seen, SOON, |event| event["type"] == "digit");
        assert_eq!(event["digit"], key, "{event}");
        seen = at;
    }
    assert_eq!(peer.count("CALL_DTMF_START"), 3, "one event a key: {:?}", peer.events);
    let digits = agent.events().iter().filter(|event| event["type"] == "digit").count();
    assert_eq!(digits, 3, "one event a key");
}

/// A call in which somebody is put on hold. (baresip's recorder does not go on when the sound has changed its direction,
/// so that of what it hears afterwards there is no recording.)
struct HoldLine<'a> {
    agent: &'a Agent,
    peer: &'a mut Baresip,
    agent_hears: &'a Path,
}

impl HoldLine<'_> {
    /// Somebody does something, `status` tells it, and the sound's directions in offer and answer are these.
    fn changes(
        &mut self,
        change: impl FnOnce(&mut Baresip, &Agent),
        (what, on): (&str, bool),
        directions: [&str; 2],
    ) {
        let before = self.directions().len();
        change(self.peer, self.agent);
        let told = wait::until(SOON, || {
            let there = self.agent.ask(&["status"]).remove(0)["calls"][0][what] == on;
            (there && self.directions().split_off(before) == directions).then_some(())
        });
        let said = self.directions().split_off(before);
        assert!(told.is_some(), "{what} {on}: {said:?}\n{}\n{}", self.peer.proc, self.agent.proc);
    }

    /// Waits for another half second of baresip's voice in the agent's ear.
    fn is_heard(&self, when: &str) {
        let carrying = || heard(self.agent_hears, PEER_HZ).map_or(0, |report| report.carrying);
        let before = carrying();
        let heard = wait::until(SOON, || (carrying() >= before + 25).then_some(()));
        assert!(heard.is_some(), "{when}: nothing is heard\n{}\n{}", self.peer.proc, self.agent.proc);
    }

    /// Every direction in an offer or answer so far, as baresip's log of SIP has them.
    fn directions(&self) -> Vec<String> {
        let log = self.peer.proc.log();
        let known = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
        log.lines().map(str::trim).filter(|line| known.contains(line)).map(str::to_owned).collect()
    }
}
