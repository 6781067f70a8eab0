//! `trayphone demo`: the script's whole story with a desktop and without, each fault with the step it is known by, and the
//! keys of the demo for a person.

use harness::{
    agent,
    desktop::{Desktop, FakeToasts, Manner, Toasts},
    pty::Pty,
    wait::{self, SOON},
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The story measures sound: two at once on a small machine would disturb one another.
static STAGE: Mutex<()> = Mutex::new(());

/// How often in a row the story must be told, in the long run of the tests.
const ROUNDS: usize = 20;
/// How many of these are told without a desktop.
const WITHOUT: usize = 4;

fn alone() -> MutexGuard<'static, ()> {
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plays the script; its exit code and everything it printed.
fn play(mut command: Command, fault: Option<&str>) -> (i32, String) {
    command.args(["demo", "--script"]).stdin(Stdio::null());
    if let Some(fault) = fault {
        command.args(["--fault", fault]);
    }
    let output = command.output().expect("the program starts");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), said)
}

fn nowhere() -> Command {
    let mut command = Command::new(agent::program());
    for gone in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "BROWSER", "XDG_CURRENT_DESKTOP"] {
        command.env_remove(gone);
    }
    command
}

fn on(desktop: &Desktop) -> Command {
    desktop.command(agent::program().to_str().expect("UTF-8"))
}

/// The words after `ok` and the name of a step.
fn step<'a>(said: &'a str, name: &str) -> &'a str {
    let found = said.lines().find_map(|line| line.split_once("ok  ")?.1.trim_start().strip_prefix(name));
    found.unwrap_or_else(|| panic!("no `ok {name}`:\n{said}"))
}

/// The story without a desktop, each thing seen where it can be seen there.
fn is_told_without_a_desktop() {
    let (exit, said) = play(nowhere(), None);
    assert_eq!(exit, 0, "{said}");
    assert!(step(&said, "toast").contains("as `trayphone events` shows it"), "{said}");
    assert!(step(&said, "screen pop").contains("by $BROWSER"), "{said}");
    assert!(!said.contains("tray "), "{said}");
}

/// The story on a desktop, each thing seen there by another program.
fn is_told_on(desktop: &Desktop) {
    let (exit, said) = play(on(desktop), None);
    assert_eq!(exit, 0, "{said}");
    for name in ["toast", "named"] {
        assert!(step(&said, name).contains("the toast server took it as"), "{said}");
    }
    assert!(step(&said, "tray").contains("as the session bus shows it"), "{said}");
    assert!(step(&said, "answered").contains("was clicked in the tray's menu"), "{said}");
    assert!(step(&said, "screen pop").contains("by the handler registered for http"), "{said}");
    assert!(step(&said, "dialled").contains("100.0 % of the frames"), "{said}");
}

#[test]
fn the_whole_story_is_told_without_a_desktop() {
    let _alone = alone();
    is_told_without_a_desktop();
}

#[test]
fn the_whole_story_is_told_on_a_desktop_and_read_off_its_bus() {
    let _alone = alone();
    is_told_on(&Desktop::start(Toasts::Xfce).expect("a desktop"));
}

#[test]
#[ignore = "takes five minutes: `cargo xtask test --full`"]
fn the_story_is_told_twenty_times_in_a_row() {
    let _alone = alone();
    let desktop = Desktop::start(Toasts::Xfce).expect("a desktop");
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        if round % (ROUNDS / WITHOUT) == 0 { is_told_without_a_desktop() } else { is_told_on(&desktop) }
    }
}

/// A toast that was sent and refused was seen by nobody.
#[test]
fn a_toast_server_that_refuses_every_toast_is_noticed() {
    let _alone = alone();
    let desktop = Desktop::start(Toasts::None).expect("a desktop");
    let manner = Manner { refuses: Some("no more toasts".to_owned()), ..Manner::default() };
    let _refusing = FakeToasts::start(&desktop.bus_address(), manner).expect("the name is free");
    let (exit, said) = play(on(&desktop), None);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("Failed at step \"toast\"."), "{said}");
    assert!(said.contains("refused the toast with the error org.freedesktop.DBus.Error.Failed"), "{said}");
}

/// The icon is part of the story: where none can be seen it is not told, and what to do is said.
#[test]
fn a_desktop_without_a_tray_is_noticed() {
    let _alone = alone();
    let mut desktop = Desktop::start(Toasts::Xfce).expect("a desktop");
    desktop.stop_panel();
    let (exit, said) = play(on(&desktop), None);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("Failed at step \"tray\"."), "{said}");
    assert!(said.contains("this desktop has no tray") && said.contains("--terminal"), "{said}");
}

