//! The command line against a running agent, and without one: what it says, how it ends, what it leaves behind.

use agent_exchange::{Crm, CrmConfig, Exchange, ExchangeConfig, Ring, User};
use harness::{
    agent::{Account, Agent, plain_command, plugin, program},
    proc::{Proc, Signal},
    sipp::Transport,
    wait::{self, SOON},
};
use serde_json::Value;
use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

const PASSWORD: &str = "not-for-others";

fn exchange() -> Exchange {
    let users = vec![User::new("1001", PASSWORD)];
    Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("the exchange starts")
}

fn account(exchange: &Exchange) -> Account {
    Account::at(exchange.address().port(), Transport::Udp, PASSWORD)
}

fn registered(folder: &Path, exchange: &Exchange) -> Agent {
    let agent = Agent::start(folder, "agent", account(exchange).start());
    agent.wait_until_registered();
    agent
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that has to end with this code and these words.
fn expect(output: &Output, exit: i32, part: &str) {
    let text = said(output);
    assert_eq!(code(output), exit, "{text}");
    assert!(text.contains(part), "{part:?} is not in {text:?}");
    assert!(!text.contains("panicked"), "{text}");
}

/// A profile with an account nobody answers for.
fn profile(folder: &Path, settings: &str) -> PathBuf {
    let profile = folder.join("profile");
    fs::create_dir_all(&profile).expect("the folder is ours");
    fs::write(profile.join("trayphone.toml"), settings).expect("the folder is ours");
    profile
}

fn piped(mut command: Command, input: &[u8]) -> Output {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("the program starts");
    // It may refuse before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("the program ends")
}

#[test]
fn every_refusal_has_its_code_and_its_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let agent = registered(folder.path(), &exchange);
    for (arguments, exit, part) in [
        (&["answer"][..], 4, "No call is ringing"),
        (&["decline"], 4, ""),
        (&["hangup"], 4, ""),
        (&["hold"], 4, ""),
        (&["resume"], 4, ""),
        (&["dtmf", "1"], 4, ""),
        (&["answer", "7"], 4, "7"),
        (&["choose", "99", "1"], 4, ""),
        (&["mute"], 4, "no call"),
        (&["dial", ""], 7, ""),
        (&["dial", "--account", "5", "600"], 6, ""),
        (&["dial", "--selection"], 7, "--headless"),
        (&["open", "--", "https://example.com"], 7, ""),
        (&["dtmf"], 2, "Usage"),
        (&["mute", "perhaps"], 2, "on"),
        (&["answer", "x"], 2, "x"),
        (&["dail", "600"], 2, "dial"),
        (&["run", "--headless"], 15, "process"),
        (&["demo"], 2, "--profile"),
        (&["settings", "--defaults"], 2, "leave --json out"),
    ] {
        let output = agent.command(arguments);
        assert_eq!(code(&output), exit, "{arguments:?}: {}", said(&output));
        expect(&output, exit, part);
        assert!(!output.stderr.is_empty(), "{arguments:?} is refused without a word");
    }
    // Which of two numbers: asked, and a choice that is not there is named as the user counts.
    let output = agent.command(&["open", "--", "tel:112"]);
    expect(&output, 9, "question");
    let question: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let id = question["question"].to_string();
    expect(&agent.command(&["choose", &id, "5"]), 4, "no choice 5: choose from 1 to 1");
    expect(&agent.command(&["choose", &id]), 0, "done");
}

#[test]
fn without_an_agent_every_command_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "");
    for arguments in [
        &["status"][..],
        &["quit"],
        &["show"],
        &["dial", "600"],
        &["dial", "--selection"],
        &["answer"],
        &["decline"],
        &["hangup"],
        &["hold"],
        &["resume"],
        &["mute"],
        &["dtmf", "1"],
        &["choose", "1"],
        &["events"],
    ] {
        let output = plain_command(&profile).args(arguments).output().expect("the program starts");
        expect(&output, 3, "start it with \"trayphone\"");
    }
    let nowhere = plain_command(&folder.path().join("nowhere")).arg("status").output().expect("it starts");
    expect(&nowhere, 3, "nowhere");
    assert!(!folder.path().join("nowhere").exists(), "asking makes no profile");
}

