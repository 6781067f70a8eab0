//! Hotkeys and the selection under X, with real keys: what is selected is dialled, what is taken is said, nothing sticks.

use harness::desktop::{Child, Desktop, Shell, Toasts, wait_for};
use serde_json::json;
use std::process::Stdio;

type Outcome = Result<(), String>;

fn desk() -> Result<Desktop, String> {
    let mut desktop = Desktop::bare()?;
    desktop.start_bus()?;
    desktop.start_toasts(Toasts::None)?;
    Ok(desktop)
}

/// Selects text in the way a program does that owns the selection.
fn select(desktop: &Desktop, text: &[u8]) -> Result<Child, String> {
    let file = desktop.folder().join("selected");
    std::fs::write(&file, text).map_err(|e| e.to_string())?;
    let owner =
        desktop.spawn("xclip", &["-quiet", "-selection", "primary", "-i", &file.display().to_string()])?;
    wait_for("the selection", || {
        let mut command = desktop.command("xclip");
        let output = command.args(["-selection", "primary", "-o"]).stderr(Stdio::null()).output().ok()?;
        (output.stdout == text).then_some(())
    })?;
    Ok(owner)
}

#[test]
fn what_is_selected_in_a_terminal_is_dialled() -> Outcome {
    let desktop = Desktop::start(Toasts::None)?;
    let _xterm = desktop.spawn(
        "xterm",
        &["-geometry", "60x6+100+200", "-e", "sh", "-c", "printf 'call +49 30 1234567 now'; exec sleep 600"],
    )?;
    let window = wait_for("xterm", || desktop.windows("xterm").pop())?;
    let mut shell = Shell::start(&desktop)?;
    shell.wait_part(0, "hotkeys", None)?;
    // The window manager has this one: it shows the desktop.
    let told = shell.order(&json!({ "hotkeys": { "dial_selection": "Ctrl+Alt+D" } }))?;
    shell.wait_part(told, "hotkeys", Some("Ctrl+Alt+D is taken by another program"))?;
    let told = shell.order(&json!({ "hotkeys":
        { "dial_selection": "Ctrl+Alt+P", "answer": "Ctrl+Shift+F5", "hang_up": "Super+H" } }))?;
    shell.wait_part(told, "hotkeys", None)?;
    // Three clicks select the line; xterm may still be drawing it at the first try.
    let did = wait_for("the number dialled", || {
        desktop.click((window.x + 40, window.y + 8), 1).ok()?;
        desktop.run("xdotool", &["sleep", "0.4", "click", "--repeat", "3", "--delay", "40", "1"]).ok()?;
        let told = shell.count();
        desktop.key("ctrl+alt+p").ok()?;
        let did = shell.wait_did(told).ok()?;
        (did["text"] != "").then_some(did)
    })?;
    assert_eq!(did["action"], "dial", "{did}");
    assert_eq!(did["source"], "selection", "{did}");
    assert!(did["text"].as_str().is_some_and(|text| text.contains("+49 30 1234567")), "{did}");

    for (chord, action) in [("ctrl+shift+F5", "answer"), ("super+h", "hangup")] {
        // With Num Lock and Caps Lock on as well.
        for lock in ["", "Num_Lock", "Caps_Lock"] {
            if !lock.is_empty() {
                desktop.key(lock)?;
            }
            let told = shell.count();
            desktop.key(chord)?;
            assert_eq!(shell.wait_did(told)?["action"], action, "{chord} with {lock}");
            if !lock.is_empty() {
                desktop.key(lock)?;
            }
        }
    }
    assert!(!desktop.keys_down()?, "a modifier is stuck");
    shell.quit().map(drop)
}

#[test]
fn a_key_held_down_hits_once() -> Outcome {
    let desktop = desk()?;
    let mut shell = Shell::start(&desktop)?;
    shell.hold_keys(&json!({ "answer": "Ctrl+Alt+A" }))?;
    let told = shell.count();
    desktop.run(
        "xdotool",
        &["keydown", "ctrl", "keydown", "alt", "keydown", "a", "sleep", "1.5", "keyup", "a"],
    )?;
    desktop.run("xdotool", &["keyup", "alt", "keyup", "ctrl"])?;
    shell.wait_did(told)?;
    let hits = shell.told().iter().filter(|value| value.get("did").is_some()).count();
    assert_eq!(hits, 1, "{:?}", shell.told());
    shell.stays_silent(shell.count(), |value| value.get("did").is_some())?;
    assert!(!desktop.keys_down()?);
    shell.quit().map(drop)
}

