//! The toasts that are not ringing calls: missed calls, troubles said once, and what is merely worth knowing.

use crate::{
    id::CallId,
    lookup::Page,
    view::{Button, ToastKind, ToastView},
};
use std::collections::VecDeque;

/// Troubles that were said and are not said again until they are over.
const MOST_SAID: usize = 64;

/// What a toast is made of.
pub(crate) struct Words {
    pub kind: ToastKind,
    pub call: Option<CallId>,
    pub title: String,
    pub line: String,
    pub buttons: Vec<Button>,
}

#[derive(Debug)]
struct Note {
    view: ToastView,
    /// What it is about, for troubles that end.
    topic: Option<String>,
    /// The record of a call that is over.
    page: Option<Page>,
}

/// The toasts, the topics already said, and the missed calls not yet looked at.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    last: u64,
    list: VecDeque<Note>,
    /// Topics, each with the sentence that was said.
    said: VecDeque<(String, String)>,
    missed: u32,
}

impl Notes {
    /// A toast's id, never given twice.
    pub(crate) fn id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Puts a toast up; the oldest of its kind makes room. Gives its id and that of the one that went.
    pub(crate) fn put(
        &mut self,
        words: Words,
        topic: Option<String>,
        page: Option<Page>,
    ) -> (u64, Option<u64>) {
        let id = self.id();
        let Words { kind, call, title, line, buttons } = words;
        let most = if matches!(kind, ToastKind::Missed | ToastKind::Message) { 5 } else { 3 };
        let full = self.list.iter().filter(|n| n.view.kind == kind).count() >= most;
        let oldest = self.list.iter().position(|n| n.view.kind == kind).filter(|_| full);
        let gone = oldest.and_then(|oldest| self.list.remove(oldest)).map(|note| note.view.id);
        self.list.push_back(Note { view: ToastView { id, kind, call, title, line, buttons }, topic, page });
        (id, gone)
    }

    /// Whether this topic is new. It counts as said from now on, with this sentence.
    pub(crate) fn first_time(&mut self, topic: &str, sentence: &str) -> bool {
        if self.said.iter().any(|(said, _)| said == topic) {
            return false;
        }
        if self.said.len() >= MOST_SAID {
            self.said.pop_front();
        }
        self.said.push_back((topic.to_owned(), sentence.to_owned()));
        true
    }

    /// What was said of troubles that are not over, oldest first.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &str> {
        self.said.iter().map(|(_, sentence)| sentence.as_str())
    }

    /// The trouble is over: its toast comes down, and it may be said again.
    pub(crate) fn over(&mut self, topic: &str) {
        self.said.retain(|(said, _)| said != topic);
        self.list.retain(|n| n.topic.as_deref() != Some(topic));
    }

    /// Takes one down.
    pub(crate) fn drop_note(&mut self, id: u64) {
        self.list.retain(|n| n.view.id != id);
    }

    /// One more call was missed.
    pub(crate) fn count_missed(&mut self) {
        self.missed = self.missed.saturating_add(1);
    }

    /// Missed calls since the agent was last looked at.
    pub(crate) fn missed(&self) -> u32 {
        self.missed
    }

    /// The user looked: nothing is missed any more.
    pub(crate) fn seen(&mut self) {
        self.missed = 0;
        self.drop_missed();
    }

    /// Takes the toasts of missed calls down; they stay counted.
    pub(crate) fn drop_missed(&mut self) {
        self.list.retain(|n| n.view.kind != ToastKind::Missed);
    }

    /// The record of a call that is over and whose toast is still up.
    pub(crate) fn page(&self, call: CallId) -> Option<&Page> {
        self.list.iter().find(|n| n.view.call == Some(call)).and_then(|n| n.page.as_ref())
    }

    pub(crate) fn toasts(&self) -> impl Iterator<Item = &ToastView> + Clone {
        self.list.iter().map(|n| &n.view)
    }
}
