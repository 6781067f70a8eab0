//! The same bytes read by our parser and by two others: where ours stands alone, either an RFC decides, and the case is in
//! the table of known ones, or it is a finding.
//!
//! Alone is who takes a message that both others refuse, who refuses one that both others take, and who reads a field of a
//! message that all three take as none of the others does. Where the others differ from each other, and one agrees with
//! us, the quirk is the third's.

mod known;
mod ours;
mod peers;
mod reading;
mod wire;

pub use known::{KNOWN, Known};
use peers::PEERS;
pub use reading::{Alone, Field, Peer, Reading};

/// The target: what only we read so, for no reason that is known, is a finding.
pub fn differential(bytes: &[u8]) {
    compare(bytes, |alone| assert!(known(alone).is_some(), "{}", describe(alone)));
}

/// The row of the table that decides this case.
pub fn known(alone: &Alone<'_>) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.decides(alone))
}

/// For people.
pub fn describe(alone: &Alone<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let theirs: Vec<_> = PEERS
        .iter()
        .zip(alone.theirs)
        .map(|((peer, _), read)| format!("{peer:?} {:?}", read.map(text)))
        .collect();
    format!(
        "{:?}: we read {:?}, {}:\n{}",
        alone.field,
        alone.ours.map(text),
        theirs.join(", "),
        text(alone.message)
    )
}

/// Reads the bytes with every parser and tells what ours alone reads as it does.
pub fn compare(bytes: &[u8], mut tell: impl FnMut(&Alone<'_>)) {
    let ours = PEERS.map(|(peer, _)| ours::read(bytes, peer));
    let theirs = PEERS.map(|(_, read)| read(bytes));
    let [Ok(mine), Ok(mine_again)] = &ours else {
        if let ([Err(wrong), _], [Some(_), Some(_)]) = (&ours, &theirs) {
            let wrong = wrong.to_string();
            let alone = Alone {
                field: Field::Refused,
                ours: Some(wrong.as_bytes()),
                theirs: [None; 2],
                message: bytes,
            };
            tell(&alone);
        }
        return;
    };
    let [Some(first), Some(second)] = &theirs else {
        if theirs == [None, None] {
            tell(&Alone { field: Field::Taken, ours: None, theirs: [None; 2], message: bytes });
        }
        return;
    };
    for &field in Field::INSIDE {
        let ours = [mine, mine_again].map(|reading| reading.get(&field).map(Vec::as_slice));
        let theirs = [first, second].map(|reading| reading.get(&field).map(Vec::as_slice));
        if ours.iter().zip(&theirs).all(|(ours, theirs)| ours != theirs) {
            tell(&Alone { field, ours: ours[0], theirs, message: bytes });
        }
    }
}
