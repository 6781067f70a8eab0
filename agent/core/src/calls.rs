//! The calls: which there are, which has the microphone, and what happens to each.

mod begin;
mod board;
mod change;
mod dial;
mod end;
mod media;
mod party;
mod pick;
mod records;
mod wire;

pub(crate) use begin::Invite;
pub(crate) use board::Calls;
