//! The running store from outside: journal and ledger written, read beside it, damaged, refused, and filled quickly.

mod common;

use agent_core::{
    action::Switch,
    id::AccountId,
    journal::{Cause, Direction, JournalEntry, Outcome},
    ledger::Egress,
    port::store::{KeptSwitch, PasswordQuestion, SecretProblem, StoreCommand, StoreEvent},
    secret::Secret,
    time::UnixMillis,
    vigil::Vigil,
};
use agent_store::{JournalQuery, JournalReader, LedgerQuery, LedgerWriter, Profile, start_watched};
use common::{LONG, Running, call, now, open_call, row};
use std::{fs, path::Path, sync::Arc, time::Instant};

fn read(dir: &Path, query: &JournalQuery) -> Vec<JournalEntry> {
    JournalReader::open(&Profile::existing(Some(dir)).unwrap()).unwrap().calls(query).unwrap()
}

fn all() -> JournalQuery {
    JournalQuery { limit: 1_000_000, ..JournalQuery::default() }
}

#[test]
fn a_call_is_kept_as_it_was_and_as_it_became() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    assert!(matches!(store.next(), StoreEvent::Settings(_)));
    store.keep(&open_call(1));
    store.flush();
    assert_eq!(read(dir.path(), &all()), [open_call(1)]);
    store.keep(&call(1));
    store.keep(&call(2));
    store.flush();
    assert_eq!(read(dir.path(), &all()), [call(2), call(1)]);
    store.handle.close(LONG).unwrap();
    assert!(!dir.path().join("journal.db-wal").exists(), "a clean end leaves one file");
    assert_eq!(read(dir.path(), &all()), [call(2), call(1)]);
    assert_eq!(store.rest(), []);
}

#[test]
fn why_nobody_could_take_a_call_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    let causes = [Cause::Busy, Cause::Encrypted, Cause::NoCommonCodec, Cause::NoSound];
    let missed =
        |n: u64, cause| JournalEntry { outcome: Some(Outcome::Missed), cause: Some(cause), ..call(n) };
    let mut calls: Vec<_> = (1..).zip(causes).map(|(n, cause)| missed(n, cause)).collect();
    calls.iter().for_each(|call| store.keep(call));
    store.flush();
    calls.reverse();
    assert_eq!(read(dir.path(), &all()), calls);
}

#[test]
fn the_journal_is_asked_in_many_ways() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    for n in 1..=20 {
        let mut entry = call(n);
        entry.outcome = Some(if n == 7 { Outcome::Missed } else { Outcome::Answered });
        store.keep(&entry);
    }
    store.flush();
    let count = |query: JournalQuery| read(dir.path(), &query).len();
    assert_eq!(count(JournalQuery { limit: 5, ..all() }), 5);
    assert_eq!(count(JournalQuery { since: Some(call(11).started), ..all() }), 10);
    assert_eq!(count(JournalQuery { before: Some(call(11).started), ..all() }), 10);
    assert_eq!(count(JournalQuery { outcome: Some(Outcome::Missed), ..all() }), 1);
    assert_eq!(count(JournalQuery { direction: Some(Direction::Outgoing), ..all() }), 10);
    assert_eq!(count(JournalQuery { text: Some("alice 1".to_owned()), ..all() }), 11);
    assert_eq!(count(JournalQuery { text: Some("000020".to_owned()), ..all() }), 1);
    assert_eq!(count(JournalQuery { text: Some("100% acme".to_owned()), ..all() }), 20);
    assert_eq!(
        count(JournalQuery { text: Some("1%acme".to_owned()), ..all() }),
        0,
        "% is a letter like any other"
    );
    assert_eq!(count(JournalQuery { text: Some("'; DROP TABLE call; --".to_owned()), ..all() }), 20);
}

#[test]
fn a_profile_without_a_journal_has_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read(dir.path(), &all()), []);
    assert!(!dir.path().join("journal.db").exists(), "reading makes no file");
}

#[test]
fn the_ledger_keeps_rows_and_forgets_them_after_thirty_days() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    let month = 30 * 24 * 3600 * 1000;
    let rows = [
        row(now(), Egress::Allowed),
        row(now() - 1000, Egress::Refused("not granted".to_owned())),
        row(now() - month + 60_000, Egress::Failed("no answer".to_owned())),
    ];
    store.handle.ledger(row(now() - month - 60_000, Egress::Allowed));
    for row in &rows {
        store.handle.ledger(row.clone());
    }
    store.flush();
    let reader = JournalReader::open(&Profile::existing(Some(dir.path())).unwrap()).unwrap();
    assert_eq!(reader.ledger(&LedgerQuery::default()).unwrap(), rows);
    let none = LedgerQuery { who: Some("sip".to_owned()), ..LedgerQuery::default() };
    assert_eq!(reader.ledger(&none).unwrap(), []);
    let recent = LedgerQuery { since: Some(UnixMillis(now() - 60_000)), ..LedgerQuery::default() };
    assert_eq!(reader.ledger(&recent).unwrap().len(), 2);
}

