//! Where requests wait for their answers and listeners for their notices.

use super::protocol::notice_line;
use agent_core::action::{Notice, Refusal, Reply, RequestId};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{broadcast, oneshot};

/// A listener that reads slower than this many notices loses the oldest ones, and is told so.
const NOTICES_KEPT: usize = 4096;

/// What came of a request.
pub(crate) type Outcome = Result<Reply, Refusal>;

/// Shared between the loop, which answers, and the connections, which ask.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    waiting: Arc<Mutex<Waiting>>,
    notices: broadcast::Sender<Arc<str>>,
}

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    open: BTreeMap<RequestId, oneshot::Sender<Outcome>>,
}

impl Hub {
    /// A hub nobody talks to yet.
    pub(crate) fn new() -> Self {
        Self { waiting: Arc::default(), notices: broadcast::channel(NOTICES_KEPT).0 }
    }

    /// A name for a request, and where its answer will be.
    pub(crate) fn ask(&self) -> (RequestId, oneshot::Receiver<Outcome>) {
        let (tell, hear) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.last += 1;
        let request = RequestId(waiting.last);
        waiting.open.insert(request, tell);
        (request, hear)
    }

    /// Answers a request. Whoever asked may be gone: that is their right.
    pub(crate) fn answer(&self, request: RequestId, outcome: Outcome) {
        let teller = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&request);
        if let Some(teller) = teller {
            let _ = teller.send(outcome);
        }
    }

    /// Tells every listener.
    pub(crate) fn publish(&self, notice: &Notice) {
        if self.notices.receiver_count() > 0 {
            let _ = self.notices.send(notice_line(notice).into());
        }
    }

    /// Listens from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<str>> {
        self.notices.subscribe()
    }
}
