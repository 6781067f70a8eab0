//! What stands in a message, seen without any of the parsers: the table of known differences decides by it.
//!
//! A message comes here only when no CR or LF stands alone in its head (see [`loose_line_ends`]).

use agent_sip::message::{MAX_HEADERS, MAX_ITEMS, MAX_LINE, MAX_MESSAGE, MAX_PARAMS};
use std::{collections::BTreeSet, net::Ipv4Addr};

/// Start line and header fields, with the empty line when it is there.
fn head(message: &[u8]) -> &[u8] {
    &message[..head_end(message).unwrap_or(message.len())]
}

fn head_end(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Whether a CR or LF stands alone in the head, or a line is empty where none may be: at the start.
pub(super) fn loose_line_ends(message: &[u8]) -> bool {
    let head = head(message);
    let before = |at: usize| at.checked_sub(1).map(|at| head[at]);
    head.iter().enumerate().any(|(at, b)| match b {
        b'\n' => before(at) != Some(b'\r'),
        b'\r' => head.get(at + 1) != Some(&b'\n'),
        _ => false,
    })
}

/// The lines, those that are folded in one piece.
fn lines(message: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in head(message).split(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match lines.last_mut() {
            Some(last) if matches!(line.first(), Some(b' ' | b'\t')) => {
                last.extend_from_slice(b"\r\n");
                last.extend_from_slice(line);
            }
            _ => lines.push(line.to_vec()),
        }
    }
    lines
}

fn start_line(message: &[u8]) -> Vec<u8> {
    lines(message).swap_remove(0)
}

/// The pieces between blanks and line ends. A form feed, white space elsewhere, is neither.
pub(super) fn words(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|b| b" \t\r\n".contains(b)).filter(|word| !word.is_empty()).collect()
}

/// Without the blanks and line ends at its ends; a form feed stays.
fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |b: &u8| b" \t\r\n".contains(b);
    let start = bytes.iter().position(|b| !blank(b)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| !blank(b)).map_or(start, |at| at + 1);
    &bytes[start..end]
}

/// Without white space at its ends, as Unicode and Rust have it: more than SIP's blanks.
pub(super) fn spaceless(bytes: &[u8]) -> &[u8] {
    std::str::from_utf8(bytes).map_or(bytes, |text| text.trim().as_bytes())
}

/// Whether there is white space that is none of SIP's.
pub(super) fn foreign_space(message: &[u8]) -> bool {
    String::from_utf8_lossy(head(message)).chars().any(|c| c.is_whitespace() && !" \t\r\n".contains(c))
}

/// Whether the start line is three parts with single spaces between (a response's third may be anything).
pub(super) fn three_parts(message: &[u8]) -> bool {
    let line = start_line(message);
    let parts: Vec<_> = line.split(|&b| b == b' ').collect();
    let request = !line.starts_with(b"SIP/");
    let count = if request { parts.len() == 3 } else { parts.len() >= 3 };
    count && parts.iter().take(2).all(|part| !part.is_empty()) && !line.iter().any(|b| b"\r\n\t".contains(b))
}

/// Digits only.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(bytes).ok().filter(|_| digits).and_then(|text| text.parse().ok())
}

/// Whether the headers of the Request-URI have a question mark in them, or one of them no value.
pub(super) fn odd_headers(message: &[u8]) -> bool {
    let line = start_line(message);
    let uri = words(&line).get(1).copied().unwrap_or_default();
    let odd = |header: &[u8]| header.contains(&b'?') || header.ends_with(b"=");
    cut(uri, b'?').1.is_some_and(|headers| headers.split(|&b| b == b'&').any(odd))
}

