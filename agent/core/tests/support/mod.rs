//! What all tests of the core share.

use agent_core::{
    settings::AccountSettings,
    time::{Now, UnixMillis},
};
use std::time::Instant;

/// What an account looks like in the flows.
pub(crate) fn account(n: u32) -> AccountSettings {
    AccountSettings { aor: format!("sip:100{}@pbx.example", n + 1), ..AccountSettings::default() }
}

/// A clock for tests: the monotonic side starts anywhere, the wall clock at a round number.
#[expect(clippy::disallowed_methods, reason = "a test needs one real instant to count from")]
pub(crate) fn start_of_time() -> Now {
    Now { at: Instant::now(), wall: UnixMillis(1_000_000) }
}
