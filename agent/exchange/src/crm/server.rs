//! The CRM's server: a thread with a runtime, a listener, and what it answers.

use crate::{
    crm::{
        contacts::Contact,
        page,
        wire::{self, HttpRequest, NoRequest},
    },
    error::ExchangeError,
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
};

/// Connections served at once.
const MOST_CONNECTIONS: usize = 256;
/// Requests remembered.
const MOST_HITS: usize = 1024;
/// What `Huge` sends.
const HUGE: usize = 64 * 1024 * 1024;
/// How long starting may take.
const START: Duration = Duration::from_secs(10);

/// What can be set about a CRM.
#[derive(Debug, Clone)]
pub struct CrmConfig {
    /// Where to listen.
    pub ip: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Whom it knows.
    pub contacts: Vec<Contact>,
    /// When set, the API answers 401 without `Authorization: Bearer KEY` or `X-Api-Key: KEY`.
    pub api_key: Option<String>,
}

impl Default for CrmConfig {
    fn default() -> Self {
        Self { ip: Ipv4Addr::LOCALHOST.into(), port: 0, contacts: Contact::examples(), api_key: None }
    }
}

/// What the API does instead of answering.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CrmFault {
    /// Nothing is wrong.
    #[default]
    None,
    /// Connections are closed at once.
    Down,
    /// The right answer, this much later.
    Slow(Duration),
    /// The request is taken, and there is never an answer.
    Silent,
    /// 500.
    Error,
    /// 200 with 64 MiB.
    Huge,
    /// 200 with bytes that are no JSON.
    Garbage,
    /// 302 to this address.
    Redirect(String),
}

/// The switch for faults. Cheap to clone; all clones are the same switch.
#[derive(Debug, Clone, Default)]
pub struct CrmFaults(Arc<Mutex<CrmFault>>);

