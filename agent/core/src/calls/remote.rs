//! What the PBX may do with a call of ours where the account lets it: answer it, hold it, and the keys it is sent.

use super::board::Calls;
use crate::{
    call::Call,
    context::Context,
    id::CallId,
    port::{
        media::MediaCommand,
        sip::{PhoneCommand, PhoneEvent, SipCommand},
    },
    settings::{AutoAnswer, Keys},
    text,
    timers::Deadline,
    view::Sound,
};
use std::time::Duration;

impl Calls {
    /// What the PBX tells besides the course of a call.
    pub(crate) fn told(&mut self, cx: &mut Context<'_>, event: &PhoneEvent) {
        match *event {
            PhoneEvent::Cause { call, q850 } => {
                if let Some(call) = self.call(call) {
                    call.network = Some(q850);
                }
            }
            PhoneEvent::Trying { call } => self.help_is_taken(cx, call),
            PhoneEvent::Digit { call, digit } => self.digit(cx, call, digit),
            PhoneEvent::KeysRefused { call, status } => {
                if self.get(call).is_some() {
                    let title = self.label(call, cx.language());
                    let line = cx.say(&text::calls::KEYS_REFUSED, &[&status.to_string()]);
                    cx.inform(None, title, line);
                }
            }
            PhoneEvent::Talk { call } if self.obeys(cx, call) => match self.get(call) {
                Some(of) if of.ringing() => self.answer_itself(cx, call),
                Some(of) if of.up() && of.talk.want_hold => self.resume(cx, call),
                _ => {}
            },
            PhoneEvent::Hold { call } if self.obeys(cx, call) => {
                if self.get(call).is_some_and(|of| of.up() && !of.talk.want_hold) {
                    self.hold(cx, call);
                }
            }
            PhoneEvent::Talk { .. }
            | PhoneEvent::Hold { .. }
            | PhoneEvent::Pbx { .. }
            | PhoneEvent::Refresh { .. }
            | PhoneEvent::Moved { .. } => {}
        }
    }

    /// Whether the registrar may answer and hold this call.
    fn obeys(&self, cx: &Context<'_>, id: CallId) -> bool {
        let account = self.get(id).and_then(|call| cx.account(call.account));
        account.is_some_and(|account| account.auto_answer == AutoAnswer::Registrar)
    }

    /// A call that rings asks to be answered by itself: when its time has come, if the account lets it.
    pub(super) fn heed(&mut self, cx: &mut Context<'_>, id: CallId) {
        let after = self.get(id).and_then(|call| call.with.auto_answer);
        if let Some(after) = after.filter(|_| self.obeys(cx, id)) {
            cx.after(Deadline::Auto(id), Duration::from_secs(u64::from(after)));
        }
    }

    /// Answers a call that nobody took by hand, with a beep and a word. Never over somebody who is talked to: what is said
    /// there is not for whoever calls.
    pub(crate) fn answer_itself(&mut self, cx: &mut Context<'_>, id: CallId) {
        if !self.get(id).is_some_and(Call::ringing) || self.engaged().next().is_some() {
            return;
        }
        // Before their ACK nobody has shown that they are where the sound would go (RFC 3261 section 13.3.1.4): the
        // microphone waits for it.
        if self.take(cx, id) {
            self.notify(cx, id);
            self.play_tone(cx, Sound::Beep);
            let title = self.label(id, cx.language());
            let line = cx.say(&text::calls::ANSWERED_ITSELF, &[]);
            cx.inform(Some(id), title, line);
        }
    }

    /// The audio says whether they know keys as telephone-events.
    pub(crate) fn events_known(&mut self, id: CallId, known: bool) {
        if let Some(call) = self.call(id) {
            call.events = known;
        }
    }

    /// Sends keys in the way of the account.
    pub(super) fn send_keys(&mut self, cx: &mut Context<'_>, id: CallId, digits: String) {
        let Some(call) = self.get(id) else { return };
        let way = cx.account(call.account).map(|account| account.dtmf).unwrap_or_default();
        let usual = cx.lines.profile(cx.settings, call.account).and_then(|(_, it)| it.quirks.dtmf);
        let way = usual.filter(|_| way == Keys::Auto).unwrap_or(way);
        let relay = match way {
            Keys::Auto if call.events => None,
            Keys::Rfc4733 => None,
            Keys::Auto | Keys::InfoRelay => Some(true),
            Keys::Info => Some(false),
        };
        match relay {
            Some(relay) => {
                cx.out.sip(SipCommand::Phone(PhoneCommand::Digits { call: id, digits, relay }));
            }
            None => cx.out.media(MediaCommand::Digits { call: id, digits }),
        }
    }
}
