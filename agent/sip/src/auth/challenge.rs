//! Challenges and credentials as header fields (RFC 3261 section 25.1, RFC 7616 section 3.3): written and read.

use crate::{
    auth::digest::{Algorithm, Qop},
    message::{Headers, Text, name},
};

/// A Digest challenge we can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// From a proxy (407) and answered in Proxy-Authorization.
    pub proxy: bool,
    /// The realm, unquoted.
    pub realm: Text,
    /// The nonce, unquoted.
    pub nonce: Text,
    /// To be sent back as it is.
    pub opaque: Option<Text>,
    /// The nonce was old, the password is not doubted.
    pub stale: bool,
    /// The hash.
    pub algorithm: Algorithm,
    /// Whether `algorithm` was written (without it MD5 is meant, and some old servers choke on an answer that has it).
    pub algorithm_written: bool,
    /// What we answer with; `None` as in RFC 2069.
    pub qop: Option<Qop>,
}

/// Every Digest challenge of a 401 or 407 that we can answer, strongest first. Other schemes, unknown algorithms and
/// unknown qop are passed over (RFC 7616 section 3.7, RFC 8760 section 2.4).
pub fn challenges(headers: &Headers) -> Vec<Challenge> {
    let mut found = Vec::new();
    for (field, proxy) in [(name::WWW_AUTHENTICATE, false), (name::PROXY_AUTHENTICATE, true)] {
        for line in headers.all(field) {
            for fields in Fields::parse_list(line) {
                found.extend(read_challenge(&fields, proxy));
            }
        }
    }
    // Stable: among equals the server's order stands.
    found.sort_by_key(|challenge: &Challenge| std::cmp::Reverse(challenge.algorithm));
    found
}

fn read_challenge(fields: &Fields, proxy: bool) -> Option<Challenge> {
    if !fields.scheme.eq_ignore_case("Digest") {
        return None;
    }
    let algorithm = match fields.get("algorithm") {
        None => Algorithm::Md5,
        Some(name) => Algorithm::from_name(name)?,
    };
    let qop = match fields.get("qop").map(|qop| qop.trim_ascii()).filter(|qop| !qop.is_empty()) {
        None => None,
        Some(offered) => {
            let offered = || {
                offered.split(|&b| b == b',' || b == b' ').map(<[u8]>::trim_ascii).filter_map(Qop::from_name)
            };
            // `auth` where we may choose: a proxy on the way may touch the body.
            Some(offered().find(|qop| *qop == Qop::Auth).or_else(|| offered().next())?)
        }
    };
    Some(Challenge {
        proxy,
        realm: fields.get("realm").cloned().unwrap_or_default(),
        nonce: fields.get("nonce")?.clone(),
        opaque: fields.get("opaque").cloned(),
        stale: fields.get("stale").is_some_and(|stale| stale.eq_ignore_case("true")),
        algorithm,
        algorithm_written: fields.get("algorithm").is_some(),
        qop,
    })
}

/// One challenge or credentials: a scheme and its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    /// `Digest`, `Basic`, `Bearer`, …
    pub(crate) scheme: Text,
    /// Names and unquoted values.
    pub(crate) list: Vec<(Text, Text)>,
}

impl Fields {
    /// Reads credentials: exactly one scheme.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        Self::parse_list(line).into_iter().next()
    }

    /// Reads a header's value, which may hold several challenges (RFC 9110 section 11.6.1). What cannot be read is
    /// passed over, and the rest of its challenge with it.
    pub(crate) fn parse_list(line: &[u8]) -> Vec<Self> {
        let mut list: Vec<Self> = Vec::new();
        for piece in pieces(line) {
            if let Some(last) = list.last_mut().and_then(|current| current.list.last_mut())
                && Qop::from_name(piece).is_some()
            {
                // `qop=auth,auth-int` without the quotes it must have.
                last.1 = [last.1.as_bytes(), b",", piece].concat().into();
                continue;
            }
            let (scheme, field) = split_scheme(piece);
            if let Some(scheme) = scheme {
                list.push(Self { scheme: scheme.into(), list: Vec::new() });
            }
            let (Some(current), Some(at)) = (list.last_mut(), field.iter().position(|&b| b == b'=')) else {
                continue;
            };
            let (name, value) = (field[..at].trim_ascii(), field[at + 1..].trim_ascii());
            if current.list.len() < crate::message::MAX_PARAMS {
                current.list.push((name.into(), unquoted(value)));
            }
        }
        list
    }

    /// A field's value, unquoted.
    pub(crate) fn get(&self, name: &str) -> Option<&Text> {
        self.list.iter().find(|(known, _)| known.eq_ignore_case(name)).map(|(_, value)| value)
    }
}