#[test]
fn what_is_not_text_or_cannot_be_written_is_said_and_nothing_panics() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "");
    let run = |arguments: &[&OsStr]| plain_command(&profile).args(arguments).output().expect("it starts");
    expect(&run(&[OsStr::new("dial"), OsStr::from_bytes(b"\xff\xfe")]), 2, "UTF-8");
    expect(&run(&[OsStr::from_bytes(b"\xff")]), 2, "");
    // Nobody reads: no error. A full disk: an error.
    let settings = |out: Stdio| {
        let mut command = plain_command(&profile);
        let child = command.args(["settings", "--defaults"]).stdout(out).stderr(Stdio::piped());
        child.spawn().expect("it starts").wait_with_output().expect("it ends")
    };
    let (read, write) = std::io::pipe().expect("a pipe");
    drop(read);
    expect(&settings(write.into()), 0, "");
    let full = File::options().write(true).open("/dev/full").expect("Linux has one");
    expect(&settings(full.into()), 1, "the output could not be written");
    // The complaint itself has nowhere to go: the code says it all the same.
    let mut deaf = plain_command(&profile);
    let full = || File::options().write(true).open("/dev/full").expect("Linux has one");
    let status = deaf.arg("status").stdout(full()).stderr(full()).status().expect("it starts");
    assert_eq!(status.code(), Some(3));
}

#[test]
fn a_password_is_taken_whole_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(
        folder.path(),
        "[[account]]\naor = \"sip:1@127.0.0.1\"\n[[account]]\naor = \"sip:2@127.0.0.1\"\npassword = \"env:PBX_TWO\"\n",
    );
    let set = |aor: &str, input: &[u8]| {
        let mut command = plain_command(&profile);
        command.args(["account", "password", aor]);
        piped(command, input)
    };
    expect(&set("sip:1@127.0.0.1", b""), 11, "empty");
    expect(&set("sip:1@127.0.0.1", &[b'x'; 5000]), 11, "longer than 4096");
    expect(&set("sip:1@127.0.0.1", b"two\nlines\n"), 11, "line break");
    expect(&set("sip:1@127.0.0.1", b"nul\0inside"), 11, "control character");
    expect(&set("sip:1@127.0.0.1", b"\xffbytes"), 11, "UTF-8");
    expect(&set("sip:1@127.0.0.1", b"whole\n"), 11, "keyring");
    expect(&set("sip:2@127.0.0.1", b"other"), 11, "PBX_TWO");
    expect(&set("sip:3@127.0.0.1", b"other"), 10, "account list");
    // Nobody is asked for a password of an account that cannot be added.
    let mut add = plain_command(&profile);
    add.args(["account", "add", "sip:1@127.0.0.1"]);
    expect(&piped(add, b""), 10, "already");
    let mut add = plain_command(&profile);
    add.args(["account", "add", "1001"]);
    expect(&piped(add, b""), 10, "sip:");
}

#[test]
fn no_program_we_start_sees_a_password_of_the_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let crm = Crm::start(CrmConfig::default()).expect("the CRM starts");
    let tools = folder.path().join("tools");
    fs::create_dir(&tools).expect("the folder is ours");
    let seen = folder.path().join("seen");
    let script =
        format!("#!/bin/sh\nenv > '{0}.new'\necho \"$1\" >> '{0}.new'\nmv '{0}.new' '{0}'\n", seen.display());
    fs::write(tools.join("xdg-open"), script).expect("the folder is ours");
    fs::set_permissions(tools.join("xdg-open"), fs::Permissions::from_mode(0o755)).expect("ours");
    let mut start = account(&exchange).start();
    start.desktop = true;
    let path = format!("{}:{}", tools.display(), env::var("PATH").unwrap_or_default());
    start.environment.push(("PATH".to_owned(), path));
    let agent = Agent::start(folder.path(), "agent", start);
    agent.wait_until_registered();
    install_crm(&agent, &crm);
    let caller = exchange.ring(&Ring::new("1001", "+49301234567")).expect("it rings");
    agent.wait_for("the caller's name", 0, SOON, |event| event["type"] == "call" && !event["card"].is_null());
    agent.ask(&["answer"]);
    let text = wait::until(SOON, || fs::read_to_string(&seen).ok());
    let text = text.unwrap_or_else(|| panic!("no page is opened\n{}", agent.proc));
    assert!(text.contains("PATH=") && text.contains("/contacts/7"), "{text}");
    assert!(!text.contains(PASSWORD), "the browser is told the password");
    // What the kernel shows of the agent itself, to every program of the same user.
    let shown = fs::read(format!("/proc/{}/environ", agent.proc.id())).expect("the agent runs");
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("PATH=") && !shown.contains(PASSWORD), "the process list shows the password");
    caller.hang_up();
}