#[test]
fn what_was_deleted_is_gone_from_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    let mut old = row(1, Egress::Allowed);
    old.host = "a-very-particular-host.example".to_owned();
    store.handle.ledger(old.clone());
    store.flush();
    store.handle.close(LONG).unwrap();
    let bytes = fs::read(dir.path().join("journal.db")).unwrap();
    let needle = old.host.as_bytes();
    assert!(bytes.windows(6).any(|window| window == b"ledger"), "this looks into the right file");
    assert!(!bytes.windows(needle.len()).any(|window| window == needle));
}

#[test]
fn calls_left_open_by_a_crash_are_interrupted_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    store.keep(&open_call(1));
    store.keep(&call(2));
    store.flush();
    store.handle.close(LONG).unwrap();
    let store = Running::start(dir.path());
    store.keep(&open_call(3));
    store.flush();
    let kept = read(dir.path(), &all());
    let outcomes: Vec<_> = kept.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [None, Some(Outcome::Answered), Some(Outcome::Interrupted)]);
    assert_eq!(kept[2].ended, None, "nobody knows when");
}

#[test]
fn the_ledger_is_written_beside_the_store_and_no_open_call_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(dir.path())).unwrap();
    let began = now();
    let numbered = |n| row(began + n, Egress::Allowed);
    let rows = || JournalReader::open(&profile).unwrap().ledger(&LedgerQuery::default()).unwrap();
    // Where there is no journal yet, one is begun.
    let writer = LedgerWriter::open(&profile).unwrap();
    writer.sink()(numbered(1));
    writer.close().unwrap();
    assert_eq!(rows(), [numbered(1)]);
    let store = Running::start(dir.path());
    store.keep(&open_call(1));
    store.handle.ledger(numbered(2));
    store.flush();
    let writer = LedgerWriter::open(&profile).unwrap();
    let sink = writer.sink();
    sink(numbered(3));
    writer.close().unwrap();
    // What comes too late is lost and does no harm.
    sink(numbered(4));
    assert_eq!(rows().len(), 3);
    assert_eq!(read(dir.path(), &all()), [open_call(1)], "the call is up");
    store.keep(&call(1));
    store.flush();
    store.handle.close(LONG).unwrap();
    assert_eq!(read(dir.path(), &all()), [call(1)]);
    // A damaged file is the agent's to put aside: it may be in use.
    fs::write(dir.path().join("journal.db"), [b'x'; 5000]).unwrap();
    assert!(LedgerWriter::open(&profile).is_err());
    assert_eq!(fs::read(dir.path().join("journal.db")).unwrap(), [b'x'; 5000]);
}

#[test]
fn a_damaged_journal_is_put_aside_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.db");
    Profile::open(Some(dir.path())).unwrap();
    fs::write(&file, b"this is no database, and longer than a header of one hundred bytes".repeat(4))
        .unwrap();
    let store = Running::start(dir.path());
    let told = store.trouble();
    let aside = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("damaged"))
        .unwrap();
    assert!(told.contains(&aside.display().to_string()) && told.contains("new journal"), "{told}");
    assert!(fs::read(&aside).unwrap().starts_with(b"this is no database"));
    store.keep(&call(1));
    store.flush();
    assert_eq!(read(dir.path(), &all()), [call(1)]);
}

#[test]
fn a_journal_damaged_while_in_use_loses_no_new_call() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    for n in 1..200 {
        store.keep(&call(n));
    }
    store.flush();
    store.handle.close(LONG).unwrap();
    // The header stays, every page behind it is rubbish: it only shows when a row is touched.
    let file = dir.path().join("journal.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    let store = Running::start(dir.path());
    store.keep(&call(500));
    store.flush();
    assert!(store.trouble().contains("damaged"));
    assert_eq!(read(dir.path(), &all()), [call(500)]);
}

