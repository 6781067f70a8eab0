//! The words of the comparison: what is read, by whom, and what is read differently.

use std::collections::BTreeMap;

/// What ours may be alone with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// A message that we alone take.
    Taken,
    /// A message that we alone refuse.
    Refused,
    /// A request's method.
    Method,
    /// `sip` or `sips` of the Request-URI.
    Scheme,
    /// The user part of the Request-URI.
    User,
    /// The host of the Request-URI, in lower case.
    Host,
    /// The port of the Request-URI, empty when none is written.
    Port,
    /// A response's status code.
    Status,
    /// The Call-ID.
    CallId,
    /// The number of CSeq.
    CSeqNumber,
    /// The method of CSeq.
    CSeqMethod,
    /// The branch of the topmost Via.
    Branch,
    /// The body, as Content-Length cuts it.
    Body,
}

impl Field {
    /// What is read inside of a message.
    pub const INSIDE: &[Self] = &[
        Self::Method,
        Self::Scheme,
        Self::User,
        Self::Host,
        Self::Port,
        Self::Status,
        Self::CallId,
        Self::CSeqNumber,
        Self::CSeqMethod,
        Self::Branch,
        Self::Body,
    ];
}

/// What a parser read. A field that is missing here could not be read.
pub type Reading = BTreeMap<Field, Vec<u8>>;

/// Another parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The crate `rsip`.
    Rsip,
    /// The crate `ezk-sip-types`.
    Ezk,
}

/// What ours alone reads as it does.
#[derive(Debug)]
pub struct Alone<'a> {
    /// What.
    pub field: Field,
    /// What we read, `None` when we refuse the field; for a message that we alone refuse, why.
    pub ours: Option<&'a [u8]>,
    /// What the two others read, in the order of [`Peer`].
    pub theirs: [Option<&'a [u8]>; 2],
    /// The whole message.
    pub message: &'a [u8],
}

impl Alone<'_> {
    /// Whether one of the others reads something, and that holds for what we read and what each of them does.
    pub(super) fn others(&self, holds: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        let mut theirs = self.theirs.iter().flatten().peekable();
        theirs.peek().is_some() && self.ours.is_some_and(|ours| theirs.all(|theirs| holds(ours, theirs)))
    }
}
