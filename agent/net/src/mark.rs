//! How packets are marked for networks that treat them by kind (RFC 2474).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::mark_v6;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos::mark_v6;

#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows::mark_v6;

use socket2::SockRef;

/// What a socket carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The signalling of calls: CS3, as phones and their switches have it.
    Signalling,
    /// The sound of calls: EF (RFC 3246).
    Voice,
}

impl Mark {
    /// The octet in the header of IP: the code point, and two bits that belong to others (RFC 3168).
    fn octet(self) -> u32 {
        let code_point = match self {
            Self::Signalling => 24,
            Self::Voice => 46,
        };
        code_point << 2
    }
}

/// Marks what leaves through a socket from now on: before it connects, that is from the first packet on. Where the system
/// refuses, packets go unmarked: a call is worth more than its mark.
pub fn mark<S>(socket: &S, mark: Mark)
where
    for<'s> SockRef<'s>: From<&'s S>,
{
    let socket = SockRef::from(socket);
    let v6 = socket.local_addr().is_ok_and(|address| address.is_ipv6());
    if v6 && let Err(error) = mark_v6(&socket, mark.octet()) {
        tracing::debug!(%error, ?mark, "packets over IPv6 go unmarked");
    }
    // A socket for IPv6 may carry IPv4 as well; where it does not, the refusal says nothing.
    if let Err(error) = socket.set_tos_v4(mark.octet())
        && !v6
    {
        tracing::debug!(%error, ?mark, "packets go unmarked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn each_kind_has_its_mark() {
        for (what, octet) in [(Mark::Signalling, 0x60), (Mark::Voice, 0xb8)] {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            mark(&socket, what);
            assert_eq!(SockRef::from(&socket).tos_v4().unwrap(), octet);
        }
    }
}
