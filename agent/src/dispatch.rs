//! The one way out: every `Effect` goes to the neighbour it is for.

use crate::{
    api::{hub::Hub, server::Desk},
    desktop::Desktop,
    exit::Failure,
    neighbours::{Current, Serving, Starter},
};
use agent_core::{
    port::{
        Effect, Event, Neighbour,
        store::{StoreCommand, StoreEvent},
    },
    settings::{AudioBackend, Settings},
    view::Sound,
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
    pub host: Current<HostHandle>,
    /// The disk and the keyring.
    pub store: Current<StoreHandle>,
    /// Tray, toasts and browser, or their stand-in without a desktop.
    pub desktop: Desktop,
    /// Those who asked and those who listen.
    pub hub: Hub,
    /// Files may stand in for microphone and ear.
    pub files: bool,
    /// Begins anew what broke.
    pub starter: Starter,
    /// The settings as they are now.
    pub settings: Settings,
    /// The sound as it is now.
    pub sound: Option<Sound>,
    /// What the local API is served with, and who serves it.
    pub api: (Desk, Serving),
}

/// Why files cannot stand in for microphone and ear.
pub(crate) const NO_FILES: &str =
    "[audio] backend = \"wav\" speaks from a file and hears into one: it is allowed only with --headless";

impl Dispatch {
    /// What the core does not carry: devices and hotkeys as they are set now.
    pub(crate) fn configure(&mut self, settings: &Settings) {
        self.settings = settings.clone();
        self.media.configure(settings.audio.clone());
        self.desktop.hotkeys(settings.hotkeys.clone());
    }

    /// Delivers one effect; `false` when it was the last one.
    pub(crate) fn deliver(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Sip(command) => self.sip.send(command),
            Effect::Media(command) => self.media.send(command),
            Effect::Host(command) => self.host.get().send(command),
            Effect::Store(StoreCommand::Password(question)) if self.starter.passwords().answer(&question) => {
            }
            Effect::Store(command) => self.store.get().send(command),
            Effect::Shell(command) => {
                if !self.desktop.send(command) {
                    tracing::info!(
                        "no page opens without a desktop: its address stands in `trayphone events`"
                    );
                }
            }
            Effect::View(view) => {
                self.sound = view.sound;
                self.media.sound(view.sound);
                self.desktop.show(*view);
            }
            Effect::Reply { request, result } => self.hub.answer(request, result),
            Effect::Notice(notice) => self.hub.publish(&notice),
            Effect::Restart(who) => self.restart(who),
            Effect::Finished => return false,
        }
        true
    }

    /// Closes the doors, and lets the profile go with everything that holds it.
    pub(crate) async fn wind_up(self) {
        let Self { sip, api: (_, serving), .. } = self;
        drop(sip);
        serving.end().await;
    }

    /// Begins a neighbour anew that broke. What it knew is gone; the core tells it again.
    fn restart(&mut self, who: Neighbour) {
        let event = match self.begin(who) {
            Ok(()) => Event::Restarted(who),
            Err(failure) => {
                tracing::error!(?who, "no new start: {}", failure.text);
                Event::Broken(who)
            }
        };
        self.starter.funnel().tell(event);
    }

    fn begin(&mut self, who: Neighbour) -> Result<(), Failure> {
        match who {
            Neighbour::Sip => self.sip = self.starter.sip(&self.settings),
            Neighbour::Media => {
                self.media = self.starter.media(&self.settings)?;
                self.media.sound(self.sound);
            }
            Neighbour::Host => self.host.set(self.starter.host()?),
            Neighbour::Store => self.store.set(self.starter.store()?),
            Neighbour::Shell => {
                self.starter.shell()?;
                self.desktop.hotkeys(self.settings.hotkeys.clone());
            }
            Neighbour::Api => self.api.1 = self.starter.api(self.api.0.clone()),
        }
        Ok(())
    }
}

/// Whether the settings want files for microphone and ear where none may be.
pub(crate) fn refused(settings: &Settings, files: bool) -> bool {
    settings.audio.backend == AudioBackend::Wav && !files
}

/// What the store told, or the trouble with it: settings that are refused at the start are refused later, too, and the
/// ones before them stay. `files`: files may stand in for microphone and ear.
pub(crate) fn admitted(event: Event, files: bool) -> Event {
    match event {
        Event::Store(StoreEvent::Settings(settings)) if refused(&settings, files) => {
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
