//! Signs of life of a session that stands (RFC 4028): ours by UPDATE where they take it, else by a re-INVITE of the core's
//! with the session as it is; and the end of one that gives none.

use crate::{
    call::{
        model::{Call, Change, Stage, describe, to_tag},
        timer::{LEAST, Timer},
    },
    message::{Headers, Method, Request, Response, name},
    transaction::TransactionId,
    wire::Wire,
};
use agent_core::port::sip::{CallEnd, Loss, PhoneEvent, SipEvent};
use std::time::Duration;

impl Call {
    /// The session's timer, if this endpoint has any.
    pub(super) fn timed(wire: &Wire) -> bool {
        wire.config.abilities.extensions.contains(&"timer")
    }

    /// Puts what we ask for into a request that begins or changes the session.
    pub(super) fn ask_timer(&self, wire: &Wire, headers: &mut Headers) {
        if Self::timed(wire) {
            self.timer.ask(headers);
        }
    }

    /// Takes what a 2xx to such a request says.
    pub(super) fn settle_timer(&mut self, wire: &Wire, response: &Response) {
        if Self::timed(wire) {
            self.timer.settle(wire.now, &response.headers);
        }
    }

    /// Says in a 2xx of ours what we agree to.
    pub(super) fn answer_timer(&mut self, wire: &Wire, request: &Request, response: &mut Response) {
        if Self::timed(wire) {
            self.timer.answer(wire.now, &request.headers, &mut response.headers);
        }
    }

    /// 422 to a request that asks for too short an interval (section 9); false when it does not.
    pub(super) fn is_too_brief(
        wire: &mut Wire,
        id: TransactionId,
        request: &Request,
        tag: Option<&str>,
    ) -> bool {
        let brief = Self::timed(wire) && Timer::is_too_brief(&request.headers);
        if brief {
            let mut response = Response::to(request, 422, tag);
            response.headers.push(name::MIN_SE, LEAST.to_string());
            wire.respond(id, response);
        }
        brief
    }

    /// What is due: the refresh, or the end of a session that was not refreshed.
    pub(super) fn timer_due(&mut self, wire: &mut Wire) {
        if !matches!(self.stage, Stage::Up) {
            return;
        }
        if self.timer.has_ended(wire.now) {
            let detail = "the session was not refreshed".to_owned();
            return self.break_off(wire, CallEnd::Lost { why: Loss::Silent, detail });
        }
        if self.timer.take_refresh(wire.now) && self.refresh.is_none() {
            self.send_refresh(wire);
        }
    }

    /// A response to our UPDATE; false when it is to something else.
    pub(super) fn refresh_answered(
        &mut self,
        wire: &mut Wire,
        id: TransactionId,
        response: &Response,
    ) -> bool {
        let Some(out) = self.refresh.take_if(|out| out.id == id) else { return false };
        if response.is_provisional() {
            self.refresh = Some(out);
            return true;
        }
        if !matches!(self.stage, Stage::Up) {
            return true;
        }
        self.learn(&response.headers);
        match response.status {
            200..=299 => {
                self.retarget(&to_tag(&response.headers), &response.headers);
                self.settle_timer(wire, response);
            }
            401 | 407 => self.refresh = self.again(wire, &out, response),
            405 | 501 => {
                // It said it could, and cannot.
                self.takes_update = false;
                self.send_refresh(wire);
            }
            408 | 481 => {
                let detail = format!("{} {}", response.status, response.phrase.to_display());
                self.break_off(wire, CallEnd::Lost { why: Loss::Forgotten, detail });
            }
            422 if self.timer.raise(&response.headers) => self.send_refresh(wire),
            491 => {
                let at = wire.now + self.glare_wait(wire);
                self.timer.refresh_at(at);
            }
            // The next try is set already (section 10).
            _ => {}
        }
        true
    }

    /// No answer came to our UPDATE: whoever gives no sign of life is gone (section 10). False when the transaction is
    /// another's.
    pub(super) fn refresh_lost(&mut self, wire: &mut Wire, id: TransactionId, lost: &CallEnd) -> bool {
        if self.refresh.take_if(|out| out.id == id).is_none() {
            return false;
        }
        if matches!(self.stage, Stage::Up) {
            self.break_off(wire, lost.clone());
        }
        true
    }

    /// Ends a call whose other side is gone: the user is told at once, and BYE goes out for whoever still listens.
    pub(super) fn break_off(&mut self, wire: &mut Wire, end: CallEnd) {
        self.end(wire, end);
        self.bye(wire);
    }

    pub(super) fn send_refresh(&mut self, wire: &mut Wire) {
        if matches!(self.change, Change::Out(_)) || self.theirs.is_some() {
            // A change that is under way refreshes the session as well.
            return self.timer.refresh_at(wire.now + Duration::from_secs(5));
        }
        if !self.takes_update {
            return self.tell(wire, SipEvent::Phone(PhoneEvent::Refresh { call: self.id }));
        }
        let Some(dialog) = &mut self.dialog else { return };
        let mut request = dialog.request(Method::Update);
        describe(&mut request, wire, self.contact.as_ref());
        self.ask_timer(wire, &mut request.headers);
        self.refresh = self.send_inside(wire, request, 1);
    }
}
