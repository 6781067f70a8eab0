//! What the audio tells of its sessions: offers, answers, refusals, silence; and what happens when it tells nothing.

use super::board::{Calls, WIRE};
use crate::{
    action::Notice,
    call::{Call, Change, Early, Phase, RingOffer},
    context::Context,
    id::CallId,
    journal::Outcome,
    party::Sdp,
    port::{
        media::{Flow, MediaCommand, SoundProblem, StreamFacts},
        sip::{Loss, PhoneCommand, Reject, SipCommand},
    },
    text,
    timers::Deadline,
};
use std::time::Duration;

impl Calls {
    /// Our offer is written.
    pub(crate) fn offered(&mut self, cx: &mut Context<'_>, id: CallId, sdp: Sdp) {
        let Some(call) = self.call(id) else { return };
        match &mut call.phase {
            Phase::Answering { ours: true } => {
                call.phase = Phase::Accepted { ours: true };
                cx.out.sip(SipCommand::Accept { call: id, answer: sdp });
                cx.after(Deadline::Step(id), WIRE);
            }
            Phase::Ringing { .. } if matches!(call.ring_offer, RingOffer::Asked) => {
                call.ring_offer = RingOffer::Made(sdp.clone());
                cx.out.sip(SipCommand::Phone(PhoneCommand::RingWith { call: id, offer: sdp }));
            }
            Phase::Offering { target } => {
                let target = std::mem::take(target);
                call.phase = Phase::Calling(Early::default());
                let help = call.help.is_some();
                self.errand_offered(cx, id, target, sdp);
                self.watch_help(cx, id);
                cx.timers.clear(Deadline::Step(id));
                // Help may let one wait in a queue for longer than any colleague.
                if !help {
                    let ring = u64::from(cx.settings.calls.ring_seconds);
                    cx.after(Deadline::Ring(id), Duration::from_secs(ring));
                }
            }
            Phase::Up => self.offered_again(cx, id, sdp),
            _ => {}
        }
    }

    /// Our answer to their offer is written.
    pub(crate) fn accepted(&mut self, cx: &mut Context<'_>, id: CallId, sdp: Sdp, flow: Flow) {
        let Some(call) = self.call(id) else { return };
        match call.phase {
            Phase::Answering { ours: false } => {
                call.phase = Phase::Accepted { ours: false };
                call.talk.flow = flow;
                cx.out.sip(SipCommand::Accept { call: id, answer: sdp });
                cx.after(Deadline::Step(id), WIRE);
            }
            Phase::Calling(_) | Phase::Completing { .. } if call.talk.change == Change::Accepting => {
                self.answer_early(cx, id, Ok((sdp, flow)));
            }
            Phase::Up if call.talk.change == Change::Accepting => {
                cx.out.sip(SipCommand::AnswerReoffer { call: id, answer: Ok(sdp) });
                self.agreed(cx, id, flow);
            }
            _ => {}
        }
    }

    /// Their answer fits.
    pub(crate) fn completed(&mut self, cx: &mut Context<'_>, id: CallId, flow: Flow) {
        let Some(call) = self.call(id) else { return };
        match &mut call.phase {
            Phase::Calling(early) if early.waiting > 0 => {
                early.waiting -= 1;
                early.heard = true;
                call.talk.flow = flow;
                self.notify(cx, id);
                self.drive_early(cx, id);
            }
            Phase::Completing { waiting } if *waiting > 1 => *waiting -= 1,
            Phase::Completing { .. } | Phase::Confirming => {
                call.talk.flow = flow;
                self.establish(cx, id);
            }
            Phase::Up if matches!(call.talk.change, Change::Completing | Change::CompletingBack) => {
                self.agreed(cx, id, flow);
            }
            _ => {}
        }
    }

