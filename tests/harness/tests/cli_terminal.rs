//! The command line on a terminal: passwords asked for without echo, the terminal given back on every way out.

use harness::{
    agent::{self, Agent, Start, plain_command},
    proc::Signal,
    pty::Pty,
    wait::{SOON, until},
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
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
        // A signal may overtake keys, which are shown then, as to a shell; Ctrl+C and Ctrl+D are keys themselves.
        if !matches!(way, Out::Signal(_)) {
            terminal.type_keys("gehe");
        }
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

/// What `plugin install` answers on a terminal to these keys; the plugins there are afterwards.
fn install(folder: &Path, keys: &str) -> (Option<i32>, Vec<PathBuf>, Pty) {
    let profile = profile(folder);
    let source = agent::plugin("demo-crm");
    let source = source.to_str().expect("UTF-8");
    let arguments = ["plugin", "install", "--set", "base_url=http://127.0.0.1:9", source];
    let mut terminal = on_terminal(&profile, &arguments, 200);
    terminal.wait_for_text("grant exactly this? [y/N]", SOON);
    for shown in ["127.0.0.1:9", "Demo CRM"] {
        terminal.wait_for_text(shown, SOON);
    }
    terminal.type_keys(keys);
    let status = terminal.wait_for_end(SOON * 3);
    (status.code(), installed(&profile), terminal)
}

/// What is in the folder of installed plugins.
fn installed(profile: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(profile.join("plugins")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.join("plugin.wasm").exists()).collect()
}

#[test]
fn a_plugin_is_installed_at_a_yes_and_at_nothing_else() {
    for keys in ["n\r", "\r", "ye\r", "\u{4}"] {
        let folder = tempfile::tempdir().expect("a folder");
        let (code, there, terminal) = install(folder.path(), keys);
        assert_eq!((code, there), (Some(12), Vec::new()), "{keys:?}\n{terminal}");
        assert!(!profile(folder.path()).join("plugins").exists(), "{keys:?} leaves something");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (code, there, terminal) = install(folder.path(), "y\r");
    assert_eq!((code, there.len()), (Some(0), 1), "{terminal}");
    terminal.wait_for_text("installed:", SOON);
    assert!(terminal.is_sane(), "{terminal}");
}

/// A yes that nobody can have meant: on a pipe only `--yes` is one.
#[test]
fn a_plugin_is_not_installed_by_what_a_pipe_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path());
    let mut command = plain_command(&profile);
    command
        .args(["plugin", "install", "--set", "base_url=http://127.0.0.1:9"])
        .arg(agent::plugin("demo-crm"));
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("it starts");
    // It may refuse before it reads.
    let _ = child.stdin.take().expect("a pipe").write_all(b"y\ny\n");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(12), "{said}");
    assert!(said.contains("Run it again with --yes"), "{said}");
    assert_eq!(installed(&profile), [] as [PathBuf; 0]);
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
