//! Windows: the same options, which the system honours where its administrator lets programs mark (by policy, or with
//! `DisableUserTOSSetting` set to 0); everywhere else it takes them and leaves packets as they are.

use socket2::Socket;
use std::{io, os::windows::io::AsRawSocket};
use windows_sys::Win32::Networking::WinSock::{IPPROTO_IPV6, IPV6_TCLASS, SOCKET, setsockopt};

/// Marks what leaves over IPv6.
pub(super) fn mark_v6(socket: &Socket, octet: u32) -> io::Result<()> {
    let value = octet.to_ne_bytes();
    // SAFETY: the socket is open for as long as it is borrowed, and the value is four bytes long, as is said.
    let done =
        unsafe { setsockopt(socket.as_raw_socket() as SOCKET, IPPROTO_IPV6, IPV6_TCLASS, value.as_ptr(), 4) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
