//! Session descriptions (RFC 8866) and how two sides agree by them (RFC 3264).
//!
//! Our own thin reader and writer: of a description a phone needs a dozen lines, and must not fail on any other,
//! whatever its bytes. `parse` takes a description apart, `write` puts one together, this file decides.

mod parse;
mod write;

use crate::codec::Codec;
use agent_core::{
    party::Sdp,
    port::media::{Flow, SoundProblem},
};
use parse::{Description, Line};
use std::net::{IpAddr, SocketAddr};
use write::{Body, Rejected};

/// Our payload type for telephone-events where we choose it.
const EVENTS: u8 = 101;
/// Packets of this length where the peer does not say otherwise, ms.
const USUAL_PTIME: u32 = 20;

/// Why `offer` could never be taken by a phone at `local`; `None`: it could. Opens nothing and remembers nothing.
pub fn unfit(offer: &Sdp, local: IpAddr) -> Option<SoundProblem> {
    let codecs = [Codec::Pcma, Codec::Pcmu];
    Negotiation::new(0, SocketAddr::new(local, 0), 0, codecs).answer(&offer.0, Flow::SendRecv).err()
}

/// What was agreed: where, what and how to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// Where their sound goes; `None` when they take none (`0.0.0.0`, or the stream is disabled).
    pub(crate) rtp: Option<SocketAddr>,
    /// Where their reports go.
    pub(crate) rtcp: Option<SocketAddr>,
    /// How we send.
    pub(crate) codec: Codec,
    /// The payload type of it when we send.
    pub(crate) payload_type: u8,
    /// The payload type of telephone-events when we send; `None`: they know none.
    pub(crate) events: Option<u8>,
    /// Length of the packets we send, ms.
    pub(crate) ptime: u32,
    /// What we may receive, by payload type.
    pub(crate) receive: Vec<(u8, Codec)>,
    /// The payload types of the events we may receive.
    pub(crate) receive_events: Vec<u8>,
    /// What flows, from our side.
    pub(crate) flow: Flow,
}

/// The negotiation of one call: what we said last and what was agreed.
#[derive(Debug, Clone)]
pub(crate) struct Negotiation {
    /// Identity of our descriptions, random.
    id: u32,
    /// Counts the descriptions that differ.
    version: u32,
    local: SocketAddr,
    rtcp_port: u16,
    codecs: [Codec; 2],
    /// The last description that went out.
    last: Option<Body>,
    /// The last one both sides stood by.
    settled: Option<Body>,
    /// The flow of our last offer; `None` when theirs came after it, or it was withdrawn.
    offered: Option<Flow>,
    agreed: Option<Agreed>,
    /// Their media lines in order; `None` marks the audio we use.
    lines: Vec<Option<Rejected>>,
}

impl Negotiation {
    /// Begins with our sockets; `codecs` in the order we like them.
    pub(crate) fn new(id: u32, local: SocketAddr, rtcp_port: u16, codecs: [Codec; 2]) -> Self {
        Self {
            // Some peers read these as signed 32 bits.
            id: id & 0x7fff_ffff | 1,
            version: 0,
            local,
            rtcp_port,
            codecs,
            last: None,
            settled: None,
            offered: None,
            agreed: None,
            lines: Vec::new(),
        }
    }

    /// What was agreed last.
    pub(crate) fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Our offer: everything we speak, flowing as wanted.
    pub(crate) fn offer(&mut self, flow: Flow) -> Vec<u8> {
        let mut formats: Vec<(u8, Codec)> = self.codecs.iter().map(|c| (c.static_type(), *c)).collect();
        let mut events = Some(EVENTS);
        if let Some(agreed) = &self.agreed {
            // What is in use stays first, under its number (RFC 3264 section 8.3.2 forbids to reuse it).
            formats.retain(|(_, codec)| *codec != agreed.codec);
            formats.insert(0, agreed.receive.first().copied().unwrap_or((agreed.payload_type, agreed.codec)));
            events = agreed.receive_events.first().copied().or(events);
        }
        let ptime = self.agreed.as_ref().map_or(USUAL_PTIME, |agreed| agreed.ptime);
        self.offered = Some(flow);
        self.say(Body { formats, events, ptime, flow, enabled: true })
    }

