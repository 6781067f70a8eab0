//! Whom a session sends to and listens to: symmetric RTP (RFC 4961) with a rule against strangers.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long the present source must have been silent before another one is believed.
const DESERTED: Duration = Duration::from_millis(500);

/// The other end of a stream.
///
/// The description says where it is; behind a NAT that is not true, and packets come from elsewhere. The first source
/// that sends two valid packets in sequence is taken, the described one at once. Later another one is taken only when
/// the present one has been silent for half a second: a stranger who guesses the port cannot cut in.
#[derive(Debug, Default)]
pub(crate) struct Latch {
    described: Option<SocketAddr>,
    /// Whom we hear, and when last.
    heard: Option<(SocketAddr, Instant)>,
    /// A newcomer: address, source and the sequence number expected next.
    candidate: Option<(SocketAddr, u32, u16)>,
}

impl Latch {
    /// A description named `address`. When it is another one than before, the peer has moved and is looked for anew.
    pub(crate) fn describe(&mut self, address: Option<SocketAddr>) {
        if self.described != address {
            *self = Self { described: address, heard: None, candidate: None };
        }
    }

    /// Where to send.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.described?;
        self.heard.map(|(address, _)| address).or(self.described)
    }

    /// A valid packet came from `from`; answers whether it counts.
    pub(crate) fn accept(&mut self, now: Instant, from: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        match self.heard {
            Some((address, _)) if address == from => {
                self.heard = Some((from, now));
                self.candidate = None;
                return true;
            }
            Some((_, last)) if now.saturating_duration_since(last) < DESERTED => return false,
            _ => {}
        }
        let proven = self.candidate == Some((from, ssrc, sequence));
        if self.described == Some(from) || proven {
            self.heard = Some((from, now));
            self.candidate = None;
            return true;
        }
        self.candidate = Some((from, ssrc, sequence.wrapping_add(1)));
        false
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
    fn when_the_source_falls_silent_another_may_follow() {
        let start = Instant::now();
        let mut latch = Latch::default();
        latch.describe(Some(at(4000)));
        assert!(latch.accept(start, at(4000), 1, 1));
        let later = start + Duration::from_millis(600);
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
