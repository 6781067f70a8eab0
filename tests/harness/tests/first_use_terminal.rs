//! `trayphone account trust` on a terminal: the first key is kept, another one is believed when the user writes yes and not
//! otherwise; at an IPv6 address as at a name.

use harness::{
    agent::plain_command,
    certificate::Certificate,
    kamailio::{Kamailio, Options},
    port,
    proc::Signal,
    pty::Pty,
    sipp::Transport,
    wait::SOON,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What stands before the question.
const QUESTION: &str = "Write yes to believe it:";

/// What it says, and what the user does then.
type Way = (&'static str, fn(&mut Pty));

/// A PBX over TLS at an address, and a profile with an account there.
struct Place {
    host: &'static str,
    name: &'static str,
    ports: (u16, u16),
    profile: PathBuf,
    folder: tempfile::TempDir,
}

impl Place {
    /// `name` is what the account calls it.
    fn new(host: &'static str, name: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let profile = folder.path().join("profile");
        fs::create_dir_all(profile.join("run")).expect("the folder is ours");
        let ports = (port::free(), port::free());
        let settings = format!(
            "language = \"en\"\n[[account]]\naor = \"sip:1001@{name}\"\nregistrar = \"sip:{name}:{};transport=tls\"\n\
             certificate = \"first-use\"\n[audio]\nbackend = \"null\"\n",
            ports.1
        );
        fs::write(profile.join("trayphone.toml"), settings).expect("the folder is ours");
        Self { host, name, ports, profile, folder }
    }

    /// The PBX shows a new certificate of this name.
    fn pbx(&self, certificate: &str) -> Kamailio {
        let folder: &Path = self.folder.path();
        let certificate = Certificate::make(folder, certificate, &[self.name.trim_matches(['[', ']'])]);
        let options = Options {
            host: Some(self.host),
            port: Some(self.ports.0),
            tls_port: Some(self.ports.1),
            certificate: Some(&certificate),
            ..Options::default()
        };
        let kamailio = Kamailio::start_with(folder, &options);
        assert_eq!(kamailio.port_for(Transport::Tls), self.ports.1);
        kamailio
    }

    fn trust(&self) -> Pty {
        let mut command = plain_command(&self.profile);
        command
            .args(["account", "trust", &format!("sip:1001@{}", self.name)])
            .env("XDG_RUNTIME_DIR", self.profile.join("run"));
        Pty::start(&mut command, 120)
    }

    /// What it says when there is nothing to decide.
    fn nothing_to_decide(&self, says: &str) {
        let mut terminal = self.trust();
        assert_eq!(terminal.wait_for_end(SOON).code(), Some(0), "{terminal}");
        terminal.wait_for_text(&format!("the key of {} ", self.name.trim_matches(['[', ']'])), SOON);
        terminal.wait_for_text(says, SOON);
        assert!(!terminal.screen().contains(QUESTION), "{terminal}");
    }
}

#[test]
fn another_key_is_believed_by_yes_alone() {
    let place = Place::new("127.0.0.1", "localhost");
    let first = place.pbx("first");
    place.nothing_to_decide("was kept now, at its first use");
    place.nothing_to_decide("is the one that is kept, sha256:");
    drop(first);
    let _second = place.pbx("second");
    let ways: [Way; 7] = [
        ("was not believed", |terminal| terminal.type_keys("no\r")),
        ("was not believed", |terminal| terminal.type_keys("\r")),
        ("was not believed", |terminal| terminal.type_keys("yes please\r")),
        ("was not believed", |terminal| terminal.type_keys("\u{4}")),
        ("no answer was given", |terminal| terminal.type_keys("\u{3}")),
        ("no answer was given", |terminal| terminal.signal(Signal::Terminate)),
        ("no answer was given", |terminal| terminal.signal(Signal::HangUp)),
    ];
    for (at, (says, way)) in ways.into_iter().enumerate() {
        let mut terminal = place.trust();
        terminal.wait_for_text(QUESTION, SOON);
        let screen = terminal.screen();
        let keys: Vec<&str> = screen.split_whitespace().filter(|word| word.starts_with("sha256:")).collect();
        assert!(matches!(keys[..], [kept, shown] if kept != shown), "both keys are shown\n{terminal}");
        way(&mut terminal);
        assert_eq!(terminal.wait_for_end(SOON).code(), Some(8), "way {at}\n{terminal}");
        terminal.wait_for_text(says, SOON);
        terminal.wait_for_text("nothing was changed", SOON);
        assert!(terminal.is_sane(), "way {at}\n{terminal}");
    }
    let mut terminal = place.trust();
    terminal.wait_for_text(QUESTION, SOON);
    terminal.type_keys("yes\r");
    assert_eq!(terminal.wait_for_end(SOON).code(), Some(0), "{terminal}");
    terminal.wait_for_text("is believed from now on", SOON);
    place.nothing_to_decide("is the one that is kept, sha256:");
}

#[test]
fn a_pbx_at_an_ipv6_address_is_known_again() {
    let place = Place::new("[::1]", "[::1]");
    let first = place.pbx("first");
    place.nothing_to_decide("was kept now, at its first use");
    place.nothing_to_decide("is the one that is kept, sha256:");
    drop(first);
    let _second = place.pbx("second");
    let mut terminal = place.trust();
    terminal.wait_for_text(QUESTION, SOON);
    terminal.type_keys("yes\r");
    assert_eq!(terminal.wait_for_end(SOON).code(), Some(0), "{terminal}");
    place.nothing_to_decide("is the one that is kept, sha256:");
}
