//! A call for help goes over one account after the other, until one takes it.

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

/// How long an account may be silent before the next one is tried.
const SILENT: Duration = Duration::from_secs(5);

impl Calls {
    /// Calls for help over the first of these ways; `None` where there is none.
    pub(crate) fn call_for_help(
        &mut self,
        cx: &mut Context<'_>,
        number: &Number,
        mut ways: VecDeque<Way>,
    ) -> Option<CallId> {
        let (account, local, dial) = ways.pop_front()?;
        let number = Number { dial, ..number.clone() };
        let id = self.dial(cx, (account, local), &number, false);
        if let Some(call) = self.call(id) {
            call.help = Some(Help { number, ways });
        }
        Some(id)
    }

    /// The INVITE of a call for help is out: whoever takes it says so soon.
    pub(super) fn watch_help(&self, cx: &mut Context<'_>, id: CallId) {
        if self.get(id).is_some_and(|call| call.help.as_ref().is_some_and(|help| !help.ways.is_empty())) {
            cx.after(Deadline::Help(id), SILENT);
        }
    }

    /// Nothing was heard of it for too long.
    pub(crate) fn help_is_silent(&mut self, cx: &mut Context<'_>, id: CallId) {
        if matches!(self.get(id).map(|call| &call.phase), Some(Phase::Calling(early)) if !early.progress) {
            self.lost(cx, id, Loss::Silent);
        }
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
        cx.inform(None, title, String::new());
        self.call_for_help(cx, &help.number, help.ways);
    }
}
