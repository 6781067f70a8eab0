//! The house rules, kept by a test.
//!
//! Each rule is a function over text, which says what it found; `tests/house.rs` holds this tree against all of them.
//! Beside every rule stands a test with something it must refuse: a rule that cannot fail keeps nothing.

pub mod circles;
pub mod doors;
pub mod exits;
pub mod floors;
pub mod logs;
pub mod manifest;
pub mod places;
pub mod queues;
pub mod settings;
pub mod shape;
pub mod tree;
mod uses;
pub mod wit;

/// Something that breaks a rule: where, and what to do about it.
pub type Finding = String;
