//! Two agents at a real kamailio: who is on the phone, what somebody says of himself, voice mail, and text messages.

use harness::{
    agent::{Account, Agent},
    baresip::{Baresip, Setup},
    kamailio::{Kamailio, Options},
    sipp::Transport,
    talk::tone,
    wait::SOON,
};
use std::{net::UdpSocket, path::Path, time::Duration};

/// A user of this kamailio, with these lines in its account.
fn user(folder: &Path, kamailio: &Kamailio, name: &str, transport: Transport, lines: &str) -> Agent {
    let mut account = Account::at(kamailio.port, transport, &Kamailio::password(name));
    account.aor = format!("sip:{name}@127.0.0.1:{}", kamailio.port);
    let mut start = account.start();
    start.settings = start.settings.replace("password = ", &format!("{lines}\npassword = "));
    let agent = Agent::start(folder, name, start);
    agent.wait_until_registered();
    agent
}

/// Kamailio with presence, somebody who watches 1002 through it as a proxy, too, and 1002.
fn two(folder: &Path, transport: Transport) -> (Kamailio, Agent, Agent) {
    let kamailio = Kamailio::start_with(folder, &Options { presence: true, ..Options::default() });
    let proxy = format!("sip:127.0.0.1:{};transport={}", kamailio.port, transport.parameter());
    let watches = format!(
        "outbound_proxy = [\"{proxy}\"]\nwatch = [\"1002\"]\npresence = [\"1002\"]\nvoice_mail = true"
    );
    let anna = user(folder, &kamailio, "1001", transport, &watches);
    let bob = user(folder, &kamailio, "1002", transport, "publish = true");
    (kamailio, anna, bob)
}

fn wait_for_line(agent: &Agent, state: &str, after: usize) -> usize {
    let fits = |event: &serde_json::Value| event["type"] == "line" && event["line"]["state"] == state;
    agent.wait_for(&format!("line 1002: {state}"), after, SOON, fits).1
}

/// Tells the PBX that voice mail waits for 1001, as its answering machine would.
fn leave_voice_mail(kamailio: &Kamailio) {
    let body = "Messages-Waiting: yes\r\nVoice-Message: 2/1 (0/0)\r\n";
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
    let (own, port) = (socket.local_addr().expect("an address"), kamailio.port);
    let publish = format!(
        "PUBLISH sip:1001@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKmail\r\nMax-Forwards: 70\r\n\
         From: <sip:1001@127.0.0.1:{port}>;tag=mail\r\nTo: <sip:1001@127.0.0.1:{port}>\r\nCall-ID: mail\r\nCSeq: 1 PUBLISH\r\n\
         Event: message-summary\r\nExpires: 600\r\nContent-Type: application/simple-message-summary\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.send_to(publish.as_bytes(), ("127.0.0.1", port)).expect("it is sent");
    let mut answer = [0; 2048];
    let length = socket.recv(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
}

fn who_is_where(transport: Transport) {
    let folder = tempfile::tempdir().expect("a folder");
    let (kamailio, anna, bob) = two(folder.path(), transport);
    let says = |state: &'static str| {
        move |event: &serde_json::Value| event["type"] == "presence" && event["presence"]["state"] == state
    };
    anna.wait_for("1002 is there", 0, SOON, says("available"));
    bob.ask(&["presence", "away", "back at three"]);
    let (away, _) = anna.wait_for("1002 is away", 0, SOON, says("away"));
    assert_eq!(away["presence"]["note"], "back at three");
    bob.ask(&["presence", "available"]);
    // A call of theirs: it rings here, they talk, it is over.
    let before = anna.events().len();
    bob.ask(&["dial", "1001"]);
    anna.wait_for_call("incoming", before, SOON);
    anna.ask(&["answer"]);
    let busy = wait_for_line(&anna, "busy", before);
    anna.wait_for("1002 is on the phone", before, SOON, says("on_the_phone"));
    bob.ask(&["hangup"]);
    wait_for_line(&anna, "idle", busy);
    leave_voice_mail(&kamailio);
    let mail = |event: &serde_json::Value| event["type"] == "mwi" && event["mailbox"]["waiting"] == true;
    let (mail, _) = anna.wait_for("voice mail", 0, SOON, mail);
    assert_eq!((mail["mailbox"]["new"].as_u64(), mail["mailbox"]["old"].as_u64()), (Some(2), Some(1)));
}

#[test]
fn who_is_where_over_udp() {
    who_is_where(Transport::Udp);
}

#[test]
fn who_is_where_over_tcp() {
    who_is_where(Transport::Tcp);
}

#[test]
fn messages_arrive_once_in_order_and_whole() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let folder = tempfile::tempdir().expect("a folder");
        let (_kamailio, anna, bob) = two(folder.path(), transport);
        // The last is longer than a datagram may be.
        let long = "ü".repeat(800);
        let texts = ["Grüße aus der Küche", "two\nlines", long.as_str()];
        for text in texts {
            let said = anna.ask(&["message", "1002", text]).pop().expect("what became of it");
            assert_eq!(said["state"], "sent", "{transport:?}: {said}");
        }
        let theirs = || -> Vec<String> {
            let all = bob.events();
            let came = all.iter().filter(|event| event["type"] == "message" && event["state"] == "received");
            came.map(|event| event["text"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let came = harness::wait::until(SOON, || Some(theirs()).filter(|came| came.len() >= texts.len()));
        assert_eq!(came.as_deref(), Some(&texts.map(str::to_owned)[..]), "{transport:?}");
        let kept = bob.ask(&["message"]);
        assert_eq!(kept[0]["party"]["number"], "1001");
        // Nobody of that name, and nobody to write to.
        let nobody = anna.command(&["message", "1099", "hello"]);
        assert_eq!(nobody.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&nobody.stderr).contains("(404 Not Found)"), "{nobody:?}");
        assert_eq!(anna.command(&["message", "no number", "hello"]).status.code(), Some(7));
    }
}

#[test]
fn another_phone_takes_a_message_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let kamailio = Kamailio::start(folder.path());
    let anna = user(folder.path(), &kamailio, "1001", Transport::Udp, "");
    let says = tone(folder.path(), 440.0);
    let setup = Setup {
        user: "1003",
        password: Some("pw1003"),
        host: "127.0.0.1",
        registrar: kamailio.port,
        domain: None,
        transport: Transport::Udp,
        answers: false,
        says: &says,
        codecs: "PCMA",
    };
    let mut phone = Baresip::start(folder.path(), &setup);
    phone.wait_until_registered();
    let said = anna.ask(&["message", "1003", "Zwölf Boxkämpfer"]).pop().expect("what became of it");
    assert_eq!(said["state"], "sent", "{said}");
    phone.proc.wait_for_text("Zwölf Boxkämpfer", SOON);
}
