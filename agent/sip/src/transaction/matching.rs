//! Which transaction a message belongs to (RFC 3261 sections 8.2.2.2, 17.1.3 and 17.2.3).

use crate::message::{FieldError, Method, Request, Text, Via, name};

/// What the messages of one server transaction have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ServerKey(Vec<u8>);

/// What the copies of one request have in common that came over different paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct MergeKey(Vec<u8>);

impl ServerKey {
    /// The key of the transaction `request` belongs to (an ACK: that of its INVITE).
    pub(super) fn of(request: &Request, via: &Via) -> Result<Self, FieldError> {
        let method = if request.method == Method::Ack { &Method::Invite } else { &request.method };
        Self::with_method(request, via, method)
    }

    /// The key of the INVITE that this CANCEL is about.
    pub(super) fn cancelled(request: &Request, via: &Via) -> Result<Self, FieldError> {
        Self::with_method(request, via, &Method::Invite)
    }

    fn with_method(request: &Request, via: &Via, method: &Method) -> Result<Self, FieldError> {
        let headers = &request.headers;
        Ok(Self(match via.transaction_branch() {
            // Whose branches are not unique, against section 8.1.1.7, has calls all the same: Call-ID tells them apart.
            Some(branch) => {
                let sent_by = format!("{}:{}", via.host, via.port.unwrap_or(0)).to_ascii_lowercase();
                let call_id = headers.call_id().unwrap_or_default();
                joined(&[method.as_bytes(), branch, sent_by.as_bytes(), &call_id])
            }
            // RFC 2543 knew no branches: everything that stays the same is compared. The To tag is left out, for an
            // ACK repeats ours and the INVITE has none; CSeq tells a re-INVITE apart.
            None => {
                let uri = request.uri.to_string();
                let from = headers.from()?.tag().cloned().unwrap_or_default();
                let (call_id, number) = (headers.call_id()?, headers.cseq()?.number.to_string());
                let via = headers.get(name::VIA).cloned().unwrap_or_default();
                joined(&[method.as_bytes(), uri.as_bytes(), &from, &call_id, number.as_bytes(), &via])
            }
        }))
    }
}

impl MergeKey {
    /// `None` for requests within dialogs, which cannot be merged.
    pub(super) fn of(request: &Request) -> Result<Option<Self>, FieldError> {
        let headers = &request.headers;
        if headers.to()?.tag().is_some() || matches!(request.method, Method::Ack | Method::Cancel) {
            return Ok(None);
        }
        let from = headers.from()?.tag().cloned().unwrap_or_default();
        let (call_id, cseq) = (headers.call_id()?, headers.cseq()?.to_string());
        Ok(Some(Self(joined(&[&from, &call_id, cseq.as_bytes()]))))
    }
}

/// What a response is matched to its request by.
pub(super) fn client_key(branch: &Text, method: &Method) -> (Text, Text) {
    (branch.clone(), method.as_bytes().into())
}

/// The pieces with their lengths between them, so that no two lists look alike.
fn joined(pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pieces.iter().map(|piece| piece.len() + 4).sum());
    for piece in pieces {
        out.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        out.extend_from_slice(piece);
    }
    out
}
