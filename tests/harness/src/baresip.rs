//! baresip as the other phone: speaks from a WAV file, records what it hears, and is steered over its control socket.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    certificate::Certificate,
    port,
    proc::{self, Proc},
    sipp::Transport,
    wait::{self, SOON},
};

/// A running baresip with one account.
pub struct Baresip {
    /// The process.
    pub proc: Proc,
    /// Where it takes SIP, UDP and TCP.
    pub port: u16,
    folder: PathBuf,
    control: TcpStream,
    unread: Vec<u8>,
    /// Every event so far, oldest first.
    pub events: Vec<Value>,
}

/// How a baresip is set up.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// Its user name.
    pub user: &'a str,
    /// Its password; `None`: it registers nowhere.
    pub password: Option<&'a str>,
    /// The address of this machine that it and its registrar have.
    pub host: &'a str,
    /// The port of its registrar, or the port whose host it is a user of.
    pub registrar: u16,
    /// The domain of its address; loopback and the registrar's port when absent.
    pub domain: Option<&'a str>,
    /// What carries SIP.
    pub transport: Transport,
    /// It answers at once.
    pub answers: bool,
    /// What it says: a WAV file, 8000 Hz, one channel, 16 bits, long enough for the call.
    pub says: &'a Path,
    /// Its codecs in order of preference.
    pub codecs: &'a str,
}

/// What a baresip has room for and keeps.
#[derive(Debug, Clone, Copy)]
struct Extent<'a> {
    /// Calls at once.
    calls: u16,
    /// It records what it says and hears.
    records: bool,
    /// Whom it trusts, and what it shows itself, when TLS carries SIP.
    certificate: Option<&'a Certificate>,
}

