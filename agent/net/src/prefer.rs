//! Which of several addresses to try first (RFC 6724 section 6), by the address we would speak from to each.

use std::net::{IpAddr, Ipv6Addr};

/// Puts destinations in order, the best first; what has no source, and so no route, goes last (rule 1). The rules left
/// out have nothing to say here: deprecated and home addresses (3, 4, 7) are the system's own business when it chooses a
/// source, and the longest common prefix (9) would undo the name server's own order.
pub(crate) fn prefer(addresses: &mut [IpAddr], source: impl Fn(IpAddr) -> Option<IpAddr>) {
    addresses.sort_by_cached_key(|&to| {
        let Some(from) = source(to) else { return (true, true, true, 0, 0) };
        let (label, precedence) = policy(to);
        // Rules 1, 2, 5, 6 and 8; a low precedence goes behind.
        (false, scope(to) != scope(from), label != policy(from).0, u8::MAX - precedence, scope(to))
    });
}

/// Label and precedence (RFC 6724 section 2.1).
fn policy(ip: IpAddr) -> (u8, u8) {
    let v6 = match ip {
        IpAddr::V4(_) => return (4, 35),
        IpAddr::V6(v6) => v6,
    };
    let segments = v6.segments();
    match segments[0] {
        _ if v6 == Ipv6Addr::LOCALHOST => (0, 50),
        _ if v6.to_ipv4_mapped().is_some() => (4, 35),
        0x2002 => (2, 30),
        0x2001 if segments[1] == 0 => (5, 5),
        0x3ffe => (12, 1),
        first if first & 0xfe00 == 0xfc00 => (13, 3),
        first if first & 0xffc0 == 0xfec0 => (11, 1),
        _ => (1, 40),
    }
}

/// How far an address reaches (RFC 6724 section 3.1 and 3.2): 2 the link, 5 the site, 14 the world.
fn scope(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(v4) if v4.is_loopback() || v4.is_link_local() => 2,
        IpAddr::V4(_) => 14,
        IpAddr::V6(v6) if v6.is_loopback() || v6.segments()[0] & 0xffc0 == 0xfe80 => 2,
        IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfec0 => 5,
        IpAddr::V6(v6) if v6.is_multicast() => (v6.segments()[0] & 0xf) as u8,
        IpAddr::V6(_) => 14,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sources` are tried in order: the first of the destination's family is spoken from.
    fn sorted(to: &[&str], sources: &[&str]) -> Vec<String> {
        let sources: Vec<IpAddr> = sources.iter().map(|ip| ip.parse().unwrap()).collect();
        let mut list: Vec<IpAddr> = to.iter().map(|ip| ip.parse().unwrap()).collect();
        prefer(&mut list, |to| sources.iter().find(|from| from.is_ipv4() == to.is_ipv4()).copied());
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_examples_of_the_rfc_come_out_as_it_says() {
        // RFC 6724 section 10.2, as far as it depends on the rules kept here.
        assert_eq!(
            sorted(&["198.51.100.121", "2001:db8:1::1"], &["2001:db8:1::2", "169.254.13.78"])[0],
            "2001:db8:1::1"
        );
        assert_eq!(
            sorted(&["2001:db8:1::1", "198.51.100.121"], &["fe80::1", "198.51.100.117"])[0],
            "198.51.100.121",
            "prefer the matching scope"
        );
        assert_eq!(
            sorted(&["10.1.2.3", "2001:db8:1::1"], &["2001:db8:1::2", "10.1.2.4"])[0],
            "2001:db8:1::1",
            "prefer the higher precedence"
        );
        assert_eq!(
            sorted(&["2002:c633:6401::1", "2001:db8:1::1"], &["2002:c633:6401::2"])[0],
            "2002:c633:6401::1",
            "prefer the matching label"
        );
    }

    #[test]
    fn what_has_no_route_goes_last_and_equals_keep_their_order() {
        assert_eq!(
            sorted(&["2001:db8::1", "192.0.2.2", "192.0.2.1"], &["192.0.2.9"]),
            ["192.0.2.2", "192.0.2.1", "2001:db8::1"]
        );
        assert_eq!(
            sorted(&["fd00::1", "192.0.2.1"], &["fd00::2", "192.0.2.9"])[0],
            "192.0.2.1",
            "a private IPv6 network stands behind IPv4"
        );
    }
}