#[test]
fn a_key_that_is_taken_is_named() -> Outcome {
    let desktop = desk()?;
    let mut first = Shell::start(&desktop)?;
    first.hold_keys(&json!({ "answer": "Ctrl+Alt+A" }))?;
    let mut second = Shell::start(&desktop)?;
    second.wait_part(0, "hotkeys", None)?;
    let told = second.count();
    second.order(&json!({ "hotkeys": { "answer": "Ctrl+Alt+A", "hang_up": "Ctrl+Alt+H", "dial_selection": "Ctlr+X" } }))?;
    second.wait_part(told, "hotkeys", Some("Ctrl+Alt+A is taken by another program"))?;
    second.wait_part(told, "hotkeys", Some("\"Ctlr\""))?;
    // The other key works all the same, and the first program keeps its own.
    let (before, told) = (first.count(), second.count());
    desktop.key("ctrl+alt+h")?;
    assert_eq!(second.wait_did(told)?["action"], "hangup");
    desktop.key("ctrl+alt+a")?;
    assert_eq!(first.wait_did(before)?["action"], "answer");
    // Given back, it is free.
    first.quit()?;
    let told = second.count();
    second.order(&json!({ "hotkeys": { "answer": "Ctrl+Alt+A" } }))?;
    second.wait_part(told, "hotkeys", None)?;
    second.quit().map(drop)
}

#[test]
fn hotkeys_follow_the_keyboard_layout() -> Outcome {
    let desktop = desk()?;
    let mut shell = Shell::start(&desktop)?;
    shell.wait_part(0, "hotkeys", None)?;
    let told = shell.order(&json!({ "hotkeys": { "hang_up": "Ctrl+Alt+F24" } }))?;
    shell.wait_part(told, "hotkeys", Some("no key for Ctrl+Alt+F24"))?;
    // F24 appears on a key that had nothing.
    let told = shell.count();
    desktop.run("xmodmap", &["-e", "keycode 248 = F24"])?;
    shell.wait_part(told, "hotkeys", None)?;
    let told = shell.count();
    desktop.key("ctrl+alt+F24")?;
    assert_eq!(shell.wait_did(told)?["action"], "hangup");
    shell.quit().map(drop)
}

#[test]
fn selections_of_every_kind_end_in_text_or_a_sentence() -> Outcome {
    let desktop = desk()?;
    let mut shell = Shell::start(&desktop)?;
    let read = |shell: &mut Shell| {
        let told = shell.order(&json!({ "select": true }))?;
        shell.wait(told, |value| {
            (value.get("selection").is_some() || value.get("no_selection").is_some()).then(|| value.clone())
        })
    };
    assert_eq!(read(&mut shell)?["selection"], "", "nobody owns a selection");
    for text in ["+49 (0)30 / 123-45 67 ext. 12", "two\nlines", "Zoë 田中", "112"] {
        let _owner = select(&desktop, text.as_bytes())?;
        assert_eq!(read(&mut shell)?["selection"], text);
    }
    // A megabyte is cut, quickly, and the owner is not left hanging.
    let long = "0123456789abcdef".repeat(65_536);
    let owner = select(&desktop, long.as_bytes())?;
    let got = read(&mut shell)?;
    let cut = got["selection"].as_str().unwrap_or_default();
    assert!(long.starts_with(cut) && (60_000..=65_536).contains(&cut.len()), "{} bytes", cut.len());
    // An owner that hangs costs half a second and gives a sentence.
    owner.signal("STOP");
    let got = read(&mut shell)?;
    assert!(got["no_selection"].as_str().is_some_and(|why| why.contains("half a second")), "{got}");
    let told = shell.order(&json!({ "dial": true }))?;
    shell.wait_part(told, "selection", Some("half a second"))?;
    let told = shell.order(&json!({ "dial": true }))?;
    shell.wait_part(told, "selection", Some("half a second")).map_err(|e| format!("asked twice: {e}"))?;
    owner.signal("CONT");
    shell.quit().map(drop)
}

#[test]
fn a_page_goes_to_the_browser_as_one_argument() -> Outcome {
    let desktop = desk()?;
    let programs = desktop.folder().join("bin");
    let seen = desktop.folder().join("opened");
    std::fs::create_dir(&programs).map_err(|e| e.to_string())?;
    let script = |body: &str| {
        let opener = programs.join("xdg-open");
        std::fs::write(&opener, format!("#!/bin/sh\n{body}\n")).map_err(|e| e.to_string())?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&opener, mode).map_err(|e| e.to_string())
    };
    script(&format!("printf '%s|%s' $# \"$1\" > {0}.new; mv {0}.new {0}", seen.display()))?;
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Shell::start_with(&desktop, |command| {
        command.env("PATH", path);
    })?;
    shell.order(&json!({ "open": "https://crm.example/c/7?q=a b&x=$(touch /tmp/no);'y'" }))?;
    let opened = wait_for("the browser", || std::fs::read_to_string(&seen).ok())?;
    assert_eq!(opened, "1|https://crm.example/c/7?q=a%20b&x=$(touch%20/tmp/no);%27y%27");
    script("echo no browser here >&2; exit 4")?;
    let told = shell.order(&json!({ "open": "https://crm.example/" }))?;
    shell.wait(told, |value| value["open_failed"].as_str()?.contains("no browser here").then_some(()))?;
    shell.quit().map(drop)
}
