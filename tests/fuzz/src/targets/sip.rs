//! SIP: whatever comes, the parser neither panics nor loops; what it has read it prints so that it reads the same again.

use agent_sip::message::{
    Abilities, MAX_MESSAGE, Message, Rejection, StreamDecoder, StreamItem, check_request, check_response,
};

/// One datagram: read, looked into, checked as a server does, answered, printed, read again.
pub fn datagram(bytes: &[u8]) {
    match Message::parse_datagram(bytes) {
        Ok(message) => {
            look_into(&message);
            answer(&message);
            reads_the_same(&message);
        }
        Err(wrong) => {
            if let Some((request, rejection)) = wrong.answer() {
                answer_is_readable(&rejection, request);
            }
        }
    }
}

/// A stream: cut anywhere, it says the same as in one piece. The first byte says how long the pieces are.
pub fn stream(bytes: &[u8]) {
    let Some((&step, bytes)) = bytes.split_first() else { return };
    let whole = items(bytes, bytes.len().max(1));
    let pieces = items(bytes, usize::from(step).max(1));
    assert_eq!(whole, pieces, "how a stream is cut changes what it says");
}

fn items(bytes: &[u8], step: usize) -> Vec<StreamItem> {
    let mut decoder = StreamDecoder::new();
    let mut items = Vec::new();
    for piece in bytes.chunks(step) {
        decoder.push(piece);
        while let Some(item) = decoder.next_item() {
            let last = matches!(item, StreamItem::Fatal(_));
            items.push(item);
            if last {
                assert!(decoder.next_item().is_none(), "something follows the end of a stream");
                return items;
            }
        }
        assert!(decoder.pending() <= MAX_MESSAGE + step, "the decoder hoards");
    }
    items
}

/// Every typed reading of a header; what they say matters elsewhere, that they return matters here.
fn look_into(message: &Message) {
    let headers = message.headers();
    let _ = (headers.vias(), headers.from(), headers.to(), headers.call_id(), headers.cseq());
    let _ = (headers.contacts(), headers.contact(), headers.max_forwards(), headers.expires());
    let _ = (headers.min_expires(), headers.retry_after(), headers.content_type());
    for name in ["Route", "Record-Route", "P-Asserted-Identity", "Refer-To"] {
        let _ = headers.addresses(name);
    }
    for name in ["Supported", "Require", "Allow", "Accept"] {
        let _ = headers.words(name);
    }
    let _ = message.body_of("application/sdp");
}

fn answer(message: &Message) {
    match message {
        Message::Request(request) => {
            if let Err(rejection) = check_request(request, &Abilities::PHONE) {
                answer_is_readable(&rejection, request);
            }
        }
        Message::Response(response) => {
            let _ = check_response(response);
        }
    }
}

fn answer_is_readable(rejection: &Rejection, request: &agent_sip::message::Request) {
    let printed = rejection.response(request, Some("tag")).to_bytes();
    // An answer repeats the asker's Via, From, To, Call-ID and CSeq and may outgrow a datagram by that.
    if printed.len() > MAX_MESSAGE {
        return;
    }
    match Message::parse_datagram(&printed) {
        Ok(Message::Response(read)) => assert_eq!(read.status, rejection.status),
        other => panic!("our own answer cannot be read: {other:?}\n{}", String::from_utf8_lossy(&printed)),
    }
}

fn reads_the_same(message: &Message) {
    let printed = message.to_bytes();
    if printed.len() > MAX_MESSAGE {
        return;
    }
    let again = match Message::parse_datagram(&printed) {
        Ok(again) => again,
        Err(wrong) => panic!("our own print cannot be read: {wrong}\n{}", String::from_utf8_lossy(&printed)),
    };
    assert_eq!(printed, again.to_bytes(), "printed twice, two texts");
    assert_eq!(message.body(), again.body());
}
