//! One call's sound: what was agreed, what comes in, what goes out, and the facts about it.

use super::{
    outgoing::{Level, Outgoing},
    sockets::Sockets,
};
use crate::{
    codec::{Codec, STEP},
    dtmf,
    jitter::Jitter,
    rtp::{self, Latch, Receiver, Reports, Verdict},
    sdp::{self, Agreed, Negotiation},
};
use agent_core::port::media::{Flow, StreamFacts};
use agent_net::Net;
use rtp_types::RtpPacket;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Nothing heard for this long although it should: the user is told.
const SILENT: Duration = Duration::from_secs(3);
/// Between two facts.
const FACTS: Duration = Duration::from_secs(1);
/// Between two packets that only keep the path open (RFC 6263 asks for 15 s at most).
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What a session has to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum News {
    /// They pressed a key.
    Digit(char),
    /// Nothing is heard.
    Silent,
    /// Something is heard again.
    Heard,
    /// A second of facts.
    Facts(StreamFacts),
}

/// What a payload type means.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Sound(Codec),
    Key,
    /// Comfort noise: they are there, and silent. The hiss is made by `conceal`.
    Comfort,
}

/// Comfort noise has this payload type (RFC 3389 section 4).
const COMFORT: u8 = 13;

/// What a payload type means by what was agreed, or else by the fixed numbers of RFC 3551: some peers send the other
/// law, or comfort noise, without a word.
fn kind(agreed: &Agreed, number: u8) -> Option<Kind> {
    let known =
        agreed.receive.iter().find(|(known, _)| *known == number).map(|(_, codec)| Kind::Sound(*codec));
    let fixed = || [Codec::Pcma, Codec::Pcmu].into_iter().find(|codec| codec.static_type() == number);
    known
        .or_else(|| agreed.receive_events.contains(&number).then_some(Kind::Key))
        .or_else(|| fixed().map(Kind::Sound))
        .or_else(|| (number == COMFORT).then_some(Kind::Comfort))
}

/// One call.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) sockets: Sockets,
    /// By what the poll calls them.
    pub(super) token: usize,
    pub(super) negotiation: Negotiation,
    /// What we want to flow; by it we know whether we hold them.
    wanted: Flow,
    outgoing: Outgoing,
    receiver: Receiver,
    latch: Latch,
    reports: Reports,
    keys: dtmf::Receiver,
    /// While the ear is here.
    jitter: Option<Box<Jitter>>,
    level_in: Level,
    decoded: Vec<i16>,
    /// When a packet that counts came last.
    heard: Option<Instant>,
    /// Since when something should be heard.
    expecting: Option<Instant>,
    silent: bool,
    /// They know telephone-events, as last told.
    pub(super) events: bool,
    facts: Option<Instant>,
}

impl Session {
    /// A session whose description speaks of `sockets`.
    pub(super) fn new(sockets: Sockets, token: usize, codecs: [Codec; 2]) -> Self {
        let rtcp_port = sockets.rtcp.local_addr().map_or(sockets.local.port() + 1, |address| address.port());
        let negotiation = Negotiation::new(rtp::random(), sockets.local, rtcp_port, codecs);
        Self {
            sockets,
            token,
            negotiation,
            wanted: Flow::SendRecv,
            outgoing: Outgoing::default(),
            receiver: Receiver::default(),
            latch: Latch::default(),
            reports: Reports::default(),
            keys: dtmf::Receiver::default(),
            jitter: None,
            level_in: Level::default(),
            decoded: Vec::new(),
            heard: None,
            expecting: None,
            silent: false,
            events: true,
            facts: None,
        }
    }

    /// Takes other sockets, and gives back those it had.
    pub(super) fn relocate(&mut self, now: Instant, sockets: Sockets, token: usize) -> Sockets {
        let rtcp_port = sockets.rtcp.local_addr().map_or(sockets.local.port() + 1, |address| address.port());
        self.negotiation.relocate(sockets.local, rtcp_port);
        self.token = token;
        // What was sent to the old address is lost, and nobody is to blame for it.
        self.expecting = Some(now);
        std::mem::replace(&mut self.sockets, sockets)
    }

    /// What we want from now on.
    pub(super) fn want(&mut self, flow: Flow) {
        self.wanted = flow;
    }

    /// Something was agreed: sound flows accordingly.
    pub(super) fn agreed(&mut self, now: Instant, net: &Net) {
        let Some(agreed) = self.negotiation.agreed() else { return };
        self.latch.describe(agreed.rtp);
        self.expecting = Some(now);
        self.reports.start(now);
        if sdp::sends(agreed.flow) && self.jitter.is_none() && self.outgoing.last().is_none() {
            // The first packet opens the way through NATs and firewalls, before there is anything to say.
            self.keep_alive(now, net);
        }
    }

