//! The header fields of a message, in their order, known or not.

use crate::message::text::Text;

/// Header field names as we print them.
pub mod name {
    /// RFC 3261 section 20.1.
    pub const ACCEPT: &str = "Accept";
    /// RFC 3261 section 20.4.
    pub const ALERT_INFO: &str = "Alert-Info";
    /// RFC 3261 section 20.5.
    pub const ALLOW: &str = "Allow";
    /// RFC 3261 section 20.7.
    pub const AUTHORIZATION: &str = "Authorization";
    /// RFC 5373 section 3.
    pub const ANSWER_MODE: &str = "Answer-Mode";
    /// RFC 3261 section 20.8.
    pub const CALL_ID: &str = "Call-ID";
    /// RFC 3261 section 20.9.
    pub const CALL_INFO: &str = "Call-Info";
    /// RFC 3261 section 20.10.
    pub const CONTACT: &str = "Contact";
    /// RFC 3261 section 20.12.
    pub const CONTENT_ENCODING: &str = "Content-Encoding";
    /// RFC 3261 section 20.14; written from the body, never stored.
    pub const CONTENT_LENGTH: &str = "Content-Length";
    /// RFC 3261 section 20.15.
    pub const CONTENT_TYPE: &str = "Content-Type";
    /// RFC 3261 section 20.16.
    pub const CSEQ: &str = "CSeq";
    /// RFC 5806 section 4.
    pub const DIVERSION: &str = "Diversion";
    /// RFC 6665 section 8.2.1.
    pub const EVENT: &str = "Event";
    /// RFC 3261 section 20.19.
    pub const EXPIRES: &str = "Expires";
    /// RFC 3261 section 20.20.
    pub const FLOW_TIMER: &str = "Flow-Timer";
    /// RFC 3261 section 20.20.
    pub const FROM: &str = "From";
    /// RFC 7044 section 5.
    pub const HISTORY_INFO: &str = "History-Info";
    /// RFC 6086 section 7.2.
    pub const INFO_PACKAGE: &str = "Info-Package";
    /// RFC 3261 section 20.22.
    pub const MAX_FORWARDS: &str = "Max-Forwards";
    /// RFC 3261 section 20.23.
    pub const MIN_EXPIRES: &str = "Min-Expires";
    /// RFC 4028 section 5.
    pub const MIN_SE: &str = "Min-SE";
    /// RFC 3325 section 9.1.
    pub const P_ASSERTED_IDENTITY: &str = "P-Asserted-Identity";
    /// RFC 7315 section 4.2.
    pub const P_CALLED_PARTY_ID: &str = "P-Called-Party-ID";
    /// RFC 3325 section 9.2.
    pub const P_PREFERRED_IDENTITY: &str = "P-Preferred-Identity";
    /// RFC 5373 section 3.
    pub const PRIV_ANSWER_MODE: &str = "Priv-Answer-Mode";
    /// RFC 3323 section 4.2.
    pub const PRIVACY: &str = "Privacy";
    /// RFC 3261 section 20.27.
    pub const PROXY_AUTHENTICATE: &str = "Proxy-Authenticate";
    /// RFC 3261 section 20.28.
    pub const PROXY_AUTHORIZATION: &str = "Proxy-Authorization";
    /// RFC 3262 section 7.2.
    pub const RACK: &str = "RAck";
    /// RFC 3326 section 2.
    pub const REASON: &str = "Reason";
    /// RFC 3261 section 20.30.
    pub const RECORD_ROUTE: &str = "Record-Route";
    /// draft-ietf-sip-privacy-04, which PBXs still speak.
    pub const REMOTE_PARTY_ID: &str = "Remote-Party-ID";
    /// RFC 3261 section 20.32.
    pub const REQUIRE: &str = "Require";
    /// RFC 3261 section 20.33.
    pub const RETRY_AFTER: &str = "Retry-After";
    /// RFC 3261 section 20.34.
    pub const ROUTE: &str = "Route";
    /// RFC 3262 section 7.1.
    pub const RSEQ: &str = "RSeq";
    /// RFC 3261 section 20.35.
    pub const SERVER: &str = "Server";
    /// RFC 3608 section 6.
    pub const SERVICE_ROUTE: &str = "Service-Route";
    /// RFC 3903 section 11.3.1.
    pub const SIP_ETAG: &str = "SIP-ETag";
    /// RFC 3903 section 11.3.2.
    pub const SIP_IF_MATCH: &str = "SIP-If-Match";
    /// RFC 6665 section 8.2.3.
    pub const SUBSCRIPTION_STATE: &str = "Subscription-State";
    /// RFC 4028 section 4.
    pub const SESSION_EXPIRES: &str = "Session-Expires";
    /// RFC 3261 section 20.37.
    pub const SUPPORTED: &str = "Supported";
    /// RFC 3261 section 20.38.
    pub const TIMESTAMP: &str = "Timestamp";
    /// RFC 3261 section 20.39.
    pub const TO: &str = "To";
    /// RFC 3261 section 20.40.
    pub const UNSUPPORTED: &str = "Unsupported";
    /// RFC 3261 section 20.41.
    pub const USER_AGENT: &str = "User-Agent";
    /// RFC 3261 section 20.42.
    pub const VIA: &str = "Via";
    /// RFC 3261 section 20.43.
    pub const WARNING: &str = "Warning";
    /// RFC 3261 section 20.44.
    pub const WWW_AUTHENTICATE: &str = "WWW-Authenticate";
}

