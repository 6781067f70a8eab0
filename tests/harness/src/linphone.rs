//! linphone as the other phone: its program for the terminal, typed at, speaking from a WAV file and recording into one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    port,
    proc::{self, Proc},
    sipp::Transport,
    wait::{self, SOON},
};

/// A running linphonec with one account.
pub struct Linphone {
    /// The process; its log is what the terminal showed.
    pub proc: Proc,
    folder: PathBuf,
}

/// How a linphonec is set up.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// Its user name.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
    /// Host and port of its registrar; the host must be a name of the certificate where TLS carries it.
    pub registrar: (&'a str, u16),
    /// The domain of its address, which is the registrar's realm.
    pub domain: &'a str,
    /// What carries SIP: no WebSocket.
    pub transport: Transport,
    /// Whom it trusts when TLS carries SIP (PEM).
    pub authority: Option<&'a Path>,
    /// It answers at once.
    pub answers: bool,
    /// What it says: a WAV file, 16 bits, one channel, long enough for the call.
    pub says: &'a Path,
}

impl Linphone {
    /// Starts it with its files in `folder/linphone-USER` and waits until it takes commands.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path, setup: &Setup<'_>) -> Self {
        let folder = folder.join(format!("linphone-{}", setup.user));
        // Without the place for its database it comes up and has no transports.
        fs::create_dir_all(folder.join(".local/share/linphone")).expect("the folder is ours");
        let file = folder.join("linphonerc");
        fs::write(&file, config(setup)).expect("the folder is ours");
        let mut command = proc::punctual("linphonec");
        command.env("HOME", &folder).env_remove("PULSE_SERVER").arg("-c").arg(&file);
        command.args(["-d", "6", "-l"]).arg(folder.join("sip.log"));
        if setup.answers {
            command.arg("-a");
        }
        let mut proc = Proc::start("linphone", &mut command, &folder);
        proc.type_line("soundcard use files");
        proc.wait_for_text("Using wav files instead of soundcard", SOON);
        proc.type_line(&format!("play {}", setup.says.display()));
        proc.type_line(&format!("record {}", folder.join("heard.wav").display()));
        Self { proc, folder }
    }

    /// Puts its call on hold and waits until it is; before that it takes no `resume`.
    ///
    /// # Panics
    /// When it does not come to that.
    pub fn pause(&mut self) {
        let before = self.count("is now paused");
        self.command("pause");
        self.wait_for("is now paused", before + 1);
    }

    /// Types a command: `call`, `answer N`, `pause`, `resume N`, `transfer`, `terminate`, `chat`, or the keys to send.
    ///
    /// # Panics
    /// When it has ended.
    pub fn command(&mut self, line: &str) {
        self.proc.type_line(line);
    }

    /// Waits until its registrar has taken it; it says so when it is asked.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_until_registered(&mut self) {
        let mut asked = 0;
        let taken = wait::until(SOON, || {
            // Every fifth of a second, as waits look every five milliseconds.
            if asked % 40 == 0 {
                self.proc.type_line("status register");
            }
            asked += 1;
            self.proc.log().contains("registered, identity=").then_some(())
        });
        assert!(taken.is_some(), "linphone is not registered\n{self}");
    }

    /// Waits until the terminal has shown `text` so many times.
    ///
    /// # Panics
    /// When it has not in time.
    pub fn wait_for(&mut self, text: &str, times: usize) {
        let shown = wait::until(SOON, || (self.count(text) >= times).then_some(()));
        assert!(shown.is_some(), "linphone: no {text:?} ({times})\n{self}");
    }

    /// How many times the terminal has shown `text`.
    pub fn count(&self, text: &str) -> usize {
        self.proc.log().matches(text).count()
    }

    /// What SIP it said and heard, and why.
    pub fn sip(&self) -> String {
        let bytes = fs::read(self.folder.join("sip.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The recording of what it heard in its last call; it is written when the call ends.
    pub fn heard(&self) -> PathBuf {
        self.folder.join("heard.wav")
    }
}

impl std::fmt::Display for Linphone {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sip = self.sip();
        let said: Vec<&str> = sip.lines().collect();
        let tail = &said[said.len().saturating_sub(120)..];
        writeln!(out, "{}\n{}", self.proc, tail.join("\n"))
    }
}

/// Loopback only, the office's codecs, sound as it is (its echo canceller makes noise of a tone), no encryption of sound, no looking for a network: none of that is what is tested.
fn config(setup: &Setup<'_>) -> String {
    let Setup { user, password, registrar: (host, port), domain, .. } = setup;
    let carrier = setup.transport.parameter();
    let route = format!("sip:{host}:{port};transport={carrier}");
    let authority = setup.authority.map_or_else(String::new, |file| format!("root_ca={}\n", file.display()));
    let (sip, tls) = (port::free(), port::free());
    let rtp = port::free_run(20);
    let known = [("speex", 32000), ("speex", 16000), ("speex", 8000), ("G722", 8000), ("GSM", 8000)];
    let unused = known.iter().map(|&(name, rate)| (name, rate, 0));
    let codecs = [("PCMA", 8000, 1), ("PCMU", 8000, 1)].into_iter().chain(unused).enumerate();
    let opus = "[audio_codec_7]\nmime=opus\nrate=48000\nchannels=2\nenabled=0\n".to_owned();
    let codecs: String = codecs
        .map(|(nth, (name, rate, on))| {
            format!("[audio_codec_{nth}]\nmime={name}\nrate={rate}\nchannels=1\nenabled={on}\n")
        })
        .chain([opus])
        .collect();
    format!(
        "[sip]\nsip_port={sip}\nsip_tcp_port={sip}\nsip_tls_port={tls}\ndefault_proxy=0\nuse_ipv6=0\n\
         ipv6_migration_done=1\nverify_server_certs=1\nverify_server_cn=1\nmedia_encryption=none\n{authority}\
         [net]\nfirewall_policy=0\n[sound]\nechocancellation=0\nagc=0\n{codecs}[rtp]\naudio_rtp_port={rtp}-{last}\n\
         [proxy_0]\nreg_proxy=<{route}>\nreg_route=<{route};lr>\nreg_identity=sip:{user}@{domain}\nreg_expires=600\n\
         reg_sendregister=1\npublish=0\n\
         [auth_info_0]\nusername={user}\npasswd={password}\nrealm={domain}\n",
        last = rtp + 19
    )
}
