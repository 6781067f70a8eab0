//! A name server of the tests: answers over UDP from a list that the test may change, and counts what it is asked.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};
use tokio::net::UdpSocket;

/// A resource record's data, as the test writes it.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// A or AAAA.
    Address(IpAddr),
    /// Priority, weight, port, target.
    Srv(u16, u16, u16, &'static str),
    /// Order, preference, service, replacement.
    Naptr(u16, u16, &'static str, &'static str),
}

impl Record {
    fn kind(&self) -> u16 {
        match self {
            Self::Address(IpAddr::V4(_)) => 1,
            Self::Address(IpAddr::V6(_)) => 28,
            Self::Srv(..) => 33,
            Self::Naptr(..) => 35,
        }
    }

    fn data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        match self {
            Self::Address(IpAddr::V4(v4)) => data.extend(v4.octets()),
            Self::Address(IpAddr::V6(v6)) => data.extend(v6.octets()),
            Self::Srv(priority, weight, port, target) => {
                for number in [priority, weight, port] {
                    data.extend(number.to_be_bytes());
                }
                data.extend(name(target));
            }
            Self::Naptr(order, preference, service, replacement) => {
                data.extend([order.to_be_bytes(), preference.to_be_bytes()].concat());
                for text in ["s", service, ""] {
                    data.push(text.len() as u8);
                    data.extend(text.as_bytes());
                }
                data.extend(name(replacement));
            }
        }
        data
    }
}

#[derive(Default)]
struct Book {
    records: BTreeMap<String, Vec<Record>>,
    /// Kinds of question that are not answered at all.
    deaf: Vec<u16>,
    asked: Vec<String>,
}

/// The server; it ends with the runtime of the test.
#[derive(Clone)]
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

impl NameServer {
    /// Starts on `bind`; every record lives `ttl` seconds.
    pub(crate) async fn start(bind: &str, ttl: u32) -> Self {
        let socket = UdpSocket::bind(bind).await.unwrap();
        let address = socket.local_addr().unwrap();
        let book: Arc<Mutex<Book>> = Arc::default();
        let reading = book.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let answer = answer(&buffer[..length], ttl, &mut reading.lock().unwrap());
                if let Some(answer) = answer {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { address, book }
    }

    /// From now on these are the records of `name`.
    pub(crate) fn set(&self, name: &str, records: &[Record]) {
        self.book.lock().unwrap().records.insert(name.to_owned(), records.to_vec());
    }

    /// Questions of this kind (35: NAPTR) get no answer.
    pub(crate) fn is_deaf_to(&self, kind: u16) {
        self.book.lock().unwrap().deaf.push(kind);
    }

    /// What was asked so far, as `33 _sip._udp.pbx.example`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.book.lock().unwrap().asked.clone()
    }
}

/// RFC 1035 section 4.1, by hand.
fn answer(query: &[u8], ttl: u32, book: &mut Book) -> Option<Vec<u8>> {
    let length = query.get(12..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(12..12 + length + 5)?;
    let kind = u16::from_be_bytes([question[length + 1], question[length + 2]]);
    let mut labels = Vec::new();
    let mut rest = &question[..length];
    while let Some((size, after)) = rest.split_first() {
        let (label, after) = after.split_at_checked(usize::from(*size))?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        rest = after;
    }
    let asked = labels.join(".");
    book.asked.push(format!("{kind} {asked}"));
    if book.deaf.contains(&kind) {
        return None;
    }
    let known = book.records.get(&asked);
    let records: Vec<&Record> = known.into_iter().flatten().filter(|record| record.kind() == kind).collect();
    // A name that stands above others exists, too (RFC 8020).
    let above = book.records.keys().any(|name| name.ends_with(&format!(".{asked}")));
    let code = if known.is_some() || above { 0 } else { 3 };
    let mut text = query[..2].to_vec();
    text.extend([0x81, 0x80 | code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    text.extend(question);
    for record in records {
        text.extend([0xc0, 12]);
        text.extend([record.kind().to_be_bytes(), [0, 1]].concat());
        text.extend(ttl.to_be_bytes());
        let data = record.data();
        text.extend((data.len() as u16).to_be_bytes());
        text.extend(data);
    }
    Some(text)
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
