//! What our parser reads.

use crate::targets::differential::reading::{Field, Peer, Reading};
use agent_sip::message::{Malformed, Message, Uri, name};

/// What we read, in the words of `peer`: one of them hands the user part over as it was written, the other decodes it.
pub(super) fn read(bytes: &[u8], peer: Peer) -> Result<Reading, Malformed> {
    let message = Message::parse_datagram(bytes).map_err(|wrong| wrong.what)?;
    let mut reading = Reading::new();
    match &message {
        Message::Request(request) => {
            reading.insert(Field::Method, request.method.as_bytes().to_vec());
            uri(&request.uri, peer, &mut reading);
        }
        Message::Response(response) => {
            reading.insert(Field::Status, response.status.to_string().into_bytes());
        }
    }
    let headers = message.headers();
    // What may stand once and stands twice is refused as `check_request` does it.
    let once = |name| headers.all(name).count() == 1;
    if let Ok(id) = headers.call_id()
        && once(name::CALL_ID)
    {
        reading.insert(Field::CallId, id.to_vec());
    }
    if let Ok(cseq) = headers.cseq()
        && once(name::CSEQ)
    {
        reading.insert(Field::CSeqNumber, cseq.number.to_string().into_bytes());
        reading.insert(Field::CSeqMethod, cseq.method.as_bytes().to_vec());
    }
    if let Ok(via) = headers.via()
        && let Some(branch) = via.branch()
    {
        reading.insert(Field::Branch, branch.to_vec());
    }
    reading.insert(Field::Body, message.body().to_vec());
    Ok(reading)
}

fn uri(uri: &Uri, peer: Peer, reading: &mut Reading) {
    let Uri::Sip(uri) = uri else { return };
    reading.insert(Field::Scheme, if uri.secure { b"sips".to_vec() } else { b"sip".to_vec() });
    let user = match peer {
        Peer::Rsip => uri.user.clone(),
        Peer::Ezk => uri.user_text(),
    };
    reading.insert(Field::User, user.unwrap_or_default().to_vec());
    reading.insert(Field::Host, uri.host.to_plain().to_ascii_lowercase().into_bytes());
    reading.insert(Field::Port, uri.port.map(|port| port.to_string()).unwrap_or_default().into_bytes());
}
