//! Who forwarded a call and why: Diversion (RFC 5806), and where there is none History-Info (RFC 7044).

use crate::{
    call::identity::{shown, withheld},
    message::{Headers, NameAddr, Params, Text, Uri, name},
};
use agent_core::port::sip::{ForwardReason, Forwarding, MOST_FORWARDINGS};

/// A forwarding that counts itself more often than this counts wrong.
const MOST_TIMES: u32 = 100;

/// Entries of History-Info that are read.
const MOST_HISTORY: usize = 64;

/// The forwardings of a call, the latest first.
pub(super) fn forwarded(headers: &Headers) -> Vec<Forwarding> {
    let mut all = diversions(headers);
    if all.is_empty() {
        all = history(headers);
    }
    all.truncate(MOST_FORWARDINGS);
    all
}

/// Diversion: the topmost is the latest (RFC 5806 section 4).
fn diversions(headers: &Headers) -> Vec<Forwarding> {
    let list = headers.first_addresses(name::DIVERSION, MOST_FORWARDINGS);
    let one = |address: NameAddr| {
        let word = |name: &str| address.params.value(name).map(|text| text.to_text().to_ascii_lowercase());
        let hidden = word("privacy").is_some_and(|privacy| matches!(privacy.as_str(), "full" | "uri"));
        let by = if hidden { withheld() } else { shown(&address, address.display.as_ref()) };
        let why = word("reason").as_deref().map(reason).unwrap_or_default();
        let times = word("counter").and_then(|count| count.parse().ok()).unwrap_or(1);
        Forwarding { by, why, times: times.clamp(1, MOST_TIMES) }
    };
    list.into_iter().map(one).collect()
}

/// The words of RFC 5806 section 4.
fn reason(word: &str) -> ForwardReason {
    match word {
        "user-busy" => ForwardReason::Busy,
        "no-answer" | "away" => ForwardReason::NoAnswer,
        "unavailable" | "out-of-service" => ForwardReason::Unreachable,
        "unconditional" | "follow-me" => ForwardReason::Always,
        "time-of-day" => ForwardReason::TimeOfDay,
        "do-not-disturb" => ForwardReason::DoNotDisturb,
        "deflection" => ForwardReason::Deflected,
        _ => ForwardReason::Unknown,
    }
}

/// The word of RFC 5806 section 4 for a reason.
pub(super) fn word(why: ForwardReason) -> &'static str {
    match why {
        ForwardReason::Always => "unconditional",
        ForwardReason::Busy => "user-busy",
        ForwardReason::NoAnswer => "no-answer",
        ForwardReason::Unreachable => "unavailable",
        ForwardReason::Deflected => "deflection",
        ForwardReason::DoNotDisturb => "do-not-disturb",
        ForwardReason::TimeOfDay => "time-of-day",
        ForwardReason::Unknown => "unknown",
    }
}

/// Causes as RFC 4458 and RFC 7544 section 7.1 give them to diversions.
fn cause(code: &str) -> Option<ForwardReason> {
    Some(match code {
        "302" => ForwardReason::Always,
        "486" | "600" => ForwardReason::Busy,
        "408" => ForwardReason::NoAnswer,
        "503" | "404" => ForwardReason::Unreachable,
        "480" | "487" => ForwardReason::Deflected,
        _ => return None,
    })
}

/// One entry of History-Info.
struct Entry {
    address: NameAddr,
    index: String,
}

/// An entry whose address carries a cause was reached because another one forwarded the call: the one its `mp` points at
/// (RFC 7044 section 10.3), else the one before. Where the target says nothing, the entry left may hold the Reason.
fn history(headers: &Headers) -> Vec<Forwarding> {
    let list = headers.first_addresses(name::HISTORY_INFO, MOST_HISTORY);
    let text = |params: &Params, name: &str| params.value(name).map(|text| text.to_text().into_owned());
    let entries: Vec<Entry> = list
        .into_iter()
        .map(|address| Entry { index: text(&address.params, "index").unwrap_or_default(), address })
        .collect();
    let mut found = Vec::new();
    for (at, entry) in entries.iter().enumerate().skip(1) {
        let mapped = text(&entry.address.params, "mp");
        let from = mapped.as_ref().and_then(|index| entries[..at].iter().find(|entry| entry.index == *index));
        let from = from.unwrap_or(&entries[at - 1]);
        let why = param(&entry.address.uri, "cause")
            .and_then(|code| cause(&code))
            .or_else(|| left_for(&from.address));
        let Some(why) = why.or(mapped.map(|_| ForwardReason::Unknown)) else { continue };
        let hidden = header(&from.address.uri, "Privacy").is_some_and(|privacy| {
            privacy.to_ascii_lowercase().split(';').any(|word| word.trim() == "history")
        });
        let by = if hidden { withheld() } else { shown(&from.address, from.address.display.as_ref()) };
        found.push(Forwarding { by, why, times: 1 });
    }
    found.reverse();
    found
}

