//! Takes a description apart: everything unknown is skipped, everything known is read as leniently as it can be.

use crate::codec::Codec;
use agent_core::port::media::{Flow, SoundProblem};
use std::net::IpAddr;

/// A description longer than this is not read, bytes.
const LONGEST: usize = 65_536;
/// More media lines than this are not read.
const MOST_LINES: usize = 64;
/// More formats or mappings a line than this are not read.
const MOST_FORMATS: usize = 128;

/// What of a description matters to a phone.
#[derive(Debug, Default)]
pub(super) struct Description {
    /// The address of the session level, as text.
    address: Option<String>,
    pub(super) direction: Option<Flow>,
    pub(super) ptime: Option<u32>,
    pub(super) lines: Vec<Line>,
}

/// One `m=` line and what belongs to it.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) kind: String,
    pub(super) port: u16,
    pub(super) protocol: String,
    /// The formats as text, to be given back.
    pub(super) format_texts: Vec<String>,
    /// The same as payload types, where they are.
    pub(super) formats: Vec<u8>,
    address: Option<String>,
    pub(super) direction: Option<Flow>,
    /// Payload type, name in capitals, clock rate.
    maps: Vec<(u8, String, u32)>,
    pub(super) ptime: Option<u32>,
    pub(super) maxptime: Option<u32>,
    /// `a=rtcp` (RFC 3605): port, and an address of its own.
    pub(super) rtcp: Option<(u16, Option<IpAddr>)>,
}

impl Line {
    pub(super) fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case("audio")
    }

    /// Whether the profile is one of SRTP.
    pub(super) fn encrypted(&self) -> bool {
        self.protocol.to_ascii_uppercase().contains("SAVP")
    }

    /// Whether the profile is plain RTP.
    pub(super) fn rtp(&self) -> bool {
        let protocol = self.protocol.to_ascii_uppercase();
        protocol == "RTP/AVP" || protocol == "RTP/AVPF"
    }

    /// The codec of a payload type, if it is ours.
    pub(super) fn codec(&self, payload_type: u8) -> Option<Codec> {
        let ours = [Codec::Pcma, Codec::Pcmu];
        match self.map(payload_type) {
            Some((name, rate)) => ours.into_iter().find(|c| c.name() == name && rate == crate::codec::RATE),
            None => ours.into_iter().find(|c| c.static_type() == payload_type),
        }
    }

    /// Whether a payload type means telephone-events at the rate of speech.
    pub(super) fn is_events(&self, payload_type: u8) -> bool {
        self.map(payload_type)
            .is_some_and(|(name, rate)| name == "TELEPHONE-EVENT" && rate == crate::codec::RATE)
    }

    /// What a payload type is called, for people.
    pub(super) fn format_name(&self, payload_type: u8) -> String {
        match (self.map(payload_type), payload_type) {
            (Some((name, _)), _) => name.to_owned(),
            (None, 3) => "GSM".to_owned(),
            (None, 9) => "G722".to_owned(),
            (None, 18) => "G729".to_owned(),
            (None, number) => format!("format {number}"),
        }
    }

    fn map(&self, payload_type: u8) -> Option<(&str, u32)> {
        self.maps.iter().find(|map| map.0 == payload_type).map(|map| (map.1.as_str(), map.2))
    }
}

impl Description {
    /// Where a line's sound goes.
    pub(super) fn address(&self, line: &Line) -> Result<IpAddr, SoundProblem> {
        let text = line.address.as_ref().or(self.address.as_ref());
        let none = || SoundProblem::Address { detail: "there is none (no c= line)".to_owned() };
        let text = text.ok_or_else(none)?;
        let bad = || SoundProblem::Address { detail: format!("'{}' is not an IP address", shortened(text)) };
        let address: IpAddr = text.parse().map_err(|_| bad())?;
        let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        if address.is_multicast() || broadcast {
            Err(SoundProblem::Address { detail: "it is an address of many".to_owned() })
        } else {
            Ok(address)
        }
    }

    /// Whether the address says hold (`0.0.0.0`, RFC 2543; `::` likewise).
    pub(super) fn held(&self, line: &Line) -> bool {
        self.address(line).is_ok_and(|address| address.is_unspecified())
    }
}

