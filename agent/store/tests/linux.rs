//! What takes a Linux to try: the keyring, with gnome-keyring on a bus of its own; and the end on a full disk, which is a file
//! system of its own.

#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;

use agent_core::{
    id::AccountId,
    port::store::{PasswordQuestion, SecretProblem, StoreCommand, StoreEvent},
    secret::Secret,
};
use agent_store::{JournalQuery, JournalReader, Keyring, Profile, seal_key};
use common::{LONG, Running, call};
use std::{env, fs, io::Write, os::unix::fs::MetadataExt, path::Path, process::Command};

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

#[test]
#[ignore = "the child of the tests below, on a disk of its own"]
fn ends_with_a_disk_that_is_full() {
    let Some(dir) = env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let store = Running::start(dir);
    store.keep(&call(0));
    store.flush();
    // Byte by byte at the end, so that nothing is left.
    let mut fill = fs::File::create(dir.join("fill")).unwrap();
    for size in [65_536, 4096, 1] {
        while fill.write_all(&vec![1; size]).is_ok() {}
    }
    for n in 1..=100 {
        store.keep(&call(n));
    }
    store.handle.flush(LONG).unwrap_err();
    if env::var_os("TRAYPHONE_TEST_NO_RESERVE").is_some() {
        fs::remove_file(dir.join("journal.reserve")).unwrap();
        fill.write_all(&vec![1; 4 << 20]).unwrap_err();
    }
    println!("closed {:?}", store.handle.close(LONG));
    let query = JournalQuery { limit: 1000, ..JournalQuery::default() };
    let reader = JournalReader::open(&Profile::existing(Some(dir)).unwrap()).unwrap();
    println!("calls {}", reader.calls(&query).unwrap().len());
}

/// What the child above says on a file system of 4 MiB that only it sees.
fn on_a_small_disk(also: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display();
    let shell = format!("mount -t tmpfs -o size=4m,mode=700 tmpfs '{path}' && {also}");
    // Root needs no user of its own for a mount of its own, and inside a chroot gets none.
    let root = dir.path().metadata().unwrap().uid() == 0;
    let own: &[&str] = if root { &[] } else { &["--user", "--map-root-user"] };
    let output = Command::new("unshare")
        .args(own)
        .args(["--mount", "sh", "-c"])
        .arg(format!("{shell} exec \"$0\" --exact ends_with_a_disk_that_is_full --ignored --nocapture"))
        .arg(env::current_exe().unwrap())
        .env(DIR, dir.path())
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn calls_that_wait_for_a_full_disk_are_written_at_the_end_in_place_of_the_reserve() {
    let text = on_a_small_disk("");
    assert!(text.contains("closed Ok(())") && text.contains("calls 101"), "{text}");
}

#[test]
fn calls_that_find_no_room_at_the_end_are_counted() {
    let text = on_a_small_disk("export TRAYPHONE_TEST_NO_RESERVE=1;");
    assert!(text.contains("Calls not in the journal: 100") && text.contains("calls 1\n"), "{text}");
}
