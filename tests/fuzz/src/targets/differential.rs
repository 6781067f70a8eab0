//! The same bytes read by our parser and by two others: what they read differently is either decided by an RFC, and
//! stands in the table of known differences, or it is a finding.
//!
//! A parser that refuses a message or a field says nothing about it: what of SIP that is broken may be read all the same
//! is what RFC 4475's table in `agent/sip/tests/torture` tells. What another parser reads and ours refuses counts.

mod known;
mod ours;
mod peers;
mod reading;
mod wire;

pub use known::{KNOWN, Known};
use peers::PEERS;
pub use reading::{Difference, Field, Peer, Reading};

/// The target: a difference that is not known is a finding.
pub fn differential(bytes: &[u8]) {
    compare(bytes, |difference| {
        assert!(known(difference).is_some(), "{}", describe(difference));
    });
}

/// The row of the table that decides this difference.
pub fn known(difference: &Difference<'_>) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.decides(difference))
}

/// For people.
pub fn describe(difference: &Difference<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{:?} reads {:?} as {:?}, we as {:?}:\n{}",
        difference.peer,
        difference.field,
        text(difference.theirs),
        difference.ours.map(text),
        text(difference.message)
    )
}

/// Reads the bytes with every parser and tells what differs.
pub fn compare(bytes: &[u8], mut differs: impl FnMut(&Difference<'_>)) {
    for (peer, read) in PEERS {
        let Some(theirs) = read(bytes) else { continue };
        let difference =
            |field, ours, theirs| Difference { peer: *peer, field, ours, theirs, message: bytes };
        let ours = match ours::read(bytes, *peer) {
            Ok(ours) => ours,
            Err(wrong) => {
                differs(&difference(Field::Message, Some(wrong.to_string().as_bytes()), b"a message"));
                continue;
            }
        };
        for (field, theirs) in &theirs {
            let ours = ours.get(field).map(Vec::as_slice);
            if ours != Some(theirs) {
                differs(&difference(*field, ours, theirs));
            }
        }
    }
}
