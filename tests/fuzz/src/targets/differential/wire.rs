//! What stands in a message, seen without any of the parsers: the table of known differences decides by it.
//!
//! A message comes here only when no CR or LF stands alone in its head (see [`loose_line_ends`]).

use std::collections::BTreeSet;

/// Start line and header fields, with the empty line when it is there.
fn head(message: &[u8]) -> &[u8] {
    &message[..head_end(message).unwrap_or(message.len())]
}

fn head_end(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Whether the empty line is there.
pub(super) fn ends(message: &[u8]) -> bool {
    head_end(message).is_some()
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

/// Whether the start line is three parts with single spaces between (a response's third may be anything).
pub(super) fn three_parts(message: &[u8]) -> bool {
    let line = start_line(message);
    let parts: Vec<_> = line.split(|&b| b == b' ').collect();
    let request = !line.starts_with(b"SIP/");
    let count = if request { parts.len() == 3 } else { parts.len() >= 3 };
    count && parts.iter().take(2).all(|part| !part.is_empty()) && !line.iter().any(|b| b"\r\n\t".contains(b))
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

/// Whether the start line begins with a token or the version.
pub(super) fn method(message: &[u8]) -> bool {
    let line = start_line(message);
    words(&line).first().is_some_and(|word| token(word) || word.starts_with(b"SIP/"))
}

/// The Request-URI; a response's status code.
pub(super) fn request_uri(message: &[u8]) -> Vec<u8> {
    words(&start_line(message)).get(1).map(|uri| uri.to_vec()).unwrap_or_default()
}

/// Whether the empty line follows the start line.
pub(super) fn no_fields(message: &[u8]) -> bool {
    lines(message).get(1).is_none_or(Vec::is_empty)
}

/// Digits only.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(bytes).ok().filter(|_| digits).and_then(|text| text.parse().ok())
}

/// The values of the header fields of these names, which are in lower case.
pub(super) fn values(message: &[u8], names: &[&[u8]]) -> Vec<Vec<u8>> {
    let field = |line: &Vec<u8>| {
        let colon = line.iter().position(|&b| b == b':')?;
        let name = line[..colon].trim_ascii().to_ascii_lowercase();
        names.contains(&name.as_slice()).then(|| line[colon + 1..].trim_ascii().to_vec())
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

/// Whether the Request-URI is one of `sip:` or `sips:` with a host of the usual letters; a response has none.
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
    let mut parts = rest.split(|&b| b == b'@');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    let user = |user: &[u8]| {
        user.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.!~*'()%&=+$,;?/:".contains(b))
            && !user.is_empty()
    };
    let host = second.unwrap_or(first);
    let end = host.iter().position(|b| b";?".contains(b)).unwrap_or(host.len());
    parts.next().is_none() && second.is_none_or(|_| user(first)) && plain_host(&host[..end])
}

/// A host and a port.
fn plain_host(bytes: &[u8]) -> bool {
    let mut parts = bytes.splitn(2, |&b| b == b':');
    let (host, port) = (parts.next().unwrap_or_default(), parts.next());
    let label =
        |label: &[u8]| !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    let port = port.is_none_or(|port| !port.is_empty() && number(port).is_some_and(|port| port < 65_536));
    host.split(|&b| b == b'.').all(label) && port
}

/// Whether CSeq is a number that fits and a token.
pub(super) fn plain_cseq(message: &[u8]) -> bool {
    values(message, &[b"cseq"]).iter().all(|value| {
        let words = words(value);
        let fits =
            words.first().and_then(|word| number(word)).is_some_and(|number| number <= u32::MAX.into());
        words.len() == 2 && fits && words[1].iter().all(|&b| is_token(b))
    })
}

/// Whether one Via has more than one branch.
pub(super) fn branch_twice(message: &[u8]) -> bool {
    let branch = |parameter: &&[u8]| {
        let name = parameter.split(|&b| b == b'=').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"branch")
    };
    let twice = |via: &[u8]| via.split(|&b| b == b';').skip(1).filter(branch).count() > 1;
    values(message, &[b"via", b"v"]).iter().any(|line| line.split(|&b| b == b',').any(twice))
}

/// Whether every Via is by the book (without comments, and without parameters in quotes).
pub(super) fn plain_vias(message: &[u8]) -> bool {
    values(message, &[b"via", b"v"]).iter().flat_map(|line| line.split(|&b| b == b',')).all(plain_via)
}

fn plain_via(via: &[u8]) -> bool {
    let mut pieces = via.split(|&b| b == b';').map(<[u8]>::trim_ascii);
    let words = words(pieces.next().unwrap_or_default());
    let protocol = |word: &[u8]| {
        let mut parts = word.splitn(3, |&b| b == b'/');
        parts.next() == Some(b"SIP") && parts.next() == Some(b"2.0") && parts.next().is_some_and(token)
    };
    let parameters: Vec<Vec<&[u8]>> =
        pieces.map(|piece| piece.splitn(2, |&b| b == b'=').map(<[u8]>::trim_ascii).collect()).collect();
    // A name twice is against section 7.3.1.
    let names: BTreeSet<Vec<u8>> = parameters.iter().map(|parts| parts[0].to_ascii_lowercase()).collect();
    words.len() == 2
        && protocol(words[0])
        && plain_host(words[1])
        && parameters.iter().flatten().all(|part| token(part))
        && names.len() == parameters.len()
}

fn token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| is_token(b))
}

/// RFC 3261 section 25.1 `token`.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b)
}