impl CrmFaults {
    /// From now on.
    pub fn set(&self, fault: CrmFault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn get(&self) -> CrmFault {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct CrmHit {
    /// When.
    pub at: Instant,
    /// The path.
    pub path: String,
    /// The number asked for, if one was.
    pub phone: Option<String>,
    /// What the program calls itself.
    pub user_agent: String,
}

struct Inner {
    contacts: Vec<Contact>,
    api_key: Option<String>,
    base: String,
    faults: CrmFaults,
    state: Mutex<(VecDeque<CrmHit>, u64, u64)>,
}

/// A CRM on a thread of its own; stops when it is dropped.
pub struct Crm {
    address: SocketAddr,
    inner: Arc<Inner>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Crm {
    /// Starts it and waits until it listens. Blocks for a moment; works inside and outside of async code.
    pub fn start(config: CrmConfig) -> Result<Self, ExchangeError> {
        let bind = SocketAddr::new(config.ip, config.port);
        let failed =
            |detail: String| ExchangeError::Listen { what: "CRM", address: bind.to_string(), detail };
        let listener = std::net::TcpListener::bind(bind).map_err(|error| failed(error.to_string()))?;
        listener.set_nonblocking(true).map_err(|error| failed(error.to_string()))?;
        let address = listener.local_addr().map_err(|error| failed(error.to_string()))?;
        let inner = Arc::new(Inner {
            contacts: config.contacts,
            api_key: config.api_key,
            base: format!("http://{address}"),
            faults: CrmFaults::default(),
            state: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::channel();
        let shared = inner.clone();
        let thread = thread::Builder::new()
            .name("crm".to_owned())
            .spawn(move || run(listener, &shared, &report, stopped))
            .map_err(|error| failed(error.to_string()))?;
        match started.recv_timeout(START) {
            Ok(Ok(())) => Ok(Self { address, inner, stop: Some(stop), thread: Some(thread) }),
            Ok(Err(detail)) => Err(failed(detail)),
            Err(_) => Err(failed("it did not say that it listens".to_owned())),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`: what goes into the plugin's `base_url`.
    pub fn url(&self) -> &str {
        &self.inner.base
    }

    /// The switch for faults.
    pub fn faults(&self) -> &CrmFaults {
        &self.inner.faults
    }

    /// The page of a contact.
    pub fn record_url(&self, id: u64) -> String {
        format!("{}/contacts/{id}", self.inner.base)
    }

    /// How many requests have come.
    pub fn requests(&self) -> u64 {
        self.inner.state().1
    }

    /// How many connections have been made, whether a request came over them or not.
    pub fn connections(&self) -> u64 {
        self.inner.state().2
    }

    /// The last requests, oldest first.
    pub fn hits(&self) -> Vec<CrmHit> {
        self.inner.state().0.iter().cloned().collect()
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        // Dropping the sender ends the thread.
        self.stop.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the CRM's thread had panicked");
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, (VecDeque<CrmHit>, u64, u64)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, request: &HttpRequest) {
        let hit = CrmHit {
            at: Instant::now(),
            path: request.path.clone(),
            phone: request.asked("phone").map(str::to_owned),
            user_agent: request.field("user-agent").unwrap_or_default().to_owned(),
        };
        let mut state = self.state();
        state.1 += 1;
        if state.0.len() == MOST_HITS {
            state.0.pop_front();
        }
        state.0.push_back(hit);
    }

    fn may(&self, request: &HttpRequest) -> bool {
        let Some(key) = &self.api_key else { return true };
        let bearer = request.field("authorization").and_then(|value| value.strip_prefix("Bearer "));
        bearer.or(request.field("x-api-key")) == Some(key.as_str())
    }

    /// The answer when nothing is wrong: status, kind, body.
    fn answer(&self, request: &HttpRequest) -> (u16, &'static str, Vec<u8>) {
        const HTML: &str = "text/html; charset=utf-8";
        const JSON: &str = "application/json";
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return (405, "text/plain", b"only GET is understood\n".to_vec());
        }
        if request.path == "/api/contacts" {
            if !self.may(request) {
                return (401, JSON, br#"{"error":"an API key is needed"}"#.to_vec());
            }
            let wanted = |contact: &&Contact| request.asked("phone").is_none_or(|phone| contact.has(phone));
            let list =
                self.contacts.iter().filter(wanted).map(|contact| contact.to_json(&self.base)).collect();
            return (200, JSON, Value::Array(list).to_string().into_bytes());
        }
        let id = request.path.strip_prefix("/contacts/").and_then(|id| id.parse::<u64>().ok());
        if let Some(contact) = id.and_then(|id| self.contacts.iter().find(|contact| contact.id == id)) {
            return (200, HTML, page::record(contact).into_bytes());
        }
        match request.path.as_str() {
            "/" | "/contacts" => (200, HTML, page::list(&self.contacts).into_bytes()),
            _ => (404, HTML, page::missing().into_bytes()),
        }
    }
}

fn run(
    listener: std::net::TcpListener,
    inner: &Arc<Inner>,
    report: &mpsc::Sender<Result<(), String>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = report.send(Err(error.to_string()));
            return;
        }
    };
    runtime.block_on(async {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                let _ = report.send(Err(error.to_string()));
                return;
            }
        };
        if report.send(Ok(())).is_err() {
            return;
        }
        tokio::select! {
            _ = stopped => {}
            () = accept(&listener, inner) => {}
        }
    });
}

async fn accept(listener: &TcpListener, inner: &Arc<Inner>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                inner.state().2 += 1;
                let inner = inner.clone();
                tokio::spawn(async move {
                    serve(stream, &inner).await;
                    drop(place);
                });
            }
            // Out of file handles, most likely: the next try may find one.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(mut stream: TcpStream, inner: &Inner) {
    if inner.faults.get() == CrmFault::Down {
        // Closed with a reset where the system allows: nobody waits for an answer.
        return;
    }
    let mut rest = Vec::new();
    loop {
        let request = match wire::read(&mut stream, &mut rest).await {
            Ok(request) => request,
            Err(NoRequest::Gone) => return,
            Err(NoRequest::Bad(status)) => {
                let _ = stream.write_all(&wire::response(status, "", &[], b"", false)).await;
                return;
            }
        };
        inner.note(&request);
        let api = request.path.starts_with("/api/");
        let fault = if api { inner.faults.get() } else { CrmFault::None };
        let Some(bytes) = respond(inner, &request, fault).await else { return };
        if stream.write_all(&bytes).await.is_err() || !request.keep {
            return;
        }
    }
}

/// The bytes of the answer; `None` when there will never be one.
async fn respond(inner: &Inner, request: &HttpRequest, fault: CrmFault) -> Option<Vec<u8>> {
    let keep = request.keep;
    match fault {
        CrmFault::Down => return None,
        CrmFault::Silent => {
            std::future::pending::<()>().await;
            return None;
        }
        CrmFault::Error => {
            return Some(wire::response(500, "text/plain", &[], b"the database is on fire\n", keep));
        }
        CrmFault::Huge => {
            let body = vec![b'['; HUGE];
            return Some(wire::response(200, "application/json", &[], &body, keep));
        }
        CrmFault::Garbage => {
            return Some(wire::response(200, "application/json", &[], b"<html>\xff\xfe\0 not json {", keep));
        }
        CrmFault::Redirect(to) => {
            // A line end in it would be a header of its own.
            let to: String = to.chars().filter(|c| !c.is_control()).collect();
            return Some(wire::response(302, "text/plain", &[("Location", &to)], b"elsewhere\n", keep));
        }
        CrmFault::Slow(wait) => tokio::time::sleep(wait).await,
        CrmFault::None => {}
    }
    let (status, kind, body) = inner.answer(request);
    let extra: &[(&str, &str)] = match status {
        405 => &[("Allow", "GET, HEAD")],
        401 => &[("WWW-Authenticate", "Bearer")],
        _ => &[],
    };
    let mut bytes = wire::response(status, kind, extra, &body, keep);
    if request.method == "HEAD" {
        bytes.truncate(bytes.len() - body.len());
    }
    Some(bytes)
}
