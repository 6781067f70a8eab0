//! The registrar against a raw UDP socket: digest, expiry, 423, wrong passwords, silence, and what is no SIP.

use agent_core::secret::Secret;
use agent_exchange::{Exchange, ExchangeConfig, User};
use agent_sip::{
    auth::DigestClient,
    message::{Message, Method, Request, Response, SipUri, Via, name},
};
use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

/// A phone made of a socket and nothing else.
struct Raw {
    socket: UdpSocket,
    peer: SocketAddr,
    digest: DigestClient,
    number: u32,
}

impl Raw {
    fn new(exchange: &Exchange, password: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let digest = DigestClient::new("1001", Secret::new(password.to_owned()));
        Self { socket, peer: exchange.address(), digest, number: 0 }
    }

    fn request(&mut self, contact: &str, expires: &str) -> Request {
        self.number += 1;
        let local = self.socket.local_addr().expect("an address");
        let mut request =
            Request::new(Method::Register, SipUri::new(None, self.peer.ip().into(), Some(self.peer.port())));
        let via = Via::new(
            "UDP",
            local.ip(),
            Some(local.port()),
            format!("z9hG4bK{}-{}", local.port(), self.number),
        );
        for (name, value) in [
            (name::VIA, via.to_string()),
            (name::MAX_FORWARDS, "70".to_owned()),
            (name::FROM, "<sip:1001@127.0.0.1>;tag=a".to_owned()),
            (name::TO, "<sip:1001@127.0.0.1>".to_owned()),
            (name::CALL_ID, format!("call-{}", local.port())),
            (name::CSEQ, format!("{} REGISTER", self.number)),
            (name::CONTACT, contact.to_owned()),
            (name::EXPIRES, expires.to_owned()),
        ] {
            if !value.is_empty() {
                request.headers.push(name, value);
            }
        }
        request
    }

    fn exchange(&self, bytes: &[u8]) -> Option<Response> {
        self.socket.send_to(bytes, self.peer).expect("sent");
        let mut buffer = [0; 65_535];
        let (len, _) = self.socket.recv_from(&mut buffer).ok()?;
        match Message::parse_datagram(&buffer[..len]).expect("a message") {
            Message::Response(response) => Some(response),
            Message::Request(request) => panic!("a request: {request:?}"),
        }
    }

    /// Registers, answering one challenge.
    fn register(&mut self, contact: &str, expires: &str) -> Response {
        let mut request = self.request(contact, expires);
        self.digest.authorize(&mut request, "c0");
        let response = self.exchange(&request.to_bytes()).expect("an answer");
        if response.status != 401 {
            return response;
        }
        self.digest.challenged(&request, &response).expect("answerable");
        let mut request = self.request(contact, expires);
        self.digest.authorize(&mut request, "c1");
        self.exchange(&request.to_bytes()).expect("an answer")
    }
}

fn start() -> Exchange {
    let users = vec![User::new("1001", "pass"), User::new("1002", "word")];
    Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("it starts")
}

const CONTACT: &str = "<sip:1001@127.0.0.1:9>";

#[test]
fn a_phone_registers_renews_and_leaves() {
    let exchange = start();
    let mut phone = Raw::new(&exchange, "pass");
    let answer = phone.register(CONTACT, "60");
    assert_eq!(answer.status, 200);
    let bound = answer.headers.contact().expect("the binding");
    assert_eq!(bound.uri.to_string(), "sip:1001@127.0.0.1:9");
    assert_eq!(bound.params.value("expires").expect("seconds"), "60");
    assert_eq!(exchange.phones("1001").len(), 1);
    assert_eq!(
        phone.register("<sip:1001@127.0.0.1:9>;expires=90", "").status,
        200,
        "renewed, with the nonce it had"
    );
    assert_eq!(phone.register("", "").headers.all(name::CONTACT).count(), 1, "asked without a Contact");
    assert_eq!(phone.register("<sip:1001@127.0.0.1:10>", "60").headers.all(name::CONTACT).count(), 2);
    assert_eq!(phone.register(CONTACT, "0").status, 200);
    assert_eq!(exchange.phones("1001").len(), 1);
    assert_eq!(phone.register("*", "60").status, 400, "a star asks for an end");
    assert_eq!(phone.register("*", "0").status, 200);
    assert!(exchange.phones("1001").is_empty());
}

