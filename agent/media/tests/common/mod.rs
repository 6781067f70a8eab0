//! Two engines that talk to each other, and what a test needs to watch them.

use agent_core::{
    id::CallId,
    ledger::LedgerRecord,
    party::Sdp,
    port::media::{Flow, MediaCommand, MediaEvent},
    settings::AudioSettings,
};
use agent_media::{MediaConfig, MediaHandle};
use agent_net::Net;
use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

/// Here.
pub(crate) const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// One engine and what it tells.
pub(crate) struct Side {
    pub(crate) media: MediaHandle,
    events: mpsc::Receiver<MediaEvent>,
    /// What the ledger was told.
    ledger: Arc<Mutex<Vec<LedgerRecord>>>,
    /// Everything told so far.
    pub(crate) told: Vec<MediaEvent>,
}

impl Side {
    pub(crate) fn start(audio: AudioSettings) -> Self {
        let (tell, events) = mpsc::channel();
        let ledger = Arc::new(Mutex::new(Vec::new()));
        let rows = Arc::clone(&ledger);
        let net = Net::new(Arc::new(move |row| rows.lock().expect("whole").push(row)));
        let config = MediaConfig { audio, net, country: "DE".to_owned() };
        let tell = Arc::new(move |event| drop(tell.send(event)));
        Self { media: agent_media::start(config, tell).expect("an engine"), events, ledger, told: Vec::new() }
    }

    pub(crate) fn send(&self, command: MediaCommand) {
        self.media.send(command);
    }

    /// How many rows the ledger has, all of them allowed UDP of ours.
    pub(crate) fn rows(&self) -> usize {
        let rows = self.ledger.lock().expect("whole");
        assert!(rows.iter().all(|row| row.purpose.who == "media" && row.scheme == "udp"), "{rows:?}");
        rows.len()
    }

    /// Waits for the event that `wanted` picks.
    pub(crate) fn wait<T>(&mut self, what: &str, wanted: impl Fn(&MediaEvent) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(event) = self.events.recv_timeout(left) else {
                panic!("{what} did not come; told: {:?}", self.told);
            };
            let found = wanted(&event);
            self.told.push(event);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Takes what was told without waiting.
    pub(crate) fn drain(&mut self) {
        self.told.extend(self.events.try_iter());
    }

    pub(crate) fn offered(&mut self) -> Sdp {
        self.wait("an offer", |event| match event {
            MediaEvent::Offered { sdp, .. } => Some(sdp.clone()),
            _ => None,
        })
    }

    pub(crate) fn accepted(&mut self) -> (Sdp, Flow) {
        self.wait("an answer", |event| match event {
            MediaEvent::Accepted { sdp, flow, .. } => Some((sdp.clone(), *flow)),
            _ => None,
        })
    }

    pub(crate) fn completed(&mut self) -> Flow {
        self.wait("the agreement", |event| match event {
            MediaEvent::Completed { flow, .. } => Some(*flow),
            _ => None,
        })
    }
}

/// `caller` calls `callee`; both get the focus.
pub(crate) fn connect(caller: &mut Side, callee: &mut Side, call: CallId) {
    caller.send(MediaCommand::Offer { call, local: LOCAL });
    let offer = caller.offered();
    callee.send(MediaCommand::Accept { call, local: LOCAL, offer, flow: Flow::SendRecv });
    callee.send(MediaCommand::Focus { call: Some(call) });
    let (answer, flow) = callee.accepted();
    assert_eq!(flow, Flow::SendRecv);
    caller.send(MediaCommand::Complete { call, answer });
    caller.send(MediaCommand::Focus { call: Some(call) });
    assert_eq!(caller.completed(), Flow::SendRecv);
}

/// A folder of its own for a test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("trayphone-media-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}
