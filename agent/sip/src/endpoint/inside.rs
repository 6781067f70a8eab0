//! Requests within the dialog of a call: who answers theirs, method by method, and who learns what became of ours.
//!
//! A feature that speaks within calls needs two things of this file and nothing of the engine:
//! - a row in [`HANDLERS`] (and its method in `Abilities::PHONE`), which is handed every request of theirs with that
//!   method, checked, in order, in a dialog that stands; it answers through `self.wire`;
//! - [`Endpoint::ask_inside`], which sends a request with the dialog's route set and sequence number, answers
//!   challenges, and hands the final response (or why there is none) to the closure it was given.

use crate::{
    call::{Ask, Call, nowhere},
    dialog::DialogId,
    endpoint::model::{Asked, Endpoint},
    flow::Flow,
    message::{Method, Request},
    transaction::TransactionId,
    wire::Wire,
};
use agent_core::id::CallId;
use std::time::Instant;

/// A request of theirs within the dialog of a call.
pub(super) struct Inside {
    /// To be answered under this name.
    pub(super) id: TransactionId,
    /// It passed `check_request`, and its CSeq is in order.
    pub(super) request: Request,
    /// The road it came over.
    pub(super) flow: Flow,
    /// The call.
    pub(super) call: CallId,
    /// Which of the call's dialogs (a call of ours has several while it forks).
    pub(super) dialog: DialogId,
}

/// Answers requests of one method.
type Handler = fn(&mut Endpoint, Inside);

/// Who answers what. A method that stands here and not in the endpoint's abilities is refused before it gets here.
const HANDLERS: &[(Method, Handler)] = &[
    (Method::Bye, |endpoint, inside| {
        endpoint.with_call(inside.call, |call, wire| call.bye_received(wire, inside.id, &inside.request));
    }),
    (Method::Invite, |endpoint, inside| {
        endpoint.with_call(inside.call, |call, wire| call.reinvited(wire, inside.id, inside.request));
    }),
    (Method::Prack, |endpoint, inside| {
        endpoint.with_call(inside.call, |call, wire| call.pracked(wire, inside.id, &inside.request));
    }),
    (Method::Update, |endpoint, inside| {
        endpoint.with_call(inside.call, |call, wire| call.updated(wire, inside.id, inside.request));
    }),
    (Method::Info, Endpoint::informed),
    (Method::Options, |endpoint, inside| endpoint.capabilities(inside.id, &inside.request, None)),
    (Method::Refer, Endpoint::referred),
    (Method::Notify, Endpoint::notified),
    (Method::Message, Endpoint::text_inside),
];

impl Endpoint {
    /// Sends a request within a call's dialog on behalf of the endpoint's owner; `then` gets the outcome, once, maybe at
    /// once.
    pub fn ask(
        &mut self,
        now: Instant,
        call: CallId,
        ask: Ask,
        then: impl FnOnce(&mut Self, Asked) + Send + 'static,
    ) {
        self.wire.now = self.wire.now.max(now);
        self.ask_inside(call, ask, then);
        self.pump();
    }

    /// Sends a request within a call's dialog: route set, sequence number, Contact and credentials are seen to. `then`
    /// gets the outcome, once, maybe at once.
    pub(super) fn ask_inside(
        &mut self,
        call: CallId,
        ask: Ask,
        then: impl FnOnce(&mut Self, Asked) + Send + 'static,
    ) {
        if !self.calls.contains_key(&call) {
            return then(self, Asked { call, answer: Err(nowhere()) });
        }
        self.next_errand += 1;
        let number = self.next_errand;
        self.errands.insert(number, Box::new(then));
        self.with_call(call, |of, wire| of.ask(wire, number, ask));
    }

    /// Hands outcomes to who asked.
    pub(super) fn hand_out(&mut self, call: CallId, outcomes: Vec<crate::call::Outcome>) {
        for (number, answer) in outcomes {
            if let Some(then) = self.errands.remove(&number) {
                then(self, Asked { call, answer });
            }
        }
    }

    /// A request within a dialog.
    pub(super) fn inside(&mut self, inside: Inside) {
        if !self.calls.get(&inside.call).is_some_and(|call| call.hears(&inside.flow)) {
            return self.wire.refuse(inside.id, &inside.request, 403);
        }
        let number = inside.request.headers.cseq().map_or(0, |cseq| cseq.number);
        let fits = |call: &mut Call| call.in_order(&inside.dialog.remote_tag, number);
        if !self.calls.get_mut(&inside.call).is_some_and(fits) {
            // Section 12.2.2: out of order is an error of theirs that 500 tells.
            return self.wire.refuse(inside.id, &inside.request, 500);
        }
        if matches!(inside.request.method, Method::Invite | Method::Update) {
            self.with_call(inside.call, |call, wire| call.requested(wire, &inside.request, &inside.flow));
        }
        let inside = match inside.request.method {
            Method::Notify => match self.steered(inside) {
                Some(inside) => inside,
                None => return,
            },
            _ => inside,
        };
        match HANDLERS.iter().find(|(method, _)| *method == inside.request.method) {
            Some((_, handler)) => handler(self, inside),
            None => not_here(&mut self.wire, inside.id, &inside.request),
        }
    }
}

/// 405, with what is served (RFC 3261 section 8.2.1).
pub(super) fn not_here(wire: &mut Wire, id: TransactionId, request: &Request) {
    let rejection = wire.config.abilities.not_allowed();
    wire.reject(id, request, &rejection);
}
