//! Requests to granted hosts, built up in a line.

pub use crate::bindings::base::trayphone::plugin::http::{Body, Method, Request, Response, fetch};
use crate::types::Error;

impl Request {
    /// A request without body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            attrs: Vec::new(),
        }
    }

    /// Reads `url`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::Get, url)
    }

    /// Hands `json` over to `url`.
    pub fn post_json(url: impl Into<String>, json: impl Into<String>) -> Self {
        Self { body: Some(Body::Json(json.into())), ..Self::new(Method::Post, url) }
    }

    /// Adds a name and a value to the query; the agent encodes both.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends it and waits.
    ///
    /// # Errors
    /// [`Error::Denied`] when the agent's policy says no, else what the network said.
    pub fn send(&self) -> Result<Response, Error> {
        fetch(self)
    }
}

impl Response {
    /// The body of a good answer (status 200 to 299).
    ///
    /// # Errors
    /// The error that fits the status: not found, unauthorized, rate limited, or a bad answer that names it.
    pub fn ok(&self) -> Result<&[u8], Error> {
        match self.status {
            200..=299 => Ok(&self.body),
            401 | 403 => Err(Error::Unauthorized),
            404 | 410 => Err(Error::NotFound),
            429 => Err(Error::RateLimited(self.header("retry-after").and_then(|text| text.parse().ok()))),
            status => Err(Error::BadResponse(format!("the server answered with status {status}"))),
        }
    }

    /// The first header field of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
