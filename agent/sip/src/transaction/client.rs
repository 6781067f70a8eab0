//! One client transaction: INVITE (RFC 3261 section 17.1.1 with RFC 6026 section 7.2) or any other (17.1.2).

use crate::{
    deadlines::earliest,
    flow::Flow,
    message::{CSeq, Header, Headers, Method, Request, Response, name},
    transaction::event::{Sink, TimerBase, TransactionEvent, TransactionId},
};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// The states of both figures (RFC 6026 figure 5, RFC 3261 figure 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Sent, nothing heard. "Calling" or "Trying".
    Waiting,
    /// A provisional response was heard.
    Proceeding,
    /// INVITE: a 2xx was heard, and further ones may follow (RFC 6026).
    Accepted,
    /// A final response was heard; what is retransmitted is absorbed.
    Completed,
    /// Over.
    Terminated,
}

/// How far giving an INVITE up has come (RFC 3261 section 9.1).
#[derive(Debug)]
enum Cancel {
    /// Nobody wants it.
    No,
    /// Wanted, but nothing was heard yet: a CANCEL must wait for the first provisional response.
    Wanted(Vec<Header>),
    /// The CANCEL is to be sent now by the owner of all transactions.
    Due(Vec<Header>),
    /// It is out.
    Sent,
}

/// One request of ours and its way through.
#[derive(Debug)]
pub(super) struct Client {
    id: TransactionId,
    flow: Flow,
    /// The request as sent: ACK and CANCEL of an INVITE repeat parts of it.
    request: Request,
    bytes: Bytes,
    state: State,
    interval: Duration,
    /// Timer A or E.
    resend: Option<Instant>,
    /// Timer B, D, F, K or M.
    end: Option<Instant>,
    cancel: Cancel,
    /// Nobody waits for the answer any more: the wait for it has an end even after a provisional response.
    forsaken: bool,
    /// The ACK to a refusal, repeated whenever the refusal is.
    ack: Option<Bytes>,
}

impl Client {
    /// Sends the request for the first time.
    pub(super) fn start(
        id: TransactionId,
        request: Request,
        flow: Flow,
        (now, base): (Instant, &TimerBase),
        sink: &mut Sink,
    ) -> Self {
        let bytes = Bytes::from(request.to_bytes());
        sink.transmit(flow, &bytes);
        Self {
            id,
            flow,
            request,
            bytes,
            state: State::Waiting,
            interval: base.t1,
            resend: (!flow.transport.reliable()).then(|| now + base.t1),
            end: Some(now + base.patience()),
            cancel: Cancel::No,
            forsaken: false,
            ack: None,
        }
    }

    pub(super) fn flow(&self) -> Flow {
        self.flow
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::Terminated
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        earliest(self.resend, self.end)
    }

    fn is_invite(&self) -> bool {
        self.request.method == Method::Invite
    }

    /// A response that matches.
    pub(super) fn response(
        &mut self,
        response: Response,
        (now, base): (Instant, &TimerBase),
        sink: &mut Sink,
    ) {
        match (self.state, response.status) {
            (State::Waiting | State::Proceeding, 100..=199) => self.provisional((now, base)),
            (State::Waiting | State::Proceeding, _) => self.finish(&response, (now, base), sink),
            (State::Accepted, 200..=299) => {}
            (State::Completed, 300..) if self.is_invite() => {
                if let Some(ack) = &self.ack {
                    sink.transmit(self.flow, ack);
                }
                return;
            }
            _ => return,
        }
        sink.events.push_back(TransactionEvent::Response { id: self.id, response });
    }

    fn provisional(&mut self, (now, base): (Instant, &TimerBase)) {
        if self.is_invite() {
            self.resend = None;
            self.cancel = match std::mem::replace(&mut self.cancel, Cancel::No) {
                // The wait for the final response goes on (section 9.1).
                Cancel::Sent => Cancel::Sent,
                Cancel::Wanted(headers) => Cancel::Due(headers),
                other => other,
            };
            if !matches!(self.cancel, Cancel::Sent) && !self.forsaken {
                self.end = None;
            }
        } else if self.resend.is_some() {
            self.interval = base.t2;
            self.resend = Some(now + base.t2);
        }
        self.state = State::Proceeding;
    }