#[test]
fn too_short_is_said_so() {
    let exchange = start();
    let mut phone = Raw::new(&exchange, "pass");
    let answer = phone.register(CONTACT, "5");
    assert_eq!((answer.status, answer.headers.min_expires()), (423, Some(30)));
    assert!(exchange.phones("1001").is_empty());
    assert_eq!(
        phone
            .register(CONTACT, "99999999")
            .headers
            .contact()
            .expect("one")
            .params
            .value("expires")
            .expect("s"),
        "3600"
    );
}

#[test]
fn both_algorithms_are_offered_and_wrong_passwords_refused() {
    let exchange = start();
    let mut phone = Raw::new(&exchange, "wrong");
    let request = phone.request(CONTACT, "60");
    let asked = phone.exchange(&request.to_bytes()).expect("an answer");
    assert_eq!(asked.status, 401);
    let offered: Vec<_> =
        agent_sip::auth::challenges(&asked.headers).iter().map(|c| c.algorithm.name()).collect();
    assert_eq!(offered, ["SHA-256", "MD5"]);
    assert_eq!(phone.register(CONTACT, "60").status, 403);
    let mut right = Raw::new(&exchange, "pass");
    exchange.faults().refuse_passwords(true);
    assert_eq!(right.register(CONTACT, "60").status, 403);
    exchange.faults().heal();
    assert_eq!(right.register(CONTACT, "60").status, 200);
}

#[test]
fn nobody_registers_for_somebody_else() {
    let exchange = start();
    let mut phone = Raw::new(&exchange, "pass");
    phone.register(CONTACT, "60");
    let mut request = phone.request(CONTACT, "60");
    request.headers.set(name::TO, "<sip:1002@127.0.0.1>");
    phone.digest.authorize(&mut request, "c2");
    assert_eq!(phone.exchange(&request.to_bytes()).expect("an answer").status, 403);
    assert!(exchange.phones("1002").is_empty());
}

#[test]
fn a_silent_registrar_is_silent_and_comes_back() {
    let exchange = start();
    let mut phone = Raw::new(&exchange, "pass");
    phone.socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    exchange.faults().registrar_silent(true);
    let request = phone.request(CONTACT, "60");
    assert!(phone.exchange(&request.to_bytes()).is_none());
    exchange.faults().registrar_silent(false);
    phone.socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    assert_eq!(phone.register(CONTACT, "60").status, 200);
    exchange.forget_registrations();
    assert!(exchange.phones("1001").is_empty());
}

#[test]
fn what_is_no_sip_does_not_stop_it() {
    let exchange = start();
    let mut phone = Raw::new(&exchange, "pass");
    for bytes in
        [&b""[..], b"\r\n\r\n", b"\0\x01\x02", &[b'x'; 60_000], b"INVITE sip:600@a SIP/2.0\r\n", b"REGISTER"]
    {
        phone.socket.send_to(bytes, phone.peer).expect("sent");
    }
    assert_eq!(phone.register(CONTACT, "60").status, 200);
}

#[test]
fn calls_to_nobody_and_to_the_busy_one() {
    let exchange = start();
    let mut phone = Raw::new(&exchange, "pass");
    for (called, status) in [("777", 404), ("1002", 480), ("602", 486)] {
        let mut request = phone.request("<sip:x@127.0.0.1:9>", "");
        request.method = Method::Invite;
        request.uri = SipUri::new(Some(called), phone.peer.ip().into(), Some(phone.peer.port())).into();
        request.headers.set(name::CSEQ, format!("{} INVITE", phone.number));
        request.headers.set(name::FROM, "<sip:stranger@127.0.0.1>;tag=b");
        let mut answer = phone.exchange(&request.to_bytes()).expect("an answer");
        while answer.status < 200 {
            answer = phone.exchange(b"\r\n\r\n").expect("a final answer");
        }
        assert_eq!(answer.status, status, "{called}");
        let mut ack = request.clone();
        ack.method = Method::Ack;
        ack.headers.set(name::CSEQ, format!("{} ACK", phone.number));
        ack.headers.set(name::TO, answer.headers.get(name::TO).expect("To").clone());
        phone.socket.send_to(&ack.to_bytes(), phone.peer).expect("sent");
    }
    exchange.faults().refuse_calls(Some(503));
    let mut request = phone.request("<sip:x@127.0.0.1:9>", "");
    request.method = Method::Invite;
    request.headers.set(name::CSEQ, format!("{} INVITE", phone.number));
    assert!(matches!(phone.exchange(&request.to_bytes()).expect("an answer").status, 100 | 503));
}
