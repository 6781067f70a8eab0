//! Who may call: which account an INVITE is for, and what the owner of a screened endpoint decides.
//!
//! The answers are those of RFC 3261: 404 for nobody here (section 8.2.2.1), 403 for a stranger (21.4.4), 480 while
//! winding up (21.4.18), 503 with Retry-After when there is no room (21.5.4). They go out through the INVITE's server
//! transaction (17.2.1), the way the request came (18.2.2).

use crate::{
    auth::DigestClient,
    call::{Arrival, Belief, Call},
    config::Callers,
    dialog::DialogId,
    endpoint::{commands::nobody, model::Endpoint},
    flow::Flow,
    message::{Method, Rejection, Request, Response, SipUri, name},
    registration::Registration,
    transaction::TransactionId,
    wire::{Output, contact_uri},
};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::{SipEvent, TransferEvent},
    settings::usual_identity,
};
use std::{net::IpAddr, time::Instant};

/// Seconds after which those turned away for lack of room may come again.
pub(super) const COME_AGAIN: &str = "5";

impl Endpoint {
    /// Answers a request that came as `Output::Outside`.
    pub fn respond(&mut self, now: Instant, id: TransactionId, response: Response) {
        self.wire.now = self.wire.now.max(now);
        if response.status >= 200 {
            self.held.remove(&id);
        }
        self.wire.respond(id, response);
        self.pump();
    }

    /// Lets an INVITE in that came as `Output::Outside`: it becomes a call of `account`, told as `Incoming`, and its id
    /// is returned. `None` when it is gone, was cancelled, or had to be refused.
    pub fn admit(&mut self, now: Instant, id: TransactionId, account: AccountId) -> Option<CallId> {
        self.wire.now = self.wire.now.max(now);
        let (request, flow) = self.held.remove(&id)?;
        let user = request.uri.user_text().map(|user| user.to_text().into_owned());
        let contact = contact_uri(user.as_deref(), flow.transport, flow.local);
        let call = self.take_in(account, (id, request, flow), contact, nobody());
        self.pump();
        call
    }

    /// An INVITE that begins a call: for one of our accounts, or for nobody here (404).
    pub(super) fn arrive(&mut self, id: TransactionId, request: Request, flow: Flow) {
        let Some((account, contact, auth)) = self.account_of(&request, &flow) else {
            return self.turn_away(id, &request, &flow);
        };
        let old = match self.replaced(account, &request, &flow) {
            Ok(old) => old,
            Err(rejection) => return self.wire.reject(id, &request, &rejection),
        };
        let told = self.wire.out.len();
        if let Some(call) = self.take_in(account, (id, request, flow), contact, auth)
            && let Some(old) = old
        {
            // It is told before the call it is about, so that nothing rings.
            let event = SipEvent::Transfer(TransferEvent::Replacing { call, old });
            self.wire.out.insert(told, Output::Event(event));
        }
    }

    /// Refuses an INVITE or a MESSAGE for nobody here. To a stranger it is 403 whomever he asks for: 404 for some names and 403 for
    /// others would tell him which exist. An answer, and no silence, because a PBX that calls from an address of its
    /// own must find in its log why nobody rings, and not after 32 seconds of repeating itself; it is no longer than
    /// what it answers, so that it serves nobody as an amplifier.
    pub(super) fn turn_away(&mut self, id: TransactionId, request: &Request, flow: &Flow) {
        let ip = flow.peer.ip();
        let known = self.registrations.values().any(|registration| registration.is_registrar(flow));
        if known || self.wire.config.callers == Callers::Anyone {
            return self.wire.refuse(id, request, 404);
        }
        self.note_stranger(ip);
        self.wire.refuse(id, request, 403);
    }

    fn note_stranger(&mut self, ip: IpAddr) {
        self.strangers += 1;
        // The first, the second, the fourth, the eighth …: scanners come in thousands.
        if self.strangers.is_power_of_two() {
            let count = self.strangers;
            tracing::info!(%ip, count, "a call or message from an address that is no account's registrar was refused");
        }
    }

