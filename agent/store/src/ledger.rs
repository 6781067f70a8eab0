//! A writer for the ledger alone, for programs that send something beside the agent: no call of its is touched.

use crate::{database, error::StoreError, journal, pending::Batch, profile::Profile};
use agent_core::ledger::LedgerRecord;
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
};

/// Writes rows on a thread of its own, each as it comes, so that a program that is killed has left those that were.
#[derive(Debug)]
pub struct LedgerWriter {
    tell: Sender<Word>,
    thread: JoinHandle<Result<(), StoreError>>,
}

#[derive(Debug)]
enum Word {
    Row(Box<LedgerRecord>),
    End,
}

impl LedgerWriter {
    /// Opens the profile's ledger, which is made where it is missing. A damaged one is left to the agent.
    pub fn open(profile: &Profile) -> Result<Self, StoreError> {
        let file = profile.journal_file();
        let connection = database::open(&file)?;
        let (tell, hear) = channel();
        let place = file.clone();
        let thread = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || write(connection, &place, &hear))
            .map_err(|error| StoreError::File { file, cause: format!("no thread for it: {error}") })?;
        Ok(Self { tell, thread })
    }

    /// Takes rows and never blocks; what comes after [`LedgerWriter::close`] is lost.
    pub fn sink(&self) -> impl Fn(LedgerRecord) + Send + Sync + use<> {
        let tell = self.tell.clone();
        move |row| drop(tell.send(Word::Row(Box::new(row))))
    }

    /// Waits until every row is written; the error is why one is not.
    pub fn close(self) -> Result<(), StoreError> {
        // It may have ended by itself, and then it says below why.
        let _ = self.tell.send(Word::End);
        self.thread.join().unwrap_or_else(|_| {
            Err(StoreError::File {
                file: PathBuf::from("journal.db"),
                cause: "the ledger's writer broke down; please report this".to_owned(),
            })
        })
    }
}

fn write(mut connection: Connection, file: &Path, hear: &Receiver<Word>) -> Result<(), StoreError> {
    while let Ok(Word::Row(row)) = hear.recv() {
        journal::write(&mut connection, &Batch { rows: [*row].into(), ..Batch::default() })
            .map_err(|error| database::failure(file, &error))?;
    }
    Ok(())
}
