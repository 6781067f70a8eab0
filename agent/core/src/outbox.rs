//! Effects on their way out: what the caller waits for first, what is merely told afterwards.

use crate::{
    action::Notice,
    journal::JournalEntry,
    port::{
        Effect, host::HostCommand, media::MediaCommand, shell::ShellCommand, sip::SipCommand,
        store::StoreCommand,
    },
};
use std::collections::VecDeque;

/// Two queues: commands to the PBX and the audio leave before the view is drawn, everything else after it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    first: VecDeque<Effect>,
    rest: VecDeque<Effect>,
}

impl Outbox {
    pub(crate) fn sip(&mut self, command: SipCommand) {
        self.first.push_back(Effect::Sip(command));
    }

    pub(crate) fn media(&mut self, command: MediaCommand) {
        self.first.push_back(Effect::Media(command));
    }

    pub(crate) fn host(&mut self, command: HostCommand) {
        self.rest.push_back(Effect::Host(command));
    }

    pub(crate) fn store(&mut self, command: StoreCommand) {
        self.rest.push_back(Effect::Store(command));
    }

    pub(crate) fn journal(&mut self, entry: JournalEntry) {
        self.store(StoreCommand::Journal(Box::new(entry)));
    }

    pub(crate) fn open_url(&mut self, url: String) {
        self.rest.push_back(Effect::Shell(ShellCommand::OpenUrl { url }));
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.rest.push_back(Effect::Notice(notice));
    }

    pub(crate) fn last(&mut self, effect: Effect) {
        self.rest.push_back(effect);
    }

    pub(crate) fn pop_first(&mut self) -> Option<Effect> {
        self.first.pop_front()
    }

    pub(crate) fn pop_rest(&mut self) -> Option<Effect> {
        self.rest.pop_front()
    }
}
