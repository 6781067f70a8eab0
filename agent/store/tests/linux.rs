//! The keyring against a real Secret Service: gnome-keyring on a bus of its own.

#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;

use agent_core::{
    id::AccountId,
    port::store::{PasswordQuestion, SecretProblem, StoreCommand, StoreEvent},
    secret::Secret,
};
use agent_store::{Keyring, Profile, seal_key};
use common::Running;
use std::{env, fs, path::Path, process::Command};

/// Tells the child that it runs on a bus of its own.
const DIR: &str = "TRAYPHONE_TEST_DIR";

/// This program again on a private bus, running only `part` after `shell` has started what it needs.
fn on_a_bus(part: &str, dir: &Path, shell: &str) -> (bool, String) {
    let home = dir.join("home");
    fs::create_dir_all(home.join("run")).unwrap();
    // A bus that starts nothing by itself: what answers on it is what the test puts there.
    let config = dir.join("bus.conf");
    let text = "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
                \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\"><busconfig><type>session</type>\
                <listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth><policy context=\"default\">\
                <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";
    fs::write(&config, text).unwrap();
    let output = Command::new("dbus-run-session")
        .arg(format!("--config-file={}", config.display()))
        .args(["--", "sh", "-c"])
        .arg(format!("{shell} \"$0\" --exact {part} --ignored --nocapture 2>&1"))
        .arg(env::current_exe().unwrap())
        .env(DIR, dir)
        .env("HOME", &home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env_remove("XDG_DATA_HOME")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("dbus-run-session (package dbus) is needed for this test");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn secrets_live_in_the_keyring() {
    let dir = tempfile::tempdir().unwrap();
    // In the foreground and ended with the shell, so that nothing of the test stays behind.
    let shell = "mkfifo \"$HOME/in\"; gnome-keyring-daemon --foreground --unlock --components=secrets < \"$HOME/in\" > /dev/null & \
                 trap \"kill $!\" EXIT; printf 'test\\n' > \"$HOME/in\"; \
                 until dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
                 org.freedesktop.DBus.Peer.Ping > /dev/null 2>&1; do sleep 0.05; done;";
    let (good, text) = on_a_bus("child_with_a_keyring", dir.path(), shell);
    assert!(good && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "the child of the test above"]
fn child_with_a_keyring() {
    let Some(dir) = env::var_os(DIR) else { return };
    let dir = Path::new(&dir).join("profile");
    let keyring = Keyring::open().unwrap();
    let (one, two) = ("sip:1@b", "sip:2@b");
    assert_eq!(keyring.get(one), Err(SecretProblem::Missing));
    assert_eq!(keyring.delete(one), Ok(false));
    keyring.set(one, &Secret::new("alt".to_owned())).unwrap();
    keyring.set(one, &Secret::new("gehäim 1".to_owned())).unwrap();
    keyring.set(two, &Secret::new("geheim 2".to_owned())).unwrap();
    assert_eq!(keyring.get(one), Ok(Secret::new("gehäim 1".to_owned())));

    Profile::open(Some(&dir)).unwrap();
    fs::write(dir.join("trayphone.toml"), "[[account]]\naor = 'sip:1@b'\n[[account]]\naor = 'sip:3@b'\n")
        .unwrap();
    let store = Running::start(&dir);
    store.next();
    store.handle.send(StoreCommand::Password(question(one)));
    let told =
        StoreEvent::Password { question: question(one), result: Ok(Secret::new("gehäim 1".to_owned())) };
    assert_eq!(store.next(), told);
    store.handle.send(StoreCommand::Password(question("sip:3@b")));
    assert_eq!(
        store.next(),
        StoreEvent::Password { question: question("sip:3@b"), result: Err(SecretProblem::Missing) }
    );

    assert_eq!(keyring.delete(one), Ok(true));
    assert_eq!(keyring.get(one), Err(SecretProblem::Missing));
    assert_eq!(keyring.get(two), Ok(Secret::new("geheim 2".to_owned())));

    let key = seal_key().unwrap();
    assert_ne!(key, [0; 32]);
    assert_eq!(seal_key(), Some(key), "made once");
}

#[test]
fn without_a_keyring_it_is_said_that_there_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let (good, text) = on_a_bus("child_without_a_keyring", dir.path(), "");
    assert!(good && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "the child of the test above"]
fn child_without_a_keyring() {
    let Some(dir) = env::var_os(DIR) else { return };
    let dir = Path::new(&dir).join("profile");
    Profile::open(Some(&dir)).unwrap();
    fs::write(dir.join("trayphone.toml"), "[[account]]\naor = 'sip:1@b'\n").unwrap();
    let store = Running::start(&dir);
    store.next();
    store.handle.send(StoreCommand::Password(question("sip:1@b")));
    let told = store.next();
    let StoreEvent::Password { result: Err(SecretProblem::NoKeyring(text)), .. } = &told else {
        panic!("{told:?}");
    };
    assert!(text.contains("env:NAME"), "{text}");
    assert_eq!(seal_key(), None);
}

fn question(aor: &str) -> PasswordQuestion {
    PasswordQuestion { account: AccountId(0), aor: aor.to_owned(), generation: 1 }
}
