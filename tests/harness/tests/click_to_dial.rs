//! A program at the PBX has the phone call somebody: through a real kamailio, with a real phone at the other end.

use harness::{
    agent::{Account, Agent},
    kamailio::{Kamailio, Options, REALM},
    peer::{self, Kind, Peer, Setup},
    sipp::{Plan, Sipp, Transport},
    talk::{CALLED_HZ, CALLER_HZ, hears, tone},
    wait::SOON,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The agent is 1001 and says `CALLER_HZ`; what its PBX may have it dial is as `rule` says.
struct Desk {
    folder: PathBuf,
    kamailio: Kamailio,
    agent: Agent,
    _folder: tempfile::TempDir,
}

impl Desk {
    fn set_up(transport: Transport, rule: &str) -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = temporary.path().to_owned();
        let kamailio = Kamailio::start_with(&folder, &Options { in_order: true, ..Options::default() });
        let port = kamailio.port_for(transport);
        let account = Account::at(port, transport, &Kamailio::password("1001"));
        let account = Account { aor: format!("sip:1001@{REALM}"), ..account };
        let account = account.with_files(&tone(&folder, CALLER_HZ), &folder.join("agent-hears.wav"));
        let mut start = account.start();
        let lines = format!("remote_dial = \"{rule}\"\npassword = ");
        start.settings = start.settings.replace("password = ", &lines);
        let agent = Agent::start(&folder, "agent", start);
        agent.wait_until_registered();
        Self { folder, kamailio, agent, _folder: temporary }
    }

    fn callee(&self) -> Box<dyn Peer> {
        let says = &tone(&self.folder, CALLED_HZ);
        let (port, transport) = (self.kamailio.port, Transport::Udp);
        let setup = Setup { user: "1003", port, transport, certificate: None, answers: true, says };
        let mut phone = peer::start(Kind::Baresip, &self.folder, &setup);
        phone.wait_until_registered();
        phone
    }

    /// A program has `to` called, and hears `end` at the end.
    fn click(&self, to: &str, end: &str) -> Sipp {
        let scenario = include_str!("../peers/click-to-dial.xml");
        let scenario = scenario.replace("@TO@", to).replace("@REALM@", REALM).replace("@END@", end);
        let plan = Plan { to: Some(self.kamailio.port), scenario: Some(&scenario), ..Plan::default() };
        Sipp::start(Path::new(&self.folder), &plan)
    }
}

#[test]
fn the_user_is_asked_and_the_program_hears_how_it_went() {
    let desk = Desk::set_up(Transport::Udp, "ask");
    let mut callee = desk.callee();
    let mut sipp = desk.click("1003", "200");
    let asked = |event: &Value| event["type"] == "question" && event["text"].is_string();
    let (question, seen) = desk.agent.wait_for("a question", 0, SOON, asked);
    let text = question["text"].as_str().unwrap_or_default();
    assert!(text.contains("1003") && question["choices"][0] == "Call 1003", "{question}");
    let id = question["question"].to_string();
    // Who comes late is told as well.
    let status = desk.agent.ask(&["status"]).pop().expect("a status");
    assert_eq!(status["question"]["question"], question["question"]);
    desk.agent.ask(&["choose", &id, "1"]);
    desk.agent.wait_for_call("established", seen, SOON);
    callee.wait_until_answered(1);
    hears(&*callee, CALLER_HZ, CALLED_HZ);
    sipp.finish(SOON);
    let over = |event: &Value| event["type"] == "question" && event["text"].is_null();
    desk.agent.wait_for("the end of the question", seen, SOON, over);
    callee.hang_up();
    desk.agent.wait_for_call("terminated", seen, SOON);

    // No is an answer, too.
    let before = desk.agent.events().len();
    let mut sipp = desk.click("1003", "603");
    let (question, _) = desk.agent.wait_for("a question", before, SOON, asked);
    desk.agent.ask(&["choose", &question["question"].to_string()]);
    sipp.finish(SOON);
}

#[test]
fn unasked_where_the_account_says_so_over_tcp() {
    let desk = Desk::set_up(Transport::Tcp, "follow");
    let mut callee = desk.callee();
    let mut sipp = desk.click("1003", "200");
    desk.agent.wait_for_call("established", 0, SOON);
    callee.wait_until_answered(1);
    hears(&*callee, CALLER_HZ, CALLED_HZ);
    sipp.finish(SOON);
    callee.hang_up();
    // Somebody who is not there: what the PBX says of him is what the program hears.
    let mut sipp = desk.click("1099", "404");
    sipp.finish(SOON);
}
