//! Addresses: `sip:`, `sips:`, `tel:` and whatever else stands where an address stands (RFC 3261 section 19, RFC 3966).

use crate::message::{
    host::Host,
    lex::{FieldError, trim, unescape},
    limits::{MAX_ITEMS, MAX_PARAMS},
    text::Text,
};
use std::{borrow::Cow, fmt, str::FromStr};

/// An address. Percent escapes stay as they came; the accessors decode them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uri {
    /// `sip:` or `sips:`.
    Sip(SipUri),
    /// `tel:`.
    Tel(TelUri),
    /// Any other scheme, the whole text.
    Other(Text),
}

/// A `sip:` or `sips:` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipUri {
    /// `sips:`.
    pub secure: bool,
    /// The user part, escapes as they came (see [`SipUri::user_text`], [`escape_user`]).
    pub user: Option<Text>,
    /// What stands behind a colon in the user part; never sent by us.
    pub password: Option<Text>,
    /// The host.
    pub host: Host,
    /// The port, when one is written.
    pub port: Option<u16>,
    /// `;name=value`, escapes as they came (see [`SipUri::param`]).
    pub params: Vec<(Text, Option<Text>)>,
    /// `?name=value&…`, escapes as they came.
    pub headers: Vec<(Text, Text)>,
}

/// A `tel:` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelUri {
    /// The number with its visual separators (`+49-30-123`).
    pub number: Text,
    /// `;name=value`.
    pub params: Vec<(Text, Option<Text>)>,
}

impl Uri {
    /// Reads an address that stands alone (no angle brackets, no display name).
    pub fn parse(bytes: &[u8]) -> Result<Self, FieldError> {
        let wrong = |what| FieldError::new("URI", what);
        let bytes = trim(bytes);
        let colon = bytes.iter().position(|&b| b == b':').ok_or(wrong("the address has no scheme"))?;
        let (scheme, rest) = (&bytes[..colon], &bytes[colon + 1..]);
        let scheme_byte = |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        if !scheme.first().is_some_and(u8::is_ascii_alphabetic) || !scheme.iter().all(scheme_byte) {
            return Err(wrong("the address has no proper scheme"));
        }
        match scheme.to_ascii_lowercase().as_slice() {
            b"sip" => SipUri::read(false, rest).map(Self::Sip).map_err(wrong),
            b"sips" => SipUri::read(true, rest).map(Self::Sip).map_err(wrong),
            b"tel" => TelUri::read(rest).map(Self::Tel).map_err(wrong),
            _ => Ok(Self::Other(tidy(bytes))),
        }
    }

    /// The scheme in lower case.
    pub fn scheme(&self) -> String {
        match self {
            Self::Sip(uri) if uri.secure => "sips".to_owned(),
            Self::Sip(_) => "sip".to_owned(),
            Self::Tel(_) => "tel".to_owned(),
            Self::Other(whole) => {
                let scheme = whole.split(|&b| b == b':').next().unwrap_or_default();
                String::from_utf8_lossy(scheme).to_ascii_lowercase()
            }
        }
    }

    /// The `sip:` or `sips:` address, if it is one.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            _ => None,
        }
    }

    /// The user part or the number, escapes decoded: what a person would call the number.
    pub fn user_text(&self) -> Option<Text> {
        match self {
            Self::Sip(uri) => uri.user_text(),
            Self::Tel(uri) => Some(unescape(&uri.number).into()),
            Self::Other(_) => None,
        }
    }

    /// Whether both name the same resource (RFC 3261 section 19.1.4).
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.same(b),
            (Self::Tel(a), Self::Tel(b)) => {
                a.digits() == b.digits() && params_agree(&a.params, &b.params, &[])
            }
            (Self::Other(a), Self::Other(b)) => a == b,
            _ => false,
        }
    }

    /// Appends it as the wire wants it.
    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        match self {
            Self::Sip(uri) => uri.print(out),
            Self::Tel(uri) => {
                out.extend_from_slice(b"tel:");
                out.extend_from_slice(&uri.number);
                print_params(&uri.params, out);
            }
            Self::Other(whole) => out.extend_from_slice(whole),
        }
    }
}

impl SipUri {
    /// `sip:user@host:port`; the user is escaped where it must be.
    pub fn new(user: Option<&str>, host: Host, port: Option<u16>) -> Self {
        let user = user.map(|user| escape_user(user).into());
        Self { secure: false, user, password: None, host, port, params: Vec::new(), headers: Vec::new() }
    }

    /// The user part, escapes decoded.
    pub fn user_text(&self) -> Option<Text> {
        self.user.as_ref().map(|user| unescape(user).into())
    }

