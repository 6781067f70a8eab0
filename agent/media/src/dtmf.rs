//! Keys as telephone-events (RFC 4733): sent one after the other, received once each.

use std::collections::VecDeque;

/// How long a key is held: 100 ms, in samples.
const HOLD: u32 = 800;
/// How long it is quiet after a key: 100 ms.
const PAUSE: u32 = 800;
/// How loud a key claims to be: -10 dBm0.
const VOLUME: u8 = 10;
/// How often the end of a key is said (RFC 4733 section 2.5.1.4).
const ENDS: u8 = 3;
/// The longest queue of keys; what is beyond it is refused.
const MOST_KEYS: usize = 256;

/// The event code of a key; `None` for what is no key.
pub(crate) fn code(digit: char) -> Option<u8> {
    let at = "0123456789*#ABCD".find(digit.to_ascii_uppercase())?;
    u8::try_from(at).ok()
}

/// The key of an event code; `None` for other events (a hook flash, tones).
pub(crate) fn digit(code: u8) -> Option<char> {
    "0123456789*#ABCD".chars().nth(usize::from(code))
}

/// What is to be sent instead of the microphone's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// One packet of an event. All packets of a key have the time stamp of its first.
    Event {
        /// The four bytes of RFC 4733 section 2.3.
        payload: [u8; 4],
        /// The first packet of this key: the marker is set.
        first: bool,
        /// How many samples ago the key was pressed: its time stamp is that much before now.
        since: u32,
    },
    /// The key itself, for a peer that knows no events: its tone is to be made.
    Tone {
        /// Which.
        digit: char,
        /// How many samples ago it was pressed.
        since: u32,
    },
    /// A pause between keys.
    Pause,
}

/// Keys waiting to be sent.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    queue: VecDeque<char>,
    /// Samples since the current key was pressed.
    at: u32,
    /// How often the end has been said.
    ends: u8,
}

impl Sender {
    /// Adds keys; what is no key is left out. False when the queue is full.
    pub(crate) fn push(&mut self, digits: &str) -> bool {
        for digit in digits.chars().filter(|&d| code(d).is_some()) {
            if self.queue.len() >= MOST_KEYS {
                return false;
            }
            self.queue.push_back(digit);
        }
        true
    }

    /// Whether there is something to send.
    pub(crate) fn busy(&self) -> bool {
        !self.queue.is_empty()
    }

    /// What replaces the next `samples` of sound; `None`: nothing does. `events`: the peer knows telephone-events.
    pub(crate) fn next(&mut self, samples: u32, events: bool) -> Option<Key> {
        let digit = *self.queue.front()?;
        let (since, first) = (self.at, self.at == 0);
        self.at += samples;
        if !events {
            let key = if since < HOLD { Key::Tone { digit, since } } else { Key::Pause };
            self.finish(self.at >= HOLD + PAUSE);
            return Some(key);
        }
        // The event's length counts from the press to the end of this packet's time. The end is said three times, at
        // the usual pace, with the same length.
        let length = self.at.min(HOLD);
        let end = self.at >= HOLD;
        if end {
            self.ends = self.ends.saturating_add(1);
        }
        let key = if self.ends <= ENDS {
            let bits = u8::from(end) << 7 | VOLUME;
            let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
            Key::Event { payload: [code(digit)?, bits, length[0], length[1]], first, since }
        } else {
            Key::Pause
        };
        self.finish(self.ends >= ENDS && self.at >= HOLD + PAUSE);
        Some(key)
    }

    fn finish(&mut self, over: bool) {
        if over {
            self.queue.pop_front();
            self.at = 0;
            self.ends = 0;
        }
    }
}

/// Hears keys: each once, however often its packets come and in whatever order.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// Time stamps of the keys heard last.
    heard: VecDeque<u32>,
}

impl Receiver {
    /// A telephone-event packet came; answers the key when it is a new one.
    pub(crate) fn packet(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let digit = digit(*payload.first()?)?;
        if payload.len() < 4 || self.heard.contains(&timestamp) {
            return None;
        }
        if self.heard.len() >= 16 {
            self.heard.pop_front();
        }
        self.heard.push_back(timestamp);
        Some(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_five_packets_and_three_ends() {
        let mut sender = Sender::default();
        assert!(sender.push("5x#"));
        let mut packets = Vec::new();
        for tick in 0_u32.. {
            match sender.next(160, true) {
                Some(Key::Event { payload, first, since }) => packets.push((tick, payload, first, since)),
                Some(Key::Pause) => {}
                _ => break,
            }
        }
        let (five, hash): (Vec<_>, Vec<_>) = packets.into_iter().partition(|p| p.1[0] == 5);
        assert_eq!(five.len(), 7);
        assert_eq!(
            five.iter().map(|p| u16::from_be_bytes([p.1[2], p.1[3]])).collect::<Vec<_>>(),
            [160, 320, 480, 640, 800, 800, 800]
        );
        assert_eq!(five.iter().filter(|p| p.1[1] & 0x80 != 0).count(), 3);
        assert_eq!(five.iter().filter(|p| p.2).count(), 1);
        assert!(five[0].2 && five[0].3 == 0);
        assert!(hash.iter().all(|p| p.1[0] == 11));
        assert!(hash[0].0 - five[6].0 >= 3, "a pause between the keys");
        assert!(!sender.busy());
    }

    #[test]
    fn every_packet_length_comes_to_an_end() {
        for samples in [80, 160, 240, 320, 480] {
            for events in [true, false] {
                let mut sender = Sender::default();
                sender.push("1");
                let ends = (0..100)
                    .map_while(|_| sender.next(samples, events))
                    .filter(|k| matches!(k, Key::Event { payload, .. } if payload[1] & 0x80 != 0))
                    .count();
                assert!(!sender.busy());
                assert_eq!(ends, if events { 3 } else { 0 });
            }
        }
    }

    #[test]
    fn a_key_is_heard_once() {
        let mut receiver = Receiver::default();
        assert_eq!(receiver.packet(1000, &[5, 10, 0, 160]), Some('5'));
        assert_eq!(receiver.packet(1000, &[5, 10, 1, 64]), None);
        assert_eq!(receiver.packet(3000, &[5, 10, 0, 160]), Some('5'));
        assert_eq!(receiver.packet(1000, &[5, 138, 3, 32]), None, "late packets of the first press");
        assert_eq!(receiver.packet(5000, &[11, 138, 3, 32]), Some('#'), "only the end arrived");
        assert_eq!(receiver.packet(7000, &[16, 10, 0, 160]), None, "a hook flash is no key");
        assert_eq!(receiver.packet(9000, &[1]), None);
    }

    #[test]
    fn there_is_a_limit() {
        let mut sender = Sender::default();
        assert!(!sender.push(&"1".repeat(1000)));
        assert_eq!(sender.queue.len(), MOST_KEYS);
    }
}