    /// The ear and the microphone are here, or elsewhere.
    pub(super) fn focus(&mut self, now: Instant, focused: bool) {
        if focused != self.jitter.is_some() {
            self.jitter = focused.then(Box::default);
            self.expecting = Some(now);
            self.silent = false;
            self.facts = focused.then_some(now + FACTS);
            self.outgoing.forget();
            self.level_in.take();
            self.outgoing.take_level();
        }
    }

    /// Keys to send. False: too many.
    pub(super) fn press(&mut self, digits: &str) -> bool {
        self.outgoing.keys.push(digits)
    }

    /// Whether it must be stepped every 10 ms although the microphone is elsewhere.
    pub(super) fn busy(&self) -> bool {
        self.outgoing.keys.busy() && self.sends()
    }

    /// Whether we hold them: what they send is not listened to and the microphone is not sent.
    fn held(&self) -> bool {
        !sdp::receives(self.wanted)
    }

    fn sends(&self) -> bool {
        self.negotiation.agreed().is_some_and(|agreed| sdp::sends(agreed.flow)) && self.latch.peer().is_some()
    }

    /// A datagram came.
    pub(super) fn datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Option<News> {
        let agreed = self.negotiation.agreed()?;
        if rtp::is_rtcp(datagram) {
            if let Some(gone) = self.reports.heard(now, self.outgoing.sender.ssrc(), datagram) {
                self.receiver.goodbye(gone);
            }
            return None;
        }
        let packet = RtpPacket::parse(datagram).ok()?;
        let kind = kind(agreed, packet.payload_type())?;
        let listening = sdp::receives(agreed.flow);
        if !self.latch.accept(now, from, packet.ssrc(), packet.sequence_number()) {
            return None;
        }
        let stamp = packet.timestamp();
        let verdict = self.receiver.packet(
            now,
            packet.ssrc(),
            packet.sequence_number(),
            stamp,
            matches!(kind, Kind::Sound(_)),
        );
        if verdict == Verdict::Ignore {
            return None;
        }
        self.heard = Some(now);
        let news = (!matches!(kind, Kind::Key) && std::mem::take(&mut self.silent)).then_some(News::Heard);
        if let (Verdict::Fresh, Some(jitter)) = (verdict, &mut self.jitter) {
            jitter.restart();
        }
        match (kind, &mut self.jitter) {
            (Kind::Key, _) => self.keys.packet(stamp, packet.payload()).map(News::Digit).or(news),
            (Kind::Sound(codec), Some(jitter)) if listening => {
                codec.decode(packet.payload(), &mut self.decoded);
                jitter.push(now, stamp, &self.decoded);
                news
            }
            _ => news,
        }
    }

    /// 10 ms for the ear.
    pub(super) fn listen(&mut self, now: Instant, out: &mut [i16; STEP]) {
        out.fill(0);
        let held = self.held();
        if let Some(jitter) = &mut self.jitter {
            jitter.pull(now, out);
            if held {
                out.fill(0);
            }
            self.level_in.add(out);
        }
    }

    /// 10 ms went by; the microphone gave `samples`.
    pub(super) fn speak(&mut self, now: Instant, samples: &[i16], muted: bool, net: &Net) {
        let muted = muted || self.held();
        let (Some(agreed), Some(peer)) = (self.negotiation.agreed(), self.latch.peer()) else { return };
        if sdp::sends(agreed.flow) {
            let sockets = &mut self.sockets;
            self.outgoing.step(now, samples, agreed, muted, |datagram| sockets.send_rtp(net, peer, datagram));
        }
    }

    fn keep_alive(&mut self, now: Instant, net: &Net) {
        let (Some(agreed), Some(peer)) = (self.negotiation.agreed(), self.latch.peer()) else { return };
        if sdp::sends(agreed.flow) {
            let sockets = &mut self.sockets;
            self.outgoing.keep_alive(now, agreed, |datagram| sockets.send_rtp(net, peer, datagram));
        }
    }

    /// When `timer` is to be called next.
    pub(super) fn due(&self) -> Option<Instant> {
        let quiet = self.jitter.is_none() && !self.busy() && self.sends();
        let keep_alive = quiet.then(|| self.outgoing.last().map(|last| last + KEEP_ALIVE)).flatten();
        [self.reports.due(), keep_alive, self.facts].into_iter().flatten().min()
    }

    /// Does what is due by the clock.
    pub(super) fn timer(&mut self, now: Instant, net: &Net, mut tell: impl FnMut(News)) {
        if self.reports.due().is_some_and(|due| due <= now) {
            let report = self.reports.report(now, &self.outgoing.sender, &mut self.receiver);
            self.send_report(net, &report);
        }
        let last = self.outgoing.last();
        if self.jitter.is_none() && !self.busy() && last.is_some_and(|last| last + KEEP_ALIVE <= now) {
            self.keep_alive(now, net);
        }
        if self.facts.is_some_and(|due| due <= now) {
            self.facts = Some(now + FACTS);
            if let Some(news) = self.check_silence(now) {
                tell(news);
            }
            if self.negotiation.agreed().is_some() {
                tell(News::Facts(self.take_facts()));
            }
        }
    }