impl Baresip {
    /// Starts it with its files in `folder/user` and waits until it can be steered.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path, setup: &Setup<'_>) -> Self {
        Self::start_as(folder, setup, Extent { calls: 20, records: true, certificate: None })
    }

    /// The same, trusting the authority of this certificate: SIP may go over TLS. (It asks for no name in what the server
    /// shows.)
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_trusting(folder: &Path, setup: &Setup<'_>, certificate: &Certificate) -> Self {
        Self::start_as(folder, setup, Extent { calls: 20, records: true, certificate: Some(certificate) })
    }

    /// The same with room for so many calls at once, recording nothing: to be measured itself.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_unrecorded(folder: &Path, setup: &Setup<'_>, calls: u16) -> Self {
        Self::start_as(folder, setup, Extent { calls, records: false, certificate: None })
    }

    fn start_as(folder: &Path, setup: &Setup<'_>, extent: Extent<'_>) -> Self {
        let folder = folder.join(format!("baresip-{}", setup.user));
        fs::create_dir_all(folder.join("recorded")).expect("the folder is ours");
        // TLS has the port after.
        let port = port::free_run(2);
        let control_port = port::free();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("the folder is ours");
        write("config", &config(&folder, (port, control_port), setup, extent));
        write("accounts", &account(setup));
        write("contacts", "");
        // What is measured itself has no better place at the processor than what it is measured beside.
        let mut command = if extent.records { proc::punctual("baresip") } else { Command::new("baresip") };
        command.env("HOME", &folder).arg("-f").arg(&folder);
        if extent.records {
            // What it says and hears by SIP stands in its log.
            command.arg("-s");
        }
        let mut proc = Proc::start(&format!("baresip-{}", setup.user), &mut command, &folder);
        proc.wait_for_text("baresip is ready", SOON);
        let control = wait::until(SOON, || TcpStream::connect((Ipv4Addr::LOCALHOST, control_port)).ok());
        let control = control.unwrap_or_else(|| panic!("baresip's control socket does not answer\n{proc}"));
        control.set_nonblocking(true).expect("a socket can be asked without waiting");
        Self { proc, port, folder, control, unread: Vec::new(), events: Vec::new() }
    }

    /// Waits until its registrar has taken it.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_until_registered(&mut self) {
        // On loopback that may happen before the control socket is open for events: its log has it in any case.
        self.proc.wait_for_text("registered successfully", SOON);
    }

    /// Gives a command as its menu knows it: `dial`, `accept`, `hangup`, `hold`, `resume`, `mute`, `sndcode`, `transfer`.
    ///
    /// # Panics
    /// When the control socket is gone.
    pub fn command(&mut self, command: &str, params: &str) {
        let text = json!({ "command": command, "params": params, "token": "test" }).to_string();
        let framed = format!("{}:{text},", text.len());
        self.control
            .write_all(framed.as_bytes())
            .unwrap_or_else(|error| panic!("baresip: {error}\n{}", self.proc));
    }

    /// Waits for an event of this type (`REGISTER_OK`, `REGISTER_FAIL`, `CALL_INCOMING`, `CALL_RINGING`,
    /// `CALL_ESTABLISHED`, `CALL_CLOSED`, …), counted from the first of its type.
    ///
    /// # Panics
    /// When it does not come in time.
    pub fn wait_for_event(&mut self, kind: &str, nth: usize, deadline: Duration) -> Value {
        let found = wait::until(deadline, || {
            self.read_events();
            self.events.iter().filter(|event| event["type"] == kind).nth(nth).cloned()
        });
        found.unwrap_or_else(|| {
            panic!("baresip: no {kind} ({nth}); events: {:#?}\n{}", self.events, self.proc)
        })
    }

    /// How many events of this type there were.
    pub fn count(&mut self, kind: &str) -> usize {
        self.read_events();
        self.events.iter().filter(|event| event["type"] == kind).count()
    }

    /// The recordings of what it heard, in the order of its calls.
    pub fn heard(&self) -> Vec<PathBuf> {
        self.recordings("dec")
    }

    /// The recordings of what it said, in the order of its calls.
    pub fn said(&self) -> Vec<PathBuf> {
        self.recordings("enc")
    }

    fn recordings(&self, which: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.join("recorded")).expect("the folder is ours");
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(&format!("-{which}.wav")))
            .collect();
        files.sort();
        files
    }

    /// Takes whole netstrings (`LENGTH:JSON,`) off the control socket.
    fn read_events(&mut self) {
        let mut piece = [0; 4096];
        loop {
            match self.control.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => self.unread.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => break,
            }
        }
        while let Some((message, rest)) = netstring(&self.unread) {
            if let Ok(value) = serde_json::from_slice::<Value>(message)
                && value["event"] == true
            {
                self.events.push(value);
            }
            self.unread = rest.to_vec();
        }
    }
}

/// The first whole netstring, and what follows it.
fn netstring(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let rest = &bytes[colon + 1..];
    (rest.len() > length).then(|| (&rest[..length], &rest[length + 1..]))
}

fn account(setup: &Setup<'_>) -> String {
    let Setup { user, host, registrar, codecs, .. } = setup;
    let transport = setup.transport.parameter();
    let outbound = format!("sip:{host}:{registrar};transport={transport}");
    let address = match setup.domain {
        Some(domain) => format!("sip:{user}@{domain};transport={transport}"),
        None => format!("sip:{user}@{host}:{registrar};transport={transport}"),
    };
    let registration = match setup.password {
        Some(password) => format!("auth_pass={password};outbound=\"{outbound}\";regint=600"),
        None => "regint=0".to_owned(),
    };
    let answers = if setup.answers { "auto" } else { "manual" };
    format!("<{address}>;{registration};answermode={answers};audio_codecs={codecs};ptime=20\n")
}

