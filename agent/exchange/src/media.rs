//! Sound of the exchange's own ends: a paced sender, an echo, a recorder, one thread a call that is up.

use crate::{
    faults::Faults,
    recording::{RATE, Recording},
    sdp::{self, Remote},
};
use audio_codec::{Decoder, Encoder, pcma, pcmu};
use rtp_types::{RtpPacket, RtpPacketBuilder};
use std::{
    f64::consts::TAU,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Samples of one packet.
const FRAME: usize = 160;
/// Time of one packet.
const PACE: Duration = Duration::from_millis(20);
/// How often a pair of ports (RTP, RTCP) is looked for.
const TRIES: usize = 64;

/// What one end sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sends {
    /// Back what it hears.
    Echo,
    /// A steady tone.
    Tone {
        /// Its pitch.
        hz: f64,
        /// Its level.
        dbov: f64,
    },
}

/// One end of a call's sound. Its thread runs from the first description of the other side to the last clone's end.
#[derive(Clone)]
pub(crate) struct Session(Arc<Owned>);

/// Ends the thread when the last handle is gone.
struct Owned {
    shared: Arc<Shared>,
    /// Keeps the RTCP port from being anybody else's.
    _rtcp: Option<UdpSocket>,
}

struct Shared {
    socket: UdpSocket,
    local: SocketAddr,
    sends: Sends,
    faults: Faults,
    stop: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    remote: Option<Remote>,
    /// Where their sound comes from. Not always where they say they listen: a phone may write another of its addresses.
    source: Option<SocketAddr>,
    recording: Recording,
    version: u64,
    running: bool,
}

impl Session {
    /// Opens the sockets.
    pub(crate) fn open(ip: IpAddr, sends: Sends, faults: Faults) -> io::Result<Self> {
        let (socket, rtcp) = open_pair(ip)?;
        let local = socket.local_addr()?;
        let shared =
            Shared { socket, local, sends, faults, stop: AtomicBool::new(false), state: Mutex::default() };
        Ok(Self(Arc::new(Owned { shared: Arc::new(shared), _rtcp: rtcp })))
    }

    /// A new offer of ours.
    pub(crate) fn offer(&self, held: bool) -> Vec<u8> {
        let mut state = self.0.shared.state();
        state.version += 1;
        sdp::offer(self.0.shared.local, u64::from(self.0.shared.local.port()), state.version, held)
    }

    /// Takes their offer and answers it; sound flows from now on. `None` when there is no G.711 in it.
    pub(crate) fn answer(&self, offer: &[u8]) -> Option<Vec<u8>> {
        let remote = sdp::read(offer)?;
        let mut state = self.0.shared.state();
        state.version += 1;
        let local = self.0.shared.local;
        let answer = sdp::answer(local, u64::from(local.port()), state.version, &remote);
        self.run(&mut state, remote);
        Some(answer)
    }

    /// Takes their answer to our offer; sound flows from now on. Whether there was G.711 in it.
    pub(crate) fn complete(&self, answer: &[u8]) -> bool {
        let Some(remote) = sdp::read(answer) else { return false };
        self.run(&mut self.0.shared.state(), remote);
        true
    }

    /// What was heard so far.
    pub(crate) fn recording(&self) -> Recording {
        self.0.shared.state().recording.clone()
    }