fn install_crm(agent: &Agent, crm: &Crm) {
    let path = plugin("demo-crm");
    let path = path.to_str().expect("UTF-8");
    agent.ask(&["plugin", "install", "--yes", "--set", &format!("base_url={}", crm.url()), path]);
    let loaded = wait::until(SOON, || {
        let status = agent.ask(&["status"]).pop()?;
        (status["plugins"].as_array()?.len() == 1).then_some(())
    });
    assert!(loaded.is_some(), "the plugin is not taken over\n{}", agent.proc);
}

#[test]
fn the_events_carry_what_scripts_live_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let crm = Crm::start(CrmConfig::default()).expect("the CRM starts");
    let agent = registered(folder.path(), &exchange);
    install_crm(&agent, &crm);
    assert_eq!(agent.events()[0], serde_json::json!({ "type": "hello", "version": 1 }));
    let (event, _) = agent.wait_for_registration("registered", 0, SOON);
    assert_eq!(event["aor"], format!("sip:1001@127.0.0.1:{}", exchange.address().port()));
    assert_eq!(event["account"], 0);
    let named = "Eve\u{1b}[2J\u{9b}31m";
    let caller = exchange.ring(&Ring::new("1001", "+49301234567").named(named)).expect("it rings");
    let (call, _) = agent.wait_for_call("incoming", 0, SOON);
    assert_eq!(call["direction"], "incoming", "{call}");
    assert!(call["party"]["number"].as_str().is_some_and(|number| number.ends_with("301234567")), "{call}");
    let number = call["call"].to_string();
    agent.wait_for("a toast", 0, SOON, |event| {
        event["type"] == "toast" && event["text"].is_array() && event["call"] == call["call"]
    });
    let (call, _) = agent.wait_for("the card", 0, SOON, |event| {
        event["type"] == "call" && event["card"]["name"] == "Alice Schmidt"
    });
    assert_eq!(call["card"]["company"], "ACME GmbH", "{call}");
    agent.ask(&["answer", &number]);
    let (pop, _) = agent.wait_for("the screen pop", 0, SOON, |event| event["type"] == "screen_pop");
    assert_eq!(pop["url"], crm.record_url(7), "{pop}");
    assert_eq!(pop["call"], call["call"]);
    let (media, _) = agent.wait_for("facts about the sound", 0, SOON, |event| {
        event["type"] == "media" && event["facts"]["received"].as_u64().is_some_and(|count| count > 25)
    });
    for fact in ["level_out_dbov", "level_in_dbov", "loss_percent", "jitter_ms", "buffer_ms"] {
        assert!(media["facts"][fact].is_number(), "{fact}: {media}");
    }
    caller.hang_up();
    let (call, _) = agent.wait_for_call("terminated", 0, SOON);
    assert_eq!(call["outcome"], "answered", "{call}");
    fs::write(agent.profile().join("trayphone.toml"), "langauge = \"en\"\n").expect("the folder is ours");
    agent.command(&["account", "list"]);
    // Whoever tells it to read a file that is wrong hears so, and so do those who listen.
    let (error, _) = reload(&agent);
    assert!(error["text"].as_str().is_some_and(|text| text.contains("langauge")), "{error}");
    // No line of the stream can steer the terminal it is printed on.
    let raw = fs::read_to_string(folder.path().join("agent/events.out")).expect("the stream");
    assert!(!raw.chars().any(|c| c.is_control() && c != '\n'), "{raw:?}");
}

