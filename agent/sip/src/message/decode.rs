//! From bytes to a message: start line, header fields, body.

use crate::message::{
    check::Rejection,
    headers::{Headers, long_form, name},
    host::Host,
    lex::{is_blank, is_token, number, trim},
    limits::{MAX_HEADERS, MAX_LINE, MAX_MESSAGE},
    method::Method,
    model::{Message, Request, Response},
    text::Text,
    uri::Uri,
};
use bytes::Bytes;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Nothing but line ends: a keep-alive (RFC 5626 section 4.4.1).
    #[error("only line ends: a keep-alive")]
    KeepAlive,
    /// Nothing like a start line.
    #[error("not SIP")]
    NotSip,
    /// A start line with something wrong in it.
    #[error("the start line is malformed")]
    StartLine,
    /// The Request-URI cannot be read.
    #[error("the Request-URI is malformed: {0}")]
    RequestUri(&'static str),
    /// Another version of SIP.
    #[error("the version is not SIP/2.0")]
    Version,
    /// A status code that is none.
    #[error("the status code is not between 100 and 699")]
    Status,
    /// The header fields do not end: the message was cut.
    #[error("the header fields have no end: the message was cut")]
    NoEnd,
    /// Over [`MAX_HEADERS`].
    #[error("more than {MAX_HEADERS} header fields")]
    TooManyHeaders,
    /// Over [`MAX_LINE`].
    #[error("a header field is longer than {MAX_LINE} bytes")]
    LineTooLong,
    /// Content-Length is not one whole number.
    #[error("Content-Length is not one whole number")]
    ContentLength,
    /// Several that differ.
    #[error("several Content-Length differ")]
    ContentLengths,
    /// A stream's message must have one (RFC 3261 section 20.14).
    #[error("Content-Length is missing")]
    NoContentLength,
    /// The datagram ends before the body does (RFC 3261 section 18.3).
    #[error("Content-Length is larger than the datagram")]
    BodyCut,
    /// Over [`MAX_MESSAGE`].
    #[error("the message is longer than {MAX_MESSAGE} bytes")]
    TooLarge,
}

/// Bytes that are no message, and what could be read of them all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ParseError {
    /// What is wrong.
    pub what: Malformed,
    /// The request as far as it could be read, when it was one that wants an answer: for [`Rejection::response`]. Its
    /// address is whatever stood there.
    pub request: Option<Box<Request>>,
}

impl ParseError {
    /// The answer to give: 400, 505 or 513 with the request to answer; `None` when silence is right (responses, ACK,
    /// requests too broken to name a Via).
    pub fn answer(&self) -> Option<(&Request, Rejection)> {
        let request = self.request.as_deref()?;
        let status = match self.what {
            Malformed::Version => 505,
            Malformed::TooLarge | Malformed::LineTooLong | Malformed::TooManyHeaders => 513,
            _ => 400,
        };
        Some((request, Rejection::new(status, Some(self.what.to_string()))))
    }
}

/// A start line and header fields; either may be in disorder.
pub(crate) struct Head {
    start: Start,
    headers: Headers,
    /// What is wrong with the header fields.
    wrong: Option<Malformed>,
    /// Content-Length, when there is one.
    pub(crate) length: Result<Option<usize>, Malformed>,
}

enum Start {
    Request(Method, Uri),
    Response(u16, Text),
    /// A request (its method) or anything else that cannot be read.
    Broken(Option<Method>, Malformed),
}

impl Message {
    /// Reads the one message of a datagram. What follows the body is cut off; a body shorter than promised is an error
    /// and never a promise of more (RFC 3261 section 18.3).
    pub fn parse_datagram(datagram: &[u8]) -> Result<Self, ParseError> {
        if datagram.len() > MAX_MESSAGE {
            return Err(ParseError { what: Malformed::TooLarge, request: None });
        }
        let start = datagram.iter().position(|&b| b != b'\r' && b != b'\n');
        let Some(start) = start else { return Err(ParseError { what: Malformed::KeepAlive, request: None }) };
        let bytes = Bytes::copy_from_slice(&datagram[start..]);
        let (head_len, ended) = head_length(&bytes, 0).map_or((bytes.len(), false), |len| (len, true));
        let head = Head::parse(&bytes.slice(..head_len));
        if !ended {
            return Err(head.fail(Malformed::NoEnd));
        }
        let rest = bytes.slice(head_len..);
        match head.length {
            Err(what) => Err(head.fail(what)),
            Ok(Some(length)) if length > rest.len() => Err(head.fail(Malformed::BodyCut)),
            Ok(Some(length)) => head.finish(rest.slice(..length)),
            Ok(None) => head.finish(rest),
        }
    }
}

