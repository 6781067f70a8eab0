//! The 49 messages of RFC 4475, sent to the running agent over UDP and over TCP: each is answered as the table says.

use crate::scene::Scene;
use harness::{
    agent::Agent,
    stranger::{Connection, Heard, Stranger},
    wait::SOON,
};
use std::{fs, path::PathBuf};

/// The users that the messages are for, and the one whom normal calls ring.
const USERS: [&str; 4] = ["1001", "user", "vivekg", "UserB"];

/// What a debug build may grow over all messages, KiB: caches that fill once, not a leak.
const GROWTH: u64 = 8 * 1024;

/// What the running agent answers, of a row of the table.
struct Row {
    name: String,
    udp: String,
    tcp: String,
    call_id: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../agent/sip/tests/torture")
}

fn rows() -> Vec<Row> {
    let table = fs::read_to_string(folder().join("table.txt")).expect("the table");
    let row = |line: &str| {
        let cells: Vec<String> = line.split(" | ").map(|cell| cell.trim().to_owned()).collect();
        let cell = |number: usize| cells.get(number).cloned().unwrap_or_default();
        // Of a message that cannot be read at all the table has neither start line nor fields.
        Row { name: cell(0), udp: cell(3), tcp: cell(4), call_id: cell(10) }
    };
    let rows: Vec<Row> =
        table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(row).collect();
    assert_eq!(rows.len(), 49, "RFC 4475 has 49 messages");
    rows
}

fn message(row: &Row) -> Vec<u8> {
    fs::read(folder().join(format!("{}.dat", row.name))).expect("the message")
}

/// Declines what rings since event number `seen`, and waits for its end.
fn decline(agent: &Agent, seen: usize) {
    let (event, seen) = agent.wait_for_call("incoming", seen, SOON);
    agent.ask(&["decline", &event["call"].to_string()]);
    agent.wait_for_call("terminated", seen, SOON);
}

/// The port in the topmost Via, where it names one that is not 5060.
fn via_port(message: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(message);
    let via = text.lines().find(|line| line.to_ascii_lowercase().starts_with("via"))?;
    let sent_by = via.split(';').next()?.split_whitespace().last()?;
    sent_by.split_once(':')?.1.parse().ok().filter(|port| *port != 5060)
}

/// What came, as the table writes it.
fn said(answer: Option<&Heard>) -> String {
    answer.map_or("silence".to_owned(), Heard::status)
}

/// The wrong lines of a table, so that a run shows all of them.
#[derive(Default)]
struct Wrong(String);

impl Wrong {
    fn compare(&mut self, row: &Row, wanted: &str, answer: Option<&Heard>, end: &str) {
        let mut seen = said(answer) + end;
        let id = answer.and_then(|answer| answer.header("Call-ID")).unwrap_or_default();
        // The table escapes every quote and backslash.
        let id = id.escape_default().to_string();
        if answer.is_some() && row.call_id != "?" && !row.call_id.is_empty() && id != row.call_id {
            seen.push_str(&format!(" for the call {id}"));
        }
        if seen != wanted {
            self.0.push_str(&format!("{} | {seen} | and the table says {wanted}\n", row.name));
        }
    }
}

#[test]
fn over_udp_each_is_answered_as_the_table_says_and_the_agent_lives_on() {
    let scene = Scene::with(&USERS, |_| ());
    scene.a_call_is_served();
    let agent = &scene.agent;
    let before = agent.memory();
    let mut stranger = Stranger::to(agent.listening_port());
    let mut wrong = Wrong::default();
    for (number, row) in rows().iter().enumerate() {
        let seen = agent.events().len();
        let bytes = message(row);
        // An answer goes to the port in the Via (RFC 3261 section 18.2.2), which one message has of its own.
        let mut elsewhere = via_port(&bytes).map(|port| Stranger::at(port, agent.listening_port()));
        let stranger = elsewhere.as_mut().unwrap_or(&mut stranger);
        let answer = stranger.answer_to(&bytes);
        wrong.compare(row, &row.udp, answer.as_ref(), "");
        if answer.is_some_and(|answer| answer.code() == 180) {
            decline(agent, seen);
            let end = stranger.hear(SOON).map(|end| end.code());
            assert_eq!(end, Some(486), "{} is declined", row.name);
        }
        if number % 16 == 15 {
            scene.a_call_is_served();
        }
    }
    assert!(wrong.0.is_empty(), "\n{}{}", wrong.0, agent.proc);
    ends_well(&scene, before);
}

#[test]
fn over_tcp_each_is_answered_as_the_table_says_and_the_agent_lives_on() {
    let scene = Scene::with(&USERS, |_| ());
    scene.a_call_is_served();
    let agent = &scene.agent;
    let before = agent.memory();
    let port = agent.listening_port();
    let mut stranger = Stranger::to(port);
    let mut wrong = Wrong::default();
    for row in &rows() {
        let seen = agent.events().len();
        let mut connection = Connection::to(port);
        connection.say(&message(row));
        if row.tcp == "silence" {
            connection.finish();
        }
        let answer = connection.hear();
        let rings = answer.as_ref().is_some_and(|answer| answer.code() == 180);
        let closes = row.tcp.ends_with(", closed");
        let mut more = String::new();
        if closes {
            while let Some(heard) = connection.hear() {
                more.push_str(&format!(", {}", heard.status()));
            }
            more.push_str(", closed");
        }
        wrong.compare(row, &row.tcp, answer.as_ref(), &more);
        if rings {
            decline(agent, seen);
            assert_eq!(connection.hear().map(|end| end.code()), Some(486), "{} is declined", row.name);
        }
        if answer.is_some() && !closes {
            // What follows on the same connection is read as if nothing had been.
            assert_eq!(connection.ask().code(), 200, "{}", row.name);
        }
        assert!(stranger.ask().is_empty(), "{} was answered over UDP", row.name);
    }
    assert!(wrong.0.is_empty(), "\n{}{}", wrong.0, agent.proc);
    ends_well(&scene, before);
}

fn ends_well(scene: &Scene, before: u64) {
    scene.a_call_is_served();
    scene.all_are_registered(USERS.len());
    let grown = scene.agent.memory().saturating_sub(before);
    assert!(grown < GROWTH, "it grew by {grown} KiB from {before} KiB");
}
