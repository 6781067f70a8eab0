//! The body of a report (RFC 3420 message/sipfrag): the first line of the answer somebody got.

use crate::message::Text;

/// Longer phrases are cut: nobody reads them.
const LONGEST: usize = 100;

/// How far a call that was asked for has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) status: u16,
    pub(crate) phrase: String,
}

impl Fragment {
    /// The type of such a body.
    pub(crate) const KIND: &str = "message/sipfrag;version=2.0";

    pub(crate) fn new(status: u16, phrase: impl Into<String>) -> Self {
        Self { status, phrase: phrase.into() }
    }

    /// Reads the status line; what follows it is passed over.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let line = body.split(|&b| b == b'\n').next()?.trim_ascii();
        let rest = line.get(..8).filter(|head| head.eq_ignore_ascii_case(b"SIP/2.0 "));
        let rest = rest.and_then(|_| line.get(8..))?.trim_ascii_start();
        let digits = rest.get(..3)?;
        if rest.get(3).is_some_and(|b| *b != b' ') || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let status: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let phrase = Text::from(rest.get(4..).unwrap_or_default()).to_display();
        let phrase = phrase.chars().take(LONGEST).collect();
        (100..700).contains(&status).then_some(Self { status, phrase })
    }

    /// As a body.
    pub(crate) fn to_body(&self) -> Vec<u8> {
        let phrase: String = self.phrase.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        format!("SIP/2.0 {} {phrase}\r\n", self.status).into_bytes()
    }

    /// Whether nothing comes after it.
    pub(crate) fn is_final(&self) -> bool {
        self.status >= 200
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_are_read_as_far_as_they_are_some() {
        for (body, status, phrase) in [
            ("SIP/2.0 200 OK", 200, "OK"),
            ("SIP/2.0 180 Ringing\r\nTo: <sip:x@y>\r\n", 180, "Ringing"),
            ("sip/2.0 486\n", 486, ""),
            ("SIP/2.0  603  Decline ", 603, "Decline"),
        ] {
            assert_eq!(Fragment::parse(body.as_bytes()), Some(Fragment::new(status, phrase)), "{body:?}");
        }
        for body in
            ["", "SIP/2.0", "SIP/2.0 20", "SIP/2.0 2000 x", "SIP/3.0 200 OK", "SIP/2.0 099 x", "\u{e4}"]
        {
            assert_eq!(Fragment::parse(body.as_bytes()), None, "{body:?}");
        }
        let long = format!("SIP/2.0 500 {}", "x".repeat(5000));
        assert_eq!(Fragment::parse(long.as_bytes()).unwrap().phrase.len(), LONGEST);
        assert_eq!(Fragment::new(486, "Busy\r\nVia: x").to_body(), b"SIP/2.0 486 BusyVia: x\r\n");
    }
}
