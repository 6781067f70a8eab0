//! The words of transactions: their names, their timers, and what they tell.

use crate::{
    flow::{Flow, Transmit},
    message::{Request, Response},
};
use std::{collections::VecDeque, time::Duration};

/// Names one transaction, client or server, for as long as the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub(super) u64);

/// The three durations every timer is made of (RFC 3261 section 17.1.1.1 and appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerBase {
    /// Estimate of the round trip; the first retransmission comes after it.
    pub t1: Duration,
    /// The longest interval between retransmissions of non-INVITE requests and of responses to INVITE.
    pub t2: Duration,
    /// How long a message may wander through the network.
    pub t4: Duration,
}

impl Default for TimerBase {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl TimerBase {
    /// Timers B, D, F, H, J, L and M: 64 times T1.
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }
}

/// What a transaction tells those above it.
#[derive(Debug, Clone, PartialEq)]
pub enum TransactionEvent {
    /// A request that starts a server transaction. Retransmissions are not told.
    Request {
        /// To be answered with [`Transactions::respond`](crate::transaction::Transactions::respond).
        id: TransactionId,
        /// The request, `received` and `rport` filled in at its topmost Via.
        request: Request,
        /// Whence it came.
        flow: Flow,
        /// For a CANCEL: the INVITE it is about, if we know it (RFC 3261 section 9.2).
        cancels: Option<TransactionId>,
        /// It came over another path before (RFC 3261 section 8.2.2.2): 482 is the answer.
        merged: bool,
    },
    /// An ACK that belongs to no refusal: it confirms a 2xx.
    Ack {
        /// The ACK.
        request: Request,
        /// Whence it came.
        flow: Flow,
    },
    /// A response to a request of ours. Retransmitted finals are told only for 2xx to INVITE (RFC 6026 section 7.2).
    Response {
        /// Of which request.
        id: TransactionId,
        /// The response.
        response: Response,
    },
    /// No final response came in time (Timer B or F), or none to a CANCEL's INVITE.
    TimedOut {
        /// Which request.
        id: TransactionId,
    },
    /// The request could not be sent, or the connection it waits on was lost.
    Failed {
        /// Which request.
        id: TransactionId,
        /// The sentence of the system.
        detail: String,
    },
    /// The transaction is over and its id means nothing any more. Always the last event of a transaction.
    Gone {
        /// Which.
        id: TransactionId,
    },
}

/// Where transactions put what they have to say.
#[derive(Debug, Default)]
pub(super) struct Sink {
    pub(super) transmits: VecDeque<Transmit>,
    pub(super) events: VecDeque<TransactionEvent>,
}

impl Sink {
    pub(super) fn transmit(&mut self, flow: Flow, bytes: &bytes::Bytes) {
        self.transmits.push_back(Transmit { flow, otherwise: None, bytes: bytes.clone() });
    }
}
