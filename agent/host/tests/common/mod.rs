//! What the host's tests share: plugins as built, a profile of their own, a server that can be rude, and a waiting ear.
#![expect(dead_code, reason = "every test program uses a part of it")]

use agent_core::{
    caller::CallerCard,
    id::CallId,
    journal::Direction,
    ledger::{Egress, LedgerRecord},
    port::host::{HostCommand, HostEvent, HostTrouble, PluginInfo},
};
use agent_host::{Ask, COMPILER, HostConfig, HostError, HostHandle};
use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

pub(crate) const NUMBER: &str = "+4930123456";
pub(crate) const HOSTILE: &str = "io.trayphone.hostile";

/// Longer than anything here may take, also on a busy machine; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of a plugin as `cargo xtask plugins` builds it.
pub(crate) fn built(name: &str) -> PathBuf {
    let plugins =
        env::var_os("TRAYPHONE_PLUGINS").map_or_else(|| root().join("target/plugins"), PathBuf::from);
    let folder = plugins.join(name);
    assert!(
        folder.join("plugin.wasm").is_file(),
        "{} is missing: run `cargo xtask plugins`",
        folder.display()
    );
    folder
}

/// The compile helper, as `cargo build -p agent-compile` builds it.
pub(crate) fn compiler() -> PathBuf {
    let name = format!("{COMPILER}{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().and_then(|us| Some(us.parent()?.parent()?.join(&name)));
    let places = [
        env::var_os("TRAYPHONE_COMPILE").map(PathBuf::from),
        beside,
        Some(root().join("target/debug").join(&name)),
        Some(root().join("target/release").join(&name)),
    ];
    let found = places.into_iter().flatten().find(|place| place.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: run `cargo build -p agent-compile`"))
}

/// A folder that is removed with all that is in it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("trayphone-host-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    /// Every file below, as paths from here.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                found.push(path.strip_prefix(&self.0).expect("below").display().to_string());
            }
        }
        found.sort();
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

/// A profile with the host's configuration.
pub(crate) struct Profile {
    pub(crate) folder: Folder,
    pub(crate) config: HostConfig,
}

impl Profile {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let config = HostConfig {
            plugins: folder.0.join("plugins"),
            compiler: Some(compiler()),
            seal_key: Some([7; 32]).into(),
        };
        Self { folder, config }
    }

    /// Installs without asking.
    pub(crate) fn install(&self, source: &Path, settings: &[(&str, &str)]) -> Result<PluginInfo, HostError> {
        let settings: Vec<(String, String)> =
            settings.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let ask = Ask { consent: &mut |_| true, progress: &mut |_| {} };
        agent_host::install(&self.config, source, &settings, ask)
    }

    /// Installs the hostile plugin, told what to do.
    pub(crate) fn hostile(&self, behaviour: &str, server: &Server, other: &str) {
        let base = server.url();
        let settings = [("base_url", base.as_str()), ("behaviour", behaviour), ("other_url", other)];
        self.install(&built("hostile"), &settings).expect("the hostile plugin is installed");
    }

    pub(crate) fn start(&self) -> Running {
        let (events, heard) = mpsc::channel();
        let troubles: Arc<Mutex<Vec<HostTrouble>>> = Arc::default();
        let noted = troubles.clone();
        let ledger: Arc<Mutex<Vec<LedgerRecord>>> = Arc::default();
        let rows = ledger.clone();
        let host = agent_host::start(
            self.config.clone(),
            Arc::new(move |row| rows.lock().expect("rows").push(row)),
            Arc::new(move |event| match event {
                HostEvent::Trouble { what, .. } => noted.lock().expect("troubles").push(what),
                event => drop(events.send(event)),
            }),
        );
        Running { host, heard, ledger, troubles }
    }
}

/// A host that runs.
pub(crate) struct Running {
    pub(crate) host: HostHandle,
    pub(crate) heard: mpsc::Receiver<HostEvent>,
    pub(crate) ledger: Arc<Mutex<Vec<LedgerRecord>>>,
    troubles: Arc<Mutex<Vec<HostTrouble>>>,
}

