//! Display name, address and parameters: From, To, Contact, Route and their kin (RFC 3261 section 20.10).

use crate::message::{
    lex::{FieldError, find_outside, is_blank, quote_into, quoted_end, split_outside, trim, unquote},
    limits::MAX_ITEMS,
    params::Params,
    text::Text,
    uri::Uri,
};
use std::fmt;

/// `"Alice" <sip:alice@example>;tag=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, unquoted, in whatever bytes the sender chose; never empty.
    pub display: Option<Text>,
    /// The address.
    pub uri: Uri,
    /// The header field's parameters (not the address's).
    pub params: Params,
}

/// What a Contact header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contacts {
    /// `*`: all of them, to be removed (RFC 3261 section 10.2.2).
    All,
    /// These.
    List(Vec<NameAddr>),
}

impl NameAddr {
    /// Only the address.
    pub fn new(uri: impl Into<Uri>) -> Self {
        Self { display: None, uri: uri.into(), params: Params::new() }
    }

    /// The same with a display name (none when it is empty), for building.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> Self {
        self.display = (!display.is_empty()).then(|| display.into());
        self
    }

    /// The same with a tag, for building.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<Text>) -> Self {
        self.params.set("tag", Some(tag.into()));
        self
    }

    /// The `tag` parameter; an empty one is none.
    pub fn tag(&self) -> Option<&Text> {
        self.params.value("tag")
    }

    /// Reads one, as From and To carry it. A display name that should be quoted and is not is taken as it stands
    /// (RFC 4475 section 3.1.2.15 allows that), and so are blanks around the address (3.1.2.14).
    pub fn parse(bytes: &[u8]) -> Result<Self, FieldError> {
        read(bytes, true).map_err(|what| FieldError::new("name-addr", what))
    }

    /// Reads a comma-separated list, as Contact, Route and Record-Route carry it. Empty elements are forgiven.
    pub fn parse_list(bytes: &[u8]) -> Result<Vec<Self>, FieldError> {
        let wrong = |what| FieldError::new("name-addr", what);
        let pieces = split_outside(bytes, b',', MAX_ITEMS).map_err(wrong)?;
        pieces
            .into_iter()
            .filter(|piece| !piece.is_empty())
            .map(|piece| read(piece, false).map_err(wrong))
            .collect()
    }

    /// The first addresses of a list; what comes after one that cannot be read is left.
    pub(crate) fn first_of(bytes: &[u8], most: usize) -> Vec<Self> {
        let mut rest = Some(bytes);
        let mut found = Vec::new();
        while let Some(list) = rest.filter(|_| found.len() < most) {
            let Ok(end) = find_outside(list, b",") else { break };
            let piece = trim(end.map_or(list, |end| &list[..end]));
            rest = end.map(|end| &list[end + 1..]);
            if piece.is_empty() {
                continue;
            }
            match read(piece, false) {
                Ok(address) => found.push(address),
                Err(_) => break,
            }
        }
        found
    }

    /// As the wire wants it: the name quoted, the address always in brackets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        if let Some(display) = &self.display {
            quote_into(&mut out, display);
            out.push(b' ');
        }
        out.push(b'<');
        self.uri.print(&mut out);
        out.push(b'>');
        self.params.print(&mut out);
        out
    }

    /// The same, ready to be a header's value.
    pub fn to_value(&self) -> Text {
        self.to_bytes().into()
    }
}

fn read(bytes: &[u8], alone: bool) -> Result<NameAddr, &'static str> {
    let bytes = trim(bytes);
    let (display, rest) = match bytes.first() {
        None => return Err("the address is missing"),
        Some(b'"') => {
            let end = quoted_end(bytes).ok_or("the display name's quote has no end")?;
            let rest = trim(&bytes[end..]);
            if rest.first() != Some(&b'<') {
                return Err("a quoted name must be followed by an address in brackets");
            }
            (unquote(&bytes[..end]), rest)
        }
        Some(_) => match bytes.iter().position(|&b| b == b'<') {
            Some(at) => (collapse(&bytes[..at]), &bytes[at..]),
            None => return read_bare(bytes, alone),
        },
    };
    let end = rest.iter().position(|&b| b == b'>').ok_or("the address's bracket is not closed")?;
    let uri = Uri::parse(&rest[1..end]).map_err(|wrong| wrong.what)?;
    let params = trim(&rest[end + 1..]);
    if !params.is_empty() && params[0] != b';' {
        return Err("there is something between the address and its parameters");
    }
    let display = (!display.is_empty()).then(|| display.into());
    Ok(NameAddr { display, uri, params: Params::parse(params)? })
}

