//! The methods a request can have, those of the standards and any other.

use crate::message::text::Text;
use std::fmt;

/// A request method. Methods are case-sensitive (RFC 3261 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Method {
    /// RFC 3261.
    Invite,
    /// RFC 3261.
    Ack,
    /// RFC 3261.
    Bye,
    /// RFC 3261.
    Cancel,
    /// RFC 3261.
    Options,
    /// RFC 3261.
    Register,
    /// RFC 6086.
    Info,
    /// RFC 3262.
    Prack,
    /// RFC 3311.
    Update,
    /// RFC 6665.
    Subscribe,
    /// RFC 6665.
    Notify,
    /// RFC 3515.
    Refer,
    /// RFC 3428.
    Message,
    /// RFC 3903.
    Publish,
    /// Anything else that is a token.
    Other(Text),
}

impl Method {
    /// Every method with a name of its own.
    pub const KNOWN: [Self; 14] = [
        Self::Invite,
        Self::Ack,
        Self::Bye,
        Self::Cancel,
        Self::Options,
        Self::Register,
        Self::Info,
        Self::Prack,
        Self::Update,
        Self::Subscribe,
        Self::Notify,
        Self::Refer,
        Self::Message,
        Self::Publish,
    ];

    /// The method these bytes name; any bytes are some method.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let known = Self::KNOWN.iter().find(|known| known.as_bytes() == bytes);
        known.cloned().unwrap_or_else(|| Self::Other(bytes.into()))
    }

    /// As it is written.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Invite => b"INVITE",
            Self::Ack => b"ACK",
            Self::Bye => b"BYE",
            Self::Cancel => b"CANCEL",
            Self::Options => b"OPTIONS",
            Self::Register => b"REGISTER",
            Self::Info => b"INFO",
            Self::Prack => b"PRACK",
            Self::Update => b"UPDATE",
            Self::Subscribe => b"SUBSCRIBE",
            Self::Notify => b"NOTIFY",
            Self::Refer => b"REFER",
            Self::Message => b"MESSAGE",
            Self::Publish => b"PUBLISH",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Method;

    #[test]
    fn every_known_method_reads_back() {
        for method in Method::KNOWN {
            assert_eq!(Method::from_bytes(method.as_bytes()), method);
        }
        assert_eq!(
            Method::from_bytes(b"invite"),
            Method::Other("invite".into()),
            "methods are case-sensitive"
        );
    }
}
