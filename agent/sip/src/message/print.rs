//! From a message to bytes: strict, whatever was read.

use crate::message::{
    headers::{Headers, name},
    lex::{is_token, trim},
    model::{Message, Request, Response},
};

impl Message {
    /// The bytes for the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}

impl Request {
    /// The bytes for the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024 + self.body.len());
        out.extend_from_slice(self.method.as_bytes());
        out.push(b' ');
        self.uri.print(&mut out);
        out.extend_from_slice(b" SIP/2.0\r\n");
        finish(out, &self.headers, &self.body)
    }
}

impl Response {
    /// The bytes for the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024 + self.body.len());
        out.extend_from_slice(format!("SIP/2.0 {} ", self.status).as_bytes());
        one_line(&mut out, &self.phrase);
        out.extend_from_slice(b"\r\n");
        finish(out, &self.headers, &self.body)
    }
}

fn finish(mut out: Vec<u8>, headers: &Headers, body: &[u8]) -> Vec<u8> {
    for header in headers.iter() {
        // Names come from the parser or from us; one that is no token could smuggle a line and is not written.
        if !is_token(&header.name) || header.name.eq_ignore_case(name::CONTENT_LENGTH) {
            continue;
        }
        out.extend_from_slice(&header.name);
        out.extend_from_slice(b": ");
        one_line(&mut out, &header.value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("{}: {}\r\n\r\n", name::CONTENT_LENGTH, body.len()).as_bytes());
    out.extend_from_slice(body);
    out
}

/// A value can never end its line: line ends in it become spaces.
fn one_line(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(trim(value).iter().map(|&b| if b == b'\r' || b == b'\n' { b' ' } else { b }));
}

#[cfg(test)]
mod tests {
    use crate::message::{Message, Method, Request, Uri};

    #[test]
    fn nothing_smuggles_a_line() {
        let mut request = Request::new(Method::Options, "sip:a@b".parse::<Uri>().unwrap());
        request.headers.push("Subject", "x\r\nRoute: <sip:evil>");
        request.headers.push("Bad\r\nName", "y");
        let bytes = request.to_bytes();
        let Ok(Message::Request(read)) = Message::parse_datagram(&bytes) else { panic!("readable") };
        assert_eq!(read.headers.len(), 1);
        assert!(!read.headers.has("Route"));
    }
}