#[test]
fn a_newer_journal_is_not_touched_and_calls_go_on() {
    let dir = tempfile::tempdir().unwrap();
    Running::start(dir.path()).handle.close(LONG).unwrap();
    let file = dir.path().join("journal.db");
    // The format's number stands at byte 60 of the header (SQLite file format, section 1.3).
    let mut bytes = fs::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&99u32.to_be_bytes());
    fs::write(&file, &bytes).unwrap();
    let store = Running::start(dir.path());
    let told = store.trouble();
    assert!(told.contains("newer Trayphone") && told.contains("99") && told.contains("update"), "{told}");
    store.keep(&call(1));
    store.handle.flush(LONG).unwrap_err();
    store.handle.close(LONG).unwrap_or_default();
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[test]
fn two_hundred_calls_a_second_are_kept_with_all_their_changes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    let begin = Instant::now();
    for n in 0..2000 {
        store.keep(&open_call(n));
        store.handle.ledger(row(now(), Egress::Allowed));
        store.keep(&call(n));
        if n % 200 == 199 {
            store.flush();
        }
    }
    store.flush();
    let took = begin.elapsed();
    assert_eq!(read(dir.path(), &all()).len(), 2000);
    assert!(took.as_secs() < 10, "ten seconds' worth of calls took {took:?}");
}

#[test]
fn handing_in_never_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    store.flush();
    // Somebody else keeps the file locked: writing waits up to five seconds.
    let other = rusqlite::Connection::open(dir.path().join("journal.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begin = Instant::now();
    for n in 0..1000 {
        store.keep(&call(n));
    }
    assert!(begin.elapsed().as_millis() < 1000, "{:?}", begin.elapsed());
    other.execute_batch("COMMIT").unwrap();
    store.flush();
    assert_eq!(read(dir.path(), &all()).len(), 1000);
}

#[test]
fn the_last_handle_gone_writes_everything_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    for n in 0..50 {
        store.keep(&call(n));
    }
    let second = store.handle.clone();
    drop(store);
    second.flush(LONG).unwrap();
    assert_eq!(read(dir.path(), &all()).len(), 50);
}

#[test]
fn passwords_come_from_the_environment_or_say_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let text = "[[account]]\naor = 'sip:1@b'\npassword = 'env:PATH'\n[[account]]\naor = 'sip:2@b'\npassword = 'env:TRAYPHONE_NOT_SET'\n";
    Profile::open(Some(dir.path())).unwrap();
    fs::write(dir.path().join("trayphone.toml"), text).unwrap();
    let store = Running::start(dir.path());
    assert!(matches!(store.next(), StoreEvent::Settings(settings) if settings.accounts.len() == 2));
    // The place in the core's settings is not trusted: the address says whose password it is.
    let question = |account: u32, n: u64| PasswordQuestion {
        account: AccountId(account),
        aor: format!("sip:{n}@b"),
        generation: 10 + n,
    };
    let asked = [(1, 1), (0, 2), (2, 3)];
    for (account, n) in asked {
        store.handle.send(StoreCommand::Password(question(account, n)));
        let StoreEvent::Password { question: of, result } = store.next() else { panic!("no answer") };
        assert_eq!(of, question(account, n));
        match n {
            1 => assert_eq!(result, Ok(Secret::new(path.clone()))),
            2 => assert_eq!(result, Err(SecretProblem::NoVariable("TRAYPHONE_NOT_SET".to_owned()))),
            _ => assert!(matches!(result, Err(SecretProblem::Failed(_)))),
        }
    }
}

#[test]
fn a_fault_in_the_thread_is_told_and_leaves_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    for fault in [true, false] {
        let (alarm, alarms) = std::sync::mpsc::channel();
        let vigil = Vigil::new(move || alarm.send(()).unwrap());
        let tell = Arc::new(move |_: StoreEvent| assert!(!fault, "a fault put in"));
        let profile = Profile::open(Some(dir.path())).unwrap();
        let store = start_watched(profile, tell, vigil).unwrap();
        store.close(LONG).unwrap();
        assert_eq!(alarms.recv_timeout(LONG).is_ok(), fault);
    }
}

#[test]
fn changed_settings_are_told_and_wrong_ones_are_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    store.next();
    let file = dir.path().join("trayphone.toml");
    fs::write(&file, "[calls]\nmost = 7\n").unwrap();
    let read = store.handle.reload(LONG).unwrap();
    assert_eq!(read.calls.most, 7);
    assert!(matches!(store.next(), StoreEvent::Settings(settings) if settings.calls.most == 7));
    fs::write(&file, "[calls]\nmots = 7\n").unwrap();
    let refused = store.handle.reload(LONG).unwrap_err();
    let told = store.trouble();
    assert_eq!(
        told,
        format!("{}:2:1: unknown setting \"mots\" in [calls]: did you mean \"most\"?", file.display())
    );
    assert_eq!(refused, told, "whoever asked hears the same");
    assert_eq!(store.rest(), []);
}

