//! Why something was ended, as the Reason header tells it (RFC 3326).

use crate::message::{Headers, Params, name};

/// Whether a CANCEL or BYE says that the call was taken at another phone: `SIP;cause=200`, or `Q.850;cause=26`.
pub(super) fn is_elsewhere(headers: &Headers) -> bool {
    headers.words(name::REASON).iter().any(|value| {
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let (protocol, rest) = value.split_at(end);
        let cause = Params::parse(rest).ok().and_then(|params| params.value("cause").cloned());
        let is = |name: &str, code: &str| {
            protocol.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
                && cause.as_ref().is_some_and(|c| c == code)
        };
        is("SIP", "200") || is("Q.850", "26")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_elsewhere_is_told_in_two_ways() {
        let said = |value: &str| {
            let mut headers = Headers::new();
            headers.push(name::REASON, value);
            is_elsewhere(&headers)
        };
        assert!(said("SIP;cause=200;text=\"Call completed elsewhere\""));
        assert!(said("Q.850 ;cause=16, q.850;cause=26"));
        assert!(!said("SIP;cause=487") && !said("Q.850;cause=200") && !said("SIP") && !said(";;"));
        assert!(!is_elsewhere(&Headers::new()));
    }
}
