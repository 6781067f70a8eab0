//! Bodies in parts (RFC 5621): finding the session description in them.

use crate::message::{
    fields::MediaType,
    headers::{Headers, name},
    limits::MAX_ITEMS,
    model::{Message, Request, Response},
};
use bytes::Bytes;

/// Parts within parts within parts: nobody needs more.
const MAX_DEPTH: usize = 3;

impl Request {
    /// The body of that type (`application/sdp`): the body itself, or the first such part of a `multipart/*` body.
    /// A body without a type counts as a session description.
    pub fn body_of(&self, kind: &str) -> Option<Bytes> {
        body_of(&self.headers, &self.body, kind)
    }

    /// The bodies of that type: the body itself, or every such part of a `multipart/*` body, not of parts within parts.
    pub fn bodies_of(&self, kind: &str) -> Vec<Bytes> {
        let Some(Ok(found)) = self.headers.content_type() else { return Vec::new() };
        let boundary = found.params.get("boundary").filter(|boundary| !boundary.is_empty());
        match boundary.filter(|_| found.kind.starts_with("multipart/")) {
            Some(boundary) => {
                let fits = |(found, content): (MediaType, Bytes)| (found.kind == kind).then_some(content);
                parts(&self.body, boundary).iter().filter_map(open).filter_map(fits).collect()
            }
            None => (found.kind == kind).then(|| self.body.clone()).into_iter().collect(),
        }
    }
}

impl Response {
    /// The body of that type (`application/sdp`): the body itself, or the first such part of a `multipart/*` body.
    /// A body without a type counts as a session description.
    pub fn body_of(&self, kind: &str) -> Option<Bytes> {
        body_of(&self.headers, &self.body, kind)
    }
}

impl Message {
    /// As [`Request::body_of`].
    pub fn body_of(&self, kind: &str) -> Option<Bytes> {
        body_of(self.headers(), self.body(), kind)
    }
}

fn body_of(headers: &Headers, body: &Bytes, kind: &str) -> Option<Bytes> {
    if body.is_empty() {
        return None;
    }
    match headers.get(name::CONTENT_TYPE) {
        None => (kind == "application/sdp").then(|| body.clone()),
        Some(value) => find(&MediaType::parse(value).ok()?, body, kind, MAX_DEPTH),
    }
}

fn find(found: &MediaType, body: &Bytes, kind: &str, depth: usize) -> Option<Bytes> {
    if found.kind.eq_ignore_ascii_case(kind) {
        return Some(body.clone());
    }
    if depth == 0 || !found.kind.starts_with("multipart/") {
        return None;
    }
    let boundary =
        found.params.get("boundary").filter(|boundary| !boundary.is_empty() && boundary.len() <= 256)?;
    parts(body, boundary).into_iter().find_map(|part| {
        let (found, content) = open(&part)?;
        find(&found, &content, kind, depth - 1)
    })
}

/// What stands between the boundary lines (RFC 2046 section 5.1.1).
fn parts(body: &Bytes, boundary: &[u8]) -> Vec<Bytes> {
    let mark = [b"--", boundary].concat();
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = 0;
    while let Some(found) =
        body[at..].windows(mark.len()).position(|window| window == mark).map(|found| at + found)
    {
        at = found + mark.len();
        if found > 0 && body[found - 1] != b'\n' {
            continue;
        }
        if let Some(start) = start {
            // The line end before a boundary belongs to the boundary.
            let line_end = if body[..found].ends_with(b"\r\n") { 2 } else { 1 };
            parts.push(body.slice(start..(found - line_end).max(start)));
        }
        if body[at..].starts_with(b"--") || parts.len() == MAX_ITEMS {
            return parts;
        }
        let Some(line) = body[at..].iter().position(|&b| b == b'\n') else { return parts };
        at += line + 1;
        start = Some(at);
    }
    parts
}

/// A part's type and content.
fn open(part: &Bytes) -> Option<(MediaType, Bytes)> {
    let mut at = 0;
    let mut kind = None;
    loop {
        let len = part[at..].iter().position(|&b| b == b'\n')?;
        let line = &part[at..at + len];
        at += len + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|&b| b == b':').unwrap_or(0);
        if line[..colon].trim_ascii().eq_ignore_ascii_case(name::CONTENT_TYPE.as_bytes()) {
            kind = MediaType::parse(line[colon + 1..].trim_ascii()).ok();
        }
    }
    Some((kind?, part.slice(at..)))
}

#[cfg(test)]
mod tests {
    use crate::message::{Message, Method, Request, Uri};

    #[test]
    fn the_description_is_found_among_the_parts() {
        let mut request = Request::new(Method::Invite, "sip:a@b".parse::<Uri>().unwrap());
        let body = "preamble\r\n--xy\r\nContent-Type: text/plain\r\n\r\nhi --xy\r\n--xy\r\ncontent-type : application/SDP\r\n\r\nv=0\r\n\r\n--xy--\r\n";
        request.set_body("multipart/mixed;boundary=\"xy\"", body);
        assert_eq!(request.body_of("application/sdp").unwrap(), &b"v=0\r\n"[..]);
        assert_eq!(request.body_of("text/plain").unwrap(), &b"hi --xy"[..]);
        assert_eq!(Message::from(request).body_of("text/html"), None);
    }

    #[test]
    fn broken_parts_are_no_parts() {
        let mut request = Request::new(Method::Invite, "sip:a@b".parse::<Uri>().unwrap());
        for (kind, body) in [
            ("multipart/mixed", "--x\r\n"),
            ("multipart/mixed;boundary=x", "--x"),
            ("multipart/mixed;boundary=x", "--x\r\n\r\n--x"),
            ("nonsense", "x"),
        ] {
            request.set_body(kind, body);
            assert_eq!(request.body_of("application/sdp"), None, "{kind} {body}");
        }
    }
}