    /// Whether the other side wants to hear us.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.shared.state().remote.as_ref().is_some_and(|remote| remote.hears)
    }

    /// Ends sound for good.
    pub(crate) fn stop(&self) {
        self.0.shared.stop.store(true, Ordering::Relaxed);
    }

    fn run(&self, state: &mut State, remote: Remote) {
        if state.remote.as_ref().is_none_or(|known| known.address != remote.address) {
            state.source = None;
        }
        state.remote = Some(remote);
        if state.running {
            return;
        }
        let shared = self.0.shared.clone();
        let spawned = thread::Builder::new().name("exchange-sound".to_owned()).spawn(move || {
            agent_media::hurry();
            Worker::new(shared).run();
        });
        state.running = spawned.is_ok();
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread for a call's sound");
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// RTP on an even port, RTCP on the next (RFC 3550 section 11). Where no pair can be had, one socket alone.
fn open_pair(ip: IpAddr) -> io::Result<(UdpSocket, Option<UdpSocket>)> {
    for _ in 0..TRIES {
        let socket = UdpSocket::bind((ip, 0))?;
        let port = socket.local_addr()?.port();
        if port % 2 == 0
            && let Some(next) = port.checked_add(1)
            && let Ok(rtcp) = UdpSocket::bind((ip, next))
        {
            return Ok((socket, Some(rtcp)));
        }
    }
    UdpSocket::bind((ip, 0)).map(|socket| (socket, None))
}

/// The thread's own.
struct Worker {
    shared: Arc<Shared>,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    phase: f64,
}

impl Worker {
    fn new(shared: Arc<Shared>) -> Self {
        let mut seed = [0; 10];
        // Guessable numbers on loopback harm nobody.
        let _ = getrandom::fill(&mut seed);
        Self {
            shared,
            sequence: u16::from_le_bytes([seed[0], seed[1]]),
            timestamp: u32::from_le_bytes([seed[2], seed[3], seed[4], seed[5]]),
            ssrc: u32::from_le_bytes([seed[6], seed[7], seed[8], seed[9]]),
            phase: 0.0,
        }
    }

    fn run(mut self) {
        let mut due = Instant::now();
        let mut buffer = [0; 2048];
        while !self.shared.stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            if now >= due {
                self.send_tone();
                due += PACE;
                // A machine that slept does not get a burst of what it missed.
                if now > due + PACE * 10 {
                    due = now;
                }
                continue;
            }
            // A timeout of zero would mean to wait for ever.
            let wait = (due - now).max(Duration::from_micros(100));
            if self.shared.socket.set_read_timeout(Some(wait)).is_err() {
                return;
            }
            match self.shared.socket.recv_from(&mut buffer) {
                Ok((len, from)) => self.receive(&buffer[..len], from),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                }
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn send_tone(&mut self) {
        let Sends::Tone { hz, dbov } = self.shared.sends else { return };
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        let Some(remote) = self.shared.state().remote.clone() else { return };
        let peak = 32_768.0 * 10_f64.powf((dbov + 3.010_3) / 20.0);
        let step = TAU * hz / f64::from(RATE);
        let mut frame = [0_i16; FRAME];
        for sample in &mut frame {
            *sample = (peak * self.phase.sin()).round().clamp(-32_768.0, 32_767.0) as i16;
            self.phase = (self.phase + step) % TAU;
        }
        if remote.hears && !self.shared.faults.is_mute() {
            let payload = encode(remote.codec, &frame);
            self.send(&remote, remote.codec, self.timestamp, &payload);
        }
    }

    fn receive(&mut self, bytes: &[u8], from: SocketAddr) {
        let Ok(packet) = RtpPacket::parse(bytes) else { return };
        let remote = {
            let mut state = self.shared.state();
            if *state.source.get_or_insert(from) != from {
                return;
            }
            state.remote.clone()
        };
        let Some(remote) = remote.filter(|_| !self.shared.faults.is_deaf()) else { return };
        let kind = packet.payload_type();
        if remote.keys == Some(kind) {
            self.shared.state().recording.take_key(packet.timestamp(), packet.payload());
        } else if kind == 0 || kind == 8 {
            let sound = decode(kind, packet.payload());
            self.shared.state().recording.take(Instant::now(), (packet.ssrc(), packet.timestamp()), &sound);
        }
        if self.shared.sends == Sends::Echo && remote.hears && !self.shared.faults.is_mute() {
            self.send(&remote, kind, packet.timestamp(), packet.payload());
        }
    }

    fn send(&mut self, remote: &Remote, kind: u8, timestamp: u32, payload: &[u8]) {
        self.sequence = self.sequence.wrapping_add(1);
        let packet = RtpPacketBuilder::<&[u8], &[u8]>::new()
            .payload_type(kind)
            .sequence_number(self.sequence)
            .timestamp(timestamp)
            .ssrc(self.ssrc)
            .payload(payload);
        if let Ok(bytes) = packet.write_vec() {
            // Who does not listen yet, or no more, is no error.
            let _ = self.shared.socket.send_to(&bytes, remote.address);
        }
    }
}

fn encode(codec: u8, samples: &[i16]) -> Vec<u8> {
    let mut out = vec![0; samples.len()];
    let done = match codec {
        8 => pcma::PcmaEncoder::new().encode_into(samples, &mut out),
        _ => pcmu::PcmuEncoder::new().encode_into(samples, &mut out),
    };
    debug_assert!(done.is_ok(), "the buffer is as long as the samples");
    out
}

fn decode(codec: u8, payload: &[u8]) -> Vec<i16> {
    let mut out = vec![0; payload.len()];
    let done = match codec {
        8 => pcma::PcmaDecoder::new().decode_into(payload, &mut out),
        _ => pcmu::PcmuDecoder::new().decode_into(payload, &mut out),
    };
    debug_assert!(done.is_ok(), "the buffer is as long as the payload");
    out
}

#[cfg(test)]
mod tests {
    use super::{Sends, Session};
    use crate::faults::Faults;
    use std::{
        net::Ipv4Addr,
        time::{Duration, Instant},
    };

    fn until(within: Duration, mut done: impl FnMut() -> bool) -> bool {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if done() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        done()
    }

    #[test]
    fn a_tone_goes_there_and_comes_back() {
        let ip = Ipv4Addr::LOCALHOST.into();
        let faults = Faults::default();
        let tone =
            Session::open(ip, Sends::Tone { hz: 440.0, dbov: -12.0 }, Faults::default()).expect("sockets");
        let echo = Session::open(ip, Sends::Echo, faults.clone()).expect("sockets");
        let answer = echo.answer(&tone.offer(false)).expect("an answer");
        assert!(tone.complete(&answer));
        assert!(until(Duration::from_secs(10), || tone.recording().millis() >= 1000), "nothing came back");
        let report = tone.recording().tone_between(440.0);
        assert!(report.share() > 0.97, "{report:?}");
        assert!((report.level_dbov + 12.0).abs() < 0.5, "{report:?}");
        assert!(report.longest_gap_ms <= 20, "{report:?}");
        faults.mute_to_phone(true);
        let before = tone.recording().packets;
        let heard = echo.recording().packets;
        assert!(
            until(Duration::from_secs(10), || echo.recording().packets > heard + 10),
            "the echo still hears"
        );
        assert!(tone.recording().packets <= before + 2, "a mute end still sends");
        faults.deaf_to_phone(true);
    }
}
