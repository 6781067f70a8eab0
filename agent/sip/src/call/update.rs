//! UPDATE (RFC 3311): theirs, with an offer or without, before the answer and after it.

use crate::{
    call::model::{Call, Change, SDP, Stage, THEIRS_WITHIN, from_tag, sdp},
    message::{Request, name},
    transaction::TransactionId,
    wire::Wire,
};
use agent_core::port::sip::SipEvent;

/// What is to be said to an offer in an UPDATE at the moment (RFC 3311 section 5.2).
enum Verdict {
    /// The core decides.
    Take,
    /// An offer of ours waits for its answer: 491.
    Crossed,
    /// An offer of theirs does: 500, to come again.
    Early,
    /// It is about a branch that is not heard: 488.
    Elsewhere,
}

impl Call {
    /// Their UPDATE. Without an offer it moves their target, and refreshes the session.
    pub(crate) fn updated(&mut self, wire: &mut Wire, id: TransactionId, request: Request) {
        if matches!(self.stage, Stage::Ending(_) | Stage::Over) {
            return self.answer(wire, id, &request, 481);
        }
        self.learn(&request.headers);
        let unanswered = self.theirs.as_ref().is_some_and(|(_, theirs, _)| theirs.method == request.method);
        if unanswered {
            return self.come_again(wire, id, &request);
        }
        if Self::is_too_brief(wire, id, &request, None) {
            return;
        }
        let Some(offer) = sdp(request.body_of(SDP)) else {
            return self.accept_update(wire, id, &request, None);
        };
        match self.judge(&request) {
            Verdict::Crossed => self.answer(wire, id, &request, 491),
            Verdict::Elsewhere => self.answer(wire, id, &request, 488),
            Verdict::Early => self.come_again(wire, id, &request),
            Verdict::Take => {
                self.theirs = Some((id, request, wire.now + THEIRS_WITHIN));
                self.tell(wire, SipEvent::Reoffer { call: self.id, offer: Some(offer) });
            }
        }
    }

    /// 200 to an UPDATE, with our answer where it carried an offer.
    pub(super) fn accept_update(
        &mut self,
        wire: &mut Wire,
        id: TransactionId,
        request: &Request,
        answer: Option<agent_core::party::Sdp>,
    ) {
        self.retarget(&from_tag(&request.headers), &request.headers);
        let mut response = self.reply(request, 200);
        if matches!(self.stage, Stage::Up) {
            // A session that does not stand yet has nothing to be refreshed (RFC 4028 section 3).
            self.answer_timer(wire, request, &mut response);
        }
        response.headers.push(name::ALLOW, wire.config.abilities.allow());
        if let Some(answer) = answer {
            response.set_body(SDP, answer.0);
        }
        wire.respond(id, response);
    }

    fn judge(&self, request: &Request) -> Verdict {
        if self.theirs.is_some() {
            return Verdict::Early;
        }
        let ours_in_200 = self.unacked.as_ref().is_some_and(|unacked| unacked.offered);
        match &self.stage {
            // Our answer comes with the 200 and no sooner.
            Stage::Ringing(_) => Verdict::Early,
            Stage::Calling(_) => {
                let tag = from_tag(&request.headers);
                match self.early.iter().position(|leg| leg.dialog.is_with(&tag)) {
                    Some(at) if !self.early[at].answered => Verdict::Crossed,
                    Some(at) if at + 1 == self.early.len() => Verdict::Take,
                    _ => Verdict::Elsewhere,
                }
            }
            _ if ours_in_200 || matches!(self.change, Change::Out(_)) => Verdict::Crossed,
            _ => Verdict::Take,
        }
    }
}