    /// A parameter's value, escapes decoded: `None` when absent, empty when it is a flag such as `lr`.
    pub fn param(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let (_, value) =
            self.params.iter().find(|(known, _)| unescape(known).eq_ignore_ascii_case(name.as_bytes()))?;
        Some(match value.as_deref() {
            None => Cow::Borrowed(b""),
            Some(value) if value.contains(&b'%') => Cow::Owned(unescape(value)),
            Some(value) => Cow::Borrowed(value),
        })
    }

    /// The same with one more parameter (a flag when `value` is empty), for building.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        let value = (!value.is_empty()).then(|| escape(value.as_bytes(), is_param_byte).into());
        self.params.push((name.into(), value));
        self
    }

    /// The same address under `sips:`, without the transport that this scheme implies (RFC 5630 section 3.1.4).
    #[must_use]
    pub fn to_secure(mut self) -> Self {
        self.secure = true;
        self.params.retain(|(name, value)| {
            let tls = value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(b"tls"));
            !(tls && name.eq_ignore_case("transport"))
        });
        self
    }

    fn read(secure: bool, rest: &[u8]) -> Result<Self, &'static str> {
        let (userinfo, host, port, tail) = split_at_host(rest)?;
        let (params, headers) = match tail.iter().position(|&b| b == b'?') {
            Some(at) => (&tail[..at], read_headers(&tail[at + 1..])?),
            None => (tail, Vec::new()),
        };
        let mut parts = userinfo.splitn(2, |&b| b == b':');
        let user = parts.next().filter(|user| !user.is_empty()).map(tidy_part);
        let password = parts.next().map(tidy_part).filter(|_| user.is_some());
        Ok(Self { secure, user, password, host, port, params: read_params(params)?, headers })
    }

    fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.secure { b"sips:" } else { b"sip:" });
        if let Some(user) = &self.user {
            out.extend_from_slice(user);
            if let Some(password) = &self.password {
                out.push(b':');
                out.extend_from_slice(password);
            }
            out.push(b'@');
        }
        self.host.print(out);
        if let Some(port) = self.port {
            out.extend_from_slice(format!(":{port}").as_bytes());
        }
        print_params(&self.params, out);
        for (at, (name, value)) in self.headers.iter().enumerate() {
            out.push(if at == 0 { b'?' } else { b'&' });
            out.extend_from_slice(name);
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }

    fn same(&self, other: &Self) -> bool {
        // A parameter of these that only one side has never matches (RFC 3261 section 19.1.4).
        const NEVER_IGNORED: &[&[u8]] = &[b"user", b"ttl", b"method", b"maddr", b"transport"];
        let mut mine: Vec<_> = self.headers.iter().map(plain_header).collect();
        let mut theirs: Vec<_> = other.headers.iter().map(plain_header).collect();
        mine.sort();
        theirs.sort();
        self.secure == other.secure
            && self.user_text() == other.user_text()
            && self.password == other.password
            && self.host == other.host
            && self.port == other.port
            && mine == theirs
            && params_agree(&self.params, &other.params, NEVER_IGNORED)
    }
}

impl TelUri {
    /// The number without visual separators: `+`, digits, `*`, `#`, `A`-`F`.
    pub fn digits(&self) -> String {
        let number = unescape(&self.number);
        number.iter().filter(|b| !b"-.() ".contains(b)).map(|&b| char::from(b.to_ascii_uppercase())).collect()
    }

    fn read(rest: &[u8]) -> Result<Self, &'static str> {
        let end = rest.iter().position(|&b| b == b';').unwrap_or(rest.len());
        let number = tidy(trim(&rest[..end]));
        if number.is_empty() {
            return Err("the number is missing");
        }
        Ok(Self { number, params: read_params(&rest[end..])? })
    }
}

/// Percent-escapes what may not stand in a user part (RFC 3261 section 25.1 `user`). `#` and `%` are escaped too.
pub fn escape_user(user: &str) -> String {
    escape(user.as_bytes(), |b| is_unreserved(b) || b"&=+$,;?/".contains(&b))
}

/// User part, host, port, and what follows.
type Split<'a> = (&'a [u8], Host, Option<u16>, &'a [u8]);

