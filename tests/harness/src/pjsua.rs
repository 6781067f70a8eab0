//! pjsua2 as the other phone: the library most SIP phones are made of, steered by JSON lines (`peers/pjsua.py`).

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    port,
    proc::{self, Proc},
    sipp::Transport,
    wait::{self, SOON},
};

/// A running pjsua2 with one account.
pub struct Pjsua {
    /// The process.
    pub proc: Proc,
    /// Where it takes SIP.
    pub port: u16,
    folder: PathBuf,
}

/// How a pjsua2 is set up.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// Its user name.
    pub user: &'a str,
    /// Its password; `None`: it registers nowhere.
    pub password: Option<&'a str>,
    /// Host and port of its registrar; the host must be a name of the certificate where TLS carries it.
    pub registrar: (&'a str, u16),
    /// The domain of its address.
    pub domain: &'a str,
    /// What carries SIP: no WebSocket.
    pub transport: Transport,
    /// Whom it trusts when TLS carries SIP (PEM).
    pub authority: Option<&'a Path>,
    /// It answers at once.
    pub answers: bool,
    /// What it says: a WAV file, 8000 Hz, one channel, 16 bits; it begins again at its end.
    pub says: &'a Path,
    /// It publishes its presence.
    pub publishes: bool,
    /// It asks whether messages wait for it.
    pub mailbox: bool,
}

/// Where `cargo xtask setup test` puts Python's pjsua2: `TRAYPHONE_PJSUA2`, or `target/tools` of the build folder.
fn package() -> PathBuf {
    let beside = || {
        let test = env::current_exe().expect("a program knows where it is");
        // Tests run from target/debug/deps.
        test.ancestors().nth(3).expect("a build folder").join("tools/pjsua2")
    };
    let path = env::var_os("TRAYPHONE_PJSUA2").map_or_else(beside, PathBuf::from);
    let there = path.join("pjsua2/__init__.py").is_file();
    assert!(there, "{} has no pjsua2: `cargo xtask setup test` puts it there", path.display());
    path
}

