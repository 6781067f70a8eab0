//! Connections through the door, against real servers on loopback: who is reached, who is not, and what the ledger says.

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;

use agent_net::{Egress, NetConfig, NetError};
use common::{Authority, Ledger, closed, listen, net, why, with};
use std::{net::SocketAddr, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_connection_is_one_row() {
    let ledger = Ledger::default();
    let (listener, address) = listen().await;
    let mut stream = net(&ledger).tcp(&why(), "localhost", address.port()).await.unwrap();
    let (mut other, _) = listener.accept().await.unwrap();
    stream.write_all(b"ring").await.unwrap();
    let mut buffer = [0; 4];
    other.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"ring");
    let row = ledger.one();
    assert_eq!((row.scheme.as_str(), row.host.as_str(), row.port), ("tcp", "localhost", address.port()));
    assert_eq!(
        (row.purpose, row.address.as_deref(), row.outcome),
        (why(), Some("127.0.0.1"), Egress::Allowed)
    );
}

#[tokio::test]
async fn nobody_there_is_a_row_for_each_address_tried() {
    let ledger = Ledger::default();
    let (listener, address) = listen().await;
    drop(listener);
    let error = net(&ledger).tcp(&why(), "localhost", address.port()).await.unwrap_err();
    assert!(matches!(error, NetError::Connect { .. }), "{error}");
    let tried: Vec<_> = ledger.rows().into_iter().map(|row| row.address.unwrap()).collect();
    assert_eq!(tried, ["127.0.0.1", "::1"]);
    assert!(ledger.rows().iter().all(|row| matches!(row.outcome, Egress::Failed(_))));
}

#[tokio::test]
async fn an_impossible_name_is_refused_without_a_question() {
    let ledger = Ledger::default();
    for host in ["", ".", "two words", "a..b", &"x".repeat(300)] {
        let error = net(&ledger).resolve(&why(), host).await.unwrap_err();
        assert!(matches!(error, NetError::BadName(_)), "{host:?}: {error}");
    }
    assert_eq!(ledger.rows(), []);
}

#[tokio::test]
async fn tls_takes_our_authority_and_the_configured_name_only() {
    let authority = Authority::new();
    let config = NetConfig { authorities: vec![authority.pem()], ..NetConfig::default() };
    for (certified, asked, trusted, good) in [
        ("localhost", "localhost", true, true),
        ("127.0.0.1", "127.0.0.1", true, true),
        ("elsewhere.example", "localhost", true, false),
        ("localhost", "localhost", false, false),
    ] {
        let ledger = Ledger::default();
        let (listener, address) = listen().await;
        let acceptor = authority.acceptor(certified);
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                stream.write_all(b"hello").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        let net = if trusted { with(&ledger, config.clone()) } else { net(&ledger) };
        let outcome = net.tls(&why(), asked, address.port()).await;
        assert_eq!(outcome.is_ok(), good, "{certified} {asked} {trusted}: {:?}", outcome.err());
        if let Ok(mut stream) = outcome {
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!((text.as_str(), ledger.one().outcome), ("hello", Egress::Allowed));
        } else {
            let row = ledger.one();
            assert_eq!(row.scheme, "tls");
            assert!(matches!(&row.outcome, Egress::Failed(why) if why.contains("certificate")), "{row:?}");
        }
        server.await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_certificate_is_said_at_once() {
    let text = "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n".to_owned();
    let config = NetConfig { authorities: vec![text], ..NetConfig::default() };
    let error = agent_net::Net::with_config(Ledger::default().sink(), config).err().unwrap();
    assert!(error.to_string().contains("PEM"), "{error}");
}

#[tokio::test]
async fn a_dropped_attempt_closes_its_socket_and_leaves_a_row() {
    let ledger = Ledger::default();
    let (listener, address) = listen().await;
    let net = net(&ledger);
    let purpose = why();
    // The server takes the connection and says nothing: the handshake hangs.
    let attempt = net.tls(&purpose, "localhost", address.port());
    let accepted = tokio::select! {
        _ = attempt => panic!("a handshake with nobody came to an end"),
        accepted = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream
        } => accepted,
    };
    let mut accepted = accepted;
    closed(&mut accepted).await;
    assert!(matches!(&ledger.one().outcome, Egress::Failed(why) if why.contains("given up")));
}

#[tokio::test]
async fn a_silent_address_does_not_hold_the_next_one_up() {
    let ledger = Ledger::default();
    // A listener whose queue is full lets further connections hang, as a silent host does.
    let silent = socket_with_full_queue();
    let config = NetConfig { connect_timeout: Duration::from_millis(300), ..NetConfig::default() };
    let error = with(&ledger, config).tcp(&why(), "127.0.0.1", silent.0.port()).await.unwrap_err();
    assert!(matches!(error, NetError::Timeout { millis: 300, .. }), "{error}");
    assert!(matches!(&ledger.one().outcome, Egress::Failed(why) if why.contains("given up")));
}

/// A listening socket that accepts nobody, and the connections that fill its queue.
fn socket_with_full_queue() -> (SocketAddr, std::net::TcpListener, Vec<std::net::TcpStream>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut filling = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        filling.push(stream);
        assert!(filling.len() < 10_000, "the queue never fills");
    }
    (address, listener, filling)
}

