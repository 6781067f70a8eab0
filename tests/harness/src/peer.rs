//! Any of the other phones behind one face: what a test asks of every one of them.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::{
    baresip::{self, Baresip},
    certificate::Certificate,
    kamailio::{Kamailio, REALM},
    linphone::{self, Linphone},
    pjsua::{self, Pjsua},
    recording,
    sipp::Transport,
    wait::{self, SOON},
};

/// Which phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `baresip`.
    Baresip,
    /// `linphonec`.
    Linphone,
    /// Python's pjsua2.
    Pjsua,
}

/// A phone at a kamailio.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Its user name.
    pub user: &'a str,
    /// Its registrar's port for `transport`.
    pub port: u16,
    /// What carries SIP: none of them speaks WebSocket.
    pub transport: Transport,
    /// What its registrar shows when TLS carries SIP, good for `localhost` and `127.0.0.1`.
    pub certificate: Option<&'a Certificate>,
    /// It answers at once.
    pub answers: bool,
    /// What it says: a WAV file, 8000 Hz, one channel, 16 bits, long enough for the call.
    pub says: &'a Path,
}

/// A phone with one call at a time, except while it transfers. Every wait panics, with what the phone had to say, when what
/// is waited for does not come.
pub trait Peer {
    /// Waits until its registrar has taken it.
    fn wait_until_registered(&mut self);
    /// Calls this SIP address.
    fn dial(&mut self, uri: &str);
    /// Waits for its first call from outside.
    fn wait_until_it_rings(&mut self);
    /// Answers the call that rings.
    fn answer(&mut self);
    /// Waits until so many of its calls have been answered since it was started.
    fn wait_until_answered(&mut self, calls: usize);
    /// Puts its first call on hold.
    fn hold(&mut self);
    /// Goes on with its first call.
    fn resume(&mut self);
    /// Sends these keys by RFC 4733.
    fn keys(&mut self, keys: &str);
    /// Hands its first call to this SIP address, unasked (RFC 5589 section 6).
    fn transfer(&mut self, uri: &str);
    /// Ends the call it is in.
    fn hang_up(&mut self);
    /// Waits until so many of its calls have ended since it was started.
    fn wait_until_ended(&mut self, calls: usize);
    /// The recording of what it hears now.
    fn heard(&self) -> Option<PathBuf>;
    /// Whether its recording can be read while the call goes on; linphone writes it when the call ends.
    fn records_as_it_hears(&self) -> bool {
        true
    }
    /// What it had to say, for a panic.
    fn log(&self) -> String;

    /// Waits until so many frames (of 20 ms) of this tone are in its newest recording; answers that.
    ///
    /// # Panics
    /// When they do not come in time.
    fn wait_until_it_hears(&self, hz: f64, frames: usize) -> (Vec<i16>, u32) {
        let heard = wait::until(SOON, || {
            let (samples, rate) = recording::so_far(&self.heard()?)?;
            let carrying = agent_media::measure::tone_between(&samples, rate, hz).carrying;
            (carrying >= frames).then_some((samples, rate))
        });
        heard.unwrap_or_else(|| panic!("nothing of {hz} Hz is heard\n{}", self.log()))
    }
}

/// Starts a phone with its files in `folder`.
///
/// # Panics
/// When it does not come up.
pub fn start(kind: Kind, folder: &Path, setup: &Setup<'_>) -> Box<dyn Peer> {
    let Setup { user, port, transport, certificate, answers, says } = *setup;
    let password = Kamailio::password(user);
    let authority = certificate.map(|certificate| certificate.authority.as_path());
    let host = if transport == Transport::Tls { "localhost" } else { "127.0.0.1" };
    match kind {
        Kind::Baresip => {
            let setup = baresip::Setup {
                user,
                password: Some(&password),
                host: "127.0.0.1",
                registrar: port,
                domain: Some(REALM),
                transport,
                answers,
                says,
                codecs: "PCMA,PCMU",
            };
            let start = |certificate| Baresip::start_trusting(folder, &setup, certificate);
            Box::new(certificate.map_or_else(|| Baresip::start(folder, &setup), start))
        }
        Kind::Linphone => {
            let registrar = (host, port);
            let password = &password;
            let domain = REALM;
            let setup =
                linphone::Setup { user, password, registrar, domain, transport, authority, answers, says };
            Box::new(Linphone::start(folder, &setup))
        }
        Kind::Pjsua => {
            let setup = pjsua::Setup {
                user,
                password: Some(&password),
                registrar: (host, port),
                domain: REALM,
                transport,
                authority,
                answers,
                says,
                publishes: false,
                mailbox: false,
            };
            Box::new(Pjsua::start(folder, &setup))
        }
    }
}

