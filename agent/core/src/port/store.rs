//! The door to the disk and the keyring.

use crate::{
    action::Switch, id::AccountId, journal::JournalEntry, ledger::LedgerRecord, pbx::PbxProfile,
    secret::Secret, settings::Settings,
};
use std::collections::BTreeMap;

/// A switch that is on and that nobody else remembers: kept over restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSwitch {
    /// Of which account, by its address.
    pub aor: String,
    /// Which.
    pub switch: Switch,
    /// Of which queue.
    pub queue: Option<String>,
    /// Where calls go.
    pub to: Option<String>,
    /// This program does it; else the PBX took a code.
    pub here: bool,
}

/// Why there is no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretProblem {
    /// The keyring has none for this account: `trayphone account password`.
    Missing,
    /// There is no keyring on this system.
    NoKeyring(String),
    /// `env:NAME` is set in the account and the variable is not in the environment.
    NoVariable(String),
    /// `env:NAME` is in the environment, and was not taken out of it at the start: only a new start can do that.
    AtStartOnly(String),
    /// The keyring is locked or failed.
    Failed(String),
}

/// Names one question for a password, so that its answer finds the account it was asked for and no other: the settings
/// may put another account in the same place before the keyring was unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordQuestion {
    /// Whose, by its place in the settings the core knows.
    pub account: AccountId,
    /// Whose, by its address: what the keyring is asked for.
    pub aor: String,
    /// Counts the questions; only the last one of an account counts.
    pub generation: u64,
}

/// What the store tells.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreEvent {
    /// The settings, at start and after each change that was accepted.
    Settings(Box<Settings>),
    /// The answer to `Password`. An answer that says why not may be followed by the password: a keyring can be
    /// unlocked late.
    Password {
        /// To which question.
        question: PasswordQuestion,
        /// The password, or why not.
        result: Result<Secret, SecretProblem>,
    },
    /// The PBX profiles that the settings need, by what they call them; told before settings that name one.
    Profiles(BTreeMap<String, PbxProfile>),
    /// What was dialled in earlier runs, newest first, over which account, and whether our number was hidden; told once, when
    /// the journal was opened.
    Dialled(Vec<(String, AccountId, bool)>),
    /// The switches that were kept; told once, with what was dialled.
    Kept(Vec<KeptSwitch>),
    /// Something could not be kept; the sentence names file and cause.
    Trouble(String),
    /// The journal cannot be written, and why; `None`: it can again.
    Journal(Option<String>),
}

/// What the core asks of the store.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreCommand {
    /// Fetches an account's password.
    Password(PasswordQuestion),
    /// Writes a journal entry, or overwrites the one with the same key.
    Journal(Box<JournalEntry>),
    /// Writes a row of the ledger about what left over a connection that has its own.
    Ledger(Box<LedgerRecord>),
    /// Keeps a switch that is on over restarts, or forgets it.
    Keep {
        /// The switch.
        kept: KeptSwitch,
        /// It is on; else forgotten.
        on: bool,
    },
    /// Writes a number into `[calls] blocked`, or takes it out; answered by the settings as they are then, or by a `Trouble`.
    Block {
        /// The number or the beginning of many.
        number: String,
        /// Blocked from now on, or no longer.
        on: bool,
    },
}
