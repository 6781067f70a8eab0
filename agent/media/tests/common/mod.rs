//! Two engines that talk to each other, and what a test needs to watch them.

use agent_core::{
    id::CallId,
    ledger::LedgerRecord,
    party::Sdp,
    port::media::{Flow, MediaCommand, MediaEvent},
    settings::AudioSettings,
};
use agent_media::{
    MediaConfig, MediaHandle,
    measure::{self, ToneReport},
};
use agent_net::Net;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Here.
pub(crate) const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How long a test waits for what must come, also on a machine that has little time for it: only a failure waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a test looks whether it has come.
const EVERY: Duration = Duration::from_millis(50);
/// How loud everybody speaks here, dBov.
pub(crate) const LEVEL: f64 = -20.0;
/// Longer than a test waits twice, seconds: nobody falls silent because the file is at its end.
pub(crate) const WITHOUT_END: f64 = 130.0;
/// Half a second of sound is news, in frames of 20 ms.
pub(crate) const NEWS: usize = 25;

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

/// A tone of `hz` without end, as samples.
pub(crate) fn voice(rate: u32, hz: f64) -> Vec<i16> {
    measure::sine(rate, hz, LEVEL, WITHOUT_END)
}

/// Waits until `look` finds what `what` names; until then it says what there is instead.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(instead) => assert!(Instant::now() < end, "waited in vain for {what}; instead: {instead}"),
        }
        thread::sleep(EVERY);
    }
}

/// A recording that grows: its samples so far, and their rate.
pub(crate) trait Grows: Fn() -> Option<(Vec<i16>, u32)> {
    /// What is heard of a tone of `hz` in the newest `seconds`; an error while it is shorter than that.
    fn newest(&self, seconds: f64, hz: f64) -> Result<ToneReport, String> {
        let (samples, rate) = self().ok_or("no recording yet")?;
        let from = samples.len().checked_sub((f64::from(rate) * seconds) as usize);
        let from = from.ok_or_else(|| format!("{} samples", samples.len()))?;
        Ok(measure::tone(&samples[from..], rate, hz))
    }

    /// Frames of 20 ms that carry a tone of `hz` so far.
    fn carrying(&self, hz: f64) -> usize {
        self().map_or(0, |(samples, rate)| measure::tone(&samples, rate, hz).carrying)
    }

    /// Waits until so many more frames carry the tone.
    fn speaks(&self, what: &str, hz: f64, more: usize) {
        let wanted = self.carrying(hz) + more;
        until(what, || match self.carrying(hz) {
            there if there >= wanted => Ok(()),
            there => Err(format!("{there} frames of 20 ms carry {hz} Hz, not {wanted}")),
        });
    }

    /// Waits until nothing has been heard of the tone for so many seconds.
    fn falls_silent(&self, what: &str, hz: f64, seconds: f64) {
        until(what, || match self.newest(seconds, hz)? {
            report if report.carrying == 0 => Ok(()),
            report => Err(format!("{report:?}")),
        });
    }

    /// Waits until `seconds` of the tone in a row have been heard as they were spoken. A machine that was busy elsewhere
    /// breaks one stretch and not the next; what is broken in the code is so in every one. How late sound may be on a
    /// calm machine, and how little of it made up, is what the simulations of `jitter` judge.
    fn hears(&self, what: &str, hz: f64, seconds: f64) {
        let said = until(what, || self.newest(seconds, hz)?.as_played(LEVEL));
        println!("{what}: {said}");
    }
}

impl<T: Fn() -> Option<(Vec<i16>, u32)>> Grows for T {}
