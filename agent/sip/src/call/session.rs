//! Changes of a session that stands (RFC 3261 section 14): re-INVITE, ours and theirs, and what happens when they meet.

use crate::{
    call::model::{Call, Change, SDP, Stage, THEIRS_WITHIN, describe, from_tag, sdp, to_tag},
    message::{Method, Request, Response, name},
    transaction::TransactionId,
    wire::Wire,
};
use agent_core::{
    party::Sdp,
    port::sip::{CallEnd, Loss, Reject, SipEvent},
};
use std::time::Duration;

/// How often a change of ours may meet one of theirs before it counts as refused.
const MOST_GLARES: u32 = 5;

impl Call {
    /// Wants the session changed: now, or when what is under way is done. A change still waiting is replaced.
    pub(crate) fn change(&mut self, wire: &mut Wire, offer: Sdp) {
        if !matches!(self.stage, Stage::Ending(_) | Stage::Over | Stage::Ringing(_)) {
            self.next_change = Some(offer);
            self.next(wire);
        }
    }

    /// Sends the change that waits, if its time has come.
    pub(super) fn next(&mut self, wire: &mut Wire) {
        let free = matches!(self.stage, Stage::Up) && self.theirs.is_none() && self.unacked.is_none();
        if !free || !matches!(self.change, Change::None) {
            return;
        }
        if let Some(offer) = self.next_change.take() {
            self.glares = 0;
            self.send_change(wire, offer);
        }
    }

    /// Their re-INVITE.
    pub(crate) fn reinvited(&mut self, wire: &mut Wire, id: TransactionId, request: Request) {
        if matches!(self.stage, Stage::Up) && std::mem::take(&mut self.bye_after_ack) {
            // Their ACK was lost or is late, and this shows as well as it would that our answer arrived (section 15).
            self.answer(wire, id, &request, 487);
            return self.bye(wire);
        }
        self.learn(&request.headers);
        if matches!(self.stage, Stage::Up) && Self::is_too_brief(wire, id, &request, None) {
            return;
        }
        let awaiting_answer = self.unacked.as_ref().is_some_and(|unacked| unacked.offered);
        match &self.stage {
            Stage::Up if self.theirs.is_some() => return self.come_again(wire, id, &request),
            Stage::Up if matches!(self.change, Change::Out(_)) || awaiting_answer => {
                return self.answer(wire, id, &request, 491);
            }
            Stage::Up => {}
            Stage::Ringing(_) => return self.come_again(wire, id, &request),
            Stage::Calling(_) | Stage::Ending(_) | Stage::Over => {
                return self.answer(wire, id, &request, 481);
            }
        }
        if let Some(unacked) = self.unacked.take()
            && unacked.initial
        {
            // Their ACK was lost; whoever goes on to change the session has our answer.
            self.tell(wire, SipEvent::Confirmed { call: self.id, answer: None });
        }
        wire.respond(id, Response::to(&request, 100, None));
        let offer = sdp(request.body_of(SDP));
        self.theirs = Some((id, request, wire.now + THEIRS_WITHIN));
        self.tell(wire, SipEvent::Reoffer { call: self.id, offer });
    }

    /// Answers their re-INVITE.
    pub(crate) fn answer_change(&mut self, wire: &mut Wire, answer: Result<Sdp, Reject>) {
        let Some((id, request, _)) = self.theirs.take() else { return };
        match answer {
            Ok(sdp) if request.method == Method::Update => {
                self.accept_update(wire, id, &request, Some(sdp));
                self.next(wire);
            }
            Ok(sdp) => {
                self.retarget(&from_tag(&request.headers), &request.headers);
                self.accept_invite(wire, (id, &request), sdp, false);
            }
            Err(why) => {
                self.refuse(wire, id, &request, why);
                self.next(wire);
            }
        }
    }

