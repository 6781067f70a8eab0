//! A UDP socket that tells when the kernel took each datagram in, so that our own waiting for the processor is not measured.

use std::{
    io, mem,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Room for what a burst of answers brings while we are not running, bytes.
const ROOM: libc::c_int = 4 << 20;

/// Room for one control message with a time in it, bytes.
const CONTROL: usize = 64;

/// The socket, on loopback.
pub(crate) struct Stamped {
    socket: UdpSocket,
}

impl Stamped {
    /// Opens it on a free port.
    pub(crate) fn open() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let stamped = Self { socket };
        stamped.set(libc::SO_TIMESTAMPNS, 1)?;
        stamped.set(libc::SO_RCVBUF, ROOM)?;
        Ok(stamped)
    }

    fn set(&self, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
        let length = mem::size_of_val(&value) as libc::socklen_t;
        // SAFETY: the value outlives the call, and its length is given.
        let done = unsafe {
            libc::setsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const value).cast(),
                length,
            )
        };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Its port.
    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Sends; the time is the one just before.
    pub(crate) fn send(&self, text: &str, to: SocketAddr) -> io::Result<SystemTime> {
        let at = SystemTime::now();
        self.socket.send_to(text.as_bytes(), to)?;
        Ok(at)
    }

    /// The next datagram, waited for at most so long; with the kernel's time of its arrival.
    pub(crate) fn receive(&self, wait: Duration) -> io::Result<Option<(String, SystemTime)>> {
        if !self.readable(wait)? {
            return Ok(None);
        }
        let mut bytes = [0_u8; 8192];
        let mut control = [0_u64; CONTROL / 8];
        let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        // SAFETY: all zeroes is a valid msghdr.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = CONTROL;
        // SAFETY: the header points at buffers that outlive the call, with their lengths.
        let got = unsafe { libc::recvmsg(self.socket.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
        let Ok(length) = usize::try_from(got) else {
            let error = io::Error::last_os_error();
            // A port that was closed behind our back is told here; it is no datagram.
            let nothing =
                matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused);
            return if nothing { Ok(None) } else { Err(error) };
        };
        let at = arrival(&header).ok_or_else(|| io::Error::other("the kernel stamps no datagrams"))?;
        Ok(Some((String::from_utf8_lossy(&bytes[..length]).into_owned(), at)))
    }

    fn readable(&self, wait: Duration) -> io::Result<bool> {
        let mut asked = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let wait = libc::timespec {
            tv_sec: wait.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        // SAFETY: one descriptor and a time, both alive for the call.
        let ready = unsafe { libc::ppoll(&raw mut asked, 1, &raw const wait, std::ptr::null()) };
        match ready {
            0.. => Ok(ready > 0),
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => Ok(false),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// The time in the control messages.
fn arrival(header: &libc::msghdr) -> Option<SystemTime> {
    // SAFETY: recvmsg filled the header; the CMSG macros stay within its control buffer, and the time is read unaligned
    // from the data of a message the kernel labelled so.
    let time: libc::timespec = unsafe {
        let message = libc::CMSG_FIRSTHDR(header).as_ref()?;
        if (message.cmsg_level, message.cmsg_type) != (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
            return None;
        }
        std::ptr::read_unaligned(libc::CMSG_DATA(message).cast())
    };
    let since = Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?);
    UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
mod tests {
    use super::Stamped;
    use std::time::{Duration, Instant, SystemTime};

    #[test]
    fn tells_the_time_of_arrival_and_not_of_reading() {
        let (one, other) = (Stamped::open().expect("a socket"), Stamped::open().expect("a socket"));
        let to = (std::net::Ipv4Addr::LOCALHOST, other.port().expect("a port")).into();
        // The kernel begins to stamp a moment after the first socket has asked for it, which on a busy machine is a while;
        // until then it tells the reading.
        let begun = Instant::now();
        let stamped =
            std::iter::repeat(()).take_while(|()| begun.elapsed() < Duration::from_secs(20)).any(|()| {
                let sent = one.send("hello", to).expect("loopback takes it");
                let before_reading = SystemTime::now();
                let (text, at) =
                    other.receive(Duration::from_secs(5)).expect("a socket").expect("a datagram");
                assert_eq!(text, "hello");
                assert!(sent <= at, "{sent:?} {at:?}");
                at <= before_reading
            });
        assert!(stamped, "each datagram was stamped when it was read");
        assert!(other.receive(Duration::ZERO).expect("a socket").is_none());
    }
}
