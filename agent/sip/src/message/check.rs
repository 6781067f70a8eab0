//! What a server must refuse, and how (RFC 3261 section 8.2; RFC 4475 tells the cases).

use crate::message::{
    address::Contacts,
    headers::{Headers, name},
    lex::FieldError,
    method::Method,
    model::{Request, Response},
    reply::phrase,
    uri::Uri,
};

/// What this server serves.
#[derive(Debug, Clone, Copy)]
pub struct Abilities<'a> {
    /// Methods that are served; others we know get 405, others 501.
    pub methods: &'a [Method],
    /// Extensions that may be required (Require); others get 420.
    pub extensions: &'a [&'a str],
    /// Bodies understood in requests that change a session, in lower case; others get 415.
    pub bodies: &'a [&'a str],
}

impl Abilities<'static> {
    /// A phone that makes and takes calls.
    pub const PHONE: Self = Self {
        methods: &[
            Method::Invite,
            Method::Ack,
            Method::Bye,
            Method::Cancel,
            Method::Options,
            Method::Info,
            Method::Prack,
            Method::Update,
            Method::Refer,
            Method::Notify,
            Method::Message,
        ],
        extensions: &["100rel", "199", "timer", "replaces", "norefersub"],
        bodies: &["application/sdp", "multipart/mixed"],
    };
}

impl Abilities<'_> {
    /// The value of our Allow header.
    pub fn allow(&self) -> String {
        self.methods.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// The value of our Supported header.
    pub fn supported(&self) -> String {
        self.extensions.join(", ")
    }

    /// 405, with the methods that are served (RFC 3261 section 8.2.1).
    pub fn not_allowed(&self) -> Rejection {
        Rejection::new(405, None).with(name::ALLOW, self.allow())
    }

    /// The value of our Accept header.
    pub fn accept(&self) -> String {
        self.bodies.join(", ")
    }
}

/// How a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The status code.
    pub status: u16,
    /// The reason phrase; for a 400 with what is wrong.
    pub phrase: String,
    /// Header fields the answer needs (Unsupported, Allow, Accept).
    pub headers: Vec<(&'static str, String)>,
}

impl Rejection {
    /// A refusal; `detail` goes into the phrase, in brackets.
    pub fn new(status: u16, detail: Option<String>) -> Self {
        let phrase = match detail {
            Some(detail) => format!("{} ({detail})", phrase(status)),
            None => phrase(status).to_owned(),
        };
        Self { status, phrase, headers: Vec::new() }
    }

    /// The answer; never to be sent for an ACK.
    pub fn response(&self, request: &Request, tag: Option<&str>) -> Response {
        let mut response = Response::to(request, self.status, tag);
        response.phrase = self.phrase.as_str().into();
        for (name, value) in &self.headers {
            response.headers.push(*name, value.as_str());
        }
        response
    }

    /// The same with a header field more.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<FieldError> for Rejection {
    fn from(wrong: FieldError) -> Self {
        Self::new(400, Some(wrong.to_string()))
    }
}

/// Whether a request can be served at all, in the order of RFC 3261 section 8.2: syntax (400), method (501, 405),
/// scheme (416), extensions (420), body (415), answer (406). Max-Forwards 0 is no reason: only who would forward
/// refuses it (RFC 4475 section 3.3.11). An ACK that fails is dropped, never answered.
pub fn check_request(request: &Request, abilities: &Abilities<'_>) -> Result<(), Rejection> {
    let headers = &request.headers;
    check_syntax(headers)?;
    let cseq = headers.cseq()?;
    // Before the mismatch: who knows what a method of the future does to CSeq (RFC 4475 section 3.1.2.18).
    if matches!(request.method, Method::Other(_)) && !abilities.methods.contains(&request.method) {
        return Err(Rejection::new(501, None).with(name::ALLOW, abilities.allow()));
    }
    if cseq.method != request.method {
        return Err(FieldError::new(name::CSEQ, "its method is not the request's").into());
    }
    if request.uri.as_sip().is_some_and(|uri| !uri.headers.is_empty()) {
        // RFC 3261 section 19.1.1: a Request-URI carries none, and whom they would fool is not known to us.
        return Err(FieldError::new("Request-URI", "it carries header fields").into());
    }
    if !abilities.methods.contains(&request.method) {
        return Err(abilities.not_allowed());
    }
    check_contact(request)?;
    if matches!(request.uri, Uri::Other(_)) {
        return Err(Rejection::new(416, None));
    }
    check_extensions(request, abilities)?;
    check_body(request, abilities)
}

