//! The file behind journal and ledger: opened, brought up to date, and put aside when it is damaged.

use crate::{error::StoreError, platform};
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Each step brings a file from the format of its place to the next one. Steps are only ever added: files of every
/// earlier format are out there.
const MIGRATIONS: [&str; 6] = [
    "CREATE TABLE call (
        key TEXT PRIMARY KEY,
        account INTEGER NOT NULL,
        direction TEXT NOT NULL,
        number TEXT NOT NULL,
        name TEXT,
        uri TEXT NOT NULL,
        withheld INTEGER NOT NULL,
        card TEXT,
        started INTEGER NOT NULL,
        answered INTEGER,
        ended INTEGER,
        outcome TEXT
     ) STRICT;
     CREATE INDEX call_started ON call (started);
     CREATE INDEX call_open ON call (key) WHERE outcome IS NULL;",
    "CREATE TABLE ledger (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        who TEXT NOT NULL,
        why TEXT NOT NULL,
        scheme TEXT NOT NULL,
        host TEXT NOT NULL,
        address TEXT,
        port INTEGER NOT NULL,
        request TEXT,
        bytes_out INTEGER NOT NULL,
        bytes_in INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        detail TEXT
     ) STRICT;
     CREATE INDEX ledger_at ON ledger (at);",
    "ALTER TABLE call ADD COLUMN cause TEXT;",
    "ALTER TABLE call ADD COLUMN called TEXT;",
    "ALTER TABLE call ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;",
    "CREATE TABLE switch (
        aor TEXT NOT NULL,
        switch TEXT NOT NULL,
        queue TEXT NOT NULL,
        target TEXT,
        here INTEGER NOT NULL,
        PRIMARY KEY (aor, switch, queue)
     ) STRICT, WITHOUT ROWID;",
];

/// The format written here.
const FORMAT: u32 = MIGRATIONS.len() as u32;

/// Names the file's owner in its header, so that no other program's database is taken for a journal.
const APPLICATION: i32 = 0x5472_6179;

/// How long a writer waits for another process (a command line that reads), milliseconds.
const BUSY: Duration = Duration::from_secs(5);

/// What the pages kept in memory may take, KiB: the journal is written often and read seldom.
const CACHE_KIB: i64 = 256;

