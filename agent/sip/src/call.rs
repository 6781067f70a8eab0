//! Calls (RFC 3261 sections 13 to 15): INVITE both ways, CANCEL, ACK, BYE, and changes of the session.
//!
//! A call lives from its INVITE until nothing that could still arrive needs it. Its end is told once, whoever ended it
//! and however many things go wrong at the same time.

mod early;
mod elsewhere;
mod errand;
mod follow;
mod forwarded;
mod handover;
mod hangup;
mod identity;
mod incoming;
mod leg;
mod manners;
mod model;
mod outgoing;
mod party;
mod reason;
mod redirect;
mod refresh;
mod reliable;
mod session;
mod targets;
mod timer;
mod update;
mod wishes;

pub use errand::Ask;
pub(crate) use errand::nowhere;
pub(crate) use handover::{Standing, header};
pub(crate) use identity::{Belief, party as sender};
pub(crate) use incoming::Arrival;
pub(crate) use manners::Manners;
pub(crate) use model::{Call, Outcome};
pub(crate) use outgoing::Departure;
pub(crate) use targets::Targets;