    /// A description was unusable.
    pub(crate) fn refused(&mut self, cx: &mut Context<'_>, id: CallId, why: &SoundProblem) {
        let Some(call) = self.call(id) else { return };
        match &mut call.phase {
            Phase::Calling(_) | Phase::Completing { .. } if call.talk.change == Change::Accepting => {
                self.answer_early(cx, id, Err(Reject::from(why)));
            }
            // Early media that cannot be heard: it rings on, the answer decides.
            Phase::Calling(early) => {
                early.waiting = early.waiting.saturating_sub(1);
                self.drive_early(cx, id);
            }
            Phase::Completing { waiting } if *waiting > 1 => *waiting -= 1,
            Phase::Up => match call.talk.change {
                Change::Offering | Change::Completing => {
                    let why = text::sound(cx.language(), why);
                    self.change_failed(cx, id, &why);
                }
                Change::Accepting | Change::OfferingBack => self.refuse_theirs(cx, id, why),
                Change::CompletingBack => self.change_over(cx, id),
                Change::None | Change::Sent | Change::AwaitingAck => self.fell_silent(cx, id, why),
            },
            Phase::Ringing { .. } if matches!(call.ring_offer, RingOffer::None) => {}
            Phase::Accepted { .. } => {}
            Phase::Ringing { .. }
            | Phase::Answering { .. }
            | Phase::Offering { .. }
            | Phase::Confirming
            | Phase::Completing { .. } => {
                self.unheard(cx, id, why);
            }
        }
    }

    /// There is no audio to be had: the call ends, and the user is told why.
    pub(super) fn unheard(&mut self, cx: &mut Context<'_>, id: CallId, why: &SoundProblem) {
        let Some(call) = self.call(id) else { return };
        call.unfit = Some(why.clone());
        match call.phase {
            Phase::Ringing { .. } | Phase::Answering { .. } => {
                cx.out.sip(SipCommand::Reject { call: id, why: Reject::from(why) })
            }
            // Nothing is on the wire yet.
            Phase::Offering { .. } => {}
            _ => cx.out.sip(SipCommand::Hangup { call: id }),
        }
        let title = self.label(id, cx.language());
        let line = cx.say(&text::CALL_NO_MEDIA, &[&text::sound(cx.language(), why)]);
        cx.error(cx.say(&text::TOLD, &[&title, &line]));
        self.finish(cx, id, Outcome::Failed);
        cx.inform(None, title, line);
    }

    /// The audio broke: whoever waits for its word gets none, and who talked is heard no longer.
    pub(crate) fn soundless(&mut self, cx: &mut Context<'_>) {
        let ids: Vec<CallId> = self.map.keys().copied().collect();
        for id in ids {
            self.refused(cx, id, &SoundProblem::Fault);
        }
    }

    /// A call that stands lost its sound: it goes on, and the user is told.
    fn fell_silent(&mut self, cx: &mut Context<'_>, id: CallId, why: &SoundProblem) {
        let title = self.label(id, cx.language());
        let line = cx.say(&text::CALL_NO_MEDIA, &[&text::sound(cx.language(), why)]);
        cx.trouble(&format!("silent {id}"), Some(id), title, line);
    }

    /// A neighbour did not answer in time.
    pub(crate) fn overdue(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(call) = self.get(id) else { return };
        match (&call.phase, &call.talk.change) {
            (Phase::Accepted { .. }, _) => self.lost(cx, id, Loss::Unacknowledged),
            (Phase::Completing { .. }, _) => self.unheard(cx, id, &SoundProblem::Slow),
            (Phase::Up, Change::Sent) => {
                cx.out.media(MediaCommand::Withdraw { call: id });
                self.change_failed(cx, id, "408");
            }
            (Phase::Up, Change::AwaitingAck) => {
                cx.out.media(MediaCommand::Withdraw { call: id });
                self.change_over(cx, id);
            }
            _ => self.refused(cx, id, &SoundProblem::Slow),
        }
    }

    /// Nothing has been heard of them for a while, or they are heard again.
    pub(crate) fn silent(&mut self, cx: &mut Context<'_>, id: CallId, silent: bool) {
        let topic = format!("silent {id}");
        if !silent || !self.get(id).is_some_and(|call| call.heard() && !call.on_hold()) {
            cx.notes.over(&topic);
            return;
        }
        let title = self.label(id, cx.language());
        let line = cx.say(&text::NOTHING_HEARD, &[]);
        cx.trouble(&topic, Some(id), title, line);
    }

    /// Facts about a stream, and keys they pressed, go to listeners.
    pub(crate) fn facts(&mut self, cx: &mut Context<'_>, call: CallId, facts: StreamFacts) {
        if self.map.contains_key(&call) {
            cx.out.notice(Notice::Media { call, facts });
        }
    }

    /// They pressed a key.
    pub(crate) fn digit(&mut self, cx: &mut Context<'_>, call: CallId, digit: char) {
        if self.get(call).is_some_and(Call::heard) {
            cx.out.notice(Notice::Digit { call, digit });
        }
    }
}