/// Why an entry was left, by the Reason its address carries: `SIP;cause=486`.
fn left_for(address: &NameAddr) -> Option<ForwardReason> {
    let reason = header(&address.uri, "Reason")?;
    let (protocol, rest) = reason.split_once(';')?;
    if !protocol.trim().eq_ignore_ascii_case("SIP") {
        return None;
    }
    rest.split(';').find_map(|param| param.trim().strip_prefix("cause=")).and_then(cause)
}

/// A parameter of a `sip:` or `tel:` address.
fn param(uri: &Uri, wanted: &str) -> Option<String> {
    let params = match uri {
        Uri::Sip(sip) => &sip.params,
        Uri::Tel(tel) => &tel.params,
        Uri::Other(_) => return None,
    };
    let found = params.iter().find(|(name, _)| name.eq_ignore_case(wanted))?;
    found.1.as_ref().map(|value| value.to_text().into_owned())
}

/// A header field that an address carries, its escapes undone.
fn header(uri: &Uri, wanted: &str) -> Option<String> {
    let (_, value) = uri.as_sip()?.headers.iter().find(|(name, _)| name.eq_ignore_case(wanted))?;
    Some(Text::from(crate::message::unescape(value)).to_text().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&'static str, &str)]) -> Vec<(String, ForwardReason, u32)> {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(*name, *value);
        }
        forwarded(&headers).into_iter().map(|it| (it.by.number, it.why, it.times)).collect()
    }

    #[test]
    fn the_topmost_diversion_is_the_latest() {
        let said = read(&[
            ("Diversion", "\"Desk\" <sip:1002@x>;reason=no-answer;counter=3;privacy=off"),
            ("Diversion", "<sip:1001@x>;reason=User-Busy, <sip:1000@x>;reason=\"my own\";privacy=full"),
        ]);
        assert_eq!(said[0], ("1002".to_owned(), ForwardReason::NoAnswer, 3));
        assert_eq!(said[1], ("1001".to_owned(), ForwardReason::Busy, 1));
        assert_eq!(said[2], (String::new(), ForwardReason::Unknown, 1));
        assert_eq!(read(&[("Diversion", "<sip:1@x>;counter=4294967295;reason=away")])[0].2, 100);
    }

    #[test]
    fn history_tells_by_its_targets() {
        // RFC 7044 section 10.3 and RFC 4458: 1001 forwards always to 1002, which does not answer.
        let said = read(&[(
            "History-Info",
            "<sip:1001@x>;index=1, <sip:1002@x;cause=302>;index=1.1;mp=1, <sip:1003@x;cause=408>;index=1.1.1;mp=1.1",
        )]);
        assert_eq!(
            said,
            [("1002".to_owned(), ForwardReason::NoAnswer, 1), ("1001".to_owned(), ForwardReason::Always, 1)]
        );
        let said = read(&[
            ("History-Info", "<sip:1001@x?Reason=SIP%3Bcause%3D486&Privacy=history>;index=1"),
            ("History-Info", "<sip:1002@x>;index=1.1"),
        ]);
        assert_eq!(said, [(String::new(), ForwardReason::Busy, 1)]);
        // A call that was only routed was forwarded by nobody.
        assert_eq!(read(&[("History-Info", "<sip:1001@x>;index=1, <sip:1001@10.0.0.1>;index=1.1;rc=1")]), []);
        assert_eq!(read(&[("History-Info", "<sip:1002@x;cause=302>;index=1.1;mp=1")]), []);
    }

    #[test]
    fn of_more_forwardings_than_anybody_reads_the_latest_are_told() {
        for separator in [", ", "\u{0}"] {
            let one = |at| format!("<sip:{at}@x>;reason=no-answer");
            let all: Vec<String> = (0..200).map(one).collect();
            let mut headers = Headers::new();
            for line in all.join(separator).split('\u{0}') {
                headers.push(name::DIVERSION, line);
            }
            let told = forwarded(&headers);
            assert_eq!(told.len(), MOST_FORWARDINGS);
            assert_eq!((told[0].by.number.as_str(), told[1].by.number.as_str()), ("0", "1"));
        }
        let mut headers = Headers::new();
        headers.push(name::DIVERSION, "<sip:1@x>;reason=user-busy, <sip:2@x, nonsense");
        assert_eq!(forwarded(&headers).len(), 1, "what can be read counts");
    }

    #[test]
    fn no_call_was_forwarded_more_often_than_anybody_reads() {
        let many: Vec<String> = (0..50).map(|n| format!("<sip:{n}@x>")).collect();
        assert_eq!(read(&[("Diversion", &many.join(", "))]).len(), MOST_FORWARDINGS);
    }
}