/// Makes the agent read its settings again, as a plugin or account command does, and waits for what it says of them.
fn reload(agent: &Agent) -> (Value, usize) {
    let status = agent.ask(&["status"]).pop().expect("an answer");
    assert!(status["accounts"].is_array(), "{status}");
    let mut socket = agent.connect();
    // What else went wrong before is not meant.
    let from = agent.events().len();
    socket.write_all(b"{\"ask\":\"reload_settings\"}\n").expect("the agent listens");
    let mut line = String::new();
    BufReader::new(&socket).read_line(&mut line).expect("an answer");
    assert!(line.contains("refused") && line.contains("langauge"), "{line}");
    agent.wait_for("an error", from, SOON, |event| event["type"] == "error")
}

#[test]
fn a_listener_who_has_enough_is_let_go_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let agent = registered(folder.path(), &exchange);
    let mut command = agent.plain(&["events"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    out.read_line(&mut first).expect("hello");
    assert!(first.contains("hello"), "{first}");
    let mut second = String::new();
    out.read_line(&mut second).expect("how things stand");
    assert!(second.contains("registered"), "{second}");
    // Nothing more happens in this agent, so no event is written that could fail.
    drop(out);
    let ended = wait::until(Duration::from_secs(5), || child.try_wait().ok().flatten());
    let _ = child.kill();
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
}

#[test]
fn a_test_of_the_account_stands_in_the_ledger_and_leaves_the_agents_calls_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let mut account = account(&exchange);
    account.registrar = account.registrar.replace("udp", "tcp");
    let agent = Agent::start(folder.path(), "agent", account.start());
    agent.wait_until_registered();
    let caller = exchange.ring(&Ring::new("1001", "+49301234567")).expect("it rings");
    agent.wait_for_call("incoming", 0, SOON);
    agent.ask(&["answer"]);
    agent.wait_for_call("established", 0, SOON);
    let open = |row: &Value| row["outcome"].is_null();
    assert!(wait::until(SOON, || agent.ask(&["journal"]).iter().any(open).then_some(())).is_some());
    let before = agent.ask(&["ledger"]).len();
    let tested = agent.ask(&["account", "test"]);
    assert_eq!(tested[0]["registration"]["state"], "registered", "{tested:?}");
    let rows = agent.ask(&["ledger"]);
    let new = &rows[..rows.len() - before];
    assert!(!new.is_empty(), "no row: {rows:?}");
    let port = u64::from(exchange.address().port());
    assert!(new.iter().all(|row| row["port"] == port && row["scheme"] == "tcp"), "{new:?}");
    assert!(agent.ask(&["journal"]).iter().any(open), "the call that is up is written off");
    caller.hang_up();
    // Where the ledger cannot be written, the test is made all the same and says so.
    let bare = folder.path().join("bare");
    fs::create_dir(&bare).expect("the folder is ours");
    fs::copy(agent.profile().join("trayphone.toml"), bare.join("trayphone.toml")).expect("ours");
    fs::create_dir(bare.join("journal.db")).expect("ours");
    let mut command = plain_command(&bare);
    let output = command.args(["account", "test"]).env("TRAYPHONE_TEST_PASSWORD", PASSWORD).output();
    expect(&output.expect("it starts"), 0, "leaves no row in the ledger");
}

