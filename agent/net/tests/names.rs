//! Names through the door, against a small name server on loopback: what is asked, what is not, and what the ledger says.

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;

use agent_net::{Egress, NetConfig, NetError};
use common::{Ledger, net, why, with};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

/// Answers A queries for `crm.example` with 192.0.2.7 and `big.example` over TCP only; nothing else exists.
struct NameServer {
    address: SocketAddr,
    asked: Arc<AtomicU32>,
}

impl NameServer {
    async fn start(ttl: u32) -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
                count.fetch_add(1, SeqCst);
                udp.send_to(&answer(&buffer[..length], ttl, false), from).await.unwrap();
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                tokio::spawn(async move {
                    while let Ok(length) = stream.read_u16().await {
                        let mut query = vec![0; length.into()];
                        stream.read_exact(&mut query).await.unwrap();
                        let text = answer(&query, ttl, true);
                        stream.write_u16(text.len() as u16).await.unwrap();
                        stream.write_all(&text).await.unwrap();
                    }
                });
            }
        });
        Self { address, asked }
    }

    fn config(&self) -> NetConfig {
        NetConfig { name_servers: vec![self.address], ..NetConfig::default() }
    }
}

/// RFC 1035 section 4.1, by hand.
fn answer(query: &[u8], ttl: u32, tcp: bool) -> Vec<u8> {
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let question = &query[12..end];
    let name = question[..question.len() - 4].to_ascii_lowercase();
    let is_a = question[question.len() - 4..question.len() - 2] == [0, 1];
    let (known, big) = (name == b"\x03crm\x07example\x00", name == b"\x03big\x07example\x00");
    let cut = big && !tcp;
    let found = (known || big) && is_a && !cut;
    let mut text = query[..2].to_vec();
    let code = if known || big { 0 } else { 3 };
    text.extend([0x81 | u8::from(cut) << 1, 0x80 | code, 0, 1, 0, u8::from(found), 0, 0, 0, 0]);
    text.extend(question);
    if found {
        text.extend([0xc0, 12, 0, 1, 0, 1]);
        text.extend(ttl.to_be_bytes());
        text.extend([0, 4, 192, 0, 2, 7]);
    }
    text
}

#[tokio::test]
async fn each_query_on_the_wire_is_a_row_and_the_cache_none() {
    let server = NameServer::start(300).await;
    let ledger = Ledger::default();
    let net = with(&ledger, server.config());
    let found = net.resolve(&why(), "CRM.example").await.unwrap();
    assert_eq!(found, ["192.0.2.7".parse::<std::net::IpAddr>().unwrap()]);
    let rows = ledger.rows();
    assert_eq!(rows.len(), server.asked.load(SeqCst) as usize, "{rows:#?}");
    let mut requests: Vec<_> = rows.iter().map(|row| row.request.clone().unwrap()).collect();
    requests.sort();
    assert_eq!(requests, ["A crm.example", "AAAA crm.example"]);
    for row in &rows {
        assert_eq!(
            (row.scheme.as_str(), row.host.as_str(), row.port),
            ("dns", "crm.example", server.address.port())
        );
        assert_eq!(
            (row.purpose.who.as_str(), row.purpose.why.as_str()),
            ("names", "look up a name for plugin:test")
        );
        assert_eq!((row.outcome.clone(), row.bytes_out > 20), (Egress::Allowed, true));
    }
    net.resolve(&why(), "crm.example").await.unwrap();
    let positive =
        ledger.rows().into_iter().filter(|row| row.request.as_deref() == Some("A crm.example")).count();
    assert_eq!(positive, 1, "what was answered with a time to live is not asked again");
}

#[tokio::test]
async fn an_answer_without_time_to_live_is_asked_again() {
    let server = NameServer::start(0).await;
    let ledger = Ledger::default();
    let net = with(&ledger, server.config());
    net.resolve(&why(), "crm.example").await.unwrap();
    let before = server.asked.load(SeqCst);
    net.resolve(&why(), "crm.example").await.unwrap();
    assert!(server.asked.load(SeqCst) > before);
    assert_eq!(ledger.rows().len(), server.asked.load(SeqCst) as usize);
}

