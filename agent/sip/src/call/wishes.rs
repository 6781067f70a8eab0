//! How a call wants to ring and whether it wants to be answered by itself: Alert-Info, Call-Info, Answer-Mode.
//!
//! Addresses in these header fields are words to us. Nothing is ever fetched from them.

use crate::{
    call::identity::{cut, number},
    message::{Headers, Params, Text, find_outside, name},
};
use agent_core::port::sip::Ring;

/// The longest a call may ask to ring before it is answered by itself, seconds; more is no wish to be answered.
const LONGEST_WAIT: u32 = 60;

/// One value of Alert-Info or Call-Info: the address (without brackets) and its parameters.
struct Info {
    address: String,
    params: Params,
}

/// The values of such a header. PBXs write them without brackets, with `info=` alone, or as a bare word.
fn infos(headers: &Headers, name: &'static str) -> Vec<Info> {
    let read = |text: Text| {
        let bytes = text.trim_ascii();
        let (address, rest) = match bytes.strip_prefix(b"<") {
            Some(inner) => {
                let end = inner.iter().position(|&b| b == b'>')?;
                (&inner[..end], &inner[end + 1..])
            }
            None => bytes.split_at(find_outside(bytes, b";").ok()?.unwrap_or(bytes.len())),
        };
        let mut params = Params::parse(rest).ok()?;
        let mut address = String::from_utf8_lossy(address).trim().to_ascii_lowercase();
        if let Some((name, value)) = address.clone().split_once('=')
            && matches!(name.trim(), "info" | "answer-after" | "ring-type")
        {
            params.set(name.trim(), Some(value.trim().into()));
            address.clear();
        }
        Some(Info { address, params })
    };
    headers.words(name).into_iter().take(16).filter_map(read).collect()
}

fn word(params: &Params, name: &str) -> Option<String> {
    params.value(name).map(|value| value.to_text().trim().to_ascii_lowercase())
}

/// How it wants to ring: `info=alert-internal`, `<urn:alert:source:internal>` (RFC 7462), `Bellcore-dr2`, `ring-type`.
pub(super) fn ring(headers: &Headers) -> Ring {
    let said = infos(headers, name::ALERT_INFO);
    let words = said.iter().flat_map(|info| {
        let params = ["info", "ring-type", "x-line-id"]
            .into_iter()
            .take(2)
            .filter_map(|name| word(&info.params, name));
        std::iter::once(info.address.clone()).chain(params)
    });
    words.map(|word| kind(&word)).max().unwrap_or_default()
}

fn kind(word: &str) -> Ring {
    let has = |part: &str| word.contains(part);
    if has("internal") || has("bellcore-dr1") && !has("bellcore-dr1:") {
        return if has("internal") { Ring::Internal } else { Ring::Usual };
    }
    let special =
        ["bellcore-dr", "alert-group", "alert-community", "urn:alert:priority:high", "queue", "alert-recall"];
    if special.iter().any(|part| has(part))
        || word.strip_prefix("ring").is_some_and(|n| n.parse::<u8>().is_ok())
    {
        return Ring::Special;
    }
    Ring::Usual
}

/// After how many seconds it asks to be answered by itself: `answer-after=N` (Call-Info or Alert-Info), the words
/// `auto answer`, `Answer-Mode: Auto` (RFC 5373; what it requires is asked for no less).
pub(super) fn auto_answer(headers: &Headers) -> Option<u32> {
    let wish = |info: &Info| {
        let after = word(&info.params, "answer-after").map(|after| after.parse::<u32>().ok());
        match after {
            Some(seconds) => seconds.filter(|seconds| *seconds <= LONGEST_WAIT),
            None => {
                let said = word(&info.params, "info").unwrap_or_default();
                (is_auto(&said) || is_auto(&info.address)).then_some(0)
            }
        }
    };
    let lists = [name::CALL_INFO, name::ALERT_INFO].map(|name| infos(headers, name));
    let modes = [name::ANSWER_MODE, name::PRIV_ANSWER_MODE];
    let mode = modes.iter().any(|name| {
        headers.get(name).is_some_and(|mode| {
            let mode = mode.split(|&b| b == b';').next().unwrap_or_default();
            mode.trim_ascii().eq_ignore_ascii_case(b"auto")
        })
    });
    lists.iter().flatten().find_map(wish).or(mode.then_some(0))
}

/// `Auto Answer`, `alert-autoanswer`, `ring-answer`, `intercom`, `<sip:…>;info=auto-answer`.
fn is_auto(said: &str) -> bool {
    let letters: String = said.chars().filter(char::is_ascii_alphabetic).collect();
    letters.ends_with("autoanswer") || matches!(letters.as_str(), "ringanswer" | "intercom")
}