#[tokio::test]
async fn udp_is_one_row_a_peer() {
    let ledger = Ledger::default();
    let net = net(&ledger);
    let local = "127.0.0.1:0".parse().unwrap();
    let socket = net.udp(&why(), local).await.unwrap();
    let other = net.std_udp(&why(), local).unwrap();
    assert_eq!(ledger.rows(), [], "a socket alone sends nothing");
    let peer = other.local_addr().unwrap();
    for _ in 0..3 {
        net.note_udp(&why(), peer, Some("pbx.example"));
        socket.send_to(b"x", peer).await.unwrap();
    }
    let row = ledger.one();
    assert_eq!((row.scheme.as_str(), row.port, row.outcome), ("udp", peer.port(), Egress::Allowed));
    assert_eq!((row.host.as_str(), row.address.as_deref()), ("pbx.example", Some("127.0.0.1")));
    net.note_udp(&agent_net::Purpose { who: "media".to_owned(), why: "call 1".to_owned() }, peer, None);
    assert_eq!(ledger.rows().len(), 2);
    assert_eq!(ledger.rows().pop().unwrap().host, "127.0.0.1", "there was no name");
    for _ in 0..3 {
        net.note_udp_failed(&why(), peer, Some("pbx.example"), "Connection refused");
    }
    let row = ledger.rows().pop().unwrap();
    assert_eq!((ledger.rows().len(), row.host.as_str()), (3, "pbx.example"));
    assert_eq!(row.outcome, Egress::Failed("Connection refused".to_owned()));
    let taken = net.std_udp(&why(), peer).unwrap_err();
    assert!(taken.to_string().contains(&peer.to_string()), "{taken}");
}

#[tokio::test]
async fn who_comes_in_is_no_row_and_a_taken_port_is_named() {
    let ledger = Ledger::default();
    let net = net(&ledger);
    let listener = net.listen(&why(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut visitor = std::net::TcpStream::connect(address).unwrap();
    listener.accept().await.unwrap();
    std::io::Write::write_all(&mut visitor, b"INVITE").unwrap();
    assert_eq!(ledger.rows(), [], "nothing left this machine");
    let taken = net.listen(&why(), address).await.unwrap_err();
    assert!(taken.to_string().contains(&address.to_string()), "{taken}");
}

#[tokio::test]
async fn the_source_address_is_found_without_sending() {
    let ledger = Ledger::default();
    let net = net(&ledger);
    assert_eq!(net.source_address("127.0.0.1:5060".parse().unwrap()).unwrap().to_string(), "127.0.0.1");
    assert_eq!(net.source_address("127.0.0.1:0".parse().unwrap()).unwrap().to_string(), "127.0.0.1");
    assert_eq!(ledger.rows(), []);
}
