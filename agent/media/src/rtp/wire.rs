//! Small things that both directions need: random numbers, and which packet is which.

/// Random bits that nobody can guess (RFC 3550 section 5.1 asks for them); when the system has none, the time's.
pub(crate) fn random() -> u32 {
    getrandom::u32().unwrap_or_else(|_| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        since.subsec_nanos().rotate_left(13) ^ since.as_secs() as u32
    })
}

/// Whether a datagram that came to the RTP port is RTCP (RFC 5761 section 4: packet types 192 to 223).
pub(crate) fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.len() >= 8 && datagram[0] >> 6 == 2 && (192..=223).contains(&datagram[1])
}
