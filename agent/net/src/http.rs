//! One HTTP/1.1 exchange over a stream somebody else opened: what may be asked, what may come back, and the caps.

use crate::{
    error::NetError,
    meter::{Capped, NoRoom, Room},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Response, Uri,
    body::Incoming,
    client::conn::http1,
    header::{self, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use std::{
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

/// The most bytes a request's body may have.
pub const MAX_REQUEST_BYTES: usize = 256 * 1024;
/// The most bytes an answer's body may have.
pub const MAX_RESPONSE_BYTES: usize = 1024 * 1024;
/// The most headers either way.
pub const MAX_HEADERS: usize = 64;
/// The most bytes one header may have, name and value together.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;

/// The most bytes taken before there is an answer. Interim answers (RFC 9110 section 15.2) may come in any number, are
/// read without a pause, and would keep the thread from everything else.
const MOST_BEFORE_ANSWER: usize = 2 * MAX_HEADERS * MAX_HEADER_BYTES;
/// The most bytes taken after that: the body, in chunks however small.
const MOST_OF_ANSWER: usize = 8 * MAX_RESPONSE_BYTES;

/// Says whether an address found for a name may be connected to; the error is the rule that forbids it, as a sentence.
pub type AddressCheck<'a> = dyn Fn(SocketAddr) -> Result<(), String> + Send + Sync + 'a;

/// One request: one hop, for redirects are answers like any other.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// `GET`, `POST`, …; not `CONNECT`.
    pub method: String,
    /// `http` or `https`, without user and password.
    pub url: Url,
    /// Sent as they are. `Host`, the length of the body and what concerns the connection are ours to set.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_REQUEST_BYTES`].
    pub body: Vec<u8>,
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// How long everything may take.
    pub timeout: Duration,
    /// Texts that must not stand in the ledger (a token in the path).
    pub secrets: Vec<String>,
}

impl HttpRequest {
    /// A request without headers and body, 5 s to connect and 10 s in all.
    pub fn new(method: &str, url: Url) -> Self {
        Self {
            method: method.to_owned(),
            url,
            headers: Vec::new(),
            body: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            secrets: Vec::new(),
        }
    }

    /// Method and path for the ledger: query values and secrets are left out.
    pub(crate) fn summary(&self) -> String {
        let mut text = format!("{} {}", self.method, self.url.path());
        let keys: Vec<String> = self.url.query_pairs().map(|(key, _)| format!("{key}=…")).collect();
        if !keys.is_empty() {
            text.push('?');
            text.push_str(&keys.join("&"));
        }
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "…");
        }
        text.chars().filter(|c| !c.is_control()).take(512).collect()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// 100 to 599.
    pub status: u16,
    /// Names in small letters; what is not UTF-8 in a value is replaced.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_RESPONSE_BYTES`].
    pub body: Vec<u8>,
    /// Whom we were connected to: the host itself, or the proxy.
    pub address: SocketAddr,
    /// It went through a proxy.
    pub via_proxy: bool,
}

/// A request in the form it is sent in.
pub(crate) type Sendable = Request<Full<Bytes>>;

/// How the request line names the target (RFC 9112 section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Path only: to the server itself, or through a tunnel.
    Origin,
    /// The whole address: to a proxy.
    Absolute,
}

