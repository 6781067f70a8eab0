//! A call is over: how it is named, what is shown and heard, and that nothing of it is kept.

use super::{board::Calls, pick::keys_topic};
use crate::{
    action::{Action, Notice, Source},
    call::{Call, Phase, RingOffer, title},
    context::Context,
    id::CallId,
    journal::{Cause, Direction, Outcome},
    notes::Words,
    port::{
        host::{CallChange, HostCommand},
        media::MediaCommand,
        sip::{CallEnd, Loss, Reject, SipCommand},
    },
    text,
    view::{Button, Sound, ToastKind},
};

impl Calls {
    /// The wire says that a call is over.
    pub(crate) fn ended(&mut self, cx: &mut Context<'_>, id: CallId, end: &CallEnd) {
        let now = cx.now.wall;
        let Some(call) = self.call(id) else { return };
        if call.said_yes() && matches!(end, CallEnd::RemoteHangup | CallEnd::Cancelled { elsewhere: false }) {
            call.answered.get_or_insert(now);
        }
        let outcome = outcome(call, end);
        let outgoing = call.direction == Direction::Outgoing && call.answered.is_none();
        let lost = matches!(end, CallEnd::Lost { .. });
        let title = title(call, cx.language());
        let network = call.network.and_then(|q850| text::identity::cause(cx.language(), q850));
        let talked = call.answered.is_some();
        let help = Self::next_help(call, end);
        if matches!(end, CallEnd::RemoteHangup) {
            self.left(cx, id);
        }
        self.finish(cx, id, outcome);
        if let Some(help) = help {
            return self.help_again(cx, help);
        }
        let line = match end {
            CallEnd::Refused { status, phrase } if outgoing => {
                Some(network.unwrap_or_else(|| refused(cx, *status, phrase)))
            }
            // Who was cut off by the network wants to know that nobody hung up on him.
            CallEnd::RemoteHangup if talked => network,
            CallEnd::RefusedElsewhere if !talked => Some(cx.say(&text::identity::DECLINED_ELSEWHERE, &[])),
            CallEnd::Lost { why, .. } => Some(cx.say(&text::CALL_LOST, &[&text::lost(cx.language(), *why)])),
            _ => None,
        };
        if outgoing && (lost || matches!(end, CallEnd::Refused { .. })) && self.engaged.is_empty() {
            let busy = outcome == Outcome::Busy;
            self.play_tone(cx, if busy { Sound::Busy } else { Sound::Congestion });
        }
        if let Some(line) = line.filter(|_| outcome != Outcome::Missed) {
            cx.inform(None, title, line);
        }
    }

    /// The user ends a call, whatever its state.
    pub(crate) fn hang_up(&mut self, cx: &mut Context<'_>, id: CallId) {
        let now = cx.now.wall;
        let Some(call) = self.call(id) else { return };
        if call.ringing() {
            self.decline(cx, id);
            return;
        }
        if call.said_yes() {
            call.answered.get_or_insert(now);
        }
        let outcome = match (call.direction, call.answered) {
            (_, Some(_)) => Outcome::Answered,
            (Direction::Outgoing, None) => Outcome::NoAnswer,
            (Direction::Incoming, None) => Outcome::Declined,
        };
        let help = call.help.take();
        match call.phase {
            // Before the INVITE is out there is nothing to end on the wire.
            Phase::Offering { .. } => {}
            // No 200 is out yet: the user changed their mind.
            Phase::Answering { .. } => cx.out.sip(SipCommand::Reject { call: id, why: Reject::Decline }),
            _ => cx.out.sip(SipCommand::Hangup { call: id }),
        }
        self.finish(cx, id, outcome);
        // Who calls for help made one call, over however many ways it goes.
        if let Some(help) = help {
            self.end_cry(cx, help.cry);
        }
    }

    /// The wire fell silent in the middle of an answer.
    pub(super) fn lost(&mut self, cx: &mut Context<'_>, id: CallId, why: Loss) {
        cx.out.sip(SipCommand::Hangup { call: id });
        self.ended(cx, id, &CallEnd::Lost { why, detail: String::new() });
    }

    /// The PBX session broke: whatever it carried is over, and there is nobody to say goodbye to.
    pub(crate) fn all_lost(&mut self, cx: &mut Context<'_>) {
        for id in self.without_heirs(cx) {
            self.ended(cx, id, &CallEnd::Lost { why: Loss::Fault, detail: String::new() });
        }
    }

    /// All calls, none of which inherits the microphone from another on the way out.
    fn without_heirs(&mut self, cx: &mut Context<'_>) -> Vec<CallId> {
        let ids: Vec<CallId> = self.map.keys().copied().collect();
        self.set_focus(cx, None);
        for id in &ids {
            if let Some(call) = self.call(*id) {
                call.talk.want_hold = true;
                // Nobody is told of what came of his wish: all of it ends.
                call.errand = None;
            }
        }
        ids
    }

    /// Ends everything: ringing calls are refused, the others hung up.
    pub(crate) fn end_all(&mut self, cx: &mut Context<'_>) {
        self.stop_tone(cx);
        for id in self.without_heirs(cx) {
            if self.ringing.contains(&id) {
                cx.out.sip(SipCommand::Reject { call: id, why: Reject::Unavailable });
                self.finish(cx, id, Outcome::Missed);
            } else {
                self.hang_up(cx, id);
            }
        }
    }