/// Whether what the escapes in the Request-URI stand for is UTF-8.
pub(super) fn escapes_are_utf8(message: &[u8]) -> bool {
    let line = start_line(message);
    let mut rest = words(&line).get(1).copied().unwrap_or_default();
    let mut decoded = Vec::new();
    while let [first, behind @ ..] = rest {
        let digits =
            behind.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        let escape = digits.filter(|_| *first == b'%');
        decoded.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &behind[2..] } else { behind };
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// Whether there is more of something than ours takes.
pub(super) fn beyond_limits(message: &[u8]) -> bool {
    let lines = lines(message);
    let long = |line: &Vec<u8>| {
        let count = |what: u8| line.iter().filter(|&&b| b == what).count();
        line.len() > MAX_LINE || count(b';') > MAX_PARAMS || count(b',') >= MAX_ITEMS
    };
    message.len() > MAX_MESSAGE || lines.len() > MAX_HEADERS || lines.iter().any(long)
}

/// Whether each line behind the start line has a name.
pub(super) fn plain_names(message: &[u8]) -> bool {
    let named = |line: &Vec<u8>| {
        let name = line.split(|&b| b == b':').next().unwrap_or_default();
        name.len() < line.len() && words(name).len() == 1 && words(name).into_iter().all(token)
    };
    lines(message).iter().skip(1).filter(|line| !line.is_empty()).all(named)
}

/// Whether the head is UTF-8.
pub(super) fn utf8(message: &[u8]) -> bool {
    std::str::from_utf8(head(message)).is_ok()
}

/// The values of the header fields of these names, which are in lower case.
pub(super) fn values(message: &[u8], names: &[&[u8]]) -> Vec<Vec<u8>> {
    let field = |line: &Vec<u8>| {
        let colon = line.iter().position(|&b| b == b':')?;
        let name = trim(&line[..colon]).to_ascii_lowercase();
        names.contains(&name.as_slice()).then(|| trim(&line[colon + 1..]).to_vec())
    };
    lines(message).iter().skip(1).filter_map(field).collect()
}

/// The values of Content-Length that differ.
pub(super) fn lengths(message: &[u8]) -> Vec<Vec<u8>> {
    let mut lengths = values(message, &[b"content-length", b"l"]);
    lengths.sort();
    lengths.dedup();
    lengths
}

/// Whether the version is SIP/2.0, and not all in capitals.
pub(super) fn small_version(message: &[u8]) -> bool {
    version(message) && !words(&start_line(message)).contains(&b"SIP/2.0".as_slice())
}

/// Whether the version is SIP/2.0.
pub(super) fn version(message: &[u8]) -> bool {
    let line = start_line(message);
    let words = words(&line);
    let ours = |word: Option<&&[u8]>| word.is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/2.0"));
    let response = words.first().is_some_and(|word| word.starts_with(b"SIP/"));
    if response { ours(words.first()) } else { ours(words.last()) }
}

/// A response's status code; 0 when it is no number.
pub(super) fn status(message: &[u8]) -> Option<u64> {
    let line = start_line(message);
    let words = words(&line);
    let code = words.first().filter(|word| word.starts_with(b"SIP/")).and(words.get(1))?;
    Some(number(code).unwrap_or(0))
}

/// Whether the Request-URI is one of `sip:` or `sips:` by the book, with a name or IPv4 address; a response has none.
pub(super) fn plain_uri(message: &[u8]) -> bool {
    let line = start_line(message);
    let words = words(&line);
    if words.first().is_some_and(|word| word.starts_with(b"SIP/")) {
        return true;
    }
    let Some(uri) = words.get(1) else { return false };
    let lower = uri.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix(b"sip:").or_else(|| lower.strip_prefix(b"sips:")) else {
        return false;
    };
    let (user, rest) = match rest.iter().position(|&b| b == b'@') {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    };
    let (rest, headers) = cut(rest, b'?');
    let (host, parameters) = cut(rest, b';');
    user.is_none_or(plain_user)
        && plain_host(host)
        && parameters.is_none_or(|all| all.split(|&b| b == b';').all(plain_parameter))
        && headers.is_none_or(|all| all.split(|&b| b == b'&').all(plain_header))
}

/// What stands before and, where it is there, behind that byte.
fn cut(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    let mut parts = bytes.splitn(2, |&b| b == at);
    (parts.next().unwrap_or_default(), parts.next())
}

fn plain_user(user: &[u8]) -> bool {
    let (user, password) = cut(user, b':');
    !user.is_empty() && of(user, b"&=+$,;?/") && password.is_none_or(|password| of(password, b"&=+$,"))
}

fn plain_parameter(parameter: &[u8]) -> bool {
    let (name, value) = cut(parameter, b'=');
    let part = |part: &[u8]| !part.is_empty() && of(part, b"[]/:&+$");
    part(name) && value.is_none_or(part)
}

fn plain_header(header: &[u8]) -> bool {
    let (name, value) = cut(header, b'=');
    let part = |part: &[u8]| of(part, b"[]/?:+$");
    !name.is_empty() && part(name) && value.is_some_and(part)
}

/// Whether all is `unreserved`, an escape or one of those (RFC 3261 section 25.1).
fn of(bytes: &[u8], others: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = match (first, behind) {
            (b'%', [a, b, behind @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => behind,
            (b, behind) if b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(b) || others.contains(b) => {
                behind
            }
            _ => return false,
        };
    }
    true
}

/// A host and a port.
fn plain_host(bytes: &[u8]) -> bool {
    let mut parts = bytes.splitn(2, |&b| b == b':');
    let (host, port) = (parts.next().unwrap_or_default(), parts.next());
    let end = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let label = |label: &[u8]| {
        end(label.first())
            && end(label.last())
            && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    let port = port.is_none_or(|port| !port.is_empty() && number(port).is_some_and(|port| port < 65_536));
    // The last part of a name begins with a letter (`toplabel`); an IPv4 address has four numbers.
    let last = host.rsplit(|&b| b == b'.').next().unwrap_or_default();
    let named = last.first().is_some_and(u8::is_ascii_alphabetic) && host.split(|&b| b == b'.').all(label);
    let v4 = std::str::from_utf8(host).is_ok_and(|host| host.parse::<Ipv4Addr>().is_ok());
    (named || v4) && port
}

/// Whether one Via has more than one branch.
pub(super) fn branch_twice(message: &[u8]) -> bool {
    let branch = |parameter: &&[u8]| {
        let name = parameter.split(|&b| b == b'=').next().unwrap_or_default();
        trim(name).eq_ignore_ascii_case(b"branch")
    };
    let twice = |via: &[u8]| via.split(|&b| b == b';').skip(1).filter(branch).count() > 1;
    values(message, &[b"via", b"v"]).iter().any(|line| line.split(|&b| b == b',').any(twice))
}

/// Whether a Via has a branch that is written otherwise, or a transport that is no usual one.
pub(super) fn odd_via(message: &[u8]) -> bool {
    let odd = |via: &[u8]| {
        let (start, parameters) = cut(via, b';');
        let transport = words(start).first().and_then(|word| word.rsplit(|&b| b == b'/').next());
        let usual = [&b"UDP"[..], b"TCP", b"TLS", b"SCTP", b"WS", b"WSS"];
        let named = |parameter: &[u8]| {
            let name = trim(cut(parameter, b'=').0);
            name.eq_ignore_ascii_case(b"branch") && name != b"branch"
        };
        !transport.is_some_and(|transport| usual.contains(&transport))
            || parameters.is_some_and(|all| all.split(|&b| b == b';').any(named))
    };
    values(message, &[b"via", b"v"]).iter().any(|line| line.split(|&b| b == b',').any(odd))
}

/// Whether every Via is by the book (without comments, and without parameters in quotes).
pub(super) fn plain_vias(message: &[u8]) -> bool {
    values(message, &[b"via", b"v"]).iter().flat_map(|line| line.split(|&b| b == b',')).all(plain_via)
}

fn plain_via(via: &[u8]) -> bool {
    let mut pieces = via.split(|&b| b == b';').map(trim);
    let words = words(pieces.next().unwrap_or_default());
    let protocol = |word: &[u8]| {
        let mut parts = word.splitn(3, |&b| b == b'/');
        parts.next() == Some(b"SIP") && parts.next() == Some(b"2.0") && parts.next().is_some_and(token)
    };
    let parameters: Vec<Vec<&[u8]>> =
        pieces.map(|piece| piece.splitn(2, |&b| b == b'=').map(trim).collect()).collect();
    // A name twice is against section 7.3.1.
    let names: BTreeSet<Vec<u8>> = parameters.iter().map(|parts| parts[0].to_ascii_lowercase()).collect();
    words.len() == 2
        && protocol(words[0])
        && plain_host(words[1])
        && parameters.iter().flatten().all(|part| token(part))
        && names.len() == parameters.len()
}

/// Whether it is a `token`.
pub(super) fn token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| is_token(b))
}

/// RFC 3261 section 25.1 `token`.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b)
}
