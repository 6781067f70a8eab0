//! What each command of the command line does, apart from running the agent itself.

pub(crate) mod account;
pub(crate) mod call;
pub(crate) mod message;
pub(crate) mod offline;
mod once;
pub(crate) mod plugin;
pub(crate) mod print;
pub(crate) mod profiles;
pub(crate) mod start;
pub(crate) mod trust;
pub(crate) mod watched;
