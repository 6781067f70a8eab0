//! The plugins' road to the network: a request is checked against the grants whole, before anything leaves, and so is
//! every redirect; every attempt, allowed or not, leaves a row in the ledger.

use crate::{
    contract::{
        http::{Body, Method, Request, Response},
        types::Error,
    },
    grant::Grants,
    known::Known,
};
use agent_core::{
    ledger::{Egress, LedgerRecord, Purpose},
    plain,
    time::UnixMillis,
};
use agent_net::{HttpRequest, HttpResponse, LedgerSink, Net, NetError};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;
use url::Url;

/// Requests one question may try, refused ones included.
pub(crate) const MAX_REQUESTS: u32 = 6;

/// Redirects one request may take.
const MAX_REDIRECTS: u32 = 5;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);

/// Left of a question's time when a request is given up, so that the plugin can still say so itself.
const MARGIN: Duration = Duration::from_millis(30);

/// The largest request, everything counted, bytes.
const MAX_REQUEST_BYTES: usize = 256 * 1024;

/// One question's road.
pub(crate) struct Web {
    pub(crate) net: Net,
    pub(crate) ledger: LedgerSink,
    pub(crate) grants: Arc<Grants>,
    /// The plugin's id.
    pub(crate) plugin: Arc<str>,
    /// What the question is: `look up a caller`.
    pub(crate) why: &'static str,
    /// What the plugin was told in it.
    pub(crate) known: Known,
    /// When it must be answered.
    pub(crate) deadline: Instant,
    /// Requests tried so far.
    pub(crate) tried: u32,
}

/// The plugin asked more often than it may, and is stopped.
#[derive(Debug, thiserror::Error)]
#[error("sends more than {MAX_REQUESTS} requests for one question")]
pub(crate) struct TooMany;

/// One hop, complete.
struct Hop {
    method: String,
    url: Url,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout: Duration,
}

impl Web {
    /// Sends a request and follows its redirects.
    pub(crate) async fn fetch(&mut self, request: Request) -> Result<Result<Response, Error>, TooMany> {
        self.tried += 1;
        if self.tried > MAX_REQUESTS {
            return Err(TooMany);
        }
        Ok(self.follow(request).await)
    }

