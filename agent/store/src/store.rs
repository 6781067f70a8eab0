//! The store's thread: takes what is to be kept, writes it in batches, and fetches what is asked for.

use crate::{
    database,
    error::StoreError,
    journal, keyring,
    pending::{Batch, Pending},
    platform,
    profile::Profile,
    profiles, reserve, settings, switches, variables,
};
use agent_core::{
    id::AccountId,
    ledger::LedgerRecord,
    port::store::{PasswordQuestion, SecretProblem, StoreCommand, StoreEvent},
    secret::Secret,
    settings::{PasswordSource, Settings},
    time::UnixMillis,
    vigil::Vigil,
};
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Takes what the store tells; called from the store's own threads.
pub type Tell = Arc<dyn Fn(StoreEvent) + Send + Sync>;

/// While the disk refuses, how often it is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// How long the journal stays unopened after the start while nothing is to be written, so that settings and passwords,
/// for which registering waits, come first.
const SETTLE: Duration = Duration::from_millis(300);

/// The ledger is pruned at most this often, and only when something is written anyway.
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// The road to the store's thread. Cheap to clone; nothing here waits but `flush` and `close`.
#[derive(Clone)]
pub struct StoreHandle {
    shared: Arc<Shared>,
    // Dropped with the last handle: the thread writes out what waits and ends.
    _owner: Arc<Owner>,
}

struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.pending().closing = true;
        self.0.come.notify_all();
    }
}

struct Shared {
    pending: Mutex<Pending>,
    /// Something came in.
    come: Condvar,
    progress: Mutex<Progress>,
    /// Something was done.
    done: Condvar,
}

#[derive(Default)]
struct Progress {
    flushed: u64,
    /// The request for the settings that was done last, and what came of it.
    loaded: (u64, Option<Result<Settings, String>>),
    /// What the last attempt to write came to.
    error: Option<String>,
    closed: bool,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        unpoisoned(&self.pending)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        unpoisoned(&self.progress)
    }

    fn change(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.pending());
        self.come.notify_one();
    }
}

/// Starts the store for `profile`. The settings are told first (or, when the file is wrong, a `Trouble` with every
/// mistake in it), then what is wrong with the journal, if anything is.
pub fn start(profile: Profile, tell: Tell) -> Result<StoreHandle, StoreError> {
    start_watched(profile, tell, Vigil::unwatched())
}

/// The same; `vigil` tells when the thread ends by a fault: what is handed in afterwards is lost until the store is
/// started anew, and questions stay without an answer.
pub fn start_watched(profile: Profile, tell: Tell, vigil: Vigil) -> Result<StoreHandle, StoreError> {
    let shared = Arc::new(Shared {
        pending: Mutex::default(),
        come: Condvar::new(),
        progress: Mutex::default(),
        done: Condvar::new(),
    });
    let keeper = Keeper {
        shared: shared.clone(),
        journal: profile.journal_file(),
        profile,
        tell,
        settings: Settings::default(),
        connection: None,
        identity: None,
        trouble: None,
        retry_at: None,
        pruned: None,
        refused: false,
        unkept: 0,
        fresh: true,
        open_at: Some(Instant::now() + SETTLE),
        fetching: Arc::default(),
    };
    let work = move || {
        keeper.run();
        vigil.over();
    };
    thread::Builder::new().name("store".to_owned()).spawn(work).map_err(|error| StoreError::Journal {
        file: "journal.db".into(),
        cause: format!("no thread for it: {error}"),
        damaged: false,
    })?;
    Ok(StoreHandle { _owner: Arc::new(Owner(shared.clone())), shared })
}

impl StoreHandle {
    /// Does what the core asks, soon.
    pub fn send(&self, command: StoreCommand) {
        self.shared.change(|pending| match command {
            StoreCommand::Password(question) => {
                pending.passwords.insert(question.account, question);
            }
            StoreCommand::Journal(entry) => pending.call(*entry),
            StoreCommand::Ledger(row) => pending.row(*row),
            StoreCommand::Keep { kept, on } => pending.switch(kept, on),
            StoreCommand::Block { number, on } => pending.block(number, on),
        });
    }

    /// Keeps a ledger row.
    pub fn ledger(&self, row: LedgerRecord) {
        self.shared.change(|pending| pending.row(row));
    }

    /// Reads the settings file again and tells them if they are free of mistakes; else tells the mistakes. Waits at most
    /// `limit` until they are told, and gives them, or the mistakes, as well.
    pub fn reload(&self, limit: Duration) -> Result<Settings, String> {
        let mut mine = 0;
        self.shared.change(|pending| {
            pending.reload_asked += 1;
            mine = pending.reload_asked;
        });
        let progress = self.wait(limit, |progress| progress.loaded.0 >= mine || progress.closed)?;
        match &progress.loaded {
            (done, Some(outcome)) if *done >= mine => outcome.clone(),
            _ => Err("the agent is winding up".to_owned()),
        }
    }

