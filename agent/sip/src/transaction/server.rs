//! One server transaction: INVITE (RFC 3261 section 17.2.1 with RFC 6026 section 7.1) or any other (17.2.2).

use crate::{
    deadlines::earliest,
    flow::{Flow, Transmit},
    message::Response,
    transaction::{
        event::{Sink, TimerBase, TransactionEvent, TransactionId},
        matching::{MergeKey, ServerKey},
    },
};
use bytes::Bytes;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// The states of both figures (RFC 6026 figure 7, RFC 3261 figure 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No final response yet. "Trying" or "Proceeding".
    Proceeding,
    /// INVITE: a 2xx is out; the dialog above repeats it, we absorb retransmissions (RFC 6026).
    Accepted,
    /// A final response is out (INVITE: a refusal, repeated until the ACK).
    Completed,
    /// INVITE: the ACK to the refusal came.
    Confirmed,
    /// Over.
    Terminated,
}

/// One request of theirs and our answer to it.
#[derive(Debug)]
pub(super) struct Server {
    id: TransactionId,
    pub(super) key: ServerKey,
    pub(super) merge: Option<MergeKey>,
    is_invite: bool,
    /// Where responses go (RFC 3261 section 18.2.2, RFC 3581).
    flow: Flow,
    otherwise: Option<SocketAddr>,
    state: State,
    last: Option<Bytes>,
    interval: Duration,
    /// Timer G.
    resend: Option<Instant>,
    /// Timer H, I, J or L.
    end: Option<Instant>,
}

impl Server {
    /// Whether a request whose answer goes there may be from whoever this one is answered to.
    pub(super) fn comes_back_over(&self, way: &Flow) -> bool {
        self.flow.leads_where(way)
    }

    pub(super) fn new(
        id: TransactionId,
        (key, merge): (ServerKey, Option<MergeKey>),
        is_invite: bool,
        (flow, otherwise): (Flow, Option<SocketAddr>),
        (now, base): (Instant, &TimerBase),
    ) -> Self {
        Self {
            id,
            key,
            merge,
            is_invite,
            flow,
            otherwise,
            state: State::Proceeding,
            last: None,
            interval: Duration::ZERO,
            resend: None,
            // Nobody waits longer for the answer to anything but an INVITE (Timer F): one that never comes leaks nothing.
            end: (!is_invite).then(|| now + base.patience()),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::Terminated
    }

    /// Whether a final response is still owed.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Proceeding
    }

    pub(super) fn flow(&self) -> Flow {
        self.flow
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        earliest(self.resend, self.end)
    }

    /// Sends a response. A second final one is ignored, but for the 2xx that the dialog above repeats.
    pub(super) fn respond(
        &mut self,
        response: &Response,
        (now, base): (Instant, &TimerBase),
        sink: &mut Sink,
    ) {
        let reliable = self.flow.transport.reliable();
        let wait = match (self.state, response.status) {
            (State::Proceeding, 0..200) => self.end,
            (State::Accepted, 200..300) => self.end,
            (State::Proceeding, status) => {
                self.state = if self.is_invite && status < 300 { State::Accepted } else { State::Completed };
                if self.is_invite && status >= 300 && !reliable {
                    self.interval = base.t1;
                    self.resend = Some(now + base.t1);
                }
                // Timers H and L run over every transport, Timer J only where requests may be repeated.
                Some(if self.is_invite || !reliable { now + base.patience() } else { now })
            }
            _ => return,
        };
        self.end = wait;
        let bytes = Bytes::from(response.to_bytes());
        self.send(&bytes, sink);
        self.last = Some(bytes);
        if !self.is_invite && reliable && self.state == State::Completed {
            self.state = State::Terminated;
        }
    }

    /// The request again: its answer again (an accepted INVITE's is the business of the dialog above).
    pub(super) fn again(&mut self, sink: &mut Sink) {
        if let (State::Proceeding | State::Completed, Some(last)) = (self.state, &self.last) {
            self.send(last, sink);
        }
    }

    /// An ACK of this transaction: true when it is absorbed, false when it confirms a 2xx and goes up.
    pub(super) fn ack(&mut self, (now, base): (Instant, &TimerBase)) -> bool {
        if self.state == State::Completed {
            self.resend = None;
            if self.flow.transport.reliable() {
                self.state = State::Terminated;
            } else {
                self.state = State::Confirmed;
                self.end = Some(now + base.t4);
            }
        }
        self.state != State::Accepted
    }

    /// Timer G repeats the refusal, the others end it.
    pub(super) fn timeout(&mut self, (now, base): (Instant, &TimerBase), sink: &mut Sink) {
        if self.end.is_some_and(|at| at <= now) {
            self.state = State::Terminated;
        } else if self.resend.is_some_and(|at| at <= now) {
            if let Some(last) = &self.last {
                self.send(last, sink);
            }
            self.interval = (self.interval * 2).min(base.t2);
            self.resend = Some(now + self.interval);
        }
    }

    /// The road broke. An answer still owed goes over a new connection (RFC 3261 section 18.2.2); one that is given
    /// and repeated stops being repeated.
    pub(super) fn fail(&mut self, detail: &str, sink: &mut Sink) {
        if matches!(self.state, State::Completed | State::Confirmed) {
            self.state = State::Terminated;
        } else if self.state == State::Proceeding && !self.flow.transport.reliable() {
            sink.events.push_back(TransactionEvent::Failed { id: self.id, detail: detail.to_owned() });
            self.state = State::Terminated;
        }
    }

    fn send(&self, bytes: &Bytes, sink: &mut Sink) {
        sink.transmits.push_back(Transmit {
            flow: self.flow,
            otherwise: self.otherwise,
            bytes: bytes.clone(),
        });
    }
}
