//! RTP and RTCP (RFC 3550) without sockets: what is sent, what is counted, whom we listen to.

mod latch;
mod receive;
mod report;
mod send;
mod wire;

pub(crate) use latch::Latch;
pub(crate) use receive::{Receiver, Verdict};
pub(crate) use report::Reports;
pub(crate) use send::Sender;
pub(crate) use wire::{is_rtcp, random};