    /// What a stranger is told who calls where only the PBX may, or whose request would be one too many; nothing of it
    /// is kept. Whoever an account is
    /// registered at is no stranger, nor is who knows our Contact, and what belongs to something that was begun is let
    /// in.
    pub(super) fn crowded(&mut self, request: &Request, flow: &Flow) -> Option<Rejection> {
        if self.wire.config.screened || request.method == Method::Ack {
            return None;
        }
        let ip = flow.peer.ip();
        let user = request.uri.user_text().map(|user| user.to_text().into_owned());
        let trusted = |registration: &Registration| {
            registration.is_registrar(flow)
                || user.as_ref().is_some_and(|user| registration.is_contact_user(user))
        };
        if self.registrations.values().any(trusted) || !self.wire.transactions.is_new(request) {
            return None;
        }
        let dialog = DialogId::of_request(&request.headers).ok().flatten();
        // A stranger's call or message is refused whatever it says, and the refusal repeats itself without being
        // remembered (RFC 3261 section 8.2.7): a flood of them then costs no memory at all.
        if dialog.is_none()
            && matches!(request.method, Method::Invite | Method::Message)
            && self.wire.config.callers == Callers::Registrar
        {
            self.note_stranger(ip);
            return Some(Rejection::new(403, None));
        }
        if dialog.is_some_and(|dialog| self.dialogs.contains_key(&dialog))
            || self.gate.admits(self.wire.now, ip)
        {
            return None;
        }
        Some(Rejection::new(503, None).with(name::RETRY_AFTER, COME_AGAIN.to_owned()))
    }

    /// The account a request is for, with the Contact and the credentials a call over it uses.
    pub(super) fn account_of(
        &self,
        request: &Request,
        flow: &Flow,
    ) -> Option<(AccountId, SipUri, DigestClient)> {
        let user = request.uri.user_text()?.to_text().into_owned();
        let anyone = self.wire.config.callers == Callers::Anyone;
        let all =
            || self.accounts.iter().filter_map(|(id, number)| Some((*id, self.registrations.get(number)?)));
        let from_registrar = |registration: &Registration| registration.is_registrar(flow);
        let is_user = |registration: &Registration| registration.line().is_user(&user);
        let (account, registration) = all()
            .find(|(_, registration)| registration.is_contact_user(&user))
            .or_else(|| all().find(|(_, registration)| is_user(registration) && from_registrar(registration)))
            .or_else(|| all().find(|(_, registration)| is_user(registration) && anyone))?;
        // The registrar knows us by our Contact; who calls straight is not told it, and reaches us where it did before.
        let contact = match registration.contact().filter(|_| from_registrar(registration)) {
            Some(contact) => contact,
            None => contact_uri(Some(&user), flow.transport, flow.local),
        };
        // Who calls past the registrar is nobody whom credentials are for.
        let auth = if from_registrar(registration) { registration.credentials() } else { nobody() };
        Some((account, contact, auth))
    }

    fn take_in(
        &mut self,
        account: AccountId,
        (id, request, flow): (TransactionId, Request, Flow),
        contact: SipUri,
        auth: DigestClient,
    ) -> Option<CallId> {
        if self.closing.is_some() {
            self.wire.refuse(id, &request, 480);
            return None;
        }
        if self.calls.len() >= self.wire.config.calls {
            let tag = self.wire.rng.token(6);
            let mut response = Response::to(&request, 503, Some(&tag));
            response.headers.push(name::RETRY_AFTER, COME_AGAIN);
            self.wire.respond(id, response);
            return None;
        }
        let call_id = self.next_call;
        let registration = self.accounts.get(&account).and_then(|number| self.registrations.get(number));
        let line =
            registration.and_then(|it| it.line().aor.user_text().map(|user| user.to_text().into_owned()));
        let line = line.unwrap_or_default();
        let manners = registration.map(|it| it.manners()).unwrap_or_default();
        let belief = match registration {
            Some(it) => {
                let told = request.uri.user_text().is_some_and(|user| it.is_contact_user(&user.to_text()));
                Belief { registrar: it.is_registrar(&flow), told, ..it.belief() }
            }
            None => Belief { order: usual_identity(), registrar: false, told: false, obeys: false },
        };
        let arrival = Arrival { account, id, request, flow, contact, line, auth, manners, belief };
        let call = Call::arrive(&mut self.wire, call_id, arrival)?;
        self.next_call = call_id.next();
        self.take_call(call_id, call);
        Some(call_id)
    }
}
