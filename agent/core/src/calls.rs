//! The calls: which there are, which has the microphone, and what happens to each.

mod begin;
mod board;
mod change;
mod conference;
mod dial;
mod end;
mod media;
mod party;
mod pick;
mod records;
mod referral;
mod transfer;
mod wire;

pub(crate) use begin::Invite;
pub(crate) use board::Calls;
