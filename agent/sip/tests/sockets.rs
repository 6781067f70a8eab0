//! The transport on real sockets of the loopback: UDP, TCP, connections lost, ports refused, messages too long.

use agent_core::{
    id::{AccountId, CallId},
    party::Sdp,
    port::sip::{Registration, SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
    vigil::Vigil,
};
use agent_net::{Egress, LedgerRecord, Net};
use agent_sip::{
    SipConfig, SipHandle,
    message::{Message, Method, Request, Response, StreamDecoder, StreamItem},
    start, start_watched,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

/// No single step takes this long; a test that waits longer has failed.
const LIMIT: Duration = Duration::from_secs(60);
const ACCOUNT: AccountId = AccountId(0);

async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(LIMIT, what).await.expect("it takes too long")
}

/// An agent's SIP with everything it tells.
struct Phone {
    sip: SipHandle,
    events: UnboundedReceiver<SipEvent>,
    at: SocketAddr,
}

impl Phone {
    async fn start() -> Self {
        Self::start_with(Net::new(Arc::new(|_| {}))).await
    }

    async fn start_with(net: Net) -> Self {
        let (sender, events) = unbounded_channel();
        let tell = Arc::new(move |event| sender.send(event).expect("somebody listens"));
        let config = SipConfig { bind: Some("127.0.0.1:0".parse().unwrap()), ..SipConfig::default() };
        let sip = start(config, net, tell);
        let at = within(sip.listening()).await.unwrap();
        Self { sip, events, at }
    }

    fn register(&self, user: &str, registrar: &str) {
        let settings = AccountSettings {
            aor: format!("sip:{user}@127.0.0.1"),
            registrar: Some(registrar.to_owned()),
            ..AccountSettings::default()
        };
        let password = Secret::new("secret".to_owned());
        self.sip.send(SipCommand::Register { account: ACCOUNT, settings, password });
    }

    async fn event(&mut self) -> SipEvent {
        within(self.events.recv()).await.expect("SIP ended")
    }

    /// Waits for a registration state.
    async fn state(&mut self, is: impl Fn(&Registration) -> bool) -> Registration {
        loop {
            if let SipEvent::Registration { state, .. } = self.event().await
                && is(&state)
            {
                return state;
            }
        }
    }

    async fn registered(&mut self) {
        self.state(|state| *state == Registration::Registered).await;
    }
}

/// 200 to a request, a REGISTER's Contact confirmed.
fn ok(request: &Request, from: SocketAddr) -> Response {
    let mut request = request.clone();
    request.headers.note_source(from);
    let mut response = Response::to(&request, 200, Some("peer"));
    if let Some(contact) = request.headers.get("Contact") {
        response.headers.push("Contact", contact.clone());
    }
    response
}

/// The next request of this method at a UDP socket.
async fn udp_request(socket: &UdpSocket, method: Method) -> (Request, SocketAddr) {
    let mut buffer = vec![0; 65_535];
    loop {
        let (length, from) = within(socket.recv_from(&mut buffer)).await.unwrap();
        if let Ok(Message::Request(request)) = Message::parse_datagram(&buffer[..length])
            && request.method == method
        {
            return (request, from);
        }
    }
}

/// One accepted connection.
struct Line {
    stream: TcpStream,
    decoder: StreamDecoder,
    peer: SocketAddr,
}

impl Line {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, peer) = within(listener.accept()).await.unwrap();
        Self { stream, decoder: StreamDecoder::new(), peer }
    }

    async fn item(&mut self) -> StreamItem {
        let mut buffer = [0; 4096];
        loop {
            if let Some(item) = self.decoder.next_item() {
                return item;
            }
            let length = within(self.stream.read(&mut buffer)).await.unwrap();
            assert_ne!(length, 0, "the connection was closed");
            self.decoder.push(&buffer[..length]);
        }
    }

    async fn request(&mut self) -> Request {
        match self.item().await {
            StreamItem::Message(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    async fn send(&mut self, response: &Response) {
        self.stream.write_all(&response.to_bytes()).await.unwrap();
    }
}

/// A call to somebody.
fn calling(target: &str, offer: Sdp) -> SipCommand {
    let (call, target) = (CallId(2), target.to_owned());
    SipCommand::Invite { call, account: ACCOUNT, target, offer, withhold: false }
}

#[tokio::test]
async fn a_registrar_that_is_not_there_is_told_and_found_when_it_comes() {
    let mut phone = Phone::start().await;
    let place = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    phone.register("1001", &format!("sip:{address}"));
    // Linux is told that nobody is there; elsewhere it is Timer F that says so.
    phone.state(|state| matches!(state, Registration::Failed { retry_ms: Some(..=5000), .. })).await;
    let registrar = UdpSocket::bind(address).await.unwrap();
    let (request, from) = udp_request(&registrar, Method::Register).await;
    assert_eq!(from, phone.at);
    let via = request.headers.via().unwrap();
    assert_eq!((via.host.to_string(), via.port), ("127.0.0.1".to_owned(), Some(phone.at.port())));
    assert_eq!(request.headers.contact().unwrap().uri.as_sip().unwrap().port, Some(phone.at.port()));
    registrar.send_to(&ok(&request, from).to_bytes(), from).await.unwrap();
    phone.registered().await;
}

#[tokio::test]
async fn a_registrar_is_reached_over_ipv6() {
    let Ok(registrar) = UdpSocket::bind("[::1]:0").await else {
        println!("skipped: this machine has no IPv6");
        return;
    };
    let (sender, events) = unbounded_channel();
    let tell = Arc::new(move |event| sender.send(event).expect("somebody listens"));
    let sip = start(SipConfig::default(), Net::new(Arc::new(|_| {})), tell);
    let at = within(sip.listening()).await.unwrap();
    let mut phone = Phone { sip, events, at };
    phone.register("1001", &format!("sip:{}", registrar.local_addr().unwrap()));
    let (request, from) = udp_request(&registrar, Method::Register).await;
    assert_eq!(request.headers.via().unwrap().host.ip(), Some("::1".parse().unwrap()));
    assert_eq!(request.headers.contact().unwrap().uri.as_sip().unwrap().port, Some(from.port()));
    registrar.send_to(&ok(&request, from).to_bytes(), from).await.unwrap();
    phone.registered().await;
}

#[tokio::test]
async fn a_registrar_is_reached_over_ipv6_and_tcp_and_calls_over_it() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        println!("skipped: this machine has no IPv6");
        return;
    };
    let mut phone = Phone::start().await;
    let registrar = listener.local_addr().unwrap();
    phone.register("1001", &format!("sip:{registrar};transport=tcp"));
    let mut line = Line::accept(&listener).await;
    let request = line.request().await;
    assert_eq!(request.headers.via().unwrap().host.ip(), Some("::1".parse().unwrap()));
    let contact = request.headers.contact().unwrap().uri.to_string();
    assert!(contact.contains(&format!("@{};transport=tcp", line.peer)), "{contact}");
    line.send(&ok(&request, line.peer)).await;
    phone.registered().await;
    let (call, account, target) = (CallId(2), AccountId(0), "600".to_owned());
    let offer = Sdp(b"offer".to_vec());
    phone.sip.send(SipCommand::Invite { call, account, target, offer, withhold: false });
    let invite = line.request().await;
    assert_eq!(invite.method, Method::Invite, "over the same connection");
    assert_eq!(invite.headers.contact().unwrap().uri.to_string(), contact);
}

