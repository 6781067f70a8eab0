//! What the two other parsers read, each through what it offers and nothing more.

use crate::targets::differential::reading::{Field, Peer, Reading};
use bytes::Bytes;
use ezk_sip_types::{
    Headers,
    header::typed::{CSeq, CallID, ContentLength, Via},
    host::Host,
    msg::{Line, MessageLine, PullParser},
    parse::Parse,
    uri::{SipUri, SipUriUserPart},
};
use rsip::{
    SipMessage,
    prelude::{HasHeaders, HeadersExt, ToTypedHeader, UntypedHeader},
};
use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

/// A parser: the fields it could read, `None` when it refuses the message.
type Read = fn(&[u8]) -> Option<Reading>;

/// Both, in the order of [`Peer`].
pub(super) const PEERS: [(Peer, Read); 2] = [(Peer::Rsip, rsip), (Peer::Ezk, ezk)];

fn rsip(bytes: &[u8]) -> Option<Reading> {
    let message = guarded(|| SipMessage::try_from(bytes).ok())?;
    let mut reading = Reading::new();
    match &message {
        SipMessage::Request(request) => {
            reading.insert(Field::Method, request.method.to_string().into_bytes());
            let uri = &request.uri;
            let scheme = uri.scheme.as_ref().map(ToString::to_string).unwrap_or_default();
            reading.insert(Field::Scheme, scheme.to_ascii_lowercase().into_bytes());
            reading.insert(Field::User, uri.user().unwrap_or_default().as_bytes().to_vec());
            reading.insert(Field::Host, uri.host().to_string().to_ascii_lowercase().into_bytes());
            let port = uri.port().map(ToString::to_string).unwrap_or_default();
            reading.insert(Field::Port, port.into_bytes());
        }
        SipMessage::Response(response) => {
            reading.insert(Field::Status, response.status_code.code().to_string().into_bytes());
        }
    }
    if let Ok(id) = message.call_id_header() {
        reading.insert(Field::CallId, id.value().as_bytes().to_vec());
    }
    if let Some(cseq) = guarded(|| message.cseq_header().ok()?.typed().ok()) {
        reading.insert(Field::CSeqNumber, cseq.seq.to_string().into_bytes());
        reading.insert(Field::CSeqMethod, cseq.method.to_string().into_bytes());
    }
    if let Some(via) = guarded(|| message.via_header().ok()?.typed().ok())
        && let Some(branch) = via.branch()
    {
        reading.insert(Field::Branch, branch.value().as_bytes().to_vec());
    }
    let lengths = message.headers().iter().filter_map(|header| match header {
        rsip::Header::ContentLength(length) => Some(length.value().trim().parse::<usize>().ok()),
        _ => None,
    });
    reading.insert(Field::Body, body(message.body(), lengths.last())?);
    Some(reading)
}

fn ezk(bytes: &[u8]) -> Option<Reading> {
    guarded(|| {
        let source = Bytes::copy_from_slice(bytes);
        let mut lines = PullParser::new(&source, 0);
        let text = |line| std::str::from_utf8(line).ok();
        let (rest, start) = MessageLine::parse(&source)(text(lines.next()?.ok()?)?).ok()?;
        if !rest.trim().is_empty() {
            return None;
        }
        let mut headers = Headers::new();
        for line in lines.by_ref() {
            let (_, line) = Line::parse(&source, text(line.ok()?)?).ok()?;
            headers.insert(line.name, line.value);
        }
        let mut reading = Reading::new();
        match start {
            MessageLine::Request(line) => {
                reading.insert(Field::Method, line.method.to_string().into_bytes());
                uri(&line.uri, &mut reading);
            }
            MessageLine::Response(line) => {
                reading.insert(Field::Status, line.code.into_u16().to_string().into_bytes());
            }
        }
        if let Ok(id) = headers.get_named::<CallID>() {
            reading.insert(Field::CallId, id.0.as_str().as_bytes().to_vec());
        }
        if let Ok(cseq) = headers.get_named::<CSeq>() {
            reading.insert(Field::CSeqNumber, cseq.cseq.to_string().into_bytes());
            reading.insert(Field::CSeqMethod, cseq.method.to_string().into_bytes());
        }
        if let Ok(via) = headers.get_named::<Via>()
            && let Some(branch) = via.params.get_val("branch")
        {
            reading.insert(Field::Branch, branch.as_str().as_bytes().to_vec());
        }
        let length =
            headers.try_get_named::<ContentLength>().map(|length| length.ok().map(|length| length.0));
        reading.insert(Field::Body, body(&source[lines.head_end()..], length)?);
        Some(reading)
    })
}

fn uri(uri: &SipUri, reading: &mut Reading) {
    reading.insert(Field::Scheme, if uri.sips { b"sips".to_vec() } else { b"sip".to_vec() });
    let user = match &uri.user_part {
        SipUriUserPart::Empty => "",
        SipUriUserPart::User(user) => user.as_str(),
        SipUriUserPart::UserPw(both) => both.user.as_str(),
    };
    reading.insert(Field::User, user.as_bytes().to_vec());
    let host = match &uri.host_port.host {
        Host::IP6(ip) => ip.to_string(),
        Host::IP4(ip) => ip.to_string(),
        Host::Name(name) => name.to_ascii_lowercase(),
    };
    reading.insert(Field::Host, host.into_bytes());
    let port = uri.host_port.port.map(|port| port.to_string()).unwrap_or_default();
    reading.insert(Field::Port, port.into_bytes());
}

/// Both leave Content-Length to whoever uses them: cuts the body as a datagram's reader must, and refuses the message when
/// the length cannot be kept (RFC 3261 section 18.3).
fn body(rest: &[u8], length: Option<Option<usize>>) -> Option<Vec<u8>> {
    match length {
        None => Some(rest.to_vec()),
        Some(length) => rest.get(..length?).map(<[u8]>::to_vec),
    }
}

/// Runs a parser that is not ours: its panic is its refusal, and libFuzzer, which ends the process at any panic, does
/// not hear of it.
fn guarded<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    thread_local!(static INSIDE: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                outer(info);
            }
        }));
    });
    INSIDE.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_default();
    INSIDE.set(false);
    result
}