/// An address without brackets: what follows a semicolon belongs to the header field (RFC 3261 section 20).
fn read_bare(bytes: &[u8], alone: bool) -> Result<NameAddr, &'static str> {
    let end = find_outside(bytes, b";")?.unwrap_or(bytes.len());
    let address = trim(&bytes[..end]);
    if address.contains(&b'?') || (alone && address.contains(&b',')) {
        return Err("an address with a comma or question mark must stand in brackets");
    }
    let uri = Uri::parse(address).map_err(|wrong| wrong.what)?;
    Ok(NameAddr { display: None, uri, params: Params::parse(&bytes[end..])? })
}

/// Runs of blanks become one space.
fn collapse(bytes: &[u8]) -> Vec<u8> {
    let words = bytes.split(|&b| is_blank(b)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Text::from(self.to_bytes()).to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::NameAddr;

    fn read(text: &str) -> NameAddr {
        NameAddr::parse(text.as_bytes()).unwrap_or_else(|wrong| panic!("{text}: {wrong}"))
    }

    #[test]
    fn names_in_every_dress() {
        for (wire, name) in [
            ("<sip:a@b>", None),
            ("\"\" <sip:a@b>", None),
            ("Alice  Smith <sip:a@b>;tag=1", Some("Alice Smith")),
            ("caller<sip:a@b>", Some("caller")),
            (r#""J \\\"R\"" <sip:a@b> ; tag = 1"#, Some(r#"J \"R""#)),
            (r#""a <b>; c" <sip:a@b>"#, Some("a <b>; c")),
            ("Bell, Alexander <sip:a@b>;tag=43", Some("Bell, Alexander")),
        ] {
            let parsed = read(wire);
            assert_eq!(parsed.display.as_ref().map(|d| d.to_string()).as_deref(), name, "{wire}");
            assert_eq!(NameAddr::parse(&parsed.to_bytes()).unwrap(), parsed, "{wire}");
        }
    }

    #[test]
    fn latin_1_survives() {
        let parsed = NameAddr::parse(b"\"J\xfcrgen\" <sip:a@b>").unwrap();
        assert_eq!(parsed.to_bytes(), b"\"J\xfcrgen\" <sip:a@b>");
        assert_eq!(parsed.display.unwrap().to_text(), "Jürgen");
    }

    #[test]
    fn parameters_belong_to_the_header_when_there_are_no_brackets() {
        let parsed = read("sip:+16505552222@ss1.example.net;user=phone;tag=x");
        assert!(parsed.uri.as_sip().unwrap().params.is_empty());
        assert_eq!(parsed.tag().unwrap(), "x");
        assert_eq!(read("< sip:t@example.org >").uri.to_string(), "sip:t@example.org");
    }

    #[test]
    fn lists() {
        let list = NameAddr::parse_list(br#""a, b" <sip:a,b@c>;q=1, sip:d@e ,, <sip:f@g>"#).unwrap();
        assert_eq!(list.len(), 3);
        assert_eq!(list[0].display.as_ref().unwrap(), "a, b");
    }

    #[test]
    fn what_cannot_be_read() {
        for bad in [
            "",
            "\"x <sip:a@b>",
            "<sip:a@b",
            "\"x\" sip:a@b",
            "<sip:a@b> x",
            "<>",
            "sip:a@b?Route=%3C",
            "a,sip:b@c",
        ] {
            assert!(NameAddr::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
