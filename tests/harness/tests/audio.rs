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

/// One test a call: the PBX, who calls, and what carries SIP to either end. `full`: only with `TRAYPHONE_TESTS=full`.
macro_rules! calls {
    ($($when:ident $name:ident: $pbx:ident, $caller:ident calls, agent $agent:ident, baresip $peer:ident;)*) => {
        $(
            #[test]
            fn $name() {
                if When::$when.is_now() {
                    let call = Call {
                        caller: Caller::$caller,
                        agent: Transport::$agent,
                        baresip: Transport::$peer,
                    };
                    Pbx::$pbx.carry(&call);
                }
            }
        )*
    };
}

// Every run has each PBX, each direction, and each transport at either end of each PBX.
calls! {
    Always exchange_baresip_tcp_calls_agent_udp: Exchange, Baresip calls, agent Udp, baresip Tcp;
    Always exchange_agent_tcp_calls_baresip_udp: Exchange, Agent calls, agent Tcp, baresip Udp;
    Always kamailio_baresip_udp_calls_agent_tcp: Kamailio, Baresip calls, agent Tcp, baresip Udp;
    Always kamailio_agent_udp_calls_baresip_tcp: Kamailio, Agent calls, agent Udp, baresip Tcp;
    Full exchange_baresip_udp_calls_agent_udp: Exchange, Baresip calls, agent Udp, baresip Udp;
    Full exchange_baresip_udp_calls_agent_tcp: Exchange, Baresip calls, agent Tcp, baresip Udp;
    Full exchange_baresip_tcp_calls_agent_tcp: Exchange, Baresip calls, agent Tcp, baresip Tcp;
    Full exchange_agent_udp_calls_baresip_udp: Exchange, Agent calls, agent Udp, baresip Udp;
    Full exchange_agent_udp_calls_baresip_tcp: Exchange, Agent calls, agent Udp, baresip Tcp;
    Full exchange_agent_tcp_calls_baresip_tcp: Exchange, Agent calls, agent Tcp, baresip Tcp;
    Full kamailio_baresip_udp_calls_agent_udp: Kamailio, Baresip calls, agent Udp, baresip Udp;
    Full kamailio_baresip_tcp_calls_agent_udp: Kamailio, Baresip calls, agent Udp, baresip Tcp;
    Full kamailio_baresip_tcp_calls_agent_tcp: Kamailio, Baresip calls, agent Tcp, baresip Tcp;
    Full kamailio_agent_udp_calls_baresip_udp: Kamailio, Agent calls, agent Udp, baresip Udp;
    Full kamailio_agent_tcp_calls_baresip_udp: Kamailio, Agent calls, agent Tcp, baresip Udp;
    Full kamailio_agent_tcp_calls_baresip_tcp: Kamailio, Agent calls, agent Tcp, baresip Tcp;
}

/// When a call is part of the run.
enum When {
    Always,
    Full,
}

impl When {
    fn is_now(&self) -> bool {
        let full = std::env::var_os("TRAYPHONE_TESTS").is_some_and(|tests| tests == "full");
        let now = matches!(self, Self::Always) || full;
        if !now {
            println!("left out: it is run with TRAYPHONE_TESTS=full");
        }
        now
    }
}

/// Who begins the call.
#[derive(Clone, Copy, PartialEq)]
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
    let users = vec![User::new("1001", "one"), User::new("1002", "two").md5_only()];
    let exchange =
        Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("the exchange starts");
    let port = exchange.address().port();
    let account = Account::at(port, call.agent, "one");
    let domain = format!("127.0.0.1:{port}");
    talk(folder.path(), (port, &domain), (account, "two"), call);
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

fn talk(folder: &Path, (port, domain): (u16, &str), (account, peer_password): (Account, &str), call: &Call) {
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
        let long = |file: &Path, hz| heard(file, hz).is_some_and(|(report, _)| report.carrying >= TALK * 50);
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
    let (report, other) =
        heard(file, hz).map(|(report, samples)| (report, share(&samples, other_hz))).expect(what);
    println!("{what}: {report:?}");
    assert!(report.share() >= 0.98, "{what}: {:.3} of the frames\n{report:?}", report.share());
    assert!((report.level_dbov - LEVEL).abs() <= 1.0, "{what}: {} dBov\n{report:?}", report.level_dbov);
    assert!(report.longest_gap_ms <= 40, "{what}: a gap\n{report:?}");
    assert!(other < 0.01, "{what}: the other direction's tone in {other:.3} of the frames");
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
