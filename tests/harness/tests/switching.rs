//! Do not disturb and forwarding: by an agent for real callers at a kamailio, and by codes that real phones answer there.

use harness::{
    agent::{Account, Agent},
    kamailio::{Kamailio, Options, REALM},
    peer::{self, Kind, Peer, Setup},
    sipp::Transport,
    talk::{CALLED_HZ, THIRD_HZ, hears, tone},
    wait::SOON,
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The agent is 1001, with these lines in its account.
fn agent(folder: &Path, kamailio: &Kamailio, lines: &str) -> Agent {
    let mut account = Account::at(kamailio.port, Transport::Udp, &Kamailio::password("1001"));
    account.aor = format!("sip:1001@{REALM}");
    let mut start = account.start();
    start.settings = start.settings.replace("password = ", &format!("{lines}\npassword = "));
    let agent = Agent::start(folder, "agent", start);
    agent.wait_until_registered();
    agent
}

fn phone(
    kind: Kind,
    folder: &Path,
    kamailio: &Kamailio,
    (user, hz, answers): (&str, f64, bool),
) -> Box<dyn Peer> {
    let says = &tone(folder, hz);
    let (port, transport) = (kamailio.port, Transport::Udp);
    let setup = Setup { user, port, transport, certificate: None, answers, says };
    let mut phone = peer::start(kind, folder, &setup);
    phone.wait_until_registered();
    phone
}

/// What the agent says of its switches.
fn features(agent: &Agent) -> Value {
    agent.ask(&["status"]).pop().expect("a status")["features"].take()
}

fn is_feature(switch: &'static str, on: bool, known: &'static str) -> impl Fn(&Value) -> bool {
    move |event| {
        (&event["type"], &event["switch"], &event["on"], &event["known"])
            == (&json!("feature"), &json!(switch), &json!(on), &json!(known))
    }
}

/// A PBX without codes: who calls the agent ends up where it forwards to, also after it was started anew; and nobody rings it
/// while it is not to be disturbed.
fn forwards_and_is_left_alone(caller: Kind) {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path();
    let kamailio = Kamailio::start(folder);
    let agent = agent(folder, &kamailio, "");
    let mut caller = phone(caller, folder, &kamailio, ("1002", CALLED_HZ, false));
    let mut third = phone(Kind::Baresip, folder, &kamailio, ("1003", THIRD_HZ, true));

    let set = agent.ask(&["forward", "1003"]).remove(0);
    let wanted = json!([
        { "account": 0, "switch": "forward_always", "on": true, "to": "1003", "known": "here" }
    ]);
    assert_eq!((&set["reply"], &set["features"]), (&json!("switched"), &wanted));
    let agent = agent.restart();
    agent.wait_until_registered();
    agent.wait_for("what was switched on", 0, SOON, is_feature("forward_always", true, "here"));
    assert_eq!(features(&agent), wanted);

    caller.dial(&format!("sip:1001@{REALM}"));
    third.wait_until_answered(1);
    hears(&*third, CALLED_HZ, THIRD_HZ);
    third.hang_up();
    caller.wait_until_ended(1);
    let journal = agent.ask(&["journal"]);
    assert_eq!((&journal[0]["outcome"], &journal[0]["cause"]), (&json!("declined"), &json!("forwarded")));

    agent.ask(&["forward", "off"]);
    agent.ask(&["dnd", "on"]);
    let seen = agent.events().len();
    caller.dial(&format!("sip:1001@{REALM}"));
    let (missed, _) = agent.wait_for_call("terminated", seen, SOON);
    assert_eq!(missed["outcome"], "missed");
    assert_eq!(agent.ask(&["journal"])[0]["cause"], "do_not_disturb");
    let rang = |event: &Value| event["type"] == "call" && event["state"] == "incoming";
    assert!(!agent.events()[seen..].iter().any(rang), "it rang\n{}", agent.proc);
    let plain = agent.plain(&["status"]).output().expect("it starts");
    let text = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(text.contains("account 0: do not disturb: on (done by Trayphone"), "{text}");
}

#[test]
fn linphone_is_sent_on_and_turned_away() {
    forwards_and_is_left_alone(Kind::Linphone);
}

#[test]
fn pjsua_is_sent_on_and_turned_away() {
    forwards_and_is_left_alone(Kind::Pjsua);
}

/// A PBX with codes, of which a file of the user's tells: what its answer is, and what a line says, is what counts.
#[test]
fn codes_are_dialled_and_what_the_pbx_shows_is_read() {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path();
    let kamailio = Kamailio::start_with(folder, &Options { presence: true, ..Options::default() });
    let codes = "name = \"Ours\"\n[codes]\n\
                 dnd_on = { code = \"1003\", verified = true, source = \"this test\" }\n\
                 dnd_off = { code = \"1098\", verified = true, source = \"this test\" }\n\
                 queue_in = { code = \"1003\", verified = true, toggle = true, source = \"this test\" }\n\
                 queue_out = { code = \"1003\", verified = true, toggle = true, source = \"this test\" }\n\
                 queue_line = { code = \"1004\", verified = true, source = \"this test\" }\n";
    let profile = folder.join("ours.toml");
    fs::write(&profile, codes).expect("the folder is ours");
    let agent = agent(folder, &kamailio, &format!("profile = {profile:?}"));
    let mut third = phone(Kind::Baresip, folder, &kamailio, ("1003", THIRD_HZ, true));
    let mut fourth = phone(Kind::Baresip, folder, &kamailio, ("1004", CALLED_HZ, true));
    let mut caller = phone(Kind::Linphone, folder, &kamailio, ("1002", CALLED_HZ, false));

    // It answers and talks on, as a PBX does; there is nothing to be seen of that.
    let set = agent.ask(&["dnd", "on"]).remove(0);
    assert_eq!(set["features"][0]["known"], "set", "{set}");
    third.wait_until_ended(1);
    let seen = |event: &Value| event["type"] == "call" || event["type"] == "toast";
    assert!(!agent.events().iter().any(seen), "{:?}", agent.events());
    assert!(agent.ask(&["journal"]).is_empty());

    // Nobody answers that code.
    let refused = agent.command(&["dnd", "off"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(8) && text.contains("did not take the code 1098: 404"), "{text}");
    assert_eq!(features(&agent)[0]["on"], true);

    // Of the line that stands for the queue the PBX has said nothing yet; then somebody talks there.
    let blind = agent.command(&["queue", "in"]);
    let text = String::from_utf8_lossy(&blind.stderr).into_owned();
    assert!(blind.status.code() == Some(8) && text.contains("The code 1003 switches over"), "{text}");
    caller.dial(&format!("sip:1004@{REALM}"));
    fourth.wait_until_answered(1);
    let (_, at) = agent.wait_for("the queue", 0, SOON, is_feature("queue", true, "pbx"));
    // It is so already: the code would switch back, and is not dialled.
    let already = agent.ask(&["queue", "in"]).remove(0);
    assert_eq!(already["features"][0]["on"], true);
    fourth.hang_up();
    agent.wait_for("the queue", at, SOON, is_feature("queue", false, "pbx"));
    // Taken, and the PBX says that nothing changed.
    let nothing = agent.command(&["queue", "in"]);
    let text = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(nothing.status.code() == Some(8) && text.contains("still says that nothing changed"), "{text}");
    third.wait_until_ended(2);
}
