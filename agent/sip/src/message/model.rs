//! A request, a response, and either of them.

use crate::message::{headers::Headers, method::Method, text::Text, uri::Uri};
use bytes::Bytes;

/// A request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request (RFC 3261 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Of whom.
    pub uri: Uri,
    /// The header fields; Content-Length is not among them (the body's length is the truth).
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

/// A response (RFC 3261 section 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 100 to 699.
    pub status: u16,
    /// The reason phrase, for people.
    pub phrase: Text,
    /// The header fields; Content-Length is not among them (the body's length is the truth).
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl Message {
    /// The header fields.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Self::Request(request) => &mut request.headers,
            Self::Response(response) => &mut response.headers,
        }
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => &request.body,
            Self::Response(response) => &response.body,
        }
    }
}

impl Request {
    /// A request without header fields.
    pub fn new(method: Method, uri: impl Into<Uri>) -> Self {
        Self { method, uri: uri.into(), headers: Headers::new(), body: Bytes::new() }
    }

    /// Sets body and Content-Type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) {
        self.headers.set(crate::message::headers::name::CONTENT_TYPE, content_type);
        self.body = body.into();
    }
}

impl Response {
    /// Sets body and Content-Type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) {
        self.headers.set(crate::message::headers::name::CONTENT_TYPE, content_type);
        self.body = body.into();
    }

    /// 1xx.
    pub fn is_provisional(&self) -> bool {
        self.status < 200
    }

    /// 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}
