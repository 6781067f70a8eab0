//! The CRM over a raw socket: the list, the page, the key, and every way to fail.

use agent_exchange::{Crm, CrmConfig, CrmFault};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

fn get(crm: &Crm, path: &str, fields: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(crm.address()).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    // A server that is down may reset before all of it is written.
    let _ =
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{fields}\r\n", crm.address());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn text(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).into_owned()
}

#[test]
fn contacts_are_looked_up_and_shown() {
    let crm = Crm::start(CrmConfig::default()).expect("it starts");
    let answer = text(&get(&crm, "/api/contacts?phone=%2B49301234567", "User-Agent: test\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let body: serde_json::Value =
        serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    assert_eq!(body[0]["name"], "Alice Schmidt");
    assert_eq!(body[0]["url"], crm.record_url(7));
    assert!(text(&get(&crm, "/api/contacts?phone=%2B15550000000", "")).ends_with("[]"));
    let page = text(&get(&crm, "/contacts/9", ""));
    assert!(page.contains("Chiara Rossi") && page.contains("text/html"), "{page}");
    assert!(text(&get(&crm, "/contacts/99", "")).starts_with("HTTP/1.1 404 "));
    assert_eq!((crm.requests(), crm.hits()[0].phone.as_deref()), (4, Some("+49301234567")));
    assert_eq!(crm.hits()[0].user_agent, "test");
}

#[test]
fn a_key_is_asked_for() {
    let crm =
        Crm::start(CrmConfig { api_key: Some("k".to_owned()), ..CrmConfig::default() }).expect("it starts");
    assert!(text(&get(&crm, "/api/contacts", "")).starts_with("HTTP/1.1 401 "));
    assert!(text(&get(&crm, "/api/contacts", "Authorization: Bearer k\r\n")).starts_with("HTTP/1.1 200 "));
    assert!(text(&get(&crm, "/api/contacts", "X-Api-Key: k\r\n")).starts_with("HTTP/1.1 200 "));
    assert!(text(&get(&crm, "/contacts/7", "")).starts_with("HTTP/1.1 200 "), "pages are for people");
}

#[test]
fn it_fails_as_told() {
    let crm = Crm::start(CrmConfig::default()).expect("it starts");
    crm.faults().set(CrmFault::Down);
    assert!(get(&crm, "/api/contacts", "").is_empty());
    crm.faults().set(CrmFault::Error);
    assert!(text(&get(&crm, "/api/contacts", "")).starts_with("HTTP/1.1 500 "));
    crm.faults().set(CrmFault::Garbage);
    assert!(text(&get(&crm, "/api/contacts", "")).contains("not json"));
    crm.faults().set(CrmFault::Redirect("http://127.0.0.2:1/x\r\nEvil: 1".to_owned()));
    let answer = text(&get(&crm, "/api/contacts", ""));
    assert!(answer.contains("Location: http://127.0.0.2:1/xEvil: 1\r\n"), "{answer}");
    crm.faults().set(CrmFault::Huge);
    assert!(get(&crm, "/api/contacts", "").len() > 64 * 1024 * 1024);
    crm.faults().set(CrmFault::Slow(Duration::from_millis(50)));
    assert!(text(&get(&crm, "/api/contacts", "")).starts_with("HTTP/1.1 200 "));
    crm.faults().set(CrmFault::Silent);
    let mut stream = TcpStream::connect(crm.address()).expect("connected");
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    stream.write_all(b"GET /api/contacts HTTP/1.1\r\n\r\n").expect("sent");
    assert!(stream.read(&mut [0; 16]).is_err(), "there is never an answer");
    assert!(text(&get(&crm, "/contacts/7", "")).contains("Alice"), "pages still work");
    crm.faults().set(CrmFault::None);
    assert!(text(&get(&crm, "/api/contacts", "")).starts_with("HTTP/1.1 200 "));
}
