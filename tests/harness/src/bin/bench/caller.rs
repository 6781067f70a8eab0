//! The caller: rings a phone at a steady pace over one socket, lets each call ring for a while, cancels it, and notes
//! when what came back.

use crate::{
    message::{Answer, Dialog, Phone},
    stamped::Stamped,
};
use std::{
    collections::BTreeMap,
    io,
    net::UdpSocket,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant, SystemTime},
};

/// RFC 3261 section 17.1.1.1, T1: an unanswered request is sent again after this, then after twice that, …
const T1: Duration = Duration::from_millis(500);

/// How much longer than it rings a call may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(8);

/// How the phone is rung.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Which caller is the first; the others follow.
    pub(crate) first: usize,
    /// How many calls.
    pub(crate) calls: usize,
    /// From one INVITE to the next, whatever becomes of them.
    pub(crate) every: Duration,
    /// From the 180 to the CANCEL.
    pub(crate) ring: Duration,
}

/// What became of one call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The number that called.
    pub(crate) number: String,
    /// Just before the INVITE was handed to the kernel.
    pub(crate) sent: SystemTime,
    /// The same on the clock other witnesses use.
    pub(crate) sent_at: Instant,
    /// From then until the first 180 had arrived.
    pub(crate) ringing: Option<Duration>,
    /// The final answer to the INVITE.
    pub(crate) end: Option<u16>,
}

impl Call {
    /// It rang, and ended as a cancelled call does (487). A 486 or 503 is no service.
    pub(crate) fn rang_and_ended(&self) -> bool {
        self.ringing.is_some() && self.end == Some(487)
    }
}

/// The number of the bench's `index`th caller. The last seven digits differ, and it is a real German number's form.
pub(crate) fn number(index: usize) -> String {
    format!("+49305{index:06}")
}

/// Rings the phone as `pace` says and returns when every call has ended or was given up.
pub(crate) fn ring(phone: &Phone, pace: Pace) -> io::Result<Vec<Call>> {
    let mut caller = Caller::open(phone, pace)?;
    let began = Instant::now();
    caller.due.insert((began, 0), Due::Invite);
    while let Some((&(at, index), _)) = caller.due.first_key_value() {
        let wait = at.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            let due = caller.due.pop_first().map(|(_, due)| due);
            caller.act(index, due.unwrap_or(Due::GiveUp), began)?;
        } else if let Some((text, at)) = caller.socket.receive(wait)? {
            caller.hear(&text, at)?;
        }
    }
    Ok(caller.calls)
}

/// What is to be done for a call at its time.
enum Due {
    Invite,
    /// A request again, unless it was answered: its text, its method, and how long to wait for the time after this.
    Again(String, Sent, Duration),
    Cancel,
    GiveUp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Invite,
    Cancel,
}

struct Caller {
    socket: Stamped,
    /// Open, so that nothing bounces off the port we offer for sound.
    rtp: UdpSocket,
    phone: Phone,
    pace: Pace,
    run: u32,
    calls: Vec<Call>,
    cancel_answered: Vec<bool>,
    due: BTreeMap<(Instant, usize), Due>,
}