    async fn follow(&self, request: Request) -> Result<Response, Error> {
        let mut hop = self.prepare(request)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.hop(&hop).await?;
            match redirect(&hop, &response) {
                None => return Ok(answer(response)),
                Some(Ok(next)) => hop = next,
                Some(Err((target, rule))) => {
                    return Err(self.refuse(&hop.method, target.as_ref().unwrap_or(&hop.url), &rule));
                }
            }
        }
        Err(self.refuse(&hop.method, &hop.url, &format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Checks one hop against the grants and sends it.
    async fn hop(&self, hop: &Hop) -> Result<HttpResponse, Error> {
        let refused = |rule: &str| self.refuse(&hop.method, &hop.url, rule);
        let grant = self.grants.fetch(&hop.method, &hop.url).map_err(|rule| refused(&rule))?;
        let classes = self.classes(hop);
        if let Some(class) = classes.iter().find(|class| !grant.sends.iter().any(|granted| granted == *class))
        {
            return Err(refused(&format!("it carries the {class}, which was not granted to go there")));
        }
        let timeout = hop.timeout.min(self.left());
        let request = HttpRequest {
            headers: hop.headers.clone(),
            body: hop.body.clone(),
            connect_timeout: CONNECT.min(timeout),
            timeout,
            ..HttpRequest::new(&hop.method, hop.url.clone())
        };
        let check = |address: std::net::SocketAddr| grant.allows_address(address.ip());
        self.net.http(&self.purpose(&classes), request, &check).await.map_err(|error| said(&error))
    }

    /// Checks everything about a request but where it goes.
    fn prepare(&self, request: Request) -> Result<Hop, Error> {
        let method = method(&request.method);
        let mut url = match Url::parse(&request.url) {
            Ok(url) => url,
            // There is no host to write a row about: nothing can have left.
            Err(error) => return Err(Error::Denied(format!("the address cannot be read: {error}"))),
        };
        let refused = |url: &Url, rule: &str| self.refuse(&method, url, rule);
        if let Some(rule) = unfit(&url) {
            return Err(refused(&url, rule));
        }
        if let Some(Some(bare)) = url.host_str().map(|host| host.strip_suffix('.').map(str::to_owned))
            && url.set_host(Some(&bare)).is_err()
        {
            return Err(refused(&url, "its host is no name"));
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let (kind, body) = encode(request.body);
        let mut headers = request.headers;
        if let Some((name, _)) = headers.iter().find(|(name, _)| forbidden(name)) {
            return Err(refused(
                &url,
                &format!("the header {:?} is not for plugins to set", plain::line(name, 60)),
            ));
        }
        if let Some(kind) = kind {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            headers.push(("content-type".to_owned(), kind));
        }
        let size =
            url.as_str().len() + body.len() + headers.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>();
        if size > MAX_REQUEST_BYTES {
            return Err(refused(
                &url,
                &format!("the request is larger than {} KiB", MAX_REQUEST_BYTES >> 10),
            ));
        }
        let timeout = request.timeout_ms.map_or(Duration::MAX, |ms| Duration::from_millis(ms.into()));
        Ok(Hop { method, url, headers, body, timeout })
    }

    fn classes(&self, hop: &Hop) -> Vec<&'static str> {
        let body = String::from_utf8_lossy(&hop.body);
        let mut texts = vec![&hop.url[url::Position::BeforePath..], &*body];
        texts.extend(hop.headers.iter().map(|(_, value)| value.as_str()));
        self.known.classes(&texts)
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).saturating_sub(MARGIN)
    }

    fn purpose(&self, classes: &[&str]) -> Purpose {
        let why = if classes.is_empty() {
            self.why.to_owned()
        } else {
            format!("{} (sends {})", self.why, classes.join(", "))
        };
        Purpose { who: format!("plugin:{}", self.plugin), why }
    }

    /// Writes the row of what did not leave, and says so to the plugin.
    fn refuse(&self, method: &str, url: &Url, rule: &str) -> Error {
        (self.ledger)(refusal(self.purpose(&[]), method, url, rule));
        Error::Denied(rule.to_owned())
    }
}

/// The row of something that a rule of ours kept in.
pub(crate) fn refusal(purpose: Purpose, method: &str, url: &Url, rule: &str) -> LedgerRecord {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LedgerRecord {
        at: UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        purpose,
        scheme: plain::line(url.scheme(), 20),
        host: plain::line(url.host_str().unwrap_or_default(), 253),
        address: None,
        port: url.port_or_known_default().unwrap_or(0),
        request: Some(plain::line(&format!("{method} {}", url.path()), 512)),
        bytes_out: 0,
        bytes_in: 0,
        outcome: Egress::Refused(rule.to_owned()),
    }
}

/// What is wrong with an address, wherever it leads.
fn unfit(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        Some("only https:// and http:// addresses with a host can be fetched")
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("the address carries a user name or password")
    } else if url.fragment().is_some() {
        Some("the address carries a fragment (#…), which is never sent")
    } else {
        None
    }
}

fn method(method: &Method) -> String {
    match method {
        Method::Get => "GET".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Other(name) => plain::line(&name.to_ascii_uppercase(), 20),
    }
}

fn encode(body: Option<Body>) -> (Option<String>, Vec<u8>) {
    match body {
        None => (None, Vec::new()),
        Some(Body::Json(text)) => (Some("application/json".to_owned()), text.into_bytes()),
        Some(Body::Form(pairs)) => {
            let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            (Some("application/x-www-form-urlencoded".to_owned()), text.into_bytes())
        }
        Some(Body::Bytes((kind, bytes))) => (Some(kind), bytes),
    }
}

/// Headers that steer the connection, speak for somebody else, carry what only the agent may add, or make another request
/// of this one than the grant allows: another method, another path. Many servers take `_` for `-` in a header's name.
fn forbidden(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let exact = [
        "host",
        "connection",
        "keep-alive",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "cookie",
        "cookie2",
        "authorization",
        "forwarded",
        "via",
        "origin",
        "referer",
        "http2-settings",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    ];
    exact.contains(&name.as_str())
        || ["proxy-", "sec-", "x-forwarded-"].iter().any(|start| name.starts_with(start))
}

