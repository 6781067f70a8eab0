//! HTTP through a proxy, against a small one on loopback: whole addresses for http, a tunnel for https.

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;

use agent_net::{Egress, HttpRequest, NetConfig, NetError, Proxies};
use common::{Authority, Ledger, answering, head, listen, why, with};
use std::net::SocketAddr;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use url::Url;

fn through(proxy: SocketAddr, authorities: Vec<String>) -> NetConfig {
    let proxies = Proxies::one(&format!("http://me:geheim@{proxy}"));
    NetConfig { proxies, authorities, ..NetConfig::default() }
}

fn any(_: SocketAddr) -> Result<(), String> {
    Ok(())
}

fn get(text: &str) -> HttpRequest {
    HttpRequest::new("GET", Url::parse(text).unwrap())
}

#[tokio::test]
async fn http_is_asked_of_the_proxy_by_its_whole_address() {
    let (proxy, server) = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let ledger = Ledger::default();
    let net = with(&ledger, through(proxy, Vec::new()));
    let answer = net.http(&why(), get("http://crm.invalid:8080/a?b=c"), &any).await.unwrap();
    assert_eq!((answer.status, answer.via_proxy, answer.address), (200, true, proxy));
    let head = server.await.unwrap();
    assert!(head.starts_with("GET http://crm.invalid:8080/a?b=c HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("host: crm.invalid:8080\r\n"), "{head}");
    assert!(head.contains("Basic bWU6Z2VoZWlt"), "{head}");
    let row = ledger.one();
    assert_eq!((row.host.as_str(), row.port, row.outcome), ("crm.invalid", 8080, Egress::Allowed));
    assert_eq!(row.request, Some(format!("GET /a?b=… (via proxy {proxy})")));
}

#[tokio::test]
async fn https_goes_through_a_tunnel_to_the_certified_host() {
    let authority = Authority::new();
    let acceptor = authority.acceptor("crm.invalid");
    let (listener, proxy) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let connect = head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n").await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let request = head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        (connect, request)
    });
    let ledger = Ledger::default();
    let net = with(&ledger, through(proxy, vec![authority.pem()]));
    let answer = net.http(&why(), get("https://crm.invalid/secret"), &any).await.unwrap();
    assert_eq!((answer.body.as_slice(), answer.via_proxy), (b"ok".as_slice(), true));
    let (connect, request) = server.await.unwrap();
    assert!(connect.starts_with("CONNECT crm.invalid:443 HTTP/1.1\r\n"), "{connect}");
    assert!(connect.contains("Basic bWU6Z2VoZWlt") && !connect.contains("secret"), "{connect}");
    assert!(request.starts_with("GET /secret HTTP/1.1\r\n") && !request.contains("Basic"), "{request}");
    assert_eq!(ledger.one().outcome, Egress::Allowed);
}

#[tokio::test]
async fn a_proxy_that_says_no_is_named_without_its_password() {
    for (answer, part) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "user name and password"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden"),
        ("SSH-2.0-x\r\n\r\n", "SSH-2.0-x"),
    ] {
        let (proxy, _server) = answering(answer).await;
        let ledger = Ledger::default();
        let net = with(&ledger, through(proxy, vec![Authority::new().pem()]));
        let error = net.http(&why(), get("https://crm.invalid/"), &any).await.unwrap_err();
        assert!(matches!(error, NetError::Proxy { .. }) && error.to_string().contains(part), "{error}");
        assert!(!format!("{error} {:?}", ledger.rows()).contains("geheim"));
        assert!(matches!(ledger.one().outcome, Egress::Failed(_)));
    }
}

#[tokio::test]
async fn a_literal_address_is_checked_before_the_proxy_hears_of_it() {
    let (listener, proxy) = listen().await;
    let ledger = Ledger::default();
    let net = with(&ledger, through(proxy, Vec::new()));
    let no = |_: SocketAddr| Err("metadata services are not granted".to_owned());
    let error = net.http(&why(), get("http://169.254.169.254/"), &no).await.unwrap_err();
    assert!(matches!(error, NetError::Refused { .. }), "{error}");
    assert_eq!(ledger.one().address.as_deref(), Some("169.254.169.254"));
    let mine = TcpStream::connect(proxy).await.unwrap();
    let (_, from) = listener.accept().await.unwrap();
    assert_eq!(from, mine.local_addr().unwrap(), "nobody else came");
}

#[tokio::test]
async fn this_machine_is_never_asked_for_through_a_proxy() {
    let (_listener, proxy) = listen().await;
    let (address, _server) = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let ledger = Ledger::default();
    let net = with(&ledger, through(proxy, Vec::new()));
    let answer = net.http(&why(), get(&format!("http://localhost:{}/", address.port())), &any).await.unwrap();
    assert!(!answer.via_proxy);
}
