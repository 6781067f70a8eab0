//! Dialogs held against the rules of RFC 3261 section 12, from messages written out.

use super::*;
use crate::message::Message;

fn request(text: &str) -> Request {
    match Message::parse_datagram(text.replace('\n', "\r\n").as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn invite(record_routes: &str) -> Request {
    request(&format!(
        "INVITE sip:1001@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\n{record_routes}\
         From: \"A\" <sip:a@x>;tag=their\nTo: <sip:1001@x>\nCall-ID: c1\nCSeq: 7 INVITE\n\
         Contact: <sip:a@192.0.2.1:5070>\nContent-Length: 0\n\n"
    ))
}

#[test]
fn a_server_keeps_the_route_in_order_and_a_client_turns_it_round() {
    let received = invite("Record-Route: <sip:p1;lr>, <sip:p2;lr>\n");
    let mut server = Dialog::by_request(&received, "ours").unwrap();
    let bye = server.request(Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:a@192.0.2.1:5070");
    let routes: Vec<_> =
        bye.headers.addresses(name::ROUTE).unwrap().iter().map(|r| r.uri.to_string()).collect();
    assert_eq!(routes, ["sip:p1;lr", "sip:p2;lr"], "RFC 3261 section 12.1.1");
    assert_eq!(server.hop().unwrap().host, "p1");
    let (from, to) = (bye.headers.from().unwrap(), bye.headers.to().unwrap());
    assert_eq!(
        (from.tag().unwrap().to_string(), to.tag().unwrap().to_string()),
        ("ours".into(), "their".into())
    );

    let mut response = Response::to(&received, 200, Some("remote"));
    response.headers.push(name::CONTACT, "<sip:b@192.0.2.2>");
    let client = Dialog::by_response(&response, None).unwrap();
    assert_eq!(client.hop().unwrap().host, "p2", "RFC 3261 section 12.1.2: reverse order");
    assert_eq!(client.ack(7).headers.cseq().unwrap().to_string(), "7 ACK");
    assert_eq!(client.id(), DialogId::of_response(&response.headers).unwrap());
}

#[test]
fn a_strict_router_finds_itself_in_the_request_uri() {
    let mut dialog = Dialog::by_request(&invite("Record-Route: <sip:old>, <sip:p2;lr>\n"), "ours").unwrap();
    let bye = dialog.request(Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:old", "RFC 3261 section 12.2.1.1");
    let routes: Vec<_> =
        bye.headers.addresses(name::ROUTE).unwrap().iter().map(|r| r.uri.to_string()).collect();
    assert_eq!(routes, ["sip:p2;lr", "sip:a@192.0.2.1:5070"]);
}

#[test]
fn numbers_grow_on_both_sides() {
    let mut dialog = Dialog::by_request(&invite(""), "ours").unwrap();
    assert!(!dialog.in_order(7) && !dialog.in_order(3) && dialog.in_order(9) && !dialog.in_order(8));
    assert_eq!(dialog.request(Method::Bye).headers.cseq().unwrap().number, 1);
    assert_eq!(dialog.request(Method::Bye).headers.cseq().unwrap().number, 2);
    assert_eq!(dialog.ack(1).headers.cseq().unwrap().number, 1, "an ACK uses no number of its own");
}

#[test]
fn a_request_without_contact_makes_no_dialog() {
    let mut received = invite("");
    received.headers.remove(name::CONTACT);
    assert_eq!(Dialog::by_request(&received, "x").unwrap_err().field, "Contact");
}

#[test]
fn to_a_peer_of_rfc_2543_without_contact_its_from_leads() {
    let mut received = invite("");
    received.headers.remove(name::CONTACT);
    received.headers.set(name::VIA, "SIP/2.0/UDP 192.0.2.1");
    received.headers.set(name::FROM, "<sip:a@192.0.2.1:5080>");
    let hop = Dialog::by_request(&received, "x").unwrap().hop().unwrap();
    assert_eq!((hop.host.as_str(), hop.port), ("192.0.2.1", Some(5080)));
}

#[test]
fn the_target_follows_the_contact() {
    let mut dialog = Dialog::by_request(&invite(""), "ours").unwrap();
    let mut again = invite("");
    again.headers.set(name::CONTACT, "<sip:a@192.0.2.77;transport=tcp>");
    dialog.retarget(&again.headers);
    let hop = dialog.hop().unwrap();
    assert_eq!((hop.host.as_str(), hop.port), ("192.0.2.77", None));
    assert_eq!(hop.transport, Some(crate::flow::Transport::Tcp));
}