impl Caller {
    fn open(phone: &Phone, pace: Pace) -> io::Result<Self> {
        static RUN: AtomicU32 = AtomicU32::new(0);
        Ok(Self {
            socket: Stamped::open()?,
            rtp: UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0))?,
            phone: phone.clone(),
            pace,
            run: RUN.fetch_add(1, Ordering::Relaxed),
            calls: Vec::new(),
            cancel_answered: Vec::new(),
            due: BTreeMap::new(),
        })
    }

    fn dialog(&self, index: usize) -> io::Result<Dialog> {
        Ok(Dialog {
            phone: self.phone.clone(),
            number: number(self.pace.first + index),
            id: format!("bench{}x{}x{index}", std::process::id(), self.run),
            port: self.socket.port()?,
            rtp: self.rtp.local_addr()?.port(),
        })
    }

    /// Two things for one call at the same instant are told apart by a nanosecond.
    fn later(&mut self, mut at: Instant, index: usize, due: Due) {
        while self.due.contains_key(&(at, index)) {
            at += Duration::from_nanos(1);
        }
        self.due.insert((at, index), due);
    }

    fn act(&mut self, index: usize, due: Due, began: Instant) -> io::Result<()> {
        let now = Instant::now();
        match due {
            Due::Invite => {
                let dialog = self.dialog(index)?;
                let text = dialog.invite();
                let sent_at = Instant::now();
                let sent = self.socket.send(&text, dialog.phone.address)?;
                self.calls.push(Call { number: dialog.number, sent, sent_at, ringing: None, end: None });
                self.cancel_answered.push(false);
                self.later(now + T1, index, Due::Again(text, Sent::Invite, T1 * 2));
                self.later(now + self.pace.ring + PATIENCE, index, Due::GiveUp);
                if index + 1 < self.pace.calls {
                    let next = u32::try_from(index + 1).unwrap_or(u32::MAX);
                    self.later(began + self.pace.every * next, index + 1, Due::Invite);
                }
            }
            Due::Again(text, sent, next) => {
                let answered = match sent {
                    Sent::Invite => self.calls[index].ringing.is_some() || self.calls[index].end.is_some(),
                    Sent::Cancel => self.cancel_answered[index],
                };
                if !answered && next < T1 * 64 {
                    self.socket.send(&text, self.phone.address)?;
                    self.later(now + next, index, Due::Again(text, sent, next * 2));
                }
            }
            Due::Cancel => {
                if self.calls[index].end.is_none() {
                    let text = self.dialog(index)?.cancel();
                    self.socket.send(&text, self.phone.address)?;
                    self.later(now + T1, index, Due::Again(text, Sent::Cancel, T1 * 2));
                }
            }
            Due::GiveUp => self.forget(index),
        }
        Ok(())
    }

    fn hear(&mut self, text: &str, at: SystemTime) -> io::Result<()> {
        let Some(answer) = Answer::read(text) else { return Ok(()) };
        let index = answer.call_id.rsplit('x').next().and_then(|index| index.parse::<usize>().ok());
        let Some(index) = index.filter(|&index| index < self.calls.len()) else { return Ok(()) };
        let dialog = self.dialog(index)?;
        if dialog.id != answer.call_id {
            return Ok(());
        }
        match (answer.method, answer.status) {
            ("INVITE", 180) if self.calls[index].ringing.is_none() => {
                let since = at.duration_since(self.calls[index].sent).unwrap_or_default();
                self.calls[index].ringing = Some(since);
                self.later(Instant::now() + self.pace.ring, index, Due::Cancel);
            }
            ("INVITE", status @ 200..) => {
                self.calls[index].end = Some(status);
                self.socket.send(&dialog.ack(answer.to), self.phone.address)?;
                self.forget(index);
            }
            ("CANCEL", 200..) => self.cancel_answered[index] = true,
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self, index: usize) {
        self.due.retain(|&(_, other), _| other != index);
    }
}

#[cfg(test)]
mod tests {
    use super::{Pace, number, ring};
    use crate::message::Phone;
    use std::{net::UdpSocket, thread, time::Duration};

    /// A phone that rings for every other caller and is busy for the rest.
    fn phone(socket: UdpSocket) {
        let mut bytes = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let say = |status: &str, method: &str| {
                let fields = text.lines().filter(|line| {
                    ["Via:", "From:", "To:", "Call-ID:"].iter().any(|name| line.starts_with(name))
                });
                let fields: String = fields.map(|line| format!("{line}\r\n")).collect();
                let _ = socket.send_to(
                    format!("SIP/2.0 {status}\r\n{fields}CSeq: 1 {method}\r\n\r\n").as_bytes(),
                    from,
                );
            };
            let busy = text.contains(&number(1)) || text.contains(&number(3));
            match text.split(' ').next() {
                Some("INVITE") if busy => say("486 Busy Here", "INVITE"),
                Some("INVITE") => say("180 Ringing", "INVITE"),
                Some("CANCEL") => {
                    say("200 OK", "CANCEL");
                    say("487 Request Terminated", "INVITE");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn counts_what_rang_and_not_what_was_busy() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = socket.local_addr().expect("an address");
        thread::spawn(move || phone(socket));
        let target = Phone { address, contact: format!("sip:1001@{address}") };
        let pace =
            Pace { first: 0, calls: 4, every: Duration::from_millis(2), ring: Duration::from_millis(5) };
        let calls = ring(&target, pace).expect("sockets work");
        let served: Vec<bool> = calls.iter().map(super::Call::rang_and_ended).collect();
        assert_eq!(served, [true, false, true, false], "{calls:?}");
        assert_eq!(calls[1].end, Some(486));
    }
}
