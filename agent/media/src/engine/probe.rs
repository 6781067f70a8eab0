//! What strangers' bytes go through, without a stranger: for fuzzing, on the code that calls run on.

use super::{session::Session, sockets::Sockets};
use crate::{
    codec::{Codec, STEP},
    rtp,
    sdp::Negotiation,
};
use agent_core::port::media::Flow;
use agent_net::Net;
use mio::{Poll, Token};
use std::{
    cell::RefCell,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

/// Where the peer of a probe seems to be.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);

/// What the peer of a probe has offered.
const OFFER: &[u8] = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

const CODECS: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

/// Takes a description as an offer and as an answer.
///
/// # Panics
/// When an answer or an offer of ours cannot be read by ourselves.
pub fn sdp(bytes: &[u8]) {
    let mut ours = negotiation();
    if let Ok(answer) = ours.answer(bytes, Flow::SendRecv) {
        assert!(ours.agreed().is_some_and(|agreed| !agreed.receive.is_empty()), "agreed on nothing");
        let mut theirs = negotiation();
        theirs.offer(Flow::SendRecv);
        if let Err(error) = theirs.complete(&answer) {
            panic!("our answer cannot be read: {error}\n{}", String::from_utf8_lossy(&answer));
        }
        let again = ours.offer(Flow::SendOnly);
        if let Err(error) = negotiation().answer(&again, Flow::SendRecv) {
            panic!("our second offer cannot be read: {error}\n{}", String::from_utf8_lossy(&again));
        }
    }
    let mut asked = negotiation();
    asked.offer(Flow::SendRecv);
    // Whether it is an answer is theirs to say.
    let _ = asked.complete(bytes);
}

/// Takes datagrams as a call's sound: each begins with its length and with the milliseconds since the last one, a byte
/// each (the length times four, so that a whole packet fits).
///
/// # Panics
/// When the machine gives no sockets.
pub fn rtp(bytes: &[u8]) {
    thread_local!(static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) });
    BENCH.with_borrow_mut(|bench| {
        let Bench { net, poll, sockets } = bench.take().unwrap_or_else(Bench::new);
        let sockets = play(&net, sockets, bytes);
        *bench = Some(Bench { net, poll, sockets });
    });
}

/// Sockets are opened once: the kernel is slow at it and nothing of an input stays in them.
struct Bench {
    net: Net,
    poll: Poll,
    sockets: Sockets,
}

impl Bench {
    fn new() -> Self {
        let net = Net::new(Arc::new(|_| {}));
        let poll = Poll::new().expect("the machine gives a poll");
        let sockets =
            Sockets::open(&net, PEER.ip(), poll.registry(), Token(2)).expect("loopback gives sockets");
        Self { net, poll, sockets }
    }
}

fn play(net: &Net, sockets: Sockets, mut bytes: &[u8]) -> Sockets {
    let mut now = Instant::now();
    let mut session = Session::new(sockets, 2, CODECS);
    session.negotiation.answer(OFFER, Flow::SendRecv).expect("the offer is a good one");
    // with the ear here first: nothing is sent
    session.focus(now, true);
    session.agreed(now, net);
    let mut heard = [0; STEP];
    while let [quarter, wait, rest @ ..] = bytes {
        let (datagram, rest) = rest.split_at(rest.len().min(usize::from(*quarter) * 4));
        bytes = rest;
        now += Duration::from_millis(u64::from(*wait));
        let _ = session.datagram(now, PEER, datagram);
        session.listen(now, &mut heard);
    }
    session.sockets
}

fn negotiation() -> Negotiation {
    Negotiation::new(rtp::random(), SocketAddr::new(PEER.ip(), 30_000), 30_001, CODECS)
}
