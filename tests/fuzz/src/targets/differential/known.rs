//! What ours alone reads as it does because an RFC says so, each with the section that does.

use crate::targets::differential::{
    reading::{Alone, Field},
    wire,
};

/// A case that is known.
pub struct Known {
    /// What of a message; none means anything.
    pub fields: &'static [Field],
    /// What we do, or what they do.
    pub why: &'static str,
    /// The section that decides.
    pub rfc: &'static str,
    /// Whether this is such a case.
    pub case: fn(&Alone<'_>) -> bool,
}

impl Known {
    /// Whether this row is about that case.
    pub fn decides(&self, alone: &Alone<'_>) -> bool {
        let field = self.fields.is_empty() || self.fields.contains(&alone.field);
        field && (self.case)(alone)
    }
}

/// All of them.
pub static KNOWN: &[Known] = &[
    Known {
        fields: &[],
        why: "a CR or LF alone ends a line for us, for one of them or for none of them",
        rfc: "RFC 2543 section 3: receivers must take either for a line's end; RFC 3261 section 7 asks for both",
        case: |alone| wire::loose_line_ends(alone.message),
    },
    Known {
        fields: &[Field::Taken],
        why: "a line that is no header field is passed over",
        rfc: "RFC 3261 section 8.2.2: malformed header fields that are not needed SHOULD be ignored",
        case: |alone| !wire::plain_names(alone.message),
    },
    Known {
        fields: &[Field::Taken],
        why: "they take no `sip/2.0` for `SIP/2.0`",
        rfc: "RFC 3261 section 7.1: the version is read in either case",
        case: |alone| wire::small_version(alone.message),
    },
    Known {
        fields: &[Field::Taken],
        why: "a byte of another alphabet than UTF-8, and none at all, may stand where a token may not",
        rfc: "RFC 3261 section 25.1 asks for UTF-8; a name in Latin-1 loses no call",
        case: |alone| !wire::utf8(alone.message),
    },
    Known {
        fields: &[Field::Taken, Field::Refused],
        why: "any scheme may be called, and of an address that is against the grammar each parser takes something else",
        rfc: "RFC 3261 section 8.2.2.1: another scheme is answered 416; sections 19.1.1 and 25.1: `SIP-URI`",
        case: |alone| !wire::plain_uri(alone.message),
    },
    Known {
        fields: &[Field::Taken],
        why: "they take no question mark within the headers of an address, and no header without a value",
        rfc: "RFC 3261 section 25.1: `hnv-unreserved` has it, and `hvalue` may be empty",
        case: |alone| wire::odd_headers(alone.message),
    },
    Known {
        fields: &[Field::Taken],
        why: "they take no escapes in an address that are not UTF-8",
        rfc: "RFC 3261 section 25.1: `escaped` is any two digits",
        case: |alone| !wire::escapes_are_utf8(alone.message),
    },
    Known {
        fields: &[
            Field::Taken,
            Field::Refused,
            Field::Scheme,
            Field::User,
            Field::Host,
            Field::Port,
            Field::Body,
        ],
        why: "a start line that is folded, or with more or fewer than two blanks, is read in some way",
        rfc: "RFC 3261 sections 7.1 and 25.1: three parts and single spaces; RFC 4475 sections 3.1.2.8 to 3.1.2.10",
        case: |alone| !wire::three_parts(alone.message),
    },
    Known {
        fields: &[Field::Refused],
        why: "they take `SIP/2.00` for the version",
        rfc: "RFC 3261 section 7.1: it must be SIP/2.0; RFC 4475 section 3.1.2.16",
        case: |alone| !wire::version(alone.message),
    },
    Known {
        fields: &[Field::Refused],
        why: "they take any number for a status code",
        rfc: "RFC 3261 section 25.1: three digits, 1xx to 6xx; RFC 4475 section 3.1.2.19",
        case: |alone| wire::status(alone.message).is_some_and(|status| !(100..700).contains(&status)),
    },
    Known {
        fields: &[Field::Refused],
        why: "they take a Content-Length with a sign before it",
        rfc: "RFC 3261 section 20.14: digits and nothing else",
        case: |alone| wire::lengths(alone.message).iter().any(|length| wire::number(length).is_none()),
    },
    Known {
        fields: &[Field::Refused, Field::Branch, Field::CallId],
        why: "they take any number of header fields, values and parameters, of any length",
        rfc: "RFC 3261 section 21.5.7: what is too large is answered 513",
        case: |alone| {
            (alone.ours.is_none() || alone.field == Field::Refused) && wire::beyond_limits(alone.message)
        },
    },
    Known {
        fields: &[Field::Refused],
        why: "of several Content-Length that differ they take one",
        rfc: "RFC 3261 section 7.3.1: there is but one; RFC 4475 section 3.3.9: 400",
        case: |alone| wire::lengths(alone.message).len() > 1,
    },
    Known {
        fields: &[Field::Refused, Field::Body, Field::Branch, Field::CallId],
        why: "it does not know short names such as `l`, `i` and `v`",
        rfc: "RFC 3261 section 7.3.3: they may stand for the long ones at any time",
        case: |alone| !wire::values(alone.message, &[b"l", b"i", b"v"]).is_empty(),
    },
    Known {
        fields: &[Field::Method, Field::CSeqMethod],
        why: "they take `invite` for `INVITE`",
        rfc: "RFC 3261 section 7.1: methods are case-sensitive",
        case: |alone| alone.others(|ours, theirs| ours.eq_ignore_ascii_case(theirs)),
    },
    Known {
        fields: &[Field::Method, Field::CSeqMethod],
        why: "it takes `INVITES` for `INVITE`",
        rfc: "RFC 3261 section 25.1: a method is a whole token",
        case: begins,
    },
    Known {
        fields: &[Field::CallId, Field::CSeqNumber, Field::CSeqMethod],
        why: "of two Call-ID or CSeq they take one",
        rfc: "RFC 3261 sections 7.3.1 and 8.1.1: there is one, and a request with two is answered 400",
        case: |alone| {
            let names: &[&[u8]] = if alone.field == Field::CallId { &[b"call-id", b"i"] } else { &[b"cseq"] };
            alone.ours.is_none() && wire::values(alone.message, names).len() > 1
        },
    },
    Known {
        fields: &[Field::CallId],
        why: "they take a Call-ID of no letters",
        rfc: "RFC 3261 section 25.1: `callid` is a word, which has one letter at least",
        case: |alone| {
            alone.theirs.iter().flatten().all(|theirs| wire::spaceless(theirs).is_empty())
                && alone.ours.is_none()
        },
    },
    Known {
        fields: &[Field::CallId],
        why: "blanks behind a Call-ID stay, or a form feed before it goes",
        rfc: "RFC 3261 section 7.3.1: blanks at the ends are no part of the value; a form feed is none (section 25.1)",
        case: |alone| alone.others(|ours, theirs| wire::spaceless(ours) == wire::spaceless(theirs)),
    },
    Known {
        fields: &[Field::CSeqNumber, Field::CSeqMethod],
        why: "they pass over white space of other alphabets around a CSeq",
        rfc: "RFC 3261 section 25.1: LWS is blanks, tabs and line ends, and no method has a form feed",
        case: |alone| alone.ours.is_none() && wire::foreign_space(alone.message),
    },
    Known {
        fields: &[Field::Branch],
        why: "they drop what stands before or behind a byte that no token has",
        rfc: "RFC 3261 section 17.2.3: branches are compared whole",
        case: |alone| alone.ours.is_some_and(|ours| !wire::token(ours)),
    },
    Known {
        fields: &[Field::Branch],
        why: "it decodes percent escapes",
        rfc: "RFC 3261 section 25.1: a parameter of a header field is a token, where `%` means itself",
        case: |alone| alone.ours.is_some_and(|ours| ours.contains(&b'%')),
    },
    Known {
        fields: &[Field::Branch],
        why: "of two branches of one Via it takes the last, we the first",
        rfc: "RFC 3261 section 7.3.1: a parameter's name stands there once",
        case: |alone| wire::branch_twice(alone.message),
    },
    Known {
        fields: &[Field::Branch],
        why: "they take no `Branch` for `branch`, or no Via of a transport without a name of its own",
        rfc: "RFC 3261 section 7.3.1: names are read in either case; section 25.1: `other-transport` is any token",
        case: |alone| alone.theirs == [None; 2] && wire::odd_via(alone.message),
    },
    Known {
        fields: &[Field::Branch],
        why: "of a Via with something wrong in it they take the beginning, or we alone take what can be read",
        rfc: "RFC 3261 section 25.1: `via-parm`; RFC 4475 section 3.1.2.1: 400",
        case: |alone| (alone.ours.is_none() || alone.theirs == [None; 2]) && !wire::plain_vias(alone.message),
    },
];

/// Whether each of the others that reads something reads the beginning of what we read, in either case.
fn begins(alone: &Alone<'_>) -> bool {
    alone.others(|ours, theirs| {
        ours.get(..theirs.len()).is_some_and(|start| start.eq_ignore_ascii_case(theirs))
    })
}
