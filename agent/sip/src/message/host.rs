//! The host of a URI or a Via: a name or an address.

use crate::message::{lex::trim, text::Text};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// A name or an address. Names are equal in either case.
#[derive(Debug, Clone, Eq)]
pub enum Host {
    /// A domain name, as written.
    Name(Text),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; written in brackets.
    V6(Ipv6Addr),
}

impl Host {
    /// Reads `host` or `host:port` (RFC 3261 `hostport`); blanks around the colon are forgiven.
    pub fn parse_with_port(bytes: &[u8]) -> Result<(Self, Option<u16>), &'static str> {
        let bytes = trim(bytes);
        let (host, rest) = match bytes.strip_prefix(b"[") {
            Some(inner) => {
                let end =
                    inner.iter().position(|&b| b == b']').ok_or("an IPv6 address has no closing bracket")?;
                (Self::v6(&inner[..end])?, &inner[end + 1..])
            }
            None => {
                // More than one colon without brackets: an IPv6 address as some peers write `received` and Via.
                let colons = bytes.iter().filter(|&&b| b == b':').count();
                let end =
                    bytes.iter().position(|&b| b == b':').filter(|_| colons == 1).unwrap_or(bytes.len());
                (Self::bare(trim(&bytes[..end]))?, &bytes[end..])
            }
        };
        let rest = trim(rest);
        if rest.is_empty() {
            return Ok((host, None));
        }
        let digits = rest.strip_prefix(b":").ok_or("there is something after the host")?;
        Ok((host, Some(crate::message::lex::number(digits).ok_or("the port is not a number up to 65535")?)))
    }

    /// The address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(ip) => Some((*ip).into()),
            Self::V6(ip) => Some((*ip).into()),
        }
    }

    /// The name or address without brackets, for resolvers and sockets.
    pub fn to_plain(&self) -> String {
        match self {
            Self::V6(ip) => ip.to_string(),
            other => other.to_string(),
        }
    }

    /// Appends it as the wire wants it.
    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        match self {
            Self::Name(name) => out.extend_from_slice(name),
            other => out.extend_from_slice(other.to_string().as_bytes()),
        }
    }

    fn v6(inner: &[u8]) -> Result<Self, &'static str> {
        // A zone (`%eth0`) means nothing to another machine.
        let address = inner.split(|&b| b == b'%').next().unwrap_or_default();
        let text = std::str::from_utf8(address).map_err(|_| "the IPv6 address is none")?;
        text.parse().map(Self::V6).map_err(|_| "the IPv6 address is none")
    }

    fn bare(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.is_empty() {
            return Err("the host is missing");
        }
        if let Some(ip) = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<IpAddr>().ok()) {
            return Ok(ip.into());
        }
        // Underscores and raw UTF-8 are no host names by the book and occur all the same.
        let fine = |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_') || b >= 0x80;
        if bytes.iter().all(fine) {
            Ok(Self::Name(bytes.into()))
        } else {
            Err("the host has a character no host has")
        }
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.eq_ignore_case(b),
            (Self::V4(a), Self::V4(b)) => a == b,
            (Self::V6(a), Self::V6(b)) => a == b,
            _ => false,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => Self::V6(ip),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::V4(ip) => ip.fmt(f),
            Self::V6(ip) => write!(f, "[{ip}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn hosts_of_every_kind() {
        let read =
            |text: &str| Host::parse_with_port(text.as_bytes()).map(|(host, port)| (host.to_string(), port));
        assert_eq!(read("pbx.example : 5070"), Ok(("pbx.example".into(), Some(5070))));
        assert_eq!(read("192.0.2.1"), Ok(("192.0.2.1".into(), None)));
        assert_eq!(read("[2001:db8::1]:5060"), Ok(("[2001:db8::1]".into(), Some(5060))));
        assert_eq!(read("2001:db8::1"), Ok(("[2001:db8::1]".into(), None)));
        assert!(read("").is_err());
        assert!(read(":5060").is_err());
        assert!(read("a:99999").is_err());
        assert!(read("a b").is_err());
        assert!(read("[::1").is_err());
    }
}
