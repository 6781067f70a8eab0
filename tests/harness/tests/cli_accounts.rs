//! An account's life on the command line: added, tested, used, listed and removed, with a keyring and without one.

use agent_exchange::{Exchange, ExchangeConfig, User};
use harness::{
    agent::{Agent, Start, plain_command},
    keyring::Keyring,
    pty::Pty,
    wait::{self, SOON},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const PASSWORD: &str = "kept-apart";

fn exchange() -> (Exchange, String) {
    let users = vec![User::new("1001", PASSWORD)];
    let exchange = Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("it starts");
    let aor = format!("sip:1001@{}", exchange.address());
    (exchange, aor)
}

/// Where [`Agent`] has the profile of an agent called `agent`.
fn profile(folder: &Path) -> PathBuf {
    let profile = folder.join("agent/profile");
    fs::create_dir_all(&profile).expect("the folder is ours");
    fs::write(file(&profile), "language = \"en\"\n\n[audio]\nbackend = \"null\"\n").expect("ours");
    profile
}

fn file(profile: &Path) -> PathBuf {
    profile.join("trayphone.toml")
}

/// Runs a command with this on stdin; answers its exit code and all it said.
fn ended(command: &mut Command, input: &str) -> (Option<i32>, String) {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("it starts");
    // It may end before it has read.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code(), said)
}

/// The same for a command that must end with this code and say these words.
fn expect(command: &mut Command, input: &str, code: i32, words: &[&str]) -> String {
    let (ended, said) = ended(command, input);
    assert_eq!(ended, Some(code), "{command:?}: {said}");
    assert!(words.iter().all(|words| said.contains(words)), "{words:?} are not all in {said:?}");
    assert!(!said.contains(PASSWORD), "the password is printed: {said}");
    said
}

#[test]
fn an_account_has_its_password_in_the_keyring_from_add_to_remove() {
    let folder = tempfile::tempdir().expect("a folder");
    let (exchange, aor) = exchange();
    let keyring = Keyring::start();
    let profile = profile(folder.path());
    let trayphone = |arguments: &[&str]| {
        let mut command = plain_command(&profile);
        command.envs([keyring.environment()]).args(arguments);
        command
    };
    let ours = || keyring.kept().into_iter().filter(|it| it.contains(&aor)).count();
    let added = &["account", "add", &aor];
    expect(&mut trayphone(added), &format!("{PASSWORD}\n"), 0, &["the password is in the keyring"]);
    let settings = fs::read_to_string(file(&profile)).expect("the settings");
    assert!(settings.contains(&aor) && !settings.contains(PASSWORD), "{settings}");
    assert_eq!(ours(), 1, "{:?}", keyring.kept());
    expect(&mut trayphone(&["account", "test"]), "", 0, &[&aor, ": ready"]);
    expect(&mut trayphone(&["account", "list"]), "", 0, &[&aor, "password: keyring"]);
    let listed = expect(&mut trayphone(&["--json", "account", "list"]), "", 0, &[]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!((&listed["aor"], &listed["password"]), (&json!(aor), &json!("keyring")), "{listed}");

    let agent = registered(folder.path(), &keyring, settings);
    assert_eq!(exchange.phones("1001").len(), 1);
    // Another password, and then the right one again, while it runs.
    let taken = ["in the keyring", "the running agent has it"];
    let change = |password: &str| {
        let mut command = agent.plain(&["account", "password", &aor]);
        expect(&mut command, password, 0, &taken);
    };
    change("wrong");
    agent.wait_for_state("failed", SOON);
    let tested = expect(&mut trayphone(&["account", "test", &aor]), "", 13, &[&aor]);
    assert!(!tested.contains("next try"), "a test tries once: {tested}");
    let tested = expect(&mut trayphone(&["--json", "account", "test", &aor]), "", 13, &["wrong_password"]);
    assert!(tested.contains("\"retry_ms\":null"), "a test tries once: {tested}");
    change(PASSWORD);
    agent.wait_until_registered();
    let removed = ["is removed", "the running agent has taken it over"];
    expect(&mut agent.plain(&["account", "remove", &aor]), "", 0, &removed);
    let gone = || (agent.ask(&["status"]).remove(0)["accounts"] == json!([])).then_some(());
    assert!(wait::until(SOON, gone).is_some(), "the running agent still has it\n{}", agent.proc);
    let off = || exchange.phones("1001").is_empty().then_some(());
    assert!(wait::until(SOON, off).is_some(), "it is still registered\n{}", agent.proc);
    assert_eq!(ours(), 0, "its password is still kept: {:?}", keyring.kept());
    assert!(!fs::read_to_string(file(&profile)).expect("the settings").contains(&aor));
    expect(&mut trayphone(&["account", "list"]), "", 0, &["no account"]);
    expect(&mut trayphone(&["account", "remove", &aor]), "", 10, &["no account is called"]);
}

/// The agent, registered with what the keyring has.
fn registered(folder: &Path, keyring: &Keyring, settings: String) -> Agent {
    let start = Start { settings, environment: vec![keyring.environment()], ..Start::default() };
    let agent = Agent::start(folder, "agent", start);
    agent.wait_until_registered();
    agent
}

#[test]
fn without_a_keyring_the_account_stays_and_the_next_step_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_exchange, aor) = exchange();
    let profile = profile(folder.path());
    let mut add = plain_command(&profile);
    let next = format!("`trayphone account password {aor}`");
    let words = ["the password is not kept", "in the settings all the same", &next, "--password-env"];
    expect(add.args(["account", "add", &aor]), PASSWORD, 11, &words);
    let listed = [aor.as_str(), "password: keyring"];
    expect(plain_command(&profile).args(["account", "list"]), "", 0, &listed);
    // With an agent that runs, the step that was named is one.
    let settings = fs::read_to_string(file(&profile)).expect("the settings");
    let agent = Agent::start(folder.path(), "agent", Start { settings, ..Start::default() });
    agent.wait_for_state("failed", SOON);
    let kept = ["the running agent has it until it ends"];
    expect(&mut agent.plain(&["account", "password", &aor]), PASSWORD, 0, &kept);
    agent.wait_until_registered();
}