impl Peer for Baresip {
    fn wait_until_registered(&mut self) {
        Self::wait_until_registered(self);
    }

    fn dial(&mut self, uri: &str) {
        self.command("dial", uri);
    }

    fn wait_until_it_rings(&mut self) {
        self.wait_for_event("CALL_INCOMING", 0, SOON);
    }

    fn answer(&mut self) {
        self.command("accept", "");
    }

    fn wait_until_answered(&mut self, calls: usize) {
        self.wait_for_event("CALL_ESTABLISHED", calls - 1, SOON);
    }

    fn hold(&mut self) {
        self.command("hold", "");
    }

    fn resume(&mut self) {
        self.command("resume", "");
    }

    fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.command("sndcode", &key.to_string());
        }
    }

    fn transfer(&mut self, uri: &str) {
        self.command("transfer", uri);
    }

    fn hang_up(&mut self) {
        self.command("hangup", "");
    }

    fn wait_until_ended(&mut self, calls: usize) {
        self.wait_for_event("CALL_CLOSED", calls - 1, SOON);
    }

    fn heard(&self) -> Option<PathBuf> {
        Self::heard(self).pop()
    }

    fn log(&self) -> String {
        self.proc.to_string()
    }
}

impl Peer for Linphone {
    fn wait_until_registered(&mut self) {
        Self::wait_until_registered(self);
    }

    fn dial(&mut self, uri: &str) {
        self.command(&format!("call {uri}"));
    }

    fn wait_until_it_rings(&mut self) {
        self.wait_for("Receiving new incoming call", 1);
    }

    fn answer(&mut self) {
        self.command("answer");
    }

    fn wait_until_answered(&mut self, calls: usize) {
        self.wait_for(" connected.", calls);
    }

    fn hold(&mut self) {
        self.pause();
    }

    fn resume(&mut self) {
        self.command("resume 1");
    }

    fn keys(&mut self, keys: &str) {
        self.command(keys);
    }

    fn transfer(&mut self, uri: &str) {
        self.command(&format!("transfer 1 {uri}"));
    }

    fn hang_up(&mut self) {
        self.command("terminate");
    }

    fn wait_until_ended(&mut self, calls: usize) {
        self.wait_for(" ended (", calls);
    }

    fn heard(&self) -> Option<PathBuf> {
        Some(Self::heard(self))
    }

    fn records_as_it_hears(&self) -> bool {
        false
    }

    fn log(&self) -> String {
        self.to_string()
    }
}

impl Pjsua {
    /// The number of its newest call that is in a state.
    fn newest(&self, states: &[&str]) -> u64 {
        let events = self.events();
        let is = |event: &&serde_json::Value| states.iter().any(|&state| event["state"] == state);
        events.iter().rev().find(is).and_then(|event| event["call"].as_u64()).unwrap_or_default()
    }

    fn wait_for_calls(&self, state: &str, calls: usize) {
        let mut after = 0;
        for _ in 0..calls {
            (_, after) = self.wait_for_call(state, after);
        }
    }
}

impl Peer for Pjsua {
    fn wait_until_registered(&mut self) {
        Self::wait_until_registered(self);
    }

    fn dial(&mut self, uri: &str) {
        self.command("call", json!({ "to": uri }));
    }

    fn wait_until_it_rings(&mut self) {
        self.wait_for_calls("incoming", 1);
    }

    fn answer(&mut self) {
        let call = self.newest(&["incoming", "early"]);
        self.command("answer", json!({ "call": call }));
    }

    fn wait_until_answered(&mut self, calls: usize) {
        self.wait_for_calls("established", calls);
    }

    fn hold(&mut self) {
        self.command("hold", json!({ "call": 0 }));
    }

    fn resume(&mut self) {
        self.command("resume", json!({ "call": 0 }));
    }

    fn keys(&mut self, keys: &str) {
        let call = self.newest(&["established"]);
        self.command("dtmf", json!({ "call": call, "digits": keys }));
    }

    fn transfer(&mut self, uri: &str) {
        self.command("transfer", json!({ "call": 0, "to": uri }));
    }

    fn hang_up(&mut self) {
        let call = self.newest(&["established"]);
        self.command("hangup", json!({ "call": call }));
    }

    fn wait_until_ended(&mut self, calls: usize) {
        self.wait_for_calls("ended", calls);
    }

    fn heard(&self) -> Option<PathBuf> {
        Some(Self::heard(self, self.newest(&["established"])))
    }

    fn log(&self) -> String {
        let events: Vec<String> = self.events().iter().map(ToString::to_string).collect();
        format!("{}\n{}", events.join("\n"), self.proc)
    }
}