fn not_sdp(detail: &str) -> SoundProblem {
    SoundProblem::NotSdp { detail: detail.to_owned() }
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Reads a description.
pub(super) fn description(bytes: &[u8]) -> Result<Description, SoundProblem> {
    if bytes.len() > LONGEST {
        return Err(not_sdp("it is longer than 64 KiB"));
    }
    let text = String::from_utf8_lossy(bytes);
    let mut all = Description::default();
    let mut known = false;
    for line in text.split(['\r', '\n']) {
        let line = line.trim();
        let Some((field, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        match field.trim() {
            "v" | "o" => known = true,
            "m" if all.lines.len() < MOST_LINES => {
                known = true;
                all.lines.push(media(value)?);
            }
            "m" => return Err(not_sdp("it has more than 64 media lines")),
            "c" => {
                let address = connection(value);
                match all.lines.last_mut() {
                    Some(line) => line.address = address.or(line.address.take()),
                    None => all.address = address.or(all.address.take()),
                }
            }
            "a" => attribute(&mut all, value),
            _ => {}
        }
    }
    if !known {
        return Err(not_sdp(if bytes.is_empty() { "it is empty" } else { "it has no v=, o= or m= line" }));
    }
    Ok(all)
}

/// `m=audio 49170/2 RTP/AVP 0 8`
fn media(value: &str) -> Result<Line, SoundProblem> {
    let mut words = value.split_ascii_whitespace();
    let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
        return Err(not_sdp("a media line lacks its port or protocol"));
    };
    let port = port.split('/').next().unwrap_or(port);
    let port = port.parse().map_err(|_| not_sdp("a media line's port is no port"))?;
    let format_texts: Vec<String> = words.take(MOST_FORMATS).map(str::to_owned).collect();
    let formats = format_texts.iter().filter_map(|f| f.parse().ok()).filter(|pt: &u8| *pt < 128).collect();
    Ok(Line {
        kind: kind.to_owned(),
        port,
        protocol: protocol.to_owned(),
        format_texts,
        formats,
        ..Line::default()
    })
}

/// `c=IN IP4 192.0.2.1/127`: the address without its TTL.
fn connection(value: &str) -> Option<String> {
    let address = value.split_ascii_whitespace().nth(2).or_else(|| value.split_ascii_whitespace().last())?;
    let address = address.split('/').next().unwrap_or(address);
    Some(address.trim_start_matches('[').trim_end_matches(']').to_owned())
}

fn attribute(all: &mut Description, value: &str) {
    let (name, value) =
        value.split_once(':').map_or((value, ""), |(name, value)| (name.trim(), value.trim()));
    let direction = match name.to_ascii_lowercase().as_str() {
        "sendrecv" => Some(Flow::SendRecv),
        "sendonly" => Some(Flow::SendOnly),
        "recvonly" => Some(Flow::RecvOnly),
        "inactive" => Some(Flow::Inactive),
        _ => None,
    };
    let Some(line) = all.lines.last_mut() else {
        all.direction = direction.or(all.direction);
        if name.eq_ignore_ascii_case("ptime") {
            all.ptime = milliseconds(value);
        }
        return;
    };
    line.direction = direction.or(line.direction);
    match name.to_ascii_lowercase().as_str() {
        "rtpmap" if line.maps.len() < MOST_FORMATS => line.maps.extend(rtpmap(value)),
        "ptime" => line.ptime = milliseconds(value).or(line.ptime),
        "maxptime" => line.maxptime = milliseconds(value).or(line.maxptime),
        "rtcp" => {
            let mut words = value.split_ascii_whitespace();
            let port = words.next().and_then(|port| port.parse().ok()).filter(|&port| port != 0);
            line.rtcp = port.map(|port| (port, words.nth(2).and_then(|address| address.parse().ok())));
        }
        _ => {}
    }
}

/// `a=rtpmap:101 telephone-event/8000`; one channel where channels are named.
fn rtpmap(value: &str) -> Option<(u8, String, u32)> {
    let (number, rest) = value.split_once(|c: char| c.is_ascii_whitespace())?;
    let mut parts = rest.trim().split('/');
    let name = parts.next()?.trim().to_ascii_uppercase();
    let rate = parts.next().map_or(Some(crate::codec::RATE), |rate| rate.trim().parse().ok())?;
    let channels = parts.next().map_or(1, |channels| channels.trim().parse().unwrap_or(1));
    // Two channels of the same codec are another codec.
    let name = if channels > 1 { format!("{name} ({channels} channels)") } else { name };
    Some((number.trim().parse().ok()?, name.chars().take(40).collect(), rate))
}

/// Milliseconds, also where somebody writes a fraction.
fn milliseconds(value: &str) -> Option<u32> {
    value.split(['.', ',', ' ']).next()?.parse().ok()
}
