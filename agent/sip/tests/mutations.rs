//! Random damage to real messages: nothing panics, and what is read prints and reads back the same.

use agent_sip::{
    auth::challenges,
    message::{Abilities, Message, StreamDecoder, check_request, check_response},
};
use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any, prop_assert_eq, proptest},
    sample::Index,
};
use std::{fs, path::Path, sync::LazyLock};

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let entries = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "dat")).collect();
    paths.sort();
    let mut seeds: Vec<_> = paths.iter().map(|path| fs::read(path).expect("a message")).collect();
    seeds.push(b"SIP/2.0 401 No\r\nVia: SIP/2.0/UDP h\r\nWWW-Authenticate: Digest realm=\"a\\\"b\", nonce=\"c\", qop=\"auth,auth-int\", algorithm=SHA-256, Basic x=y\r\nContent-Length: 0\r\n\r\n".to_vec());
    seeds
});

/// One act of damage: where, what kind, with what byte.
type Damage = (Index, u8, u8);

fn damage(seed: &[u8], acts: &[Damage]) -> Vec<u8> {
    const SHARP: &[u8] = b"\r\n\t \"\\<>;:,=@%?/[]()\0\xff\xc3-9";
    let mut bytes = seed.to_vec();
    for (place, kind, byte) in acts {
        if bytes.is_empty() {
            break;
        }
        let at = place.index(bytes.len());
        let sharp = SHARP[usize::from(*byte) % SHARP.len()];
        match kind % 7 {
            0 => bytes[at] = *byte,
            1 => bytes[at] = sharp,
            2 => bytes.insert(at, sharp),
            3 => drop(bytes.remove(at)),
            4 => bytes.truncate(at),
            5 => {
                let end = (at + usize::from(*byte)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => drop(bytes.drain(at..(at + usize::from(*byte)).min(bytes.len()))),
        }
    }
    bytes
}

fn look_at(message: &Message) {
    let headers = message.headers();
    let _ = (
        headers.vias(),
        headers.from(),
        headers.to(),
        headers.contacts(),
        headers.cseq(),
        headers.retry_after(),
    );
    let _ = (challenges(headers), message.body_of("application/sdp"));
    match message {
        Message::Request(request) => {
            if let Err(no) = check_request(request, &Abilities::PHONE) {
                let _ = no.response(request, Some("t")).to_bytes();
            }
        }
        Message::Response(response) => drop(check_response(response)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_datagrams(seed in any::<Index>(), acts in vec(any::<Damage>(), 0..8)) {
        let bytes = damage(&SEEDS[seed.index(SEEDS.len())], &acts);
        match Message::parse_datagram(&bytes) {
            Ok(message) => {
                look_at(&message);
                let printed = message.to_bytes();
                let again = Message::parse_datagram(&printed);
                prop_assert_eq!(again.as_ref(), Ok(&message));
                // Typed fields print and read back the same too.
                if let Ok(from) = message.headers().from() {
                    let again = agent_sip::message::NameAddr::parse(&from.to_bytes());
                    prop_assert_eq!(again.as_ref(), Ok(&from), "{}", from);
                }
                if let Ok(via) = message.headers().via() {
                    let again = agent_sip::message::Via::parse_list(&via.to_bytes());
                    prop_assert_eq!(again.as_deref(), Ok(&[via][..]));
                }
            }
            Err(error) => {
                if let Some((request, no)) = error.answer() {
                    let answer = no.response(request, Some("t")).to_bytes();
                    proptest::prop_assert!(Message::parse_datagram(&answer).is_ok());
                }
            }
        }
    }

    #[test]
    fn damaged_streams(seeds in vec(any::<Index>(), 1..4), acts in vec(any::<Damage>(), 0..8), size in 1_usize..200) {
        let joined: Vec<u8> = seeds.iter().flat_map(|seed| SEEDS[seed.index(SEEDS.len())].clone()).collect();
        let bytes = damage(&joined, &acts);
        let run = |size: usize| {
            let mut decoder = StreamDecoder::new();
            let mut items = Vec::new();
            for piece in bytes.chunks(size) {
                decoder.push(piece);
                items.extend(std::iter::from_fn(|| decoder.next_item()));
            }
            items
        };
        prop_assert_eq!(run(size), run(bytes.len().max(1)), "the cut must not matter");
    }
}
