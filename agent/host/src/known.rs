//! What a plugin was told about a call, and whether a request carries it: so that the ledger can say what was sent.
//!
//! An honest plugin is seen through; one that encodes what it sends is not, and the ledger does not claim it.

use crate::manifest::SENDS;

/// How many digits at the end make a number recognisable, and fewer do not.
const DIGITS: usize = 6;

/// What the plugin was told in one question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The last digits of the caller's number; empty if too short to be told from any other number.
    tail: String,
    /// The caller's name in small letters; empty if too short.
    name: String,
}

impl Known {
    pub(crate) fn new(number: &str, name: Option<&str>) -> Self {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let tail = digits.get(digits.len().saturating_sub(DIGITS)..).filter(|tail| tail.len() == DIGITS);
        let name = name.map(squeeze).filter(|name| name.chars().count() >= 4);
        Self { tail: tail.unwrap_or_default().to_owned(), name: name.unwrap_or_default() }
    }

    /// Which classes of data stand in `texts`, of [`SENDS`].
    pub(crate) fn classes(&self, texts: &[&str]) -> Vec<&'static str> {
        let [number, name] = SENDS;
        let has = |wanted: &str, form: fn(&str) -> String| {
            !wanted.is_empty()
                && texts
                    .iter()
                    .any(|text| form(text).contains(wanted) || form(&unescape(text)).contains(wanted))
        };
        let numbered = has(&self.tail, digits);
        let named = has(&self.name, squeeze);
        [(numbered, number), (named, name)]
            .into_iter()
            .filter_map(|(sent, class)| sent.then_some(class))
            .collect()
    }
}

/// Without what people write between digits, so that spelling does not hide a number.
fn digits(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '+')).collect()
}

/// Small letters, without space.
fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '+').flat_map(char::to_lowercase).collect()
}

/// With percent escapes decoded (RFC 3986 section 2.1).
fn unescape(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Known;

    #[test]
    fn number_and_name_are_seen_in_their_usual_spellings() {
        let known = Known::new("+4930123456", Some("Alice Schmidt"));
        for text in
            ["phone=%2B4930123456", "q=030%20123%20456", "{\"n\":\"(030) 12 34-56\"}", "/p/4930123456"]
        {
            assert_eq!(known.classes(&[text]), ["caller-number"], "{text}");
        }
        for text in ["name=alice+schmidt", "Alice%20Schmidt", "{\"n\":\"ALICE SCHMIDT\"}"] {
            assert_eq!(known.classes(&[text]), ["caller-name"], "{text}");
        }
        assert!(known.classes(&["/api/contacts?since=2026"]).is_empty());
        assert!(Known::new("600", None).classes(&["/600/"]).is_empty());
    }
}
