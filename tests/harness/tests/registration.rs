//! Registrars that refuse, are silent, or restart: the right state is shown, and the agent recovers by itself.

use std::time::Duration;

use agent_exchange::{Exchange, ExchangeConfig, User};
use harness::{
    agent::{Account, Agent},
    kamailio::Kamailio,
    port,
    proc::Signal,
    sipp::Transport,
    wait::SOON,
};

/// Timer F and the first waits of the back-off (RFC 3261 section 17.1.2.2, RFC 5626 section 4.5).
const PATIENCE: Duration = Duration::from_secs(100);

fn problem(event: &serde_json::Value) -> String {
    event["reason"]["problem"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_wrong_password_is_said_and_tried_again_but_rarely() {
    let folder = tempfile::tempdir().expect("a folder");
    let kamailio = Kamailio::start(folder.path());
    let mut account = Account::at(kamailio.port, Transport::Udp, "wrong");
    account.aor = format!("sip:1001@{}", harness::kamailio::REALM);
    let agent = Agent::start(folder.path(), "agent", account.start());
    let state = agent.wait_for_state("failed", SOON);
    assert_eq!(problem(&state), "wrong_password", "{state}");
    let minutes = state["retry_ms"].as_u64().map(|ms| ms / 60_000);
    assert!(
        minutes.is_some_and(|minutes| (15..=30).contains(&minutes)),
        "accounts are locked by tries: {state}"
    );
}

#[test]
fn a_silent_registrar_is_said_and_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let kamailio = Kamailio::start(folder.path());
    // kamailio is several processes; a silent one is one whose processes all stand still
    kamailio.proc.signal_all(Signal::Stop);
    let account = Account::at(kamailio.port, Transport::Udp, &Kamailio::password("1001"));
    let account = Account { aor: format!("sip:1001@{}", harness::kamailio::REALM), ..account };
    let agent = Agent::start(folder.path(), "agent", account.start());
    agent.wait_for_state("connecting", SOON);
    let state = agent.wait_for_state("failed", PATIENCE);
    assert_eq!(problem(&state), "silent", "{state}");
    assert!(state["retry_ms"].is_u64(), "it will be tried again: {state}");
    kamailio.proc.signal_all(Signal::Continue);
    agent.wait_for_state("registered", PATIENCE);
}

#[test]
fn a_registrar_that_restarts_over_udp_is_found_again() {
    restarts(Transport::Udp);
}

#[test]
fn a_registrar_that_restarts_over_tcp_is_found_again() {
    restarts(Transport::Tcp);
}

/// The exchange dies, is away for a while, and comes back on the same port without any registration.
fn restarts(transport: Transport) {
    let folder = tempfile::tempdir().expect("a folder");
    let start = |port| {
        let users = vec![User::new("1001", "secret")];
        // RFC 3261 section 10.2.4: what refreshes within seconds notices within seconds.
        let most = Duration::from_secs(10);
        let config = ExchangeConfig {
            users,
            port,
            least_expires: Duration::from_secs(1),
            most_expires: most,
            ..ExchangeConfig::default()
        };
        Exchange::start(config).expect("the exchange starts")
    };
    let port = port::free();
    let exchange = start(port);
    let agent = Agent::start(folder.path(), "agent", Account::at(port, transport, "secret").start());
    agent.wait_until_registered();
    exchange.kill();
    let state = agent.wait_for_state("failed", PATIENCE);
    assert!(matches!(problem(&state).as_str(), "silent" | "unreachable"), "{state}");
    let exchange = start(port);
    agent.wait_for_state("registered", PATIENCE);
    assert_eq!(exchange.phones("1001").len(), 1);
}
