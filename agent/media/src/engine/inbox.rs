//! How the engine's thread is reached: orders in a queue, a waker, and the news of its end.

use crate::device::Opened;
use agent_core::{
    port::media::{MediaCommand, MediaEvent},
    settings::AudioSettings,
    view::Sound,
};
use mio::{Token, Waker};
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The token of the orders; sockets come after it, two by two.
pub(super) const WAKER: Token = Token(0);
/// More orders than this wait only when the thread is dead.
const MOST_ORDERS: usize = 65_536;
/// How long `close` waits for the last words.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where events go. Called on the engine's thread: it must not block.
pub type Tell = Arc<dyn Fn(MediaEvent) + Send + Sync>;

/// What the thread is told.
pub(super) enum Order {
    Command(MediaCommand),
    Sound(Option<Sound>),
    Configure(AudioSettings),
    Opened(Opened),
    Quit,
}

/// Orders on their way to the thread.
pub(super) struct Inbox {
    orders: Mutex<VecDeque<Order>>,
    waker: Waker,
    ended: Mutex<bool>,
    end: Condvar,
}

impl Inbox {
    /// An empty queue whose thread `waker` wakes.
    pub(super) fn new(waker: Waker) -> Self {
        Self { orders: Mutex::default(), waker, ended: Mutex::default(), end: Condvar::new() }
    }

    /// Waits for the end of the thread, two seconds at most.
    pub(super) fn wait_for_end(&self) {
        let ended = unpoisoned(&self.ended);
        let waited = self.end.wait_timeout_while(ended, PATIENCE, |ended| !*ended);
        if waited.is_ok_and(|(ended, _)| !*ended) {
            tracing::warn!("the sound did not end in time");
        }
    }

    /// Adds an order and wakes the thread.
    pub(super) fn put(&self, order: Order) {
        let mut orders = unpoisoned(&self.orders);
        if orders.len() >= MOST_ORDERS {
            tracing::error!("the sound does not keep up; an order is lost");
            return;
        }
        orders.push_back(order);
        drop(orders);
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the sound could not be woken");
        }
    }

    /// All orders that wait, in their order.
    pub(super) fn take(&self) -> VecDeque<Order> {
        std::mem::take(&mut unpoisoned(&self.orders))
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks the end of the thread, however it comes.
pub(super) struct Ending(pub(super) Arc<Inbox>);

impl Drop for Ending {
    fn drop(&mut self) {
        *unpoisoned(&self.0.ended) = true;
        self.0.end.notify_all();
    }
}
