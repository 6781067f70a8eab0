//! The table of calls, the microphone's place, and the order in which they are looked up.

use super::flood::Flood;
use crate::{
    action::Notice,
    call::{Call, title},
    context::Context,
    id::CallId,
    port::media::MediaCommand,
    settings::Language,
    time::Now,
    timers::Deadline,
    view::Sound,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

/// How long the audio may take to answer.
pub(super) const AUDIO: Duration = Duration::from_secs(5);
/// How long the wire may take: longer than any transaction (RFC 3261 section 17, 64*T1 = 32 s), so that SIP's own word
/// comes first.
pub(super) const WIRE: Duration = Duration::from_secs(40);

/// All calls that are not over.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(super) map: BTreeMap<CallId, Call>,
    /// Those that ring here, oldest id first.
    pub(super) ringing: BTreeSet<CallId>,
    /// All others.
    pub(super) engaged: BTreeSet<CallId>,
    pub(super) focus: Option<CallId>,
    pub(super) muted: bool,
    /// Who was talked to when the microphone was muted; `None`: nobody, and it is for whoever comes next.
    pub(super) muted_for: Option<CallId>,
    pub(super) tone: Option<Sound>,
    pub(super) next: CallId,
    /// Calls that were rung for and not yet introduced: their 180 goes out before anything else is thought about.
    pub(super) fresh: VecDeque<(Now, CallId)>,
    /// The call that is told next takes the place of this one.
    pub(super) replacing: Option<(CallId, CallId)>,
    /// Who hears whom, as the audio was told.
    pub(super) mixed: Vec<CallId>,
    /// What a flood of calls may write down.
    pub(super) flood: Flood,
    /// When help was last called for: it may call back.
    pub(super) helped: Option<Instant>,
}

impl Calls {
    pub(crate) fn new() -> Self {
        Self {
            map: BTreeMap::new(),
            ringing: BTreeSet::new(),
            engaged: BTreeSet::new(),
            focus: None,
            muted: false,
            muted_for: None,
            tone: None,
            next: CallId::FIRST_OUTGOING,
            fresh: VecDeque::new(),
            replacing: None,
            mixed: Vec::new(),
            flood: Flood::default(),
            helped: None,
        }
    }

