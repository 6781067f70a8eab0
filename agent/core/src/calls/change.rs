//! Hold and resume: what the user wants and what the other side agreed to are brought together by re-INVITEs.

use super::board::{AUDIO, Calls, WIRE};
use crate::{
    call::{Call, Change, Talk},
    context::Context,
    id::{AccountId, CallId},
    journal::Direction,
    port::{
        media::{Flow, MediaCommand, SoundProblem},
        sip::{Reject, SipCommand},
    },
    text,
    timers::Deadline,
};
use std::{net::IpAddr, time::Duration};

impl Calls {
    /// Puts every other call that talks on hold.
    pub(super) fn hold_others(&mut self, cx: &mut Context<'_>, except: CallId) {
        let together = self.get(except).is_some_and(|call| call.joined);
        let talks = |call: &&Call| {
            let apart = call.id != except && !(together && call.joined) && !call.sent_on;
            apart && call.up() && !call.talk.want_hold
        };
        let others: Vec<CallId> = self.engaged().filter(talks).map(|call| call.id).collect();
        for id in others {
            if let Some(call) = self.call(id) {
                call.talk.want_hold = true;
            }
            self.drive(cx, id);
        }
    }

    /// The user holds a call: the microphone is cut at once, whatever the other side says to it.
    pub(crate) fn hold(&mut self, cx: &mut Context<'_>, id: CallId) {
        if let Some(call) = self.call(id) {
            call.talk.want_hold = true;
        }
        cx.notes.over(&format!("silent {id}"));
        if self.focus == Some(id) {
            self.set_focus(cx, None);
        }
        self.drive(cx, id);
        self.notify(cx, id);
        // The rest of a conference goes on.
        self.settle_focus(cx);
    }

    /// The user takes a call off hold: the one that talks is held first. A conference that waits as a whole comes back as
    /// one.
    pub(crate) fn resume(&mut self, cx: &mut Context<'_>, id: CallId) {
        self.take_back(cx, id);
        if self.get(id).is_some_and(|call| call.joined && !self.joins_in(call)) {
            return self.resume_all(cx, id);
        }
        self.hold_others(cx, id);
        if let Some(call) = self.call(id) {
            call.talk.want_hold = false;
        }
        self.turn_to(cx, id);
        self.drive(cx, id);
        self.notify(cx, id);
    }

