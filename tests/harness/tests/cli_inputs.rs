//! The command line and what may stand in a profile: settings that are no file, commands that only look, settings taken over.

use agent_exchange::{Exchange, ExchangeConfig, Ring, User};
use harness::{
    agent::{Account, Agent, plain_command, program},
    sipp::Transport,
    wait::{self, SOON},
};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

const PASSWORD: &str = "not-for-others";

/// A profile with these settings.
fn profile(folder: &Path, settings: &str) -> PathBuf {
    let profile = folder.join("profile");
    fs::create_dir_all(&profile).expect("the folder is ours");
    fs::write(profile.join("trayphone.toml"), settings).expect("the folder is ours");
    profile
}

/// Runs a command to its end, which must come.
fn ended(command: &mut Command) -> Output {
    let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("it starts");
    let over = wait::until(SOON, || child.try_wait().ok().flatten());
    if over.is_none() {
        let _ = child.kill();
    }
    let output = child.wait_with_output().expect("it ends");
    assert!(over.is_some(), "it hangs: {}", said(&output));
    output
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that has to end with this code and these words.
fn expect(command: &mut Command, exit: i32, part: &str) -> Output {
    let output = ended(command);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(exit), "{text}");
    assert!(text.contains(part) && !text.contains("panicked"), "{part:?} is not in {text:?}");
    output
}

#[test]
fn settings_that_are_no_file_of_settings_are_named_and_wait_for_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "");
    let file = profile.join("trayphone.toml");
    let gone = || drop(fs::remove_file(&file).or_else(|_| fs::remove_dir(&file)));
    let each = |part: &str| {
        for arguments in [
            &["settings"][..],
            &["account", "list"],
            &["run", "--headless"],
            &["account", "add", "sip:1@h", "--password-env", "X"],
        ] {
            let output = ended(plain_command(&profile).args(arguments));
            let text = said(&output);
            assert!(output.status.code() == Some(10) && text.contains(part), "{arguments:?}: {text}");
            assert!(text.contains("trayphone.toml"), "{arguments:?} names no file: {text}");
        }
    };
    gone();
    fs::create_dir(&file).expect("ours");
    each("a folder");
    gone();
    let made = Command::new("mkfifo").arg(&file).status().expect("coreutils");
    assert!(made.success());
    each("a pipe, a socket or a device");
    gone();
    symlink("/dev/zero", &file).expect("ours");
    each("a pipe, a socket or a device");
    gone();
    let _socket = UnixListener::bind(&file).expect("a socket");
    each("a pipe, a socket or a device");
    gone();
    File::create(&file).and_then(|file| file.set_len(10 << 20)).expect("ours");
    each("larger than");
    gone();
    fs::write(&file, b"\x7fELF\x02\x01\xff\xfe").expect("ours");
    each("");
}

#[test]
fn files_for_microphone_and_ear_are_refused_but_for_headless() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile =
        profile(folder.path(), "[audio]\nbackend = \"wav\"\ninput = \"a.wav\"\noutput = \"b.wav\"\n");
    expect(plain_command(&profile).arg("run"), 10, "only with --headless");
    expect(&mut plain_command(&profile), 10, "only with --headless");
}

#[test]
fn what_has_no_json_refuses_to_be_asked_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "");
    expect(plain_command(&profile).args(["--json", "settings", "--defaults"]), 2, "leave --json out");
    expect(plain_command(&profile).args(["settings", "--defaults"]), 0, "[calls]");
    expect(Command::new(program()).args(["--json", "demo"]), 2, "leave --json out");
    expect(Command::new(program()).args(["demo", "--script", "--json"]), 2, "leave --json out");
}

#[test]
fn a_profile_that_is_a_file_is_said_to_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("ours");
    for arguments in
        [&["settings"][..], &["status"], &["journal"], &["plugin", "list"], &["run", "--headless"]]
    {
        let output = ended(plain_command(&file).args(arguments));
        let text = said(&output);
        assert!(text.contains("not a folder"), "{arguments:?}: {text}");
    }
}

#[test]
fn commands_that_only_look_write_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "");
    let before = fs::read_dir(&profile).expect("ours").count();
    for arguments in [
        &["plugin", "list"][..],
        &["--json", "plugin", "list"],
        &["plugin", "remove", "org.example.crm"],
        &["plugin", "install", "/"],
        &["settings"],
        &["account", "list"],
        &["journal"],
        &["ledger"],
        &["status"],
    ] {
        let output = ended(plain_command(&profile).args(arguments));
        let left: Vec<_> = fs::read_dir(&profile).expect("ours").flatten().map(|it| it.file_name()).collect();
        assert_eq!(left.len(), before, "{arguments:?} left {left:?}: {}", said(&output));
    }
}

