//! A guard that a neighbour's thread or task carries: whoever keeps watch learns of its end, however it comes.

use std::fmt;

/// Sounds an alarm when it is dropped, by a panic or an early return, unless the work ended as it should.
///
/// It belongs into the outermost scope of a thread or of a task, so that nothing of the neighbour is left when the
/// alarm sounds.
pub struct Vigil(Option<Box<dyn FnOnce() + Send>>);

impl Vigil {
    /// `alarm` is called once, on the thread that dies; it must not block and must not panic.
    pub fn new(alarm: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(alarm)))
    }

    /// Nobody keeps watch.
    pub fn unwatched() -> Self {
        Self(None)
    }

    /// The work is done as it should be: no alarm.
    pub fn over(mut self) {
        self.0 = None;
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        if let Some(alarm) = self.0.take() {
            alarm();
        }
    }
}

impl fmt::Debug for Vigil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vigil")
    }
}

#[cfg(test)]
mod tests {
    use super::Vigil;
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
    };

    #[test]
    fn only_an_end_that_was_not_meant_is_told() {
        let alarms = Arc::new(AtomicU32::new(0));
        let vigil = || {
            let alarms = alarms.clone();
            Vigil::new(move || {
                alarms.fetch_add(1, Ordering::SeqCst);
            })
        };
        vigil().over();
        assert_eq!(alarms.load(Ordering::SeqCst), 0);
        drop(vigil());
        assert_eq!(alarms.load(Ordering::SeqCst), 1);
        let guarded = vigil();
        let work = AssertUnwindSafe(move || {
            let _guarded = guarded;
            panic!("as a fault would");
        });
        assert!(catch_unwind(work).is_err());
        assert_eq!(alarms.load(Ordering::SeqCst), 2);
    }
}
