//! A call arrives: 180 first, then toast, lookup, journal; and the user's answer or refusal.

use super::{
    board::{AUDIO, Calls},
    turned::{self, Turned},
};
use crate::{
    action::Switch,
    call::{Begin, Call, Phase, RingOffer},
    context::Context,
    id::{AccountId, CallId},
    journal::{Direction, Outcome},
    party::{Party, Sdp},
    port::{
        host::HostCommand,
        media::{Flow, MediaCommand, SoundProblem},
        sip::{Circumstances, ForwardReason, Reject, SipCommand},
    },
    timers::Deadline,
};
use std::{net::IpAddr, time::Duration};

/// What sends calls on that nobody answers.
const UNANSWERED: Switch = Switch::ForwardNoAnswer;

/// What an INVITE says.
pub(crate) struct Invite {
    pub call: CallId,
    pub account: AccountId,
    pub party: Party,
    pub called: String,
    pub local: IpAddr,
    pub offer: Option<Sdp>,
    pub with: Circumstances,
    pub unfit: Option<SoundProblem>,
}

impl Calls {
    /// A call came in: it rings, or is told that we are busy, or that there is no sound for it. The latter must not ring
    /// first, for nobody could answer it; but that somebody tried is worth knowing, so that it counts as missed.
    pub(crate) fn incoming(&mut self, cx: &mut Context<'_>, invite: Invite, quitting: bool) {
        let id = invite.call;
        if self.map.contains_key(&id) {
            return;
        }
        let invite = if quitting { Some(invite) } else { self.take_place(cx, invite) };
        let Some(invite) = invite else { return };
        let mut call = Call::new(Begin {
            id,
            account: invite.account,
            direction: Direction::Incoming,
            party: invite.party,
            called: Some(invite.called).filter(|c| !c.is_empty()),
            local: invite.local,
            phase: Phase::Ringing { offer: invite.offer },
            toast: cx.notes.id(),
            started: cx.now.wall,
        });
        call.unfit = invite.unfit;
        call.written = self.is_written(cx);
        call.with = invite.with;
        let turned = self.turned_away(cx, &call, quitting);
        call.cause = turned.as_ref().and_then(Turned::cause);
        if let Some(turned) = turned {
            let outcome = turned::outcome(call.cause);
            cx.out.sip(turned.answer(&call));
            self.map.insert(id, call);
            self.ringing.insert(id);
            self.identify(cx, id);
            self.finish(cx, id, outcome);
            return;
        }
        self.map.insert(id, call);
        self.ringing.insert(id);
        self.ring(cx, id);
        let calls = &cx.settings.calls;
        let mut patience = calls.ring_seconds;
        if let Some(call) = self.call(id)
            && Self::sent_on_here(cx, call, UNANSWERED).is_some()
        {
            patience = patience.min(calls.forward_seconds);
            call.rings_on = calls.ring_seconds - patience;
        }
        cx.after(Deadline::Ring(id), Duration::from_secs(u64::from(patience)));
        self.heed(cx, id);
        self.fresh.push_back((cx.now, id));
    }

    /// 180; with an offer of ours, once the audio has written it, where they want one to acknowledge it with.
    fn ring(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(call) = self.call(id) else { return };
        if call.with.rings_with_offer && matches!(call.phase, Phase::Ringing { offer: None }) {
            call.ring_offer = RingOffer::Asked;
            cx.out.media(MediaCommand::Offer { call: id, local: call.local });
        } else {
            cx.out.sip(SipCommand::Ring { call: id });
        }
    }

    /// The oldest call that rings and was not introduced yet, and when it came.
    pub(crate) fn next_fresh(&mut self) -> Option<(crate::time::Now, CallId)> {
        self.fresh.pop_front()
    }

    /// Everything about a call that may wait until its 180 is out.
    pub(crate) fn introduce(&mut self, cx: &mut Context<'_>, id: CallId) {
        self.identify(cx, id);
        self.ask_plugins(cx, id);
        self.record(cx, id);
    }

    fn identify(&mut self, cx: &mut Context<'_>, id: CallId) {
        if let Some(call) = self.call(id) {
            call.number = cx.numbers.caller(&call.party);
        }
    }

    pub(super) fn ask_plugins(&mut self, cx: &mut Context<'_>, id: CallId) {
        let within = Duration::from_millis(u64::from(cx.settings.calls.lookup_ms));
        let Some(call) = self.call(id) else { return };
        let Some(number) = call.number.lookup.clone() else { return };
        call.lookup.start();
        let name = call.party.name.clone();
        cx.out.host(HostCommand::Lookup { call: id, direction: call.direction, number, name });
        cx.after(Deadline::Lookup(id), within);
    }

    /// The user takes a ringing call. Another one that talks is held first.
    pub(crate) fn answer(&mut self, cx: &mut Context<'_>, id: CallId) -> bool {
        if !self.get(id).is_some_and(Call::ringing) {
            return false;
        }
        self.begin_with(cx, id);
        let answered = self.take(cx, id);
        self.notify(cx, id);
        answered
    }

    /// Takes a ringing call without giving it the microphone: it gets that when it stands, if nobody has it by then.
    pub(super) fn take(&mut self, cx: &mut Context<'_>, id: CallId) -> bool {
        let Some(call) = self.call(id) else { return false };
        let Phase::Ringing { offer } = &mut call.phase else { return false };
        let offer = offer.take();
        let rung = std::mem::take(&mut call.ring_offer);
        call.phase = Phase::Answering { ours: offer.is_none() };
        // Whoever was talked to has a line of the journal.
        call.written = true;
        let local = call.local;
        cx.timers.clear(Deadline::Ring(id));
        cx.timers.clear(Deadline::Auto(id));
        cx.after(Deadline::Step(id), AUDIO);
        self.engage(id);
        self.stop_tone(cx);
        match (offer, rung) {
            (Some(offer), _) => {
                cx.out.media(MediaCommand::Accept { call: id, local, offer, flow: Flow::SendRecv });
            }
            (None, RingOffer::None) => cx.out.media(MediaCommand::Offer { call: id, local }),
            // The audio is at it.
            (None, RingOffer::Asked) => {}
            (None, RingOffer::Made(sdp)) => self.offered(cx, id, sdp),
        }
        true
    }

    /// The user refuses a ringing call.
    pub(crate) fn decline(&mut self, cx: &mut Context<'_>, id: CallId) -> bool {
        if !self.get(id).is_some_and(Call::ringing) {
            return false;
        }
        cx.out.sip(SipCommand::Reject { call: id, why: Reject::Decline });
        self.finish(cx, id, Outcome::Declined);
        true
    }

    /// It has rung long enough, here or there.
    pub(crate) fn rung_out(&mut self, cx: &mut Context<'_>, id: CallId) {
        match self.get(id).map(Call::ringing) {
            Some(true) => {
                let Some(call) = self.call(id) else { return };
                let on = Self::sent_on_here(cx, call, UNANSWERED);
                let left = std::mem::take(&mut call.rings_on);
                if on.is_none() && left > 0 {
                    // The forwarding was taken back meanwhile.
                    return cx.after(Deadline::Ring(id), Duration::from_secs(u64::from(left)));
                }
                let turned = match on {
                    Some(to) => Turned::On { to, why: ForwardReason::NoAnswer },
                    None => Turned::Away(Reject::Unavailable, None),
                };
                call.cause = turned.cause();
                let outcome = turned::outcome(call.cause);
                cx.out.sip(turned.answer(call));
                self.finish(cx, id, outcome);
            }
            Some(false) => self.hang_up(cx, id),
            None => {}
        }
    }
}
