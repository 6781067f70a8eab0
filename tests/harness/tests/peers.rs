//! Phones that are not ours, through kamailio: with one another, so that a silent test is the agent's fault, and with the agent.

use agent_media::measure;
use harness::{
    agent::Agent,
    certificate::Certificate,
    kamailio::{Kamailio, Options, REALM},
    peer::{self, Kind, Peer, Setup},
    recording,
    sipp::Transport,
    talk::{CALLED_HZ, CALLER_HZ, TALK, agent, hears, tone},
    wait::{self, SOON},
};

/// One test a pair: who calls over what, and who is called over what.
macro_rules! pairs {
    ($($name:ident: $caller:ident over $from:ident calls $called:ident over $to:ident;)*) => {
        $(
            #[test]
            fn $name() {
                talk((Kind::$caller, Transport::$from), (Kind::$called, Transport::$to));
            }
        )*
    };
}

// Each of them calls and is called, and each transport is at either end.
pairs! {
    linphone_tls_calls_pjsua_tcp: Linphone over Tls calls Pjsua over Tcp;
    pjsua_udp_calls_baresip_tls: Pjsua over Udp calls Baresip over Tls;
    baresip_tcp_calls_linphone_udp: Baresip over Tcp calls Linphone over Udp;
}

fn talk((caller, from): (Kind, Transport), (called, to): (Kind, Transport)) {
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = Certificate::make(folder.path(), "pbx", &["localhost", "127.0.0.1"]);
    let options = Options { certificate: Some(&certificate), ..Options::default() };
    let kamailio = Kamailio::start_with(folder.path(), &options);
    let (caller_says, called_says) = (tone(folder.path(), CALLER_HZ), tone(folder.path(), CALLED_HZ));
    let start = |kind, user, transport, says| {
        let certificate = (transport == Transport::Tls).then_some(&certificate);
        let port = kamailio.port_for(transport);
        let setup = Setup { user, port, transport, certificate, answers: false, says };
        let mut phone = peer::start(kind, folder.path(), &setup);
        phone.wait_until_registered();
        phone
    };
    let mut caller: Box<dyn Peer> = start(caller, "alice", from, &caller_says);
    let mut called: Box<dyn Peer> = start(called, "bob", to, &called_says);
    caller.dial(&format!("sip:bob@{REALM}"));
    called.wait_until_it_rings();
    called.answer();
    caller.wait_until_answered(1);
    called.wait_until_answered(1);
    let ears = |caller: &dyn Peer, called: &dyn Peer, ended| {
        for (phone, hz, own) in [(caller, CALLED_HZ, CALLER_HZ), (called, CALLER_HZ, CALLED_HZ)] {
            if phone.records_as_it_hears() != ended {
                hears(phone, hz, own);
            }
        }
    };
    ears(&*caller, &*called, false);
    caller.hang_up();
    called.wait_until_ended(1);
    ears(&*caller, &*called, true);
}

