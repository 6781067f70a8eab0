//! Calls that change hands among real phones, through kamailio, each with a tone of its own: who hears whom afterwards.

use harness::{
    agent::Agent,
    certificate::Certificate,
    kamailio::{Kamailio, Options, REALM},
    peer::{self, Kind, Peer, Setup},
    pjsua::{self, Pjsua},
    sipp::Transport,
    talk::{CALLED_HZ, CALLER_HZ, TALK, THIRD_HZ, agent, agent_hears, hears, tone},
    wait::{self, SOON},
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// An office of three: the agent is 1001 and says `CALLER_HZ`, 1002 says `CALLED_HZ`, 1003 says `THIRD_HZ`.
struct Office {
    agent: Agent,
    second: Box<dyn Peer>,
    third: Box<dyn Peer>,
    folder: PathBuf,
    _kamailio: Kamailio,
    _folder: tempfile::TempDir,
}

impl Office {
    fn open((of_agent, second, third): (Transport, Kind, Kind), answers: bool) -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = temporary.path();
        let certificate = Certificate::make(folder, "pbx", &["localhost", "127.0.0.1"]);
        let options = Options { certificate: Some(&certificate), ..Options::default() };
        let kamailio = Kamailio::start_with(folder, &options);
        let agent = agent(folder, &kamailio, of_agent, &certificate);
        let phone = |kind, user, transport, hz, answers| {
            let says = &tone(folder, hz);
            let port = kamailio.port_for(transport);
            let mut phone =
                peer::start(kind, folder, &Setup { user, port, transport, certificate: None, answers, says });
            phone.wait_until_registered();
            phone
        };
        let second = phone(second, "1002", Transport::Udp, CALLED_HZ, answers);
        let third = phone(third, "1003", Transport::Tcp, THIRD_HZ, true);
        Self { agent, second, third, folder: folder.to_owned(), _kamailio: kamailio, _folder: temporary }
    }

    /// The agent calls this number and is answered: the call, and the place behind that event.
    fn call(&self, number: &str, after: usize) -> (u64, usize) {
        let replies = self.agent.ask(&["dial", number]);
        let call = replies.iter().find_map(|reply| reply["call"].as_u64()).expect("the call it makes");
        let up = |event: &Value| {
            event["type"] == "call" && event["call"] == call && event["state"] == "established"
        };
        let (_, after) = self.agent.wait_for(&format!("an answer of {number}"), after, SOON, up);
        (call, after)
    }

    /// The agent's transfer gets to this step.
    fn step(&self, step: &str, after: usize) -> usize {
        let wanted = |event: &Value| event["type"] == "transfer" && event["transfer"]["step"] == step;
        self.agent.wait_for(&format!("transfer: {step}"), after, SOON, wanted).1
    }

    /// Nothing of the transfer is left at the agent.
    fn agent_is_free(&self) {
        let free = wait::until(SOON, || {
            let status = self.agent.ask(&["status"]).pop()?;
            status["calls"].as_array().is_some_and(Vec::is_empty).then_some(())
        });
        assert!(free.is_some(), "the agent has a call still\n{}", self.agent.proc);
    }

    /// The two phones talk to each other.
    fn the_others_talk(&self) {
        for (phone, hz, own) in [(&self.second, THIRD_HZ, CALLED_HZ), (&self.third, CALLED_HZ, THIRD_HZ)] {
            if phone.records_as_it_hears() {
                hears(&**phone, hz, own);
            }
        }
    }
}

/// Unasked: the agent sends whom it talks to on to a third one, and is out of it.
fn agent_sends_on(of_agent: Transport, second: Kind, third: Kind) {
    let mut office = Office::open((of_agent, second, third), true);
    let (_, seen) = office.call("1002", 0);
    agent_hears(&office.agent, &office.folder, CALLED_HZ, TALK / 2);
    office.agent.ask(&["transfer", "1003"]);
    let seen = office.step("agreed", seen);
    office.step("done", seen);
    office.third.wait_until_answered(1);
    office.agent_is_free();
    office.the_others_talk();
    office.third.hang_up();
    office.second.wait_until_ended(1);
}

