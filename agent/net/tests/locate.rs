//! SIP services through the door (RFC 3263), against a small name server on loopback: which ways are found, in which order,
//! what is asked for them, and what the ledger says.

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;
#[path = "common/dns.rs"]
mod dns;

use agent_net::{Carrier, Egress, Located, Net, NetConfig, NetError, Place};
use common::{Ledger, why, with};
use dns::{NameServer, Record};
use std::time::{Duration, Instant};

const ALL: [Carrier; 3] = [Carrier::Udp, Carrier::Tcp, Carrier::Tls];

struct Bed {
    server: NameServer,
    ledger: Ledger,
    net: Net,
}

impl Bed {
    async fn new() -> Self {
        let server = NameServer::start("127.0.0.1:0", 300).await;
        let ledger = Ledger::default();
        let net = with(&ledger, NetConfig { name_servers: vec![server.address], ..NetConfig::default() });
        Self { server, ledger, net }
    }

    async fn locate(&self, place: Place<'_>) -> Result<Located, NetError> {
        self.net.locate(&why(), &place, &mut |_| 0).await
    }

    /// The ways found, as `udp 192.0.2.1:5060`.
    async fn ways(&self, place: Place<'_>) -> Vec<String> {
        let found = self.locate(place).await.unwrap();
        let way = |it: &agent_net::Candidate| format!("{:?} {}", it.carrier, it.address).to_lowercase();
        found.candidates.iter().map(way).collect()
    }
}

fn place(host: &str) -> Place<'_> {
    Place { host, port: None, carrier: None, offered: &ALL }
}

fn a(ip: &str) -> Record {
    Record::Address(ip.parse().unwrap())
}

/// A domain with everything: NAPTR for TLS before TCP, two machines for TLS, one for TCP.
fn whole(server: &NameServer) {
    server.set(
        "pbx.example",
        &[
            Record::Naptr(10, 20, "SIP+D2T", "_sip._tcp.pbx.example"),
            Record::Naptr(10, 10, "SIPS+D2T", "_sips._tcp.pbx.example"),
            Record::Naptr(20, 10, "SIP+D2U", "_sip._udp.pbx.example"),
            a("192.0.2.99"),
        ],
    );
    server.set(
        "_sips._tcp.pbx.example",
        &[Record::Srv(2, 0, 5061, "two.pbx.example"), Record::Srv(1, 0, 5071, "one.pbx.example")],
    );
    server.set("_sip._tcp.pbx.example", &[Record::Srv(1, 0, 5060, "one.pbx.example")]);
    server.set("_sip._udp.pbx.example", &[Record::Srv(1, 0, 5060, "one.pbx.example")]);
    server.set("one.pbx.example", &[a("192.0.2.1"), a("192.0.2.11")]);
    server.set("two.pbx.example", &[a("192.0.2.2")]);
}

#[tokio::test]
async fn naptr_then_srv_then_addresses() {
    let bed = Bed::new().await;
    whole(&bed.server);
    let ways = bed.ways(place("pbx.example")).await;
    assert_eq!(
        ways,
        [
            "tls 192.0.2.1:5071",
            "tls 192.0.2.11:5071",
            "tls 192.0.2.2:5061",
            "tcp 192.0.2.1:5060",
            "tcp 192.0.2.11:5060",
        ]
    );
    let found = bed.locate(place("pbx.example")).await.unwrap();
    assert!(
        found.candidates.iter().all(|it| it.name == "pbx.example"),
        "the domain is what a certificate is for"
    );
    let good_for = found.good_for.unwrap();
    assert!(good_for <= Duration::from_secs(300) && good_for > Duration::from_secs(290), "{good_for:?}");
    let asked = bed.server.asked();
    assert_eq!(asked[0], "35 pbx.example", "NAPTR first");
    assert_eq!(bed.ledger.rows().len(), asked.len(), "each question is a row: {asked:?}");
    assert!(
        bed.ledger.rows().iter().all(|row| row.purpose.why == "look up a name for plugin:test"),
        "{:?}",
        bed.ledger.rows()
    );
    let requests: Vec<_> = bed.ledger.rows().into_iter().map(|row| row.request.unwrap()).collect();
    assert!(requests.contains(&"SRV _sips._tcp.pbx.example".to_owned()), "{requests:?}");
    assert!(requests.contains(&"NAPTR pbx.example".to_owned()), "{requests:?}");
}