    /// Waits until everything handed in so far is on the disk; an error is why it is not. Waits at most `limit`.
    pub fn flush(&self, limit: Duration) -> Result<(), String> {
        let mut mine = 0;
        self.shared.change(|pending| {
            pending.flush_asked += 1;
            mine = pending.flush_asked;
        });
        let progress = self.wait(limit, |progress| progress.flushed >= mine || progress.closed)?;
        progress.error.clone().map_or(Ok(()), Err)
    }

    /// Writes everything out, closes the files and ends the thread; what is handed in afterwards is lost. An error says
    /// how many calls are in no journal, and why.
    pub fn close(&self, limit: Duration) -> Result<(), String> {
        self.shared.change(|pending| pending.closing = true);
        let progress = self.wait(limit, |progress| progress.closed)?;
        progress.error.clone().map_or(Ok(()), Err)
    }

    fn wait(
        &self,
        limit: Duration,
        until: impl Fn(&Progress) -> bool,
    ) -> Result<MutexGuard<'_, Progress>, String> {
        let (progress, _) = self
            .shared
            .done
            .wait_timeout_while(self.shared.progress(), limit, |progress| !until(progress))
            .unwrap_or_else(PoisonError::into_inner);
        if until(&progress) { Ok(progress) } else { Err("the disk did not answer in time".to_owned()) }
    }
}

/// What one turn of the thread has to do.
struct Work {
    batch: Batch,
    lost: usize,
    passwords: BTreeMap<AccountId, PasswordQuestion>,
    blocks: Vec<(String, bool)>,
    reload: u64,
    flush: u64,
    closing: bool,
    /// The journal is needed now.
    opens: bool,
}

struct Keeper {
    shared: Arc<Shared>,
    profile: Profile,
    journal: std::path::PathBuf,
    tell: Tell,
    settings: Settings,
    connection: Option<Connection>,
    /// Which file that is.
    identity: Option<(u64, u64)>,
    /// What was last told to be wrong, so that it is said once.
    trouble: Option<String>,
    retry_at: Option<Instant>,
    pruned: Option<Instant>,
    /// The journal is a newer program's: it is not touched.
    refused: bool,
    /// Calls that could not be kept and are not tried again.
    unkept: usize,
    /// Nothing of this run was written yet: a call without an end is one that a crash cut off.
    fresh: bool,
    /// When the journal is to be opened at the latest; `None` once it was tried.
    open_at: Option<Instant>,
    /// What the keyring was asked, by address, and whether it is still at it. Its answer goes to the newest question.
    fetching: Arc<Mutex<BTreeMap<String, (PasswordQuestion, bool)>>>,
}

/// A store that ends, however it ends, must not leave anybody waiting for it.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.connection = None;
        self.shared.progress().closed = true;
        self.shared.done.notify_all();
    }
}

impl Keeper {
    fn run(mut self) {
        // The settings first: registering waits for them and not for the journal.
        let _told = self.load();
        loop {
            let work = self.wait();
            if work.reload > self.shared.progress().loaded.0 {
                let outcome = self.load();
                self.shared.progress().loaded = (work.reload, Some(outcome));
                self.shared.done.notify_all();
            }
            self.block(&work.blocks);
            for question in work.passwords.into_values() {
                self.password(question);
            }
            if work.lost > 0 {
                let text = format!(
                    "{} lines of journal and ledger were lost: {} could not be written for too long",
                    work.lost,
                    self.journal.display()
                );
                (self.tell)(StoreEvent::Trouble(text));
            }
            if work.opens || self.open_at.is_some_and(|at| at <= Instant::now()) {
                self.open_at = None;
                if self.ready().is_err() {
                    self.retry_at = Some(Instant::now() + AGAIN_AFTER);
                }
            }
            let mut outcome = self.keep(work.batch);
            if work.closing {
                outcome = self.last_attempt(outcome);
            }
            let mut progress = self.shared.progress();
            progress.flushed = work.flush;
            progress.error = outcome.err();
            drop(progress);
            self.shared.done.notify_all();
            if work.closing {
                return;
            }
        }
    }

