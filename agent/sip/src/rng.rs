//! Where random bytes come from: the operating system, or a seed so that a test runs the same way twice.

use std::time::Duration;

/// A source of random bytes. Branches, tags, Call-IDs, contact users and cnonces are made of them, so outside of tests
/// it has to be one that strangers cannot predict (RFC 3261 section 19.3).
pub trait Rng: Send {
    /// Fills the whole buffer.
    fn fill(&mut self, buffer: &mut [u8]);

    /// Sixty-four random bits.
    fn bits(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A token of `bytes` random bytes, as lower-case hexadecimal digits.
    fn token(&mut self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.fill(&mut buffer);
        let mut text = String::with_capacity(bytes * 2);
        for byte in buffer {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        text
    }

    /// A duration between the two, both included, in whole milliseconds.
    fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = most.saturating_sub(least).as_millis() as u64;
        least + Duration::from_millis(self.bits() % (span + 1))
    }
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct OsRng {
    fallback: Option<SeededRng>,
}

impl Rng for OsRng {
    fn fill(&mut self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_ok() {
            return;
        }
        // A system without its generator cannot keep a secret, but a call must not be lost over it: the standard
        // library seeds its hash maps as well as the system allows.
        self.fallback
            .get_or_insert_with(|| {
                use std::hash::{BuildHasher, RandomState};
                tracing::error!("the system has no random numbers; tokens are guessable");
                SeededRng::new(RandomState::new().hash_one(0))
            })
            .fill(buffer);
    }
}

/// SplitMix64: predictable, for tests and simulations only.
#[derive(Debug, Clone)]
pub struct SeededRng(u64);

impl SeededRng {
    /// The same seed gives the same bytes.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl Rng for SeededRng {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_tokens_are_hexadecimal() {
        let (mut one, mut two) = (SeededRng::new(7), SeededRng::new(7));
        assert_eq!(one.token(9), two.token(9));
        assert_ne!(one.token(9), SeededRng::new(8).token(9));
        let token = OsRng::default().token(12);
        assert_eq!(token.len(), 24);
        assert!(token.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(token, OsRng::default().token(12));
    }

    #[test]
    fn durations_stay_within_their_bounds() {
        let mut rng = SeededRng::new(1);
        let (least, most) = (Duration::from_millis(10), Duration::from_millis(12));
        let all: std::collections::BTreeSet<_> = (0..100).map(|_| rng.between(least, most)).collect();
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(|d| (least..=most).contains(d)));
        assert_eq!(rng.between(most, least), most);
    }
}