impl Running {
    /// What the user should know, so far.
    pub(crate) fn troubles(&self) -> Vec<HostTrouble> {
        self.troubles.lock().expect("troubles").clone()
    }

    pub(crate) fn ask(&self, call: u64) {
        self.host.send(HostCommand::Lookup {
            call: CallId(call),
            direction: Direction::Incoming,
            number: NUMBER.to_owned(),
            name: Some("Alice Schmidt".to_owned()),
        });
    }

    /// The next event `want` takes.
    pub(crate) fn wait<T>(&self, what: &str, mut want: impl FnMut(HostEvent) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(event) => {
                    if let Some(found) = want(event) {
                        return found;
                    }
                }
                Err(error) => panic!("{what}: {error}"),
            }
        }
    }

    /// What came of a lookup: a card, or the error if there was one. Waits for the end of it.
    pub(crate) fn outcome(&self, call: u64) -> Result<CallerCard, Option<String>> {
        let mut outcome = None;
        self.wait("the end of the lookup", |event| match event {
            HostEvent::Found { call: id, card } if id.0 == call => {
                outcome = Some(Ok(card));
                None
            }
            HostEvent::NotFound { call: id, error, .. } if id.0 == call => {
                outcome = Some(Err(error));
                None
            }
            HostEvent::LookupDone { call: id } if id.0 == call => Some(()),
            _ => None,
        });
        outcome.expect("a plugin told before the end of the lookup")
    }

    pub(crate) fn lookup(&self, call: u64) -> Result<CallerCard, Option<String>> {
        self.ask(call);
        self.outcome(call)
    }

    /// What a lookup that must fail says.
    pub(crate) fn fault(&self, call: u64) -> String {
        match self.lookup(call) {
            Err(Some(error)) => error,
            other => panic!("the lookup did not fail: {other:?}"),
        }
    }

    /// The rows of what our own rules kept in: host and rule.
    pub(crate) fn refused(&self) -> Vec<(String, String)> {
        let rows = self.ledger.lock().expect("rows");
        let refused = rows.iter().filter_map(|row| match &row.outcome {
            Egress::Refused(rule) => Some((row.host.clone(), rule.clone())),
            _ => None,
        });
        refused.collect()
    }
}

/// How a server behaves.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Lists one contact.
    Good,
    /// Takes the request and never answers.
    Silent,
    /// Sends the client elsewhere.
    Redirect(String),
}

/// A small HTTP server on this computer.
pub(crate) struct Server {
    port: u16,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    /// Connections whose other end was closed while the server kept silent.
    pub(crate) closed: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let closed: Arc<AtomicUsize> = Arc::default();
        let (lines, gone) = (seen.clone(), closed.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (manner, lines, gone) = (manner.clone(), lines.clone(), gone.clone());
                thread::spawn(move || serve(stream, &manner, port, &lines, &gone));
            }
        });
        Self { port, seen, closed }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("lines").clone()
    }
}

fn serve(mut stream: TcpStream, manner: &Manner, port: u16, lines: &Mutex<Vec<String>>, gone: &AtomicUsize) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(n) => request.extend_from_slice(&piece[..n]),
        }
    }
    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    lines.lock().expect("lines").push(line);
    let answer = match manner {
        Manner::Silent => {
            while matches!(stream.read(&mut piece), Ok(n) if n > 0) {}
            gone.fetch_add(1, Ordering::SeqCst);
            return;
        }
        Manner::Redirect(to) => format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"),
        Manner::Good => {
            let body = format!(
                r#"[{{"id":7,"name":"Alice Schmidt","company":"ACME GmbH","phones":["+49 30 123456"],"url":"http://127.0.0.1:{port}/contacts/7"}}]"#
            );
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        }
    };
    let _reader_may_be_gone = stream.write_all(answer.as_bytes());
}
