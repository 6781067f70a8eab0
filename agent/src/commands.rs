//! What each command of the command line does, apart from running the agent itself.

pub mod account;
pub mod call;
pub mod offline;
pub mod plugin;
pub mod print;
