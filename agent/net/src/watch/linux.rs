//! Linux: rtnetlink tells of the network, login1 of sleep; a timer that the kernel cancels when it sets the clock tells of
//! waking up where there is no login1.

mod fd;
mod link;
mod login;

use super::word::{Listening, Teller, Word};
use fd::watched;
use rustix::{
    io::Errno,
    time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
        timerfd_create, timerfd_settime,
    },
};
use std::{io, time::Duration};
use tokio::task::AbortHandle;

/// The tasks that listen.
pub(super) struct System(Vec<AbortHandle>);

impl Drop for System {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Listening for System {
    fn begin(teller: Teller) -> Self {
        let (links, clock, login) = (teller.clone(), teller.clone(), teller);
        let tasks = [
            tokio::spawn(async move { over("rtnetlink", &link::listen(&links).await) }),
            tokio::spawn(async move { over("the clock", &listen_to_clock(&clock).await) }),
            tokio::spawn(async move { over("login1", &login::listen(&login).await) }),
        ];
        Self(tasks.iter().map(tokio::task::JoinHandle::abort_handle).collect())
    }

    fn slept() -> Duration {
        let read = |clock| {
            let now = clock_gettime(clock);
            Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
        };
        // In this order, so that the moment between them never looks like sleep.
        let boot = read(ClockId::Boottime);
        boot.saturating_sub(read(ClockId::Monotonic))
    }
}

fn over<E: std::fmt::Display>(what: &str, result: &Result<(), E>) {
    match result {
        Ok(()) => tracing::debug!(what, "has ended"),
        Err(error) => tracing::debug!(what, %error, "is not there to be listened to"),
    }
}

/// The kernel cancels timers of the wall clock when it sets that clock (`timerfd_create(2)`), and it sets it on waking up.
async fn listen_to_clock(teller: &Teller) -> io::Result<()> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = watched(timerfd_create(TimerfdClockId::Realtime, flags)?)?;
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    // Never, as far as a desktop is concerned: the year 2262 or so.
    let never = Timespec { tv_sec: i64::from(u32::MAX) * 2, tv_nsec: 0 };
    let watched = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    loop {
        let spec = Itimerspec { it_interval: zero, it_value: never };
        match timerfd_settime(&timer, watched, &spec) {
            // Set while nobody waited: that is the news, and the timer runs.
            Ok(_) | Err(Errno::CANCELED) => {}
            Err(error) => return Err(error.into()),
        }
        let mut ready = timer.readable().await?;
        let mut count = [0_u8; 8];
        match rustix::io::read(&timer, &mut count) {
            Err(Errno::AGAIN) => ready.clear_ready(),
            Ok(_) | Err(Errno::CANCELED) => {
                ready.clear_ready();
                teller.tell(Word::Clock);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_clock_is_listened_to_and_no_time_was_slept_away_meanwhile() {
        let before = System::slept();
        let (sender, mut words) = tokio::sync::mpsc::channel(8);
        let teller = Teller::new(sender);
        let waiting = tokio::time::timeout(Duration::from_millis(50), listen_to_clock(&teller)).await;
        assert!(waiting.is_err(), "it waits, and does not fail: {waiting:?}");
        assert!(words.try_recv().is_err());
        assert!(System::slept().abs_diff(before) < Duration::from_secs(1));
    }
}
