//! The little of STUN (RFC 5389) that keeps a road over UDP open: a binding request, and the address its answer tells.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Names a question; nobody else can guess it.
pub(crate) type Question = [u8; 12];

/// What every message of RFC 5389 holds in its second word.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Bytes before the attributes.
const HEAD: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const MAPPED_ADDRESS: u16 = 0x0001;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// A binding request without attributes (section 7.1).
pub(crate) fn request(question: &Question) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    bytes[..2].copy_from_slice(&BINDING_REQUEST);
    bytes[4..8].copy_from_slice(&COOKIE);
    bytes[8..].copy_from_slice(question);
    bytes
}

/// Whether a datagram is STUN's and none of SIP's: its first two bits are zero, and the cookie stands in its place
/// (section 6). No SIP message begins so.
pub(crate) fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEAD && bytes[0] & 0xc0 == 0 && bytes[4..8] == COOKIE
}

/// The question a success answers, and where it was seen to come from; `None` for anything else.
pub(crate) fn answer(bytes: &[u8]) -> Option<(Question, SocketAddr)> {
    if !is_stun(bytes) || bytes[..2] != BINDING_SUCCESS {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    let mut rest = bytes.get(HEAD..HEAD + length)?;
    let question: Question = bytes[8..HEAD].try_into().ok()?;
    let (mut plain, mut masked) = (None, None);
    while let [kind, kind2, length, length2, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*length, *length2]));
        let value = tail.get(..length)?;
        match u16::from_be_bytes([*kind, *kind2]) {
            XOR_MAPPED_ADDRESS if masked.is_none() => masked = Some(address(value, Some(&question))?),
            MAPPED_ADDRESS if plain.is_none() => plain = Some(address(value, None)?),
            // Those of RFC 3489 and 5389 that say nothing to us, a second address, and what need not be understood.
            0x0001..=0x0015 | XOR_MAPPED_ADDRESS | 0x8000.. => {}
            // What must be understood and is not makes the whole answer useless (section 7.3.3).
            _ => return None,
        }
        // Attributes end at a boundary of four bytes (section 15).
        rest = tail.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    // Routers that meddle with addresses in what passes change the plain one (section 15.2).
    Some((question, masked.or(plain)?))
}

/// Sections 15.1 and 15.2: the masked one has the cookie, and for IPv6 the question behind it, laid over it.
fn address(value: &[u8], mask: Option<&Question>) -> Option<SocketAddr> {
    let [_, family, port, port2, ip @ ..] = value else { return None };
    let mut key = [0; 16];
    if let Some(question) = mask {
        key[..4].copy_from_slice(&COOKIE);
        key[4..].copy_from_slice(question);
    }
    let port = u16::from_be_bytes([port ^ key[0], port2 ^ key[1]]);
    let ip: IpAddr = match family {
        1 => {
            let bytes: [u8; 4] = ip.try_into().ok()?;
            Ipv4Addr::from(u32::from_be_bytes(bytes) ^ u32::from_be_bytes([key[0], key[1], key[2], key[3]]))
                .into()
        }
        2 => {
            let bytes: [u8; 16] = ip.try_into().ok()?;
            Ipv6Addr::from(u128::from_be_bytes(bytes) ^ u128::from_be_bytes(key)).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 section 2.2: a response over IPv4, integrity and fingerprint included.
    const V4: &[u8] = b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\
        \x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\
        \x80\x28\x00\x04\xc0\x7d\x4c\x96";
    /// RFC 5769 section 2.3: the same over IPv6.
    const V6: &[u8] = b"\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\x00\x20\x00\x14\x00\x02\xa1\x47\
        \x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9\
        \x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\
        \x80\x28\x00\x04\xc8\xfb\x0b\x4c";

    #[test]
    fn the_answers_of_rfc_5769_are_read() {
        let question = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";
        for (bytes, mapped) in [(V4, "192.0.2.1:32853"), (V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
        {
            assert_eq!(answer(bytes), Some((question, mapped.parse().unwrap())));
        }
    }

    #[test]
    fn what_was_asked_is_no_answer_and_no_sip() {
        let bytes = request(&[7; 12]);
        assert_eq!(bytes[..8], [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
        assert!(is_stun(&bytes) && answer(&bytes).is_none());
        assert!(!is_stun(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n") && !is_stun(b"\r\n\r\n"));
    }

    #[test]
    fn a_plain_address_serves_where_there_is_no_masked_one() {
        let mut bytes = b"\x01\x01\x00\x0c\x21\x12\xa4\x42".to_vec();
        bytes.extend([9; 12]);
        bytes.extend(b"\x00\x01\x00\x08\x00\x01\x13\xc4\xc0\x00\x02\x07");
        assert_eq!(answer(&bytes), Some(([9; 12], "192.0.2.7:5060".parse().unwrap())));
        // An attribute that has to be understood, and is not.
        bytes[21] = 0x30;
        assert_eq!(answer(&bytes), None);
    }

    #[test]
    fn what_is_cut_or_changed_is_nothing() {
        for length in 0..V6.len() {
            assert_eq!(answer(&V6[..length]), None, "{length} bytes");
        }
        for at in 0..V6.len() {
            for byte in 0..=255 {
                let mut bytes = V6.to_vec();
                bytes[at] = byte;
                // Whatever comes of it, it ends.
                let _ = answer(&bytes);
            }
        }
    }
}
