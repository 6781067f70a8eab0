//! When two ways of writing an account's address mean one account.

use crate::escape::unescaped;
use std::net::Ipv6Addr;

/// Whether both name one account. As RFC 3261 section 19.1.4 compares addresses: hosts without regard to case, users with
/// it, escapes undone. Unlike there, 5060 is the same as no port: a second account for it would register the same line at
/// the same place.
pub fn same_address(one: &str, other: &str) -> bool {
    match (parts(one), parts(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// The host of an address with its port, in the one way of writing them; empty for what is no address.
pub(super) fn domain(address: &str) -> String {
    match parts(address) {
        Some((_, host, 5060)) => host,
        Some((_, host, port)) if host.contains(':') => format!("[{host}]:{port}"),
        Some((_, host, port)) => format!("{host}:{port}"),
        None => String::new(),
    }
}

/// User, host and port; `None` for what is no `sip:user@host[:port]`.
fn parts(address: &str) -> Option<(Vec<u8>, String, u16)> {
    let (scheme, rest) = address.split_once(':')?;
    let (user, place) = rest.split_once('@').filter(|_| scheme.eq_ignore_ascii_case("sip"))?;
    let bracket = place.rfind(']');
    let (host, port) = match place.rfind(':').filter(|colon| bracket.is_none_or(|bracket| *colon > bracket)) {
        Some(colon) => (&place[..colon], place[colon + 1..].parse().ok()?),
        None => (place, 5060),
    };
    Some((unescaped(user), canonical(host), port))
}

/// A host in the one way of writing it: an IPv6 address has many.
fn canonical(host: &str) -> String {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inner.and_then(|inner| inner.parse::<Ipv6Addr>().ok()) {
        Some(address) => address.to_string(),
        None => host.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_may_be_written_in_several_ways() {
        for (one, other) in [
            ("sip:1001@pbx.example", "sip:1001@PBX.Example"),
            ("sip:1001@pbx.example", "sip:1001@pbx.example:5060"),
            ("sip:1001@pbx.example:5060", "SIP:1001@PBX.example"),
            ("sip:%61lice@pbx", "sip:alice@pbx"),
            ("sip:1@[2001:DB8::1]", "sip:1@[2001:db8:0:0::1]:5060"),
            ("no address", "no address"),
        ] {
            assert!(same_address(one, other) && same_address(other, one), "{one} {other}");
        }
    }

    #[test]
    fn the_domain_is_what_the_pbx_is_called() {
        for (address, expected) in [
            ("sip:1001@PBX.Example:5060", "pbx.example"),
            ("sip:1001@pbx.example:5070", "pbx.example:5070"),
            ("sip:1@[2001:DB8:0::1]:5070", "[2001:db8::1]:5070"),
            ("nonsense", ""),
        ] {
            assert_eq!(domain(address), expected);
        }
    }

    #[test]
    fn and_two_accounts_stay_two() {
        for (one, other) in [
            ("sip:1001@pbx.example", "sip:1002@pbx.example"),
            ("sip:1001@pbx.example", "sip:1001@pbx.example:5070"),
            ("sip:1001@pbx.example", "sip:1001@pbx"),
            ("sip:alice@pbx", "sip:Alice@pbx"),
            ("sip:1@[2001:db8::1]", "sip:1@[2001:db8::2]"),
            ("sip:1@b%", "sip:1@b"),
            ("sips:1@b", "sip:1@b"),
            ("no address", "No address"),
        ] {
            assert!(!same_address(one, other) && !same_address(other, one), "{one} {other}");
        }
    }
}
