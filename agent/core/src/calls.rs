//! The calls: which there are, which has the microphone, and what happens to each.

mod begin;
mod board;
mod change;
mod conference;
mod dial;
mod emergency;
mod end;
mod flood;
mod media;
mod party;
mod pick;
mod records;
mod referral;
mod remote;
mod transfer;
mod turned;
mod wire;

pub(crate) use begin::Invite;
pub(crate) use board::Calls;