/// Cuts at commas outside quotes. A quote without end reaches to the end of the line.
fn pieces(line: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut start, mut at, mut quoted) = (0, 0, false);
    while at < line.len() {
        match line[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                pieces.push(line[start..at].trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    pieces.push(line[start.min(line.len())..].trim_ascii());
    pieces.retain(|piece| !piece.is_empty());
    pieces.truncate(crate::message::MAX_ITEMS);
    pieces
}

/// A piece that begins with two words (`Digest realm="x"`) or is one word alone begins a challenge.
fn split_scheme(piece: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some(end) = piece.iter().position(|&b| matches!(b, b' ' | b'\t' | b'=' | b'"')) else {
        return (Some(piece), b"");
    };
    let rest = piece[end..].trim_ascii_start();
    let blank = matches!(piece[end], b' ' | b'\t');
    if blank && rest.first() != Some(&b'=') { (Some(&piece[..end]), rest) } else { (None, piece) }
}

fn unquoted(value: &[u8]) -> Text {
    match value.strip_prefix(b"\"") {
        None => value.into(),
        Some(inner) => {
            let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
            let mut out = Vec::with_capacity(inner.len());
            let mut bytes = inner.iter();
            while let Some(&b) = bytes.next() {
                let escaped = if b == b'\\' { bytes.next() } else { None };
                out.push(*escaped.unwrap_or(&b));
            }
            out.into()
        }
    }
}

/// Appends `name="value"`, escaped.
pub(crate) fn push_quoted(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    separate(out);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    for &b in value {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

/// Appends `name=value`.
pub(crate) fn push_bare(out: &mut Vec<u8>, name: &str, value: &str) {
    separate(out);
    out.extend_from_slice(format!("{name}={value}").as_bytes());
}

fn separate(out: &mut Vec<u8>) {
    out.extend_from_slice(if out.is_empty() { b"Digest " } else { b", " });
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Fields, Headers, Qop, challenges};

    fn headers(lines: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(*name, *value);
        }
        headers
    }

    #[test]
    fn the_strongest_comes_first_and_strangers_are_passed_over() {
        let found = challenges(&headers(&[
            ("WWW-Authenticate", r#"Digest realm="a", nonce="1""#),
            (
                "WWW-Authenticate",
                r#"Basic realm="b", Digest realm="c",nonce="2" , algorithm=SHA-256,qop="auth,auth-int", Digest realm="d", nonce="3", algorithm=TURBO"#,
            ),
            (
                "Proxy-Authenticate",
                r#"digest nonce = "4" , realm="e\"f", algorithm="sha-512-256", stale=TRUE, opaque="""#,
            ),
        ]));
        let algorithms: Vec<_> = found.iter().map(|c| c.algorithm).collect();
        assert_eq!(algorithms, [Algorithm::Sha512_256, Algorithm::Sha256, Algorithm::Md5]);
        assert!(found[0].proxy && found[0].stale && found[0].opaque.as_ref().is_some_and(|o| o.is_empty()));
        assert_eq!(found[0].realm, "e\"f");
        assert_eq!((found[1].qop, found[2].qop), (Some(Qop::Auth), None));
        assert_eq!(found[2].realm, "a");
    }

    #[test]
    fn qop_alone_unknown_cannot_be_answered() {
        assert!(
            challenges(&headers(&[("WWW-Authenticate", r#"Digest realm="a", nonce="1", qop="magic""#)]))
                .is_empty()
        );
        let int =
            challenges(&headers(&[("WWW-Authenticate", r#"Digest realm="a", nonce="1", qop="auth-int""#)]));
        assert_eq!(int[0].qop, Some(Qop::AuthInt));
    }

    #[test]
    fn a_list_of_qop_without_quotes_costs_nothing() {
        let found = challenges(&headers(&[(
            "WWW-Authenticate",
            "Digest realm=a, qop=auth,auth-int, nonce=x, algorithm=MD5",
        )]));
        assert_eq!((found[0].qop, found[0].nonce.as_str()), (Some(Qop::Auth), Some("x")));
    }

    #[test]
    fn what_is_broken_breaks_nothing() {
        for line in [
            "",
            ",",
            "Digest",
            "Digest realm=\"x",
            "=",
            "\"",
            "Digest ,,,=,\"=\"",
            "Digest nonce",
            "\\\"\\",
            "Digest nonce=\"\\",
        ] {
            let _ = challenges(&headers(&[("WWW-Authenticate", line)]));
            let _ = Fields::parse(line.as_bytes());
        }
        assert_eq!(
            Fields::parse(b"NoOneKnowsThisScheme opaque-data=here").unwrap().scheme,
            "NoOneKnowsThisScheme"
        );
    }
}