    /// Begins the change that is due, if none is under way: theirs first, then ours.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(call) = self.call(id).filter(|call| call.up()) else { return };
        let talk = &mut call.talk;
        if talk.change != Change::None {
            return;
        }
        let held = talk.held();
        if let Some(offer) = talk.theirs.take() {
            let (local, flow) = (call.local, Talk::wanted(held));
            talk.change = if offer.is_some() { Change::Accepting } else { Change::OfferingBack };
            cx.out.media(match offer {
                Some(offer) => MediaCommand::Accept { call: id, local, offer, flow },
                None => MediaCommand::Reoffer { call: id, flow },
            });
            cx.after(Deadline::Step(id), AUDIO);
        } else if (talk.want_hold != held || talk.moved || talk.refresh) && !talk.backing_off {
            // Any change is a sign of life as well.
            talk.refresh = false;
            talk.refreshing = talk.want_hold == held && !talk.moved;
            talk.change = Change::Offering;
            talk.asked_hold = talk.want_hold;
            talk.moving = std::mem::take(&mut talk.moved);
            cx.out.media(MediaCommand::Reoffer { call: id, flow: Talk::wanted(talk.want_hold) });
            cx.after(Deadline::Step(id), AUDIO);
        }
    }

    /// No change is under way any more; the next one may begin.
    pub(super) fn change_over(&mut self, cx: &mut Context<'_>, id: CallId) {
        if let Some(call) = self.call(id) {
            call.talk.change = Change::None;
            call.talk.refreshing = false;
        }
        cx.timers.clear(Deadline::Step(id));
        self.drive(cx, id);
        self.hand_over_next(cx, id);
    }

    /// The session wants a sign of life.
    pub(crate) fn refresh(&mut self, cx: &mut Context<'_>, id: CallId) {
        if let Some(call) = self.call(id) {
            call.talk.refresh = true;
            self.drive(cx, id);
        }
    }

    /// Our change came to nothing: what is shown goes back to what is true. One that asked for nothing new is no news.
    pub(super) fn change_failed(&mut self, cx: &mut Context<'_>, id: CallId, why: &str) {
        if self.get(id).is_some_and(|call| call.talk.refreshing) {
            return self.change_over(cx, id);
        }
        let label = self.label(id, cx.language());
        let Some(call) = self.call(id) else { return };
        let moving = std::mem::take(&mut call.talk.moving) && call.talk.asked_hold == call.talk.held();
        let phrase = match (moving, call.talk.asked_hold) {
            (true, _) => &text::network::MOVE_FAILED,
            (false, true) => &text::HOLD_FAILED,
            (false, false) => &text::RESUME_FAILED,
        };
        call.talk.want_hold = call.talk.held();
        let held = call.talk.held();
        let line = cx.say(phrase, &[&label, why]);
        cx.error(line.clone());
        let title = cx.say(&text::TROUBLE, &[]);
        cx.inform(Some(id), title, line);
        if held && self.focus == Some(id) {
            self.set_focus(cx, None);
        }
        self.change_over(cx, id);
        self.settle_focus(cx);
        self.notify(cx, id);
    }

    /// What flows from now on. A hold of ours that was not agreed to is none; a resume of ours is one whatever they let
    /// through; a change of theirs leaves ours as it was.
    pub(super) fn agreed(&mut self, cx: &mut Context<'_>, id: CallId, flow: Flow) {
        let Some(call) = self.call(id) else { return };
        let talk = &mut call.talk;
        let ours = talk.change == Change::Completing;
        talk.flow = flow;
        talk.moving &= !ours;
        if ours {
            talk.refresh = false;
            talk.hold = talk.asked_hold && matches!(flow, Flow::SendOnly | Flow::Inactive);
            if talk.hold != talk.asked_hold {
                talk.want_hold = talk.hold;
            }
        }
        let silent = talk.held() && talk.want_hold;
        if call.on_hold() {
            cx.notes.over(&format!("silent {id}"));
        }
        if silent && self.focus == Some(id) {
            self.set_focus(cx, None);
        }
        self.change_over(cx, id);
        self.settle_focus(cx);
        self.notify(cx, id);
    }

    /// Their change came to nothing: they are told, the session stands.
    pub(super) fn refuse_theirs(&mut self, cx: &mut Context<'_>, id: CallId, why: &SoundProblem) {
        cx.out.sip(SipCommand::AnswerReoffer { call: id, answer: Err(Reject::from(why)) });
        self.change_over(cx, id);
    }

    /// We are reached at another address over this account. Sound leaves from there at once; the other side is told as soon
    /// as the session may be changed (RFC 3264 section 8.3.1), so that it finds us again.
    pub(crate) fn moved(
        &mut self,
        cx: &mut Context<'_>,
        account: AccountId,
        (before, local): (IpAddr, IpAddr),
    ) {
        let follows = |call: &&mut Call| {
            // Of the other family they would not understand us: their own address is of this one.
            call.account == account && call.local == before && before.is_ipv4() == local.is_ipv4()
        };
        let mut ids = Vec::new();
        for call in self.map.values_mut().filter(follows) {
            call.local = local;
            if !call.ringing() {
                call.talk.moved = true;
                cx.out.media(MediaCommand::Move { call: call.id, local });
                ids.push(call.id);
            }
        }
        ids.into_iter().for_each(|id| self.drive(cx, id));
    }

    /// Waits before a crossed re-INVITE is sent again: 2.1 to 4 s for who made the Call-ID, 0 to 2 s for the other, in
    /// steps of 10 ms (RFC 3261 section 14.1). The clock's last digits do for chance.
    pub(super) fn back_off(&mut self, cx: &mut Context<'_>, id: CallId) {
        let chance = u64::try_from(cx.now.wall.0.rem_euclid(191)).unwrap_or_default();
        let Some(call) = self.call(id) else { return };
        call.talk.backing_off = true;
        call.talk.put_off();
        let millis = match call.direction {
            Direction::Outgoing => 2100 + chance * 10,
            Direction::Incoming => 10 + chance * 10,
        };
        cx.after(Deadline::Retry(id), Duration::from_millis(millis));
    }

    /// The wait is over.
    pub(crate) fn retry(&mut self, cx: &mut Context<'_>, id: CallId) {
        if let Some(call) = self.call(id) {
            call.talk.backing_off = false;
        }
        self.drive(cx, id);
    }

    /// Our offer for a session that stands is written: it goes out, unless theirs came first.
    pub(super) fn offered_again(&mut self, cx: &mut Context<'_>, id: CallId, offer: crate::party::Sdp) {
        let Some(call) = self.call(id) else { return };
        match call.talk.change {
            Change::Offering if call.talk.theirs.is_some() => {
                call.talk.put_off();
                cx.out.media(MediaCommand::Withdraw { call: id });
                self.change_over(cx, id);
            }
            Change::Offering => {
                call.talk.change = Change::Sent;
                cx.out.sip(SipCommand::Reoffer { call: id, offer });
                cx.after(Deadline::Step(id), WIRE);
            }
            Change::OfferingBack => {
                call.talk.change = Change::AwaitingAck;
                cx.out.sip(SipCommand::AnswerReoffer { call: id, answer: Ok(offer) });
                cx.after(Deadline::Step(id), WIRE);
            }
            _ => {}
        }
    }
}