#[test]
fn nothing_is_started_for_what_can_never_become_a_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = profile(folder.path(), "language = \"en\"\n[[account]]\naor = \"sip:1001@127.0.0.1:9\"\n");
    let without = folder.path().join("without");
    let run = |profile: &Path, link: &str, exit: i32, part: &str| {
        let mut command = plain_command(profile);
        command
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("LANG", "C")
            .env_remove("LC_ALL")
            .env_remove("LANGUAGE");
        let started = Instant::now();
        expect(command.args(["open", "--", link]), exit, part);
        assert!(started.elapsed() < Duration::from_secs(8), "{link} was waited for: {:?}", started.elapsed());
        assert!(!profile.join("agent.lock").exists(), "an agent was started for {link}");
    };
    for link in ["mailto:a@b", "https://example.com", "tel:", "tel:nobody"] {
        run(&with, link, 7, "is not a tel: or sip: link");
    }
    run(&without, "mailto:a@b", 7, "is not a tel: or sip: link");
    run(&without, "tel:+4930123", 6, "trayphone account add");
    assert!(!without.exists(), "looking made a profile");
}

#[test]
fn an_account_that_is_refused_leaves_no_file_and_names_no_line_of_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let bare = folder.path().join("bare");
    fs::create_dir(&bare).expect("ours");
    for (aor, registrar, part) in [
        ("1001", "sip:h", "aor: “1001” is not an address like sip:"),
        ("sip:1@h:99999", "sip:h", "99999, which is no port"),
        ("sip:1@h", "sip:h:0", "0, which is no port"),
        ("sip:1@h", "sips:h;transport=udp", "registrar: “sips:h;transport=udp”"),
    ] {
        let mut command = plain_command(&bare);
        command.args(["account", "add", aor, "--registrar", registrar, "--password-env", "X"]);
        let output = expect(&mut command, 10, part);
        let text = said(&output);
        assert!(text.contains("nothing was added") && !text.contains("trayphone.toml"), "{text}");
    }
    assert_eq!(fs::read_dir(&bare).expect("ours").count(), 0, "something was left");
}

fn exchange() -> Exchange {
    let users = vec![User::new("1001", PASSWORD), User::new("1002", PASSWORD)];
    Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("the exchange starts")
}

#[test]
fn the_running_agent_takes_settings_over_or_says_what_needs_a_new_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let port = exchange.address().port();
    let mut start = Account::at(port, Transport::Udp, PASSWORD).start();
    start.environment.push(("PBX_LATER".to_owned(), PASSWORD.to_owned()));
    let settings = start.settings.clone();
    let agent = Agent::start(folder.path(), "agent", start);
    agent.wait_until_registered();
    let file = agent.profile().join("trayphone.toml");
    fs::write(&file, settings.replace("\"en\"", "\"de\"")).expect("ours");
    expect(&mut agent.plain(&["settings"]), 0, "--apply");
    expect(&mut agent.plain(&["settings", "--apply"]), 0, "has taken the settings over");
    expect(&mut agent.plain(&["answer"]), 4, "Es klingelt");
    // One added while it runs, whose password stands in an environment every browser would inherit.
    let aor = format!("sip:1002@127.0.0.1:{port}");
    expect(
        &mut agent.plain(&["account", "add", &aor, "--password-env", "PBX_LATER"]),
        0,
        "(env:PBX_LATER). For that, end it with `trayphone quit`",
    );
    agent.wait_for("the reason", 0, SOON, |event| {
        event["type"] == "error" && event["text"].as_str().is_some_and(|text| text.contains("PBX_LATER"))
    });
    let status = agent.ask(&["status"]).pop().expect("an answer");
    let state = &status["accounts"][1]["registration"]["state"];
    assert_eq!(state, "failed", "a password that others could read was used: {status}");
    // A password sent for an account of the environment is refused, in words.
    let mut socket = agent.connect();
    let line = format!("{{\"ask\":\"password\",\"aor\":\"{aor}\",\"password\":\"x\"}}\n");
    socket.write_all(line.as_bytes()).expect("the agent listens");
    let mut answer = String::new();
    BufReader::new(&socket).read_line(&mut answer).expect("an answer");
    assert!(answer.contains("refused") && answer.contains("PBX_LATER"), "{answer}");
    expect(&mut agent.plain(&["account", "remove", &aor]), 0, "the running agent has taken it over");
    // What is refused at the start is refused now.
    fs::write(&file, "[audio]\nbackend = \"wave\"\n").expect("ours");
    expect(&mut agent.plain(&["settings", "--apply"]), 10, "wave");
    fs::remove_file(&file).expect("ours");
    let nobody = folder.path().join("nobody");
    fs::create_dir(&nobody).expect("ours");
    expect(plain_command(&nobody).args(["settings", "--apply"]), 3, "no agent is running");
}

