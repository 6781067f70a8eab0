//! The subscriptions of all accounts, and how each is found.

use crate::subscription::{
    desk::Desk,
    publication::Publication,
    state::{Subscription, Tags},
};
use agent_core::id::AccountId;
use std::collections::{BTreeMap, HashMap};

/// All subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    /// What those of an account share.
    pub(crate) desks: BTreeMap<AccountId, Desk>,
    /// What is published of ourselves, for accounts that publish.
    pub(crate) publications: BTreeMap<AccountId, Publication>,
    /// Each by its number.
    pub(crate) subscriptions: BTreeMap<u64, Subscription>,
    /// Whose a NOTIFY is, by its Call-ID and our tag.
    pub(crate) tags: HashMap<Tags, u64>,
    /// The number given last.
    pub(crate) last: u64,
}
