//! The exchange as others hold it: start, ring, look, stop.

use crate::{
    call::{CallerCall, ExtensionCall},
    config::{ExchangeConfig, Ring},
    error::ExchangeError,
    extension::Extension,
    faults::Faults,
    media::{Sends, Session},
    registrar::Binding,
    switch::{ABILITIES, Switch},
};
use agent_core::port::sip::SipCommand;
use agent_net::Net;
use agent_sip::{SipConfig, SipHandle, config::Config, serve};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};

/// How long opening the sockets may take.
const START: Duration = Duration::from_secs(10);
/// How long calls may take to wind up at the end.
const WIND_UP: Duration = Duration::from_millis(500);

/// A PBX on a thread of its own. Hangs up what is up and stops when it is dropped.
pub struct Exchange {
    address: SocketAddr,
    faults: Faults,
    ip: std::net::IpAddr,
    sip: SipHandle,
    switch: Arc<Mutex<Switch>>,
    stop: Option<oneshot::Sender<Stop>>,
    thread: Option<JoinHandle<()>>,
}

/// How to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// With a BYE to everybody.
    Politely,
    /// Without a word, as a machine does that loses power.
    Dead,
}

/// What the thread reports once it listens.
type Started = Result<(SipHandle, SocketAddr), String>;

impl Exchange {
    /// Starts it and waits until it listens. Blocks for a moment; works inside and outside of async code.
    pub fn start(config: ExchangeConfig) -> Result<Self, ExchangeError> {
        let faults = Faults::default();
        let (down, gone) = watch::channel(false);
        let bind = SocketAddr::new(config.ip, config.port);
        let ip = config.ip;
        let switch = Arc::new(Mutex::new(Switch::new(config, faults.clone(), down)));
        let (report, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let shared = switch.clone();
        let body = move || run(bind, &shared, &report, (stopped, gone));
        let stop_error = |detail: String| ExchangeError::Stopped { what: "exchange", detail };
        let thread = thread::Builder::new()
            .name("exchange".to_owned())
            .spawn(body)
            .map_err(|error| stop_error(error.to_string()))?;
        let (sip, address) = match started.recv_timeout(START) {
            Ok(Ok(started)) => started,
            Ok(Err(detail)) => {
                return Err(ExchangeError::Listen { what: "exchange", address: bind.to_string(), detail });
            }
            Err(_) => return Err(stop_error("it did not say that it listens".to_owned())),
        };
        Ok(Self { address, faults, ip, sip, switch, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The switches for faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Rings a registered phone.
    pub fn ring(&self, ring: &Ring) -> Result<CallerCall, ExchangeError> {
        let not_registered = || ExchangeError::NotRegistered(ring.extension.clone());
        let phone = self.phones(&ring.extension).into_iter().next().ok_or_else(not_registered)?;
        let sends = Sends::Tone { hz: ring.tone_hz, dbov: ring.tone_dbov };
        let session = Session::open(self.ip, sends, self.faults.clone()).map_err(|error| {
            ExchangeError::Listen { what: "caller", address: self.ip.to_string(), detail: error.to_string() }
        })?;
        let (call, state) = self.switch().ring(phone, (&ring.from, &ring.name), session.clone());
        Ok(CallerCall { call, sip: self.sip.clone(), state, session })
    }

    /// The phones registered at an extension, the newest registration first.
    pub fn phones(&self, extension: &str) -> Vec<Binding> {
        self.switch().registrar.phones(extension, Instant::now())
    }

    /// Waits until a phone is registered at the extension (or, with `on` false, none is any more).
    pub async fn registered(&self, extension: &str, on: bool, within: Duration) -> Result<(), ExchangeError> {
        let mut changes = self.switch().changes();
        let wait = async {
            while self.phones(extension).is_empty() == on {
                // A registration can also run out without anybody saying so.
                let _ = tokio::time::timeout(Duration::from_millis(200), changes.changed()).await;
            }
        };
        let late = |_| ExchangeError::TooLate { what: "registration", within };
        tokio::time::timeout(within, wait).await.map_err(late)
    }

    /// Forgets who is registered, as a registrar does that restarts without a memory.
    pub fn forget_registrations(&self) {
        self.switch().registrar.forget();
    }

    /// The last calls to extensions the exchange answers itself, oldest first.
    pub fn extension_calls(&self) -> Vec<ExtensionCall> {
        self.switch().remembered()
    }

    /// The last call to one of them.
    pub fn last_call_to(&self, extension: Extension) -> Option<ExtensionCall> {
        self.extension_calls().into_iter().rfind(|call| call.extension == extension)
    }

    /// Stops at once and says nothing to anybody, as a machine does that loses power.
    pub fn kill(mut self) {
        self.end(Stop::Dead);
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        lock(&self.switch)
    }

    fn end(&mut self, how: Stop) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by itself.
            let _ = stop.send(how);
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the exchange's thread had panicked");
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(Stop::Politely);
    }
}

fn lock(switch: &Mutex<Switch>) -> MutexGuard<'_, Switch> {
    switch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread: a runtime of its own with the SIP loop in it.
fn run(
    bind: SocketAddr,
    switch: &Arc<Mutex<Switch>>,
    report: &mpsc::Sender<Started>,
    (stopped, mut gone): (oneshot::Receiver<Stop>, watch::Receiver<bool>),
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = report.send(Err(error.to_string()));
            return;
        }
    };
    runtime.block_on(async {
        let config = SipConfig {
            bind: Some(bind),
            endpoint: Config {
                user_agent: concat!("TrayphoneExchange/", env!("CARGO_PKG_VERSION")).to_owned(),
                abilities: ABILITIES,
                screened: true,
                ..Config::default()
            },
            ..SipConfig::default()
        };
        let told = switch.clone();
        let sip = serve(config, Net::new(Arc::new(|_| ())), Arc::new(move |what| lock(&told).told(what)));
        lock(switch).connect(sip.clone());
        let started = sip.listening().await;
        let failed = started.is_err();
        // Nobody to report to: the exchange was given up.
        if report.send(started.map(|address| (sip.clone(), address))).is_err() || failed {
            return;
        }
        if stopped.await != Ok(Stop::Dead) {
            sip.send(SipCommand::Shutdown { within: WIND_UP });
            let _ = tokio::time::timeout(WIND_UP * 2, gone.wait_for(|gone| *gone)).await;
        }
    });
}