    /// Forgets a call: journal, listeners, plugins and audio are told, and the microphone is free.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>, id: CallId, outcome: Outcome) {
        let Some(call) = self.map.remove(&id) else { return };
        let rang = self.ringing.remove(&id);
        self.engaged.remove(&id);
        self.fresh.retain(|(_, fresh)| *fresh != id);
        cx.timers.clear_call(id);
        cx.notes.over(&format!("silent {id}"));
        cx.notes.over(&keys_topic(id));
        if !rang || !matches!(call.ring_offer, RingOffer::None) {
            cx.out.media(MediaCommand::Stop { call: id });
        }
        if call.written {
            cx.out.journal(call.entry(Some((cx.now.wall, outcome))));
        }
        cx.out.notice(Notice::Call(Box::new(call.status(false, Some(outcome)))));
        if call.number.lookup.is_some() {
            cx.out.host(HostCommand::Cancel { call: id });
        }
        cx.out.host(HostCommand::CallChanged { call: id, what: CallChange::Ended });
        self.unfollow(cx, &call);
        if call.joined {
            self.one_alone(cx);
        }
        if self.focus == Some(id) {
            let heir = self.help_under_way().or_else(|| self.heir());
            self.set_focus(cx, heir);
        }
        // With the last call goes the reason to be silent; with calls on hold, whoever turns to one of them ends it.
        if self.engaged().next().is_none() {
            self.set_muted(cx, false);
        }
        match outcome {
            Outcome::Missed => missed(cx, &call),
            Outcome::Elsewhere => {
                let line = cx.say(&text::ELSEWHERE, &[]);
                cx.inform(None, title(&call, cx.language()), line);
            }
            _ => {}
        }
    }
}

/// Counts a missed call and leaves a toast for it.
fn missed(cx: &mut Context<'_>, call: &Call) {
    cx.notes.count_missed();
    // Who is not to be disturbed is not, by a toast either; the count and the journal tell.
    if call.cause == Some(Cause::DoNotDisturb) {
        return;
    }
    let mut buttons = Vec::new();
    // A caller's number is a stranger's text: it is dialled as a link would be, never unasked when it is a code.
    if let Some(number) = &call.number.lookup {
        let action = Action::Dial {
            text: number.clone(),
            source: Source::Link,
            account: Some(call.account),
            withhold: false,
        };
        buttons.push(Button { text: cx.say(&text::CALL_BACK, &[]), action });
    }
    let page = call.lookup.page().cloned();
    if page.is_some() {
        let action = Action::OpenRecord { call: call.id };
        buttons.push(Button { text: cx.say(&text::OPEN_RECORD, &[]), action });
    }
    let who = title(call, cx.language());
    let company = call.lookup.card().and_then(|c| c.company.clone());
    let number = Some(call.number.shown.clone()).filter(|n| !n.is_empty() && *n != who);
    let claimed = if call.found_name().is_none() { call.claimed_name().filter(|n| *n != who) } else { None };
    let why = match &call.unfit {
        Some(unfit) => Some(text::sound(cx.language(), unfit)),
        None => (call.cause == Some(Cause::Busy)).then(|| cx.say(&text::MISSED_BUSY, &[])),
    };
    let line: Vec<String> = [claimed, company, number, why].into_iter().flatten().collect();
    let title = cx.say(&text::MISSED_FROM, &[&who]);
    let words =
        Words { kind: ToastKind::Missed, call: Some(call.id), title, line: line.join(" · "), buttons };
    cx.notes.put(words, None, page);
}

fn outcome(call: &Call, end: &CallEnd) -> Outcome {
    if call.answered.is_some() {
        return Outcome::Answered;
    }
    let taken = !call.ringing();
    match (call.direction, end) {
        (Direction::Incoming, CallEnd::Cancelled { elsewhere: true }) => Outcome::Elsewhere,
        (Direction::Incoming, CallEnd::RefusedElsewhere) => Outcome::Declined,
        (Direction::Incoming, CallEnd::Lost { .. } | CallEnd::Refused { .. }) if taken => Outcome::Failed,
        (Direction::Incoming, _) => Outcome::Missed,
        (Direction::Outgoing, CallEnd::Refused { status: 486 | 600 | 603, .. }) => Outcome::Busy,
        (Direction::Outgoing, CallEnd::Refused { status: 408 | 480 | 487, .. }) => Outcome::NoAnswer,
        (Direction::Outgoing, CallEnd::Refused { .. } | CallEnd::Lost { .. }) => Outcome::Failed,
        (Direction::Outgoing, _) => Outcome::NoAnswer,
    }
}

fn refused(cx: &Context<'_>, status: u16, phrase: &str) -> String {
    let status_text = status.to_string();
    let filled = [status_text.as_str(), &crate::plain::plain(phrase)];
    match status {
        486 => cx.say(&text::CALL_BUSY, &[]),
        600 => cx.say(&text::identity::BUSY_EVERYWHERE, &[]),
        603 => cx.say(&text::CALL_DECLINED, &[]),
        408 | 480 | 487 => cx.say(&text::CALL_NO_ANSWER, &[]),
        404 | 410 | 484 | 604 => cx.say(&text::CALL_UNKNOWN_NUMBER, &filled),
        _ => cx.say(&text::CALL_REFUSED, &filled),
    }
}
