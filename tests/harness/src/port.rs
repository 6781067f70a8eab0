//! Free ports on loopback.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::Mutex,
};

static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port that is free for UDP and for TCP, and that this process gives to nobody else.
///
/// # Panics
/// When loopback has none.
pub fn free() -> u16 {
    free_run(1)
}

/// The first of `count` such ports in a row, the first one even: an RTP port range.
///
/// # Panics
/// When loopback has none.
pub fn free_run(count: u16) -> u16 {
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for _ in 0..1000 {
        let first = some_port() & !1;
        let Some(end) = first.checked_add(count) else { continue };
        if (first..end).all(|port| !given.contains(&port) && is_free(port)) {
            given.extend(first..end);
            return first;
        }
    }
    panic!("no {count} free ports in a row on loopback");
}

/// One the kernel proposes.
fn some_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    socket.local_addr().expect("a bound socket has an address").port()
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{free, free_run};

    #[test]
    fn never_gives_a_port_twice() {
        let one = free();
        let run = free_run(4);
        assert!(!(run..run + 4).contains(&one));
        assert_eq!(run % 2, 0);
    }
}