#[test]
fn a_second_start_is_handed_over_whatever_became_of_the_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let agent = Agent::start(
        folder.path(),
        "agent",
        Account::at(exchange.address().port(), Transport::Udp, PASSWORD).start(),
    );
    agent.wait_until_registered();
    fs::write(agent.profile().join("trayphone.toml"), "langauge = \"en\"\n").expect("ours");
    expect(&mut agent.plain(&[]), 0, "it was asked to show itself");
    let link = expect(&mut agent.plain(&["tel:600"]), 0, "600");
    assert!(!said(&link).contains("langauge"), "{}", said(&link));
}

/// What the agent says to a line.
fn told(agent: &Agent, line: &str) -> String {
    let mut socket = agent.connect();
    socket.write_all(format!("{line}\n").as_bytes()).expect("the agent listens");
    let mut answer = String::new();
    BufReader::new(&socket).read_line(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_request_with_a_field_nobody_reads_is_refused_and_touches_no_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let exchange = exchange();
    let account = Account::at(exchange.address().port(), Transport::Udp, PASSWORD);
    let agent = Agent::start(folder.path(), "agent", account.start());
    agent.wait_until_registered();
    let caller = exchange.ring(&Ring::new("1001", "+49301234567")).expect("it rings");
    let (call, _) = agent.wait_for_call("incoming", 0, SOON);
    for (line, field) in [
        ("{\"action\":\"hangup\",\"cal\":77}", "`cal`"),
        ("{\"action\":\"decline\",\"Call\":1}", "`Call`"),
        ("{\"action\":\"status\",\"x\":1}", "`x`"),
        ("{\"action\":\"quit\",\"call\":1}", "`call`"),
    ] {
        let answer = told(&agent, line);
        assert!(answer.contains("malformed") && answer.contains(field), "{line}: {answer}");
    }
    let status = agent.ask(&["status"]).pop().expect("an answer");
    assert_eq!(status["calls"][0]["state"], "incoming", "a call was hit: {status}");
    let door = agent.door();
    assert_eq!(status["socket"].as_str(), door.to_str(), "whoever asks is told where the API is: {status}");
    let line = format!("{{\"action\":\"decline\",\"call\":{}}}", call["call"]);
    assert!(told(&agent, &line).contains("\"call\""), "the right field is read");
    agent.wait_for_call("terminated", 0, SOON);
    drop(caller);
    // A question is answered with the number it shows, by whichever road.
    let question = told(&agent, "{\"action\":\"dial\",\"text\":\"tel:112\",\"source\":\"link\"}");
    let question: Value = serde_json::from_str(&question).expect("JSON");
    let choose = |choice: u32| {
        let id = &question["question"];
        told(&agent, &format!("{{\"action\":\"choose\",\"question\":{id},\"choice\":{choice}}}"))
    };
    for nobody in [0, 2] {
        let answer = choose(nobody);
        assert!(answer.contains(&format!("no choice {nobody}: choose from 1 to 1")), "{answer}");
    }
    let answer = choose(1);
    assert!(answer.contains("\"number\":\"112\""), "{answer}");
}

#[test]
fn a_plugin_that_is_a_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = folder.path().join("plugin");
    fs::create_dir(&plugin).expect("ours");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/demo-crm/plugin.toml");
    fs::copy(&manifest, plugin.join("plugin.toml")).expect("the demo's plugin is part of the tree");
    let made = Command::new("mkfifo").arg(plugin.join("plugin.wasm")).status().expect("coreutils");
    assert!(made.success());
    let profile = folder.path().join("profile");
    let arguments = ["plugin", "install", "--yes", "--set", "base_url=http://127.0.0.1:1"];
    let output = ended(plain_command(&profile).args(arguments).arg(&plugin));
    let text = said(&output);
    assert!(
        !output.status.success() && text.contains("plugin.wasm") && text.contains("is not a file"),
        "{text}"
    );
}