    pub(crate) fn get(&self, id: CallId) -> Option<&Call> {
        self.map.get(&id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Call> {
        self.map.values()
    }

    /// Those that ring here, oldest first.
    pub(crate) fn ringing(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.ringing.iter().filter_map(|id| self.map.get(id))
    }

    pub(crate) fn ringing_count(&self) -> usize {
        self.ringing.len()
    }

    /// Those that do not ring here, oldest first.
    pub(crate) fn engaged(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.engaged.iter().filter_map(|id| self.map.get(id))
    }

    pub(crate) fn engaged_count(&self) -> usize {
        self.engaged.len()
    }

    pub(crate) fn focus(&self) -> Option<CallId> {
        self.focus
    }

    pub(crate) fn muted(&self) -> bool {
        self.muted
    }

    pub(crate) fn tone(&self) -> Option<Sound> {
        self.tone
    }

    pub(super) fn call(&mut self, id: CallId) -> Option<&mut Call> {
        self.map.get_mut(&id)
    }

    pub(crate) fn label(&self, id: CallId, language: Language) -> String {
        self.map.get(&id).map_or_else(|| id.to_string(), |call| title(call, language))
    }

    /// Tells listeners where a call stands.
    pub(super) fn notify(&self, cx: &mut Context<'_>, id: CallId) {
        if let Some(call) = self.map.get(&id) {
            let status = call.status(self.focus == Some(id), None);
            cx.out.notice(Notice::Call(Box::new(status)));
        }
    }

    /// Writes a call's journal entry and tells listeners.
    pub(super) fn record(&self, cx: &mut Context<'_>, id: CallId) {
        if let Some(call) = self.map.get(&id).filter(|call| call.written) {
            cx.out.journal(call.entry(None));
        }
        self.notify(cx, id);
    }

    pub(super) fn set_focus(&mut self, cx: &mut Context<'_>, call: Option<CallId>) {
        if self.focus != call {
            self.focus = call;
            // Whoever gets a muted microphone is the one it is muted for.
            if self.muted && call.is_some() {
                self.muted_for = call;
            }
            cx.out.media(MediaCommand::Focus { call });
        }
    }

    /// The user turns to a call that was there before: a microphone muted for another one speaks again. What it was
    /// muted for may be over; who gets it unasked ([`Self::heir`]) gets it as it is.
    pub(super) fn turn_to(&mut self, cx: &mut Context<'_>, id: CallId) {
        let elsewhere = self.muted_for.is_some_and(|call| call != id);
        self.set_focus(cx, Some(id));
        // Last, or the one muted for would hear a word.
        if elsewhere {
            self.set_muted(cx, false);
        }
    }

    /// The user begins a call, as caller or called: nobody is greeted with silence.
    pub(super) fn begin_with(&mut self, cx: &mut Context<'_>, id: CallId) {
        self.hold_others(cx, id);
        self.set_focus(cx, Some(id));
        self.set_muted(cx, false);
    }

    /// Whether the microphone is elsewhere: the call is on hold, or to be, or its hold was refused while another talks;
    /// or it is about to be handed over.
    pub(crate) fn waits(&self, call: &Call) -> bool {
        call.talk.want_hold || call.leaving.is_some() || (self.focus != Some(call.id) && !self.joins_in(call))
    }

    /// Gives a free microphone to a call that talks, if there is one (its hold failed, or nobody held it).
    pub(super) fn settle_focus(&mut self, cx: &mut Context<'_>) {
        if self.focus.is_some() {
            return;
        }
        let heir = self.heir();
        if heir.is_some() {
            self.set_focus(cx, heir);
        }
    }

    /// The call that gets a free microphone.
    pub(super) fn heir(&self) -> Option<CallId> {
        let talks = |call: &&Call| call.up() && !call.talk.held() && !call.talk.want_hold && !call.sent_on;
        self.engaged().find(talks).map(|call| call.id)
    }

    pub(super) fn stop_tone(&mut self, cx: &mut Context<'_>) -> bool {
        cx.timers.clear(Deadline::Tone);
        self.tone.take().is_some()
    }

    /// A tone that ends by itself.
    pub(super) fn play_tone(&mut self, cx: &mut Context<'_>, tone: Sound) {
        self.tone = Some(tone);
        let seconds = if tone == Sound::Beep { 1 } else { 4 };
        cx.after(Deadline::Tone, Duration::from_secs(seconds));
    }

    /// The tone was heard long enough.
    pub(crate) fn tone_over(&mut self) {
        self.tone = None;
    }

    /// A ringing call does not ring any more.
    pub(super) fn engage(&mut self, id: CallId) {
        if self.ringing.remove(&id) {
            self.engaged.insert(id);
        }
    }

    pub(crate) fn set_muted(&mut self, cx: &mut Context<'_>, on: bool) {
        if self.muted != on {
            self.muted = on;
            self.muted_for = self.focus;
            cx.out.media(MediaCommand::Mute { on });
        }
    }

    /// The user took a ringing call's toast down.
    pub(crate) fn hide(&mut self, toast: u64) -> bool {
        let found =
            self.ringing.iter().find(|id| self.map.get(id).is_some_and(|call| call.toast == toast)).copied();
        match found.and_then(|id| self.map.get_mut(&id)) {
            Some(call) => {
                call.hidden = true;
                true
            }
            None => false,
        }
    }

    /// Nothing that rings now is heard any more; a tone stops as well.
    pub(crate) fn silence(&mut self, cx: &mut Context<'_>) {
        self.stop_tone(cx);
        for id in &self.ringing {
            if let Some(call) = self.map.get_mut(id) {
                call.silenced = true;
            }
        }
    }
}
