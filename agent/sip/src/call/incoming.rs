//! Calls that come in (RFC 3261 section 13.3): ringing, answering, waiting for the ACK, being cancelled.

use crate::{
    auth::DigestClient,
    call::{
        forwarded, identity,
        manners::Manners,
        model::{Call, Ringing, SDP, Stage, Unacked, sdp},
        reason, wishes,
    },
    dialog::Dialog,
    flow::Flow,
    message::{Headers, Request, Response, SipUri, name},
    transaction::TransactionId,
    wire::{Owner, Wire},
};
use agent_core::{
    id::{AccountId, CallId},
    party::Sdp,
    port::sip::{CallEnd, Circumstances, Loss, Reject, SipEvent, Unfit},
};
use std::time::Duration;

/// How often 180 is said again (section 13.3.1.1: proxies lose patience after three minutes).
const REMIND: Duration = Duration::from_secs(60);

/// What does not fit, under a name of no machine (RFC 3261 section 20.43).
fn warning(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Address => "301 trayphone \"Incompatible network address formats\"",
        Unfit::Transport => "302 trayphone \"Incompatible transport protocol\"",
        Unfit::Media => "304 trayphone \"Media type not available\"",
        Unfit::Format => "305 trayphone \"Incompatible media format\"",
    }
}

/// Everything a call from them begins with.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) account: AccountId,
    pub(crate) id: TransactionId,
    pub(crate) request: Request,
    pub(crate) flow: Flow,
    pub(crate) contact: SipUri,
    /// The user of the account's address, for a PBX that writes the random user of our Contact into To.
    pub(crate) line: String,
    pub(crate) auth: DigestClient,
    pub(crate) manners: Manners,
    /// Whose word counts about who calls.
    pub(crate) belief: identity::Belief,
}

/// The line called, and what an INVITE says besides who calls. Wishes count from the registrar only: anybody else could
/// make the phone speak by itself, or say that the boss forwarded the call.
fn circumstances(
    headers: &Headers,
    belief: &identity::Belief,
    ours: (&str, Option<&str>),
) -> (String, Circumstances) {
    let (called, line) = wishes::called(headers, belief.registrar, ours);
    let with = if belief.registrar {
        let (forwarded, ring) = (forwarded::forwarded(headers), wishes::ring(headers));
        let auto_answer = wishes::auto_answer(headers).filter(|_| belief.told);
        Circumstances { forwarded, line, ring, auto_answer, rings_with_offer: false }
    } else {
        Circumstances::default()
    };
    (called, with)
}

impl Call {
    /// Takes an INVITE in: 100 goes out and the core is told. `None` when it cannot make a dialog; it is answered then.
    pub(crate) fn arrive(wire: &mut Wire, id: CallId, arrival: Arrival) -> Option<Self> {
        let Arrival { account, id: transaction, request, flow, contact, line, auth, manners, belief } =
            arrival;
        let tag = wire.rng.token(6);
        let dialog = match Dialog::by_request(&request, &tag) {
            Ok(dialog) => dialog,
            Err(wrong) => {
                wire.reject(transaction, &request, &wrong.into());
                return None;
            }
        };
        if Self::is_too_brief(wire, transaction, &request, Some(&tag)) {
            return None;
        }
        wire.respond(transaction, Response::to(&request, 100, None));
        wire.own(transaction, Owner::Call(id));
        let user = contact.user_text().map(|user| user.to_text().into_owned());
        let (called, mut with) = circumstances(&request.headers, &belief, (&line, user.as_deref()));
        with.rings_with_offer =
            request.headers.has_word(name::REQUIRE, "100rel") && request.body_of(SDP).is_none();
        let party = identity::party(&request.headers, &belief);
        let asserted = identity::is_asserted(&request.headers, &belief, true);
        wire.tell(SipEvent::Incoming {
            call: id,
            account,
            party: party.clone(),
            called,
            local: flow.local.ip(),
            offer: sdp(request.body_of(SDP)),
            with: Box::new(with),
            unfit: None,
        });
        let expires = request.headers.expires().map(|seconds| wire.now + Duration::from_secs(seconds.into()));
        let ringing = Ringing { id: transaction, request, remind: None, expires };
        let mut call = Self::new(id, (auth, belief, manners), Stage::Ringing(Box::new(ringing)), false);
        call.party = Some(party);
        call.asserted = asserted;
        call.flow = Some(flow);
        call.contact = Some(contact);
        call.dialog = Some(dialog);
        if let Stage::Ringing(ringing) = &call.stage {
            let headers = ringing.request.headers.clone();
            call.learn(&headers);
        }
        Some(call)
    }

    /// 180.
    pub(crate) fn ring(&mut self, wire: &mut Wire) {
        let Stage::Ringing(ringing) = &self.stage else { return };
        if self.rings_reliably(&ringing.request) {
            let (id, request) = (ringing.id, ringing.request.clone());
            self.ring_reliably(wire, id, &request);
        } else {
            let response = self.reply(&ringing.request, 180);
            wire.respond(ringing.id, response);
        }
        if let Stage::Ringing(ringing) = &mut self.stage {
            ringing.remind = Some(wire.now + REMIND);
        }
    }