/// A test of an account whose PBX is not there says so, and announces no try that does not come.
#[test]
fn a_test_that_fails_announces_no_second_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
    let aor = format!("sip:1001@{closed}");
    let registrar = format!("sip:{closed};transport=tcp");
    let mut add = plain_command(&profile);
    add.args(["account", "add", &aor, "--registrar", &registrar, "--password-env", "PBX_PASSWORD"]);
    expect(&mut add, "", 0, &[]);
    for json in [false, true] {
        let mut test = plain_command(&profile);
        test.env("PBX_PASSWORD", PASSWORD).args(["account", "test"]).args(json.then_some("--json"));
        let said = expect(&mut test, "", 13, &[&aor]);
        let announced = said.contains("next try") || (json && !said.contains("\"retry_ms\":null"));
        assert!(!announced, "a test tries once: {said}");
    }
}

#[test]
fn one_account_is_found_however_its_address_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path());
    let run = |arguments: &[&str], code: i32, words: &[&str]| {
        let mut command = plain_command(&profile);
        expect(command.env("PBX_PASSWORD", PASSWORD).args(arguments), "", code, words);
    };
    let add = |aor: &str, code: i32, words: &[&str]| {
        run(&["account", "add", aor, "--password-env", "PBX_PASSWORD"], code, words);
    };
    let kept = "sip:1001@LOCALHOST";
    add(kept, 0, &[kept]);
    for same in ["sip:1001@localhost", "sip:1001@localhost:5060", "sip:%31001@LocalHost"] {
        add(same, 10, &["there is an account", kept, "already"]);
        run(&["account", "password", same], 11, &[kept, "PBX_PASSWORD"]);
    }
    add("sip:1001@localhost:5070", 0, &["5070"]);
    run(&["account", "remove", "sip:1001@localhost"], 0, &[kept, "is removed"]);
    run(&["account", "remove", kept], 10, &["no account is called", "5070"]);
}

#[test]
fn a_password_typed_at_the_start_registers_the_account() {
    let folder = tempfile::tempdir().expect("a folder");
    let (exchange, aor) = exchange();
    let profile = profile(folder.path());
    let settings = fs::read_to_string(file(&profile)).expect("the settings");
    fs::write(file(&profile), format!("{settings}\n[[account]]\naor = \"{aor}\"\n")).expect("ours");
    let mut command = plain_command(&profile);
    command.args(["run", "--headless"]).env("XDG_RUNTIME_DIR", folder.path());
    let mut terminal = Pty::start(&mut command, 80);
    terminal.wait_for_text(&format!("Password for {aor}"), SOON);
    assert!(wait::until(SOON, || (!terminal.is_sane()).then_some(())).is_some(), "echo stays on\n{terminal}");
    assert!(exchange.phones("1001").is_empty(), "registered with no password");
    terminal.type_keys(&format!("{PASSWORD}\r"));
    let quiet = |arguments: &[&str]| {
        let mut command = plain_command(&profile);
        command.args(arguments).env("XDG_RUNTIME_DIR", folder.path());
        ended(&mut command, "")
    };
    let up = wait::until(SOON, || quiet(&["status"]).1.contains(": ready").then_some(()));
    assert!(up.is_some(), "{:?}\n{terminal}", quiet(&["status"]));
    assert_eq!(exchange.phones("1001").len(), 1);
    assert!(terminal.is_sane(), "no echo while it runs\n{terminal}");
    assert!(!terminal.screen().contains(PASSWORD), "{terminal}");
    assert_eq!(quiet(&["quit"]).0, Some(0));
    assert!(terminal.wait_for_end(SOON).success(), "{terminal}");
    let off = wait::until(SOON, || exchange.phones("1001").is_empty().then_some(()));
    assert!(off.is_some() && terminal.is_sane(), "{terminal}");
}
