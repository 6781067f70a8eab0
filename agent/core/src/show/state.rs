//! What a view is made of.

use crate::{
    calls::Calls,
    lines::Lines,
    notes::Notes,
    question::Questions,
    registration::Accounts,
    settings::{Language, Settings},
    watch::Watches,
};

/// The most toasts of ringing calls at once; the rest is counted.
pub(super) const MOST_RINGING: usize = 5;

/// More missed calls than this share one toast: a flood of calls must not become a flood of toasts.
pub(super) const MOST_MISSED: usize = 3;

/// Everything a view is made of.
pub(crate) struct State<'a> {
    pub language: Language,
    /// The settings are known.
    pub started: bool,
    pub quitting: bool,
    pub accounts: &'a Accounts,
    pub calls: &'a Calls,
    pub questions: &'a Questions,
    pub notes: &'a Notes,
    pub watches: &'a Watches,
    pub lines: &'a Lines,
    pub settings: &'a Settings,
    /// The toast that counts ringing calls beyond the most.
    pub more_toast: u64,
    /// The toast that stands for many missed calls.
    pub missed_toast: u64,
    /// At least one plugin may know callers.
    pub plugins: bool,
}
