//! What stands in the log of messages: enough to follow a conversation, nothing a person could be known by.

use crate::{flow::Flow, stun::is_stun};

/// The start line without number and phrase at DEBUG; the whole message at TRACE.
pub(super) fn log(what: &str, flow: &Flow, bytes: &[u8]) {
    if tracing::enabled!(tracing::Level::TRACE) {
        tracing::trace!("{what} {} {}: {}", flow.transport, flow.peer, bytes.escape_ascii());
    } else if tracing::enabled!(tracing::Level::DEBUG) {
        let line = bytes.split(|&b| b == b'\r').next().unwrap_or_default();
        let line = if is_stun(bytes) { STUN.to_owned() } else { masked(line) };
        tracing::debug!("{what} {} {}: {line}", flow.transport, flow.peer);
    }
}

/// A start line without what a person could be known by: of a request's target the host stays, of a status line the number.
/// A phrase is the peer's to choose, and what is no start line may be anything.
fn masked(line: &[u8]) -> String {
    let Ok(line) = str::from_utf8(line) else { return NO_START_LINE.to_owned() };
    let mut words = line.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("SIP/2.0"), Some(status), _)
            if status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()) =>
        {
            format!("SIP/2.0 {status}")
        }
        (Some(method), Some(target), Some("SIP/2.0")) if method.bytes().all(|b| b.is_ascii_uppercase()) => {
            format!("{method} {} SIP/2.0", masked_target(target))
        }
        _ => NO_START_LINE.to_owned(),
    }
}

/// What stands in the log for a keep-alive of RFC 5626 section 4.4.2.
const STUN: &str = "(STUN)";

/// What stands in the log for a line that is neither a request's nor a response's first.
const NO_START_LINE: &str = "(no start line)";

/// `sip:…@pbx.example:5060` for an address, `sip:pbx.example` where nobody is named, `tel:…` for all else.
fn masked_target(target: &str) -> String {
    let scheme = target.split_once(':').filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphabetic()));
    let Some((scheme, rest)) = scheme else { return "…".to_owned() };
    // A user part may hold an unescaped `@`, `;` or `?`: the last `@` before which none of them can be the host's.
    let place =
        |text: &str| text.split([';', '?', '>']).next().unwrap_or_default().escape_default().to_string();
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}:…@{}", place(host)),
        // What has no dot and no colon may be a number as well as a host.
        None if scheme.to_ascii_lowercase().starts_with("sip") && place(rest).contains(['.', ':']) => {
            format!("{scheme}:{}", place(rest))
        }
        None => format!("{scheme}:…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_line_in_the_log_names_nobody() {
        for (line, logged) in [
            (
                "INVITE sip:+49307654321@127.0.0.1:5060;user=phone SIP/2.0",
                "INVITE sip:…@127.0.0.1:5060 SIP/2.0",
            ),
            ("REGISTER sip:pbx.example SIP/2.0", "REGISTER sip:pbx.example SIP/2.0"),
            ("BYE sips:a@b@[2001:db8::1]:5061?x=1 SIP/2.0", "BYE sips:…@[2001:db8::1]:5061 SIP/2.0"),
            ("INVITE tel:+49307654321 SIP/2.0", "INVITE tel:… SIP/2.0"),
            ("INVITE sip:+49307654321 SIP/2.0", "INVITE sip:… SIP/2.0"),
            ("INVITE +49307654321:5060 SIP/2.0", "INVITE … SIP/2.0"),
            ("SIP/2.0 486 ask +49307654321", "SIP/2.0 486"),
            ("SIP/2.0 200 OK", "SIP/2.0 200"),
            ("+49307654321 calls you", NO_START_LINE),
            ("SIP/2.0 +49307654321 x", NO_START_LINE),
            ("", NO_START_LINE),
        ] {
            assert_eq!(masked(line.as_bytes()), logged, "{line}");
        }
        assert_eq!(masked(b"INVITE sip:\xff@b SIP/2.0"), NO_START_LINE);
    }
}
