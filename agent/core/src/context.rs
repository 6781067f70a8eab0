//! What every part of the core has at hand while one event is handled.

use crate::{
    action::{Notice, Refusal, RefusalCode},
    id::{AccountId, CallId},
    lines::Lines,
    notes::{Notes, Words},
    number::Dialplan,
    outbox::Outbox,
    port::host::HostTrouble,
    settings::{AccountSettings, Language, Settings},
    text::{self, Phrase},
    time::Now,
    timers::{Deadline, Timers},
    view::ToastKind,
};
use std::time::Duration;

/// How long a toast that only informs stays up.
const INFORMED: Duration = Duration::from_secs(8);

/// One event's surroundings.
pub(crate) struct Context<'a> {
    pub now: Now,
    pub settings: &'a Settings,
    pub numbers: &'a Dialplan,
    pub out: &'a mut Outbox,
    pub timers: &'a mut Timers,
    pub notes: &'a mut Notes,
    pub lines: &'a Lines,
}

impl Context<'_> {
    pub(crate) fn language(&self) -> Language {
        self.settings.language
    }

    pub(crate) fn say(&self, phrase: &Phrase, filled: &[&str]) -> String {
        phrase.say(self.settings.language, filled)
    }

    pub(crate) fn refusal(&self, code: RefusalCode, phrase: &Phrase, filled: &[&str]) -> Refusal {
        Refusal { code, text: self.say(phrase, filled) }
    }

    /// The settings of an account.
    pub(crate) fn account(&self, id: AccountId) -> Option<&AccountSettings> {
        self.settings.accounts.get(usize::try_from(id.0).ok()?)
    }

    /// Sets a deadline from now.
    pub(crate) fn after(&mut self, what: Deadline, by: Duration) {
        self.timers.set(what, self.now.at + by);
    }

    /// Tells listeners that something went wrong.
    pub(crate) fn error(&mut self, text: String) {
        self.out.notice(Notice::Error { text });
    }

    /// A toast that goes by itself.
    pub(crate) fn inform(&mut self, call: Option<CallId>, title: String, line: String) {
        let words = Words { kind: ToastKind::Info, call, title, line, buttons: Vec::new() };
        let (id, gone) = self.notes.put(words, None, None);
        // A toast that made room takes its deadline along.
        if let Some(gone) = gone {
            self.timers.clear(Deadline::Note(gone));
        }
        self.after(Deadline::Note(id), INFORMED);
    }

    /// A plugin runs, and something about it is to be known.
    pub(crate) fn plugin_trouble(&mut self, plugin: &str, what: HostTrouble) {
        let name = crate::plain::plain(plugin);
        match what {
            HostTrouble::Tampered => {
                let title = self.say(&text::PLUGIN_TAMPERED, &[&name]);
                let line = self.say(&text::PLUGIN_COMPILED_ANEW, &[]);
                self.trouble(&format!("seal {plugin}"), None, title, line);
            }
            // One key seals them all, and it is said once in a run; nothing is out of order, so the toast goes by itself.
            HostTrouble::NoSealKey => {
                let title = self.say(&text::PLUGIN_NO_KEY, &[]);
                let line = self.say(&text::PLUGIN_NO_KEY_WHY, &[]);
                let sentence = self.say(&text::TOLD, &[&title, &line]);
                if self.notes.first_time("no seal key", &sentence) {
                    self.error(sentence);
                    self.inform(None, title, line);
                }
            }
        }
    }

    /// A toast about a trouble, once until [`Notes::over`] says it is over, and a word to listeners.
    pub(crate) fn trouble(&mut self, topic: &str, call: Option<CallId>, title: String, line: String) {
        let sentence = self.say(&text::TOLD, &[&title, &line]);
        if !self.notes.first_time(topic, &sentence) {
            return;
        }
        self.error(sentence);
        let words = Words { kind: ToastKind::Trouble, call, title, line, buttons: Vec::new() };
        self.notes.put(words, Some(topic.to_owned()), None);
    }
}
