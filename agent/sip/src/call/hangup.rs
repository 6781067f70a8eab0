//! The end of a call (RFC 3261 section 15), whoever wants it.

use crate::{
    call::{
        model::{Call, Change, PATIENCE, Stage, from_tag, is_about},
        reason,
    },
    message::{Method, Request, Response},
    transaction::TransactionId,
    wire::Wire,
};
use agent_core::port::sip::{CallEnd, Loss};

impl Call {
    /// Ends the call whatever its stage: CANCEL before the answer, BYE after it, a refusal for one that rings here.
    pub(crate) fn hang_up(&mut self, wire: &mut Wire, refusal: u16) {
        match &self.stage {
            Stage::Calling(_) => self.give_up(wire),
            Stage::Ringing(_) => self.refuse_ringing(wire, refusal, CallEnd::Rejected),
            Stage::Up => self.hang_up_answered(wire),
            Stage::Ending(_) | Stage::Over => {}
        }
    }

    /// Whoever is called must not say BYE before the ACK came (section 15).
    fn hang_up_answered(&mut self, wire: &mut Wire) {
        if self.unacked.as_ref().is_some_and(|unacked| unacked.initial) {
            self.bye_after_ack = true;
            self.patience.get_or_insert(wire.now + PATIENCE);
        } else {
            self.bye(wire);
        }
    }

    /// Ends the call now, without waiting for anybody.
    pub(crate) fn abandon(&mut self, wire: &mut Wire) {
        self.listening = None;
        self.forks.clear();
        self.finish(wire, CallEnd::LocalHangup);
    }

    /// Sends BYE; the dialog is over with it.
    pub(super) fn bye(&mut self, wire: &mut Wire) {
        self.drop_theirs(wire, 487);
        self.unacked = None;
        self.next_change = None;
        if matches!(self.change, Change::Again { .. }) {
            self.change = Change::None;
        }
        let request = self.dialog.as_mut().map(|dialog| dialog.request(Method::Bye));
        match request.and_then(|request| self.send_inside(wire, request, 1)) {
            Some(out) => {
                self.stage = Stage::Ending(Box::new(out));
                if !self.ended {
                    self.patience.get_or_insert(wire.now + PATIENCE);
                }
            }
            None => self.finish(
                wire,
                CallEnd::Lost {
                    why: Loss::Unusable,
                    detail: "the other side has no address we can reach".to_owned(),
                },
            ),
        }
    }

    /// Their BYE.
    pub(crate) fn bye_received(&mut self, wire: &mut Wire, id: TransactionId, request: &Request) {
        self.answer(wire, id, request, 200);
        self.tell_cause(wire, &request.headers);
        match &self.stage {
            // Before our answer it means what CANCEL means (section 15.1.2).
            Stage::Ringing(_) => {
                self.refuse_ringing(wire, 487, reason::cancelled(&request.headers));
            }
            // Another branch of the fork leaves.
            Stage::Up | Stage::Ending(_) if !self.is_confirmed(request) => {}
            Stage::Up if self.bye_after_ack => self.finish(wire, CallEnd::LocalHangup),
            Stage::Up => self.finish(wire, CallEnd::RemoteHangup),
            // Both hung up at once: ours is answered too, or not; the call is gone either way.
            Stage::Ending(_) => self.finish(wire, CallEnd::LocalHangup),
            // No callee may say BYE before the answer (section 15), but the answer may be late.
            Stage::Calling(_) => {
                let tag =
                    request.headers.from().ok().and_then(|from| from.tag().cloned()).unwrap_or_default();
                if let Some(leg) = self.leg_with(&tag) {
                    leg.left = true;
                }
            }
            Stage::Over => {}
        }
    }

    /// Whether a request of theirs came in the dialog that was answered.
    fn is_confirmed(&self, request: &Request) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.is_with(&from_tag(&request.headers)))
    }

    /// A response to a request of ours.
    pub(crate) fn response(&mut self, wire: &mut Wire, id: TransactionId, response: &Response) {
        if let Some(at) = self.forks.iter().position(|fork| fork.bye.id == id) {
            return self.fork_answered(wire, at, Some(response));
        }
        let taken = self.errand_answered(wire, id, response)
            || self.prack_answered(wire, id, response)
            || self.refresh_answered(wire, id, response);
        if taken {
            return;
        }
        match &self.stage {
            Stage::Calling(calling) if calling.out.id == id => return self.invite_answered(wire, response),
            Stage::Ending(out) if out.id == id => return self.bye_answered(wire, response),
            _ => {}
        }
        if matches!(&self.change, Change::Out(out) if out.id == id) {
            return self.change_answered(wire, response);
        }
        if response.is_success() && is_about(response, &Method::Invite) {
            self.answered_again(wire, response);
        }
    }

    /// No answer came to a request of ours, or it could not be sent.
    pub(crate) fn unanswered(&mut self, wire: &mut Wire, id: TransactionId, lost: CallEnd) {
        if let Some(at) = self.forks.iter().position(|fork| fork.bye.id == id) {
            return self.fork_answered(wire, at, None);
        }
        if self.errand_lost(id, &lost) || self.prack_lost(id) || self.refresh_lost(wire, id, &lost) {
            return;
        }
        match &self.stage {
            Stage::Calling(calling) if calling.out.id == id => self.invite_ended(wire, lost),
            // Our BYE may never have arrived, but for us the call is gone.
            Stage::Ending(out) if out.id == id => self.finish(wire, CallEnd::LocalHangup),
            Stage::Ringing(ringing) if ringing.id == id => self.finish(wire, lost),
            Stage::Up if matches!(&self.change, Change::Out(out) if out.id == id) => {
                // A peer that does not answer a re-INVITE is gone (section 12.2.1.2).
                self.break_off(wire, lost);
            }
            _ => {}
        }
    }

    /// A transaction is over.
    pub(crate) fn gone(&mut self, id: TransactionId) {
        if self.listening == Some(id) {
            self.listening = None;
            // Other branches had their time (section 13.2.2.4).
            self.early.clear();
        }
    }

    fn bye_answered(&mut self, wire: &mut Wire, response: &Response) {
        if response.is_provisional() {
            return;
        }
        let Stage::Ending(out) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        if matches!(response.status, 401 | 407)
            && let Some(again) = self.again(wire, &out, response)
        {
            self.stage = Stage::Ending(Box::new(again));
            return;
        }
        self.finish(wire, CallEnd::LocalHangup);
    }
}
