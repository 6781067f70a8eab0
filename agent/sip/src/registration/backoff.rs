//! How long to wait before a failed registration is tried again (after RFC 5626 section 4.5).

use crate::rng::Rng;
use std::time::Duration;

/// The longest first wait.
const BASE: Duration = Duration::from_secs(5);
/// The longest wait.
const MOST: Duration = Duration::from_secs(300);
/// The longest wait before a password that was refused and never served is tried again: a PBX that locks accounts counts
/// some tries within minutes.
const REFUSED: Duration = Duration::from_secs(1800);

/// The wait after `failures` failures in a row before this one: at most 5 s, doubling up to 5 min, and between half of
/// it and the whole at random, so that a PBX that comes back is not met by everybody in the same moment.
pub(super) fn wait(failures: u32, rng: &mut dyn Rng) -> Duration {
    let most = BASE.saturating_mul(2_u32.saturating_pow(failures)).min(MOST);
    rng.between(most / 2, most)
}

/// The wait before a refused password is tried again: within half an hour for one that never served, which is wrong, most
/// likely; within 5 min for one that did, since then it is the PBX that has a bad day. Not at the same moment for all, as
/// above.
pub(super) fn wait_refused(served: bool, rng: &mut dyn Rng) -> Duration {
    let most = if served { MOST } else { REFUSED };
    rng.between(most / 2, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SeededRng;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let mut rng = SeededRng::new(1);
        for (failures, most) in [(0, 5), (1, 10), (2, 20), (5, 160), (6, 300), (60, 300), (u32::MAX, 300)] {
            for _ in 0..50 {
                let wait = wait(failures, &mut rng);
                let most = Duration::from_secs(most);
                assert!(wait >= most / 2 && wait <= most, "{failures}: {wait:?}");
            }
        }
    }
}
