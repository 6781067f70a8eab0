//! What the wire tells of calls that are answered or being answered: ACK, re-INVITE and their ends.

use super::board::{AUDIO, Calls};
use crate::{
    call::{Change, Phase},
    context::Context,
    handover::Errand,
    id::CallId,
    party::Sdp,
    port::{
        host::{CallChange, HostCommand},
        media::{Flow, MediaCommand, SoundProblem},
        sip::{Reject, SipCommand},
    },
    timers::Deadline,
};

impl Calls {
    /// Their ACK arrived.
    pub(crate) fn confirmed(&mut self, cx: &mut Context<'_>, id: CallId, answer: Option<Sdp>) {
        let Some(call) = self.call(id) else { return };
        match (&call.phase, answer) {
            (Phase::Accepted { ours: false }, _) => self.establish(cx, id),
            (Phase::Accepted { ours: true }, Some(answer)) => {
                call.phase = Phase::Confirming;
                cx.out.media(MediaCommand::Complete { call: id, answer });
                cx.after(Deadline::Step(id), AUDIO);
            }
            (Phase::Accepted { ours: true }, None) => {
                self.unheard(cx, id, &SoundProblem::NoDescription);
            }
            (Phase::Up, answer) if call.talk.change == Change::AwaitingAck => match answer {
                Some(answer) => {
                    call.talk.change = Change::CompletingBack;
                    cx.out.media(MediaCommand::Complete { call: id, answer });
                    cx.after(Deadline::Step(id), AUDIO);
                }
                None => {
                    cx.out.media(MediaCommand::Withdraw { call: id });
                    self.change_over(cx, id);
                }
            },
            _ => {}
        }
    }

    /// Both sides talk.
    pub(super) fn establish(&mut self, cx: &mut Context<'_>, id: CallId) {
        self.placed(cx, id);
        let focus = self.focus;
        let joins = self.get(id).is_some_and(|call| self.joins_in(call));
        let Some(call) = self.call(id) else { return };
        call.phase = Phase::Up;
        call.answered = Some(cx.now.wall);
        let silent = matches!(call.errand, Some(Errand::InPlaceOf(_, true)));
        // Somebody else got the microphone meanwhile.
        call.talk.want_hold =
            call.talk.held() || silent || (!joins && focus.is_some_and(|other| other != id));
        let free = focus.is_none() && !call.talk.want_hold;
        cx.timers.clear(Deadline::Step(id));
        cx.timers.clear(Deadline::Ring(id));
        if call.talk.change == Change::Accepting {
            // The audio still writes the answer to an offer that came before theirs.
            cx.after(Deadline::Step(id), AUDIO);
        }
        if free {
            self.set_focus(cx, Some(id));
        }
        self.arrived(cx, id);
        self.offer_keys(cx, id);
        cx.out.host(HostCommand::CallChanged { call: id, what: CallChange::Answered });
        self.record(cx, id);
        self.pop_if_due(cx, id);
        self.drive(cx, id);
    }

    /// They want to change the session.
    pub(crate) fn reoffer(&mut self, cx: &mut Context<'_>, id: CallId, offer: Option<Sdp>) {
        if let Some(call) = self.call(id) {
            // One at a time: a change of ours under way is finished first, and the ACK comes before anything else.
            call.talk.theirs = Some(offer);
            self.drive(cx, id);
            self.drive_early(cx, id);
        }
    }

    /// Their offer before the answer to our call (RFC 3311): the audio takes it once it has taken what came before.
    pub(super) fn drive_early(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(call) = self.call(id) else { return };
        let Phase::Calling(early) = &call.phase else { return };
        if early.waiting > 0 || call.talk.change != Change::None {
            return;
        }
        // One without an offer wants ours, and gets it once the call stands.
        if let Some(offer) = call.talk.theirs.take_if(|theirs| theirs.is_some()).flatten() {
            call.talk.change = Change::Accepting;
            let (local, flow) = (call.local, Flow::SendRecv);
            cx.out.media(MediaCommand::Accept { call: id, local, offer, flow });
            cx.after(Deadline::Step(id), AUDIO);
        }
    }

    /// The audio's word on their offer before the call stands.
    pub(super) fn answer_early(
        &mut self,
        cx: &mut Context<'_>,
        id: CallId,
        answer: Result<(Sdp, Flow), Reject>,
    ) {
        let Some(call) = self.call(id) else { return };
        call.talk.change = Change::None;
        if let Ok((_, flow)) = &answer {
            call.talk.flow = *flow;
        }
        if let Phase::Calling(early) = &mut call.phase {
            early.heard |= answer.is_ok();
            cx.timers.clear(Deadline::Step(id));
        }
        cx.out.sip(SipCommand::AnswerReoffer { call: id, answer: answer.map(|(sdp, _)| sdp) });
        self.notify(cx, id);
        self.drive_early(cx, id);
    }

    /// Our re-INVITE was answered.
    pub(crate) fn reoffer_answered(&mut self, cx: &mut Context<'_>, id: CallId, answer: Sdp) {
        let Some(call) = self.call(id) else { return };
        if call.talk.change == Change::Sent {
            call.talk.change = Change::Completing;
            cx.out.media(MediaCommand::Complete { call: id, answer });
            cx.after(Deadline::Step(id), AUDIO);
        }
    }

    /// Our re-INVITE was refused: the session stands as it was.
    pub(crate) fn reoffer_refused(&mut self, cx: &mut Context<'_>, id: CallId, status: u16) {
        let Some(call) = self.call(id) else { return };
        if call.talk.change != Change::Sent {
            return;
        }
        cx.out.media(MediaCommand::Withdraw { call: id });
        if status == 491 {
            self.back_off(cx, id);
            self.change_over(cx, id);
        } else {
            self.change_failed(cx, id, &status.to_string());
        }
    }
}
