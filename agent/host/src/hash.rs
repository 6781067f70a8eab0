//! SHA-256 and HMAC-SHA-256 over several pieces, each told apart from its neighbours.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

/// 256 bits.
pub(crate) type Digest = [u8; 32];

/// The SHA-256 of pieces; each is preceded by its length, so that no two lists of pieces have the same one.
pub(crate) fn digest<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(length(piece));
        hash.update(piece);
    }
    hash.finalize().into()
}

/// The HMAC-SHA-256 (RFC 2104) of pieces, told apart as in [`digest`].
pub(crate) fn seal<'a>(key: &Digest, pieces: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    mac(key, pieces).finalize().into_bytes().into()
}

/// Whether `seal` is the HMAC of the pieces; takes the same time wherever they differ.
pub(crate) fn sealed<'a>(key: &Digest, pieces: impl IntoIterator<Item = &'a [u8]>, seal: &[u8]) -> bool {
    mac(key, pieces).verify_slice(seal).is_ok()
}

fn mac<'a>(key: &Digest, pieces: impl IntoIterator<Item = &'a [u8]>) -> Hmac<Sha256> {
    // RFC 2104 section 2 pads a key shorter than the hash's block with zeros; done here, nothing can fail.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut keyed = Hmac::<Sha256>::new(&block.into());
    for piece in pieces {
        keyed.update(&length(piece));
        keyed.update(piece);
    }
    keyed
}

fn length(piece: &[u8]) -> [u8; 8] {
    u64::try_from(piece.len()).unwrap_or(u64::MAX).to_le_bytes()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{digest, hex, seal, sealed};

    #[test]
    fn pieces_are_told_apart() {
        assert_ne!(digest([&b"ab"[..], b"c"]), digest([&b"a"[..], b"bc"]));
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
    }

    #[test]
    fn a_seal_holds_for_its_key_and_its_text_only() {
        let made = seal(&[1; 32], [&b"text"[..]]);
        assert!(sealed(&[1; 32], [&b"text"[..]], &made));
        assert!(!sealed(&[2; 32], [&b"text"[..]], &made));
        assert!(!sealed(&[1; 32], [&b"Text"[..]], &made));
        assert!(!sealed(&[1; 32], [&b"text"[..]], &made[..31]));
    }
}
