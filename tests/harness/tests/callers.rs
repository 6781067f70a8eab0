//! Who may ring the agent, and with what: strangers are turned away, and an offer that can never be taken rings nobody.

use agent_exchange::{Exchange, ExchangeConfig, User};
use harness::{
    agent::{Account, Agent},
    sipp::Transport,
    stranger::Stranger,
    wait::{self, SOON},
};

/// An agent registered at an exchange, with these lines besides in its settings.
fn registered(folder: &std::path::Path, settings: &str) -> (Agent, Exchange) {
    let config = ExchangeConfig { users: vec![User::new("1001", "secret")], ..ExchangeConfig::default() };
    let exchange = Exchange::start(config).expect("the exchange starts");
    let mut start = Account::at(exchange.address().port(), Transport::Udp, "secret").start();
    start.settings.push_str(settings);
    let agent = Agent::start(folder, "agent", start);
    agent.wait_until_registered();
    (agent, exchange)
}

/// An INVITE that offers this audio.
fn invite(from: &Stranger, name: &str, audio: &str) -> Vec<u8> {
    let address = from.address();
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 {audio}\r\n"
    );
    format!(
        "INVITE sip:1001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK-{name}\r\n\
         From: \"The boss\" <sip:100@example.com>;tag=t{name}\r\nTo: <sip:1001@example.com>\r\nCall-ID: {name}\r\n\
         CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:stranger@{address}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The states calls have been in so far.
fn states(agent: &Agent) -> Vec<String> {
    let events = agent.events();
    let calls = events.iter().filter(|event| event["type"] == "call");
    calls.map(|event| event["state"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_stranger_with_a_made_up_name_rings_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let (agent, _exchange) = registered(folder.path(), "");
    let mut stranger = Stranger::at(0, agent.listening_port());
    let answer = stranger.answer_to(&invite(&stranger, "ghost", "RTP/AVP 8")).expect("an answer");
    assert_eq!(answer.code(), 403, "{answer:?}");
    assert!(agent.ask(&["journal"]).is_empty(), "nobody called whom the user wants to know of");
    assert_eq!(states(&agent), [""; 0]);
}

#[test]
fn what_can_never_be_heard_is_refused_at_once_and_stands_in_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let (agent, _exchange) = registered(folder.path(), "\n[calls]\nfrom = \"anyone\"\n");
    let mut stranger = Stranger::at(0, agent.listening_port());
    let opus = "RTP/AVP 96\r\na=rtpmap:96 opus/48000/2";
    for (name, audio, warning) in [("savp", "RTP/SAVP 8", "302 "), ("opus", opus, "305 ")] {
        let answer = stranger.answer_to(&invite(&stranger, name, audio)).expect("an answer");
        assert_eq!(answer.code(), 488, "{answer:?}");
        assert!(answer.header("Warning").is_some_and(|said| said.starts_with(warning)), "{answer:?}");
    }
    // The refusal leaves before the journal is written.
    let written = wait::until(SOON, || Some(agent.ask(&["journal"])).filter(|rows| rows.len() >= 2));
    let journal = written.expect("both calls in the journal");
    let kept: Vec<_> =
        journal.iter().map(|call| (call["outcome"].as_str(), call["cause"].as_str())).collect();
    let missed = |cause| (Some("missed"), Some(cause));
    assert_eq!(kept, [missed("no_common_codec"), missed("encrypted")], "{journal:?}");
    assert_eq!(states(&agent), ["terminated", "terminated"], "it never rang");
}
