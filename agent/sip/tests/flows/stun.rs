//! A STUN server of the tests (RFC 5389), as far as keep-alives need one.

use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};

/// The transaction of a binding request; `None` for anything else.
pub(crate) fn asked(bytes: &[u8]) -> Option<[u8; 12]> {
    let head = bytes.strip_prefix(b"\x00\x01\x00\x00\x21\x12\xa4\x42")?;
    head.try_into().ok()
}

/// The success that says where it came from, masked (section 15.2).
pub(crate) fn answer(question: [u8; 12], seen: SocketAddr) -> Bytes {
    let IpAddr::V4(ip) = seen.ip() else { panic!("{seen} is no address of the tests' network") };
    let mut bytes = b"\x01\x01\x00\x0c\x21\x12\xa4\x42".to_vec();
    bytes.extend(question);
    bytes.extend(b"\x00\x20\x00\x08\x00\x01");
    bytes.extend((seen.port() ^ 0x2112).to_be_bytes());
    bytes.extend((u32::from(ip) ^ 0x2112_a442).to_be_bytes());
    bytes.into()
}
