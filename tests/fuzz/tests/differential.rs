//! Mutations of every message of the corpora, read by our parser and by two others.

use fuzz::{
    corpus,
    targets::differential::{KNOWN, compare, describe},
};
use std::{collections::BTreeMap, fs};

/// Mutations of one message.
const ROUNDS: usize = 600;

#[test]
fn mutations_are_read_alike() {
    let mut findings = BTreeMap::new();
    let mut used = vec![false; KNOWN.len()];
    for message in mutations() {
        compare(&message, |alone| match KNOWN.iter().position(|row| row.decides(alone)) {
            Some(row) => used[row] = true,
            None => {
                findings.entry(format!("{:?}", alone.field)).or_insert(describe(alone));
            }
        });
    }
    for (what, example) in &findings {
        println!("{what}: {example}");
    }
    assert!(findings.is_empty(), "{} kinds of findings", findings.len());
    for (row, used) in KNOWN.iter().zip(used) {
        assert!(used, "nothing is decided by `{}`: it may go", row.why);
    }
}

/// Each message as it is, and with more and more small changes.
fn mutations() -> impl Iterator<Item = Vec<u8>> {
    let seeds = seeds();
    let mut random = 4475;
    (0..seeds.len() * ROUNDS).map(move |turn| {
        let mut message = seeds[turn / ROUNDS].clone();
        for _ in 0..(turn % ROUNDS).min(6) {
            mutate(&mut message, &seeds, &mut random);
        }
        message
    })
}

fn seeds() -> Vec<Vec<u8>> {
    let mut files: Vec<_> = ["sip-differential", "sip-datagram"]
        .into_iter()
        .flat_map(|name| fs::read_dir(corpus(name)).expect("a corpus"))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files.into_iter().map(|path| fs::read(path).expect("an input")).collect()
}

/// Bytes that mean something in SIP, and some that mean nothing.
const WORDS: &[&[u8]] = &[
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n ",
    b":",
    b";",
    b",",
    b"=",
    b"\"",
    b"<",
    b">",
    b"@",
    b"%",
    b"%40",
    b"[",
    b"]",
    b"?",
    b"/",
    b"\0",
    b"\xff",
    b"0",
    b"9",
    b"-",
    b"a",
    b"Z",
    b";branch=x",
    b"l: 1\r\n",
    b"\\",
];

/// One small change: bytes that mean something in SIP put in, taken out or doubled, or a line of another message.
fn mutate(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut u64) {
    let at = below(bytes.len() + 1, random);
    match below(5, random) {
        0 => {
            let word = WORDS[below(WORDS.len(), random)];
            bytes.splice(at..at, word.iter().copied());
        }
        1 if at < bytes.len() => {
            bytes.remove(at);
        }
        2 if at < bytes.len() => {
            let to = (at + 1 + below(20, random)).min(bytes.len());
            let piece = bytes[at..to].to_vec();
            bytes.splice(at..at, piece);
        }
        3 if at < bytes.len() => {
            let word = WORDS[below(WORDS.len(), random)];
            bytes[at] = word[0];
        }
        _ => {
            let other = &seeds[below(seeds.len(), random)];
            let lines: Vec<&[u8]> = other.split_inclusive(|&b| b == b'\n').collect();
            let line = lines.get(below(lines.len().max(1), random)).copied().unwrap_or_default();
            let starts: Vec<usize> =
                bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
            let start = starts.get(below(starts.len().max(1), random)).copied().unwrap_or(0);
            bytes.splice(start..start, line.iter().copied());
        }
    }
    bytes.truncate(10_000);
}

/// A number below `limit`, from a generator of Marsaglia's.
fn below(limit: usize, random: &mut u64) -> usize {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    usize::try_from(*random % limit as u64).unwrap_or(0)
}
