//! Who calls: P-Asserted-Identity (RFC 3325), then From; and whether they wish not to be shown (RFC 3323).

use crate::message::{Headers, NameAddr, Uri, name};
use agent_core::party::Party;

/// The other party of a request. Whoever may send us an INVITE may as well write any From, so an asserted identity is
/// believed as much (and no more).
pub(super) fn party(headers: &Headers) -> Party {
    let from = headers.from().ok();
    let asserted = headers.addresses(name::P_ASSERTED_IDENTITY).unwrap_or_default();
    let withheld = wants_privacy(headers) || from.as_ref().is_some_and(is_anonymous);
    if withheld {
        return Party { number: String::new(), name: None, uri: ANONYMOUS.to_owned(), withheld };
    }
    let has_number = |address: &&NameAddr| address.uri.user_text().is_some();
    let best = asserted.iter().find(has_number).or(asserted.first()).or(from.as_ref());
    let Some(best) = best else { return Party::default() };
    let same = |from: &&NameAddr| from.uri.user_text() == best.uri.user_text();
    // A PBX that asserts the bare number often leaves the name in From.
    let display =
        best.display.as_ref().or_else(|| from.as_ref().filter(same).and_then(|from| from.display.as_ref()));
    let number = number(&best.uri);
    let name = display.map(|name| name.to_display()).filter(|name| !name.is_empty() && *name != number);
    let (name, number) = (name.map(|name| cut(&name)), cut(&number));
    Party { number, name, uri: bare(&best.uri), withheld }
}

/// A header field may hold 16 KB; nobody reads them, and the journal would keep them.
fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// The longest name and number of a caller, characters.
const LONGEST: usize = 256;

/// The user part of an address as a person would write it.
pub(super) fn number(uri: &Uri) -> String {
    if let Uri::Tel(tel) = uri {
        return tel.digits();
    }
    let user = uri.user_text().map(|user| user.to_display()).unwrap_or_default();
    // `+4930;phone-context=…@host`: parameters of a telephone number (RFC 3261 section 19.1.6).
    let end = user.find(';').unwrap_or(user.len());
    user[..end].to_owned()
}

const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

fn wants_privacy(headers: &Headers) -> bool {
    let lines = headers.all(name::PRIVACY).flat_map(|line| line.split(|&b| b == b';' || b == b','));
    let hides =
        |word: &[u8]| [&b"id"[..], b"user", b"header"].iter().any(|hides| word.eq_ignore_ascii_case(hides));
    lines.map(<[u8]>::trim_ascii).any(hides)
}

fn is_anonymous(from: &NameAddr) -> bool {
    let Some(uri) = from.uri.as_sip() else { return false };
    let host = uri.host.to_plain().to_ascii_lowercase();
    let user = uri.user_text().map(|user| user.to_text().to_ascii_lowercase()).unwrap_or_default();
    host == "anonymous.invalid" || user == "anonymous" || user == "restricted"
}

/// The address without parameters that matter only on the wire.
fn bare(uri: &Uri) -> String {
    match uri {
        Uri::Sip(sip) => {
            let bare = crate::message::SipUri {
                params: Vec::new(),
                headers: Vec::new(),
                password: None,
                ..sip.clone()
            };
            bare.to_string()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&'static str, &str)]) -> Party {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(*name, *value);
        }
        party(&headers)
    }

    #[test]
    fn the_asserted_identity_comes_first() {
        let party = read(&[
            ("From", "\"Somebody\" <sip:100@x>;tag=1"),
            ("P-Asserted-Identity", "\"Alice\" <sip:+4930%31@x;user=phone>, <tel:+49-30-1>"),
        ]);
        assert_eq!((party.number.as_str(), party.name.as_deref()), ("+49301", Some("Alice")));
        assert_eq!(party.uri, "sip:+4930%31@x");
        assert!(!party.withheld);
        let party = read(&[("From", "\"Bob\" <sip:100@x>"), ("P-Asserted-Identity", "<sip:100@y>")]);
        assert_eq!((party.number.as_str(), party.name.as_deref()), ("100", Some("Bob")));
        let party = read(&[("From", "<sip:100@x>"), ("P-Asserted-Identity", "<tel:+49-30-1>")]);
        assert_eq!(party.number, "+49301");
    }

    #[test]
    fn from_serves_where_nothing_is_asserted() {
        let party = read(&[("From", "\"100\" <sip:100;ext=5@x;transport=tcp>;tag=1")]);
        assert_eq!((party.number.as_str(), party.name, party.uri.as_str()), ("100", None, "sip:100;ext=5@x"));
    }

    #[test]
    fn what_nobody_reads_is_cut() {
        let long = "ü".repeat(5000);
        let party = read(&[("From", &format!("\"{long}\" <sip:{}@x>;tag=1", "1".repeat(5000)))]);
        assert_eq!(party.name.map(|name| name.chars().count()), Some(256));
        assert_eq!(party.number.len(), 256);
    }

    #[test]
    fn who_wants_to_stay_unknown_stays_so() {
        for lines in [
            &[("From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1")][..],
            &[("From", "<sip:100@x>"), ("P-Asserted-Identity", "<sip:100@x>"), ("Privacy", "critical; id")],
            &[("From", "<sip:100@x>"), ("Privacy", "user")],
        ] {
            let party = read(lines);
            assert!(party.withheld && party.number.is_empty() && party.name.is_none(), "{lines:?}");
            assert!(!party.uri.contains("100"));
        }
        assert!(!read(&[("From", "<sip:100@x>"), ("Privacy", "none")]).withheld);
    }
}
