//! The differences that an RFC decides, each with the section that does.

use crate::targets::differential::{
    reading::{Difference, Field, Peer},
    wire,
};

/// A difference that is known.
pub struct Known {
    /// Who reads it so.
    pub peers: &'static [Peer],
    /// What is read so; none means anything.
    pub fields: &'static [Field],
    /// What they do, and what the RFC says.
    pub why: &'static str,
    /// The section that decides.
    pub rfc: &'static str,
    /// Whether this is such a case.
    pub case: fn(&Difference<'_>) -> bool,
}

impl Known {
    /// Whether this row is about that difference.
    pub fn decides(&self, difference: &Difference<'_>) -> bool {
        let field = self.fields.is_empty() || self.fields.contains(&difference.field);
        field && self.peers.contains(&difference.peer) && (self.case)(difference)
    }
}

const BOTH: &[Peer] = &[Peer::Rsip, Peer::Ezk];

/// All of them.
pub static KNOWN: &[Known] = &[
    Known {
        peers: BOTH,
        fields: &[],
        why: "a CR or LF alone ends a line for us, for one of them or for none of them",
        rfc: "RFC 2543 section 3: receivers must take either for a line's end; RFC 3261 section 7 asks for both",
        case: |difference| wire::loose_line_ends(difference.message),
    },
    Known {
        peers: &[Peer::Rsip],
        fields: &[Field::Message],
        why: "it takes a message whose header fields do not end",
        rfc: "RFC 3261 section 7: the empty line must be there, even without a body",
        case: |difference| !wire::ends(difference.message),
    },
    Known {
        peers: BOTH,
        fields: &[Field::Message, Field::Scheme, Field::User, Field::Host, Field::Port, Field::Body],
        why: "a start line that is folded, or with more or fewer than two blanks, is read in some way",
        rfc: "RFC 3261 sections 7.1 and 25.1: three parts and single spaces; RFC 4475 sections 3.1.2.8 to 3.1.2.10",
        case: |difference| !wire::three_parts(difference.message),
    },
    Known {
        peers: &[Peer::Ezk],
        fields: &[Field::Message],
        why: "it takes letters of every script for a method",
        rfc: "RFC 3261 section 25.1: `token` is of ASCII",
        case: |difference| !wire::method(difference.message),
    },
    Known {
        peers: &[Peer::Ezk],
        fields: &[Field::Message],
        why: "it takes a parameter without a name",
        rfc: "RFC 3261 section 25.1: `pname` has one letter at least",
        case: |difference| wire::request_uri(difference.message).windows(2).any(|two| two == b";="),
    },
    Known {
        peers: BOTH,
        fields: &[Field::Message],
        why: "they take `SIP/2.00` or `SIP/2.0200` for the version",
        rfc: "RFC 3261 section 7.1: it must be SIP/2.0; RFC 4475 section 3.1.2.16",
        case: |difference| !wire::version(difference.message),
    },
    Known {
        peers: BOTH,
        fields: &[Field::Message],
        why: "they take any number for a status code",
        rfc: "RFC 3261 section 25.1: three digits, 1xx to 6xx; RFC 4475 section 3.1.2.19",
        case: |difference| {
            wire::status(difference.message).is_some_and(|status| !(100..700).contains(&status))
        },
    },
    Known {
        peers: BOTH,
        fields: &[Field::Message],
        why: "of several Content-Length that differ they take one",
        rfc: "RFC 3261 section 7.3.1: there is but one; RFC 4475 section 3.3.9: 400",
        case: |difference| wire::lengths(difference.message).len() > 1,
    },
    Known {
        peers: BOTH,
        fields: &[Field::Message],
        why: "Content-Length is no number: one takes its beginning, the other does not know the name `l`",
        rfc: "RFC 3261 section 20.14: digits and nothing else",
        case: |difference| {
            wire::lengths(difference.message).iter().any(|length| wire::number(length).is_none())
        },
    },
    Known {
        peers: &[Peer::Rsip],
        fields: &[Field::Message, Field::Body, Field::Branch, Field::CallId],
        why: "it does not know short names such as `l`, `i` and `v`",
        rfc: "RFC 3261 section 7.3.3: they may stand for the long ones at any time",
        case: |difference| !wire::values(difference.message, &[b"l", b"i", b"v"]).is_empty(),
    },
    Known {
        peers: &[Peer::Rsip],
        fields: &[Field::Message, Field::Scheme, Field::User, Field::Host, Field::Port],
        why: "it takes any word for a host, and a scheme that is not `sip` for a user or a host",
        rfc: "RFC 3261 sections 19.1.1 and 25.1: `SIP-URI`, `host`",
        case: |difference| !wire::plain_uri(difference.message),
    },
    Known {
        peers: BOTH,
        fields: &[Field::Method, Field::CSeqMethod],
        why: "they take `invite` for `INVITE`",
        rfc: "RFC 3261 section 7.1: methods are case-sensitive",
        case: |difference| difference.ours.is_some_and(|ours| ours.eq_ignore_ascii_case(difference.theirs)),
    },
    Known {
        peers: &[Peer::Ezk],
        fields: &[Field::Method, Field::CSeqMethod],
        why: "it takes `INVITES` for `INVITE`",
        rfc: "RFC 3261 section 25.1: a method is a whole token",
        case: begins,
    },
    Known {
        peers: BOTH,
        fields: &[Field::CallId, Field::CSeqNumber, Field::CSeqMethod],
        why: "of two Call-ID or CSeq they take one",
        rfc: "RFC 3261 sections 7.3.1 and 8.1.1: there is one, and a request with two is answered 400",
        case: |difference| {
            let names: &[&[u8]] =
                if difference.field == Field::CallId { &[b"call-id", b"i"] } else { &[b"cseq"] };
            difference.ours.is_none() && wire::values(difference.message, names).len() > 1
        },
    },
    Known {
        peers: BOTH,
        fields: &[Field::CSeqNumber, Field::CSeqMethod],
        why: "they take the beginning of a CSeq with more behind it",
        rfc: "RFC 3261 section 20.16: one number and one method",
        case: |difference| difference.ours.is_none() && !wire::plain_cseq(difference.message),
    },
    Known {
        peers: &[Peer::Rsip],
        fields: &[Field::User, Field::Host, Field::Port],
        why: "a dot in the user part makes it part of the host, and so does what stands behind a `?`",
        rfc: "RFC 3261 section 25.1: `unreserved` has a dot, and `headers` follow a `?`",
        case: |difference| wire::request_uri(difference.message).iter().any(|b| b".?".contains(b)),
    },
    Known {
        peers: &[Peer::Rsip],
        fields: &[Field::Body],
        why: "without any header field, the body begins one line later",
        rfc: "RFC 3261 section 7: the first empty line ends the head",
        case: |difference| wire::no_fields(difference.message),
    },
    Known {
        peers: BOTH,
        fields: &[Field::CallId],
        why: "they take a Call-ID of no letters",
        rfc: "RFC 3261 section 25.1: `callid` is a word, which has one letter at least",
        case: |difference| difference.ours.is_none() && difference.theirs.trim_ascii().is_empty(),
    },
    Known {
        peers: BOTH,
        fields: &[Field::CallId],
        why: "blanks and folds around and in a Call-ID stay as they are",
        rfc: "RFC 3261 section 7.3.1: blanks at the ends are no part of the value, and a fold is one space",
        case: |difference| {
            difference.ours.is_some_and(|ours| wire::words(ours) == wire::words(difference.theirs))
        },
    },
    Known {
        peers: BOTH,
        fields: &[Field::Branch],
        why: "they drop what follows a byte that no token has",
        rfc: "RFC 3261 section 17.2.3: branches are compared whole",
        case: begins,
    },
    Known {
        peers: &[Peer::Ezk],
        fields: &[Field::Branch],
        why: "it decodes percent escapes",
        rfc: "RFC 3261 section 25.1: a parameter of a header field is a token, where `%` means itself",
        case: |difference| difference.ours.is_some_and(|ours| ours.contains(&b'%')),
    },
    Known {
        peers: &[Peer::Ezk],
        fields: &[Field::Branch],
        why: "of two branches of one Via it takes the last, we the first",
        rfc: "RFC 3261 section 7.3.1: a parameter's name stands there once",
        case: |difference| wire::branch_twice(difference.message),
    },
    Known {
        peers: BOTH,
        fields: &[Field::Branch],
        why: "they take the beginning of a Via with something wrong in it",
        rfc: "RFC 3261 section 25.1: `via-parm`; RFC 4475 section 3.1.2.1: 400",
        case: |difference| difference.ours.is_none() && !wire::plain_vias(difference.message),
    },
];

/// Whether they read the beginning of what we read, in either case.
fn begins(difference: &Difference<'_>) -> bool {
    let start = difference.ours.and_then(|ours| ours.get(..difference.theirs.len()));
    start.is_some_and(|start| start.eq_ignore_ascii_case(difference.theirs))
}
