//! A call for help goes over one account after the other, until one takes it.
//!
//! A way that fails is followed by the next. One that says nothing for long is never given up for the next: it may be
//! about to be answered. Both go on, the first that is answered is the call, and only then the others end.

use super::board::Calls;
use crate::{
    call::{Call, Phase},
    context::Context,
    help::{Help, Way},
    id::CallId,
    number::kind::Number,
    port::sip::{CallEnd, Loss},
    text,
    timers::Deadline,
};
use std::{collections::VecDeque, time::Duration};

/// How long an account may be silent before the next one is tried beside it: nobody took the INVITE.
const SILENT: Duration = Duration::from_secs(5);
/// And how long after 100 Trying: the PBX took it and looks for a line, which in the telephone network takes seconds.
const TAKEN: Duration = Duration::from_secs(20);

impl Calls {
    /// Calls for help over the first of these ways; `None` where there is none. `cry`: the call that was first made for
    /// it.
    pub(crate) fn call_for_help(
        &mut self,
        cx: &mut Context<'_>,
        number: &Number,
        mut ways: VecDeque<Way>,
        cry: Option<CallId>,
    ) -> Option<CallId> {
        let (account, local, dial) = ways.pop_front()?;
        let number = Number { dial, ..number.clone() };
        let id = self.dial(cx, (account, local), &number, false);
        self.helped = Some(cx.now.at);
        if let Some(call) = self.call(id) {
            call.help = Some(Help { number, ways, cry: cry.unwrap_or(id) });
        }
        Some(id)
    }

    /// The INVITE of a call for help is out: whoever takes it says so soon.
    pub(super) fn watch_help(&self, cx: &mut Context<'_>, id: CallId) {
        self.help_within(cx, id, SILENT);
    }

    /// The PBX took it (100 Trying).
    pub(super) fn help_is_taken(&self, cx: &mut Context<'_>, id: CallId) {
        self.help_within(cx, id, TAKEN);
    }

    fn help_within(&self, cx: &mut Context<'_>, id: CallId, patience: Duration) {
        let waits = |call: &Call| matches!(&call.phase, Phase::Calling(early) if !early.progress);
        let other_ways = |call: &Call| call.help.as_ref().is_some_and(|help| !help.ways.is_empty());
        if self.get(id).is_some_and(|call| waits(call) && other_ways(call)) {
            cx.after(Deadline::Help(id), patience);
        }
    }

    /// Nothing was heard of it for too long: the next way, beside it.
    pub(crate) fn help_is_silent(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(call) = self.call(id) else { return };
        let silent = matches!(&call.phase, Phase::Calling(early) if !early.progress);
        let Some(help) = call.help.as_mut().filter(|help| silent && !help.ways.is_empty()) else { return };
        let ways = std::mem::take(&mut help.ways);
        let help = Help { number: help.number.clone(), ways, cry: help.cry };
        let title = cx.say(&text::calls::HELP_BESIDE, &[&help.number.shown]);
        self.next_way(cx, title, help);
    }

    /// Whether the end of a call for help is one that another way may mend; the ways that are left, then.
    pub(super) fn next_help(call: &mut Call, end: &CallEnd) -> Option<Help> {
        // With the whole session broken there is no way over any account: the caller is told at once.
        let failed = match end {
            CallEnd::Refused { .. } => true,
            CallEnd::Lost { why, .. } => !matches!(why, Loss::Fault | Loss::Quitting),
            _ => false,
        };
        let open = failed && call.answered.is_none();
        call.help.take().filter(|help| open && !help.ways.is_empty())
    }

    /// Tries the next way.
    pub(super) fn help_again(&mut self, cx: &mut Context<'_>, help: Help) {
        let title = cx.say(&text::calls::HELP_AGAIN, &[&help.number.shown]);
        self.next_way(cx, title, help);
    }

    fn next_way(&mut self, cx: &mut Context<'_>, title: String, help: Help) {
        cx.inform(None, title, String::new());
        self.call_for_help(cx, &help.number, help.ways, Some(help.cry));
    }

    /// Help is reached over this way: it is heard, and not another one that says nothing.
    pub(super) fn help_rings(&mut self, cx: &mut Context<'_>, id: CallId) {
        let cry = |call: &Call| call.help.as_ref().map(|help| help.cry);
        let Some(of) = self.get(id).and_then(cry) else { return };
        let silent = |call: &Call| matches!(&call.phase, Phase::Calling(early) if !early.progress);
        let heard = self.focus.and_then(|focus| self.get(focus));
        if heard.is_some_and(|call| cry(call) == Some(of) && silent(call)) {
            self.set_focus(cx, Some(id));
        }
    }

    /// Help answers: what else was tried for it ends, and the microphone is free for this one.
    pub(super) fn help_answers(&mut self, cx: &mut Context<'_>, id: CallId) {
        if let Some(help) = self.call(id).and_then(|call| call.help.take()) {
            self.end_cry(cx, help.cry);
            if self.focus != Some(id) {
                self.begin_with(cx, id);
            }
        }
    }

    /// Ends every call that was made for this help.
    pub(super) fn end_cry(&mut self, cx: &mut Context<'_>, cry: CallId) {
        while let Some(call) = self.crying(cry) {
            self.hang_up(cx, call);
        }
    }

    /// A call for help that is under way: where the other one failed, this one is listened to.
    pub(super) fn help_under_way(&self) -> Option<CallId> {
        let calling = |call: &&Call| call.help.is_some() && matches!(call.phase, Phase::Calling(_));
        self.engaged().find(calling).map(|call| call.id)
    }

    fn crying(&self, cry: CallId) -> Option<CallId> {
        self.engaged().find(|call| call.help.as_ref().is_some_and(|help| help.cry == cry)).map(|call| call.id)
    }
}
