//! HTTP through the door, against real servers on loopback: one hop, checked address, caps, and one row each.

mod common;

use agent_net::{
    Egress, HttpRequest, MAX_HEADER_BYTES, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, NetConfig, NetError,
};
use common::{Authority, Ledger, answering, closed, head, listen, net, why, with};
use std::{net::SocketAddr, sync::Mutex, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

fn get(text: &str) -> HttpRequest {
    HttpRequest::new("GET", Url::parse(text).unwrap())
}

fn any(_: SocketAddr) -> Result<(), String> {
    Ok(())
}

#[tokio::test]
async fn a_request_arrives_as_asked_and_is_one_row() {
    let ledger = Ledger::default();
    let (address, server) =
        answering("HTTP/1.1 200 OK\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 5\r\n\r\nAlice").await;
    let url = format!("http://localhost:{}/contacts/t0ken?phone=%2B4930123&limit=5#top", address.port());
    let mut request = get(&url);
    request.headers = vec![("Accept".to_owned(), "application/json".to_owned())];
    request.secrets = vec!["t0ken".to_owned()];
    let checked = Mutex::new(Vec::new());
    let check = |address| {
        checked.lock().unwrap().push(address);
        any(address)
    };
    let answer = net(&ledger).http(&why(), request, &check).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.via_proxy), (200, b"Alice".as_slice(), false));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "x-two").count(), 2);
    assert_eq!(answer.address, address);
    assert!(checked.lock().unwrap().contains(&address));
    let head = server.await.unwrap().to_lowercase();
    assert!(head.starts_with("get /contacts/t0ken?phone=%2b4930123&limit=5 http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nhost: localhost:{}\r\n", address.port())), "{head}");
    assert!(head.contains("\r\naccept: application/json\r\n"), "{head}");
    let row = ledger.one();
    assert_eq!(row.request.as_deref(), Some("GET /contacts/…?phone=…&limit=…"));
    assert_eq!((row.scheme.as_str(), row.outcome), ("http", Egress::Allowed));
    assert_eq!((row.bytes_out, row.bytes_in), (head.len() as u64, 63));
}

#[tokio::test]
async fn a_body_is_sent_and_its_length_told() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await;
        let mut body = [0; 7];
        stream.read_exact(&mut body).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        (head, body)
    });
    let mut request = HttpRequest::new("POST", Url::parse(&format!("http://{address}/")).unwrap());
    request.body = b"{\"a\":1}".to_vec();
    let answer = net(&Ledger::default()).http(&why(), request, &any).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let (head, body) = server.await.unwrap();
    assert!(head.to_lowercase().contains("content-length: 7"), "{head}");
    assert_eq!(&body, b"{\"a\":1}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_more() {
    let (elsewhere, other) = listen().await;
    let (address, _server) =
        answering(format!("HTTP/1.1 302 Found\r\nLocation: http://{other}/\r\nContent-Length: 0\r\n\r\n"))
            .await;
    let ledger = Ledger::default();
    let answer = net(&ledger).http(&why(), get(&format!("http://{address}/")), &any).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(ledger.rows().len(), 1);
    nobody_came(elsewhere).await;
}

/// A connection made before this one would have been taken first.
async fn nobody_came(listener: tokio::net::TcpListener) {
    let mine = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (_, from) = listener.accept().await.unwrap();
    assert_eq!(from, mine.local_addr().unwrap());
}

#[tokio::test]
async fn a_forbidden_address_sees_no_connection() {
    let (listener, address) = listen().await;
    let ledger = Ledger::default();
    let check = |_: SocketAddr| Err("this machine itself is not granted".to_owned());
    let url = format!("http://localhost:{}/", address.port());
    let error = net(&ledger).http(&why(), get(&url), &check).await.unwrap_err();
    assert!(matches!(&error, NetError::Refused { rule, .. } if rule.contains("not granted")), "{error}");
    let row = ledger.one();
    assert_eq!((row.address.as_deref(), row.bytes_out), (Some("127.0.0.1"), 0));
    assert_eq!(row.outcome, Egress::Refused("this machine itself is not granted".to_owned()));
    nobody_came(listener).await;
}

#[tokio::test]
async fn only_what_the_check_lets_pass_is_tried() {
    let (listener, address) = listen().await;
    drop(listener);
    let ledger = Ledger::default();
    let check = |address: SocketAddr| if address.is_ipv6() { Ok(()) } else { Err("no".to_owned()) };
    let url = format!("http://localhost:{}/", address.port());
    net(&ledger).http(&why(), get(&url), &check).await.unwrap_err();
    assert!(ledger.rows().iter().all(|row| row.address.as_deref() == Some("::1")), "{:?}", ledger.rows());
}