/// The agent is sent on by whom it talks to, and talks to the third one then.
fn agent_is_sent_on(of_agent: Transport, second: Kind, third: Kind) {
    let mut office = Office::open((of_agent, second, third), false);
    office.second.dial(&format!("sip:1001@{REALM}"));
    office.agent.wait_for_call("incoming", 0, SOON);
    office.agent.ask(&["answer"]);
    let (_, seen) = office.agent.wait_for_call("established", 0, SOON);
    agent_hears(&office.agent, &office.folder, CALLED_HZ, TALK / 2);
    office.second.transfer(&format!("sip:1003@{REALM}"));
    let seen = office.step("sent", seen);
    let (_, seen) = office.agent.wait_for_call("terminated", seen, SOON);
    agent_hears(&office.agent, &office.folder, THIRD_HZ, TALK);
    if office.third.records_as_it_hears() {
        hears(&*office.third, CALLER_HZ, THIRD_HZ);
    }
    office.third.hang_up();
    office.agent.wait_for_call("terminated", seen, SOON);
}

/// Asked first: the agent talks to both, one after the other, then connects them.
fn agent_connects(of_agent: Transport, second: Kind, third: Kind) {
    let mut office = Office::open((of_agent, second, third), true);
    let (first, seen) = office.call("1002", 0);
    agent_hears(&office.agent, &office.folder, CALLED_HZ, TALK / 2);
    let (other, seen) = office.call("1003", seen);
    agent_hears(&office.agent, &office.folder, THIRD_HZ, TALK / 2);
    office.agent.ask(&["transfer", "--with", &other.to_string(), "--call", &first.to_string()]);
    office.step("done", seen);
    office.agent_is_free();
    office.the_others_talk();
    office.second.hang_up();
    // The call with us, and the one that took its place.
    office.third.wait_until_ended(2);
    if !office.second.records_as_it_hears() {
        hears(&*office.second, THIRD_HZ, CALLED_HZ);
    }
}

/// Asked first, from the other side: who talks to the agent connects it with a third one, and names that one by its phone's own
/// address, as desk phones do behind a proxy. It is an extension all the same: nobody is asked.
#[test]
fn pjsua_connects_the_agent_with_another_pjsua() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = Certificate::make(folder.path(), "pbx", &["localhost", "127.0.0.1"]);
    // Not at the phones' address, which would be the PBX's own.
    let kamailio =
        Kamailio::start_with(folder.path(), &Options { host: Some("127.0.0.2"), ..Options::default() });
    let agent = agent(folder.path(), &kamailio, Transport::Tcp, &certificate);
    let phone = |user, hz, answers| {
        let setup = pjsua::Setup {
            user,
            password: Some(&Kamailio::password(user)),
            registrar: (&kamailio.host, kamailio.port),
            domain: REALM,
            transport: Transport::Udp,
            authority: None,
            answers,
            says: &tone(folder.path(), hz),
            publishes: false,
            mailbox: false,
        };
        let mut phone = Pjsua::start(folder.path(), &setup);
        Peer::wait_until_registered(&mut phone);
        phone
    };
    let (mut second, third) = (phone("1002", CALLED_HZ, false), phone("1003", THIRD_HZ, true));

    second.command("call", json!({ "to": format!("sip:1001@{REALM}") }));
    agent.wait_for_call("incoming", 0, SOON);
    agent.ask(&["answer"]);
    let (_, seen) = agent.wait_for_call("established", 0, SOON);
    let (call, after) = second.wait_for_call("established", 0);
    second.command("call", json!({ "to": format!("sip:1003@{REALM}") }));
    let (other, _) = second.wait_for_call("established", after);
    second.command("join_at", json!({ "call": call, "other": other }));
    let sent = |event: &Value| event["type"] == "transfer" && event["transfer"]["step"] == "sent";
    agent.wait_for("transfer: sent", seen, SOON, sent);
    agent_hears(&agent, folder.path(), THIRD_HZ, TALK);
    hears(&third, CALLER_HZ, THIRD_HZ);
}

#[test]
fn the_agent_sends_baresip_on_to_linphone() {
    agent_sends_on(Transport::Udp, Kind::Baresip, Kind::Linphone);
}

#[test]
fn the_agent_sends_pjsua_on_to_baresip() {
    agent_sends_on(Transport::Tls, Kind::Pjsua, Kind::Baresip);
}

#[test]
fn baresip_sends_the_agent_on_to_linphone() {
    agent_is_sent_on(Transport::Tcp, Kind::Baresip, Kind::Linphone);
}

#[test]
fn pjsua_sends_the_agent_on_to_baresip() {
    agent_is_sent_on(Transport::Udp, Kind::Pjsua, Kind::Baresip);
}

#[test]
fn the_agent_connects_baresip_and_linphone() {
    agent_connects(Transport::Tls, Kind::Linphone, Kind::Baresip);
}

#[test]
fn the_agent_connects_pjsua_and_baresip() {
    agent_connects(Transport::Udp, Kind::Pjsua, Kind::Baresip);
}
