//! Provisional responses that are acknowledged (RFC 3262), theirs and ours.

use crate::{
    call::model::{Call, Prack, Reliable, SDP, Stage, sdp, to_tag},
    message::{Method, Request, Response, name},
    transaction::TransactionId,
    wire::Wire,
};
use agent_core::{
    party::Sdp,
    port::sip::{CallEnd, Loss},
};

/// Acknowledgements of one call that may be under way at once.
const MOST_PRACKS: usize = 32;

impl Call {
    /// Takes a reliable response in: it gets its PRACK when it is the next one in its dialog, or a repetition whose PRACK
    /// failed. False for what must be passed over (section 4): a repetition, or one that came too early.
    pub(super) fn take_reliable(
        &mut self,
        wire: &mut Wire,
        at: usize,
        number: u32,
        response: &Response,
    ) -> bool {
        let leg = &mut self.early[at];
        let news = leg.taken.is_none_or(|taken| taken.checked_add(1) == Some(number));
        let again = leg.taken == Some(number) && leg.owed;
        if !(news || again) || self.pracks.len() >= MOST_PRACKS {
            return false;
        }
        leg.taken = Some(number);
        leg.owed = false;
        let request = leg.prack(number, response);
        if let Some(out) = request.and_then(|request| self.send_inside(wire, request, 1)) {
            self.pracks.push(Prack { number, out });
        }
        news
    }

    /// A response to a PRACK of ours; false when it is to something else.
    pub(super) fn prack_answered(&mut self, wire: &mut Wire, id: TransactionId, response: &Response) -> bool {
        let Some(at) = self.pracks.iter().position(|prack| prack.out.id == id) else { return false };
        if response.is_provisional() {
            return true;
        }
        let prack = self.pracks.swap_remove(at);
        if matches!(response.status, 401 | 407)
            && let Some(out) = self.again(wire, &prack.out, response)
        {
            self.pracks.push(Prack { out, ..prack });
        } else if !response.is_success() {
            self.owe(&prack);
        }
        true
    }

    /// No answer came to a PRACK; false when the transaction is another's. Whether the call goes on is decided by the
    /// INVITE.
    pub(super) fn prack_lost(&mut self, id: TransactionId) -> bool {
        let Some(at) = self.pracks.iter().position(|prack| prack.out.id == id) else { return false };
        let prack = self.pracks.swap_remove(at);
        self.owe(&prack);
        true
    }

    fn owe(&mut self, prack: &Prack) {
        if let Some(leg) = self.leg_with(&to_tag(&prack.out.request.headers)) {
            leg.owed = leg.taken == Some(prack.number);
        }
    }

    /// Whether 180 must be acknowledged: they insist, or can and the account wants it. Without an offer of theirs the
    /// first reliable response has to carry ours (section 5): only who insists is worth the ports that takes.
    pub(super) fn rings_reliably(&self, request: &Request) -> bool {
        let wanted = self.manners.reliable && request.headers.has_word(name::SUPPORTED, "100rel");
        (wanted && request.body_of(SDP).is_some()) || request.headers.has_word(name::REQUIRE, "100rel")
    }

    /// 180 that is repeated until it is acknowledged. While one is, no other goes out (section 3); and to who insists on
    /// it without an offer of their own none goes out before there is ours.
    pub(super) fn ring_reliably(&mut self, wire: &mut Wire, id: TransactionId, request: &Request) {
        let under_way = self.reliable.as_ref().is_some_and(|reliable| !reliable.acknowledged);
        let bare = request.body_of(SDP).is_none() && self.ring_offer.number.is_none();
        if under_way || (bare && self.ring_offer.offer.is_none()) {
            return;
        }
        // Below 2^31 for as long as anybody lets it ring (section 3).
        let first = || u32::try_from(wire.rng.bits() % (1 << 30)).unwrap_or_default() + 1;
        let number = self.reliable.as_ref().map(|before| before.number + 1).unwrap_or_else(first);
        let mut response = self.reply(request, 180);
        response.headers.push(name::REQUIRE, "100rel");
        response.headers.push(name::RSEQ, number.to_string());
        response.headers.push(name::ALLOW, wire.config.abilities.allow());
        if let Some(offer) = self.ring_offer.offer.take() {
            self.ring_offer.number = Some(number);
            response.set_body(SDP, offer.0);
        }
        wire.respond(id, response.clone());
        let base = wire.config.timers;
        self.reliable = Some(Reliable {
            id,
            response,
            number,
            invite: request.headers.cseq().map_or(0, |cseq| cseq.number),
            interval: base.t1,
            resend: wire.now + base.t1,
            give_up: wire.now + base.patience(),
            acknowledged: false,
        });
    }

    /// Their PRACK. One that acknowledges nothing of ours gets 481 (section 3).
    pub(crate) fn pracked(&mut self, wire: &mut Wire, id: TransactionId, request: &Request) {
        let Some((number, invite, method)) = request.headers.rack() else {
            return self.answer(wire, id, request, 400);
        };
        let of = |reliable: &&mut Reliable| {
            method == Method::Invite && (reliable.number, reliable.invite) == (number, invite)
        };
        match self.reliable.as_mut().filter(of).filter(|reliable| !reliable.acknowledged) {
            None => self.answer(wire, id, request, 481),
            Some(reliable) => {
                reliable.acknowledged = true;
                if self.ring_offer.number == Some(number) {
                    return self.ringing_answered(wire, id, request);
                }
                if request.body_of(SDP).is_some() {
                    // The offer of the INVITE is not answered yet: another one comes too early (RFC 3311 section 5.2).
                    return self.come_again(wire, id, request);
                }
                self.answer(wire, id, request, 200);
            }
        }
    }

    /// 180 with an offer of ours.
    pub(crate) fn ring_with(&mut self, wire: &mut Wire, offer: Sdp) {
        if matches!(self.stage, Stage::Ringing(_)) && self.ring_offer.number.is_none() {
            self.ring_offer.offer = Some(offer);
            self.ring(wire);
        }
    }

    /// Whether an offer in our ringing was not acknowledged yet.
    pub(super) fn awaits_answer_to_ringing(&self) -> bool {
        let owed = self.reliable.as_ref().is_some_and(|reliable| {
            !reliable.acknowledged && self.ring_offer.number == Some(reliable.number)
        });
        owed && matches!(self.stage, Stage::Ringing(_))
    }

    /// The PRACK to an offer of ours brings the answer (section 5); the call is answered now if the user has done so.
    fn ringing_answered(&mut self, wire: &mut Wire, id: TransactionId, request: &Request) {
        self.ring_offer.answer = sdp(request.body_of(SDP));
        self.answer(wire, id, request, 200);
        if let Some(answer) = self.ring_offer.accepted.take() {
            self.accept(wire, answer);
        }
    }

    /// The 180 goes out again, or is given up, and the call with it (section 3: after 64*T1).
    pub(super) fn reliable_due(&mut self, wire: &mut Wire) {
        let waits = matches!(self.stage, Stage::Ringing(_));
        let Some(reliable) = self.reliable.as_mut().filter(|reliable| waits && !reliable.acknowledged) else {
            return;
        };
        if reliable.give_up <= wire.now {
            let detail = "our ringing was never acknowledged".to_owned();
            self.refuse_ringing(wire, 504, CallEnd::Lost { why: Loss::Unacknowledged, detail });
        } else if reliable.resend <= wire.now {
            reliable.interval *= 2;
            reliable.resend = wire.now + reliable.interval;
            let (id, response) = (reliable.id, reliable.response.clone());
            wire.respond(id, response);
        }
    }
}
