//! The one way out: every `Effect` goes to the neighbour it is for.

use crate::{api::hub::Hub, desktop::Desktop, passwords::Passwords};
use agent_core::{
    port::{
        Effect, Event,
        store::{StoreCommand, StoreEvent},
    },
    settings::{AudioBackend, Settings},
};
use agent_host::HostHandle;
use agent_media::MediaHandle;
use agent_sip::SipHandle;
use agent_store::StoreHandle;

/// The neighbours.
pub(crate) struct Dispatch {
    /// The PBX session.
    pub sip: SipHandle,
    /// The audio.
    pub media: MediaHandle,
    /// The plugins.
    pub host: HostHandle,
    /// The disk and the keyring.
    pub store: StoreHandle,
    /// Passwords given for this run.
    pub passwords: Passwords,
    /// Tray, toasts and browser, or their stand-in without a desktop.
    pub desktop: Desktop,
    /// Those who asked and those who listen.
    pub hub: Hub,
    /// Files may stand in for microphone and ear.
    pub files: bool,
}

/// Why files cannot stand in for microphone and ear.
pub(crate) const NO_FILES: &str =
    "[audio] backend = \"wav\" speaks from a file and hears into one: it is allowed only with --headless";

impl Dispatch {
    /// What the core does not carry: devices and hotkeys as they are set now.
    pub(crate) fn configure(&self, settings: &Settings) {
        self.media.configure(settings.audio.clone());
        self.desktop.hotkeys(settings.hotkeys.clone());
    }

    /// Delivers one effect; `false` when it was the last one.
    pub(crate) fn deliver(&self, effect: Effect) -> bool {
        match effect {
            Effect::Sip(command) => self.sip.send(command),
            Effect::Media(command) => self.media.send(command),
            Effect::Host(command) => self.host.send(command),
            Effect::Store(StoreCommand::Password { account }) if self.passwords.answer(account) => {}
            Effect::Store(command) => self.store.send(command),
            Effect::Shell(command) => self.desktop.send(command),
            Effect::View(view) => {
                self.media.sound(view.sound);
                self.desktop.show(*view);
            }
            Effect::Reply { request, result } => self.hub.answer(request, result),
            Effect::Notice(notice) => self.hub.publish(&notice),
            Effect::Finished => return false,
        }
        true
    }
}

/// What the store told, or the trouble with it: settings that are refused at the start are refused later, too, and the
/// ones before them stay. `files`: files may stand in for microphone and ear.
pub(crate) fn admitted(event: Event, files: bool) -> Event {
    match event {
        Event::Store(StoreEvent::Settings(settings))
            if settings.audio.backend == AudioBackend::Wav && !files =>
        {
            Event::Store(StoreEvent::Trouble(format!("{NO_FILES}; the settings stay as they were")))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(backend: AudioBackend) -> Event {
        let mut settings = Settings::default();
        settings.audio.backend = backend;
        Event::Store(StoreEvent::Settings(Box::new(settings)))
    }

    #[test]
    fn files_are_refused_later_as_they_are_at_the_start() {
        for backend in [AudioBackend::Device, AudioBackend::Null] {
            assert_eq!(admitted(settings(backend), false), settings(backend));
        }
        let wav = settings(AudioBackend::Wav);
        assert_eq!(admitted(wav.clone(), true), wav);
        let Event::Store(StoreEvent::Trouble(text)) = admitted(wav, false) else {
            panic!("files are let in");
        };
        assert!(text.starts_with(NO_FILES), "{text}");
    }
}
