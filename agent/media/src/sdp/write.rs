//! Puts a description together, strictly as RFC 8866 has it.

use super::parse::Line;
use crate::codec::Codec;
use agent_core::port::media::Flow;
use std::{fmt::Write as _, net::SocketAddr};

/// What we say about our one stream. Two descriptions with equal bodies have equal versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) formats: Vec<(u8, Codec)>,
    pub(super) events: Option<u8>,
    pub(super) ptime: u32,
    pub(super) flow: Flow,
    /// False: the stream is closed (port 0).
    pub(super) enabled: bool,
}

/// A line of theirs that we do not use, as it goes back: with port 0 (RFC 3264 section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejected {
    kind: String,
    protocol: String,
    formats: String,
}

impl Rejected {
    pub(super) fn of(line: &Line) -> Self {
        let formats = if line.format_texts.is_empty() { "0".to_owned() } else { line.format_texts.join(" ") };
        Self { kind: plain(&line.kind), protocol: plain(&line.protocol), formats: plain(&formats) }
    }
}

/// Their words as they may stand in our text: as many as they were, none of them empty.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '-' }).collect()
}

/// The whole text. `lines`: their media lines in order, `None` where ours stands; empty: only ours.
pub(super) fn description(
    id: u32,
    version: u32,
    (local, rtcp_port): (SocketAddr, u16),
    body: &Body,
    lines: &[Option<Rejected>],
) -> Vec<u8> {
    let family = if local.is_ipv4() { "IP4" } else { "IP6" };
    let address = local.ip();
    let mut text = String::with_capacity(400);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "v=0\r\no=- {id} {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
    );
    if lines.is_empty() {
        audio(&mut text, local.port(), rtcp_port, body);
    }
    for line in lines {
        match line {
            Some(Rejected { kind, protocol, formats }) => {
                let _ = write!(text, "m={kind} 0 {protocol} {formats}\r\n");
            }
            None => audio(&mut text, local.port(), rtcp_port, body),
        }
    }
    text.into_bytes()
}

fn audio(text: &mut String, port: u16, rtcp_port: u16, body: &Body) {
    let port = if body.enabled { port } else { 0 };
    let _ = write!(text, "m=audio {port} RTP/AVP");
    for (number, _) in &body.formats {
        let _ = write!(text, " {number}");
    }
    if let Some(events) = body.events {
        let _ = write!(text, " {events}");
    }
    text.push_str("\r\n");
    if !body.enabled {
        return;
    }
    for (number, codec) in &body.formats {
        let _ = write!(text, "a=rtpmap:{number} {}/8000\r\n", codec.name());
    }
    if let Some(events) = body.events {
        let _ = write!(text, "a=rtpmap:{events} telephone-event/8000\r\na=fmtp:{events} 0-15\r\n");
    }
    // RFC 3605: needed only where the reports do not go one port higher.
    if rtcp_port != port.wrapping_add(1) {
        let _ = write!(text, "a=rtcp:{rtcp_port}\r\n");
    }
    let flow = match body.flow {
        Flow::SendRecv => "sendrecv",
        Flow::SendOnly => "sendonly",
        Flow::RecvOnly => "recvonly",
        Flow::Inactive => "inactive",
    };
    let _ = write!(text, "a=ptime:{}\r\na={flow}\r\n", body.ptime);
}
