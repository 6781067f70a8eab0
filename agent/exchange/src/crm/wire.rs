//! HTTP/1.1 (RFC 9112) as far as a server of short answers needs it: one request in, one response out.

use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::timeout,
};

/// The longest head of a request.
const MOST_HEAD: usize = 16 * 1024;
/// The longest body; it is read and passed over.
const MOST_BODY: usize = 1024 * 1024;
/// The most header fields.
const MOST_FIELDS: usize = 100;
/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    /// The path, percent escapes decoded.
    pub(crate) path: String,
    /// The query, names and values decoded.
    pub(crate) query: Vec<(String, String)>,
    /// Header fields, names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    /// The connection may serve another request.
    pub(crate) keep: bool,
}

impl HttpRequest {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRequest {
    /// The client closed, broke off or took too long: there is nobody to answer.
    Gone,
    /// To be answered with this status.
    Bad(u16),
}

/// Reads one request; `rest` keeps what came behind it.
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    rest: &mut Vec<u8>,
) -> Result<HttpRequest, NoRequest> {
    timeout(PATIENCE, read_patiently(stream, rest)).await.unwrap_or(Err(NoRequest::Gone))
}

async fn read_patiently(
    stream: &mut (impl AsyncRead + Unpin),
    rest: &mut Vec<u8>,
) -> Result<HttpRequest, NoRequest> {
    let end = loop {
        if let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if rest.len() > MOST_HEAD {
            return Err(NoRequest::Bad(431));
        }
        more(stream, rest).await?;
    };
    let request = parse(&rest[..end]).ok_or(NoRequest::Bad(400))?;
    rest.drain(..end + 4);
    if request.field("transfer-encoding").is_some() {
        return Err(NoRequest::Bad(501));
    }
    let length: usize = match request.field("content-length") {
        Some(text) => text.parse().map_err(|_| NoRequest::Bad(400))?,
        None => 0,
    };
    if length > MOST_BODY {
        return Err(NoRequest::Bad(413));
    }
    while rest.len() < length {
        more(stream, rest).await?;
    }
    rest.drain(..length);
    Ok(request)
}

async fn more(stream: &mut (impl AsyncRead + Unpin), rest: &mut Vec<u8>) -> Result<(), NoRequest> {
    match stream.read_buf(rest).await {
        Ok(1..) => Ok(()),
        Ok(0) | Err(_) => Err(NoRequest::Gone),
    }
}

fn parse(head: &[u8]) -> Option<HttpRequest> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !target.starts_with('/') || !version.starts_with("HTTP/1.") {
        return None;
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        if fields.len() == MOST_FIELDS || name.is_empty() || name.contains(' ') {
            return None;
        }
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name, true), decode(value, true))
    };
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
    let close =
        fields.iter().any(|(name, value)| name == "connection" && value.eq_ignore_ascii_case("close"));
    let keep = version == "HTTP/1.1" && !close;
    Some(HttpRequest { method: method.to_owned(), path: decode(path, false), query, fields, keep })
}

/// Percent escapes decoded; in a query `+` is a space. What is not UTF-8 then is replaced.
fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = || {
            let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        match bytes[at] {
            b'%' => match escaped() {
                Some(byte) => {
                    out.push(byte);
                    at += 2;
                }
                None => out.push(b'%'),
            },
            b'+' if plus => out.push(b' '),
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A response, whole.
pub(crate) fn response(status: u16, kind: &str, extra: &[(&str, &str)], body: &[u8], keep: bool) -> Vec<u8> {
    let phrase = match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let connection = if keep { "keep-alive" } else { "close" };
    let mut head = format!(
        "HTTP/1.1 {status} {phrase}\r\nContent-Length: {}\r\nConnection: {connection}\r\n",
        body.len()
    );
    if !kind.is_empty() {
        head.push_str(&format!("Content-Type: {kind}\r\n"));
    }
    for (name, value) in extra {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut out = head.into_bytes();
    out.extend_from_slice(body);
    out
}

#[cfg(test)]
mod tests {
    use super::{NoRequest, parse, read};

    #[test]
    fn requests() {
        let request = parse(b"GET /api/contacts?phone=%2B49+30&x HTTP/1.1\r\nHost: a\r\nConnection: Close")
            .expect("a request");
        assert_eq!(
            (request.path.as_str(), request.asked("phone"), request.asked("x")),
            ("/api/contacts", Some("+49 30"), Some(""))
        );
        assert!(!request.keep);
        for bad in [
            &b""[..],
            b"GET",
            b"GET / HTTP/2",
            b"GET x HTTP/1.1",
            b"GET / HTTP/1.1 x",
            b"GET / HTTP/1.1\r\nno colon",
            b"\xff / HTTP/1.1",
        ] {
            assert_eq!(parse(bad), None);
        }
        assert_eq!(parse(b"GET /%zz%4 HTTP/1.0").expect("a request").path, "/%zz%4");
    }

    #[tokio::test]
    async fn sizes_are_capped() {
        let long = [&b"GET / HTTP/1.1\r\nX: "[..], &[b'y'; 20_000]].concat();
        assert_eq!(read(&mut long.as_slice(), &mut Vec::new()).await, Err(NoRequest::Bad(431)));
        let big = b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n";
        assert_eq!(read(&mut big.as_slice(), &mut Vec::new()).await, Err(NoRequest::Bad(413)));
        assert_eq!(read(&mut &b"GET / HT"[..], &mut Vec::new()).await, Err(NoRequest::Gone));
        let mut rest = Vec::new();
        let two = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\n\r\n";
        let mut stream = two.as_slice();
        assert_eq!(read(&mut stream, &mut rest).await.expect("the first").path, "/a");
        assert_eq!(read(&mut stream, &mut rest).await.expect("the second").path, "/b");
    }
}