    /// An answer to our re-INVITE.
    pub(super) fn change_answered(&mut self, wire: &mut Wire, response: &Response) {
        if response.is_provisional() {
            return;
        }
        if response.is_success() {
            return self.change_accepted(wire, response);
        }
        let Change::Out(out) = std::mem::take(&mut self.change) else { return };
        if !matches!(self.stage, Stage::Up) {
            // Our BYE is out: nothing of the session is to be changed any more, and its end is under way.
            return;
        }
        match response.status {
            401 | 407 => {
                if let Some(again) = self.again(wire, &out, response) {
                    self.change = Change::Out(Box::new(again));
                    return;
                }
            }
            422 if self.timer.raise(&response.headers) => {
                return self.send_change(wire, Sdp(out.request.body.to_vec()));
            }
            491 if self.glares < MOST_GLARES && self.next_change.is_none() => {
                self.glares += 1;
                let at = wire.now + self.glare_wait(wire);
                self.change = Change::Again { offer: Sdp(out.request.body.to_vec()), at };
                return;
            }
            408 | 481 => {
                // The other side has no such call any more (section 12.2.1.2).
                let detail = format!("{} {}", response.status, response.phrase.to_display());
                return self.break_off(wire, CallEnd::Lost { why: Loss::Forgotten, detail });
            }
            _ => {}
        }
        self.tell(wire, SipEvent::ReofferRefused { call: self.id, status: response.status });
        self.next(wire);
    }

    /// What is due: a change that met one of theirs, or theirs that nobody answered.
    pub(super) fn change_due(&mut self, wire: &mut Wire) {
        if self.theirs.as_ref().is_some_and(|(_, _, until)| *until <= wire.now) {
            self.drop_theirs(wire, 488);
            self.next(wire);
        }
        if matches!(&self.change, Change::Again { at, .. } if *at <= wire.now) {
            let Change::Again { offer, .. } = std::mem::take(&mut self.change) else { return };
            if self.theirs.is_none() && self.unacked.is_none() {
                let newest = self.next_change.take().unwrap_or(offer);
                self.send_change(wire, newest);
            } else {
                // Theirs is being answered; ours comes right after it.
                self.next_change.get_or_insert(offer);
            }
        }
    }

    fn send_change(&mut self, wire: &mut Wire, offer: Sdp) {
        let Some(dialog) = &mut self.dialog else { return };
        let mut request = dialog.request(Method::Invite);
        describe(&mut request, wire, self.contact.as_ref());
        self.ask_timer(wire, &mut request.headers);
        request.set_body(SDP, offer.0);
        match self.send_inside(wire, request, 1) {
            Some(out) => self.change = Change::Out(Box::new(out)),
            None => self.tell(wire, SipEvent::ReofferRefused { call: self.id, status: 480 }),
        }
    }

    fn change_accepted(&mut self, wire: &mut Wire, response: &Response) {
        self.learn(&response.headers);
        self.retarget(&to_tag(&response.headers), &response.headers);
        self.acknowledge(wire, response);
        self.settle_timer(wire, response);
        self.change = Change::None;
        self.connected(wire, &response.headers);
        match sdp(response.body_of(SDP)) {
            Some(answer) => self.tell(wire, SipEvent::ReofferAnswered { call: self.id, answer }),
            // A 200 without an answer changes nothing we could know of.
            None => self.tell(wire, SipEvent::ReofferRefused { call: self.id, status: response.status }),
        }
        self.next(wire);
    }

    /// Section 14.1: who made the Call-ID waits 2.1 to 4 s, the other up to 2 s.
    pub(super) fn glare_wait(&self, wire: &mut Wire) -> Duration {
        let millis = Duration::from_millis;
        if self.ours {
            wire.rng.between(millis(2100), millis(4000))
        } else {
            wire.rng.between(millis(0), millis(2000))
        }
    }

    /// 500 with Retry-After: one change of theirs is still unanswered (section 14.2, RFC 3311 section 5.2).
    pub(super) fn come_again(&self, wire: &mut Wire, id: TransactionId, request: &Request) {
        let seconds = wire.rng.between(Duration::ZERO, Duration::from_secs(10)).as_secs();
        let mut response = self.reply(request, 500);
        response.headers.push(name::RETRY_AFTER, seconds.to_string());
        wire.respond(id, response);
    }
}