#[test]
fn a_link_starts_the_agent_and_the_next_ones_are_handed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let start = account(&exchange).start();
    let profile = profile(folder.path(), &start.settings);
    let run = |arguments: &[&str]| {
        let mut command = plain_command(&profile);
        command.envs(start.environment.iter().cloned()).env("XDG_RUNTIME_DIR", folder.path());
        command.args(arguments).output().expect("it starts")
    };
    expect(&run(&["--json", "open", "--", "tel:600"]), 0, "600");
    let lock = fs::read_to_string(profile.join("agent.lock")).expect("the agent's lock");
    let _reaper = Reaper(lock.trim().parse().expect("its process"));
    let stat = fs::read_to_string(format!("/proc/{}/stat", lock.trim())).expect("it runs");
    // proc(5): after the name in brackets come state, parent, group, session
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    assert_eq!(fields[3], lock.trim(), "it leads a session of its own: {stat}");
    expect(&run(&["--json", "tel:601"]), 0, "601");
    expect(&run(&["--json", "--", "TEL:601"]), 0, "601");
    expect(&run(&[]), 0, "running already");
    let status = run(&["--json", "status"]);
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(status["calls"].as_array().map(Vec::len), Some(3), "{status}");
    expect(&run(&["quit"]), 0, "");
    // An agent that cannot start is not waited for, and its own words are repeated.
    fs::write(profile.join("trayphone.toml"), "langauge = \"en\"\n").expect("the folder is ours");
    let started = Instant::now();
    expect(&run(&["open", "--", "tel:600"]), 10, "langauge");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

/// Ends a process that is nobody's child.
struct Reaper(i32);

impl Drop for Reaper {
    fn drop(&mut self) {
        // SAFETY: kill(2) takes numbers and touches no memory of ours.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }
}

#[test]
fn after_quit_the_profile_is_free() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let start = account(&exchange).start();
    let profile = profile(folder.path(), &start.settings);
    let command = || {
        let mut command = plain_command(&profile);
        command.envs(start.environment.iter().cloned()).env("XDG_RUNTIME_DIR", folder.path());
        command
    };
    for _ in 0..4 {
        let mut agent = Proc::start("agent", command().args(["run", "--headless"]), folder.path());
        let up = wait::until(SOON, || {
            let output = command().args(["--json", "status"]).output().ok()?;
            (said(&output).contains("registered") || agent.ended().is_some()).then_some(())
        });
        assert!(up.is_some() && agent.ended().is_none(), "{agent}");
        expect(&command().arg("quit").output().expect("it starts"), 0, "");
        // At once, without waiting for the process: this is what scripts do.
        assert!(lock_is_free(&profile.join("agent.lock")), "`quit` came back too early\n{agent}");
        assert!(agent.wait_for_end(SOON).success(), "{agent}");
    }
}

fn lock_is_free(lock: &Path) -> bool {
    let file = File::open(lock).expect("the lock stays");
    file.try_lock().is_ok()
}

#[test]
fn a_callers_name_cannot_steer_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let agent = registered(folder.path(), &exchange);
    let named = "Eve\u{1b}[2J\u{9b}31m\u{7}\u{202e}";
    let caller = exchange.ring(&Ring::new("1001", "+49301234567").named(named)).expect("it rings");
    agent.wait_for_call("incoming", 0, SOON);
    for arguments in [&["status"][..], &["--json", "status"], &["journal"], &["--json", "journal"]] {
        let output = agent.plain(arguments).output().expect("it starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.contains("Eve"), "{arguments:?}: {text:?}");
        let wild = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(wild), "{arguments:?}: {text:?}");
    }
    caller.hang_up();
}

/// A `DISPLAY` that is named and dead, and no terminal: the demo says so and tells its story by itself.
#[test]
fn the_demo_does_not_wait_for_a_display_that_is_dead() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program());
    for theirs in ["DBUS_SESSION_BUS_ADDRESS", "WAYLAND_DISPLAY", "LANGUAGE", "LC_ALL", "LANG"] {
        command.env_remove(theirs);
    }
    let nowhere = format!("unix:{}", folder.path().join("no-sound-server").display());
    command.arg("demo").env("DISPLAY", ":4242").env("HOME", folder.path()).env("PULSE_SERVER", nowhere);
    let mut demo = Proc::start("demo", &mut command, folder.path());
    demo.wait_for_text("no display answers there", SOON);
    // There is no sound either, and it says so, though nobody listened when it was found out.
    demo.wait_for_text("Calls run without sound", SOON);
    // It talks for ten seconds.
    let status = demo.wait_for_end(Duration::from_secs(60));
    assert!(status.success(), "{status}\n{demo}");
    demo.wait_for_text("answered", SOON);
    demo.signal(Signal::Kill);
}
