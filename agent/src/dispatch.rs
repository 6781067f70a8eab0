//! The one way out: every `Effect` goes to the neighbour it is for.

use crate::{api::hub::Hub, desktop::Desktop, passwords::Passwords};
use agent_core::{
    port::{Effect, store::StoreCommand},
    settings::Settings,
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
}

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