#[tokio::test]
async fn tcp_is_reused_and_a_lost_connection_comes_back_at_once() {
    let mut phone = Phone::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    phone.register("1001", &format!("sip:{address};transport=tcp"));
    let mut line = Line::accept(&listener).await;
    let request = line.request().await;
    let contact = request.headers.contact().unwrap().uri;
    assert_eq!(
        contact.as_sip().unwrap().port,
        Some(line.peer.port()),
        "reached over the connection we opened"
    );
    line.send(&ok(&request, line.peer)).await;
    phone.registered().await;

    let offer = Sdp(b"offer".to_vec());
    phone.sip.send(calling("600", offer));
    let invite = line.request().await;
    assert_eq!(
        (invite.method.clone(), invite.headers.via().unwrap().transport.to_string()),
        (Method::Invite, "TCP".into())
    );
    let mut busy = ok(&invite, line.peer);
    busy.status = 486;
    line.send(&busy).await;
    assert_eq!(line.request().await.method, Method::Ack);
    line.stream.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(line.item().await, StreamItem::Pong, "RFC 5626 section 4.4.1");

    drop(line);
    let mut line = Line::accept(&listener).await;
    let request = line.request().await;
    assert_eq!(request.method, Method::Register);
    line.send(&ok(&request, line.peer)).await;
    phone.registered().await;
}

