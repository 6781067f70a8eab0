//! From the microphone's samples to packets, evenly: one every 20 ms (or what was agreed), whatever the sound card does.

use crate::{
    codec::RATE,
    dtmf::{self, Key},
    measure,
    rtp::Sender,
    sdp::Agreed,
    tone,
};
use std::time::{Duration, Instant};

/// A packet may be this much overdue before silence stands in for a microphone that does not deliver.
const GRACE: Duration = Duration::from_millis(60);
/// More than this waiting beyond the packet that is due is dropped, samples (100 ms): late is worse than lost.
const MOST_WAITING: usize = 800;
/// At most this much stand-in silence is made up for by dropping late samples, samples.
const MOST_DEBT: usize = 480;
/// After a pause longer than this the time stamps jump ahead to now.
const PAUSE: Duration = Duration::from_millis(100);

/// The sending side of a session.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) sender: Sender,
    pub(super) keys: dtmf::Sender,
    /// Samples that wait for their packet.
    waiting: Vec<i16>,
    /// Samples of silence that stood in for the microphone and may yet arrive.
    debt: usize,
    /// When the last packet went out.
    last: Option<Instant>,
    /// When the next one is due.
    due: Option<Instant>,
    frame: Vec<i16>,
    payload: Vec<u8>,
    datagram: Vec<u8>,
    level: Level,
}

/// A running level.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Level {
    energy: f64,
    samples: u64,
}

impl Level {
    /// Adds samples.
    pub(super) fn add(&mut self, samples: &[i16]) {
        self.energy += samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>();
        self.samples += samples.len() as u64;
    }

    /// The level since the last time it was taken, dBov.
    pub(super) fn take(&mut self) -> i16 {
        let Self { energy, samples } = std::mem::take(self);
        if samples == 0 || energy <= 0.0 {
            return measure::SILENCE_DBOV as i16;
        }
        let level = 10.0 * (energy / samples as f64 / (32_768.0 * 32_768.0)).log10();
        level.round().clamp(-127.0, 0.0) as i16
    }
}

impl Outgoing {
    /// 10 ms went by and the microphone gave `samples` (any number). Hands every packet that is due to `send`.
    pub(super) fn step(
        &mut self,
        now: Instant,
        samples: &[i16],
        agreed: &Agreed,
        muted: bool,
        mut send: impl FnMut(&[u8]),
    ) {
        let frame = (agreed.ptime * RATE / 1000) as usize;
        let length = Duration::from_millis(u64::from(agreed.ptime));
        let skip = self.debt.min(samples.len());
        self.debt -= skip;
        self.waiting.extend_from_slice(&samples[skip..]);
        let most = frame + MOST_WAITING;
        if self.waiting.len() > most {
            self.waiting.drain(..self.waiting.len() - frame);
        }
        // After a pause the next packet is due when the microphone has had time to fill it.
        let due = self.due.filter(|&due| now <= due + PAUSE).unwrap_or(now + length);
        let mut at = now;
        if self.waiting.len() < frame && now >= due + GRACE {
            let missing = frame - self.waiting.len();
            self.debt = (self.debt + missing).min(MOST_DEBT);
            self.waiting.resize(frame, 0);
            // It counts as sent when it was due: the next one is due a frame later, not a frame and the grace.
            at = due;
        }
        self.due = Some(due);
        if self.waiting.len() >= frame {
            self.frame.clear();
            self.frame.extend(self.waiting.drain(..frame));
            if muted {
                self.frame.fill(0);
            }
            self.due = Some(at + length);
            self.packet(at, length, agreed);
            send(&self.datagram);
        }
    }

    /// One packet of silence, so that the path stays open while nothing is sent.
    pub(super) fn keep_alive(&mut self, now: Instant, agreed: &Agreed, send: impl FnOnce(&[u8])) {
        self.waiting.clear();
        self.frame.clear();
        self.frame.resize((agreed.ptime * RATE / 1000) as usize, 0);
        self.packet(now, Duration::from_millis(u64::from(agreed.ptime)), agreed);
        send(&self.datagram);
    }