/// Nothing can be installed where no plugin lies: no fault of the story, and the step is named all the same.
#[test]
fn what_breaks_between_the_steps_names_the_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let alone = folder.path().join("trayphone");
    std::fs::copy(agent::program(), &alone).expect("a copy");
    let mut command = Command::new(&alone);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("TRAYPHONE_PLUGINS");
    let (exit, said) = play(command, None);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("Failed at step \"plugin\"") && said.contains("was not built"), "{said}");
}

/// What each fault must end with: the exit code and the step that is named.
const FAULTS: [(&str, i32, &str); 10] = [
    ("crm-down", 0, "Step \"named\" went the degraded way"),
    ("crm-silent", 0, "Step \"named\" went the degraded way"),
    ("plugin-trap", 0, "Step \"named\" went the degraded way"),
    ("wrong-password", 1, "Failed at step \"ready\""),
    ("registrar-silent", 1, "Failed at step \"ready\""),
    ("deaf-agent", 1, "Failed at step \"heard here\""),
    ("deaf-caller", 1, "Failed at step \"heard there\""),
    ("no-toast-server", 0, "Step \"toast\" went the degraded way"),
    ("no-browser", 1, "Failed at step \"screen pop\""),
    ("caller-gives-up", 0, "Step \"answered\" went the degraded way"),
];

/// Plays each fault; what went otherwise.
fn break_each(faults: &[(&str, i32, &str)], command: impl Fn() -> Command) {
    let mut wrong = Vec::new();
    for (fault, exit, sentence) in faults {
        let (got, said) = play(command(), Some(fault));
        if got != *exit || !said.contains(sentence) {
            wrong.push(format!("{fault}: exit {got} instead of {exit}, without {sentence:?}:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_fault_is_noticed_at_its_step() {
    let _alone = alone();
    let desktop = Desktop::start(Toasts::Xfce).expect("a desktop");
    break_each(&FAULTS, || on(&desktop));
}

/// Without a screen there is no toast server to take away: what is left is the same, and so is the step.
#[test]
fn each_fault_is_noticed_at_its_step_without_a_desktop() {
    let _alone = alone();
    break_each(&FAULTS, nowhere);
}

/// The demo for a person who sits at a terminal: each key does what it says, and nothing is left behind.
#[test]
fn the_keys_of_the_demo_answer_hang_up_decline_and_quit() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = nowhere();
    let no_sound = format!("unix:{}", folder.path().join("no-sound-server").display());
    for (name, value) in [("TMPDIR", folder.path().as_os_str()), ("HOME", folder.path().as_os_str())] {
        command.env(name, value);
    }
    for theirs in ["LANGUAGE", "LC_ALL", "LANG"] {
        command.env_remove(theirs);
    }
    let mut terminal = Pty::start(command.arg("demo").env("PULSE_SERVER", no_sound), 200);
    let left = |path: &Path| {
        let entries = fs::read_dir(path).expect("the folder is there");
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|name| name.starts_with("trayphone-demo-")).count()
    };
    terminal.wait_for_text("call 1: rings", SOON);
    terminal.wait_for_text("Keys: a answer, d decline", SOON);
    assert_eq!(left(folder.path()), 1, "the demo's folder is elsewhere");
    assert!(!terminal.is_sane(), "keys are read one by one");
    terminal.type_keys("a");
    terminal.wait_for_text("call 1: talking", SOON);
    terminal.type_keys("h");
    terminal.wait_for_text("call 1: ended", SOON);
    terminal.type_keys("r");
    terminal.wait_for_text("call 3: rings", SOON);
    terminal.type_keys("d");
    terminal.wait_for_text("call 3: ended", SOON);
    terminal.type_keys("q");
    let status = terminal.wait_for_end(SOON);
    assert!(status.success(), "{status}\n{terminal}");
    assert!(terminal.is_sane(), "the terminal is left without echo\n{terminal}");
    let told = wait::until(SOON, || terminal.screen().contains("profile is removed").then_some(()));
    assert!(told.is_some(), "{terminal}");
    let screen = terminal.screen();
    let journal = screen.split_once("The journal:").expect("it is shown").1;
    assert!(journal.contains("answered") && journal.contains("declined"), "{journal}");
    assert_eq!(left(folder.path()), 0, "the demo leaves its folder behind");
}
