//! The words of the comparison: what is read, by whom, and what is read differently.

use std::collections::BTreeMap;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The message as a whole: they read it, and we say what is wrong with it.
    Message,
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

/// One field read in two ways.
#[derive(Debug)]
pub struct Difference<'a> {
    /// Who reads it differently.
    pub peer: Peer,
    /// What.
    pub field: Field,
    /// What we read; `None` when we refuse the field.
    pub ours: Option<&'a [u8]>,
    /// What they read.
    pub theirs: &'a [u8],
    /// The whole message.
    pub message: &'a [u8],
}
