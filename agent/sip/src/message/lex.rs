//! The small pieces of the SIP grammar (RFC 3261 section 25.1) that every field is made of.

/// A header field or URI that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {what}")]
pub struct FieldError {
    /// The field's name (`Via`, `Request-URI`).
    pub field: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
}

impl FieldError {
    /// Names the field and what is wrong.
    pub(crate) const fn new(field: &'static str, what: &'static str) -> Self {
        Self { field, what }
    }

    /// The same complaint about a field known by a better name.
    pub(crate) const fn within(self, field: &'static str) -> Self {
        Self { field, what: self.what }
    }
}

/// `token` (RFC 3261 section 25.1).
pub(crate) fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b)
}

/// Whether all of it is one token.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| is_token_byte(b))
}

/// Space and tab, and the line ends that folding may have left.
pub(crate) fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without blanks at either end.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&b| !is_blank(b)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|&b| !is_blank(b)).map_or(start, |at| at + 1);
    &bytes[start..end]
}

/// The end of the quoted string that starts at `bytes[0]`: the index after its closing quote.
pub(crate) fn quoted_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The first place where one of `stops` stands outside quotes and angle brackets.
pub(crate) fn find_outside(bytes: &[u8], stops: &[u8]) -> Result<Option<usize>, &'static str> {
    let mut at = 0;
    let mut bracketed = false;
    while at < bytes.len() {
        let b = bytes[at];
        if !bracketed && stops.contains(&b) {
            return Ok(Some(at));
        }
        match b {
            b'"' if !bracketed => at += quoted_end(&bytes[at..]).ok_or("a quoted string has no end")?,
            b'<' => (bracketed, at) = (true, at + 1),
            b'>' => (bracketed, at) = (false, at + 1),
            _ => at += 1,
        }
    }
    Ok(None)
}

/// Cuts at every `separator` outside quotes and angle brackets, at most `max` pieces.
pub(crate) fn split_outside(bytes: &[u8], separator: u8, max: usize) -> Result<Vec<&[u8]>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    loop {
        if pieces.len() == max {
            return Err("too many values");
        }
        match find_outside(rest, &[separator])? {
            Some(at) => {
                pieces.push(trim(&rest[..at]));
                rest = &rest[at + 1..];
            }
            None => {
                pieces.push(trim(rest));
                return Ok(pieces);
            }
        }
    }
}

/// The content of a quoted string, backslashes taken out; `quoted` includes both quotes.
pub(crate) fn unquote(quoted: &[u8]) -> Vec<u8> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&b) = bytes.next() {
        match (b, bytes.as_slice().first()) {
            (b'\\', Some(&next)) => {
                bytes.next();
                out.push(next);
            }
            _ => out.push(b),
        }
    }
    out
}

/// Writes `content` as a quoted string. Line ends cannot be quoted (RFC 3261 section 25.1) and become spaces.
pub(crate) fn quote_into(out: &mut Vec<u8>, content: &[u8]) {
    out.push(b'"');
    for &b in content {
        match b {
            b'"' | b'\\' => out.extend([b'\\', b]),
            b'\r' | b'\n' => out.push(b' '),
            _ => out.push(b),
        }
    }
    out.push(b'"');
}

/// A whole number of digits only, if it fits.
pub(crate) fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    let bytes = trim(bytes);
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Percent escapes decoded; a `%` that starts none stays (RFC 4475 section 3.1.1.5).
pub(crate) fn unescape(bytes: &[u8]) -> Vec<u8> {
    let hex = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|p| Some(hex(p[0])? << 4 | hex(p[1])?));
        match (bytes[at], pair) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (b, _) => {
                out.push(b);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{quote_into, quoted_end, split_outside, unescape, unquote};

    #[test]
    fn quotes_end_where_they_end() {
        assert_eq!(quoted_end(br#""a\"b" c"#), Some(6));
        assert_eq!(quoted_end(br#""a\""#), None);
        assert_eq!(unquote(br#""a\"\\b""#), br#"a"\b"#);
        let mut out = Vec::new();
        quote_into(&mut out, b"a\"\\\r\nb");
        assert_eq!(out, br#""a\"\\  b""#);
    }

    #[test]
    fn lists_are_cut_outside_quotes_and_brackets() {
        let pieces = split_outside(br#""a, b" <sip:c,d@e>;x="," , f"#, b',', 9).unwrap();
        assert_eq!(pieces, [&br#""a, b" <sip:c,d@e>;x=",""#[..], b"f"]);
        assert!(split_outside(b"a,b,c", b',', 2).is_err());
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(unescape(b"%41%zz%4"), b"A%zz%4");
    }
}