/// Compact forms (RFC 3261 section 7.3.3 and the extensions that define one).
const COMPACT: &[(u8, &str)] = &[
    (b'a', "Accept-Contact"),
    (b'b', "Referred-By"),
    (b'c', name::CONTENT_TYPE),
    (b'd', "Request-Disposition"),
    (b'e', name::CONTENT_ENCODING),
    (b'f', name::FROM),
    (b'i', name::CALL_ID),
    (b'j', "Reject-Contact"),
    (b'k', name::SUPPORTED),
    (b'l', name::CONTENT_LENGTH),
    (b'm', name::CONTACT),
    (b'n', "Identity-Info"),
    (b'o', "Event"),
    (b'r', "Refer-To"),
    (b's', "Subject"),
    (b't', name::TO),
    (b'u', "Allow-Events"),
    (b'v', name::VIA),
    (b'x', name::SESSION_EXPIRES),
    (b'y', "Identity"),
];

/// One header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its long name, as written (`Via` for `v`).
    pub name: Text,
    /// Its value, unfolded, without blanks at the ends.
    pub value: Text,
}

/// Header fields in their order. Names are equal in either case; compact forms were made long when read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The first field of that name.
    pub fn get(&self, name: &str) -> Option<&Text> {
        self.0.iter().find(|header| header.name.eq_ignore_case(name)).map(|header| &header.value)
    }

    /// The values of every field of that name, one a line, lists not cut.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Text> {
        self.0.iter().filter(move |header| header.name.eq_ignore_case(name)).map(|header| &header.value)
    }

    /// Whether there is one.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one at the end.
    pub fn push(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        self.0.push(Header { name: name.into(), value: value.into() });
    }

    /// Adds one at the top.
    pub fn push_front(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        self.0.insert(0, Header { name: name.into(), value: value.into() });
    }

    /// Replaces every field of that name by this one, where the first stood; adds it at the end when there was none.
    pub fn set(&mut self, name: &str, value: impl Into<Text>) {
        match self.0.iter().position(|header| header.name.eq_ignore_case(name)) {
            Some(at) => {
                self.0[at].value = value.into();
                let mut index = 0;
                self.0.retain(|header| {
                    index += 1;
                    index <= at + 1 || !header.name.eq_ignore_case(name)
                });
            }
            None => self.push(name, value),
        }
    }

    /// Takes every field of that name out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|header| !header.name.eq_ignore_case(name));
    }

    /// Copies every field of that name from another message.
    pub fn copy(&mut self, from: &Self, name: &str) {
        self.0.extend(from.0.iter().filter(|header| header.name.eq_ignore_case(name)).cloned());
    }

    /// Copies the first field of that name from another message.
    pub fn copy_first(&mut self, from: &Self, name: &str) {
        self.0.extend(from.0.iter().find(|header| header.name.eq_ignore_case(name)).cloned());
    }

    /// Takes the first field of that name out.
    pub(crate) fn remove_first(&mut self, name: &str) {
        if let Some(at) = self.0.iter().position(|header| header.name.eq_ignore_case(name)) {
            self.0.remove(at);
        }
    }

    /// The first field of that name, to be changed in place.
    pub(crate) fn first_mut(&mut self, name: &str) -> Option<&mut Text> {
        self.0.iter_mut().find(|header| header.name.eq_ignore_case(name)).map(|header| &mut header.value)
    }
}

/// The long form of a name as read.
pub(crate) fn long_form(name: &[u8]) -> Option<&'static str> {
    match name {
        [letter] => {
            let letter = letter.to_ascii_lowercase();
            COMPACT.iter().find(|(compact, _)| *compact == letter).map(|(_, long)| *long)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Headers;

    #[test]
    fn set_keeps_the_place_and_drops_the_rest() {
        let mut headers = Headers::new();
        for (name, value) in [("A", "1"), ("b", "2"), ("X", "3"), ("B", "4")] {
            headers.push(name, value);
        }
        headers.set("B", "5");
        let lines: Vec<_> = headers.iter().map(|h| format!("{}={}", h.name, h.value)).collect();
        assert_eq!(lines, ["A=1", "b=5", "X=3"]);
        headers.remove("a");
        assert_eq!(headers.get("b").unwrap(), "5");
        assert_eq!(headers.len(), 2);
    }
}
