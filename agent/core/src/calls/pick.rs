//! Which call the user means when none is named, and why none fits.

use super::board::Calls;
use crate::{
    action::{Action, Refusal, RefusalCode, Reply},
    call::{Call, title},
    context::Context,
    id::CallId,
    notes::Words,
    text::{self, Phrase},
    view::{Button, ToastKind},
};

/// The most keys sent at once.
const MOST_KEYS: usize = 64;

/// What the toast with a call's keys is about.
pub(super) fn keys_topic(call: CallId) -> String {
    format!("keys {call}")
}

type Done = Result<Reply, Refusal>;

impl Calls {
    /// Answers the call named, or the only one that rings.
    pub(crate) fn ask_answer(&mut self, cx: &mut Context<'_>, call: Option<CallId>) -> Done {
        let id = self.pick_ringing(cx, call)?;
        self.answer(cx, id);
        Ok(Reply::Call { call: id, number: None })
    }

    /// Refuses the call named, or the only one that rings.
    pub(crate) fn ask_decline(&mut self, cx: &mut Context<'_>, call: Option<CallId>) -> Done {
        let id = self.pick_ringing(cx, call)?;
        self.decline(cx, id);
        Ok(Reply::Call { call: id, number: None })
    }

    /// Ends the call named, the one that has the microphone, or the only one there is.
    pub(crate) fn ask_hangup(&mut self, cx: &mut Context<'_>, call: Option<CallId>) -> Done {
        if call.is_none() && self.map.is_empty() && self.stop_tone(cx) {
            return Ok(Reply::Done);
        }
        let id = match call.or(self.focus) {
            Some(id) => self.known(cx, id)?,
            None => self.only(cx, self.map.values().collect(), &text::NO_CALL)?,
        };
        self.hang_up(cx, id);
        Ok(Reply::Call { call: id, number: None })
    }

    /// Holds the call named, the one that has the microphone, or the only one that talks.
    pub(crate) fn ask_hold(&mut self, cx: &mut Context<'_>, call: Option<CallId>) -> Done {
        let id = self.pick_up(cx, call, |c| !c.talk.want_hold)?;
        if self.get(id).is_some_and(|c| c.talk.want_hold) {
            return Err(cx.refusal(
                RefusalCode::NoCall,
                &text::CALL_IS_HELD,
                &[&self.label(id, cx.language())],
            ));
        }
        self.hold(cx, id);
        Ok(Reply::Call { call: id, number: None })
    }

    /// Gives the microphone to the call named, or to the only one that talks without it: a held one is taken off hold,
    /// and one whose hold the PBX refused is simply turned to.
    pub(crate) fn ask_resume(&mut self, cx: &mut Context<'_>, call: Option<CallId>) -> Done {
        let id = match call {
            Some(id) => self.named_up(cx, id)?,
            None => {
                let held: Vec<&Call> = self.engaged().filter(|c| c.up() && c.talk.want_hold).collect();
                let waiting = self.engaged().filter(|c| c.up() && self.waits(c));
                let fitting = if held.is_empty() { waiting.collect() } else { held };
                self.only(cx, fitting, &text::NOTHING_HELD)?
            }
        };
        if !self.get(id).is_some_and(|c| self.waits(c)) {
            return Err(cx.refusal(
                RefusalCode::NoCall,
                &text::CALL_NOT_HELD,
                &[&self.label(id, cx.language())],
            ));
        }
        self.resume(cx, id);
        Ok(Reply::Call { call: id, number: None })
    }

    /// Sends silence, or speech again.
    pub(crate) fn ask_mute(&mut self, cx: &mut Context<'_>, on: Option<bool>) -> Done {
        if self.engaged.is_empty() {
            return Err(cx.refusal(RefusalCode::NoCall, &text::NO_CALL, &[]));
        }
        self.set_muted(cx, on.unwrap_or(!self.muted));
        Ok(Reply::Done)
    }