    /// Sleeps until there is something to do. Wakes by itself once after the start, to open the journal, and while
    /// something waits for a disk that refuses.
    fn wait(&self) -> Work {
        let (flushed, loaded) = {
            let progress = self.shared.progress();
            (progress.flushed, progress.loaded.0)
        };
        let mut pending = self.shared.pending();
        loop {
            let now = Instant::now();
            let retry = self.retry_at.filter(|_| pending.has_writing());
            let writing = pending.has_writing() && self.retry_at.is_none_or(|at| at <= now);
            let asked = !pending.passwords.is_empty()
                || !pending.blocks.is_empty()
                || pending.reload_asked > loaded
                || pending.closing;
            let due = self.open_at.is_some_and(|at| at <= now);
            if writing || asked || due || pending.flush_asked > flushed {
                break;
            }
            pending = match [retry, self.open_at].into_iter().flatten().min() {
                Some(at) => {
                    let left = at.saturating_duration_since(now);
                    self.shared.come.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.shared.come.wait(pending).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let opens = pending.has_writing() || pending.flush_asked > flushed || pending.closing;
        let pending = &mut *pending;
        Work {
            batch: std::mem::take(&mut pending.batch),
            lost: std::mem::take(&mut pending.lost),
            passwords: std::mem::take(&mut pending.passwords),
            blocks: std::mem::take(&mut pending.blocks),
            reload: pending.reload_asked,
            flush: pending.flush_asked,
            closing: pending.closing,
            opens: opens && self.open_at.is_some(),
        }
    }
}

/// Settings and passwords.
impl Keeper {
    /// Blocks numbers, or lets them ring again: the file is changed and read anew, so that what counts is what stands there.
    fn block(&mut self, blocks: &[(String, bool)]) {
        for (number, on) in blocks {
            if let Err(error) = settings::block(&self.profile, number, *on) {
                (self.tell)(StoreEvent::Trouble(error.to_string()));
            }
        }
        if !blocks.is_empty() {
            let _told = self.load();
        }
    }

    fn load(&mut self) -> Result<Settings, String> {
        match settings::read_settings(&self.profile) {
            Ok(settings) => {
                self.settings = settings.clone();
                let (profiles, wrong) = profiles::needed(&settings);
                for error in wrong {
                    // The phone works without its codes.
                    (self.tell)(StoreEvent::Trouble(error.to_string()));
                }
                if !profiles.is_empty() {
                    (self.tell)(StoreEvent::Profiles(profiles));
                }
                (self.tell)(StoreEvent::Settings(Box::new(settings.clone())));
                Ok(settings)
            }
            Err(error) => {
                (self.tell)(StoreEvent::Trouble(error.to_string()));
                Err(error.to_string())
            }
        }
    }

    /// The account is found by its address: its place may be another's in settings the core does not know yet.
    fn password(&self, question: PasswordQuestion) {
        let wanted = self.settings.accounts.iter().find(|account| account.aor == question.aor);
        let result = match wanted.map(|account| &account.password) {
            None => Err(SecretProblem::Failed("the settings have no such account any more".to_owned())),
            Some(PasswordSource::Env(name)) => variables::variable(name),
            Some(PasswordSource::Keyring) => return self.fetch(question),
        };
        (self.tell)(StoreEvent::Password { question, result });
    }

    /// The keyring may ask the user: on threads of its own, and once at a time for each account.
    fn fetch(&self, question: PasswordQuestion) {
        let fetching = self.fetching.clone();
        let aor = question.aor.clone();
        let before = unpoisoned(&fetching).insert(aor.clone(), (question, true));
        if before.is_some_and(|(_, busy)| busy) {
            return;
        }
        let (tell, of) = (self.tell.clone(), aor.clone());
        let told = move |result: Result<Secret, SecretProblem>| {
            let question = unpoisoned(&fetching).get_mut(&of).map(|(question, busy)| {
                *busy = false;
                question.clone()
            });
            // A late answer, after the keyring was given up, is told as well.
            if let Some(question) = question {
                tell(StoreEvent::Password { question, result });
            }
        };
        if let Err(error) = keyring::fetch(aor, told.clone()) {
            told(Err(SecretProblem::Failed(error.to_string())));
        }
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Journal and ledger.
impl Keeper {
    /// Makes sure that the journal is open.
    fn ready(&mut self) -> Result<(), String> {
        if self.connection.is_some() {
            return Ok(());
        }
        self.open().map_err(|error| self.failed(&error))
    }

    fn open(&mut self) -> Result<(), StoreError> {
        match self.open_as_it_is() {
            Err(StoreError::Journal { damaged: true, cause, .. }) => {
                self.put_aside(&cause)?;
                self.open_as_it_is()
            }
            other => other,
        }
    }

    fn open_as_it_is(&mut self) -> Result<(), StoreError> {
        let connection = database::open(&self.journal).inspect_err(|error| {
            self.refused = matches!(error, StoreError::Newer { .. });
        })?;
        if self.fresh {
            let count =
                journal::interrupt(&connection).map_err(|error| database::failure(&self.journal, &error))?;
            if count > 0 {
                tracing::info!(count, "calls were up when the agent last ended");
            }
            self.fresh = false;
            let dialled =
                journal::dialled(&connection).map_err(|error| database::failure(&self.journal, &error))?;
            if !dialled.is_empty() {
                (self.tell)(StoreEvent::Dialled(dialled));
            }
            switches::restore(&connection, &self.settings, &*self.tell)
                .map_err(|error| database::failure(&self.journal, &error))?;
        }
        self.connection = Some(connection);
        self.identity = platform::identity(&self.journal);
        reserve::keep(&self.journal);
        Ok(())
    }

    /// Somebody took the file away while it was open: what is written would go nowhere.
    fn look_after(&mut self) {
        if self.connection.is_some() && platform::identity(&self.journal) != self.identity {
            self.connection = None;
            let text = format!(
                "{}: somebody removed it while it was open. A new journal was begun; the calls before are gone with it.",
                self.journal.display()
            );
            tracing::warn!("{text}");
            (self.tell)(StoreEvent::Trouble(text));
        }
    }

    /// Nothing is lost: the damaged file stays, under a name the user is told.
    fn put_aside(&mut self, cause: &str) -> Result<(), StoreError> {
        self.connection = None;
        let aside = database::put_aside(&self.journal).map_err(|error| StoreError::File {
            file: self.journal.clone(),
            cause: format!("{cause}, and it could not be put aside: {error}"),
        })?;
        let text = format!(
            "{}: {cause}. It is kept as {}, and a new journal was begun.",
            self.journal.display(),
            aside.display()
        );
        tracing::warn!("{text}");
        (self.tell)(StoreEvent::Trouble(text));
        Ok(())
    }

    /// Writes a batch; what cannot be written now waits for the next attempt.
    fn keep(&mut self, batch: Batch) -> Result<(), String> {
        if batch.is_empty() {
            return Ok(());
        }
        if self.refused {
            self.unkept += batch.calls.len();
            return Err(self.trouble.clone().unwrap_or_default());
        }
        self.look_after();
        let outcome = self.ready().and_then(|()| self.write(&batch));
        match &outcome {
            Ok(()) => self.recovered(),
            Err(_) => {
                self.retry_at = Some(Instant::now() + AGAIN_AFTER);
                self.shared.pending().put_back(batch);
            }
        }
        outcome
    }

    /// The end: what waits is written in place of the reserve, and what is lost all the same is said.
    fn last_attempt(&mut self, outcome: Result<(), String>) -> Result<(), String> {
        let mut outcome = outcome;
        if outcome.is_err() && !self.refused && reserve::give_up(&self.journal) {
            let batch = std::mem::take(&mut self.shared.pending().batch);
            outcome = self.keep(batch);
        }
        let lost = self.unkept + self.shared.pending().batch.calls.len();
        let why = outcome.as_ref().err().or(self.trouble.as_ref());
        match why {
            Some(why) if lost > 0 => Err(format!("{why}. Calls not in the journal: {lost}.")),
            _ => outcome,
        }
    }

    fn write(&mut self, batch: &Batch) -> Result<(), String> {
        for attempt in 0..2 {
            let Some(connection) = &mut self.connection else { break };
            let Err(error) = journal::write(connection, batch) else {
                self.prune();
                return Ok(());
            };
            let error = database::failure(&self.journal, &error);
            let StoreError::Journal { damaged: true, cause, .. } = &error else {
                return Err(self.failed(&error));
            };
            if attempt > 0 {
                return Err(self.failed(&error));
            }
            // Damaged under our hands: the batch goes into a new file.
            let cause = cause.clone();
            self.put_aside(&cause).and_then(|()| self.open()).map_err(|error| self.failed(&error))?;
        }
        Err("the journal is not open".to_owned())
    }

    fn prune(&mut self) {
        if self.pruned.is_some_and(|at| at.elapsed() < PRUNE_EVERY) {
            return;
        }
        self.pruned = Some(Instant::now());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        if let Some(connection) = &self.connection
            && let Err(error) = journal::prune(connection, now)
        {
            tracing::warn!(%error, "the ledger was not pruned");
        }
    }

    /// Says what is wrong, once for as long as it lasts.
    fn failed(&mut self, error: &StoreError) -> String {
        let text = error.to_string();
        if self.trouble.as_ref() != Some(&text) {
            self.trouble = Some(text.clone());
            let hope = if self.refused {
                "Calls go on, without a journal."
            } else {
                "Calls go on; they are written to the journal as soon as this is over."
            };
            tracing::warn!("{text}");
            (self.tell)(StoreEvent::Journal(Some(format!("{text}. {hope}"))));
        }
        text
    }

    fn recovered(&mut self) {
        self.retry_at = None;
        if self.trouble.take().is_some() {
            tracing::info!("the journal can be written again");
            (self.tell)(StoreEvent::Journal(None));
        }
    }
}
