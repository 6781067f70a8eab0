//! Subscriptions (RFC 6665): asked for over the account's registration, refreshed, lost honestly and found again.
//!
//! What a subscription told holds only between a NOTIFY that says `active` and the end of its interval; everything else
//! is told as unknown. An account never sends more SUBSCRIBEs a second than its pace allows, whatever happens.

mod all;
mod desk;
mod notify;
mod pace;
mod package;
mod publication;
mod reply;
mod state;

pub(crate) use all::Watches;
pub(crate) use desk::{Desk, Road, watched};
pub(crate) use notify::unasked;
pub(crate) use publication::Publication;
pub(crate) use state::{Subscription, Turn};
