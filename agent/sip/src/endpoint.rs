//! A whole SIP endpoint without a socket: commands, messages and the time go in; bytes and facts come out.
//!
//! [`Endpoint`] binds registrations, calls and transactions together. It serves the agent (through
//! [`SipCommand`](agent_core::port::sip::SipCommand)) and, with [`Config::screened`](crate::config::Config), a registrar
//! or switch built on it.

mod admission;
mod commands;
mod gate;
mod inside;
mod model;
mod phone;
mod remote;
mod requests;
mod roads;
mod texts;
mod transfer;
mod watches;

pub use crate::{
    call::Ask,
    wire::{Output, ReachId},
};
pub use commands::Placement;
pub use model::{Asked, Endpoint, Input, Load};