#[tokio::test]
async fn what_must_not_be_sent_is_refused_before_anything_leaves() {
    let (listener, address) = listen().await;
    let base = format!("http://{address}/");
    let header = |name: &str, value: &str| {
        let mut request = get(&base);
        request.headers.push((name.to_owned(), value.to_owned()));
        request
    };
    let mut large = get(&base);
    large.body = vec![0; MAX_REQUEST_BYTES + 1];
    let mut many = get(&base);
    many.headers = (0..65).map(|n| (format!("x-{n}"), String::new())).collect();
    let mut method = get(&base);
    method.method = "GET / HTTP/1.1\r\nX: y".to_owned();
    let mut connect = get(&base);
    connect.method = "CONNECT".to_owned();
    let cases = [
        header("Host", "other.example"),
        header("content-length", "0"),
        header("Transfer-Encoding", "chunked"),
        header("connection", "upgrade"),
        header("x", "a\r\nb: c"),
        header("x y", "z"),
        header("x", &"y".repeat(MAX_HEADER_BYTES)),
        get(&format!("http://me:geheim@{address}/")),
        get("file:///etc/passwd"),
        get("ftp://files.example/"),
        large,
        many,
        method,
        connect,
    ];
    for request in cases {
        let ledger = Ledger::default();
        let told = format!("{:?}", request.url);
        let error = net(&ledger).http(&why(), request, &any).await.unwrap_err();
        assert!(matches!(error, NetError::BadRequest(_) | NetError::TooLarge { .. }), "{told}: {error}");
        assert!(matches!(ledger.one().outcome, Egress::Refused(_)));
        assert!(!error.to_string().contains("geheim"));
    }
    nobody_came(listener).await;
}

#[tokio::test]
async fn answers_without_end_are_cut() {
    let exact = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; MAX_RESPONSE_BYTES]].concat();
    let over = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; MAX_RESPONSE_BYTES + 1]].concat();
    let header =
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "y".repeat(MAX_HEADER_BYTES));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(65));
    for (answer, good) in
        [(exact, true), (over, false), (header.into_bytes(), false), (many.into_bytes(), false)]
    {
        let (address, _server) = answering(answer).await;
        let ledger = Ledger::default();
        let outcome = net(&ledger).http(&why(), get(&format!("http://{address}/")), &any).await;
        assert_eq!(outcome.is_ok(), good, "{:?}", outcome.err());
        let row = ledger.one();
        assert_eq!((row.outcome == Egress::Allowed, row.bytes_in > 0), (good, true), "{row:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_said_to_be_not() {
    for answer in
        ["", "SIP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "\0\0\0"]
    {
        let (address, _server) = answering(answer).await;
        let error =
            net(&Ledger::default()).http(&why(), get(&format!("http://{address}/")), &any).await.unwrap_err();
        assert!(matches!(error, NetError::BadResponse { .. }), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_and_its_socket_closed() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        closed(&mut stream).await;
    });
    let ledger = Ledger::default();
    let mut request = get(&format!("http://{address}/"));
    request.timeout = Duration::from_millis(200);
    let error = net(&ledger).http(&why(), request, &any).await.unwrap_err();
    assert!(matches!(error, NetError::Timeout { millis: 200, .. }), "{error}");
    server.await.unwrap();
    let row = ledger.one();
    assert!(matches!(&row.outcome, Egress::Failed(_)) && row.bytes_out > 0, "{row:?}");
}

#[tokio::test]
async fn https_checks_the_certificate_and_keeps_the_name() {
    let authority = Authority::new();
    for (certified, good) in [("localhost", true), ("elsewhere.example", false)] {
        let (listener, address) = listen().await;
        let acceptor = authority.acceptor(certified);
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.ok()?;
            let sni = stream.get_ref().1.server_name().map(str::to_owned);
            let head = head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            Some((sni, head))
        });
        let ledger = Ledger::default();
        let config = NetConfig { authorities: vec![authority.pem()], ..NetConfig::default() };
        let url = format!("https://localhost:{}/", address.port());
        let outcome = with(&ledger, config).http(&why(), get(&url), &any).await;
        assert_eq!(outcome.is_ok(), good, "{:?}", outcome.err());
        let seen = server.await.unwrap();
        assert_eq!(seen.is_some(), good);
        if let Some((sni, head)) = seen {
            assert_eq!(sni.as_deref(), Some("localhost"));
            assert!(head.to_lowercase().contains(&format!("host: localhost:{}", address.port())), "{head}");
        }
        let row = ledger.one();
        assert_eq!(
            (row.scheme.as_str(), row.outcome == Egress::Allowed, row.bytes_out > 100),
            ("https", good, true)
        );
    }
}

/// Reads a request without a body to its end: what came before it would be no answer to it.
fn await_question(stream: &std::net::TcpStream) {
    let lines = std::io::BufRead::lines(std::io::BufReader::new(stream));
    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
}

#[tokio::test]
async fn interim_answers_without_end_are_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        await_question(&stream);
        let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
        // Until the client has had enough.
        while std::io::Write::write_all(&mut stream, many.as_bytes()).is_ok() {}
    });
    let ledger = Ledger::default();
    let error = net(&ledger).http(&why(), get(&format!("http://{address}/")), &any).await.unwrap_err();
    let named = matches!(&error, NetError::NoFinalAnswer { host, .. } if host == "127.0.0.1");
    assert!(named && error.to_string().contains("never the answer itself"), "{error}");
    assert!(matches!(ledger.one().outcome, Egress::Failed(_)), "{:?}", ledger.rows());
    server.join().unwrap();
}

/// A body of one byte a chunk is small, and what frames it is not.
#[tokio::test]
async fn chunks_without_end_are_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        await_question(&stream);
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = format!("1;{}\r\nx\r\n", "y".repeat(4000)).repeat(100);
        let _ = std::io::Write::write_all(&mut stream, head);
        while std::io::Write::write_all(&mut stream, chunk.as_bytes()).is_ok() {}
    });
    let ledger = Ledger::default();
    let error = net(&ledger).http(&why(), get(&format!("http://{address}/")), &any).await.unwrap_err();
    assert!(!error.to_string().contains("interim"), "{error}");
    server.join().unwrap();
}
