//! SIP messages (RFC 3261 sections 7, 19, 20, 25): a lenient parser over bytes, a strict printer, and the words between.
//!
//! What is read stays bytes: a display name in Latin-1 or broken UTF-8 survives parsing, printing and answering.
//! [`Message::parse_datagram`] reads what one datagram holds, [`StreamDecoder`] cuts a stream into messages, and
//! [`check_request`] says how a server must refuse what it cannot serve. Everything here is pure.

mod address;
mod check;
mod decode;
mod fields;
mod headers;
mod host;
mod lex;
mod limits;
mod method;
mod model;
mod multipart;
mod params;
mod print;
mod reply;
mod stream;
mod text;
mod uri;
mod via;

pub use address::{Contacts, NameAddr};
pub use check::{Abilities, Rejection, check_request, check_response};
pub use decode::{Malformed, ParseError};
pub use fields::{CSeq, MediaType};
pub use headers::{Header, Headers, name};
pub use host::Host;
pub use lex::FieldError;
pub(crate) use lex::{find_outside, unescape};
pub use limits::{MAX_HEADERS, MAX_ITEMS, MAX_LINE, MAX_MESSAGE, MAX_PARAMS};
pub use method::Method;
pub use model::{Message, Request, Response};
pub use params::{Param, Params};
pub use reply::phrase;
pub use stream::{StreamDecoder, StreamItem};
pub use text::Text;
pub use uri::{SipUri, TelUri, Uri, escape_user};
pub use via::Via;
