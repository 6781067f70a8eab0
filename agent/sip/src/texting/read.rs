//! What the bytes of a MESSAGE say: plain text in a character set we know, or how it is refused.

use crate::message::{MediaType, Rejection, Request, Text, name};

/// What we show (RFC 3428 section 7 asks for no more).
pub(crate) const TYPE: &str = "text/plain";
/// The longest body that is read.
const MOST: usize = 16 * 1024;

/// The text of a request that passed `check_request`; empty where it has none. Whatever is not plain text is refused with
/// 415 and what would do, so that who can say it otherwise does (RFC 3261 section 21.4.13): HTML, message/cpim, and the
/// news that somebody types (RFC 3994 section 4: its sender stops then).
pub(crate) fn read(request: &Request) -> Result<String, Rejection> {
    let headers = &request.headers;
    if request.body.len() > MOST {
        return Err(Rejection::new(413, None));
    }
    if headers.words(name::CONTENT_ENCODING).iter().any(|word| !word.eq_ignore_case("identity")) {
        return Err(Rejection::new(415, None).with("Accept-Encoding", "identity".to_owned()));
    }
    if request.body.is_empty() {
        return Ok(String::new());
    }
    let Some(kind) = headers.content_type().transpose()? else {
        // Nobody means anything else who does not say what it is.
        return Ok(Text::from(request.body.clone()).to_text().into_owned());
    };
    if kind.kind.starts_with("multipart/") {
        let part = request.body_of(TYPE).ok_or_else(foreign)?;
        return Ok(Text::from(part).to_text().into_owned());
    }
    if kind.kind != TYPE {
        return Err(foreign());
    }
    decode(&kind, Text::from(request.body.clone())).ok_or_else(foreign)
}

fn foreign() -> Rejection {
    Rejection::new(415, None).with(name::ACCEPT, TYPE.to_owned())
}

/// The text in the character set it says it is in; `None`: one we do not know.
fn decode(kind: &MediaType, body: Text) -> Option<String> {
    let charset = kind.params.value("charset").map(|name| name.to_text().trim().to_ascii_lowercase());
    match charset.as_deref() {
        // What claims to be ASCII and is not is read as what it most likely is.
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii" | "") => Some(body.to_text().into_owned()),
        Some("iso-8859-1" | "latin1" | "iso_8859-1" | "windows-1252" | "cp1252") => Some(body.to_windows()),
        Some("iso-8859-15" | "latin9" | "latin-9") => Some(body.to_windows().chars().map(latin9).collect()),
        Some("utf-16be") => utf16(&body, u16::from_be_bytes),
        Some("utf-16le") => utf16(&body, u16::from_le_bytes),
        Some("utf-16") => match body.as_bytes() {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] | rest => utf16(rest, u16::from_be_bytes),
        },
        Some(_) => None,
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    Some(String::from_utf16_lossy(&units))
}

/// The eight characters in which Latin-9 differs from Latin-1.
fn latin9(c: char) -> char {
    match c {
        '¤' => '€',
        '¦' => 'Š',
        '¨' => 'š',
        '´' => 'Ž',
        '¸' => 'ž',
        '¼' => 'Œ',
        '½' => 'œ',
        '¾' => 'Ÿ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Method, Uri};

    fn said(kind: Option<&str>, body: &[u8]) -> Result<String, (u16, String)> {
        let mut request = Request::new(Method::Message, "sip:1@x".parse::<Uri>().unwrap());
        match kind {
            Some(kind) => request.set_body(kind, body.to_vec()),
            None => request.body = body.to_vec().into(),
        }
        read(&request).map_err(|no| (no.status, no.headers.into_iter().map(|(_, value)| value).collect()))
    }

    #[test]
    fn plain_text_is_read_in_every_character_set_that_is_spoken() {
        for (kind, body) in [
            ("text/plain", "Grüße €".as_bytes()),
            ("TEXT/PLAIN; charset=\"UTF-8\"; format=flowed", "Grüße €".as_bytes()),
            ("text/plain;charset=us-ascii", "Grüße €".as_bytes()),
            ("text/plain;charset=windows-1252", b"Gr\xfc\xdfe \x80"),
            ("text/plain;charset=ISO-8859-15", b"Gr\xfc\xdfe \xa4"),
            ("text/plain", b"Gr\xfc\xdfe \x80"),
            ("text/plain;charset=utf-16le", b"G\0r\0\xfc\0\xdf\0e\0 \0\xac\x20"),
            ("text/plain;charset=utf-16", b"\xfe\xff\0G\0r\0\xfc\0\xdf\0e\0 \x20\xac"),
            (
                "multipart/alternative;boundary=b",
                b"--b\r\nContent-Type: text/html\r\n\r\n<b>\r\n--b\r\nContent-Type: text/plain\r\n\r\nGr\xfc\xdfe \x80\r\n--b--",
            ),
        ] {
            assert_eq!(said(Some(kind), body).as_deref(), Ok("Grüße €"), "{kind}");
        }
        assert_eq!(said(None, b"bare").as_deref(), Ok("bare"));
        // What is labelled Latin-1 stays Latin-1, though it could be read otherwise.
        assert_eq!(said(Some("text/plain;charset=iso-8859-1"), "ü".as_bytes()).as_deref(), Ok("Ã¼"));
    }

    #[test]
    fn everything_else_is_refused_with_what_would_do() {
        for kind in [
            "text/html",
            "message/cpim",
            "application/im-iscomposing+xml",
            "text/plain;charset=ebcdic-us",
            "multipart/mixed;boundary=b",
        ] {
            assert_eq!(said(Some(kind), b"<b>hello</b>"), Err((415, "text/plain".to_owned())), "{kind}");
        }
        assert_eq!(said(Some("nonsense"), b"x").map_err(|(status, _)| status), Err(400));
        assert_eq!(said(Some(TYPE), &[b'x'; MOST + 1]).map_err(|(status, _)| status), Err(413));
        assert!(said(Some(TYPE), &[b'x'; MOST]).is_ok());
    }
}
