//! One account at its registrar (RFC 3261 section 10): registers, refreshes, recovers by itself, and leaves politely.
//!
//! The state told is never better than the truth: `Registered` is said only between a 200 and the end of the interval
//! that it granted.

mod alive;
mod backoff;
mod keeping;
mod reply;
mod road;
mod standing;
mod state;

pub(crate) use standing::Standing;
pub(crate) use state::Registration;
