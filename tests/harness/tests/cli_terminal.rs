//! The command line on a terminal: passwords asked for without echo, the terminal given back on every way out.

use harness::{
    agent::{self, Agent, Start, plain_command},
    proc::Signal,
    pty::Pty,
    wait::{SOON, until},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const AOR: &str = "sip:1001@127.0.0.1:9";

/// A profile whose account has its password in a keyring; there is none here.
fn profile(folder: &Path) -> PathBuf {
    let profile = folder.join("profile");
    fs::create_dir_all(&profile).expect("the folder is ours");
    let settings = format!("language = \"en\"\n[[account]]\naor = \"{AOR}\"\n[audio]\nbackend = \"null\"\n");
    fs::write(profile.join("trayphone.toml"), settings).expect("the folder is ours");
    profile
}

fn on_terminal(profile: &Path, arguments: &[&str], columns: u16) -> Pty {
    let mut command = plain_command(profile);
    let runtime = profile.join("run");
    fs::create_dir_all(&runtime).expect("the folder is ours");
    command.args(arguments).env("XDG_RUNTIME_DIR", runtime);
    Pty::start(&mut command, columns)
}

/// Waits until the question stands there and nothing typed is shown.
fn asked(terminal: &Pty) {
    terminal.wait_for_text("Password for", SOON);
    assert!(until(SOON, || (!terminal.is_sane()).then_some(())).is_some(), "echo stays on\n{terminal}");
}

/// The ways out of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Out {
    CtrlC,
    CtrlD,
    Signal(Signal),
}

impl Out {
    fn take(self, terminal: &mut Pty) {
        match self {
            Self::CtrlC => terminal.type_keys("\u{3}"),
            Self::CtrlD => terminal.type_keys("\u{4}"),
            Self::Signal(signal) => terminal.signal(signal),
        }
    }
}

const WAYS_OUT: [Out; 4] =
    [Out::CtrlC, Out::Signal(Signal::Terminate), Out::Signal(Signal::Interrupt), Out::Signal(Signal::HangUp)];

#[test]
fn every_way_out_of_a_command_that_asks_gives_the_terminal_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path());
    for way in WAYS_OUT.into_iter().chain([Out::CtrlD]) {
        let mut terminal = on_terminal(&profile, &["account", "password", AOR], 80);
        asked(&terminal);
        terminal.type_keys("gehe");
        way.take(&mut terminal);
        if way == Out::CtrlD {
            // In the middle of a word it means nothing, on an empty line the end.
            terminal.type_keys("\u{15}\u{4}");
        }
        let status = terminal.wait_for_end(SOON);
        assert_eq!(status.code(), Some(11), "{way:?}\n{terminal}");
        assert!(terminal.is_sane(), "{way:?} leaves the terminal without echo\n{terminal}");
        terminal.wait_for_text("nothing was changed", SOON);
        assert!(!terminal.screen().contains("gehe"), "{terminal}");
    }
}

#[test]
fn what_is_typed_is_not_shown_and_where_it_cannot_be_kept_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = on_terminal(&profile(folder.path()), &["account", "password", AOR], 80);
    asked(&terminal);
    terminal.type_keys("geheim\r");
    let status = terminal.wait_for_end(SOON);
    assert_eq!(status.code(), Some(11), "{terminal}");
    terminal.wait_for_text("keyring", SOON);
    assert!(!terminal.screen().contains("geheim"), "{terminal}");
    assert!(terminal.is_sane(), "{terminal}");
}

#[test]
fn every_way_out_of_an_agent_that_asks_gives_the_terminal_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path());
    for way in WAYS_OUT.map(Some).into_iter().chain([None]) {
        let mut terminal = on_terminal(&profile, &["run", "--headless"], 80);
        asked(&terminal);
        match way {
            Some(way) => way.take(&mut terminal),
            None => {
                let mut quit = on_terminal(&profile, &["quit"], 80);
                assert!(quit.wait_for_end(SOON).success(), "{quit}");
            }
        }
        let status = terminal.wait_for_end(SOON);
        assert!(status.success(), "{way:?}: {status}\n{terminal}");
        assert!(terminal.is_sane(), "{way:?} leaves the terminal without echo\n{terminal}");
    }
}

#[test]
fn an_agent_started_with_nohup_outlives_its_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let start =
        Start { settings: "[audio]\nbackend = \"null\"\n".to_owned(), nohup: true, ..Start::default() };
    let mut agent = Agent::start(folder.path(), "agent", start);
    agent.proc.signal(Signal::HangUp);
    // Signals are taken in order of arrival by the loop that answers, so an answer after it means that it was ignored.
    for _ in 0..5 {
        agent.ask(&["status"]);
    }
    assert!(agent.proc.ended().is_none(), "{}", agent.proc);
    agent.proc.signal(Signal::Terminate);
    assert!(agent.proc.wait_for_end(SOON).success(), "{}", agent.proc);
}

#[test]
fn a_narrow_terminal_without_colours_gets_the_help_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path());
    let mut terminal = on_terminal(&profile, &["dial", "--help"], 20);
    assert!(terminal.wait_for_end(SOON).success(), "{terminal}");
    terminal.wait_for_text("trayphone dial 600", SOON);
    let mut plain = Command::new(agent::program());
    let mut plain = Pty::start(plain.arg("nonsense").env("NO_COLOR", "1"), 80);
    assert_eq!(plain.wait_for_end(SOON).code(), Some(2), "{plain}");
    plain.wait_for_text("nonsense", SOON);
    assert!(!plain.screen().contains('\u{1b}'), "{plain}");
}
