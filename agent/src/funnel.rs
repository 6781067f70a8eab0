//! The one inbox: every neighbour's word becomes an `Event` here, in the order it came.

use agent_core::port::{Event, media::MediaEvent};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Facts that repeat (levels, once a second and call) are dropped when this many events wait; calls never are.
///
/// What is not a fact is bounded at its source, and the queue with it. SIP caps its calls and the connections that bring
/// them, and tells from the one task that also empties this queue; the plugins and the store answer what they were
/// asked, once each; a connection of the API waits for its answer before its next line is read, and there are 64; the
/// desktop tells one event a click or key of a person's.
const FACTS_WAIT_BEHIND: usize = 1024;

/// The inbox; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Funnel {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    queue: Mutex<VecDeque<Event>>,
    arrived: Notify,
}

impl Funnel {
    /// Puts an event in; never blocks, so that an audio or desktop thread may call it.
    pub(crate) fn tell(&self, event: Event) {
        let repeats = matches!(event, Event::Media(MediaEvent::Facts { .. }));
        let mut queue = self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if repeats && queue.len() >= FACTS_WAIT_BEHIND {
            return;
        }
        queue.push_back(event);
        drop(queue);
        self.inner.arrived.notify_one();
    }

    /// The oldest event, if any waits.
    pub(crate) fn next(&self) -> Option<Event> {
        self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Waits until something was put in since the last wait.
    pub(crate) async fn arrived(&self) {
        self.inner.arrived.notified().await;
    }

    /// A teller for a neighbour: `door` says which event its words become.
    pub(crate) fn door<T: 'static>(&self, door: fn(T) -> Event) -> Arc<dyn Fn(T) + Send + Sync> {
        let funnel = self.clone();
        Arc::new(move |word| funnel.tell(door(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::{
        id::CallId,
        port::media::{MediaEvent, StreamFacts},
    };

    #[test]
    fn facts_are_dropped_when_full_and_calls_are_not() {
        let funnel = Funnel::default();
        let facts = StreamFacts {
            level_out_dbov: 0,
            level_in_dbov: 0,
            received: 0,
            loss_percent: 0.0,
            jitter_ms: 0.0,
            buffer_ms: 0.0,
        };
        for _ in 0..2 * FACTS_WAIT_BEHIND {
            funnel.tell(Event::Media(MediaEvent::Facts { call: CallId(1), facts }));
        }
        funnel.tell(Event::Media(MediaEvent::Silent { call: CallId(1) }));
        let mut count = 0;
        let mut last = None;
        while let Some(event) = funnel.next() {
            count += 1;
            last = Some(event);
        }
        assert_eq!(count, FACTS_WAIT_BEHIND + 1);
        assert_eq!(last, Some(Event::Media(MediaEvent::Silent { call: CallId(1) })));
    }
}