#[test]
fn what_was_dialled_last_is_told_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = Running::start(dir.path());
    assert!(matches!(store.next(), StoreEvent::Settings(_)));
    for n in 0..40 {
        let entry = JournalEntry { called: Some(format!("60{n}")), hidden: n == 38, ..call(n) };
        store.handle.send(StoreCommand::Journal(Box::new(entry)));
    }
    store.handle.close(LONG).unwrap();
    let store = Running::start(dir.path());
    assert!(matches!(store.next(), StoreEvent::Settings(_)));
    let StoreEvent::Dialled(dialled) = store.next() else { panic!("nothing was told of what was dialled") };
    assert_eq!(dialled[0], ("6038".to_owned(), AccountId(0), true), "39 came in");
    assert!(!dialled[1].2, "it was not hidden");
    assert_eq!(dialled.len(), 20);
}

#[test]
fn what_was_switched_on_is_told_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trayphone.toml");
    let account = |user: &str| format!("[[account]]\naor = \"sip:{user}@pbx.example\"\n");
    fs::write(&file, account("1001") + &account("1002")).unwrap();
    let kept = |user: &str, switch, queue: Option<&str>, to: Option<&str>| KeptSwitch {
        aor: format!("sip:{user}@pbx.example"),
        switch,
        queue: queue.map(str::to_owned),
        to: to.map(str::to_owned),
        here: queue.is_none(),
    };
    let dnd = kept("1001", Switch::Dnd, None, None);
    let forward = |to| kept("1001", Switch::ForwardBusy, None, Some(to));
    let queues = ["400", "401"].map(|queue| kept("1002", Switch::Queue, Some(queue), None));
    let store = Running::start(dir.path());
    assert!(matches!(store.next(), StoreEvent::Settings(_)));
    let say = |kept: &KeptSwitch, on| store.handle.send(StoreCommand::Keep { kept: kept.clone(), on });
    say(&dnd, true);
    say(&forward("602"), true);
    store.flush();
    say(&dnd, false);
    say(&forward("603"), true);
    queues.iter().for_each(|queue| say(queue, true));
    store.handle.close(LONG).unwrap();

    let told = |dir: &Path| {
        let store = Running::start(dir);
        assert!(matches!(store.next(), StoreEvent::Settings(_)));
        let kept = match store.next() {
            StoreEvent::Kept(kept) => kept,
            other => panic!("{other:?} is not what was switched on"),
        };
        store.handle.close(LONG).unwrap();
        kept
    };
    let [one, two] = queues;
    assert_eq!(told(dir.path()), [forward("603"), one, two]);
    // Where an account's calls went is forgotten with it, and a file that cannot be read makes nobody forget.
    fs::write(&file, "not a setting").unwrap();
    let store = Running::start(dir.path());
    let text = store.trouble();
    assert!(text.contains("trayphone.toml"), "{text}");
    store.handle.close(LONG).unwrap();
    fs::write(&file, account("1001")).unwrap();
    assert_eq!(told(dir.path()), [forward("603")]);
    fs::write(&file, account("1001") + &account("1002")).unwrap();
    assert_eq!(told(dir.path()), [forward("603")]);
}

#[test]
fn a_block_is_written_into_the_file_and_counts_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trayphone.toml");
    std::fs::write(&file, "# mine\n[calls]\nmost = 5 # few\nblocked = [\"+49 30 12\"] # pests\n").unwrap();
    let store = Running::start(dir.path());
    assert!(matches!(store.next(), StoreEvent::Settings(_)));
    let blocked = |number: &str, on| {
        store.handle.send(StoreCommand::Block { number: number.to_owned(), on });
        match store.next() {
            StoreEvent::Settings(settings) => settings.calls.blocked,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(blocked("0900*", true), ["+49 30 12", "0900*"]);
    // The same number, written otherwise: once.
    assert_eq!(blocked("+493012", true), ["0900*", "+493012"]);
    assert_eq!(blocked("+493012", false), ["0900*"]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("# mine\n[calls]\nmost = 5 # few\n"), "{text}");
    std::fs::write(&file, "[calls]\nmost = \"x\"\n").unwrap();
    store.handle.send(StoreCommand::Block { number: "1002".to_owned(), on: true });
    assert!(matches!(store.next(), StoreEvent::Trouble(_)), "a file that is wrong is not written to");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "[calls]\nmost = \"x\"\n");
}