/// A request that can be sent: checked before anything leaves.
pub(crate) fn prepare(request: &HttpRequest) -> Result<Sendable, NetError> {
    let bad = |text: &str| NetError::BadRequest(text.to_owned());
    let url = &request.url;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(bad("the address is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("the address carries a user or password"));
    }
    if request.body.len() > MAX_REQUEST_BYTES {
        return Err(NetError::TooLarge { what: "the request's body", limit: MAX_REQUEST_BYTES });
    }
    let method =
        Method::from_bytes(request.method.as_bytes()).map_err(|_| bad("the method is not a word"))?;
    if method == Method::CONNECT {
        return Err(bad("CONNECT is not for requests"));
    }
    let mut sendable = Request::new(Full::new(Bytes::copy_from_slice(&request.body)));
    *sendable.method_mut() = method;
    *sendable.headers_mut() = headers(request)?;
    *sendable.uri_mut() = uri(url, Form::Origin)?;
    Ok(sendable)
}

/// The target of the request line.
pub(crate) fn uri(url: &Url, form: Form) -> Result<Uri, NetError> {
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let text = match form {
        Form::Origin => path.to_owned(),
        Form::Absolute => format!("{}://{}{path}", url.scheme(), authority(url)),
    };
    text.parse().map_err(|error| NetError::BadRequest(format!("the path cannot be sent: {error}")))
}

fn headers(request: &HttpRequest) -> Result<HeaderMap, NetError> {
    if request.headers.len() > MAX_HEADERS {
        return Err(NetError::BadRequest(format!("more than {MAX_HEADERS} headers")));
    }
    let mut map = HeaderMap::new();
    for (name, value) in &request.headers {
        if name.len() + value.len() > MAX_HEADER_BYTES {
            return Err(NetError::TooLarge { what: "a header of the request", limit: MAX_HEADER_BYTES });
        }
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| NetError::BadRequest(format!("{name:?} is not a header's name")))?;
        if OURS.contains(&name) {
            return Err(NetError::BadRequest(format!("the header {name} is not for the caller to set")));
        }
        let value = HeaderValue::from_str(value)
            .or_else(|_| HeaderValue::from_bytes(value.as_bytes()))
            .map_err(|_| NetError::BadRequest(format!("the value of the header {name} cannot be sent")))?;
        map.append(name, value);
    }
    let host = HeaderValue::from_str(&authority(&request.url))
        .map_err(|_| NetError::BadName(request.url.host_str().unwrap_or_default().to_owned()))?;
    map.insert(header::HOST, host);
    if !map.contains_key(header::USER_AGENT) {
        map.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("trayphone/", env!("CARGO_PKG_VERSION"))),
        );
    }
    // One exchange a connection.
    map.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(map)
}

/// Headers about the connection and the frame of the message; letting a caller set them is how requests are smuggled.
const OURS: [HeaderName; 8] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
];

/// Host and, where it is not the scheme's own, port.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Sends `request` over `stream` and takes the answer in. Dropping the future closes the stream.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Sendable,
    host: &str,
) -> Result<(u16, Vec<(String, String)>, Vec<u8>), NetError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let room = Room::new(MOST_BEFORE_ANSWER);
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADERS * MAX_HEADER_BYTES)
        .handshake(TokioIo::new(Capped::new(stream, room.clone())))
        .await
        .map_err(|error| broken(host, &error))?;
    let work = async {
        let response = sender.send_request(request).await.map_err(|error| unanswered(host, &error))?;
        room.widen(MOST_OF_ANSWER);
        take(response, host).await
    };
    alongside(connection, work).await
}

/// Runs `connection` only as long as `work` needs it, in the same future, so that nothing outlives the caller.
async fn alongside<W: Future>(connection: impl Future, work: W) -> W::Output {
    let (mut connection, mut work) = (pin!(connection), pin!(work));
    let mut over = false;
    poll_fn(|cx| {
        over = over || connection.as_mut().poll(cx).is_ready();
        work.as_mut().poll(cx)
    })
    .await
}

async fn take(
    response: Response<Incoming>,
    host: &str,
) -> Result<(u16, Vec<(String, String)>, Vec<u8>), NetError> {
    let too_large = |what, limit| Err(NetError::TooLarge { what, limit });
    let (head, mut incoming) = response.into_parts();
    let mut headers = Vec::with_capacity(head.headers.len());
    for (name, value) in &head.headers {
        if name.as_str().len() + value.len() > MAX_HEADER_BYTES {
            return too_large("a header of the answer", MAX_HEADER_BYTES);
        }
        headers.push((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| {
            if has_no_room(&error) {
                NetError::TooLarge { what: "the answer with the frames of its pieces", limit: MOST_OF_ANSWER }
            } else {
                broken(host, &error)
            }
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if body.len() + data.len() > MAX_RESPONSE_BYTES {
            return too_large("the answer", MAX_RESPONSE_BYTES);
        }
        body.extend_from_slice(&data);
    }
    Ok((head.status.as_u16(), headers, body))
}

/// Why there is no answer. One head alone never fills the room: hyper refuses it before. So it was many of them.
fn unanswered(host: &str, error: &hyper::Error) -> NetError {
    if has_no_room(error) {
        NetError::NoFinalAnswer { host: host.to_owned(), limit: MOST_BEFORE_ANSWER }
    } else {
        broken(host, error)
    }
}

fn has_no_room(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.and_then(std::io::Error::get_ref).is_some_and(|cause| cause.is::<NoRoom>())
}

fn broken(host: &str, error: &hyper::Error) -> NetError {
    // hyper's own words are short ("error reading a body"); the cause below them says what happened.
    let cause = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    NetError::BadResponse { host: host.to_owned(), cause }
}