/// The line called, and its name where it has one: P-Called-Party-ID (RFC 7315) before To, whose display name is what
/// queues and groups are called; else words in Alert-Info that are no way to ring. `line`: how our own line is called,
/// for a PBX that writes the random user of our Contact (`contact`) there.
pub(super) fn called(
    headers: &Headers,
    believed: bool,
    (line, contact): (&str, Option<&str>),
) -> (String, Option<String>) {
    let to = headers.to().ok();
    let party = headers.addresses(name::P_CALLED_PARTY_ID).unwrap_or_default().into_iter().next();
    let party = party.filter(|_| believed);
    let of = |uri| {
        let user = number(uri);
        if contact.is_some_and(|contact| contact == user) { line.to_owned() } else { user }
    };
    let to_number = to.as_ref().map(|to| of(&to.uri)).unwrap_or_default();
    let called = party.as_ref().map(|party| of(&party.uri)).filter(|called| !called.is_empty());
    let called = cut(&called.unwrap_or(to_number));
    if !believed {
        return (called, None);
    }
    let display = |address: &Option<crate::message::NameAddr>| {
        address.as_ref().and_then(|address| address.display.as_ref()).map(|name| name.to_display())
    };
    let no_name = |name: &String| name.is_empty() || *name == called || name == line;
    let name = display(&party).or_else(|| display(&to)).filter(|name| !no_name(name));
    let info = || {
        let said = headers.words(name::ALERT_INFO);
        let words = said.iter().filter_map(|_| infos(headers, name::ALERT_INFO).into_iter().next()).next()?;
        let text = words.params.value("info")?.to_display();
        let lower = text.to_ascii_lowercase();
        let means = text.contains(' ')
            && kind(&lower) == Ring::Usual
            && !is_auto(&lower)
            && !lower.starts_with("ring");
        means.then_some(text)
    };
    let name = name.or_else(info).filter(|name| !no_name(name));
    (called, name.map(|name| cut(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(*name, *value);
        }
        headers
    }

    #[test]
    fn alert_info_chooses_a_ring() {
        for (value, ring) in [
            ("<http://www.notused.com>;info=alert-internal;x-line-id=0", Ring::Internal),
            ("<urn:alert:source:internal>", Ring::Internal),
            (";info=internal", Ring::Internal),
            ("info=alert-internal", Ring::Internal),
            ("<http://x>;info=alert-external", Ring::Usual),
            ("<urn:alert:source:external>, <urn:alert:priority:high>", Ring::Special),
            ("Bellcore-dr1", Ring::Usual),
            ("<Bellcore-dr4>", Ring::Special),
            ("<http://127.0.0.1/Bellcore-dr3>", Ring::Special),
            ("<http://x>;info=ring3", Ring::Special),
            ("<http://evil.example/loud.wav>", Ring::Usual),
            ("<", Ring::Usual),
            ("", Ring::Usual),
        ] {
            assert_eq!(super::ring(&headers(&[("Alert-Info", value)])), ring, "{value}");
        }
    }

    #[test]
    fn a_wish_to_be_answered_is_read_in_every_dialect() {
        for (name, value, after) in [
            ("Call-Info", "<sip:x>;answer-after=0", Some(0)),
            ("Call-Info", "<sip:x>; answer-after=5", Some(5)),
            ("Call-Info", "answer-after=2", Some(2)),
            ("Call-Info", "<sip:x>;answer-after=61", None),
            ("Call-Info", "<sip:x>;answer-after=-1", None),
            ("Call-Info", "<http://x>;purpose=icon", None),
            ("Alert-Info", "<http://x>;info=alert-autoanswer;delay=0", Some(0)),
            ("Alert-Info", "Auto Answer", Some(0)),
            ("Alert-Info", "<http://x>;answer-after=3", Some(3)),
            ("Alert-Info", "info=Auto Answer", Some(0)),
            ("Alert-Info", "Ring Answer", Some(0)),
            ("Alert-Info", "<http://x>;info=alert-internal", None),
            ("Answer-Mode", "Auto", Some(0)),
            ("Answer-Mode", "Auto;require", Some(0)),
            ("Answer-Mode", "Manual", None),
            ("Priv-Answer-Mode", "auto", Some(0)),
        ] {
            assert_eq!(auto_answer(&headers(&[(name, value)])), after, "{name}: {value}");
        }
    }

    #[test]
    fn the_line_called_has_a_name_when_it_is_a_queue() {
        let say = |lines: &[(&'static str, &str)]| called(&headers(lines), true, ("1001", Some("r4nd0m")));
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(say(&[("To", "<sip:1001@x>")]), ("1001".to_owned(), None));
        assert_eq!(say(&[("To", "\"1001\" <sip:r4nd0m@10.0.0.1>")]), ("1001".to_owned(), None));
        assert_eq!(say(&[("To", "\"Sales\" <sip:600@x>")]), ("600".to_owned(), name("Sales")));
        let both = [("To", "\"Front\" <sip:500@x>"), ("P-Called-Party-ID", "\"Hotline\" <sip:4711@x>")];
        assert_eq!(say(&both), ("4711".to_owned(), name("Hotline")));
        assert_eq!(called(&headers(&both), false, ("1001", None)), ("500".to_owned(), None));
        let info = [("To", "<sip:1001@x>"), ("Alert-Info", "<http://x>;info=\"Support line\"")];
        assert_eq!(say(&info).1, name("Support line"));
        let info = [("To", "<sip:1001@x>"), ("Alert-Info", "<http://x>;info=\"Auto Answer\"")];
        assert_eq!(say(&info).1, None);
    }
}