impl Pjsua {
    /// Starts it with its files in `folder/pjsua-USER` and waits until it can be steered.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path, setup: &Setup<'_>) -> Self {
        Self::start_as(folder, setup, true)
    }

    /// The same, recording and noting nothing, at the place at the processor that every program has: to be measured
    /// itself.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_unrecorded(folder: &Path, setup: &Setup<'_>) -> Self {
        Self::start_as(folder, setup, false)
    }

    fn start_as(folder: &Path, setup: &Setup<'_>, records: bool) -> Self {
        let folder = folder.join(format!("pjsua-{}", setup.user));
        let recorded = folder.join("recorded");
        fs::create_dir_all(&recorded).expect("the folder is ours");
        let port = port::free();
        let (host, registrar) = setup.registrar;
        let transport = setup.transport.parameter();
        let config = json!({
            "user": setup.user,
            "password": setup.password,
            "domain": setup.domain,
            "registrar": format!("sip:{host}:{registrar};transport={transport}"),
            "transport": transport,
            "port": port,
            "rtp": port::free_run(20),
            "authority": setup.authority,
            "answers": setup.answers,
            "says": setup.says,
            "records": records.then_some(recorded),
            "publishes": setup.publishes,
            "mailbox": setup.mailbox,
        });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/pjsua.py");
        let mut command = if records { proc::punctual("python3") } else { Command::new("python3") };
        command.arg(script).arg(config.to_string()).env("PYTHONPATH", package());
        if records {
            command.env("PJSUA_LOG", folder.join("sip.log"));
        }
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let proc = Proc::start_split("pjsua", &mut command, &folder);
        let phone = Self { proc, port, folder };
        phone.wait_for("ready", 0, SOON, |event| event["event"] == "ready");
        phone
    }

    /// Waits until its registrar has taken it.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_until_registered(&self) {
        self.wait_for("its registration", 0, SOON, |event| {
            event["event"] == "registration" && event["code"] == 200
        });
    }

    /// Gives a command of `peers/pjsua.py`.
    ///
    /// # Panics
    /// When it has ended.
    pub fn command(&mut self, name: &str, mut arguments: Value) {
        arguments["do"] = json!(name);
        self.proc.type_line(&arguments.to_string());
    }

    /// Every event so far.
    pub fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("pjsua.out")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for an event that `look` accepts, from the `after`th on; answers it and the place behind it.
    ///
    /// # Panics
    /// When it does not come in time; the message holds the events that came.
    pub fn wait_for(
        &self,
        what: &str,
        after: usize,
        deadline: Duration,
        look: impl Fn(&Value) -> bool,
    ) -> (Value, usize) {
        let found = wait::for_event(deadline, after, || self.events(), look);
        found.unwrap_or_else(|| {
            let events: Vec<String> = self.events().iter().map(ToString::to_string).collect();
            let sip = fs::read_to_string(self.folder.join("sip.log")).unwrap_or_default();
            let lines: Vec<&str> = sip.lines().collect();
            let tail = lines[lines.len().saturating_sub(120)..].join("\n");
            panic!("pjsua: waited for {what} in vain; events:\n{}\n{tail}\n{}", events.join("\n"), self.proc)
        })
    }

    /// Waits until a call is in this state: `incoming`, `early`, `established`, `ended`. Answers its number and the place
    /// behind the event.
    ///
    /// # Panics
    /// When it does not get there in time.
    pub fn wait_for_call(&self, state: &str, after: usize) -> (u64, usize) {
        let (event, after) = self.wait_for(&format!("call: {state}"), after, SOON, |event| {
            event["event"] == "call" && event["state"] == state
        });
        (event["call"].as_u64().unwrap_or_default(), after)
    }

    /// Waits until a call's sound is `active`, `held` or `held_by_them`; answers the place behind the event.
    ///
    /// # Panics
    /// When it does not get there in time.
    pub fn wait_for_media(&self, media: &str, after: usize) -> usize {
        let wanted = |event: &Value| event["event"] == "media" && event["media"] == media;
        self.wait_for(&format!("media: {media}"), after, SOON, wanted).1
    }

    /// The recording of what it heard in the call of this number.
    pub fn heard(&self, call: u64) -> PathBuf {
        self.folder.join(format!("recorded/call-{call}.wav"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Pjsua, Setup};
    use crate::{
        certificate::Certificate,
        kamailio::{Kamailio, Options, REALM},
        recording,
        sipp::Transport,
        wait::SOON,
    };
    use agent_media::measure;
    use serde_json::json;
    use std::path::{Path, PathBuf};

    /// Names the server of the tests goes by: pjsua2 holds the certificate against the host it was told.
    const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

    fn tone(folder: &Path, hz: f64) -> PathBuf {
        let path = folder.join(format!("{hz}.wav"));
        measure::write_wav(&path, 8000, &measure::sine(8000, hz, -20.0, 10.0)).expect("a file");
        path
    }

    /// Two seconds of this tone come, and nothing of the other one.
    fn hears(phone: &Pjsua, call: u64, hz: f64, other: f64) {
        let heard = recording::wait_for_tone(&phone.heard(call), hz, 100, SOON);
        let (samples, rate) = heard.unwrap_or_else(|| panic!("nothing of {hz} Hz is heard\n{}", phone.proc));
        assert!(measure::tone(&samples, rate, other).share() < 0.1);
    }

    #[test]
    fn two_of_them_talk_hold_and_write_through_kamailio_over_tls() {
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = Certificate::make(folder.path(), "pbx", &NAMES);
        let options = Options { certificate: Some(&certificate), presence: true, ..Options::default() };
        let kamailio = Kamailio::start_with(folder.path(), &options);
        let (low, high) = (tone(folder.path(), 440.0), tone(folder.path(), 1000.0));
        let (alice_password, bob_password) = (Kamailio::password("alice"), Kamailio::password("bob"));
        let alice = Setup {
            user: "alice",
            password: Some(&alice_password),
            registrar: ("localhost", kamailio.port_for(Transport::Tls)),
            domain: REALM,
            transport: Transport::Tls,
            authority: Some(&certificate.authority),
            answers: false,
            says: &low,
            publishes: true,
            mailbox: true,
        };
        let bob = Setup {
            user: "bob",
            password: Some(&bob_password),
            registrar: ("127.0.0.1", kamailio.port),
            transport: Transport::Tcp,
            answers: true,
            says: &high,
            ..alice.clone()
        };
        let mut alice = Pjsua::start(folder.path(), &alice);
        let mut bob = Pjsua::start(folder.path(), &bob);
        alice.wait_until_registered();
        bob.wait_until_registered();
        alice.command("call", json!({ "to": format!("sip:bob@{REALM}") }));
        let (call, _) = alice.wait_for_call("established", 0);
        let (theirs, _) = bob.wait_for_call("established", 0);
        hears(&alice, call, 1000.0, 440.0);
        hears(&bob, theirs, 440.0, 1000.0);
        let seen = bob.events().len();
        alice.command("hold", json!({ "call": call }));
        let seen = bob.wait_for_media("held_by_them", seen);
        alice.command("resume", json!({ "call": call }));
        bob.wait_for_media("active", seen);
        alice.command("dtmf", json!({ "call": call, "digits": "7" }));
        bob.wait_for("a key", 0, SOON, |event| event["event"] == "digit" && event["digit"] == "7");
        bob.command("hangup", json!({ "call": theirs }));
        alice.wait_for_call("ended", 0);
        alice.command("message", json!({ "to": format!("sip:bob@{REALM}"), "text": "hällo" }));
        bob.wait_for("a message", 0, SOON, |event| event["event"] == "message" && event["text"] == "hällo");
        // presence goes through the presence server, and before it is published nobody knows anything
        alice.command("watch", json!({ "of": format!("sip:bob@{REALM}") }));
        let active =
            |event: &serde_json::Value| event["event"] == "presence" && event["watching"] == "ACTIVE";
        alice.wait_for("the first notice", 0, SOON, |event| active(event) && event["status"] == "unknown");
        bob.command("presence", json!({ "online": true }));
        alice.wait_for("the news", 0, SOON, |event| active(event) && event["status"] == "online");
    }

    #[test]
    fn a_pjsua_trusts_no_server_of_another_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = Certificate::make(folder.path(), "pbx", &["pbx.example"]);
        let options = Options { certificate: Some(&certificate), ..Options::default() };
        let kamailio = Kamailio::start_with(folder.path(), &options);
        let (password, says) = (Kamailio::password("alice"), folder.path().join("silence.wav"));
        measure::write_wav(&says, 8000, &[0; 8000]).expect("a file");
        let setup = Setup {
            user: "alice",
            password: Some(&password),
            registrar: ("localhost", kamailio.port_for(Transport::Tls)),
            domain: REALM,
            transport: Transport::Tls,
            authority: Some(&certificate.authority),
            answers: false,
            says: &says,
            publishes: false,
            mailbox: false,
        };
        let alice = Pjsua::start(folder.path(), &setup);
        let (event, _) = alice.wait_for("a refusal", 0, SOON, |event| event["event"] == "registration");
        assert!(event["code"].as_u64().is_some_and(|code| code >= 500), "{event}");
    }
}
