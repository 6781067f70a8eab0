//! WebSocket on real sockets of the loopback (RFC 7118): what is asked for, what is said over it, and what else may answer.

use crate::peer::{ACCOUNT, Authority, Certified, Phone, ok, within};
use agent_core::{
    certificate::CertificateFault,
    port::sip::{NoWebSocket, Registration, RegistrationProblem, SipEvent, WebFault},
    settings::AccountSettings,
};
use agent_net::NetConfig;
use agent_sip::message::{Message, Method, Request, Response};
use futures_util::{SinkExt, StreamExt};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message as Frame,
        handshake::server::{Request as Asked, Response as Answer},
        protocol::{
            CloseFrame,
            frame::{
                Frame as Raw,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

/// A PBX's end of a WebSocket.
struct Web<S> {
    socket: WebSocketStream<S>,
    /// Path and Host of the request.
    asked: (String, String),
    peer: SocketAddr,
}

impl Web<TcpStream> {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, peer) = within(listener.accept()).await.unwrap();
        Self::open(stream, peer).await
    }
}

impl Web<tokio_rustls::server::TlsStream<TcpStream>> {
    async fn accept_securely(listener: &TcpListener, acceptor: &TlsAcceptor) -> io::Result<Self> {
        let (stream, peer) = within(listener.accept()).await?;
        Ok(Self::open(within(acceptor.accept(stream)).await?, peer).await)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Web<S> {
    async fn open(stream: S, peer: SocketAddr) -> Self {
        let mut asked = (String::new(), String::new());
        #[expect(clippy::result_large_err, reason = "the library's own signature")]
        let agree = |request: &Asked, mut answer: Answer| {
            assert_eq!(request.headers()["sec-websocket-protocol"], "sip", "RFC 7118 section 4.1");
            asked = (request.uri().to_string(), request.headers()["host"].to_str().unwrap().to_owned());
            answer.headers_mut().insert("sec-websocket-protocol", "sip".parse().unwrap());
            Ok(answer)
        };
        let socket = within(accept_hdr_async(stream, agree)).await.unwrap();
        Self { socket, asked, peer }
    }

    async fn frame(&mut self) -> Frame {
        within(self.socket.next()).await.expect("it was closed").expect("it broke")
    }

    async fn message(&mut self) -> Message {
        let frame = self.frame().await;
        assert!(frame.is_text(), "{frame:?}");
        Message::parse_datagram(&frame.into_data()).unwrap()
    }

    async fn request(&mut self) -> Request {
        match self.message().await {
            Message::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    async fn status(&mut self) -> u16 {
        match self.message().await {
            Message::Response(response) => response.status,
            other => panic!("{other:?}"),
        }
    }

    async fn say(&mut self, frame: Frame) {
        within(self.socket.send(frame)).await.unwrap();
    }

    async fn send(&mut self, response: &Response) {
        self.say(Frame::binary(response.to_bytes())).await;
    }

    /// Lets the phone register.
    async fn grant(&mut self) -> Request {
        let request = self.request().await;
        assert_eq!(request.method, Method::Register);
        self.send(&ok(&request, self.peer)).await;
        request
    }
}

/// A PBX that answers over plain WebSocket.
struct Pbx {
    listener: TcpListener,
    at: SocketAddr,
    phone: Phone,
}

impl Pbx {
    async fn new(transport: &str) -> Self {
        Self::with(transport, NetConfig::default()).await
    }

    async fn with(transport: &str, config: NetConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let phone = Phone::with(config).await;
        phone.register("sip:1001@pbx.example", &format!("sip:{at};transport={transport}"));
        Self { listener, at, phone }
    }

    async fn registered(&mut self) -> (Web<TcpStream>, Request) {
        let mut web = Web::accept(&self.listener).await;
        let request = web.grant().await;
        self.phone.registered().await;
        (web, request)
    }

    /// Why the phone is not registered.
    async fn failed(&mut self) -> RegistrationProblem {
        match self.phone.state(|state| matches!(state, Registration::Failed { .. })).await {
            Registration::Failed { reason, retry_ms: Some(_) } => reason,
            other => panic!("{other:?}"),
        }
    }
}

fn options(via: SocketAddr, to: &str) -> String {
    format!(
        "OPTIONS {to} SIP/2.0\r\nVia: SIP/2.0/WS {via};branch=z9hG4bK77\r\nMax-Forwards: 70\r\n\
         From: <sip:600@pbx.example>;tag=1\r\nTo: <{to}>\r\nCall-ID: o1\r\nCSeq: 1 OPTIONS\r\n\r\n"
    )
}

#[tokio::test]
async fn it_registers_as_rfc_7118_says_and_comes_back_when_the_pbx_goes_away() {
    let mut pbx = Pbx::new("ws").await;
    let (mut web, request) = pbx.registered().await;
    assert_eq!(web.asked, ("/ws".to_owned(), pbx.at.to_string()));
    let via = request.headers.via().unwrap();
    assert_eq!((via.transport.to_string(), via.port), ("WS".to_owned(), None));
    let host = via.host.to_string();
    assert!(host.ends_with(".invalid"), "nobody can connect to us: {host}");
    let contact = request.headers.contact().unwrap().uri.to_string();
    assert!(contact.ends_with(&format!("@{host};transport=ws")), "{contact}");
    let rows = pbx.phone.rows();
    assert_eq!(rows.iter().map(|row| row.scheme.as_str()).collect::<Vec<_>>(), ["ws"]);

    web.say(Frame::Close(Some(CloseFrame { code: CloseCode::Away, reason: "restarting".into() }))).await;
    assert!(matches!(web.frame().await, Frame::Close(_)), "a close is answered (RFC 6455 section 5.5.1)");
    let (_web, again) = pbx.registered().await;
    assert_ne!(again.headers.via().unwrap().host.to_string(), host, "another connection, another name");
}

#[tokio::test]
async fn what_comes_in_pieces_in_text_or_in_binary_is_one_message_each() {
    let mut pbx = Pbx::new("ws").await;
    let (mut web, request) = pbx.registered().await;
    let contact = request.headers.contact().unwrap().uri.to_string();
    let asked = options(pbx.at, &contact);
    web.say(Frame::text(asked.clone())).await;
    assert_eq!(web.status().await, 200);
    let (head, tail) = asked.as_bytes().split_at(60);
    // Between the pieces of a message a ping may stand, and is answered at once (RFC 6455 section 5.4).
    let piece =
        |bytes: &[u8], opcode, last| Frame::Frame(Raw::message(bytes.to_vec(), OpCode::Data(opcode), last));
    web.say(piece(head, Data::Text, false)).await;
    web.say(Frame::Ping("between".into())).await;
    web.say(piece(tail, Data::Continue, true)).await;
    assert_eq!(web.frame().await, Frame::Pong("between".into()));
    // The same transaction: said again.
    assert_eq!(web.status().await, 200);
    web.say(Frame::binary(asked.into_bytes())).await;
    assert_eq!(web.status().await, 200);
    web.say(Frame::text("\r\n\r\n")).await;
    assert_eq!(web.frame().await, Frame::text("\r\n"), "RFC 5626 section 4.4.1");
    // What cannot be read is passed over; the connection stays.
    web.say(Frame::text("no SIP at all")).await;
    web.say(Frame::binary(vec![0xff; 5000])).await;
    web.say(Frame::text("\r\n\r\n")).await;
    assert_eq!(web.frame().await, Frame::text("\r\n"));
}

#[tokio::test]
async fn a_server_that_breaks_the_rules_is_left_and_found_again() {
    let mut pbx = Pbx::new("ws").await;
    let long = vec![b'x'; 65_536];
    let half = |opcode, last| Frame::Frame(Raw::message(vec![b'x'; 40_000], OpCode::Data(opcode), last));
    let faults: [&[Frame]; 4] = [
        &[Frame::binary(long)],
        &[half(Data::Text, false), half(Data::Continue, true)],
        // No UTF-8 (RFC 6455 section 8.1).
        &[Frame::Frame(Raw::message(vec![0xff], OpCode::Data(Data::Text), true))],
        // A piece of nothing.
        &[Frame::Frame(Raw::message(vec![b'x'], OpCode::Data(Data::Continue), true))],
    ];
    for fault in faults {
        let mut web = Web::accept(&pbx.listener).await;
        web.grant().await;
        pbx.phone.registered().await;
        for frame in fault {
            web.say(frame.clone()).await;
        }
        pbx.phone
            .state(|state| *state == Registration::Connecting || matches!(state, Registration::Failed { .. }))
            .await;
        // It is not kept waiting for the second time: the network is said to be another one.
        drop(web);
        pbx.phone.register("sip:1001@pbx.example", &format!("sip:{};transport=ws", pbx.at));
    }
    let (web, _) = pbx.registered().await;
    // Bytes that are no frames at all.
    let mut stream = web.socket.into_inner();
    stream.write_all(&[0xff; 64]).await.unwrap();
    let (_web, _) = pbx.registered().await;
}

/// What the phone says of a machine that answers its request for a WebSocket like this.
async fn met(answer: &'static str) -> NoWebSocket {
    let mut pbx = Pbx::new("ws").await;
    let (mut stream, _) = within(pbx.listener.accept()).await.unwrap();
    let mut buffer = [0; 4096];
    let length = within(stream.read(&mut buffer)).await.unwrap();
    let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(
        asked.starts_with("GET /ws HTTP/1.1\r\n") && asked.contains("Sec-WebSocket-Version: 13"),
        "{asked}"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    drop(stream);
    match pbx.failed().await {
        RegistrationProblem::WebSocket(none) => {
            assert_eq!((none.host.as_str(), none.path.as_str()), ("127.0.0.1", "/ws"));
            none
        }
        other => panic!("{answer:?}: {other:?}"),
    }
}

#[tokio::test]
async fn who_opens_no_websocket_is_named_with_what_they_said() {
    for (answer, fault) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", WebFault::Status { status: 404 }),
        ("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n", WebFault::Status { status: 401 }),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", WebFault::Status { status: 200 }),
        (
            "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/ws\r\n\r\n",
            WebFault::Redirected { status: 302, to: "https://elsewhere.example/ws".to_owned() },
        ),
    ] {
        assert_eq!(met(answer).await.fault, fault);
    }
    for garbled in
        ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 101 Swi", ""]
    {
        let fault = met(garbled).await.fault;
        assert!(matches!(fault, WebFault::Garbled { .. }), "{garbled:?}: {fault:?}");
    }
}

#[tokio::test]
async fn a_websocket_of_something_else_is_not_spoken_sip_to() {
    for protocol in [None, Some("mqtt")] {
        let mut pbx = Pbx::new("ws").await;
        let (stream, _) = within(pbx.listener.accept()).await.unwrap();
        #[expect(clippy::result_large_err, reason = "the library's own signature")]
        let agree = |_: &Asked, mut answer: Answer| {
            if let Some(protocol) = protocol {
                answer.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
            }
            Ok(answer)
        };
        let mut socket = within(accept_hdr_async(stream, agree)).await.unwrap();
        let RegistrationProblem::WebSocket(none) = pbx.failed().await else { panic!() };
        assert_eq!(none.fault, WebFault::NoSip);
        let heard = within(socket.next()).await;
        assert!(!matches!(heard, Some(Ok(_))), "nothing was said: {heard:?}");
    }
}

#[tokio::test]
async fn who_answers_a_byte_a_second_or_never_is_not_waited_for() {
    let config = NetConfig { connect_timeout: Duration::from_millis(300), ..NetConfig::default() };
    let mut pbx = Pbx::with("ws", config).await;
    let (stream, _) = within(pbx.listener.accept()).await.unwrap();
    let reason = pbx.failed().await;
    let RegistrationProblem::Unreachable { detail } = reason else { panic!("{reason:?}") };
    assert!(detail.contains("no WebSocket within 300 ms"), "{detail}");
    drop(stream);
}

#[tokio::test]
async fn a_secure_one_proves_its_name_and_nothing_falls_from_it() {
    let authority = Authority::new();
    let mut phone = Phone::trusting(&authority).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let plain = UdpSocket::bind(at).await.unwrap();
    let settings = |path: &str| AccountSettings {
        aor: "sip:1001@pbx.example".to_owned(),
        registrar: Some(format!("sip:{at};transport=wss")),
        websocket_path: path.to_owned(),
        ..AccountSettings::default()
    };
    phone.register_with(ACCOUNT.0, settings("/sip?line=1"));
    let stranger = Certified::by(Some(&authority), &["other.example"], (-1, 1)).acceptor();
    assert!(Web::accept_securely(&listener, &stranger).await.is_err(), "it was trusted");
    let state = phone.state(|state| matches!(state, Registration::Failed { .. })).await;
    let Registration::Failed { reason: RegistrationProblem::Certificate(why), .. } = state else {
        panic!("{state:?}")
    };
    assert!(matches!(why.fault, CertificateFault::WrongName { .. }), "{why}");

    let acceptor = authority.acceptor(&["pbx.example"]);
    let mut web = Web::accept_securely(&listener, &acceptor).await.unwrap();
    assert_eq!(web.asked, ("/sip?line=1".to_owned(), at.to_string()));
    let request = web.grant().await;
    phone.registered().await;
    assert_eq!(request.headers.via().unwrap().transport.to_string(), "WSS");
    let contact = request.headers.contact().unwrap().uri.to_string();
    assert!(contact.ends_with(".invalid;transport=ws"), "RFC 7118 section 5.2.1: {contact}");
    // Longer than a datagram may be, and over the same connection all the same.
    phone.sip.send(agent_core::port::sip::SipCommand::Invite {
        call: agent_core::id::CallId(2),
        account: ACCOUNT,
        target: "600".to_owned(),
        offer: agent_core::party::Sdp(vec![b'x'; 4000]),
        withhold: false,
    });
    let invite = web.request().await;
    assert_eq!(invite.method, Method::Invite);
    let mut busy = ok(&invite, web.peer);
    busy.status = 486;
    web.send(&busy).await;
    assert_eq!(web.request().await.method, Method::Ack);
    loop {
        if let SipEvent::Ended { .. } = phone.event().await {
            break;
        }
    }
    assert!(plain.try_recv(&mut [0; 16]).is_err(), "something went out in the clear");
    assert!(phone.rows().iter().all(|row| row.scheme == "wss"), "{:?}", phone.rows());
}