    /// Sends keys over the call named, or the one that has the microphone.
    pub(crate) fn ask_dtmf(&mut self, cx: &mut Context<'_>, call: Option<CallId>, digits: &str) -> Done {
        let keys: String = digits.chars().filter(|c| !c.is_whitespace()).take(MOST_KEYS + 1).collect();
        let keys = keys.to_ascii_uppercase();
        let known = keys.bytes().all(|b| b.is_ascii_digit() || b"*#ABCD".contains(&b));
        if keys.is_empty() || keys.len() > MOST_KEYS || !known {
            return Err(cx.refusal(RefusalCode::NotANumber, &text::KEYS_UNKNOWN, &[&MOST_KEYS.to_string()]));
        }
        let id = match call.or(self.focus) {
            Some(id) => self.known(cx, id)?,
            None => self.only(cx, self.engaged().filter(|c| c.heard()).collect(), &text::NOTHING_TALKS)?,
        };
        if !self.get(id).is_some_and(Call::heard) {
            return Err(cx.refusal(RefusalCode::NoCall, &text::CALL_NOT_UP, &[&id.to_string()]));
        }
        if self.get(id).is_some_and(|call| call.keys.as_deref() == Some(keys.as_str())) {
            cx.notes.over(&keys_topic(id));
        }
        self.send_keys(cx, id, keys);
        Ok(Reply::Call { call: id, number: None })
    }

    /// Keys that stood behind the number dialled are there at a click, from the answer to the end of the call.
    pub(super) fn offer_keys(&self, cx: &mut Context<'_>, id: CallId) {
        let Some(call) = self.get(id) else { return };
        let Some(keys) = call.keys.clone() else { return };
        let words = Words {
            // It stands until it is answered, and asks no less than a question does.
            kind: ToastKind::Question,
            call: Some(id),
            title: title(call, cx.language()),
            line: cx.say(&text::EXTENSION_WAITS, &[&keys]),
            buttons: vec![Button {
                text: cx.say(&text::SEND_KEYS, &[&keys]),
                action: Action::Dtmf { call: Some(id), digits: keys },
            }],
        };
        cx.notes.put(words, Some(keys_topic(id)), None);
    }

    pub(super) fn pick_ringing(&self, cx: &Context<'_>, call: Option<CallId>) -> Result<CallId, Refusal> {
        match call {
            Some(id) if self.ringing.contains(&id) => Ok(id),
            Some(id) => {
                let phrase =
                    if self.map.contains_key(&id) { &text::CALL_NOT_RINGING } else { &text::CALL_GONE };
                Err(cx.refusal(RefusalCode::NoCall, phrase, &[&id.to_string()]))
            }
            None if self.ringing.is_empty() => Err(cx.refusal(RefusalCode::NoCall, &text::NO_RINGING, &[])),
            None => self.only(cx, self.ringing().collect(), &text::NO_RINGING),
        }
    }

    pub(super) fn pick_up(
        &self,
        cx: &Context<'_>,
        call: Option<CallId>,
        fits: fn(&Call) -> bool,
    ) -> Result<CallId, Refusal> {
        match call {
            Some(id) => self.named_up(cx, id),
            None => match self.focus.and_then(|id| self.get(id)).filter(|c| c.up()) {
                Some(call) => Ok(call.id),
                None => {
                    let fitting = self.engaged().filter(|c| c.up() && fits(c)).collect();
                    self.only(cx, fitting, &text::NOTHING_TALKS)
                }
            },
        }
    }

    pub(super) fn named_up(&self, cx: &Context<'_>, id: CallId) -> Result<CallId, Refusal> {
        let id = self.known(cx, id)?;
        if self.get(id).is_some_and(Call::up) {
            return Ok(id);
        }
        Err(cx.refusal(RefusalCode::NoCall, &text::CALL_NOT_UP, &[&id.to_string()]))
    }

    fn known(&self, cx: &Context<'_>, id: CallId) -> Result<CallId, Refusal> {
        if self.map.contains_key(&id) {
            return Ok(id);
        }
        Err(cx.refusal(RefusalCode::NoCall, &text::CALL_GONE, &[&id.to_string()]))
    }

    /// The one that fits; `none` says why there are calls and none of them does.
    pub(super) fn only(
        &self,
        cx: &Context<'_>,
        fitting: Vec<&Call>,
        none: &Phrase,
    ) -> Result<CallId, Refusal> {
        match fitting[..] {
            [] if self.map.is_empty() => Err(cx.refusal(RefusalCode::NoCall, &text::NO_CALL, &[])),
            [] => Err(cx.refusal(RefusalCode::NoCall, none, &[])),
            [call] => Ok(call.id),
            _ => {
                let name = |c: &&Call| format!("{} ({})", c.id, title(c, cx.language()));
                let names: Vec<String> = fitting.iter().take(10).map(name).collect();
                Err(cx.refusal(RefusalCode::Ambiguous, &text::SEVERAL, &[&names.join(", ")]))
            }
        }
    }
}
