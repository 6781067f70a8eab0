//! Requests from others: to their dialog, to a new call, to the owner, or refused (RFC 3261 section 8.2).

use crate::{
    call::Call,
    dialog::DialogId,
    endpoint::{
        inside::{Inside, not_here},
        model::Endpoint,
    },
    flow::Flow,
    message::{Method, NameAddr, Request, Response, check_request, name},
    transaction::TransactionId,
    wire::{Output, Owner, contact_uri},
};
use agent_core::id::CallId;

impl Endpoint {
    /// A request that began a server transaction.
    pub(super) fn request(
        &mut self,
        id: TransactionId,
        (request, flow): (Request, Flow),
        cancels: Option<TransactionId>,
        merged: bool,
    ) {
        if let Err(rejection) = check_request(&request, &self.wire.config.abilities) {
            return self.wire.reject(id, &request, &rejection);
        }
        if request.method == Method::Cancel {
            return self.cancel(id, &request, cancels);
        }
        if merged {
            // A text message that came by two ways was taken; to say no to the second copy could undo that (section 16.7).
            let status = self.known_text(&request).unwrap_or(482);
            return self.wire.refuse(id, &request, status);
        }
        match DialogId::of_request(&request.headers) {
            Ok(Some(dialog)) => match self.dialogs.get(&dialog) {
                Some(&Owner::Call(call)) => self.inside(Inside { id, request, flow, call, dialog }),
                _ if request.method == Method::Notify => self.notify(id, &request, &flow, Some(dialog)),
                _ => self.wire.refuse(id, &request, 481),
            },
            Ok(None) if request.method == Method::Bye => self.wire.refuse(id, &request, 481),
            Ok(None) if self.wire.config.screened => {
                self.held.insert(id, (request.clone(), flow));
                self.wire.out.push_back(Output::Outside { id, request, flow });
            }
            Ok(None) => self.outside(id, request, flow),
            Err(wrong) => self.wire.reject(id, &request, &wrong.into()),
        }
    }

    /// An ACK to a 2xx of ours; one that fits nothing is dropped (nobody answers an ACK).
    pub(super) fn ack(&mut self, request: &Request, flow: &Flow) {
        let dialog = DialogId::of_request(&request.headers).ok().flatten();
        if let Some(&Owner::Call(call)) = dialog.and_then(|dialog| self.dialogs.get(&dialog)) {
            self.with_call(call, |call, wire| {
                if call.hears(flow) {
                    call.acked(wire, request);
                }
            });
        }
    }

    /// CANCEL is answered itself, then ends the INVITE it is about (section 9.2).
    fn cancel(&mut self, id: TransactionId, request: &Request, cancels: Option<TransactionId>) {
        let Some(invite) = cancels else { return self.wire.refuse(id, request, 481) };
        // Both answers carry one tag (section 9.2): a caller that learns it from this one must find the dialog with it.
        let call = match self.wire.owner(invite) {
            Some(Owner::Call(call)) => self.calls.get(&call),
            _ => None,
        };
        match call.and_then(Call::local_tag) {
            Some(tag) => self.wire.respond(id, Response::to(request, 200, Some(&tag))),
            None => self.wire.refuse(id, request, 200),
        }
        match self.wire.owner(invite) {
            Some(Owner::Call(call)) => self.with_call(call, |call, wire| call.cancelled(wire, request)),
            _ => {
                if let Some((held, _)) = self.held.remove(&invite) {
                    self.wire.refuse(invite, &held, 487);
                }
            }
        }
    }

    /// A request outside of dialogs, for one of our accounts.
    fn outside(&mut self, id: TransactionId, request: Request, flow: Flow) {
        match request.method {
            Method::Invite => self.arrive(id, request, flow),
            // Answered as an INVITE would be (section 11.2).
            Method::Options if self.account_of(&request, &flow).is_some() || is_for_the_host(&request) => {
                self.capabilities(id, &request, Some(flow));
            }
            Method::Options => self.wire.refuse(id, &request, 404),
            Method::Notify => self.notify(id, &request, &flow, None),
            Method::Message => self.text_outside(id, request, &flow),
            Method::Refer => self.asked_to_dial(id, request, flow),
            _ => not_here(&mut self.wire, id, &request),
        }
    }

    /// 200 to OPTIONS: what we can do (section 11.2).
    pub(super) fn capabilities(&mut self, id: TransactionId, request: &Request, flow: Option<Flow>) {
        let tag = self.wire.rng.token(6);
        let mut response = Response::to(request, 200, Some(&tag));
        let abilities = &self.wire.config.abilities;
        response.headers.push(name::ALLOW, abilities.allow());
        response.headers.push(name::ACCEPT, abilities.accept());
        response.headers.push(name::SUPPORTED, abilities.extensions.join(", "));
        if let Some(flow) = flow {
            let user = request.uri.user_text().map(|user| user.to_text().into_owned());
            let contact = contact_uri(user.as_deref(), flow.transport, flow.local);
            response.headers.push(name::CONTACT, NameAddr::new(contact).to_value());
        }
        self.wire.respond(id, response);
    }

    pub(super) fn take_call(&mut self, id: CallId, call: Call) {
        self.calls.insert(id, call);
        self.settle_call(id);
    }
}

/// An OPTIONS to the machine and not to somebody on it.
fn is_for_the_host(request: &Request) -> bool {
    request.uri.as_sip().is_some_and(|uri| uri.user.is_none())
}
