//! Datagrams, whole, cut and hostile.

use super::Malformed;
use crate::message::{MAX_HEADERS, MAX_LINE, MAX_MESSAGE, Message, Method, Request};

fn request(text: &str) -> Request {
    match Message::parse_datagram(text.replace('\n', "\r\n").as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn wrong(text: impl AsRef<[u8]>) -> Malformed {
    Message::parse_datagram(text.as_ref()).expect_err("malformed").what
}

const HEAD: &str = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n";

#[test]
fn names_are_long_and_values_unfolded() {
    let read =
        request("INVITE sip:a@b SIP/2.0\nv: SIP/2.0/UDP h\nSubject : a\n  b\n\tc\nX-Odd:\nl : 2\n\nhello");
    let lines: Vec<_> = read.headers.iter().map(|h| format!("{}={}", h.name, h.value)).collect();
    assert_eq!(lines, ["Via=SIP/2.0/UDP h", "Subject=a b c", "X-Odd="]);
    assert_eq!(read.body, &b"he"[..], "what follows the body is cut");
}

#[test]
fn a_body_without_length_is_the_rest_of_the_datagram() {
    assert_eq!(request("INVITE sip:a@b SIP/2.0\nv: SIP/2.0/UDP h\n\nv=0\n").body, &b"v=0\r\n"[..]);
}

#[test]
fn bare_line_feeds_and_leading_line_ends_are_forgiven() {
    let read = Message::parse_datagram(b"\r\n\r\nOPTIONS sip:a@b SIP/2.0\nVia: SIP/2.0/UDP h\n\nx")
        .expect("a message");
    assert_eq!(read.body(), &b"x"[..]);
}

#[test]
fn lines_that_are_no_header_fields_lose_no_call() {
    let read = request("INVITE sip:a@b SIP/2.0\nFoobar roobar\nBad Name: x\nVia: SIP/2.0/UDP h\n\n");
    assert_eq!(read.headers.len(), 1);
}

#[test]
fn a_cut_message_never_passes_for_a_whole_one() {
    let whole = format!("{HEAD}Content-Length: 4\r\n\r\nv=0\n");
    assert!(Message::parse_datagram(whole.as_bytes()).is_ok());
    for len in 0..whole.len() {
        assert!(Message::parse_datagram(&whole.as_bytes()[..len]).is_err(), "{len} of {}", whole.len());
    }
}

#[test]
fn lengths_must_agree() {
    assert_eq!(wrong(format!("{HEAD}l: 9\r\n\r\nv=0")), Malformed::BodyCut);
    assert_eq!(wrong(format!("{HEAD}l: -9\r\n\r\nv=0")), Malformed::ContentLength);
    assert_eq!(wrong(format!("{HEAD}l: 1\r\nl: 2\r\n\r\nv=0")), Malformed::ContentLengths);
    assert!(Message::parse_datagram(format!("{HEAD}l: 1\r\nl: 1\r\n\r\nv=0").as_bytes()).is_ok());
    assert_eq!(wrong(format!("{HEAD}l: 99999999999999999999999999\r\n\r\nv=0")), Malformed::ContentLength);
}

#[test]
fn what_is_no_sip_is_dropped_without_a_word() {
    for bytes in [
        &b""[..],
        b"\r\n\r\n",
        b"\0\x01\0\x08",
        b"hello",
        b"\xff\xfe <<>> \r\n\r\n",
        b"SIP/2.0 99 x\r\n\r\n",
        b"SIP/3.0 200 x\r\n\r\n",
    ] {
        let error = Message::parse_datagram(bytes).expect_err("no message");
        assert!(error.answer().is_none(), "{bytes:?}");
    }
    assert_eq!(wrong("\r\n"), Malformed::KeepAlive);
}

#[test]
fn who_wants_an_answer_can_get_one() {
    let answer = |text: String| {
        let error = Message::parse_datagram(text.as_bytes()).expect_err("malformed");
        error
            .answer()
            .map(|(request, no)| (request.method.clone(), no.status, no.response(request, Some("t")).status))
    };
    assert_eq!(answer(HEAD.replace("2.0\r", "9.0\r") + "\r\n"), Some((Method::Invite, 505, 505)));
    assert_eq!(answer(HEAD.replace("sip:a@b", "<sip:a@b>") + "\r\n"), Some((Method::Invite, 400, 400)));
    assert_eq!(answer(HEAD.replace("INVITE", "ACK") + "l: 9\r\n\r\n"), None, "an ACK is never answered");
    assert_eq!(
        answer("INVITE sip:a@b SIP/2.0\r\nl: 9\r\n\r\n".to_owned()),
        None,
        "nobody to answer without a Via"
    );
}

#[test]
fn caps_on_every_size() {
    assert_eq!(wrong(vec![b'x'; MAX_MESSAGE + 1]), Malformed::TooLarge);
    assert_eq!(wrong(format!("{HEAD}{}\r\n", "X: y\r\n".repeat(MAX_HEADERS))), Malformed::TooManyHeaders);
    assert_eq!(wrong(format!("{HEAD}X: {}\r\n\r\n", "y".repeat(MAX_LINE))), Malformed::LineTooLong);
    let folded = format!("{HEAD}X: y{}\r\n\r\n", "\r\n y".repeat(MAX_LINE / 4));
    assert_eq!(wrong(folded), Malformed::LineTooLong);
}

/// Found by fuzzing: a message of the most fields and none for the length could not be read as we had printed it.
#[test]
fn the_length_is_no_field_too_many() {
    let fields = "X: y\r\n".repeat(MAX_HEADERS);
    for text in [
        format!("OPTIONS sip:a@b SIP/2.0\r\n{fields}\r\n"),
        format!("OPTIONS sip:a@b SIP/2.0\r\n{fields}l: 0\r\n\r\n"),
        format!("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n{fields}\r\n"),
    ] {
        let read = Message::parse_datagram(text.as_bytes()).expect("a message");
        assert_eq!(read.headers().len(), MAX_HEADERS);
        assert_eq!(Message::parse_datagram(&read.to_bytes()), Ok(read));
    }
    let twice = format!("OPTIONS sip:a@b SIP/2.0\r\nl: 0\r\n{fields}l: 0\r\n\r\n");
    assert_eq!(wrong(twice), Malformed::TooManyHeaders);
}