impl Head {
    /// Reads start line and header fields; `head` ends with the empty line (or is cut).
    pub(crate) fn parse(head: &Bytes) -> Self {
        let mut lines = Lines { bytes: head, at: 0 };
        let start = lines
            .next()
            .map_or(Start::Broken(None, Malformed::NotSip), |line| read_start(&head[line.0..line.1]));
        let mut headers = Headers::new();
        let mut wrong = None;
        while let Some(range) = lines.next_field() {
            if let Err(what) = read_field(head, range, &mut headers) {
                wrong = Some(what);
                break;
            }
        }
        // What could not be read may have been the length: that is what is wrong then, and not that it is missing.
        let length = match (read_length(&headers), wrong) {
            (Ok(None), Some(wrong)) => Err(wrong),
            (length, _) => length,
        };
        headers.remove(name::CONTENT_LENGTH);
        Self { start, headers, wrong, length }
    }

    /// The message, once its body is there.
    pub(crate) fn finish(self, body: Bytes) -> Result<Message, ParseError> {
        if let Some(what) = self.wrong {
            return Err(self.fail(what));
        }
        let headers = self.headers;
        match self.start {
            Start::Request(method, uri) => Ok(Request { method, uri, headers, body }.into()),
            Start::Response(status, phrase) => Ok(Response { status, phrase, headers, body }.into()),
            Start::Broken(method, what) => {
                Err(Self { start: Start::Broken(method, what), headers, ..self }.fail(what))
            }
        }
    }

    /// The error, with the request in it when there is somebody to answer. The start line's trouble goes first: it
    /// says most about what came.
    pub(crate) fn fail(self, what: Malformed) -> ParseError {
        let (method, uri, what) = match self.start {
            Start::Request(method, uri) => (Some(method), uri, what),
            Start::Response(..) => (None, Uri::Other(Text::default()), what),
            Start::Broken(method, why) => (method, Uri::Other(Text::default()), why),
        };
        let answerable = method.filter(|method| *method != Method::Ack && self.headers.has(name::VIA));
        let request = |method| Box::new(Request { method, uri, headers: self.headers, body: Bytes::new() });
        ParseError { what, request: answerable.map(request) }
    }
}

/// The length of start line and header fields with the empty line that ends them, looking from `from` on.
pub(crate) fn head_length(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = bytes.get(at..)?.iter().position(|&b| b == b'\n') {
        at += found + 1;
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\n'), _) => return Some(at + 1),
            (Some(b'\r'), Some(b'\n')) => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// Cuts bytes at line ends, CRLF or LF.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Option<(usize, usize)> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (start, len) = (self.at, rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()));
        self.at = start + len + 1;
        let end = start + len;
        Some((start, if len > 0 && self.bytes[end - 1] == b'\r' { end - 1 } else { end }))
    }

    /// One header field with the lines folded into it; `None` at the empty line.
    fn next_field(&mut self) -> Option<(usize, usize)> {
        let (start, mut end) = self.next().filter(|(start, end)| start < end)?;
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            (_, end) = self.next()?;
        }
        Some((start, end))
    }
}