#[tokio::test]
async fn what_the_address_says_is_not_asked() {
    let bed = Bed::new().await;
    whole(&bed.server);
    let tcp = Place { carrier: Some(Carrier::Tcp), ..place("pbx.example") };
    assert_eq!(bed.ways(tcp).await[0], "tcp 192.0.2.1:5060");
    assert!(
        bed.server.asked().iter().all(|asked| !asked.starts_with("35 ")),
        "a transport is given: no NAPTR"
    );
    let before = bed.server.asked().len();
    let port = Place { port: Some(5080), ..place("pbx.example") };
    assert_eq!(bed.ways(port).await, ["udp 192.0.2.99:5080"]);
    let kinds = bed.server.asked()[before..].to_vec();
    assert!(kinds.iter().all(|asked| asked.starts_with("1 ") || asked.starts_with("28 ")), "{kinds:?}");
    let before = bed.server.asked().len();
    for (host, port, carrier, way) in [
        ("192.0.2.7", None, None, "udp 192.0.2.7:5060"),
        ("192.0.2.7", Some(5070), Some(Carrier::Tls), "tls 192.0.2.7:5070"),
        ("2001:db8::7", None, Some(Carrier::Tls), "tls [2001:db8::7]:5061"),
        ("192.0.2.7", None, Some(Carrier::Wss), "wss 192.0.2.7:443"),
    ] {
        assert_eq!(bed.ways(Place { host, port, carrier, offered: &ALL }).await, [way]);
    }
    assert_eq!(bed.server.asked().len(), before, "an address asks nobody");
}

#[tokio::test]
async fn sips_is_never_led_into_the_open() {
    let bed = Bed::new().await;
    whole(&bed.server);
    let secure = Place { offered: &[Carrier::Tls], ..place("pbx.example") };
    let ways = bed.ways(secure).await;
    assert!(ways.iter().all(|way| way.starts_with("tls ")), "{ways:?}");
    assert_eq!(ways.len(), 3);
}

#[tokio::test]
async fn without_naptr_every_service_is_asked_for_and_without_srv_the_domain_itself_serves() {
    let bed = Bed::new().await;
    bed.server.set("_sip._tcp.some.example", &[Record::Srv(0, 0, 5062, "m.some.example")]);
    bed.server.set("m.some.example", &[a("192.0.2.3")]);
    bed.server.set("some.example", &[a("192.0.2.98")]);
    assert_eq!(bed.ways(place("some.example")).await, ["tcp 192.0.2.3:5062"]);
    bed.server.set("plain.example", &[a("192.0.2.4"), a("192.0.2.5")]);
    assert_eq!(bed.ways(place("plain.example")).await, ["udp 192.0.2.4:5060", "udp 192.0.2.5:5060"]);
    let tls = Place { carrier: Some(Carrier::Tls), ..place("plain.example") };
    assert_eq!(bed.ways(tls).await[0], "tls 192.0.2.4:5061");
}

#[tokio::test]
async fn a_service_that_is_decidedly_not_there_is_not_tried() {
    let bed = Bed::new().await;
    bed.server.set("none.example", &[a("192.0.2.6")]);
    bed.server.set("_sip._udp.none.example", &[Record::Srv(0, 0, 0, ".")]);
    assert_eq!(
        bed.ways(place("none.example")).await,
        ["tcp 192.0.2.6:5060"],
        "UDP is not offered (RFC 2782)"
    );
    let udp = Place { carrier: Some(Carrier::Udp), ..place("none.example") };
    let error = bed.locate(udp).await.unwrap_err();
    assert!(error.to_string().contains("no such service"), "{error}");
    let last = bed.ledger.rows().pop().unwrap();
    assert!(matches!(last.outcome, Egress::Failed(_)) && last.host == "none.example", "{last:?}");
}

#[tokio::test]
async fn machines_without_an_address_are_left_out() {
    let bed = Bed::new().await;
    bed.server.set(
        "_sip._udp.half.example",
        &[Record::Srv(1, 0, 5060, "gone.half.example"), Record::Srv(2, 0, 5060, "here.half.example")],
    );
    bed.server.set("here.half.example", &[a("192.0.2.8")]);
    let udp = Place { carrier: Some(Carrier::Udp), ..place("half.example") };
    assert_eq!(bed.ways(udp).await, ["udp 192.0.2.8:5060"]);
    bed.server.set("_sip._udp.empty.example", &[Record::Srv(1, 0, 5060, "gone.half.example")]);
    let udp = Place { carrier: Some(Carrier::Udp), ..place("empty.example") };
    let error = bed.locate(udp).await.unwrap_err();
    assert!(error.to_string().contains("has an address"), "{error}");
}

#[tokio::test]
async fn a_router_that_knows_addresses_only_costs_moments() {
    let bed = Bed::new().await;
    bed.server.set("pbx.example", &[a("192.0.2.9")]);
    bed.server.is_deaf_to(35);
    bed.server.is_deaf_to(33);
    let begin = Instant::now();
    assert_eq!(bed.ways(place("pbx.example")).await, ["udp 192.0.2.9:5060"]);
    assert!(begin.elapsed() < Duration::from_secs(6), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn an_unknown_domain_and_a_bad_name_are_said_to_be_so() {
    let bed = Bed::new().await;
    let error = bed.locate(place("nobody.example")).await.unwrap_err();
    assert_eq!(error, NetError::UnknownName("nobody.example".to_owned()));
    let rows = bed.ledger.rows().len();
    let error = bed.locate(place("no body")).await.unwrap_err();
    assert_eq!(error, NetError::BadName("no body".to_owned()));
    assert_eq!(bed.ledger.rows().len(), rows, "nobody was asked");
}