    /// 200 with our session description; repeated until the ACK comes (section 13.3.1.4).
    pub(crate) fn accept(&mut self, wire: &mut Wire, answer: Sdp) {
        if self.awaits_answer_to_ringing() {
            // No 2xx before the offer in our ringing is acknowledged (RFC 3262 section 3).
            self.ring_offer.accepted = Some(answer);
            return;
        }
        let ringing = match std::mem::replace(&mut self.stage, Stage::Up) {
            Stage::Ringing(ringing) => ringing,
            other => {
                self.stage = other;
                return;
            }
        };
        self.accept_invite(wire, (ringing.id, &ringing.request), answer, true);
    }

    /// A final refusal of a call that rings here.
    pub(crate) fn reject(&mut self, wire: &mut Wire, why: Reject) {
        if let Stage::Ringing(ringing) = &self.stage {
            self.refuse(wire, ringing.id, &ringing.request, why);
            self.finish(wire, CallEnd::Rejected);
        }
    }

    /// A final refusal of an INVITE of theirs, with a Warning when their description is to blame.
    pub(super) fn refuse(&self, wire: &mut Wire, id: TransactionId, request: &Request, why: Reject) {
        let mut response = Response::to(request, why.status(), self.local_tag().as_deref());
        if let Reject::Unfit(unfit) = why {
            response.headers.push(name::WARNING, warning(unfit));
        }
        wire.respond(id, response);
    }

    /// Answers the INVITE of a call that rings with a refusal and ends the call.
    pub(super) fn refuse_ringing(&mut self, wire: &mut Wire, status: u16, end: CallEnd) {
        if let Stage::Ringing(ringing) = &self.stage {
            self.answer(wire, ringing.id, &ringing.request, status);
            self.finish(wire, end);
        }
    }

    /// Their CANCEL (its own 200 was sent): 487 to the INVITE, unless it was answered already (section 9.2).
    pub(crate) fn cancelled(&mut self, wire: &mut Wire, cancel: &Request) {
        self.tell_cause(wire, &cancel.headers);
        self.refuse_ringing(wire, 487, reason::cancelled(&cancel.headers));
    }

    /// Sends a 2xx to an INVITE, first or not, and waits for its ACK.
    pub(super) fn accept_invite(
        &mut self,
        wire: &mut Wire,
        (id, request): (TransactionId, &Request),
        answer: Sdp,
        initial: bool,
    ) {
        let mut response = self.reply(request, 200);
        self.answer_timer(wire, request, &mut response);
        response.headers.push(name::ALLOW, wire.config.abilities.allow());
        response.headers.set(name::SUPPORTED, wire.config.abilities.supported());
        response.headers.push(name::SERVER, wire.config.user_agent.as_str());
        // What was offered in the ringing was answered with its PRACK, and is not said again (RFC 3262 section 5).
        let rung = initial && self.ring_offer.number.is_some();
        if !rung {
            response.set_body(SDP, answer.0);
        }
        wire.respond(id, response.clone());
        let base = wire.config.timers;
        self.unacked = Some(Unacked {
            id,
            response,
            number: request.headers.cseq().map_or(0, |cseq| cseq.number),
            interval: base.t1,
            resend: wire.now + base.t1,
            give_up: wire.now + base.patience(),
            offered: request.body_of(SDP).is_none(),
            initial,
        });
    }

    /// An ACK to a 2xx of ours.
    pub(crate) fn acked(&mut self, wire: &mut Wire, ack: &Request) {
        let number = ack.headers.cseq().map_or(0, |cseq| cseq.number);
        let Some(unacked) = self.unacked.take_if(|unacked| unacked.number == number) else { return };
        let rung = self.ring_offer.answer.take().filter(|_| unacked.initial);
        let answer = rung.or_else(|| sdp(ack.body_of(SDP)).filter(|_| unacked.offered));
        // Somebody waits for the answer to an offer of ours, also when this ACK fails to bring it (section 14.2).
        if unacked.initial || unacked.offered {
            self.tell(wire, SipEvent::Confirmed { call: self.id, answer });
        }
        if std::mem::take(&mut self.bye_after_ack) {
            return self.bye(wire);
        }
        self.next(wire);
    }

    /// The 2xx goes out again, or is given up for good: then the call ends with BYE (section 13.3.1.4).
    pub(super) fn unacked_due(&mut self, wire: &mut Wire) {
        let t2 = wire.config.timers.t2;
        let Some(unacked) = &mut self.unacked else { return };
        if unacked.give_up <= wire.now {
            self.unacked = None;
            self.break_off(wire, CallEnd::Lost { why: Loss::Unacknowledged, detail: String::new() });
        } else if unacked.resend <= wire.now {
            unacked.interval = (unacked.interval * 2).min(t2);
            unacked.resend = wire.now + unacked.interval;
            let (id, response) = (unacked.id, unacked.response.clone());
            wire.respond(id, response);
        }
    }

    /// 180 again; or their INVITE expired.
    pub(super) fn ringing_due(&mut self, wire: &mut Wire) {
        let Stage::Ringing(ringing) = &self.stage else { return };
        if ringing.expires.is_some_and(|at| at <= wire.now) {
            self.refuse_ringing(wire, 487, CallEnd::Cancelled { elsewhere: false });
        } else if ringing.remind.is_some_and(|at| at <= wire.now) {
            self.ring(wire);
        }
    }
}
