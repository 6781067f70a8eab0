//! `tel:` (RFC 3966), `callto:` and `sip:` (RFC 3261 section 19.1) links taken apart, leniently.

use crate::escape::unescaped;

/// A link taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Digits with an optional leading `+`, or a code with `*` and `#`.
    Number {
        /// The number, separators removed.
        digits: String,
        /// `;ext=`.
        extension: Option<String>,
    },
    /// An address.
    Address {
        /// The user part, decoded.
        user: String,
        /// `sip:user@host[:port][;transport=…]`, or `sips:`; everything else a link may carry (headers, method) is left out.
        address: String,
    },
    /// A number that only TLS may reach, without the PBX.
    Encrypted,
    /// Not one.
    Bad,
}

/// The longest address taken.
const LONGEST: usize = 256;

/// Splits the scheme off: letters, digits, `+`, `-`, `.` and a colon.
pub(super) fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let name = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    (name && scheme.starts_with(|c: char| c.is_ascii_alphabetic())).then_some((scheme, rest))
}

/// What stands behind `tel:` or `callto:`.
pub(super) fn tel(rest: &str) -> Link {
    let rest = rest.trim_start_matches('/');
    let text = decode(rest.split('?').next().unwrap_or_default());
    let mut parts = text.split(';');
    let (digits, pause) = number_part(parts.next().unwrap_or_default());
    let Some(mut digits) = digits else { return Link::Bad };
    let mut extension = pause;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.eq_ignore_ascii_case("ext") {
            extension = Some(value.chars().filter(char::is_ascii_digit).take(10).collect());
        }
        // RFC 3966 section 5.1.5: a context that is a number is what stands before a local number.
        if name.eq_ignore_ascii_case("phone-context") && value.starts_with('+') && !digits.starts_with('+') {
            let context: String = value.chars().filter(char::is_ascii_digit).take(10).collect();
            digits = format!("+{context}{digits}");
        }
    }
    Link::Number { digits, extension: extension.filter(|e| !e.is_empty()) }
}

/// The digits of a `tel:` number and what follows a pause (`,` `p` `w`): keys to send later, no part of the number.
fn number_part(text: &str) -> (Option<String>, Option<String>) {
    let cut = text.find([',', 'p', 'P', 'w', 'W']).unwrap_or(text.len());
    let (number, keys) = text.split_at(cut);
    let mut digits = String::new();
    for c in number.chars() {
        match c {
            '0'..='9' | '*' | '#' => digits.push(c),
            '+' if digits.is_empty() => digits.push(c),
            '-' | '.' | '(' | ')' | '/' | '\u{A0}' => {}
            c if c.is_whitespace() => {}
            _ => return (None, None),
        }
    }
    let keys = super::scan::keys(keys);
    let some = digits.bytes().any(|b| b.is_ascii_digit());
    (some.then_some(digits), (!keys.is_empty()).then_some(keys))
}

/// What stands behind `sip:` or `sips:`, or an address written without its scheme.
pub(super) fn sip(scheme: &str, rest: &str) -> Link {
    let rest = rest.trim_start_matches('/');
    if rest.len() > LONGEST {
        return Link::Bad;
    }
    let rest = rest.split('?').next().unwrap_or_default();
    let tls = |parameter: &str| parameter.eq_ignore_ascii_case("transport=tls");
    let encrypted = scheme.eq_ignore_ascii_case("sips") || rest.split(';').skip(1).any(tls);
    let Some((user, host)) = rest.split_once('@') else {
        return match number_part(&decode(rest.split(';').next().unwrap_or_default())) {
            (Some(_), None) if encrypted && !rest.contains('.') => Link::Encrypted,
            (Some(digits), None) if !rest.contains('.') => Link::Number { digits, extension: None },
            _ => Link::Bad,
        };
    };
    let user = decode(user.split([':', ';']).next().unwrap_or_default());
    let mut parts = host.split(';');
    let host = parts.next().unwrap_or_default();
    if !user_fits(&user) || !host_fits(host) {
        return Link::Bad;
    }
    let transport = parts
        .filter_map(|p| p.split_once('='))
        .find(|(name, value)| {
            name.eq_ignore_ascii_case("transport")
                && ["udp", "tcp", "tls", "ws"].iter().any(|t| t.eq_ignore_ascii_case(value))
        })
        .map(|(_, value)| value.to_ascii_lowercase());
    let sips = scheme.eq_ignore_ascii_case("sips");
    let scheme = if sips { "sips" } else { "sip" };
    // TLS is what `sips:` says already (RFC 5630 section 3.1.4).
    let transport = transport.filter(|it| !sips || it == "ws");
    let transport = transport.map(|it| format!(";transport={it}")).unwrap_or_default();
    let address = format!("{scheme}:{}@{host}{transport}", encode(&user));
    Link::Address { user, address }
}

fn user_fits(user: &str) -> bool {
    !user.is_empty() && !user.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\"@".contains(c))
}

fn host_fits(host: &str) -> bool {
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    named && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && !host.ends_with([':', '-'])
}

/// Percent escapes to text; what is not one stays.
fn decode(text: &str) -> String {
    String::from_utf8_lossy(&unescaped(text)).into_owned()
}

/// A user part with everything escaped that RFC 3261 section 25.1 does not allow there.
fn encode(user: &str) -> String {
    let mut out = String::new();
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,/?".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: &str, extension: Option<&str>) -> Link {
        Link::Number { digits: digits.to_owned(), extension: extension.map(str::to_owned) }
    }

    #[test]
    fn tel_links() {
        assert_eq!(tel("+49-30-123%2045;ext=12"), number("+493012345", Some("12")));
        assert_eq!(tel("%2B49(30)123"), number("+4930123", None));
        assert_eq!(tel("//030.123"), number("030123", None));
        assert_eq!(tel("7042;phone-context=example.com"), number("7042", None));
        assert_eq!(tel("863-1234;phone-context=+1-914-555"), number("+19145558631234", None));
        assert_eq!(tel("+4930123,,99#"), number("+4930123", Some("99#")));
        assert_eq!(tel("%2A21%2A0301%23"), number("*21*0301#", None));
        assert_eq!(tel("hello"), Link::Bad);
        assert_eq!(tel(""), Link::Bad);
        assert_eq!(tel("%"), Link::Bad);
    }

    #[test]
    fn sip_links() {
        let address =
            |user: &str, address: &str| Link::Address { user: user.to_owned(), address: address.to_owned() };
        assert_eq!(sip("sip", "600@pbx.example"), address("600", "sip:600@pbx.example"));
        assert_eq!(
            sip("SIP", "alice:secret@pbx.example:5070;transport=TCP;method=BYE?Replaces=x"),
            address("alice", "sip:alice@pbx.example:5070;transport=tcp")
        );
        assert_eq!(sip("sip", "%2A21%23@[::1]:5060"), address("*21#", "sip:*21%23@[::1]:5060"));
        assert_eq!(sip("SIPS", "600@pbx.example;transport=tls"), address("600", "sips:600@pbx.example"));
        assert_eq!(sip("sip", "600"), number("600", None));
        assert_eq!(sip("sip", "a%0D%0Ab@host"), Link::Bad);
        assert_eq!(sip("sip", "a@ho st"), Link::Bad);
        assert_eq!(sip("sip", "@host"), Link::Bad);
        assert_eq!(sip("sip", "pbx.example"), Link::Bad);
    }
}