#[tokio::test]
async fn a_long_invite_opens_a_connection() {
    let mut phone = Phone::start().await;
    let registrar = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = registrar.local_addr().unwrap();
    let listener = TcpListener::bind(address).await.unwrap();
    phone.register("1001", &format!("sip:{address}"));
    let (request, from) = udp_request(&registrar, Method::Register).await;
    registrar.send_to(&ok(&request, from).to_bytes(), from).await.unwrap();
    phone.registered().await;
    let offer = Sdp(vec![b'x'; 2000]);
    phone.sip.send(calling("600", offer));
    let mut line = Line::accept(&listener).await;
    let invite = line.request().await;
    assert_eq!((invite.method, invite.body.len()), (Method::Invite, 2000), "RFC 3261 section 18.1.1");
}

#[tokio::test]
async fn the_ledger_has_the_registrars_name_and_what_became_of_it() {
    let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let rows = Arc::new(Mutex::new(Vec::new()));
    let keep = rows.clone();
    let net = Net::new(Arc::new(move |row: LedgerRecord| keep.lock().unwrap().push(row)));
    let mut phone = Phone::start_with(net).await;
    for (registrar, scheme) in
        [(format!("sip:localhost:{}", gone.port()), "udp"), ("sip:nosuch.invalid".to_owned(), "dns")]
    {
        phone.register("1001", &registrar);
        phone.state(|state| matches!(state, Registration::Failed { .. })).await;
        let last = rows.lock().unwrap().iter().rfind(|row| row.scheme == scheme).cloned();
        let row = last.unwrap_or_else(|| panic!("no row for {registrar}: {rows:?}"));
        assert!(registrar.contains(&row.host) && row.host != "127.0.0.1", "{row:?}");
        assert!(matches!(&row.outcome, Egress::Failed(_)), "{row:?}");
    }
}

#[tokio::test]
async fn two_phones_call_each_other_straight_and_leave() {
    let (mut alice, mut bob) = (Phone::start().await, Phone::start().await);
    // Each is the other's way out; neither is a registrar, which both say.
    alice.register("1001", &format!("sip:{}", bob.at));
    bob.register("1002", &format!("sip:{}", alice.at));
    let refused = |state: &Registration| matches!(state, Registration::Failed { .. });
    alice.state(refused).await;
    bob.state(refused).await;
    let offer = Sdp(b"offer".to_vec());
    alice.sip.send(calling("1002", offer.clone()));
    let call = loop {
        if let SipEvent::Incoming { call, party, offer: theirs, .. } = bob.event().await {
            assert_eq!((party.number.as_str(), theirs), ("1001", Some(offer)));
            break call;
        }
    };
    bob.sip.send(SipCommand::Ring { call });
    bob.sip.send(SipCommand::Accept { call, answer: Sdp(b"answer".to_vec()) });
    let mut progress = Vec::new();
    let answer = loop {
        match alice.event().await {
            SipEvent::Progress { status, .. } => progress.push(status),
            SipEvent::Answered { answer, .. } => break answer,
            _ => {}
        }
    };
    assert_eq!((progress, answer), (vec![180], Some(Sdp(b"answer".to_vec()))));
    while !matches!(bob.event().await, SipEvent::Confirmed { .. }) {}
    alice.sip.send(SipCommand::Shutdown { within: Duration::from_secs(5) });
    while !matches!(bob.event().await, SipEvent::Ended { .. }) {}
    while alice.event().await != SipEvent::Down {}
}

#[tokio::test]
async fn strangers_are_served_over_tcp_and_nonsense_closes_only_its_own_connection() {
    let phone = Phone::start().await;
    let mut nonsense = TcpStream::connect(phone.at).await.unwrap();
    nonsense.write_all(&b"x".repeat(100_000)).await.unwrap_or_default();
    let mut rest = Vec::new();
    // However it ends: it ends.
    let _ = within(nonsense.read_to_end(&mut rest)).await;
    let stream = TcpStream::connect(phone.at).await.unwrap();
    let peer = stream.peer_addr().unwrap();
    let mut line = Line { stream, decoder: StreamDecoder::new(), peer };
    let options = "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKo\r\nMax-Forwards: 70\r\n\
                   From: <sip:x@y>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    let (half, other) = options.as_bytes().split_at(40);
    line.stream.write_all(half).await.unwrap();
    line.stream.write_all(other).await.unwrap();
    let StreamItem::Message(Message::Response(response)) = line.item().await else { panic!("no answer") };
    assert_eq!(response.status, 200);
}

