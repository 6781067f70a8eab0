//! The ways in which the exchange fails when told to.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What is broken at the moment.
#[derive(Debug, Clone, Copy, Default)]
struct Broken {
    registrar_silent: bool,
    registrar_slow: bool,
    refuse_passwords: bool,
    mute_to_phone: bool,
    deaf_to_phone: bool,
    hang_up_after: Option<Duration>,
    refuse_calls: Option<u16>,
}

/// Switches for faults. They work at once, and on calls that are up. Cheap to clone; all clones are the same switches.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Broken>>);

impl Faults {
    /// REGISTER is not answered at all.
    pub fn registrar_silent(&self, on: bool) {
        self.change(|broken| broken.registrar_silent = on);
    }

    /// REGISTER is answered only when this is taken back, as by a registrar that has too much to do.
    pub fn registrar_slow(&self, on: bool) {
        self.change(|broken| broken.registrar_slow = on);
    }

    /// Every password is wrong (403).
    pub fn refuse_passwords(&self, on: bool) {
        self.change(|broken| broken.refuse_passwords = on);
    }

    /// No audio goes from the exchange's own extensions and callers to the phone.
    pub fn mute_to_phone(&self, on: bool) {
        self.change(|broken| broken.mute_to_phone = on);
    }

    /// Audio from the phone is thrown away by the exchange's own extensions and callers.
    pub fn deaf_to_phone(&self, on: bool) {
        self.change(|broken| broken.deaf_to_phone = on);
    }

    /// The exchange's own extensions hang up this long after they answered.
    pub fn hang_up_after(&self, after: Option<Duration>) {
        self.change(|broken| broken.hang_up_after = after);
    }

    /// Every call is refused with this status.
    pub fn refuse_calls(&self, status: Option<u16>) {
        self.change(|broken| broken.refuse_calls = status);
    }

    /// Everything works again.
    pub fn heal(&self) {
        self.change(|broken| *broken = Broken::default());
    }

    pub(crate) fn is_registrar_silent(&self) -> bool {
        self.look().registrar_silent
    }

    pub(crate) fn is_registrar_slow(&self) -> bool {
        self.look().registrar_slow
    }

    pub(crate) fn refuses_passwords(&self) -> bool {
        self.look().refuse_passwords
    }

    pub(crate) fn is_mute(&self) -> bool {
        self.look().mute_to_phone
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.look().deaf_to_phone
    }

    pub(crate) fn hangs_up_after(&self) -> Option<Duration> {
        self.look().hang_up_after
    }

    pub(crate) fn refuses_calls(&self) -> Option<u16> {
        self.look().refuse_calls
    }

    fn look(&self) -> Broken {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, with: impl FnOnce(&mut Broken)) {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