    /// Whatever waits is stale: the microphone went elsewhere.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
        self.debt = 0;
    }

    /// When a packet went out last.
    pub(super) fn last(&self) -> Option<Instant> {
        self.last
    }

    /// The level sent since the last time it was asked for, dBov.
    pub(super) fn take_level(&mut self) -> i16 {
        self.level.take()
    }

    /// Makes `datagram` out of `frame`, which counts as sent `at` then.
    fn packet(&mut self, at: Instant, length: Duration, agreed: &Agreed) {
        if let Some(last) = self.last.replace(at) {
            let pause = at.saturating_duration_since(last).saturating_sub(length);
            if pause > PAUSE {
                self.sender.advance((pause.as_secs_f64() * f64::from(RATE)) as u32);
                self.sender.pause();
            }
        }
        let samples = self.frame.len() as u32;
        match self.keys.next(samples, agreed.events.is_some()) {
            Some(Key::Event { payload, first, since }) => {
                let number = agreed.events.unwrap_or(agreed.payload_type);
                self.sender.event(number, first, since, &payload, &mut self.datagram);
            }
            other => {
                match other {
                    Some(Key::Tone { digit, since }) => tone::key(digit, u64::from(since), &mut self.frame),
                    Some(_) => self.frame.fill(0),
                    None => {}
                }
                self.level.add(&self.frame);
                agreed.codec.encode(&self.frame, &mut self.payload);
                self.sender.sound(agreed.payload_type, &self.payload, &mut self.datagram);
            }
        }
        self.sender.advance(samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use agent_core::port::media::Flow;
    use rtp_types::RtpPacket;

    fn agreed(ptime: u32, events: Option<u8>) -> Agreed {
        Agreed {
            rtp: None,
            rtcp: None,
            codec: Codec::Pcma,
            payload_type: 8,
            events,
            ptime,
            receive: Vec::new(),
            receive_events: Vec::new(),
            flow: Flow::SendRecv,
        }
    }

    /// Runs for `ms`; `mic` says what the microphone gives at each step.
    fn run(ptime: u32, ms: u64, mic: impl Fn(u64) -> usize) -> Vec<(u64, u32, usize)> {
        let (start, agreed) = (Instant::now(), agreed(ptime, Some(101)));
        let mut outgoing = Outgoing::default();
        let base = outgoing.sender.timestamp();
        let mut packets = Vec::new();
        for step in 0..ms / 10 {
            let samples = vec![100; mic(step)];
            outgoing.step(start + Duration::from_millis(step * 10), &samples, &agreed, false, |datagram| {
                let packet = RtpPacket::parse(datagram).expect("RTP");
                packets.push((step * 10, packet.timestamp().wrapping_sub(base), packet.payload().len()));
            });
        }
        packets
    }

    #[test]
    fn packets_are_even_in_every_length() {
        for ptime in [10, 20, 30, 40, 50, 60] {
            let packets = run(ptime, 3000, |_| 80);
            assert!(packets.len() as u64 >= 3000 / u64::from(ptime) - 1);
            assert!(
                packets
                    .windows(2)
                    .all(|w| w[1].0 - w[0].0 == u64::from(ptime) && w[1].1 - w[0].1 == ptime * 8)
            );
            assert!(packets.iter().all(|p| p.2 == ptime as usize * 8));
        }
    }

    #[test]
    fn a_dead_microphone_does_not_stop_the_stream() {
        let packets = run(20, 2000, |_| 0);
        assert!((packets.len() as i64 - 96).abs() < 3, "{}", packets.len());
        let choppy = run(20, 2000, |step| if step % 10 == 9 { 800 } else { 0 });
        assert!((choppy.len() as i64 - 95).abs() < 8, "{}", choppy.len());
    }

    #[test]
    fn a_burst_does_not_make_the_stream_late() {
        let packets = run(20, 2000, |step| if step == 50 { 16_000 } else { 80 });
        assert!(packets.len() < 106, "what is older than 100 ms is dropped: {}", packets.len());
    }

    #[test]
    fn after_a_pause_the_time_stamps_are_where_they_belong() {
        let (start, agreed) = (Instant::now(), agreed(20, None));
        let mut outgoing = Outgoing::default();
        let base = outgoing.sender.timestamp();
        outgoing.keep_alive(start, &agreed, |_| {});
        outgoing.keep_alive(start + Duration::from_secs(5), &agreed, |datagram| {
            let packet = RtpPacket::parse(datagram).expect("RTP");
            assert_eq!(packet.timestamp().wrapping_sub(base), 40_000);
            assert!(packet.marker_bit());
        });
    }

    #[test]
    fn a_peer_without_events_hears_the_tone() {
        let (start, agreed) = (Instant::now(), agreed(20, None));
        let mut outgoing = Outgoing::default();
        outgoing.keys.push("5");
        let mut sound = Vec::new();
        for step in 0..40_u64 {
            outgoing.step(start + Duration::from_millis(step * 10), &[0; 80], &agreed, true, |datagram| {
                let packet = RtpPacket::parse(datagram).expect("RTP");
                let mut samples = Vec::new();
                Codec::Pcma.decode(packet.payload(), &mut samples);
                sound.extend(samples);
            });
        }
        assert!(measure::tone_dbov(&sound[..800], RATE, 1336.0) > -22.0);
        assert!(measure::level_dbov(&sound[960..]) < -60.0);
    }
}
