//! The exit codes: stable, for scripts; the README carries the same table.

use agent_core::action::RefusalCode;
use std::process::ExitCode;

/// Why the program ends, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Something failed; the sentence on stderr says what.
    Failed = 1,
    /// The command line was not understood (clap ends with this, too).
    Usage = 2,
    /// No agent is running for this profile.
    NoAgent = 3,
    /// No such call, or none in a state for this.
    NoCall = 4,
    /// Several calls fit: name one.
    Ambiguous = 5,
    /// No account is registered.
    NotRegistered = 6,
    /// The text holds no number that can be dialled.
    NotANumber = 7,
    /// Not allowed.
    NotAllowed = 8,
    /// The agent asks something first (which of two numbers?).
    Question = 9,
    /// The settings file is wrong, or the account named is not in it, or to be added and in it already.
    Settings = 10,
    /// A password could not be had or kept.
    Secret = 11,
    /// A plugin was refused or failed.
    Plugin = 12,
    /// The account did not register.
    AccountTest = 13,
    /// The agent is winding up.
    Quitting = 14,
    /// An agent is running already for this profile.
    Running = 15,
}

impl Exit {
    /// Every code with its meaning, for `--help` and the README.
    pub(crate) const TABLE: [(Self, &'static str); 16] = [
        (Self::Ok, "done"),
        (Self::Failed, "something failed; the sentence on stderr says what"),
        (Self::Usage, "the command line was not understood"),
        (Self::NoAgent, "no agent is running for this profile"),
        (Self::NoCall, "no such call, or none in a state for this"),
        (Self::Ambiguous, "several calls fit: name one"),
        (Self::NotRegistered, "no account is registered"),
        (Self::NotANumber, "the text holds no number that can be dialled"),
        (Self::NotAllowed, "not allowed"),
        (Self::Question, "the agent asks something first (which number, really dial?)"),
        (Self::Settings, "the settings file is wrong, or the account named does not fit it"),
        (Self::Secret, "a password could not be had or kept"),
        (Self::Plugin, "a plugin was refused or failed"),
        (Self::AccountTest, "the account did not register"),
        (Self::Quitting, "the agent is winding up"),
        (Self::Running, "an agent is running already for this profile"),
    ];

    /// What a program of ours meant that ended with this code.
    pub(crate) fn from_code(code: i32) -> Option<Self> {
        Self::TABLE.map(|(exit, _)| exit).into_iter().find(|exit| *exit as i32 == code)
    }
}

impl From<RefusalCode> for Exit {
    fn from(code: RefusalCode) -> Self {
        match code {
            RefusalCode::NoCall => Self::NoCall,
            RefusalCode::Ambiguous => Self::Ambiguous,
            RefusalCode::NotRegistered => Self::NotRegistered,
            RefusalCode::NotANumber => Self::NotANumber,
            RefusalCode::NotAllowed => Self::NotAllowed,
            RefusalCode::Quitting => Self::Quitting,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure on its way to the user: the code for scripts, the sentence for people.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong and what to do.
    pub text: String,
}

impl Failure {
    /// A failure with its sentence.
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    /// Something failed that has no code of its own.
    pub(crate) fn other(what: &str, error: impl std::fmt::Display) -> Self {
        Self::new(Exit::Failed, format!("{what}: {error}"))
    }
}