fn config(folder: &Path, (port, control_port): (u16, u16), setup: &Setup<'_>, extent: Extent<'_>) -> String {
    let Setup { host, says, .. } = setup;
    let Extent { calls, records, certificate } = extent;
    // RTP and RTCP take one each.
    let ports = calls.max(10) * 2;
    let rtp = port::free_run(ports);
    let recorder = if records { "module sndfile.so\n" } else { "" };
    let trust = certificate.map_or_else(String::new, |certificate| {
        let (own, whom) = (certificate.both_in_one(), certificate.authority.display());
        format!("sip_certificate {}\nsip_cafile {whom}\n", own.display())
    });
    format!(
        "poll_method epoll\n\
         sip_listen {host}:{port}\n\
         {trust}\
         call_local_timeout 120\n\
         call_max_calls {calls}\n\
         audio_player aubridge,ear\n\
         audio_source aufile,{says}\n\
         audio_alert aubridge,alert\n\
         ausrc_srate 8000\n\
         auplay_srate 8000\n\
         ausrc_channels 1\n\
         auplay_channels 1\n\
         audio_level no\n\
         rtp_ports {rtp}-{last}\n\
         rtp_stats yes\n\
         audio_jitter_buffer_type fixed\n\
         audio_jitter_buffer_delay 2-5\n\
         module_path /usr/lib/baresip/modules\n\
         module stdio.so\n\
         module g711.so\n\
         module aufile.so\n\
         module aubridge.so\n\
         {recorder}\
         module_tmp account.so\n\
         module_app menu.so\n\
         module_app ctrl_tcp.so\n\
         ctrl_tcp_listen 127.0.0.1:{control_port}\n\
         snd_path {recorded}\n\
         ring_aufile none\nbusy_aufile none\nerror_aufile none\nringback_aufile none\ncallwaiting_aufile none\n",
        says = says.display(),
        last = rtp + ports - 1,
        recorded = folder.join("recorded").display(),
    )
}

#[cfg(test)]
mod tests {
    use super::{Baresip, Setup, netstring};
    use crate::{
        kamailio::{Kamailio, REALM},
        recording,
        sipp::Transport,
        wait::{self, SOON},
    };
    use agent_media::measure;

    #[test]
    fn takes_whole_netstrings_only() {
        assert_eq!(netstring(b"2:ab,1:"), Some((&b"ab"[..], &b"1:"[..])));
        assert_eq!(netstring(b"2:ab"), None);
        assert_eq!(netstring(b"12"), None);
    }

    /// The bench itself: two baresips through kamailio hear each other, so that a silent test is the agent's fault.
    #[test]
    fn two_of_them_talk_through_kamailio() {
        let folder = tempfile::tempdir().expect("a folder");
        let kamailio = Kamailio::start(folder.path());
        let tone = |name: &str, hz| {
            let path = folder.path().join(name);
            measure::write_wav(&path, 8000, &measure::sine(8000, hz, -20.0, 30.0)).expect("a file");
            path
        };
        let (low, high) = (tone("low.wav", 440.0), tone("high.wav", 1000.0));
        let setup = |user, says, answers, transport| Setup {
            user,
            password: None,
            host: "127.0.0.1",
            registrar: kamailio.port,
            domain: Some(REALM),
            transport,
            answers,
            says,
            codecs: "PCMA",
        };
        let (alice_password, bob_password) = (Kamailio::password("alice"), Kamailio::password("bob"));
        let alice = Setup { password: Some(&alice_password), ..setup("alice", &low, false, Transport::Udp) };
        let bob = Setup { password: Some(&bob_password), ..setup("bob", &high, true, Transport::Tcp) };
        let mut alice = Baresip::start(folder.path(), &alice);
        let mut bob = Baresip::start(folder.path(), &bob);
        alice.wait_until_registered();
        bob.wait_until_registered();
        alice.command("dial", &format!("sip:bob@{REALM}"));
        alice.wait_for_event("CALL_ESTABLISHED", 0, SOON);
        // two seconds of sound, counted in what was recorded
        let heard = wait::until(SOON, || {
            let file = alice.heard().pop()?;
            let (samples, rate) = recording::so_far(&file)?;
            (samples.len() > 2 * rate as usize).then_some((samples, rate))
        });
        let (samples, rate) = heard.unwrap_or_else(|| panic!("alice recorded nothing\n{}", alice.proc));
        assert!(measure::tone_between(&samples, rate, 1000.0).share() > 0.9);
        assert!(measure::tone(&samples, rate, 440.0).share() < 0.1);
        alice.command("hangup", "");
        bob.wait_for_event("CALL_CLOSED", 0, SOON);
    }
}
