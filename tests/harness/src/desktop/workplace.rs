//! A whole place of work: a desktop, a PBX, and the agent between them, started as a user starts it.

use super::{Desktop, Toasts, Tray};
use crate::{
    agent::{Account, Agent},
    pulse::Pulse,
    sipp::Transport,
    wait::{self, SOON},
};
use agent_exchange::{CallerCall, Exchange, ExchangeConfig, Ring, User};
use serde_json::Value;

/// The agent's extension.
const EXTENSION: &str = "1001";
/// Its password, which opens nothing but the exchange of the test.
const PASSWORD: &str = "at-work";

/// A language as the settings name it, and what the tray says in it once the agent is registered.
type Language = (&'static str, &'static str);

const ENGLISH: Language = ("en", "Ready");
const GERMAN: Language = ("de", "Bereit");

/// Everything of it, ended in this order.
pub struct Workplace {
    /// The agent, with tray, toasts and hotkeys.
    pub agent: Agent,
    /// Its tray, as the bus shows it.
    pub tray: Tray,
    /// Its PBX.
    pub exchange: Exchange,
    /// Its desktop.
    pub desktop: Desktop,
    /// Its sound, when it is to be heard.
    pub pulse: Option<Pulse>,
    _folder: tempfile::TempDir,
}

impl Workplace {
    /// Starts all of it and waits until the agent is registered and its tray says so.
    pub fn open(toasts: Toasts) -> Result<Self, String> {
        Self::begin(toasts, false, ENGLISH)
    }

    /// The same with a sound server that can be listened to.
    pub fn with_sound(toasts: Toasts) -> Result<Self, String> {
        Self::begin(toasts, true, ENGLISH)
    }

    /// The same without sound, in German.
    pub fn in_german(toasts: Toasts) -> Result<Self, String> {
        Self::begin(toasts, false, GERMAN)
    }

    fn begin(toasts: Toasts, sound: bool, (language, ready): Language) -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let folder = tempfile::Builder::new().prefix("work").tempdir().map_err(|e| text(&e))?;
        let desktop = Desktop::start(toasts)?;
        let pulse = sound.then(|| Pulse::start(folder.path()));
        let users = vec![User::new(EXTENSION, PASSWORD)];
        let exchange =
            Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).map_err(|e| text(&e))?;
        let mut account = Account::at(exchange.address().port(), Transport::Udp, PASSWORD);
        if sound {
            account.audio = "backend = \"device\"".to_owned();
        }
        account.language = language.to_owned();
        let mut start = account.start();
        start.desktop = true;
        let sounds = pulse.iter().flat_map(Pulse::environment).map(|(name, value)| (name.to_owned(), value));
        start.environment.extend(sounds.chain(desktop.environment()));
        let agent = Agent::start(folder.path(), "agent", start);
        let tray = Tray::on(&desktop)?;
        let place = Self { agent, tray, exchange, desktop, pulse, _folder: folder };
        place.agent.wait_until_registered();
        place.wait_for_tooltip(ready)?;
        Ok(place)
    }

    /// Waits until the tray says so.
    pub fn wait_for_tooltip(&self, words: &str) -> Result<(), String> {
        super::wait_for(&format!("the tooltip {words:?}"), || {
            self.tray.tooltip().filter(|said| said.contains(words)).map(drop)
        })
    }

    /// Somebody calls; returns once the caller hears that it rings and the agent has shown it.
    pub fn ring(&self, number: &str, name: &str) -> Result<Caller, String> {
        self.ring_as(&Ring::new(EXTENSION, number).named(name))
    }

    /// The same by somebody who sounds like this.
    pub fn ring_sounding(&self, number: &str, hz: f64, dbov: f64) -> Result<Caller, String> {
        self.ring_as(&Ring::new(EXTENSION, number).playing(hz, dbov))
    }

    fn ring_as(&self, ring: &Ring) -> Result<Caller, String> {
        let number = ring.from.as_str();
        let after = self.agent.events().len();
        let call = self.exchange.ring(ring).map_err(|error| error.to_string())?;
        let (event, _) = self.agent.wait_for("the call", after, SOON, |event| {
            event["type"] == "call" && event["state"] == "incoming" && event["party"]["number"] == number
        });
        let caller = Caller { call, id: event["call"].as_u64().ok_or("a call without an id")? };
        wait::until(SOON, || caller.call.state().ringing).ok_or("the caller does not hear that it rings")?;
        Ok(caller)
    }

    /// Waits until the agent says that a call is in this state.
    pub fn wait_for_call(&self, id: u64, state: &str) {
        self.agent.wait_for(&format!("call {id}: {state}"), 0, SOON, |event| {
            event["type"] == "call" && event["call"] == id && event["state"] == state
        });
    }

    /// Asks the agent, and by that waits until it has done what it was told before. Gives the states of its calls.
    pub fn calls(&self) -> Vec<(u64, String)> {
        let status = self.agent.ask(&["status"]).pop().unwrap_or_default();
        let calls = status["calls"].as_array().cloned().unwrap_or_default();
        let state = |call: &Value| (call["call"].as_u64(), call["state"].as_str().map(str::to_owned));
        calls.iter().map(state).filter_map(|(id, state)| Some((id?, state?))).collect()
    }
}

/// Somebody who calls. Hangs up when dropped.
pub struct Caller {
    /// Their side of it.
    pub call: CallerCall,
    /// What the agent calls it.
    pub id: u64,
}

impl Caller {
    /// Waits until they are answered.
    pub fn answered(&self) -> Result<(), String> {
        wait::until(SOON, || self.call.state().answered).map(drop).ok_or("nobody answers".to_owned())
    }

    /// Whether they were answered at any time so far.
    pub fn was_answered(&self) -> bool {
        self.call.state().answered.is_some()
    }
}