/// RFC 3261 section 21.4.14 (513). More is on its way when the answer is given: the end of the connection must not
/// overtake it.
#[tokio::test]
async fn what_is_too_large_is_told_so_over_a_stream() {
    let phone = Phone::start().await;
    let head = "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKo\r\nMax-Forwards: 70\r\n\
                From: <sip:x@y>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n";
    for (what, more) in [
        ("a header field of 64 KB", format!("X: {}\r\n", "y".repeat(65_536))),
        ("100,000 header fields", "X: y\r\n".repeat(100_000)),
        ("a header field of 20 KB", format!("X: {}\r\n", "y".repeat(20_000))),
        ("1,000 header fields", "X: y\r\n".repeat(1_000)),
    ] {
        let stream = TcpStream::connect(phone.at).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        let text = format!("{head}{more}Content-Length: 0\r\n\r\n");
        // The rest of it may be refused.
        let writing = tokio::spawn(async move {
            let _ = write.write_all(text.as_bytes()).await;
            write
        });
        let mut answer = [0; 12];
        within(read.read_exact(&mut answer)).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(&answer, b"SIP/2.0 513 ", "{what}");
        drop(within(writing).await.unwrap());
    }
}

/// A short flood over real sockets: what strangers began leaves the registrar's call its place.
#[tokio::test]
async fn a_call_comes_through_a_flood_and_half_open_connections() {
    let mut phone = Phone::start().await;
    let registrar = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    phone.register("1001", &format!("sip:{}", registrar.local_addr().unwrap()));
    let (request, from) = udp_request(&registrar, Method::Register).await;
    registrar.send_to(&ok(&request, from).to_bytes(), from).await.unwrap();
    phone.state(|state| matches!(state, Registration::Registered)).await;
    let mut open = Vec::new();
    for _ in 0..300 {
        let mut stream = within(TcpStream::connect(phone.at)).await.unwrap();
        // Strangers have their measure of connections: what is over it is closed.
        let _ = stream.write_all(b"INVITE sip:x@y SIP/2.0\r\nX: ").await;
        open.push(stream);
    }
    let stranger = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    let invite = |from: SocketAddr, number: usize| {
        format!(
            "INVITE sip:1001@{} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{number};rport\r\nFrom: <sip:f@{from}>\
             ;tag={number}\r\nTo: <sip:1001@127.0.0.1>\r\nCall-ID: f{number}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
             Contact: <sip:f@{from}>\r\nContent-Length: 0\r\n\r\n",
            phone.at
        )
    };
    for number in 0..5_000 {
        // What does not fit the buffers is lost, as on any network.
        let _ = stranger.try_send_to(invite(stranger.local_addr().unwrap(), number).as_bytes(), phone.at);
    }
    let call = invite(registrar.local_addr().unwrap(), 5_000);
    let ringing = loop {
        registrar.send_to(call.as_bytes(), phone.at).await.unwrap();
        // Lost in the flood, it is sent again, as every caller does.
        if let Ok(Some(SipEvent::Incoming { call, .. })) =
            timeout(Duration::from_millis(500), phone.events.recv()).await
        {
            break call;
        }
    };
    phone.sip.send(SipCommand::Ring { call: ringing });
    let mut answer = vec![0; 4096];
    loop {
        let (length, _) = within(registrar.recv_from(&mut answer)).await.unwrap();
        if answer[..length].starts_with(b"SIP/2.0 180 ") {
            break;
        }
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (sender, mut events) = unbounded_channel();
    let tell = Arc::new(move |event| sender.send(event).expect("somebody listens"));
    let config = SipConfig { bind: Some(taken.local_addr().unwrap()), ..SipConfig::default() };
    let sip = start(config, Net::new(Arc::new(|_| {})), tell);
    assert!(within(sip.listening()).await.is_err());
    sip.send(SipCommand::Unregister { account: ACCOUNT });
    sip.send(SipCommand::Shutdown { within: Duration::from_secs(1) });
    assert!(matches!(
        within(events.recv()).await,
        Some(SipEvent::Registration { state: Registration::Unregistered, .. })
    ));
    assert_eq!(within(events.recv()).await, Some(SipEvent::Down));
}

#[tokio::test]
async fn a_fault_in_the_loop_is_told_and_an_end_that_was_meant_is_not() {
    for fault in [true, false] {
        let (alarm, mut alarms) = unbounded_channel();
        let vigil = Vigil::new(move || alarm.send(()).expect("somebody keeps watch"));
        let tell = Arc::new(move |_: SipEvent| assert!(!fault, "a fault put in"));
        let sip = start_watched(SipConfig::default(), Net::new(Arc::new(|_| {})), tell, vigil);
        within(sip.listening()).await.unwrap();
        sip.send(SipCommand::Unregister { account: ACCOUNT });
        if !fault {
            drop(sip);
        }
        assert_eq!(within(alarms.recv()).await, fault.then_some(()), "fault: {fault}");
    }
}
