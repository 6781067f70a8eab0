//! Who the other side is, as the wire says it.

use serde::{Deserialize, Serialize};

/// The other party as signalled. Every field is a stranger's text: data, never markup, option or path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Party {
    /// The number or user part, as the wire carried it (percent escapes decoded); empty when withheld.
    pub number: String,
    /// The display name, if one was sent, already turned into UTF-8.
    pub name: Option<String>,
    /// The whole address (`sip:…`), for calling back and for logs at DEBUG.
    pub uri: String,
    /// The caller asked not to be shown (RFC 3323, or `anonymous.invalid`).
    pub withheld: bool,
}

/// A session description (RFC 8866), opaque to the core: media writes and reads it, SIP carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdp(pub Vec<u8>);