/// Finds the `@` that parts user and host: the first one followed by something that is a host. An `@` that a careless
/// peer left unescaped in the user part then does no harm.
fn split_at_host(rest: &[u8]) -> Result<Split<'_>, &'static str> {
    let host_at = |start: usize| {
        let len = rest[start..].iter().position(|&b| b == b';' || b == b'?').unwrap_or(rest.len() - start);
        Host::parse_with_port(&rest[start..start + len])
            .map(|(host, port)| (host, port, &rest[start + len..]))
    };
    let mut complaint = None;
    for (at, _) in rest.iter().enumerate().filter(|(_, b)| **b == b'@').take(MAX_ITEMS) {
        match host_at(at + 1) {
            Ok((host, port, tail)) => return Ok((&rest[..at], host, port, tail)),
            Err(what) => complaint = complaint.or(Some(what)),
        }
    }
    match complaint {
        Some(what) => Err(what),
        None => host_at(0).map(|(host, port, tail)| (&rest[..0], host, port, tail)),
    }
}

fn read_params(bytes: &[u8]) -> Result<Vec<(Text, Option<Text>)>, &'static str> {
    let mut params = Vec::new();
    for piece in bytes.split(|&b| b == b';').map(trim).filter(|piece| !piece.is_empty()) {
        if params.len() == MAX_PARAMS {
            return Err("too many parameters");
        }
        let mut parts = piece.splitn(2, |&b| b == b'=');
        let name = tidy_part(trim(parts.next().unwrap_or_default()));
        if name.is_empty() {
            return Err("a parameter has no name");
        }
        params
            .push((name, parts.next().map(|value| tidy_part(trim(value))).filter(|value| !value.is_empty())));
    }
    Ok(params)
}

fn read_headers(bytes: &[u8]) -> Result<Vec<(Text, Text)>, &'static str> {
    let mut headers = Vec::new();
    for piece in bytes.split(|&b| b == b'&').map(trim).filter(|piece| !piece.is_empty()) {
        if headers.len() == MAX_PARAMS {
            return Err("too many header fields in the address");
        }
        let mut parts = piece.splitn(2, |&b| b == b'=');
        let name = tidy_part(trim(parts.next().unwrap_or_default()));
        if name.is_empty() {
            return Err("a header field in the address has no name");
        }
        headers.push((name, tidy_part(parts.next().unwrap_or_default())));
    }
    Ok(headers)
}

fn print_params(params: &[(Text, Option<Text>)], out: &mut Vec<u8>) {
    for (name, value) in params {
        out.push(b';');
        out.extend_from_slice(name);
        if let Some(value) = value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}

fn plain_header((name, value): &(Text, Text)) -> (Vec<u8>, Vec<u8>) {
    (unescape(name).to_ascii_lowercase(), unescape(value))
}

/// Parameters both sides have must agree; of `never_ignored`, both or neither must have each.
fn params_agree(a: &[(Text, Option<Text>)], b: &[(Text, Option<Text>)], never_ignored: &[&[u8]]) -> bool {
    let one_way = |a: &[(Text, Option<Text>)], b: &[(Text, Option<Text>)]| {
        a.iter().all(|(name, value)| {
            let name = unescape(name).to_ascii_lowercase();
            match b.iter().find(|(other, _)| unescape(other).eq_ignore_ascii_case(&name)) {
                Some((_, other)) => {
                    let plain =
                        |value: &Option<Text>| value.as_deref().map(|v| unescape(v).to_ascii_lowercase());
                    plain(value) == plain(other)
                }
                None => !never_ignored.contains(&name.as_slice()),
            }
        })
    };
    one_way(a, b) && one_way(b, a)
}

fn is_unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b)
}

fn is_param_byte(b: u8) -> bool {
    is_unreserved(b) || b"[]/:&+$".contains(&b)
}

fn escape(bytes: &[u8], keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        if keep(b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// What no address may carry bare (blanks, controls, quotes, brackets, bytes beyond ASCII) becomes an escape: what
/// we print is then sound whatever we read.
fn tidy(bytes: &[u8]) -> Text {
    escape_those(bytes, is_bad)
}

/// The same for a part of a SIP address, where an `@` would move the host as well (RFC 3261 section 25.1 allows it bare
/// in none of `user`, `password`, `uri-parameters` and `headers`).
fn tidy_part(bytes: &[u8]) -> Text {
    escape_those(bytes, |b| is_bad(b) || b == b'@')
}

fn is_bad(b: u8) -> bool {
    b <= b' ' || b >= 0x7f || matches!(b, b'<' | b'>' | b'"')
}

fn escape_those(bytes: &[u8], bad: impl Fn(u8) -> bool) -> Text {
    if bytes.iter().any(|&b| bad(b)) { escape(bytes, |b| !bad(b)).into() } else { bytes.into() }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.print(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.print(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl FromStr for Uri {
    type Err = FieldError;
    fn from_str(text: &str) -> Result<Self, FieldError> {
        Self::parse(text.as_bytes())
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Self::Sip(uri)
    }
}

#[cfg(test)]
mod tests;
