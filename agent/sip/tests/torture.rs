//! The 49 messages of RFC 4475, one datagram each: what is read of them and what a phone answers, against a table.

use agent_sip::message::{Abilities, Headers, Message, ParseError, check_request, check_response};
use std::{fs, path::PathBuf};

/// Name, section and what the RFC says of the message, the part of a row that is not computed.
struct Row {
    name: String,
    section: String,
    verdict: String,
    rest: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

fn rows() -> Vec<Row> {
    let table = fs::read_to_string(folder().join("table.txt")).expect("the table");
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let row = |line: &str| {
        let mut cells = line.splitn(6, " | ").map(|cell| cell.trim().to_owned());
        let mut next = || cells.next().unwrap_or_else(|| panic!("a cell is missing in {line}"));
        let (name, section, verdict) = (next(), next(), next());
        // What the running agent answers over UDP and TCP is held to the table where one runs (`tests/harness`).
        let (_udp, _tcp) = (next(), next());
        Row { name, section, verdict, rest: next() }
    };
    lines.map(row).collect()
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.dat"))).unwrap_or_else(|wrong| panic!("{name}: {wrong}"))
}

#[test]
fn every_message_is_read_and_answered_as_the_table_says() {
    let rows = rows();
    assert_eq!(rows.len(), 49, "RFC 4475 has 49 messages");
    let mut wrong = String::new();
    for row in &rows {
        let seen = describe(&read(&row.name));
        if seen != row.rest {
            wrong.push_str(&format!(
                "{} | {} | {seen}\n   and the table says: {}\n",
                row.name, row.section, row.rest
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_answers_are_those_the_rfc_allows() {
    for row in rows() {
        let answer = row.rest.split(' ').next().unwrap_or_default();
        let served = matches!(answer, "180" | "200" | "taken");
        let fits = match row.verdict.as_str() {
            "valid" => served,
            "may" => served || answer == "400",
            "invalid" => matches!(answer, "400" | "501" | "505" | "dropped"),
            "refuse" => matches!(answer, "405" | "406" | "415" | "416" | "420" | "501"),
            other => panic!("{other} is no verdict"),
        };
        assert!(fits, "{}: {} and {answer}", row.name, row.verdict);
    }
}

#[test]
fn every_file_is_in_the_table() {
    let names: Vec<_> = rows().into_iter().map(|row| row.name).collect();
    for entry in fs::read_dir(folder()).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "dat") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            assert!(names.contains(&name), "{name} has no row");
        }
    }
}

#[test]
fn what_is_printed_reads_back_the_same() {
    for row in rows() {
        let Ok(message) = Message::parse_datagram(&read(&row.name)) else { continue };
        let again = Message::parse_datagram(&message.to_bytes());
        assert_eq!(again.as_ref(), Ok(&message), "{}", row.name);
    }
}

/// The computed part of a row: answer, start line, Via, From, To, Call-ID, CSeq, body.
fn describe(datagram: &[u8]) -> String {
    match Message::parse_datagram(datagram) {
        Ok(Message::Request(request)) => {
            let answer = match check_request(&request, &Abilities::PHONE) {
                Ok(()) if request.method.to_string() == "INVITE" => "180".to_owned(),
                Ok(()) => "200".to_owned(),
                Err(no) => {
                    // What is served grows; that it is said is what counts.
                    let said = |(name, value): &(&str, String)| match *name {
                        "Allow" => " [Allow]".to_owned(),
                        name => format!(" [{name}: {value}]"),
                    };
                    let extra: String = no.headers.iter().map(said).collect();
                    format!("{} {}{extra}", no.status, no.phrase)
                }
            };
            let start = format!("{} {}", request.method, request.uri);
            format!("{answer} | {start} | {}", fields(&request.headers, request.body.len()))
        }
        Ok(Message::Response(response)) => {
            let answer = match check_response(&response) {
                Ok(()) => "taken".to_owned(),
                Err(wrong) => format!("dropped ({wrong})"),
            };
            let start = format!("{} {}", response.status, response.phrase);
            format!("{answer} | {start} | {}", fields(&response.headers, response.body.len()))
        }
        Err(error) => describe_error(&error),
    }
}

fn describe_error(error: &ParseError) -> String {
    match error.answer() {
        Some((request, no)) => {
            let start = format!("{} {}", request.method, request.uri);
            format!("{} {} | {} | {}", no.status, no.phrase, start.trim(), fields(&request.headers, 0))
        }
        None => format!("dropped ({error})"),
    }
}

fn fields(headers: &Headers, body: usize) -> String {
    let address = |field: Result<agent_sip::message::NameAddr, _>| {
        field.map_or("?".to_owned(), |field| {
            let name =
                field.display.as_ref().map_or(String::new(), |name| format!("{} ", name.escape_ascii()));
            let tag = field.tag().map_or(String::new(), |tag| format!(" tag {tag}"));
            format!("{name}<{}>{tag}", field.uri)
        })
    };
    let vias = headers.vias().map_or("?".to_owned(), |vias| {
        let branch = vias[0].branch().map_or(String::new(), |branch| format!(" {branch}"));
        format!("{} via {} {}{branch}", vias.len(), vias[0].transport, vias[0].host)
    });
    let cseq = headers.cseq().map_or("?".to_owned(), |cseq| cseq.to_string());
    let id = headers.call_id().map_or("?".to_owned(), |id| id.escape_ascii().to_string());
    format!("{vias} | {} | {} | {id} | {cseq} | {body}", address(headers.from()), address(headers.to()))
}