    fn finish(&mut self, response: &Response, (now, base): (Instant, &TimerBase), sink: &mut Sink) {
        self.resend = None;
        let reliable = self.flow.transport.reliable();
        let (state, wait) = match (self.is_invite(), response.status) {
            (true, 200..=299) => (State::Accepted, Some(base.patience())),
            (true, _) => {
                let ack = Bytes::from(refusal_ack(&self.request, response).to_bytes());
                sink.transmit(self.flow, &ack);
                self.ack = Some(ack);
                (State::Completed, (!reliable).then(|| base.patience()))
            }
            (false, _) => (State::Completed, (!reliable).then_some(base.t4)),
        };
        self.state = if wait.is_some() { state } else { State::Terminated };
        self.end = wait.map(|wait| now + wait);
    }

    /// What is due is done: Timers A and E send again, the others end it.
    pub(super) fn timeout(&mut self, (now, base): (Instant, &TimerBase), sink: &mut Sink) {
        if self.end.is_some_and(|at| at <= now) {
            if matches!(self.state, State::Waiting | State::Proceeding) {
                sink.events.push_back(TransactionEvent::TimedOut { id: self.id });
            }
            self.state = State::Terminated;
            return;
        }
        if self.resend.is_some_and(|at| at <= now) {
            sink.transmit(self.flow, &self.bytes);
            self.interval *= 2;
            if !self.is_invite() {
                self.interval = self.interval.min(base.t2);
            }
            self.resend = Some(now + self.interval);
        }
    }

    /// The road broke: who waits for an answer learns it (RFC 3261 section 17.1.4). What is already answered may go on;
    /// only the rest of the wait is pointless.
    pub(super) fn fail(&mut self, detail: &str, sink: &mut Sink) {
        if matches!(self.state, State::Waiting | State::Proceeding) {
            sink.events.push_back(TransactionEvent::Failed { id: self.id, detail: detail.to_owned() });
            self.state = State::Terminated;
        }
    }

    /// Asks for the INVITE to be given up; the CANCEL goes out once RFC 3261 section 9.1 allows.
    pub(super) fn want_cancel(&mut self, headers: Vec<Header>) {
        if !self.is_invite() || !matches!(self.cancel, Cancel::No) {
            return;
        }
        match self.state {
            State::Waiting => self.cancel = Cancel::Wanted(headers),
            State::Proceeding => self.cancel = Cancel::Due(headers),
            State::Accepted | State::Completed | State::Terminated => {}
        }
    }

    /// The answer is not waited for any more: it has 64*T1 left, as after a CANCEL (RFC 3261 section 9.1). Without that,
    /// an INVITE that was provisionally answered would wait for ever: no timer of RFC 3261 ends "Proceeding".
    pub(super) fn forsake(&mut self, (now, base): (Instant, &TimerBase)) {
        if matches!(self.state, State::Waiting | State::Proceeding) {
            self.forsaken = true;
            self.end.get_or_insert(now + base.patience());
        }
    }

    /// The CANCEL to be sent now, if any; from here on the INVITE has 64*T1 left (RFC 3261 section 9.1).
    pub(super) fn take_cancel(&mut self, (now, base): (Instant, &TimerBase)) -> Option<Request> {
        if !matches!(self.cancel, Cancel::Due(_)) {
            return None;
        }
        let Cancel::Due(headers) = std::mem::replace(&mut self.cancel, Cancel::Sent) else { return None };
        self.end = Some(now + base.patience());
        let mut cancel = same_hop(&self.request, Method::Cancel, &self.request.headers);
        for header in headers {
            cancel.headers.push(header.name, header.value);
        }
        Some(cancel)
    }
}

/// The ACK to a refusal: a hop-by-hop thing, made of the INVITE and the To of the response (RFC 3261 section 17.1.1.3).
fn refusal_ack(invite: &Request, response: &Response) -> Request {
    same_hop(invite, Method::Ack, &response.headers)
}

/// A request of the same transaction as `invite`, with the To of `to` (RFC 3261 sections 9.1 and 17.1.1.3).
fn same_hop(invite: &Request, method: Method, to: &Headers) -> Request {
    let from = &invite.headers;
    let mut request = Request::new(method.clone(), invite.uri.clone());
    request.headers.copy_first(from, name::VIA);
    request.headers.copy(from, name::ROUTE);
    request.headers.push(name::MAX_FORWARDS, "70");
    request.headers.copy_first(from, name::FROM);
    request.headers.copy_first(to, name::TO);
    request.headers.copy_first(from, name::CALL_ID);
    if let Ok(CSeq { number, .. }) = from.cseq() {
        request.headers.push(name::CSEQ, CSeq { number, method }.to_string());
    }
    request.headers.copy_first(from, name::USER_AGENT);
    request
}
