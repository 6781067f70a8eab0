//! Where an address lies: on this computer, in a private network, in the world, or nowhere a plugin may go.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Host;

/// How near a granted host may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// The world only.
    Public,
    /// The world, and private networks (RFC 1918, RFC 6598, RFC 4193).
    Private,
    /// This computer only.
    Loopback,
}

/// Where one address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    World,
    Private,
    Loopback,
    /// Link-local (where clouds keep their metadata), multicast, documentation, reserved.
    Nowhere,
}

impl Reach {
    /// Whether a connection to `address` is within reach; else the rule that forbids it.
    pub(crate) fn allows(self, address: IpAddr) -> Result<(), String> {
        let rule = match (place(address), self) {
            (Place::World, Self::Public | Self::Private)
            | (Place::Private, Self::Private)
            | (Place::Loopback, Self::Loopback) => return Ok(()),
            (Place::Loopback, _) => "is on this computer, which was not granted",
            (Place::Private, _) => "is in a private network, which was not granted",
            (Place::Nowhere, _) => "is reserved: no plugin may reach it",
            (Place::World, Self::Loopback) => "is not on this computer, and only that was granted",
        };
        Err(format!("{address} {rule}"))
    }

    /// The reach a host itself needs, as far as its spelling tells; `None` for what no plugin may reach.
    pub(crate) fn of_host(host: &Host<&str>) -> Option<Self> {
        let place = match host {
            Host::Domain(name) if *name == "localhost" || name.ends_with(".localhost") => Place::Loopback,
            Host::Domain(_) => Place::World,
            Host::Ipv4(ip) => place(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => place(IpAddr::V6(*ip)),
        };
        match place {
            Place::World => Some(Self::Public),
            Place::Private => Some(Self::Private),
            Place::Loopback => Some(Self::Loopback),
            Place::Nowhere => None,
        }
    }
}

fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(ip) => place_v4(ip),
        IpAddr::V6(ip) => inner_v4(ip).map_or_else(|| place_v6(ip), place_v4),
    }
}

fn place_v4(ip: Ipv4Addr) -> Place {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (127, ..) => Place::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Place::Private,
        // "This network", link-local, IETF protocol assignments, documentation, 6to4 relays, benchmarks, multicast and
        // what is reserved above it (RFC 6890).
        (0, ..)
        | (169, 254, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Place::Nowhere,
        (224.., ..) => Place::Nowhere,
        _ => Place::World,
    }
}

fn place_v6(ip: Ipv6Addr) -> Place {
    let first = ip.segments()[0];
    match first {
        _ if ip.is_loopback() => Place::Loopback,
        0xfc00..=0xfdff => Place::Private,
        // Global unicast is 2000::/3 (RFC 4291); of it, 2001:db8::/32, 3fff::/20 and 2001::/23 are not the world's.
        0x2001 if ip.segments()[1] == 0x0db8 || ip.segments()[1] < 0x0200 => Place::Nowhere,
        0x3fff if ip.segments()[1] < 0x1000 => Place::Nowhere,
        0x2000..=0x3fff => Place::World,
        _ => Place::Nowhere,
    }
}

/// The IPv4 address a translated or tunnelled IPv6 address stands for: mapped and compatible (RFC 4291), NAT64
/// (RFC 6052), 6to4 (RFC 3056).
fn inner_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(join(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Reach, place};

    #[test]
    fn every_kind_of_address_is_where_it_belongs() {
        let table = [
            ("93.184.216.34", Place::World),
            ("2606:4700::1111", Place::World),
            ("127.0.0.1", Place::Loopback),
            ("127.9.9.9", Place::Loopback),
            ("::1", Place::Loopback),
            ("::ffff:127.0.0.1", Place::Loopback),
            ("64:ff9b::7f00:1", Place::Loopback),
            ("2002:7f00:1::", Place::Loopback),
            ("10.1.2.3", Place::Private),
            ("172.31.0.1", Place::Private),
            ("172.32.0.1", Place::World),
            ("192.168.1.1", Place::Private),
            ("100.100.0.1", Place::Private),
            ("fd12::1", Place::Private),
            ("169.254.169.254", Place::Nowhere),
            ("0.0.0.0", Place::Nowhere),
            ("::", Place::Nowhere),
            ("fe80::1", Place::Nowhere),
            ("224.0.0.1", Place::Nowhere),
            ("255.255.255.255", Place::Nowhere),
            ("203.0.113.9", Place::Nowhere),
            ("2001:db8::1", Place::Nowhere),
            ("2001::1", Place::Nowhere),
            ("ff02::1", Place::Nowhere),
            ("::ffff:10.0.0.1", Place::Private),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse().map(place), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_grant_for_the_world_does_not_reach_this_computer_and_the_other_way_round() {
        let (world, here, private) = ("1.1.1.1", "127.0.0.1", "10.0.0.1");
        let allows = |reach: Reach, text: &str| text.parse().map(|ip| reach.allows(ip).is_ok());
        assert_eq!(allows(Reach::Public, world), Ok(true));
        assert_eq!(allows(Reach::Public, here), Ok(false));
        assert_eq!(allows(Reach::Public, private), Ok(false));
        assert_eq!(allows(Reach::Private, private), Ok(true));
        assert_eq!(allows(Reach::Private, here), Ok(false));
        assert_eq!(allows(Reach::Loopback, here), Ok(true));
        assert_eq!(allows(Reach::Loopback, world), Ok(false));
    }
}
