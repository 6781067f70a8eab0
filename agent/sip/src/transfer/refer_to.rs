//! The Refer-To header (RFC 3515 section 2.1): whom somebody is to call, and in whose place (RFC 3891 section 5).

use crate::{
    message::{FieldError, Headers, Host, NameAddr, Text, Uri, unescape},
    transfer::{REFER_TO, Replaces},
};
use agent_core::port::sip::transfer::Referred;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReferTo {
    /// The address, without header fields and `method`.
    pub(crate) address: NameAddr,
    pub(crate) replaces: Option<Replaces>,
    /// Something else than a call is asked for.
    pub(crate) other_method: bool,
}

impl ReferTo {
    /// The one of a REFER: none, or several, are refused (RFC 3515 section 2.4.2).
    pub(crate) fn of(headers: &Headers) -> Result<Self, FieldError> {
        let addresses = headers.addresses(REFER_TO)?;
        let [address] = &addresses[..] else { return Err(wrong("there is not exactly one")) };
        let mut address = address.clone();
        let (mut replaces, mut other_method) = (None, false);
        match &mut address.uri {
            Uri::Sip(uri) => {
                let method = uri.param("method");
                other_method = method.is_some_and(|method| !method.eq_ignore_ascii_case(b"INVITE"));
                // Of the words it would put into our request only this one is taken: the others are a stranger's.
                let given = uri.headers.iter().find(|(name, _)| name.eq_ignore_case("Replaces"));
                replaces = given.map(|(_, value)| Replaces::parse(&unescape(value))).transpose()?;
                uri.headers.clear();
                uri.params.retain(|(name, _)| !name.eq_ignore_case("method"));
            }
            Uri::Tel(_) => {}
            Uri::Other(_) => other_method = true,
        }
        Ok(Self { address, replaces, other_method })
    }

    /// Ours, to be sent.
    pub(crate) fn new(uri: Uri, replaces: Option<Replaces>) -> Self {
        Self { address: NameAddr::new(uri), replaces, other_method: false }
    }

    /// As a header's value.
    pub(crate) fn to_value(&self) -> Text {
        let mut address = self.address.clone();
        if let (Uri::Sip(uri), Some(replaces)) = (&mut address.uri, &self.replaces) {
            uri.headers.push(("Replaces".into(), escaped(&replaces.to_value()).into()));
        }
        address.to_value()
    }

    /// What the core is told of it; whether it is at `home` only the account knows.
    pub(crate) fn referred(&self, home: bool) -> Referred {
        let number = match &self.address.uri {
            Uri::Tel(tel) => tel.digits(),
            uri => {
                let user = uri.user_text().map(|user| user.to_display()).unwrap_or_default();
                user.split(';').next().unwrap_or_default().to_owned()
            }
        };
        let phone = self.address.uri.as_sip().is_some_and(|sip| {
            let machine = matches!(sip.host, Host::V4(_) | Host::V6(_));
            let whole = sip.password.is_none() && sip.user_text().is_some_and(|user| !user.contains(&b';'));
            machine && whole && !home && self.replaces.is_some()
        });
        let name = self.address.display.as_ref().map(|name| cut(&name.to_display()));
        Referred {
            number: cut(&number),
            uri: self.address.uri.to_string(),
            name: name.filter(|name| !name.is_empty()),
            home,
            replaces: self.replaces.is_some(),
            phone,
        }
    }
}

/// The longest name and number, characters.
const LONGEST: usize = 256;

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Percent escapes as a header field in an address has them (RFC 3261 section 25.1 `hvalue`): all that is not plainly
/// allowed there.
fn escaped(bytes: &[u8]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b);
    bytes.iter().map(|&b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn wrong(what: &'static str) -> FieldError {
    FieldError { field: REFER_TO, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<ReferTo, FieldError> {
        let mut headers = Headers::new();
        for line in lines {
            headers.push(REFER_TO, *line);
        }
        ReferTo::of(&headers)
    }

    #[test]
    fn whom_and_in_whose_place() {
        let to = read(&[
            "\"Bob\" <sip:601@x;transport=tcp?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df&Route=%3Csip:evil%3E>",
        ]);
        let to = to.unwrap();
        assert_eq!(to.replaces.as_ref().unwrap().to_value(), "a@b;to-tag=t;from-tag=f");
        assert_eq!(to.address.uri.to_string(), "sip:601@x;transport=tcp");
        assert!(!to.other_method);
        let referred = to.referred(true);
        assert_eq!(
            (referred.number.as_str(), referred.name.as_deref(), referred.replaces),
            ("601", Some("Bob"), true)
        );
        let again = to.to_value().to_string();
        assert_eq!(again, "\"Bob\" <sip:601@x;transport=tcp?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df>");
        assert_eq!(read(&[&again]).unwrap(), to);
        assert_eq!(read(&["tel:+49-30-1"]).unwrap().referred(true).number, "+49301");
    }

    #[test]
    fn a_phone_is_an_ip_address_whose_call_is_replaced() {
        const OF: &str = "?Replaces=a%3Bto-tag%3Dt%3Bfrom-tag%3Df";
        let phone = |uri: &str, home| read(&[&format!("<{uri}>")]).unwrap().referred(home).phone;
        assert!(phone(&format!("sip:602@192.0.2.7:5062;transport=tcp;ob{OF}"), false));
        assert!(phone(&format!("sip:602@[2001:db8::7]{OF}"), false));
        assert!(!phone("sip:602@192.0.2.7", false), "nothing to replace: it would ring");
        assert!(!phone(&format!("sip:602@192.0.2.7{OF}"), true), "the PBX itself");
        for other in ["602@phone.example", "602;phone-context=x@192.0.2.7", "602:pw@192.0.2.7", "192.0.2.7"] {
            assert!(!phone(&format!("sip:{other}{OF}"), false), "{other}");
        }
    }

    #[test]
    fn what_is_no_call_or_no_request_is_told_apart() {
        assert!(
            read(&[]).is_err()
                && read(&["<sip:a@x>", "<sip:b@x>"]).is_err()
                && read(&["<sip:a@x>, <sip:b@x>"]).is_err()
        );
        assert!(read(&["<sip:a@x?Replaces=a>"]).is_err(), "a Replaces that names no dialog");
        for other in ["<sip:a@x;method=BYE>", "<http://x/>", "<mailto:a@x>"] {
            assert!(read(&[other]).unwrap().other_method, "{other}");
        }
        assert!(!read(&["<sip:a@x;method=INVITE>"]).unwrap().other_method);
    }
}
