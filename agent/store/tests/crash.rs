//! The store at its end: killed while it writes, and on a disk that takes no more.

#![cfg(unix)]

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;

use agent_core::{journal::Outcome, port::store::StoreEvent};
use agent_store::{JournalQuery, JournalReader, Profile};
use common::{LONG, Running, call, open_call};
use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// Tells the child where to write; without it the child's part does nothing.
const DIR: &str = "TRAYPHONE_TEST_DIR";

/// This program again, running only `part`, begun by `shell` (which may set limits).
fn child(part: &str, dir: &Path, shell: &str) -> Child {
    Command::new("sh")
        .arg("-c")
        .arg(format!("{shell} exec \"$0\" --exact {part} --ignored --nocapture"))
        .arg(env::current_exe().unwrap())
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn kept(dir: &Path) -> Vec<agent_core::journal::JournalEntry> {
    let query = JournalQuery { limit: 1_000_000, ..JournalQuery::default() };
    JournalReader::open(&Profile::existing(Some(dir)).unwrap()).unwrap().calls(&query).unwrap()
}

#[test]
#[ignore = "the killed child of the test below"]
fn writes_until_it_is_killed() {
    let Some(dir) = env::var_os(DIR) else { return };
    let store = Running::start(Path::new(&dir));
    for n in 0.. {
        store.keep(&if n % 3 == 0 { open_call(n) } else { call(n) });
        if n % 5 == 4 {
            store.flush();
            println!("kept {n}");
        }
    }
}

#[test]
fn a_killed_agent_loses_nothing_that_was_flushed() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=5 {
        let mut child = child("writes_until_it_is_killed", dir.path(), "");
        let mut last = 0;
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(n) = line.strip_prefix("kept ") {
                last = n.parse().unwrap();
            }
            // Somewhere in the middle of the next transaction.
            if last >= 50 * round {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = kept(dir.path());
        for n in 0..=last {
            let entry = kept.iter().find(|entry| entry.key == call(n).key);
            assert!(entry.is_some(), "call {n} of round {round} is gone");
        }
    }
    let store = Running::start(dir.path());
    store.flush();
    assert!(
        !store.rest().iter().any(|event| matches!(event, StoreEvent::Trouble(_) | StoreEvent::Journal(_))),
        "the file is sound"
    );
    let kept = kept(dir.path());
    assert!(kept.iter().all(|entry| entry.outcome.is_some()));
    assert!(kept.iter().any(|entry| entry.outcome == Some(Outcome::Interrupted)));
}

#[test]
#[ignore = "the limited child of the test below"]
fn writes_until_the_disk_is_full() {
    let Some(dir) = env::var_os(DIR) else { return };
    let store = Running::start(Path::new(&dir));
    for n in 0..20_000 {
        store.keep(&call(n));
        if n % 100 == 99 && store.handle.flush(LONG).is_err() {
            println!("full {}", store.trouble());
            // A second failure is the same trouble: it is not said again.
            store.keep(&call(n + 1));
            store.handle.flush(LONG).unwrap_err();
            println!("again {}", store.rest().len());
            return;
        }
    }
    println!("never full");
}

#[test]
fn a_full_disk_is_told_once_and_what_was_kept_stays() {
    let dir = tempfile::tempdir().unwrap();
    // No file larger than 200 KiB, and no signal for it: writing fails as on a full disk.
    let child = child("writes_until_the_disk_is_full", dir.path(), "trap '' XFSZ; ulimit -f 400;");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let told = text.lines().find_map(|line| line.strip_prefix("full ")).unwrap_or_else(|| panic!("{text}"));
    assert!(told.contains("journal.db") && told.contains("Calls go on"), "{told}");
    assert!(text.contains("again 0"), "{text}");
    let before = kept(dir.path()).len();
    assert!(before >= 100, "{before}");
    let store = Running::start(dir.path());
    store.keep(&call(90_000));
    store.flush();
    assert_eq!(kept(dir.path()).len(), before + 1);
}

#[test]
fn a_journal_that_is_removed_is_begun_anew_and_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    store.keep(&call(1));
    store.flush();
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(name));
    }
    store.keep(&call(2));
    store.flush();
    assert!(store.trouble().contains("somebody removed it"));
    let kept = kept(dir.path());
    assert_eq!(kept.iter().map(|entry| &entry.key).collect::<Vec<_>>(), [&call(2).key]);
}