/// Where the answer sends us: `None`, nowhere; else the next hop, or where to and why not.
fn redirect(hop: &Hop, response: &HttpResponse) -> Option<Result<Hop, (Option<Url>, String)>> {
    let location = match response.status {
        301 | 302 | 303 | 307 | 308 => {
            response.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value)?
        }
        _ => return None,
    };
    let mut url = match hop.url.join(location) {
        Ok(url) => url,
        Err(error) => {
            return Some(Err((None, format!("a redirect to an address that cannot be read: {error}"))));
        }
    };
    url.set_fragment(None);
    let no = |url: Url, rule: &str| Some(Err((Some(url), format!("a redirect: {rule}"))));
    if let Some(rule) = unfit(&url) {
        return no(url, rule);
    }
    if hop.url.scheme() == "https" && url.scheme() == "http" {
        return no(url, "from an encrypted address to an unencrypted one");
    }
    let same = hop.url.origin() == url.origin();
    let keeps = matches!(response.status, 307 | 308) || matches!(hop.method.as_str(), "GET" | "HEAD");
    if keeps && !hop.body.is_empty() && !same {
        return no(url, "with a body to another host");
    }
    let (method, body) =
        if keeps { (hop.method.clone(), hop.body.clone()) } else { ("GET".to_owned(), Vec::new()) };
    let drops = |name: &str| !keeps && name.eq_ignore_ascii_case("content-type");
    // What a plugin added for one host need not concern another; what it may add holds no credentials of ours.
    let stays = |name: &str| {
        same || ["accept", "accept-language", "content-type"].iter().any(|it| name.eq_ignore_ascii_case(it))
    };
    let headers = hop.headers.iter().filter(|(name, _)| stays(name) && !drops(name)).cloned().collect();
    Some(Ok(Hop { method, url, headers, body, timeout: hop.timeout }))
}

/// What the plugin is handed: without cookies, and without what only concerns the connection.
fn answer(response: HttpResponse) -> Response {
    let hidden = [
        "set-cookie",
        "set-cookie2",
        "server-timing",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "alt-svc",
    ];
    let headers = response.headers.into_iter().filter(|(name, _)| !hidden.contains(&name.as_str())).collect();
    Response { status: response.status, headers, body: response.body, attrs: Vec::new() }
}

fn said(error: &NetError) -> Error {
    match error {
        NetError::Refused { rule, .. } => Error::Denied(rule.clone()),
        NetError::BadRequest(what) => Error::Denied(what.clone()),
        NetError::Timeout { .. } => Error::Timeout,
        NetError::BadResponse { .. } | NetError::NoFinalAnswer { .. } | NetError::TooLarge { .. } => {
            Error::BadResponse(error.to_string())
        }
        other => Error::Network(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A request with this header, checked: the rule that keeps it in and the rows it left.
    fn with_header(name: &str) -> (Option<String>, usize) {
        let rows: Arc<Mutex<Vec<LedgerRecord>>> = Arc::default();
        let written = rows.clone();
        let ledger: LedgerSink = Arc::new(move |row| written.lock().unwrap().push(row));
        let web = Web {
            net: Net::new(ledger.clone()),
            ledger,
            grants: Arc::default(),
            plugin: "org.example.crm".into(),
            why: "look up a caller",
            known: Known::default(),
            deadline: Instant::now(),
            tried: 0,
        };
        let request = Request {
            method: Method::Post,
            url: "https://crm.example/api".to_owned(),
            query: Vec::new(),
            headers: vec![(name.to_owned(), "DELETE".to_owned())],
            body: None,
            timeout_ms: None,
            attrs: Vec::new(),
        };
        let refused = match web.prepare(request) {
            Err(Error::Denied(rule)) => Some(rule),
            Err(other) => panic!("{other:?}"),
            Ok(_) => None,
        };
        let left = rows.lock().unwrap().len();
        (refused, left)
    }

    /// A grant names methods and paths; no header may ask the server for another method or path than was checked.
    #[test]
    fn a_header_that_makes_another_request_of_it_is_refused_by_name() {
        for name in [
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X-Original-URL",
            "X-Rewrite-URL",
            "x_http_method_override",
            "Host",
        ] {
            let (rule, rows) = with_header(name);
            let rule = rule.unwrap_or_else(|| panic!("{name} passes"));
            assert!(rule.contains(name) && rule.contains("not for plugins to set"), "{rule}");
            assert_eq!(rows, 1, "{name} leaves no row");
        }
        for name in ["X-Request-Id", "X-HTTP", "Accept"] {
            assert_eq!(with_header(name), (None, 0), "{name}");
        }
    }
}