/// Opens `file` for writing, makes it where it is missing and brings it to the latest format.
pub(crate) fn open(file: &Path) -> Result<Connection, StoreError> {
    let fail = |error: &rusqlite::Error| failure(file, error);
    // Made by us and not by SQLite, so that it and the files beside it are readable by the user only.
    platform::private_file()
        .create(true)
        .append(true)
        .open(file)
        .map_err(|error| StoreError::File { file: file.to_owned(), cause: error.to_string() })?;
    let unclean = fs::metadata(beside(file, "-wal")).is_ok_and(|wal| wal.len() > 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(|error| fail(&error))?;
    configure(&connection).map_err(|error| fail(&error))?;
    if unclean {
        check(&connection, file)?;
    }
    migrate(&mut connection, file)?;
    Ok(connection)
}

/// Opens `file` for reading while the agent may be writing; `None` where there is none yet.
pub(crate) fn open_to_read(file: &Path) -> Result<Option<Connection>, StoreError> {
    let fail = |error: &rusqlite::Error| failure(file, error);
    // A folder that may not be looked into is no empty journal.
    let there = file
        .try_exists()
        .map_err(|error| StoreError::File { file: file.to_owned(), cause: error.to_string() })?;
    if !there {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(|error| fail(&error))?;
    connection.busy_timeout(BUSY).map_err(|error| fail(&error))?;
    let found = format(&connection).map_err(|error| fail(&error))?;
    match found {
        0 => Ok(None),
        found if found > FORMAT => Err(newer(file, found)),
        _ => Ok(Some(connection)),
    }
}

/// Puts a damaged file aside, under a name that says when, with all that belongs to it; the new name.
pub(crate) fn put_aside(file: &Path) -> io::Result<PathBuf> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let aside = (0..)
        .map(|count| beside(file, &format!(".damaged-{}", seconds + count)))
        .find(|path| !path.exists())
        .unwrap_or_else(|| beside(file, ".damaged"));
    fs::rename(file, &aside)?;
    for suffix in ["-wal", "-shm"] {
        match fs::rename(beside(file, suffix), beside(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

/// SQLite's error, with the file's name and what the user can do.
pub(crate) fn failure(file: &Path, error: &rusqlite::Error) -> StoreError {
    let code = error.sqlite_error_code();
    let damaged = matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
    let cause = match code {
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        Some(ErrorCode::ReadOnly) => "the file cannot be written to".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program keeps the file locked".to_owned()
        }
        _ if damaged => format!("the file is damaged ({error})"),
        _ => error.to_string(),
    };
    StoreError::Journal { file: file.to_owned(), cause, damaged }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // Malformed or hostile schemas in a file from elsewhere must not run code of theirs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    // Written through at each commit: a call in the journal survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection
        .pragma_update_and_check(None, "journal_size_limit", 1024 * 1024, |row| row.get::<_, i64>(0))?;
    // What was deleted is gone from the file, not only from the index.
    connection.pragma_update_and_check(None, "secure_delete", "ON", |row| row.get::<_, i64>(0))?;
    connection.set_prepared_statement_cache_capacity(8);
    Ok(())
}

/// After an unclean end, and only then, the whole file is looked through.
fn check(connection: &Connection, file: &Path) -> Result<(), StoreError> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| failure(file, &error))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Journal {
        file: file.to_owned(),
        cause: format!("the file is damaged ({verdict})"),
        damaged: true,
    })
}

fn format(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn newer(file: &Path, found: u32) -> StoreError {
    StoreError::Newer { file: file.to_owned(), found, known: FORMAT }
}

fn migrate(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    let found = format(connection).map_err(|error| failure(file, &error))?;
    if found > FORMAT {
        return Err(newer(file, found));
    }
    if found == FORMAT {
        return Ok(());
    }
    step(connection, found).map_err(|error| failure(file, &error))
}

/// All missing steps in one transaction: a file is in the old format or in the new one.
fn step(connection: &mut Connection, found: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for sql in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(sql)?;
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_every_earlier_format_keeps_its_rows() {
        for from in 0..FORMAT {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("journal.db");
            let old = Connection::open(&file).unwrap();
            for sql in &MIGRATIONS[..from as usize] {
                old.execute_batch(sql).unwrap();
            }
            old.pragma_update(None, "user_version", from).unwrap();
            if from > 0 {
                old.execute_batch(
                    "INSERT INTO call (key, account, direction, number, name, uri, withheld, card, started, answered, ended,
                         outcome)
                     VALUES ('1-1', 0, 'incoming', '600', NULL, 'sip:600@x', 0, NULL, 1, 2, 3, 'answered')",
                )
                .unwrap();
            }
            drop(old);
            let new = open(&file).unwrap();
            assert_eq!(format(&new).unwrap(), FORMAT);
            let calls: u32 = new.query_row("SELECT count(*) FROM call", [], |row| row.get(0)).unwrap();
            assert_eq!(calls, u32::from(from > 0), "from format {from}");
            assert_eq!(
                new.query_row("SELECT count(*) FROM ledger", [], |row| row.get::<_, u32>(0)).unwrap(),
                0
            );
        }
    }

    #[test]
    fn a_file_of_an_earlier_format_can_be_read_before_the_agent_has_opened_it() {
        let dir = tempfile::tempdir().unwrap();
        let profile = crate::profile::Profile::open(Some(dir.path())).unwrap();
        let old = Connection::open(profile.journal_file()).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute_batch(
            "INSERT INTO call VALUES ('1-1', 0, 'incoming', '600', NULL, 'sip:600@x', 0, NULL, 1, 2, 3, 'missed')",
        )
        .unwrap();
        drop(old);
        let calls =
            crate::journal::JournalReader::open(&profile).unwrap().calls(&Default::default()).unwrap();
        assert_eq!(calls.iter().map(|call| call.cause).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn a_file_of_a_later_format_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("journal.db");
        open(&file).unwrap().pragma_update(None, "user_version", FORMAT + 1).unwrap();
        let before = fs::read(&file).unwrap();
        for error in [open(&file).unwrap_err(), open_to_read(&file).unwrap_err()] {
            assert!(matches!(error, StoreError::Newer { found, known, .. } if found == known + 1), "{error}");
            assert!(error.to_string().contains("update Trayphone"), "{error}");
        }
        assert_eq!(fs::read(&file).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_no_database_is_said_to_be_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("journal.db");
        fs::write(&file, vec![b'x'; 8192]).unwrap();
        let error = open(&file).unwrap_err();
        assert!(matches!(error, StoreError::Journal { damaged: true, .. }), "{error}");
        let aside = put_aside(&file).unwrap();
        assert_eq!(fs::read(&aside).unwrap().len(), 8192);
        open(&file).unwrap();
    }
}