    /// Whether nothing has been heard for too long.
    fn check_silence(&mut self, now: Instant) -> Option<News> {
        // Whoever holds, or is held without music, sends nothing and owes us nothing.
        let live = self.negotiation.agreed().is_some_and(|agreed| agreed.flow == Flow::SendRecv);
        let should = live && !self.held();
        let since = self.heard.max(self.expecting)?;
        let silent = should && now.saturating_duration_since(since) >= SILENT;
        (silent && !std::mem::replace(&mut self.silent, silent)).then_some(News::Silent)
    }

    fn take_facts(&mut self) -> StreamFacts {
        if let Some(loss) = self.reports.peer_loss() {
            tracing::debug!(loss, "percent of ours that the peer loses");
        }
        StreamFacts {
            level_out_dbov: self.outgoing.take_level(),
            level_in_dbov: self.level_in.take(),
            received: self.receiver.total(),
            loss_percent: self.receiver.look() as f32,
            jitter_ms: self.receiver.jitter_ms() as f32,
            buffer_ms: self.jitter.as_ref().map_or(0.0, |jitter| jitter.delay_ms()) as f32,
        }
    }

    fn send_report(&mut self, net: &Net, report: &[u8]) {
        // Behind a NAT the reports' address of the description is as wrong as the sound's: its neighbour is tried.
        let described = self.negotiation.agreed().and_then(|agreed: &Agreed| agreed.rtcp);
        let Some(mut peer) = described else { return };
        if let (Some(heard), Some(agreed)) = (self.latch.peer(), self.negotiation.agreed())
            && agreed.rtp != Some(heard)
        {
            peer = SocketAddr::new(heard.ip(), heard.port().saturating_add(1));
        }
        self.sockets.send_rtcp(net, peer, report);
    }

    /// Says goodbye.
    pub(super) fn end(&mut self, now: Instant, net: &Net) {
        if self.outgoing.last().is_some() || self.heard.is_some() {
            let report = self.reports.goodbye(now, &self.outgoing.sender, &mut self.receiver);
            self.send_report(net, &report);
        }
        if let Some(jitter) = &self.jitter {
            tracing::debug!(counters = ?jitter.counters(), "the jitter buffer's account");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Token};
    use std::{net::UdpSocket, sync::Arc};

    /// A call that has been agreed on at `start` and has the ear; what it sends goes to the socket, unread.
    fn agreed(start: Instant, net: &Net, peer: &UdpSocket) -> Session {
        let (poll, at) = (Poll::new().expect("a poll"), peer.local_addr().expect("bound"));
        let sockets = Sockets::open(net, at.ip(), poll.registry(), Token(2)).expect("sockets");
        let mut session = Session::new(sockets, 2, [Codec::Pcma, Codec::Pcmu]);
        let port = at.port();
        let offer = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8\r\na=rtcp:{port}\r\n",
            ip = at.ip()
        );
        session.negotiation.answer(offer.as_bytes(), Flow::SendRecv).expect("a good offer");
        session.focus(start, true);
        session.agreed(start, net);
        session
    }

    /// 20 ms of A-law.
    fn packet(sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 8];
        packet.extend(sequence.to_be_bytes());
        packet.extend((u32::from(sequence) * 160).to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend([0xd5; 160]);
        packet
    }

    #[test]
    fn silence_is_told_after_three_seconds_of_it_and_its_end_at_once() {
        let net = Net::new(Arc::new(|_| {}));
        let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let from = peer.local_addr().expect("bound");
        let start = Instant::now();
        let mut session = agreed(start, &net, &peer);
        // A second and a half of sound, then none; the clock is looked at every 10 ms.
        let mut told = Vec::new();
        for step in 0..1000_u64 {
            let now = start + Duration::from_millis(10 * step);
            if step < 150 && step.is_multiple_of(2) {
                assert_eq!(session.datagram(now, from, &packet(step as u16 / 2)), None);
            }
            session.timer(now, &net, |news| told.push((10 * step, news)));
        }
        let facts = told.iter().filter(|(_, news)| matches!(news, News::Facts(_))).map(|(at, _)| *at);
        assert_eq!(facts.collect::<Vec<_>>(), (1..10).map(|second| second * 1000).collect::<Vec<_>>());
        let silent = told.iter().filter(|(_, news)| *news == News::Silent).map(|(at, _)| *at);
        // It is looked for with the facts: the first time that is three seconds after 1480 ms.
        assert_eq!(silent.collect::<Vec<_>>(), [5000], "{told:?}");
        let later = start + Duration::from_secs(10);
        assert_eq!(session.datagram(later, from, &packet(75)), Some(News::Heard));
        assert_eq!(session.datagram(later, from, &packet(76)), None, "told once");
    }
}
