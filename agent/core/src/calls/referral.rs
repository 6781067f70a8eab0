//! Calls that others hand over: the one we are sent to, and the one that takes another's place.

use super::{
    begin::Invite,
    board::{AUDIO, Calls},
};
use crate::{
    action::{Notice, Source},
    call::{Begin, Call, Phase},
    context::Context,
    handover::{Errand, TransferStep},
    id::{AccountId, CallId},
    journal::Direction,
    number::kind::{CallerNumber, Understood},
    party::{Party, Sdp},
    port::{
        media::{Flow, MediaCommand},
        sip::{
            SipCommand, TransferCommand,
            transfer::{Referred, Wish},
        },
    },
    text::transfer as words,
    timers::Deadline,
};
use std::{net::IpAddr, time::Duration};

/// Who sent us on hangs up when he hears that it worked; if he does not, we do.
const LINGER: Duration = Duration::from_secs(10);

impl Calls {
    /// Calls whom the other side of `of` names. That call keeps as it is: who leaves need not be told to wait.
    pub(crate) fn follow(
        &mut self,
        cx: &mut Context<'_>,
        of: CallId,
        (target, nobody): (&Referred, bool),
    ) -> Option<CallId> {
        let (line, withhold) =
            self.get(of).filter(|call| call.up()).map(|call| ((call.account, call.local), call.withhold))?;
        let id = self.go_where_asked(cx, line, (target, Wish::Call(of)), (withhold, nobody));
        if let Some(old) = self.call(of) {
            old.sent_on = true;
            // What it was on hold for is over: it is the user's again when the new one fails.
            old.leaving = None;
        }
        self.set_out(cx, id);
        cx.out.notice(Notice::Transfer { call: of, transfer: TransferStep::Sent { to: id } });
        let (who, whom) = (self.label(of, cx.language()), self.shown(id));
        let line = cx.say(&words::SENT_ON, &[&who, &whom]);
        cx.inform(Some(id), whom, line);
        Some(id)
    }

    /// Calls whom the PBX asked us to call.
    pub(crate) fn follow_pbx(
        &mut self,
        cx: &mut Context<'_>,
        line: (AccountId, IpAddr),
        (target, request): (&Referred, u64),
        nobody: bool,
    ) -> CallId {
        let id = self.go_where_asked(cx, line, (target, Wish::Request(request)), (false, nobody));
        self.set_out(cx, id);
        let (title, line) = (self.shown(id), cx.say(&words::REMOTE_DIAL, &[]));
        cx.inform(Some(id), title, line);
        id
    }

    fn shown(&self, id: CallId) -> String {
        self.get(id).map(|call| call.number.shown.clone()).unwrap_or_default()
    }

    /// A call of ours that follows somebody's wish; it has not set out yet.
    fn go_where_asked(
        &mut self,
        cx: &mut Context<'_>,
        (account, local): (AccountId, IpAddr),
        (target, wish): (&Referred, Wish),
        (withhold, nobody): (bool, bool),
    ) -> CallId {
        let id = self.next_id();
        let mut call = Call::new(Begin {
            id,
            account,
            direction: Direction::Outgoing,
            party: referred(target),
            called: None,
            local,
            phase: Phase::Offering { target: target.uri.clone() },
            toast: cx.notes.id(),
            started: cx.now.wall,
        });
        call.withhold = withhold;
        call.number = cx.numbers.caller(&call.party);
        let by = self.instead(cx, account, target, (withhold && !nobody, call.number.internal));
        call.errand = Some(Errand::Follow(wish, by));
        if nobody {
            // Nobody's record is behind a code or an emergency number.
            call.number.lookup = None;
        }
        // Our own extension of that number is somebody else.
        let stranger = !target.home && !target.phone && call.number.internal;
        if call.number.shown.is_empty() || stranger {
            call.number =
                CallerNumber { lookup: None, shown: crate::plain::plain(&target.uri), internal: false };
        }
        self.map.insert(id, call);
        self.engaged.insert(id);
        id
    }

    /// It sets out.
    fn set_out(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(local) = self.get(id).map(|call| call.local) else { return };
        self.stop_tone(cx);
        self.begin_with(cx, id);
        cx.out.media(MediaCommand::Offer { call: id, local });
        cx.after(Deadline::Step(id), AUDIO);
        self.ask_plugins(cx, id);
        self.record(cx, id);
    }

    /// What is called in place of the address they gave. A phone that is named by its own address is asked for at our PBX, which
    /// knows where it is (and calls nobody if it was another: what it is to replace is not there). Who hides the number has
    /// it hidden by the PBX's own code, too, as when the call is dialled by hand.
    fn instead(
        &self,
        cx: &Context<'_>,
        account: AccountId,
        target: &Referred,
        (hidden, internal): (bool, bool),
    ) -> Option<String> {
        if internal {
            return target.phone.then(|| target.number.clone());
        }
        if !hidden || !target.home || target.replaces {
            return None;
        }
        match cx.numbers.understand(&target.number, Source::Typed) {
            Understood::Dial(number) if number.extension.is_none() => Self::hiding(cx, account, &number),
            _ => None,
        }
    }