    /// Their offer: our answer to it, or why there is none. Nothing changes in the latter case.
    pub(crate) fn answer(&mut self, offer: &[u8], wanted: Flow) -> Result<Vec<u8>, SoundProblem> {
        let theirs = parse::description(offer)?;
        let again = self.agreed.is_some();
        let (at, line) = match usable(&theirs) {
            Some(found) => found,
            // In a call that stands they may close the stream and open it again.
            None if again && closed(&theirs) => {
                return Ok(self.answer_closed(&theirs));
            }
            None => return Err(refusal(&theirs)),
        };
        let choice = choose(line)?;
        let agreed =
            agree(&theirs, line, self.local.ip(), &choice, limit(wanted, theirs_as_ours(&theirs, line)))?;
        self.lines = lines(&theirs, Some(at));
        self.offered = None;
        let body = Body {
            formats: vec![(choice.payload_type, choice.codec)],
            events: agreed.events,
            ptime: agreed.ptime,
            flow: agreed.flow,
            enabled: true,
        };
        self.agreed = Some(agreed);
        let text = self.say(body);
        self.settled = self.last.clone();
        Ok(text)
    }

    /// We are elsewhere: what is said next says so, in a version of its own (RFC 3264 section 8).
    pub(crate) fn relocate(&mut self, local: SocketAddr, rtcp_port: u16) {
        if (self.local, self.rtcp_port) != (local, rtcp_port) {
            (self.local, self.rtcp_port) = (local, rtcp_port);
            self.version = self.version.wrapping_add(1);
        }
    }

    /// Their answer to our last offer.
    pub(crate) fn complete(&mut self, answer: &[u8]) -> Result<Flow, SoundProblem> {
        let Some(offered) = self.offered else { return Err(SoundProblem::NoOffer) };
        let theirs = parse::description(answer)?;
        let Some((_, line)) = usable(&theirs) else {
            return Err(match refusal(&theirs) {
                SoundProblem::NoAudio => SoundProblem::Declined,
                other => other,
            });
        };
        let choice = choose(line)?;
        let flow = limit(offered, theirs_as_ours(&theirs, line));
        let mut agreed = agree(&theirs, line, self.local.ip(), &choice, flow)?;
        // They may send by the numbers we offered as well as by their own.
        if let Some(body) = &self.last {
            agreed.receive.extend(&body.formats);
            agreed.receive_events.extend(body.events);
            agreed.receive.dedup();
            agreed.receive_events.dedup();
        }
        // `offered` stays: the same answer may come again (in the 183 and in the 200), or another branch's.
        self.settled = self.last.clone();
        self.agreed = Some(agreed);
        if self.lines.is_empty() {
            self.lines = vec![None];
        }
        Ok(flow)
    }

    /// Our offer was refused: everything is as it was.
    pub(crate) fn withdraw(&mut self) {
        // The number of the version stays used: what is said next differs from what they refused.
        self.offered = None;
        if self.settled.is_some() && self.last != self.settled {
            self.last = self.settled.clone();
            self.version = self.version.wrapping_add(1);
        }
    }

    fn answer_closed(&mut self, theirs: &Description) -> Vec<u8> {
        self.lines = lines(theirs, None);
        self.offered = None;
        if let Some(agreed) = &mut self.agreed {
            agreed.flow = Flow::Inactive;
            agreed.rtp = None;
            agreed.rtcp = None;
        }
        let body = Body {
            formats: Vec::new(),
            events: None,
            ptime: USUAL_PTIME,
            flow: Flow::Inactive,
            enabled: false,
        };
        let text = self.say(body);
        self.settled = self.last.clone();
        text
    }

    /// The text of a description; its version goes up when it differs from the last (RFC 3264 section 8).
    fn say(&mut self, body: Body) -> Vec<u8> {
        let address = (self.local, self.rtcp_port);
        if self.last.as_ref() != Some(&body) {
            self.version = self.version.wrapping_add(1);
        }
        let text = write::description(self.id, self.version, address, &body, &self.lines);
        self.last = Some(body);
        text
    }
}

/// A codec of theirs that is ours, and their number for it.
struct Choice {
    codec: Codec,
    payload_type: u8,
    events: Option<u8>,
}

/// The first audio line that can be used, and its place.
fn usable(theirs: &Description) -> Option<(usize, &Line)> {
    let plain = |line: &Line| line.is_audio() && line.port != 0 && !line.encrypted() && line.rtp();
    let mut candidates = theirs.lines.iter().enumerate().filter(|(_, line)| plain(line));
    let first = candidates.clone().next();
    candidates.find(|(_, line)| choose(line).is_ok()).or(first)
}

/// Whether they close their audio: all of it, for one line that is merely none of ours closes nothing.
fn closed(theirs: &Description) -> bool {
    let mut audio = theirs.lines.iter().filter(|line| line.is_audio()).peekable();
    audio.peek().is_some() && audio.all(|line| line.port == 0)
}

