//! Why something was ended, as the Reason header tells it (RFC 3326).

use crate::{
    call::model::Call,
    message::{Headers, Params, name},
    wire::Wire,
};
use agent_core::port::sip::{CallEnd, PhoneEvent, SipEvent};

/// The protocol and cause of each value: `("SIP", 200)`.
fn causes(headers: &Headers) -> Vec<(String, u16)> {
    let read = |value: &[u8]| {
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let (protocol, rest) = value.split_at(end);
        let cause = Params::parse(rest).ok()?.value("cause")?.to_text().parse().ok()?;
        Some((String::from_utf8_lossy(protocol).trim().to_ascii_uppercase(), cause))
    };
    headers.words(name::REASON).iter().filter_map(|value| read(value)).collect()
}

/// How a call ends that a CANCEL (or an early BYE) takes back: another phone took it (`SIP;cause=200`, or
/// `Q.850;cause=26`), somebody there refused it for everyone (600, 603), or the caller gave up.
pub(super) fn cancelled(headers: &Headers) -> CallEnd {
    let causes = causes(headers);
    let is = |protocol: &str, codes: &[u16]| {
        causes.iter().any(|(of, cause)| of == protocol && codes.contains(cause))
    };
    if is("SIP", &[200]) || is("Q.850", &[26]) {
        CallEnd::Cancelled { elsewhere: true }
    } else if is("SIP", &[600, 603]) {
        CallEnd::RefusedElsewhere
    } else {
        CallEnd::Cancelled { elsewhere: false }
    }
}

impl Call {
    /// Tells what the telephone network says of an end that is coming, but for the two that the end itself tells: it was
    /// an ordinary one (16), or another phone took the call (26).
    pub(super) fn tell_cause(&self, wire: &mut Wire, headers: &Headers) {
        let network = causes(headers).into_iter().find(|(protocol, _)| protocol == "Q.850");
        let q850 = network
            .and_then(|(_, cause)| u8::try_from(cause).ok())
            .filter(|q850| (1..128).contains(q850) && ![16, 26].contains(q850));
        if let Some(q850) = q850 {
            self.tell(wire, SipEvent::Phone(PhoneEvent::Cause { call: self.id, q850 }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> Headers {
        let mut headers = Headers::new();
        headers.push(name::REASON, value);
        headers
    }

    #[test]
    fn taken_elsewhere_is_told_in_two_ways() {
        let said = |value: &str| cancelled(&headers(value)) == CallEnd::Cancelled { elsewhere: true };
        assert!(said("SIP;cause=200;text=\"Call completed elsewhere\""));
        assert!(said("Q.850 ;cause=16, q.850;cause=26"));
        assert!(!said("SIP;cause=487") && !said("Q.850;cause=200") && !said("SIP") && !said(";;"));
        assert_eq!(cancelled(&Headers::new()), CallEnd::Cancelled { elsewhere: false });
    }

    #[test]
    fn refused_elsewhere_is_no_missed_call() {
        let said = |value: &str| cancelled(&headers(value));
        assert_eq!(said("SIP ;cause=600 ;text=\"Busy Everywhere\""), CallEnd::RefusedElsewhere);
        assert_eq!(said("SIP;cause=603"), CallEnd::RefusedElsewhere);
        assert_eq!(said("Q.850;cause=603"), CallEnd::Cancelled { elsewhere: false });
    }

    #[test]
    fn causes_are_read_leniently() {
        assert_eq!(
            causes(&headers("Q.850;cause=17;text=\"User busy\", SIP;cause=486")),
            [("Q.850".to_owned(), 17), ("SIP".to_owned(), 486)]
        );
        assert_eq!(causes(&headers("Q.850;cause=x, Q.850, ;cause=1")), [(String::new(), 1)]);
    }
}
