//! Whom a session sends to and listens to: symmetric RTP (RFC 4961) with a rule against strangers.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long the present source must have been silent before another one is believed.
const DESERTED: Duration = Duration::from_millis(500);

/// The other end of a stream.
///
/// The description says where it is, and whoever sends from there is the other side, at once and always. Behind a NAT the
/// description is not true, and packets come from elsewhere: as long as nothing came from the described address, the first
/// source that sends two valid packets in sequence is taken, and another one only when that has been silent for half a
/// second. A stranger who guesses the port is heard by nobody, then, once the other side has said a word.
#[derive(Debug, Default)]
pub(crate) struct Latch {
    described: Option<SocketAddr>,
    /// Something came from the described address: no other one counts.
    confirmed: bool,
    /// Whom we hear, and when last.
    heard: Option<(SocketAddr, Instant)>,
    /// A newcomer: address, source and the sequence number expected next.
    candidate: Option<(SocketAddr, u32, u16)>,
}

impl Latch {
    /// A description named `address`. When it is another one than before, the peer has moved and is looked for anew.
    pub(crate) fn describe(&mut self, address: Option<SocketAddr>) {
        if self.described != address {
            *self = Self { described: address, ..Self::default() };
        }
    }

    /// Where to send.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.described?;
        self.heard.map(|(address, _)| address).or(self.described)
    }

    /// A valid packet came from `from`; answers whether it counts.
    pub(crate) fn accept(&mut self, now: Instant, from: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        if self.described == Some(from) {
            self.confirmed = true;
            return self.hear(now, from);
        }
        match self.heard {
            _ if self.confirmed => return false,
            Some((address, _)) if address == from => return self.hear(now, from),
            Some((_, last)) if now.saturating_duration_since(last) < DESERTED => return false,
            _ => {}
        }
        if self.candidate == Some((from, ssrc, sequence)) {
            return self.hear(now, from);
        }
        self.candidate = Some((from, ssrc, sequence.wrapping_add(1)));
        false
    }

    fn hear(&mut self, now: Instant, from: SocketAddr) -> bool {
        self.heard = Some((from, now));
        self.candidate = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn the_described_source_counts_at_once_and_a_stranger_does_not_cut_in() {
        let start = Instant::now();
        let mut latch = Latch::default();
        assert_eq!(latch.peer(), None);
        latch.describe(Some(at(4000)));
        assert_eq!(latch.peer(), Some(at(4000)));
        assert!(latch.accept(start, at(4000), 1, 10));
        for n in 0..10 {
            assert!(!latch.accept(start + Duration::from_millis(20 * n), at(6666), 2, n as u16));
            assert!(latch.accept(start + Duration::from_millis(20 * n), at(4000), 1, 11 + n as u16));
        }
        assert_eq!(latch.peer(), Some(at(4000)));
    }

    #[test]
    fn behind_a_nat_the_real_source_is_found() {
        let start = Instant::now();
        let mut latch = Latch::default();
        latch.describe(Some(at(4000)));
        assert!(!latch.accept(start, at(5000), 1, 10), "one packet proves nothing");
        assert!(!latch.accept(start, at(5000), 1, 900), "nor does one out of sequence");
        assert!(latch.accept(start, at(5000), 1, 901));
        assert_eq!(latch.peer(), Some(at(5000)));
    }

    #[test]
    fn the_described_source_wins_back_at_once_and_for_good() {
        let start = Instant::now();
        let mut latch = Latch::default();
        latch.describe(Some(at(4000)));
        assert!(!latch.accept(start, at(6666), 2, 1));
        assert!(
            latch.accept(start, at(6666), 2, 2),
            "nothing is known yet: it might be the other side behind a NAT"
        );
        assert!(latch.accept(start, at(4000), 1, 1), "the one described needs no patience");
        assert_eq!(latch.peer(), Some(at(4000)));
        for n in 3..100 {
            let pause = start + Duration::from_secs(u64::from(n));
            assert!(!latch.accept(pause, at(6666), 2, n), "a pause lets nobody in");
        }
        assert_eq!(latch.peer(), Some(at(4000)));
    }

    #[test]
    fn behind_a_nat_another_may_follow_when_the_source_falls_silent() {
        let start = Instant::now();
        let mut latch = Latch::default();
        latch.describe(Some(at(4000)));
        assert!(!latch.accept(start, at(4500), 1, 1));
        assert!(latch.accept(start, at(4500), 1, 2));
        assert!(!latch.accept(start + DESERTED / 2, at(5000), 3, 1));
        assert!(!latch.accept(start + DESERTED / 2, at(5000), 3, 2), "it has not been silent for long");
        let later = start + DESERTED;
        assert!(!latch.accept(later, at(5000), 3, 1));
        assert!(latch.accept(later, at(5000), 3, 2));
        assert_eq!(latch.peer(), Some(at(5000)));
        latch.describe(Some(at(4000)));
        assert_eq!(latch.peer(), Some(at(5000)), "the same description again changes nothing");
        latch.describe(Some(at(7000)));
        assert_eq!(latch.peer(), Some(at(7000)), "a new one does");
        latch.describe(None);
        assert_eq!(latch.peer(), None);
    }
}
