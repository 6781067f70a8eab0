//! RFC 4475 and RFC 5118 against a whole endpoint, over UDP and over a stream: what the RFC lets a phone answer, and what
//! ours does.

use agent_core::{
    id::{AccountId, CallId},
    port::sip::{SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::{
    config::{Callers, Config},
    endpoint::{Endpoint, Input, Output},
    flow::{Flow, Transport},
    message::{Message, StreamDecoder, StreamItem},
    rng::SeededRng,
};
use bytes::Bytes;
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The users whom the messages are for.
const USERS: [&str; 3] = ["user", "vivekg", "UserB"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

/// A row of `rfc4475.txt` or `rfc5118.txt`.
struct Row {
    name: String,
    section: String,
    udp: String,
    tcp: String,
    why: String,
}

fn rows(file: &str) -> Vec<Row> {
    let table = fs::read_to_string(folder().join(file)).expect("the table");
    let row = |line: &str| {
        let mut cells = line.splitn(5, " | ").map(|cell| cell.trim().to_owned());
        let mut next = || cells.next().unwrap_or_else(|| panic!("a cell is missing in {line}"));
        Row { name: next(), section: next(), udp: next(), tcp: next(), why: next() }
    };
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(row).collect()
}

/// A phone, and what it answered to the one message it got.
struct Phone {
    endpoint: Endpoint,
    now: Instant,
    answers: Vec<String>,
    rings: Vec<CallId>,
}

impl Phone {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config { callers: Callers::Anyone, ..Config::default() };
        let mut endpoint = Endpoint::new(now, config, Box::new(SeededRng::new(4475)));
        for (number, user) in USERS.into_iter().enumerate() {
            let settings =
                AccountSettings { aor: format!("sip:{user}@192.0.2.77"), ..AccountSettings::default() };
            let account = AccountId(u32::try_from(number).expect("few accounts"));
            let password = Secret::new("x".to_owned());
            endpoint.handle(now, Input::Command(SipCommand::Register { account, settings, password }));
        }
        let mut phone = Self { endpoint, now, answers: Vec::new(), rings: Vec::new() };
        phone.drain();
        phone.answers.clear();
        phone
    }

    fn flow(transport: Transport, v6: bool) -> Flow {
        let (local, peer) = if v6 {
            ("[2001:db8::77]:5060", "[2001:db8::9:1]:5060")
        } else {
            ("192.0.2.88:5060", "192.0.2.99:5060")
        };
        Flow { transport, local: local.parse().expect("an address"), peer: peer.parse().expect("one") }
    }

    /// What it answers to one datagram.
    fn datagram(bytes: &[u8], v6: bool) -> Self {
        let mut phone = Self::new();
        let flow = Self::flow(Transport::Udp, v6);
        phone.input(Input::Datagram { flow, bytes: Bytes::copy_from_slice(bytes) });
        phone
    }

    /// What it answers to a stream that brings these bytes in pieces of `piece`.
    fn stream(bytes: &[u8], v6: bool, piece: usize) -> Self {
        let mut phone = Self::new();
        let (flow, mut decoder) = (Self::flow(Transport::Tcp, v6), StreamDecoder::new());
        for piece in bytes.chunks(piece) {
            decoder.push(piece);
            while let Some(item) = decoder.next_item() {
                let ends = matches!(item, StreamItem::Fatal(_));
                phone.input(Input::Item { flow, item });
                if ends {
                    phone.answers.push("closed".to_owned());
                }
            }
        }
        phone
    }

    fn input(&mut self, input: Input) {
        self.endpoint.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.endpoint.poll() {
            match output {
                Output::Event(SipEvent::Incoming { call, .. }) => {
                    self.rings.push(call);
                    self.endpoint.handle(self.now, Input::Command(SipCommand::Ring { call }));
                }
                Output::Transmit(transmit) => match Message::parse_datagram(&transmit.bytes) {
                    Ok(Message::Response(response)) if response.status > 100 => {
                        self.answers.push(format!("{} {}", response.status, response.phrase));
                    }
                    Ok(_) => {}
                    Err(wrong) => panic!("we said what nobody can read: {wrong}"),
                },
                _ => {}
            }
        }
    }

    /// What came, in one line.
    fn said(&self) -> String {
        if self.answers.is_empty() { "silence".to_owned() } else { self.answers.join(", ") }
    }

    /// What rings is declined; everything else that is kept of the message ends by itself.
    fn ends(&mut self, name: &str) {
        for call in std::mem::take(&mut self.rings) {
            self.input(Input::Command(SipCommand::Hangup { call }));
        }
        for _ in 0..80 {
            self.now += Duration::from_secs(1);
            self.input(Input::Timeout);
        }
        let load = self.endpoint.load();
        assert_eq!((load.calls, load.servers), (0, 0), "{name}: something stays for ever");
    }
}

/// Whether an answer is one of those allowed.
fn fits(allowed: &str, said: &str) -> bool {
    let first = said.split([' ', ',']).next().unwrap_or_default();
    allowed.split(' ').any(|one| one == first)
}

/// Holds every row against the endpoint; the table, and whether all is well.
fn table(file: &str, data: &str, v6: bool) -> (String, bool) {
    let (mut text, mut well) = (String::new(), true);
    for row in rows(file) {
        let path = folder().join(data).join(format!("{}.dat", row.name));
        let bytes = fs::read(&path).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
        let mut udp = Phone::datagram(&bytes, v6);
        let mut tcp = Phone::stream(&bytes, v6, usize::MAX);
        let slow = Phone::stream(&bytes, v6, 1);
        assert_eq!(tcp.said(), slow.said(), "{}: how a stream is cut changes the answer", row.name);
        for (over, allowed, phone) in [("UDP", &row.udp, &mut udp), ("TCP", &row.tcp, &mut tcp)] {
            let said = phone.said();
            let right = fits(allowed, &said);
            well &= right;
            text.push_str(&format!(
                "{} {} | {} | {over} | the RFC: {allowed} | we: {said} | {}\n",
                if right { "  " } else { "!!" },
                row.name,
                row.section,
                row.why
            ));
            phone.ends(&row.name);
        }
    }
    (text, well)
}

#[test]
fn rfc_4475_is_answered_as_it_says() {
    assert_eq!(rows("rfc4475.txt").len(), 49, "RFC 4475 has 49 messages");
    let (table, well) = table("rfc4475.txt", "", false);
    println!("{table}");
    assert!(well, "\n{table}");
}

#[test]
fn rfc_5118_is_answered_as_it_says() {
    let (table, well) = table("rfc5118.txt", "ipv6", true);
    println!("{table}");
    assert!(well, "\n{table}");
}

#[test]
fn both_tables_of_rfc_4475_have_the_same_messages() {
    let read = fs::read_to_string(folder().join("table.txt")).expect("the table");
    let cells = |line: &str| line.split(" | ").take(2).map(str::to_owned).collect::<Vec<_>>();
    let there: Vec<_> =
        read.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(cells).collect();
    let here: Vec<_> = rows("rfc4475.txt").into_iter().map(|row| vec![row.name, row.section]).collect();
    assert_eq!(there, here);
}

/// As printed, `baddn` is cut; with its empty line it shows what it is about: the name is forgiven, because there is
/// but one way to read it.
#[test]
fn the_display_name_without_quotes_is_forgiven_once_the_message_is_whole() {
    let mut bytes = fs::read(folder().join("baddn.dat")).expect("the message");
    bytes.extend_from_slice(b"\r\n");
    let said = Phone::datagram(&bytes, false).said();
    assert!(fits("200 400 404", &said), "{said}");
}

/// RFC 5118 section 4.3 and 4.4: what is a port and what is not.
#[test]
fn a_port_stands_behind_the_bracket() {
    let port = |name: &str| {
        let bytes = fs::read(folder().join(format!("ipv6/{name}.dat"))).expect("the message");
        match Message::parse_datagram(&bytes) {
            Ok(Message::Request(request)) => request.uri.as_sip().map(|uri| (uri.host.to_plain(), uri.port)),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(port("ambiguous-port"), Some(("2001:db8::10:5070".to_owned(), None)));
    assert_eq!(port("port"), Some(("2001:db8::10".to_owned(), Some(5070))));
}
