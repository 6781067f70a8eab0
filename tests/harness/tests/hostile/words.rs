//! A stranger's words on the screen: markup, control and direction characters, names without end: data, and nothing else.

use crate::scene::Scene;
use harness::{
    desktop::{Desktop, FakeToasts, Manner, Notice, Toasts},
    stranger::{Connection, Stranger},
    wait::SOON,
};

/// Display names and users as bytes on the wire, and a piece that must be readable all the same.
const WORDS: &[(&[u8], &str, &str)] = &[
    (
        b"<b>Bold</b> <img src='http://127.0.0.1:1/x'> <a href='http://evil.test/'>Bank</a> &amp; &lt;",
        "1",
        "Bank",
    ),
    ("\u{202e}ecilA\u{202c} \u{2066}\u{200f}\u{200b}\u{feff}Bob".as_bytes(), "2", "ecilA"),
    (b"A\x07\x1b[31mRed\x1b[0m\x08\x7fB\x0bC", "3", "Red"),
    (b"\xff\xfe\x80J\xfcrgen\xc3\x28", "4", "rgen"),
    (b"%s%n%x {0} {{}} $(reboot) `id` '; DROP TABLE journal; --", "5", "DROP"),
    (b"line one\\\r\n two\\\r\n three", "6", "line"),
    (b"--help", "7", "--help"),
    (b"Carol", "%0d%0aX-Evil:%20yes%00%1b%5b31m%3cb%3e", "Carol"),
    (b"Dave", "%e2%80%ae4321%f0%9f%92%a9%ff", "Dave"),
];

fn invite(from: &str, transport: &str, call: usize, name: &[u8], user: &str) -> Vec<u8> {
    let head = format!(
        "INVITE sip:1001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} {from};branch=z9hG4bK-words{call}\r\nFrom: \""
    );
    let tail = format!(
        "\" <sip:{user}@example.com>;tag=w{call}\r\nTo: <sip:1001@example.com>\r\nCall-ID: words{call}\r\n\
         CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:x@{from}>\r\nContent-Length: 0\r\n\r\n"
    );
    [head.as_bytes(), name, tail.as_bytes()].concat()
}

/// Whether a text is one that a terminal does not obey and that turns nothing round.
fn is_tame(text: &str) -> bool {
    let turns =
        |c: char| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().count() <= 1000 && !text.chars().any(|c| c.is_control() || turns(c))
}

/// Whether there is, besides, nothing in it that cannot be seen.
fn is_plain(text: &str) -> bool {
    is_tame(text) && !text.contains(['\u{200b}', '\u{2060}', '\u{feff}'])
}

#[test]
fn names_are_data_in_toasts_on_the_terminal_and_in_the_journal() {
    let mut desktop = Desktop::bare().expect("an X server");
    desktop.start_bus().expect("a bus");
    desktop.start_toasts(Toasts::None).expect("nobody");
    let capabilities =
        ["body", "actions", "body-markup", "body-hyperlinks", "body-images"].map(str::to_owned).to_vec();
    let manner = Manner { capabilities, ..Manner::default() };
    let _toasts = FakeToasts::start(&desktop.bus_address(), manner).expect("a notification service");
    let monitor = desktop.monitor().expect("an ear");
    let scene = Scene::with(&["1001"], |start| {
        start.desktop = true;
        start.environment.push(("DBUS_SESSION_BUS_ADDRESS".to_owned(), desktop.bus_address()));
        start.environment.push(("DISPLAY".to_owned(), desktop.display().to_owned()));
    });
    let agent = &scene.agent;
    let mut stranger = Stranger::to(agent.listening_port());
    let from = stranger.address().to_string();
    for (call, (name, user, piece)) in WORDS.iter().enumerate() {
        let (heard, seen) = (monitor.count(), agent.events().len());
        let answer = stranger.answer_to(&invite(&from, "UDP", call, name, user)).map(|answer| answer.code());
        assert_eq!(answer, Some(180), "{piece}");
        let (title, body) = monitor
            .wait(heard, |_, notice| match notice {
                // The one of the call, with its buttons; what the desktop lacks is told without.
                Notice::Notify { title, body, actions, .. }
                    if actions.iter().any(|name| name == "Answer") =>
                {
                    Some((title.clone(), body.clone()))
                }
                _ => None,
            })
            .expect("a toast");
        println!("{title:?} | {body:?}");
        assert!(is_plain(&title) && body.lines().all(is_plain), "{title:?} | {body:?}");
        assert!(title.contains(piece) || body.contains(piece), "{piece}: {title:?} | {body:?}");
        assert!(!body.contains('<'), "markup of theirs: {body:?}");
        said_plainly(&scene, &["status"]);
        let (event, seen) = agent.wait_for_call("incoming", seen, SOON);
        agent.ask(&["decline", &event["call"].to_string()]);
        assert_eq!(stranger.hear(SOON).map(|end| end.code()), Some(486), "{piece}");
        agent.wait_for_call("terminated", seen, SOON);
    }
    said_plainly(&scene, &["journal"]);
    a_name_without_end(&scene, &mut stranger);
    scene.a_call_is_served();
}

/// A command for people prints nothing that a terminal obeys.
fn said_plainly(scene: &Scene, arguments: &[&str]) {
    let output = scene.agent.plain(arguments).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.lines().all(is_tame), "{arguments:?}: {text:?}");
}

/// 60,000 bytes fit into a datagram, and 1 MiB into a stream; neither into a header field.
fn a_name_without_end(scene: &Scene, stranger: &mut Stranger) {
    let from = stranger.address().to_string();
    let long = stranger.answer_to(&invite(&from, "UDP", 100, &vec![b'A'; 60_000], "100"));
    assert!(long.is_some_and(|answer| (400..600).contains(&answer.code())), "too long to be read");
    let mut connection = Connection::to(scene.agent.listening_port());
    connection.say(&invite("127.0.0.1:9", "TCP", 101, &vec![b'A'; 1 << 20], "101"));
    let mut said = Vec::new();
    while let Some(heard) = connection.hear() {
        said.push(heard.code());
    }
    assert!(said.iter().all(|code| (400..600).contains(code)), "{said:?}");
    // As long as what an answer repeats may be: shown, and cut.
    let seen = scene.agent.events().len();
    let fits = stranger.answer_to(&invite(&from, "UDP", 102, &vec![b'A'; 7_000], "102"));
    assert_eq!(fits.map(|answer| answer.code()), Some(180));
    let (toast, seen) = scene.agent.wait_for("a toast", seen, SOON, |event| event["type"] == "toast");
    let shown = toast["text"].to_string();
    assert!(shown.len() < 1000, "{shown}");
    scene.agent.ask(&["decline", &toast["call"].to_string()]);
    scene.agent.wait_for_call("terminated", seen, SOON);
}
