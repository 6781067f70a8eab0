//! rtnetlink: the kernel's word on interfaces, addresses and routes, less what changes nothing.
//!
//! Wireless scans, router advertisements that lengthen what is there and routes of the kernel's own come all day long;
//! none of them may wake anybody. Nor may an IPv6 address that is good on its own link alone: no way to a PBX begins at it, and
//! it comes seconds after the interface, once nobody else claims it (RFC 4862 section 5.4).

use super::fd::watched;
use crate::watch::word::{Teller, Word};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SocketFlags, SocketType, bind, netlink::SocketAddrNetlink, recv,
        socket_with,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

/// Interfaces, IPv4 addresses and routes, IPv6 addresses and routes (`rtnetlink(7)`).
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// Interfaces and addresses remembered.
const MOST_KNOWN: usize = 512;

/// Listens until the socket breaks.
pub(super) async fn listen(teller: &Teller) -> io::Result<()> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    // NETLINK_ROUTE is protocol 0, which is written as none.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    let socket = watched(socket)?;
    let mut known = Known::default();
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        let mut ready = socket.readable().await?;
        match recv(&socket, buffer.as_mut_slice(), RecvFlags::empty()) {
            Ok((_, length)) => {
                if known.changes(buffer.get(..length).unwrap_or(&buffer)) {
                    teller.tell(Word::Network);
                }
            }
            Err(Errno::AGAIN) => ready.clear_ready(),
            Err(Errno::INTR) => {}
            // More happened than the kernel could keep for us: something changed, most likely.
            Err(Errno::NOBUFS) => teller.tell(Word::Network),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What was heard of before: saying it again changes nothing.
#[derive(Debug, Default)]
struct Known {
    /// Whether an interface is up and its cable plugged in.
    links: BTreeMap<u32, u32>,
    /// Interface, prefix, address, and whether it is still being tried for duplicates.
    addresses: BTreeSet<(u32, u8, Vec<u8>, bool)>,
}

/// `IFF_UP`, `IFF_RUNNING` and `IFF_LOWER_UP` (`netdevice(7)`).
const LINK_FLAGS: u32 = 0x1 | 0x40 | 0x1_0000;
/// `IFA_F_TENTATIVE`.
const TENTATIVE: u8 = 0x40;
/// `IFA_ADDRESS`.
const ADDRESS: u16 = 1;
/// `AF_INET6`.
const INET6: u8 = 10;
/// `RTA_DST`.
const DESTINATION: u16 = 1;
/// `RTM_F_CLONED`: an entry of a cache, not a route.
const CLONED: u32 = 0x200;

impl Known {
    /// Whether any message of a datagram tells something new.
    fn changes(&mut self, mut bytes: &[u8]) -> bool {
        let mut changed = false;
        // nlmsghdr: length, kind, flags, sequence, port.
        while let (Some(length), Some(kind)) = (word(bytes, 0), half(bytes, 4)) {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let Some(body) = bytes.get(16..length) else { break };
            changed |= self.change(kind, body).unwrap_or(true);
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        changed
    }

    /// `None` for what cannot be read: better once too often than not at all.
    fn change(&mut self, kind: u16, body: &[u8]) -> Option<bool> {
        if self.links.len() + self.addresses.len() > MOST_KNOWN {
            *self = Self::default();
        }
        match kind {
            // RTM_NEWLINK, RTM_DELLINK: ifinfomsg.
            16 => {
                let (index, flags) = (word(body, 4)?, word(body, 8)? & LINK_FLAGS);
                Some(self.links.insert(index, flags) != Some(flags))
            }
            17 => {
                self.links.remove(&word(body, 4)?);
                Some(true)
            }
            // RTM_NEWADDR, RTM_DELADDR: ifaddrmsg.
            20 | 21 => {
                let (prefix, flags, index) = (*body.get(1)?, *body.get(2)?, word(body, 4)?);
                let address = attribute(body.get(8..)?, ADDRESS)?.to_vec();
                if link_local(*body.first()?, &address) {
                    return Some(false);
                }
                let tentative = flags & TENTATIVE != 0;
                self.addresses.remove(&(index, prefix, address.clone(), !tentative));
                let entry = (index, prefix, address, tentative);
                Some(if kind == 20 {
                    self.addresses.insert(entry)
                } else {
                    self.addresses.remove(&entry);
                    true
                })
            }
            // RTM_NEWROUTE, RTM_DELROUTE: rtmsg. Only routes that lead elsewhere (RTN_UNICAST) or forbid to.
            24 | 25 => {
                let leads = matches!(body.get(7)?, 1 | 6..=8) && word(body, 8)? & CLONED == 0;
                // The default route has no destination.
                let to = body.get(12..).and_then(|rest| attribute(rest, DESTINATION)).unwrap_or_default();
                Some(leads && !link_local(*body.first()?, to))
            }
            _ => Some(false),
        }
    }
}

/// Whether it is an address, or a network, of one link alone (RFC 4291 section 2.5.6).
fn link_local(family: u8, address: &[u8]) -> bool {
    family == INET6 && matches!(address, [0xfe, second, ..] if second & 0xc0 == 0x80)
}

/// The value of the first attribute of that kind (`rtattr`: length, kind, value, padding).
fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (length, kind) = (usize::from(half(bytes, 0)?), half(bytes, 2)?);
        let value = bytes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = (16 + u32::try_from(body.len()).unwrap()).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes
    }

    fn link(kind: u16, index: u32, flags: u32) -> Vec<u8> {
        message(kind, &[[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), [0; 4]].concat())
    }

    fn address(kind: u16, flags: u8, last: u8) -> Vec<u8> {
        let mut body = vec![2, 24, flags, 0];
        body.extend(7_u32.to_ne_bytes());
        // An attribute before the one that counts, with padding behind it.
        body.extend([5_u16.to_ne_bytes(), 3_u16.to_ne_bytes()].concat());
        body.extend([b'x', 0, 0, 0]);
        body.extend([8_u16.to_ne_bytes(), 1_u16.to_ne_bytes()].concat());
        body.extend([192, 0, 2, last]);
        message(kind, &body)
    }

    fn route(kind: u16, sort: u8, flags: u32) -> Vec<u8> {
        let mut body = vec![2, 0, 0, 0, 254, 3, 0, sort];
        body.extend(flags.to_ne_bytes());
        message(kind, &body)
    }

    #[test]
    fn what_is_said_again_changes_nothing() {
        let mut known = Known::default();
        assert!(known.changes(&link(16, 2, 0x1)));
        assert!(!known.changes(&link(16, 2, 0x1)), "a wireless scan");
        assert!(known.changes(&link(16, 2, 0x1_0041)), "the cable is plugged in");
        assert!(known.changes(&link(17, 2, 0)));
        assert!(known.changes(&address(20, 0, 1)));
        assert!(!known.changes(&address(20, 0, 1)), "a lease that was lengthened");
        assert!(known.changes(&address(20, TENTATIVE, 2)));
        assert!(known.changes(&address(20, 0, 2)), "it can be used from now on");
        assert!(known.changes(&address(21, 0, 1)));
        assert!(known.changes(&address(20, 0, 1)), "it came back");
        assert!(known.changes(&route(24, 1, 0)) && known.changes(&route(25, 7, 0)));
        for (sort, flags) in [(2, 0), (3, 0), (5, 0), (1, CLONED)] {
            assert!(!known.changes(&route(24, sort, flags)), "{sort} {flags}");
        }
        assert!(!known.changes(&message(28, &[0; 12])), "neighbours are none of ours");
    }

    /// Address or route of IPv6: the first two bytes of it, behind the head of its message.
    fn v6(kind: u16, head: &[u8], start: [u8; 2]) -> Vec<u8> {
        let mut body = head.to_vec();
        body.extend([20_u16.to_ne_bytes(), 1_u16.to_ne_bytes()].concat());
        body.extend(start);
        body.extend([0; 14]);
        message(kind, &body)
    }

    #[test]
    fn what_is_good_on_one_link_alone_wakes_nobody() {
        let mut known = Known::default();
        let address = |flags, start| v6(20, &[[INET6, 64, flags, 253], [7, 0, 0, 0]].concat(), start);
        let route = |start| v6(24, &[&[INET6, 64, 0, 0, 254, 2, 0, 1][..], &[0; 4]].concat(), start);
        for (flags, start) in [(TENTATIVE, [0xfe, 0x80]), (0, [0xfe, 0x80]), (0, [0xfe, 0xbf])] {
            assert!(!known.changes(&address(flags, start)), "{flags} {start:x?}");
        }
        assert!(!known.changes(&v6(21, &[INET6, 64, 0, 253, 7, 0, 0, 0], [0xfe, 0x80])), "nor when it goes");
        assert!(!known.changes(&route([0xfe, 0x80])));
        for start in [[0x20, 0x01], [0xfd, 0x00], [0xfe, 0xc0]] {
            assert!(known.changes(&address(TENTATIVE, start)), "{start:x?}");
            assert!(known.changes(&address(0, start)), "{start:x?}: it can be used from now on");
            assert!(known.changes(&route(start)), "{start:x?}");
        }
        assert!(
            known.changes(&message(24, &[&[INET6, 0, 0, 0, 254, 2, 0, 1][..], &[0; 4]].concat())),
            "::/0"
        );
    }

    #[test]
    fn every_message_of_a_datagram_counts_and_what_is_cut_harms_nobody() {
        let mut known = Known::default();
        let mut both = message(28, &[0; 9]);
        both.resize(both.len().next_multiple_of(4), 0);
        both.extend(address(20, 0, 9));
        for cut in 0..both.len() {
            Known::default().changes(&both[..cut]);
        }
        assert!(known.changes(&both));
        assert!(!known.changes(&[]) && !known.changes(&[0; 16]));
        assert!(known.changes(&message(24, &[1])), "what cannot be read may be anything");
    }

    #[test]
    fn memory_is_bounded() {
        let mut known = Known::default();
        for index in 0..10_000 {
            known.changes(&link(16, index, 1));
        }
        assert!(known.links.len() <= MOST_KNOWN + 1);
    }
}
