//! What is refused, and in which order; RFC 4475 has the rest (`tests/torture.rs`).

use super::{Abilities, check_request, check_response};
use crate::message::{Message, Request, Response};

const GOOD: &str = "INVITE sip:a@b SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:c@d>;tag=1\nTo: <sip:a@b>\nCall-ID: x\nCSeq: 1 INVITE\n";

fn request(text: &str) -> Request {
    match Message::parse_datagram(format!("{text}\n").replace('\n', "\r\n").as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn status(text: &str) -> u16 {
    check_request(&request(text), &Abilities::PHONE).map_or_else(|no| no.status, |()| 0)
}

#[test]
fn each_missing_field_is_named() {
    assert_eq!(status(GOOD), 0);
    for field in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let without: String =
            GOOD.lines().filter(|line| !line.starts_with(field)).map(|line| format!("{line}\n")).collect();
        let no = check_request(&request(&without), &Abilities::PHONE).expect_err("refused");
        assert_eq!(no.status, 400);
        assert!(no.phrase.contains(field), "{}", no.phrase);
        let twice = GOOD
            .lines()
            .filter(|line| line.starts_with(field))
            .fold(GOOD.to_owned(), |all, line| all + line + "\n");
        assert_eq!(status(&twice), if field == "Via" { 0 } else { 400 }, "two {field}");
    }
}

#[test]
fn the_order_of_rfc_3261_section_8_2() {
    let all_wrong = GOOD.replace("INVITE", "FROBNICATE").replace("sip:a@b SIP", "x:y SIP") + "Require: z\n";
    assert_eq!(status(&all_wrong), 501);
    assert_eq!(status(&GOOD.replace("INVITE", "REGISTER")), 405);
    let strange = GOOD.replace("sip:a@b SIP", "x:y SIP") + "Require: z\n";
    assert_eq!(status(&strange), 416);
    assert_eq!(status(&(GOOD.to_owned() + "Require: z\nContent-Type: text/html\n\nx")), 420);
    assert_eq!(
        status(&(GOOD.replace("INVITE", "CANCEL") + "Require: z\n")),
        0,
        "Require means nothing in CANCEL"
    );
}

#[test]
fn bodies() {
    assert_eq!(status(&(GOOD.to_owned() + "Content-Type: text/html\n\nx")), 415);
    assert_eq!(status(&(GOOD.to_owned() + "Content-Type: Application/SDP;x=y\n\nx")), 0);
    assert_eq!(status(&(GOOD.to_owned() + "\nv=0")), 0);
    assert_eq!(
        status(&(GOOD.to_owned() + "Content-Type: application/sdp\nContent-Encoding: gzip\n\nx")),
        415
    );
    assert_eq!(status(&(GOOD.to_owned() + "Content-Type: nonsense\n\nx")), 400);
    assert_eq!(status(&(GOOD.to_owned() + "Content-Type: text/html\n")), 0, "no body, no quarrel");
    assert_eq!(status(&(GOOD.to_owned() + "Accept: text/plain, */*;q=0.1\n")), 0);
    assert_eq!(status(&(GOOD.to_owned() + "Accept:\n")), 0);
}

#[test]
fn the_answer_carries_what_it_must() {
    let asked = request(&(GOOD.to_owned() + "Require: 100rel, timer\nRecord-Route: <sip:p;lr>\n"));
    let no = check_request(&asked, &Abilities { extensions: &["timer"], ..Abilities::PHONE })
        .expect_err("refused");
    let answer = no.response(&asked, Some("mine"));
    assert_eq!(answer.status, 420);
    assert_eq!(answer.headers.get("Unsupported").expect("a list"), "100rel");
    assert_eq!(answer.headers.to().expect("To").tag().expect("a tag"), "mine");
    assert_eq!(answer.headers.get("Via"), asked.headers.get("Via"));
    assert!(!answer.headers.has("Record-Route"));
    assert_eq!(check_response(&answer), Ok(()));
    assert!(Response::to(&asked, 180, Some("t")).headers.has("Record-Route"));
}

#[test]
fn a_tag_that_is_there_stays() {
    let asked = request(&GOOD.replace("To: <sip:a@b>", "To: \"T\" <sip:a@b>;tag=old"));
    assert_eq!(
        Response::to(&asked, 200, Some("new")).headers.get("To").expect("To"),
        "\"T\" <sip:a@b>;tag=old"
    );
}