/// Reads one header field. A line that is none (no colon, no proper name) is passed over: whatever it meant, it is
/// nothing we know, and a call is not lost for it.
fn read_field(head: &Bytes, (start, end): (usize, usize), headers: &mut Headers) -> Result<(), Malformed> {
    if end - start > MAX_LINE {
        return Err(Malformed::LineTooLong);
    }
    let line = &head[start..end];
    let Some(colon) = line.iter().position(|&b| b == b':') else { return Ok(()) };
    let name = trim(&line[..colon]);
    if !is_token(name) {
        return Ok(());
    }
    let name = long_form(name).map_or_else(|| Text::from(head.slice_ref(name)), Text::from_static);
    // One Content-Length does not count: it is written from the body, and a message that had none is sent on with it.
    let uncounted = || name.eq_ignore_case(name::CONTENT_LENGTH) || headers.has(name::CONTENT_LENGTH);
    if headers.len() > MAX_HEADERS || headers.len() == MAX_HEADERS && !uncounted() {
        return Err(Malformed::TooManyHeaders);
    }
    let value = trim(&line[colon + 1..]);
    let value = if value.iter().any(|&b| b == b'\r' || b == b'\n') {
        Text::from(unfold(value))
    } else {
        Text::from(head.slice_ref(value))
    };
    headers.push(name, value);
    Ok(())
}

/// A line end and the blanks around it become one space (RFC 3261 section 7.3.1); a carriage return alone does too.
fn unfold(value: &[u8]) -> Vec<u8> {
    let pieces = value.split(|&b| b == b'\r' || b == b'\n').map(trim).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join(&b' ')
}

fn read_start(line: &[u8]) -> Start {
    if line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/")) {
        return read_status_line(line);
    }
    let line = trim(line);
    let Some(space) = line.iter().position(|&b| is_blank(b)) else {
        return Start::Broken(None, Malformed::NotSip);
    };
    if !is_token(&line[..space]) {
        return Start::Broken(None, Malformed::NotSip);
    }
    let method = Method::from_bytes(&line[..space]);
    let rest = trim(&line[space..]);
    let Some(space) = rest.iter().rposition(|&b| is_blank(b)) else {
        return Start::Broken(Some(method), Malformed::StartLine);
    };
    // More than one space between the parts and blanks behind them are forgiven (RFC 4475 sections 3.1.2.9 and 10).
    let (uri, version) = (trim(&rest[..space]), &rest[space + 1..]);
    if !version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/")) {
        return Start::Broken(Some(method), Malformed::StartLine);
    }
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Start::Broken(Some(method), Malformed::Version);
    }
    // A blank inside is not forgiven (section 3.1.2.8): what it parts could be read in two ways.
    if uri.iter().any(|&b| is_blank(b)) {
        return Start::Broken(Some(method), Malformed::RequestUri("there is a blank in it"));
    }
    match Uri::parse(uri) {
        // In a Via there is but one way to read such an address; here a port may be its end (RFC 5118 section 4.2).
        Ok(Uri::Sip(sip)) if matches!(sip.host, Host::V6(_)) && !uri.contains(&b'[') => {
            Start::Broken(Some(method), Malformed::RequestUri("an IPv6 address must stand in brackets"))
        }
        Ok(uri) => Start::Request(method, uri),
        Err(wrong) => Start::Broken(Some(method), Malformed::RequestUri(wrong.what)),
    }
}

fn read_status_line(line: &[u8]) -> Start {
    let mut parts = line.splitn(2, |&b| is_blank(b));
    if !parts.next().is_some_and(|version| version.eq_ignore_ascii_case(b"SIP/2.0")) {
        return Start::Broken(None, Malformed::Version);
    }
    let rest = trim(parts.next().unwrap_or_default());
    let end = rest.iter().position(|&b| is_blank(b)).unwrap_or(rest.len());
    match number::<u16>(&rest[..end]) {
        Some(status) if (100..700).contains(&status) => Start::Response(status, unfold(&rest[end..]).into()),
        _ => Start::Broken(None, Malformed::Status),
    }
}

fn read_length(headers: &Headers) -> Result<Option<usize>, Malformed> {
    let mut length = None;
    for value in headers.all(name::CONTENT_LENGTH) {
        let this: usize = number(value).ok_or(Malformed::ContentLength)?;
        if length.is_some_and(|known| known != this) {
            return Err(Malformed::ContentLengths);
        }
        length = Some(this);
    }
    Ok(length)
}

#[cfg(test)]
mod tests;