    /// A call of ours that is answered with another address goes there.
    pub(crate) fn go_elsewhere(&self, cx: &mut Context<'_>, id: CallId, to: &Referred) {
        let Some(call) = self.get(id) else { return };
        let internal = cx.numbers.caller(&referred(to)).internal;
        // Who calls for help is found.
        let hidden = call.withhold && call.help.is_none();
        let target = self.instead(cx, call.account, to, (hidden, internal));
        cx.out.sip(SipCommand::Transfer(TransferCommand::Redirect { call: id, follow: true, target }));
    }

    /// The offer of a call that was begun for something is written.
    pub(super) fn errand_offered(&mut self, cx: &mut Context<'_>, id: CallId, target: String, offer: Sdp) {
        let Some(call) = self.call(id) else { return };
        let (account, withhold) = (call.account, call.withhold);
        cx.out.sip(match &call.errand {
            Some(Errand::Follow(wish, by)) => SipCommand::Transfer(TransferCommand::Follow {
                call: id,
                account,
                wish: *wish,
                target: by.clone(),
                offer,
                withhold,
            }),
            Some(Errand::Pickup(dialog)) => {
                let dialog = dialog.clone();
                SipCommand::Transfer(TransferCommand::Pickup { call: id, account, target, dialog, offer })
            }
            _ => SipCommand::Invite { call: id, account, target, offer, withhold },
        });
    }

    /// A call that follows somebody's wish stands: the other one has done its part.
    pub(super) fn arrived(&mut self, cx: &mut Context<'_>, id: CallId) {
        if let Some(Errand::Follow(Wish::Call(of), _)) = self.get(id).and_then(|call| call.errand.clone())
            && self.get(of).is_some_and(|call| call.sent_on)
        {
            cx.after(Deadline::Transfer(of), LINGER);
        }
    }

    /// A call that followed somebody's wish is over before it stood, or the wish is: nothing leads from one to the other.
    pub(super) fn unfollow(&mut self, cx: &mut Context<'_>, call: &Call) {
        let Some(Errand::Follow(wish, _)) = call.errand else { return };
        if call.answered.is_some() {
            return;
        }
        let there = match wish {
            Wish::Call(of) => {
                if let Some(old) = self.call(of) {
                    old.sent_on = false;
                }
                self.map.contains_key(&of)
            }
            Wish::Request(_) => true,
        };
        if matches!(call.phase, Phase::Offering { .. }) && there {
            // Nothing of it was on the wire, so that nobody there could tell them.
            cx.out.sip(SipCommand::Transfer(TransferCommand::Refuse { wish }));
        }
    }

    /// The next call told as `Incoming` takes another's place.
    pub(crate) fn replacing(&mut self, call: CallId, old: CallId) {
        self.replacing = Some((call, old));
    }

    /// A call that comes in and takes the place of one that stands: answered without a ring. `None`: it does not, and is
    /// given back.
    pub(super) fn take_place(&mut self, cx: &mut Context<'_>, invite: Invite) -> Option<Invite> {
        let Some((_, old)) = self.replacing.take_if(|(call, _)| *call == invite.call) else {
            return Some(invite);
        };
        // Who holds it keeps it on hold: the microphone goes to nobody unasked.
        let Some(held) = self.get(old).filter(|_| invite.unfit.is_none()).map(|old| old.talk.want_hold)
        else {
            return Some(invite);
        };
        let (id, local) = (invite.call, invite.local);
        let mut call = Call::new(Begin {
            id,
            account: invite.account,
            direction: Direction::Incoming,
            party: invite.party,
            called: Some(invite.called).filter(|called| !called.is_empty()),
            local,
            phase: Phase::Answering { ours: invite.offer.is_none() },
            toast: cx.notes.id(),
            started: cx.now.wall,
        });
        call.with = invite.with;
        call.errand = Some(Errand::InPlaceOf(old, held));
        call.joined = self.get(old).is_some_and(|old| old.joined);
        self.map.insert(id, call);
        self.engaged.insert(id);
        cx.after(Deadline::Step(id), AUDIO);
        cx.out.media(match invite.offer {
            Some(offer) => MediaCommand::Accept { call: id, local, offer, flow: Flow::SendRecv },
            None => MediaCommand::Offer { call: id, local },
        });
        self.mix(cx);
        self.fresh.push_back((cx.now, id));
        None
    }

    /// They acknowledged our 200: the call it replaces goes, and what it had is the new one's. Not before, for until then nobody has
    /// shown that they are where the microphone would go (RFC 3261 section 13.3.1.4).
    pub(super) fn placed(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(Errand::InPlaceOf(old, held)) = self.get(id).and_then(|call| call.errand.clone()) else {
            return;
        };
        if !self.map.contains_key(&old) {
            return;
        }
        let (was, is) = (self.label(old, cx.language()), self.label(id, cx.language()));
        cx.out.notice(Notice::Transfer { call: old, transfer: TransferStep::Replaced { by: id } });
        if self.focus == Some(old) || (!held && self.focus.is_none()) {
            self.set_focus(cx, Some(id));
        }
        self.hang_up(cx, old);
        let line = cx.say(&words::TOOK_PLACE, &[&is, &was]);
        cx.inform(Some(id), is, line);
    }
}

/// Whom they name.
fn referred(target: &Referred) -> Party {
    let Referred { number, name, uri, .. } = target.clone();
    Party { number, name, uri, withheld: false }
}
