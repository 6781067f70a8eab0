//! Answers to requests: what is copied (RFC 3261 section 8.2.6) and what the codes are called (section 21).

use crate::message::{
    headers::{Headers, name},
    method::Method,
    model::{Request, Response},
    text::Text,
};
use bytes::Bytes;

impl Response {
    /// An answer to `request`: Via, From, To, Call-ID and CSeq are copied as they came, To gets `tag` when it has none;
    /// what makes a dialog copies Record-Route too (section 12.1.1), 100 copies Timestamp.
    pub fn to(request: &Request, status: u16, tag: Option<&str>) -> Self {
        let from = &request.headers;
        let mut headers = Headers::new();
        headers.copy(from, name::VIA);
        if (101..300).contains(&status)
            && matches!(request.method, Method::Invite | Method::Subscribe | Method::Refer)
        {
            headers.copy(from, name::RECORD_ROUTE);
        }
        headers.copy_first(from, name::FROM);
        headers.copy_first(from, name::TO);
        headers.copy_first(from, name::CALL_ID);
        headers.copy_first(from, name::CSEQ);
        if status == 100 {
            headers.copy_first(from, name::TIMESTAMP);
        }
        if let (Some(tag), Ok(to)) = (tag, from.to())
            && to.tag().is_none()
            && let Some(value) = headers.get(name::TO)
        {
            let tagged = [value.as_bytes(), b";tag=", tag.as_bytes()].concat();
            headers.set(name::TO, tagged);
        }
        Self { status, phrase: Text::from_static(phrase(status)), headers, body: Bytes::new() }
    }
}

/// What a status code is called.
pub fn phrase(status: u16) -> &'static str {
    match PHRASES.binary_search_by_key(&status, |(code, _)| *code) {
        Ok(at) => PHRASES[at].1,
        Err(_) => match status / 100 {
            1 => "Progress",
            2 => "OK",
            3 => "Redirection",
            4 => "Request Failure",
            5 => "Server Failure",
            _ => "Global Failure",
        },
    }
}

const PHRASES: &[(u16, &str)] = &[
    (100, "Trying"),
    (180, "Ringing"),
    (181, "Call Is Being Forwarded"),
    (182, "Queued"),
    (183, "Session Progress"),
    (200, "OK"),
    (202, "Accepted"),
    (300, "Multiple Choices"),
    (301, "Moved Permanently"),
    (302, "Moved Temporarily"),
    (305, "Use Proxy"),
    (380, "Alternative Service"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (402, "Payment Required"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (406, "Not Acceptable"),
    (407, "Proxy Authentication Required"),
    (408, "Request Timeout"),
    (410, "Gone"),
    (413, "Request Entity Too Large"),
    (414, "Request-URI Too Long"),
    (415, "Unsupported Media Type"),
    (416, "Unsupported URI Scheme"),
    (420, "Bad Extension"),
    (421, "Extension Required"),
    (422, "Session Interval Too Small"),
    (423, "Interval Too Brief"),
    (433, "Anonymity Disallowed"),
    (469, "Bad Info Package"),
    (480, "Temporarily Unavailable"),
    (481, "Call/Transaction Does Not Exist"),
    (482, "Loop Detected"),
    (483, "Too Many Hops"),
    (484, "Address Incomplete"),
    (485, "Ambiguous"),
    (486, "Busy Here"),
    (487, "Request Terminated"),
    (488, "Not Acceptable Here"),
    (489, "Bad Event"),
    (491, "Request Pending"),
    (493, "Undecipherable"),
    (500, "Server Internal Error"),
    (501, "Not Implemented"),
    (502, "Bad Gateway"),
    (503, "Service Unavailable"),
    (504, "Server Time-out"),
    (505, "Version Not Supported"),
    (513, "Message Too Large"),
    (600, "Busy Everywhere"),
    (603, "Decline"),
    (604, "Does Not Exist Anywhere"),
    (606, "Not Acceptable"),
];

#[cfg(test)]
mod tests {
    use super::{PHRASES, phrase};

    #[test]
    fn the_table_is_sorted() {
        assert!(PHRASES.is_sorted_by_key(|(code, _)| *code));
        assert_eq!(phrase(486), "Busy Here");
        assert_eq!(phrase(499), "Request Failure");
    }
}
