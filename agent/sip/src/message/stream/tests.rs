//! Streams in pieces of every size.

use super::{StreamDecoder, StreamItem};
use crate::message::{MAX_MESSAGE, Malformed, Message};

const ONE: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nContent-Length : 3\r\n\r\nabc";

fn all(pieces: &[&[u8]]) -> Vec<StreamItem> {
    let mut decoder = StreamDecoder::new();
    let mut items = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(item) = decoder.next_item() {
            items.push(item);
        }
    }
    items
}

fn kinds(items: &[StreamItem]) -> String {
    let kind = |item: &StreamItem| match item {
        StreamItem::Message(_) => 'M',
        StreamItem::Ping => 'P',
        StreamItem::Pong => 'p',
        StreamItem::Malformed(_) => 'x',
        StreamItem::Fatal(_) => 'X',
    };
    items.iter().map(kind).collect()
}

#[test]
fn every_cut_gives_the_same() {
    let stream = format!("{ONE}\r\n\r\n{ONE}\r\n{ONE}");
    let whole = all(&[stream.as_bytes()]);
    assert_eq!(kinds(&whole), "MpPMpM");
    for size in [1, 2, 3, 7, 50] {
        assert_eq!(all(&stream.as_bytes().chunks(size).collect::<Vec<_>>()), whole, "pieces of {size}");
    }
    assert!(whole.iter().any(|item| matches!(item, StreamItem::Message(m) if m.body() == &b"abc"[..])));
}

#[test]
fn two_answers_are_no_ping() {
    let mut decoder = StreamDecoder::new();
    let mut items = Vec::new();
    for _ in 0..3 {
        decoder.push(b"\r\n");
        items.extend(decoder.next_item());
        decoder.paused();
    }
    assert_eq!(kinds(&items), "ppp");
}

#[test]
fn a_bad_start_line_does_not_lose_the_place() {
    let stream = ONE.replace("SIP/2.0\r", "SIP/3.0\r") + ONE;
    assert_eq!(kinds(&all(&[stream.as_bytes()])), "xM");
}

#[test]
fn without_a_length_the_stream_ends() {
    for (stream, what) in [
        (ONE.replace("Content-Length : 3\r\n", ""), Malformed::NoContentLength),
        (ONE.replace(": 3", ": -3"), Malformed::ContentLength),
        (ONE.replace(": 3", ": 3\r\nl: 4"), Malformed::ContentLengths),
        (ONE.replace(": 3", &format!(": {MAX_MESSAGE}")), Malformed::TooLarge),
    ] {
        let items = all(&[stream.as_bytes(), ONE.as_bytes()]);
        let [StreamItem::Fatal(error)] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(error.what, what);
        assert!(error.answer().is_some(), "the sender is told");
    }
}

#[test]
fn a_head_without_end_is_not_collected_for_ever() {
    let mut decoder = StreamDecoder::new();
    for _ in 0..100 {
        decoder.push(&[b'x'; 1024]);
        if let Some(item) = decoder.next_item() {
            assert!(matches!(item, StreamItem::Fatal(_)));
            assert_eq!(decoder.pending(), 0);
            return;
        }
    }
    panic!("it took everything");
}

#[test]
fn a_long_body_in_small_pieces_costs_little() {
    let stream = ONE.replace(": 3", ": 60000").replace("abc", &"b".repeat(60_000));
    let started = std::time::Instant::now();
    let items = all(&stream.as_bytes().chunks(1).collect::<Vec<_>>());
    assert!(matches!(items.as_slice(), [StreamItem::Message(Message::Request(_))]));
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "quadratic: {:?}", started.elapsed());
}