/// One test a call between the agent and a phone: over what each of them is registered, and who calls.
macro_rules! agents {
    ($($(#[$when:meta])? $name:ident: agent $from:ident, $kind:ident $to:ident, $caller:ident calls;)*) => {
        $(
            #[test]
            $(#[$when])?
            fn $name() {
                let caller = Caller::$caller;
                agent_and(&Call { agent: Transport::$from, kind: Kind::$kind, peer: Transport::$to, caller });
            }
        )*
    };
}

/// The rest of the matrix.
macro_rules! long_agents {
    ($($name:ident: agent $from:ident, $kind:ident $to:ident, $caller:ident calls;)*) => {
        agents! {
            $(
                #[ignore = "ten seconds each: `cargo xtask test --full` runs it"]
                $name: agent $from, $kind $to, $caller calls;
            )*
        }
    };
}

// Every run has each phone, each direction, and TLS at either end.
agents! {
    the_agent_over_tls_calls_pjsua_udp: agent Tls, Pjsua Udp, Agent calls;
    linphone_tls_calls_the_agent_over_udp: agent Udp, Linphone Tls, Peer calls;
    baresip_tls_calls_the_agent_over_tls: agent Tls, Baresip Tls, Peer calls;
    the_agent_over_wss_calls_baresip_udp: agent Wss, Baresip Udp, Agent calls;
    baresip_udp_calls_the_agent_over_ws: agent Ws, Baresip Udp, Peer calls;
}

long_agents! {
    pjsua_udp_calls_the_agent_over_tls: agent Tls, Pjsua Udp, Peer calls;
    pjsua_tls_calls_the_agent_over_tls: agent Tls, Pjsua Tls, Peer calls;
    pjsua_tcp_calls_the_agent_over_udp: agent Udp, Pjsua Tcp, Peer calls;
    the_agent_over_udp_calls_pjsua_tls: agent Udp, Pjsua Tls, Agent calls;
    the_agent_over_tcp_calls_pjsua_tcp: agent Tcp, Pjsua Tcp, Agent calls;
    linphone_udp_calls_the_agent_over_tls: agent Tls, Linphone Udp, Peer calls;
    linphone_tcp_calls_the_agent_over_tcp: agent Tcp, Linphone Tcp, Peer calls;
    the_agent_over_tls_calls_linphone_tls: agent Tls, Linphone Tls, Agent calls;
    the_agent_over_udp_calls_linphone_udp: agent Udp, Linphone Udp, Agent calls;
    the_agent_over_tcp_calls_linphone_tls: agent Tcp, Linphone Tls, Agent calls;
    the_agent_over_tls_calls_baresip_tls: agent Tls, Baresip Tls, Agent calls;
    the_agent_over_tls_calls_baresip_udp: agent Tls, Baresip Udp, Agent calls;
    baresip_udp_calls_the_agent_over_tls: agent Tls, Baresip Udp, Peer calls;
    baresip_udp_calls_the_agent_over_wss: agent Wss, Baresip Udp, Peer calls;
    the_agent_over_ws_calls_linphone_tcp: agent Ws, Linphone Tcp, Agent calls;
    pjsua_tls_calls_the_agent_over_wss: agent Wss, Pjsua Tls, Peer calls;
}

/// Who begins the call.
#[derive(Clone, Copy, PartialEq)]
enum Caller {
    Agent,
    Peer,
}

struct Call {
    agent: Transport,
    kind: Kind,
    peer: Transport,
    caller: Caller,
}

fn agent_and(call: &Call) {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let certificate = Certificate::make(folder, "pbx", &["localhost", "127.0.0.1"]);
    // Phones behind a WebSocket cannot be reached where they say: kamailio then marks contacts with the flow they came by.
    let websocket = matches!(call.agent, Transport::Ws | Transport::Wss);
    let options = Options { certificate: Some(&certificate), websocket, ..Options::default() };
    let kamailio = Kamailio::start_with(folder, &options);
    let agent = agent(folder, &kamailio, call.agent, &certificate);
    let setup = Setup {
        user: "1002",
        port: kamailio.port_for(call.peer),
        transport: call.peer,
        certificate: (call.peer == Transport::Tls).then_some(&certificate),
        answers: call.caller == Caller::Agent,
        says: &tone(folder, CALLED_HZ),
    };
    let mut peer = peer::start(call.kind, folder, &setup);
    peer.wait_until_registered();
    if call.caller == Caller::Agent {
        agent.ask(&["dial", "1002"]);
    } else {
        peer.dial(&format!("sip:1001@{REALM}"));
        agent.wait_for_call("incoming", 0, SOON);
        agent.ask(&["answer"]);
    }
    let (_, seen) = agent.wait_for_call("established", 0, SOON);
    peer.wait_until_answered(1);
    let heard = recording::wait_for_tone(&folder.join("agent-hears.wav"), CALLED_HZ, TALK, SOON);
    let (samples, rate) =
        heard.unwrap_or_else(|| panic!("the agent hears nothing\n{}\n{}", agent.proc, peer.log()));
    assert!(measure::tone(&samples, rate, CALLER_HZ).share() < 0.1, "its own voice comes back");
    if peer.records_as_it_hears() {
        hears(&*peer, CALLER_HZ, CALLED_HZ);
    }
    keys_and_hold(&agent, &mut *peer);
    peer.hang_up();
    peer.wait_until_ended(1);
    agent.wait_for_call("terminated", seen, SOON);
    if !peer.records_as_it_hears() {
        hears(&*peer, CALLER_HZ, CALLED_HZ);
    }
}

/// Keys by RFC 4733 from the phone, and a hold by it.
fn keys_and_hold(agent: &Agent, peer: &mut dyn Peer) {
    peer.keys("7");
    let (event, _) = agent.wait_for("a key", 0, SOON, |event| event["type"] == "digit");
    assert_eq!(event["digit"], "7", "{event}");
    let held = |on: bool| {
        let told = wait::until(SOON, || {
            let status = agent.ask(&["status"]).pop()?;
            (status["calls"][0]["held_by_them"] == on).then_some(())
        });
        assert!(told.is_some(), "held by them: not {on}\n{}", agent.proc);
    };
    peer.hold();
    held(true);
    peer.resume();
    held(false);
}
