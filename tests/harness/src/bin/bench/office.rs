//! A PBX that takes every registration and every subscription and says of each line that it is free: for what is measured
//! with many of them.

use std::{
    collections::BTreeSet,
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Seconds it grants, to whoever asks.
const GRANTED: u32 = 3600;

/// What has happened at it.
#[derive(Debug, Default)]
struct Seen {
    /// The users that registered.
    registered: BTreeSet<String>,
    /// The dialogs of subscriptions whose first state was taken.
    told: BTreeSet<String>,
}

/// The PBX, on a port of its own. Dropping it ends it.
pub(crate) struct Office {
    /// Where it takes SIP over UDP.
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Office {
    /// Opens it.
    pub(crate) fn open() -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        let address = socket.local_addr()?;
        let (seen, over) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let (theirs, until) = (seen.clone(), over.clone());
        let serve = move || {
            let mut bytes = vec![0; 65_536];
            while !until.load(Ordering::Relaxed) {
                // Waiting that is over, or a sender that has gone, is no news.
                let Ok((length, from)) = socket.recv_from(&mut bytes) else { continue };
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let mut seen = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                for answer in hear(&text, address, &mut seen) {
                    let _ = socket.send_to(answer.as_bytes(), from);
                }
            }
        };
        Ok(Self { address, seen, over, thread: Some(thread::spawn(serve)) })
    }

    /// How many users have registered.
    pub(crate) fn registered(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).registered.len()
    }

    /// How many subscriptions know the state of their line.
    pub(crate) fn told(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).told.len()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is sent back for a message.
fn hear(text: &str, own: SocketAddr, seen: &mut Seen) -> Vec<String> {
    let fields = |name: &str| {
        let matching = text.lines().filter(|line| {
            line.split_once(':').is_some_and(|(known, _)| known.trim().eq_ignore_ascii_case(name))
        });
        matching.map(str::to_owned).collect::<Vec<_>>()
    };
    let field = |name: &str| {
        let line = fields(name).into_iter().next().unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let (call, cseq, from, to) = (field("Call-ID"), field("CSeq"), field("From"), field("To"));
    if text.starts_with("SIP/2.0 200") {
        if cseq.ends_with("NOTIFY") {
            seen.told.insert(call);
        }
        return Vec::new();
    }
    let ends = field("Expires") == "0" || field("Contact").contains("expires=0");
    let granted = if ends { 0 } else { GRANTED };
    let tagged = if to.contains("tag=") { to.clone() } else { format!("{to};tag=office") };
    let vias = fields("Via").join("\r\n");
    let answer = |more: &str| {
        format!(
            "SIP/2.0 200 OK\r\n{vias}\r\nFrom: {from}\r\nTo: {tagged}\r\nCall-ID: {call}\r\nCSeq: {cseq}\r\n{more}\
             Content-Length: 0\r\n\r\n"
        )
    };
    match text.split(' ').next() {
        Some("REGISTER") => {
            if !ends {
                seen.registered.insert(to);
            }
            vec![answer(&format!("Contact: {}\r\nExpires: {granted}\r\n", field("Contact")))]
        }
        Some("SUBSCRIBE") => {
            let contact = format!("Contact: <sip:office@{own}>\r\n");
            let mut answers = vec![answer(&format!("{contact}Expires: {granted}\r\n"))];
            if !ends {
                let target = field("Contact");
                let target = target.trim_start_matches('<').split('>').next().unwrap_or_default();
                let entity = to.trim_start_matches('<').split('>').next().unwrap_or_default();
                let body = format!(
                    "<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" \
                     state=\"full\" entity=\"{entity}\"></dialog-info>\r\n"
                );
                let number = cseq.split(' ').next().unwrap_or("1");
                answers.push(format!(
                    "NOTIFY {target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{call}{number}\r\nMax-Forwards: 70\r\n\
                     From: {tagged}\r\nTo: {from}\r\nCall-ID: {call}\r\nCSeq: {number} NOTIFY\r\n{contact}\
                     Event: dialog\r\nSubscription-State: active;expires={GRANTED}\r\n\
                     Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ));
            }
            answers
        }
        Some("ACK") | None => Vec::new(),
        Some(_) => vec![answer("")],
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, hear};

    fn request(method: &str, expires: u32) -> String {
        format!(
            "{method} sip:1002@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKa\r\n\
             From: <sip:1001@127.0.0.1>;tag=a\r\nTo: <sip:1002@127.0.0.1>\r\nCall-ID: c\r\nCSeq: 7 {method}\r\n\
             Contact: <sip:x@127.0.0.1:9>;q=1\r\nEvent: dialog\r\nExpires: {expires}\r\nContent-Length: 0\r\n\r\n"
        )
    }

    #[test]
    fn takes_registrations_and_tells_lines_once_they_are_asked_for() {
        let (own, mut seen) = ("127.0.0.1:5060".parse().expect("an address"), Seen::default());
        let answers = hear(&request("REGISTER", 3600), own, &mut seen);
        assert!(
            answers.len() == 1
                && answers[0].contains("Contact: <sip:x@127.0.0.1:9>;q=1\r\nExpires: 3600\r\n")
        );
        assert_eq!(seen.registered.len(), 1);
        let answers = hear(&request("SUBSCRIBE", 3600), own, &mut seen);
        assert!(answers[0].starts_with("SIP/2.0 200 OK") && answers[0].contains("tag=office"));
        assert!(answers[1].starts_with("NOTIFY sip:x@127.0.0.1:9 SIP/2.0\r\n"), "{}", answers[1]);
        assert!(seen.told.is_empty(), "nobody has taken it yet");
        assert!(hear("SIP/2.0 200 OK\r\nCall-ID: c\r\nCSeq: 7 NOTIFY\r\n\r\n", own, &mut seen).is_empty());
        assert_eq!(seen.told.len(), 1);
        assert_eq!(hear(&request("SUBSCRIBE", 0), own, &mut seen).len(), 1, "an end is not told");
    }
}
