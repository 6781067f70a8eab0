//! sipp calls the agent and is called by it, over UDP and TCP.

use agent_exchange::{Exchange, ExchangeConfig, User};
use harness::{
    agent::{Account, Agent},
    proc::Signal,
    sipp::{Plan, Sipp, Transport, registrar_and_phone},
    wait::SOON,
};

/// How many calls sipp makes, one after the other.
const CALLS: usize = 5;

#[test]
fn sipp_calls_over_udp_and_each_call_is_answered() {
    is_called(Transport::Udp);
}

#[test]
fn sipp_calls_over_tcp_and_each_call_is_answered() {
    is_called(Transport::Tcp);
}

#[test]
fn the_agent_calls_sipp_over_udp_and_signs_off_when_told_to_quit() {
    calls(Transport::Udp, |agent| drop(agent.ask(&["quit"])));
}

#[test]
fn the_agent_calls_sipp_over_tcp_and_signs_off_at_sigterm() {
    calls(Transport::Tcp, |agent| agent.proc.signal(Signal::Terminate));
}

fn is_called(transport: Transport) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = ExchangeConfig { users: vec![User::new("1001", "secret")], ..ExchangeConfig::default() };
    let exchange = Exchange::start(config).expect("the exchange starts");
    let account = Account::at(exchange.address().port(), transport, "secret");
    let agent = Agent::start(folder.path(), "agent", account.start());
    agent.wait_until_registered();
    let to = agent.listening_port();
    let plan = Plan { to: Some(to), transport, calls: CALLS as u32, talk_ms: 300, ..Plan::default() };
    let mut sipp = Sipp::start(folder.path(), &plan);
    let mut seen = 0;
    for _ in 0..CALLS {
        let (event, after) = agent.wait_for_call("incoming", seen, SOON);
        agent.ask(&["answer", &event["call"].to_string()]);
        let (_, after) = agent.wait_for_call("established", after, SOON);
        (_, seen) = agent.wait_for_call("terminated", after, SOON);
    }
    sipp.finish(SOON);
    let journal = agent.ask(&["journal"]);
    assert_eq!(journal.len(), CALLS, "one row a call: {journal:?}");
}

fn calls(transport: Transport, end: impl FnOnce(&Agent)) {
    let folder = tempfile::tempdir().expect("a folder");
    // To sipp the registration with its end is one call, the call is another.
    let scenario = registrar_and_phone();
    let plan = Plan { scenario: Some(&scenario), transport, calls: 2, service: "1001", ..Plan::default() };
    let mut sipp = Sipp::start(folder.path(), &plan);
    let account = Account::at(sipp.port, transport, "unused");
    let mut agent = Agent::start(folder.path(), "agent", account.start());
    agent.wait_until_registered();
    agent.ask(&["dial", "600"]);
    let (_, seen) = agent.wait_for_call("early", 0, SOON);
    let (event, seen) = agent.wait_for_call("established", seen, SOON);
    assert_eq!(event["direction"], "outgoing", "{event}");
    agent.ask(&["hangup"]);
    agent.wait_for_call("terminated", seen, SOON);
    assert!(!sipp.messages().contains("Expires: 0"), "it de-registers before its end");
    end(&agent);
    let status = agent.proc.wait_for_end(SOON);
    assert!(status.success(), "{status}");
    sipp.finish(SOON);
    let messages = sipp.messages();
    assert!(messages.contains("Expires: 0"), "it does not de-register at its end:\n{messages}");
}