/// Whether a response may be taken by who asked: one Via (section 8.1.3.3) and the fields that match it to a request.
pub fn check_response(response: &Response) -> Result<(), FieldError> {
    let headers = &response.headers;
    if headers.vias()?.len() > 1 {
        return Err(FieldError::new(name::VIA, "there is more than ours"));
    }
    headers.from()?;
    headers.to()?;
    headers.call_id()?;
    headers.cseq().map(|_| ())
}

fn check_syntax(headers: &Headers) -> Result<(), FieldError> {
    for single in [name::FROM, name::TO, name::CALL_ID, name::CSEQ, name::MAX_FORWARDS] {
        if headers.all(single).count() > 1 {
            return Err(FieldError::new(single, "there is more than one"));
        }
    }
    headers.vias()?;
    headers.from()?;
    headers.to()?;
    headers.call_id()?;
    headers.contacts()?;
    headers.addresses(name::RECORD_ROUTE)?;
    headers.addresses(name::ROUTE)?;
    headers.content_type().transpose().map(|_| ())
}

/// What names where we are to send the rest of a dialog names one place that can be sent to (RFC 3261 section 8.1.1.8). Whether
/// it may be missing depends on whether there is a dialog.
fn check_contact(request: &Request) -> Result<(), FieldError> {
    let targets =
        matches!(request.method, Method::Invite | Method::Update | Method::Subscribe | Method::Refer);
    if !targets || !request.headers.has(name::CONTACT) {
        return Ok(());
    }
    let wrong = |what| Err(FieldError::new(name::CONTACT, what));
    match request.headers.contacts()? {
        Contacts::All => wrong("it names everything"),
        Contacts::List(list) => match &list[..] {
            [one] if one.uri.as_sip().is_some() => Ok(()),
            [_] => wrong("it is no sip: address"),
            _ => wrong("there is not exactly one"),
        },
    }
}

fn check_extensions(request: &Request, abilities: &Abilities<'_>) -> Result<(), Rejection> {
    // Section 8.2.2.3: Require means nothing in CANCEL and ACK.
    if matches!(request.method, Method::Cancel | Method::Ack) {
        return Ok(());
    }
    let known =
        |word: &[u8]| abilities.extensions.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    let required = request.headers.words(name::REQUIRE);
    let unknown: Vec<_> = required.iter().filter(|word| !known(word)).map(ToString::to_string).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Rejection::new(420, None).with(name::UNSUPPORTED, unknown.join(", ")))
}

fn check_body(request: &Request, abilities: &Abilities<'_>) -> Result<(), Rejection> {
    if !matches!(request.method, Method::Invite | Method::Update | Method::Prack) {
        return Ok(());
    }
    let headers = &request.headers;
    if !request.body.is_empty() {
        let encoded =
            headers.words(name::CONTENT_ENCODING).iter().any(|word| !word.eq_ignore_case("identity"));
        if encoded {
            return Err(Rejection::new(415, None).with("Accept-Encoding", "identity".to_owned()));
        }
        // A body that does not say what it is can only be a session description.
        let kind = headers.content_type().transpose()?.map(|kind| kind.kind);
        if kind.is_some_and(|kind| !abilities.bodies.contains(&kind.as_str())) {
            return Err(Rejection::new(415, None).with(name::ACCEPT, abilities.accept()));
        }
    }
    if request.method == Method::Invite && !accepts_sdp(headers) {
        return Err(Rejection::new(406, None).with(name::ACCEPT, abilities.accept()));
    }
    Ok(())
}

/// Whether our answer, a session description, would be welcome (section 20.1). An empty Accept says nothing would be,
/// which nobody means who calls.
fn accepts_sdp(headers: &Headers) -> bool {
    let ranges = headers.words(name::ACCEPT);
    let fits = |range: &[u8]| {
        let end = range.iter().position(|&b| b == b';').unwrap_or(range.len());
        let range: Vec<u8> =
            range[..end].iter().filter(|b| **b != b' ').map(u8::to_ascii_lowercase).collect();
        matches!(range.as_slice(), b"application/sdp" | b"application/*" | b"*/*" | b"*")
    };
    ranges.is_empty() || ranges.iter().any(|range| fits(range))
}

#[cfg(test)]
mod tests;