/// Why there is no usable audio line.
fn refusal(theirs: &Description) -> SoundProblem {
    match theirs.lines.iter().find(|line| line.is_audio() && line.port != 0) {
        Some(line) if line.encrypted() => SoundProblem::Encrypted { profile: line.protocol.clone() },
        Some(line) => SoundProblem::NoCommonCodec { theirs: line.protocol.clone() },
        None => SoundProblem::NoAudio,
    }
}

/// Their first codec that is ours.
fn choose(line: &Line) -> Result<Choice, SoundProblem> {
    let (payload_type, codec) =
        line.formats.iter().find_map(|&pt| line.codec(pt).map(|c| (pt, c))).ok_or_else(|| {
            let names: Vec<String> = line.formats.iter().map(|&pt| line.format_name(pt)).take(8).collect();
            SoundProblem::NoCommonCodec {
                theirs: if names.is_empty() { "nothing".to_owned() } else { names.join(", ") },
            }
        })?;
    let events = line.formats.iter().copied().find(|&pt| line.is_events(pt));
    Ok(Choice { codec, payload_type, events })
}

/// What their line lets flow, from our side.
fn theirs_as_ours(theirs: &Description, line: &Line) -> (bool, bool) {
    let direction = line.direction.or(theirs.direction).unwrap_or(Flow::SendRecv);
    // `c=0.0.0.0` is how hold was said before RFC 3264: send us nothing.
    let they_receive = receives(direction) && !theirs.held(line);
    (they_receive, sends(direction))
}

/// What we want, limited to what they let flow: (they receive, they send).
fn limit(wanted: Flow, (they_receive, they_send): (bool, bool)) -> Flow {
    match (sends(wanted) && they_receive, receives(wanted) && they_send) {
        (true, true) => Flow::SendRecv,
        (true, false) => Flow::SendOnly,
        (false, true) => Flow::RecvOnly,
        (false, false) => Flow::Inactive,
    }
}

/// Whether whoever says so sends.
pub(crate) fn sends(flow: Flow) -> bool {
    matches!(flow, Flow::SendRecv | Flow::SendOnly)
}

/// Whether whoever says so receives.
pub(crate) fn receives(flow: Flow) -> bool {
    matches!(flow, Flow::SendRecv | Flow::RecvOnly)
}

fn agree(
    theirs: &Description,
    line: &Line,
    local: IpAddr,
    choice: &Choice,
    flow: Flow,
) -> Result<Agreed, SoundProblem> {
    let address = theirs.address(line)?;
    if !theirs.held(line) && address.is_ipv4() != local.is_ipv4() {
        let version = |ip: IpAddr| if ip.is_ipv4() { "IPv4" } else { "IPv6" };
        return Err(SoundProblem::Address {
            detail: format!("it is {}, ours is {}", version(address), version(local)),
        });
    }
    let open = !theirs.held(line);
    let rtcp = line.rtcp.unwrap_or((line.port.saturating_add(1), None));
    Ok(Agreed {
        rtp: open.then_some(SocketAddr::new(address, line.port)),
        rtcp: open.then_some(SocketAddr::new(rtcp.1.unwrap_or(address), rtcp.0)),
        codec: choice.codec,
        payload_type: choice.payload_type,
        events: choice.events,
        ptime: ptime(line.ptime.or(theirs.ptime), line.maxptime),
        receive: vec![(choice.payload_type, choice.codec)],
        receive_events: choice.events.into_iter().collect(),
        flow,
    })
}

/// The length of our packets: theirs when it is a multiple of 10 ms from 10 to 60, at most their most.
fn ptime(theirs: Option<u32>, most: Option<u32>) -> u32 {
    let wanted = theirs.filter(|ms| (10..=60).contains(ms)).map_or(USUAL_PTIME, |ms| ms / 10 * 10);
    wanted.min(most.filter(|&ms| ms >= 10).map_or(60, |ms| ms / 10 * 10))
}

/// Their lines as they must come back: same number, same order (RFC 3264 section 6).
fn lines(theirs: &Description, used: Option<usize>) -> Vec<Option<Rejected>> {
    let mut ours: Vec<Option<Rejected>> = theirs
        .lines
        .iter()
        .enumerate()
        .map(|(at, line)| (used != Some(at)).then(|| Rejected::of(line)))
        .collect();
    if ours.is_empty() {
        ours.push(None);
    }
    ours
}

#[cfg(test)]
mod tests;