#[tokio::test]
async fn an_answer_too_long_for_udp_is_fetched_over_tcp_and_that_is_a_row_too() {
    let server = NameServer::start(300).await;
    let ledger = Ledger::default();
    let found = with(&ledger, server.config()).resolve(&why(), "big.example").await.unwrap();
    assert_eq!(found.len(), 1);
    let rows = ledger.rows().len();
    assert!(rows > server.asked.load(SeqCst) as usize, "{rows} rows, {:?} over UDP", server.asked);
}

#[tokio::test]
async fn an_unknown_name_is_said_to_be_unknown() {
    let server = NameServer::start(300).await;
    let ledger = Ledger::default();
    let net = with(&ledger, server.config());
    let error = net.tcp(&why(), "nobody.example", 80).await.unwrap_err();
    assert_eq!(error, NetError::UnknownName("nobody.example".to_owned()));
    let last = ledger.rows().pop().unwrap();
    assert!(matches!(last.outcome, Egress::Failed(_)) && last.scheme == "tcp", "{last:?}");
    assert!(ledger.rows().iter().all(|row| row.scheme != "dns" || row.outcome == Egress::Allowed));
}

#[tokio::test]
async fn a_name_that_comes_to_nothing_is_a_row_whoever_was_asked() {
    let server = NameServer::start(300).await;
    // The second is answered here (RFC 6761 section 6.4): nobody is asked, and the row is all there is to see.
    for (host, asked) in [("nobody.example", true), ("nosuch.invalid", false)] {
        let ledger = Ledger::default();
        let before = server.asked.load(SeqCst);
        let error = with(&ledger, server.config()).resolve(&why(), host).await.unwrap_err();
        assert_eq!(server.asked.load(SeqCst) > before, asked, "{host}");
        let row = ledger.rows().pop().unwrap();
        assert_eq!((row.scheme.as_str(), row.host.as_str(), row.port), ("dns", host, 53), "{row:?}");
        assert_eq!((row.purpose, row.outcome), (why(), Egress::Failed(error.to_string())));
    }
}

#[tokio::test]
async fn what_is_here_asks_nobody() {
    let server = NameServer::start(300).await;
    let ledger = Ledger::default();
    let net = with(&ledger, server.config());
    for (host, first) in [
        ("localhost", "127.0.0.1"),
        ("LOCALHOST.", "127.0.0.1"),
        ("crm.localhost", "127.0.0.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
    ] {
        assert_eq!(net.resolve(&why(), host).await.unwrap()[0].to_string(), first, "{host}");
    }
    assert_eq!((server.asked.load(SeqCst), ledger.rows()), (0, Vec::new()));
}

#[tokio::test]
async fn the_hosts_file_comes_before_the_name_servers() {
    let listed = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let own = listed.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse::<std::net::IpAddr>().ok()?;
        let name = words.find(|name| !name.contains("localhost"))?;
        Some((name.to_owned(), address))
    });
    let server = NameServer::start(300).await;
    for (name, address) in own {
        let ledger = Ledger::default();
        let found = with(&ledger, server.config()).resolve(&why(), &name).await.unwrap();
        assert!(found.contains(&address), "{name}: {found:?}");
        assert_eq!(ledger.rows(), [], "{name}");
    }
    assert_eq!(server.asked.load(SeqCst), 0);
}

#[tokio::test]
async fn a_dead_name_server_is_named_as_the_cause() {
    let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let ledger = Ledger::default();
    let config = NetConfig { name_servers: vec![gone], ..NetConfig::default() };
    let error = with(&ledger, config).resolve(&why(), "crm.example").await.unwrap_err();
    assert!(matches!(&error, NetError::Names { host, .. } if host == "crm.example"), "{error}");
    assert!(!ledger.rows().is_empty());
    drop(net(&ledger));
}
