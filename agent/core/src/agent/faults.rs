//! A neighbour broke by a fault of ours: what ended with it, what the user is told, and its new start.

use crate::{
    agent::Agent,
    codes::Fared,
    faults::STEADY,
    port::{
        Effect, Neighbour,
        media::MediaCommand,
        sip::{Loss, Registration},
    },
    text::{self, Phrase},
    time::Now,
    timers::Deadline,
};

impl Agent {
    /// The neighbour's thread or task has ended although nobody asked it to.
    pub(super) fn broken(&mut self, now: Now, who: Neighbour) {
        let Some(wait) = self.faults.broke(who) else { return };
        if self.quitting {
            // Nobody is left to say goodbye to the PBX; the others are not needed any more.
            if who == Neighbour::Sip {
                self.finish();
            }
            return;
        }
        let seconds = wait.as_secs().to_string();
        let (title, line) = (self.say(&text::PART_FAILED, &[]), self.say(words(who), &[&seconds]));
        let why = self.say(&text::FAULT, &[]);
        let (calls, mut cx) = self.calls_at(now);
        cx.timers.clear(Deadline::Steady(who));
        cx.after(Deadline::Restart(who), wait);
        cx.trouble(&topic(who), None, title, line);
        match who {
            Neighbour::Sip => {
                calls.all_lost(&mut cx);
                self.codes_over(now, &Fared::Lost(Loss::Fault));
                self.wishes_lost(now);
                let (messages, mut cx) = self.messages_at(now);
                messages.lost(&mut cx);
                let (accounts, mut cx) = self.accounts_at(now);
                accounts.lost(&mut cx, wait);
                let ids: Vec<_> = self.accounts.all().map(|(id, _)| id).collect();
                let (watches, mut cx) = self.watches_at(now);
                ids.iter().for_each(|id| watches.registration(&mut cx, *id, &Registration::Idle));
                ids.into_iter().for_each(|id| self.all_untold(id));
            }
            Neighbour::Media => {
                calls.soundless(&mut cx);
                self.codes_soundless(now);
            }
            Neighbour::Host => {
                calls.lookups_over(&mut cx);
                for plugin in &mut self.plugins {
                    plugin.problem.get_or_insert_with(|| why.clone());
                }
            }
            Neighbour::Store | Neighbour::Shell | Neighbour::Api => {}
        }
    }

    /// The wait after a fault is over.
    pub(super) fn restart(&mut self, who: Neighbour) {
        if !self.quitting && self.faults.starting(who) {
            self.out.last(Effect::Restart(who));
        }
    }

    /// The neighbour begins anew and knows nothing of before.
    pub(super) fn restarted(&mut self, now: Now, who: Neighbour) {
        if self.quitting || !self.faults.restarted(who) {
            return;
        }
        let (calls, mut cx) = self.calls_at(now);
        cx.after(Deadline::Steady(who), STEADY);
        match who {
            Neighbour::Sip => {
                let (accounts, mut cx) = self.accounts_at(now);
                accounts.back(&mut cx);
            }
            Neighbour::Media => {
                if let Some(call) = calls.focus() {
                    cx.out.media(MediaCommand::Focus { call: Some(call) });
                }
                calls.mix_anew(&mut cx);
                if calls.muted() {
                    cx.out.media(MediaCommand::Mute { on: true });
                }
            }
            Neighbour::Store => {
                let (accounts, mut cx) = self.accounts_at(now);
                accounts.ask_again(&mut cx);
            }
            Neighbour::Shell => self.redraw = true,
            Neighbour::Host | Neighbour::Api => {}
        }
    }

    /// The neighbour has lasted since its new start: the trouble is over.
    pub(super) fn steady(&mut self, who: Neighbour) {
        self.faults.steady(who);
        self.notes.over(&topic(who));
    }
}

fn topic(who: Neighbour) -> String {
    format!("fault {who:?}")
}

/// What the user is told; `{0}` is the wait in seconds.
fn words(who: Neighbour) -> &'static Phrase {
    match who {
        Neighbour::Sip => &text::FAULT_SIP,
        Neighbour::Media => &text::FAULT_MEDIA,
        Neighbour::Host => &text::FAULT_HOST,
        Neighbour::Store => &text::FAULT_STORE,
        Neighbour::Shell => &text::FAULT_SHELL,
        Neighbour::Api => &text::FAULT_API,
    }
}
