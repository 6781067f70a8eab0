//! `trayphone demo --script`: the whole story with a desktop and without, and each fault with the step it is known by.

use harness::{
    agent,
    desktop::{Desktop, Toasts},
};
use std::{
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// The story measures sound: two at once on a small machine would disturb one another.
static STAGE: Mutex<()> = Mutex::new(());

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

#[test]
fn the_whole_story_is_told_without_a_desktop() {
    let _alone = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let (exit, said) = play(nowhere(), None);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("as `trayphone events` shows it"), "{said}");
}

#[test]
fn the_whole_story_is_told_on_a_desktop_and_read_off_its_bus() {
    let _alone = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let desktop = Desktop::start(Toasts::Xfce).expect("a desktop");
    let program = agent::program();
    let (exit, said) = play(desktop.command(program.to_str().expect("UTF-8")), None);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("as the session bus shows it"), "{said}");
}

/// Without a screen there is no toast server to take away: what is left is the same, and so is the step.
#[test]
fn a_missing_toast_server_is_noticed_without_a_desktop() {
    let _alone = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let (exit, said) = play(nowhere(), Some("no-toast-server"));
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("Step \"toast\" went the degraded way"), "{said}");
}

/// Nothing can be installed where no plugin lies: no fault of the story, and the step is named all the same.
#[test]
fn what_breaks_between_the_steps_names_the_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let alone = folder.path().join("trayphone");
    std::fs::copy(agent::program(), &alone).expect("a copy");
    let mut command = Command::new(&alone);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
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

#[test]
fn each_fault_is_noticed_at_its_step() {
    let _alone = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let desktop = Desktop::start(Toasts::Xfce).expect("a desktop");
    let program = agent::program();
    let mut wrong = Vec::new();
    for (fault, exit, sentence) in FAULTS {
        let (got, said) = play(desktop.command(program.to_str().expect("UTF-8")), Some(fault));
        if got != exit || !said.contains(sentence) {
            wrong.push(format!("{fault}: exit {got} instead of {exit}, without {sentence:?}:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
