//! Bytes off the wire that mean text, kept as they came.

use agent_core::plain::{hidden, steers};
use bytes::Bytes;
use std::{borrow::Cow, fmt, ops::Deref};

/// Text as the wire carried it: mostly UTF-8, sometimes Latin-1, at times neither. Cheap to clone.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Bytes);

impl Text {
    /// Text that is known when the program is built.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text as UTF-8, whatever it was: bytes that are not UTF-8 are read as Windows-1252 (a superset of the
    /// printable Latin-1), unless most of what is not ASCII is sound UTF-8 (a name cut in the middle of a letter).
    pub fn to_text(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(decode_broken(&self.0)),
        }
    }

    /// The text read as Windows-1252, whatever it looks like.
    pub(crate) fn to_windows(&self) -> String {
        windows(&self.0)
    }

    /// The text for people: as [`Text::to_text`], without characters that hide or reorder the words around them, with
    /// control characters and line breaks as spaces, trimmed.
    pub fn to_display(&self) -> String {
        let text = self.to_text();
        let shown = text.chars().filter(|&c| !hidden(c)).map(|c| if steers(c) { ' ' } else { c });
        shown.collect::<String>().trim().to_owned()
    }

    /// Equality as most SIP words have it: ASCII letters in either case (RFC 3261 section 7.3.1).
    pub fn eq_ignore_case(&self, other: impl AsRef<[u8]>) -> bool {
        self.0.eq_ignore_ascii_case(other.as_ref())
    }
}

/// Windows-1252 for the bytes 0x80 to 0x9f; the five it leaves open are what Latin-1 says.
const CP1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
    '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Reads what is not UTF-8: as damaged UTF-8 if sound letters outnumber the damage, else as Windows-1252.
fn decode_broken(bytes: &[u8]) -> String {
    let (mut sound, mut damaged) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        damaged += chunk.invalid().len();
    }
    if sound > damaged || (sound > 0 && sound == damaged) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    windows(bytes)
}

fn windows(bytes: &[u8]) -> String {
    let letter =
        |&b: &u8| if (0x80..0xa0).contains(&b) { CP1252[usize::from(b - 0x80)] } else { char::from(b) };
    bytes.iter().map(letter).collect()
}

impl Deref for Text {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<Bytes> for Text {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn names_of_every_encoding_are_readable() {
        assert_eq!(Text::from("Jürgen").to_text(), "Jürgen");
        assert_eq!(Text::from(&b"J\xfcrgen M\xfcller"[..]).to_text(), "Jürgen Müller");
        assert_eq!(Text::from(&b"\x80uro"[..]).to_text(), "€uro");
        // Cut by the PBX in the middle of the last letter: the umlaut before it must not turn to rubbish.
        assert_eq!(Text::from(&b"M\xc3\xbcller Stra\xc3"[..]).to_text(), "Müller Stra\u{fffd}");
        assert_eq!(Text::from(&b"M\xc3\xbcller Stra\xc3"[..]).as_bytes(), b"M\xc3\xbcller Stra\xc3");
    }

    #[test]
    fn what_people_see_holds_no_control_or_direction() {
        assert_eq!(Text::from("\u{202e}evil\u{7}\r\n name\0").to_display(), "evil    name");
        assert_eq!(
            Text::from("\u{200b}\u{ad}\u{e0041}\u{3164}").to_display(),
            "",
            "a name nobody sees is none"
        );
        assert_eq!(Text::from("one\u{2028}two").to_display(), "one two");
    }
}
