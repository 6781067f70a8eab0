//! Linux: learning which UDP peer refused (ICMP port unreachable and its kin) on a socket that has no single peer.
//!
//! Without `IP_RECVERR` an unconnected socket never hears of it, and a registrar that was shut down looks merely silent
//! for half a minute. With it, the error waits in the socket's error queue together with the address it is about.

use std::{
    io, mem,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::AsRawFd,
};
use tokio::{io::Interest, net::UdpSocket};

/// Arrivals, and errors in the queue.
pub(in crate::transport) const WATCHED: Interest = Interest::READABLE.add(Interest::ERROR);

/// Asks for errors to be queued. Failing to is no reason not to run: timeouts remain.
pub(in crate::transport) fn want_refusals(socket: &UdpSocket) {
    let on: libc::c_int = 1;
    let v6 = socket.local_addr().is_ok_and(|address| address.is_ipv6());
    let (level, option) =
        if v6 { (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) } else { (libc::IPPROTO_IP, libc::IP_RECVERR) };
    // SAFETY: the descriptor is open for as long as `socket` is borrowed, and the value is one int with its size.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const on).cast(),
            mem::size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if done != 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "refusals by ICMP stay unheard");
    }
}

/// Takes every refusal that waits: whom it is about, and what the network said.
pub(in crate::transport) fn take_refusals(socket: &UdpSocket) -> Vec<(SocketAddr, io::Error)> {
    let mut refusals = Vec::new();
    // Through the runtime, which has to learn that the queue is empty: it would call us ready for ever.
    while let Ok(entry) = socket.try_io(Interest::ERROR, || take_one(socket)) {
        refusals.extend(entry);
    }
    refusals
}

/// The next entry of the error queue; `None` when it is about nothing we know.
fn take_one(socket: &UdpSocket) -> io::Result<Option<(SocketAddr, io::Error)>> {
    // SAFETY: all-zero bytes are a valid value of each of these plain C structures.
    let (mut name, mut header): (libc::sockaddr_storage, libc::msghdr) = unsafe { mem::zeroed() };
    let mut payload = [0_u8; 64];
    // Control messages want the alignment of their header.
    let mut control = [0_u64; 64];
    let mut slice = libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() };
    header.msg_name = (&raw mut name).cast();
    header.msg_namelen = mem::size_of_val(&name) as libc::socklen_t;
    header.msg_iov = &raw mut slice;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = mem::size_of_val(&control) as _;
    // SAFETY: every pointer in `header` is to a live local of at least the size stated beside it.
    let got = unsafe {
        libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT)
    };
    if got < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(error_code(&header).zip(address(&name)).map(|(code, peer)| (peer, io::Error::from_raw_os_error(code))))
}

/// The error number in the control messages of `header`.
fn error_code(header: &libc::msghdr) -> Option<i32> {
    // SAFETY: `header` was filled by recvmsg, and the CMSG macros stay within its control buffer; the error structure
    // is read unaligned from the data of a message the kernel labelled so.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = message.as_ref() {
            let kind = (found.cmsg_level, found.cmsg_type);
            if kind == (libc::SOL_IP, libc::IP_RECVERR) || kind == (libc::SOL_IPV6, libc::IPV6_RECVERR) {
                let error: libc::sock_extended_err =
                    std::ptr::read_unaligned(libc::CMSG_DATA(message).cast());
                return i32::try_from(error.ee_errno).ok();
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    None
}

fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let pointer: *const libc::sockaddr_storage = name;
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that an IPv4 address lies here, and the storage is large enough for any.
            let v4 = unsafe { &*pointer.cast::<libc::sockaddr_in>() };
            Some((Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)), u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for IPv6.
            let v6 = unsafe { &*pointer.cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr).to_canonical();
            Some((ip, u16::from_be(v6.sin6_port)).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_registrar_that_is_not_there_is_told_at_once() {
        use agent_core::{
            id::AccountId,
            port::sip::{Registration, RegistrationProblem, SipCommand, SipEvent},
            secret::Secret,
            settings::AccountSettings,
        };
        let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
        let tell = std::sync::Arc::new(move |event| sender.send(event).unwrap());
        let net = agent_net::Net::new(std::sync::Arc::new(|_| {}));
        let sip = crate::start(crate::SipConfig::default(), net, tell);
        let settings = AccountSettings {
            aor: "sip:1001@127.0.0.1".to_owned(),
            registrar: Some(format!("sip:{closed}")),
            ..AccountSettings::default()
        };
        let password = Secret::new(String::new());
        sip.send(SipCommand::Register { account: AccountId(0), settings, password });
        let failed = loop {
            let event = tokio::time::timeout(std::time::Duration::from_secs(20), events.recv()).await;
            if let SipEvent::Registration { state: Registration::Failed { reason, .. }, .. } =
                event.expect("Timer F would be longer").unwrap()
            {
                break reason;
            }
        };
        assert!(matches!(failed, RegistrationProblem::Unreachable { .. }), "{failed:?}");
    }

    /// An option of TCP with one int, or the bytes it answers.
    fn tcp_option(fd: i32, name: i32, value: Option<i32>) -> Vec<u8> {
        let mut bytes = vec![0_u8; 256];
        let mut length = 256;
        // SAFETY: the descriptor is open, an int goes in with its size, and what comes out has room for what is said.
        let done = unsafe {
            match value {
                Some(value) => libc::setsockopt(fd, libc::IPPROTO_TCP, name, (&raw const value).cast(), 4),
                None => {
                    libc::getsockopt(fd, libc::IPPROTO_TCP, name, bytes.as_mut_ptr().cast(), &raw mut length)
                }
            }
        };
        assert_eq!(done, 0, "{}", io::Error::last_os_error());
        bytes.truncate(length as usize);
        bytes
    }

    #[tokio::test]
    async fn the_very_first_packet_is_marked() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        tcp_option(listener.as_raw_fd(), libc::TCP_SAVE_SYN, Some(1));
        let address = listener.local_addr().unwrap();
        let net = agent_net::Net::new(std::sync::Arc::new(|_| {}));
        let purpose = agent_net::Purpose { who: "sip".to_owned(), why: "a test".to_owned() };
        let (host, addresses) = ("127.0.0.1".to_owned(), vec![address.ip()]);
        let place = agent_net::Destination { host, port: address.port(), scheme: "tcp", addresses };
        let _open = net.tcp_to(&purpose, &place).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let syn = tcp_option(accepted.as_raw_fd(), libc::TCP_SAVED_SYN, None);
        assert_eq!((syn[0] >> 4, syn[1]), (4, 0x60), "the header of IP, version and mark");
    }

    #[tokio::test]
    async fn a_closed_port_is_named() {
        let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        want_refusals(&socket);
        socket.send_to(b"x", closed).await.unwrap();
        let mut refusals = Vec::new();
        while refusals.is_empty() {
            socket.ready(Interest::READABLE | Interest::ERROR).await.unwrap();
            let _ = socket.try_recv_from(&mut [0; 8]);
            refusals = take_refusals(&socket);
        }
        assert_eq!(refusals[0].0, closed);
        assert_eq!(refusals[0].1.kind(), io::ErrorKind::ConnectionRefused);
    }
}
