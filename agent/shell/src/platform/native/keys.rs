//! The hotkeys held on Windows and macOS, by global-hotkey.

use crate::{
    chord::{self, Chord, Purpose},
    parts::Parts,
};
use agent_core::{port::shell::Part, settings::HotkeySettings};
use global_hotkey::{
    Error as HotkeyError, GlobalHotKeyManager,
    hotkey::{Code, HotKey, Modifiers},
};

/// The hotkeys held.
#[derive(Default)]
pub(super) struct Keys {
    manager: Option<GlobalHotKeyManager>,
    held: Vec<(HotKey, Purpose)>,
}

impl Keys {
    /// Gives back what is held and takes these.
    pub(super) fn set(&mut self, settings: &HotkeySettings, parts: &Parts) {
        self.release();
        if self.manager.is_none() {
            match GlobalHotKeyManager::new() {
                Ok(manager) => self.manager = Some(manager),
                Err(error) => {
                    return parts.fails(Part::Hotkeys, format!("There are no hotkeys here ({error})."));
                }
            }
        }
        let (chords, mut problems) = chord::all(settings);
        for (purpose, chord) in chords {
            if let Err(problem) = self.take(purpose, chord) {
                problems.push(problem);
            }
        }
        if problems.is_empty() {
            parts.works(Part::Hotkeys);
        } else {
            parts.fails(Part::Hotkeys, problems.join(" "));
        }
    }

    /// What the key of this id is for.
    pub(super) fn purpose(&self, id: u32) -> Option<Purpose> {
        self.held.iter().find(|(key, _)| key.id() == id).map(|(_, purpose)| *purpose)
    }

    /// Gives all of them back.
    pub(super) fn release(&mut self) {
        if let Some(manager) = &self.manager {
            for (key, _) in self.held.drain(..) {
                if let Err(error) = manager.unregister(key) {
                    tracing::debug!(%error, "a hotkey could not be given back");
                }
            }
        }
    }

    fn take(&mut self, purpose: Purpose, chord: Chord) -> Result<(), String> {
        let missing = || format!("This system knows no key {chord} ({}).", purpose.setting());
        let code: Code = chord.key.code.parse().map_err(|_| missing())?;
        let mut modifiers = Modifiers::empty();
        for (on, modifier) in [
            (chord.modifiers.ctrl, Modifiers::CONTROL),
            (chord.modifiers.alt, Modifiers::ALT),
            (chord.modifiers.shift, Modifiers::SHIFT),
            (chord.modifiers.meta, Modifiers::META),
        ] {
            modifiers.set(modifier, on);
        }
        let key = HotKey::new(Some(modifiers), code);
        let manager = self.manager.as_ref().ok_or_else(missing)?;
        manager.register(key).map_err(|error| match error {
            HotkeyError::AlreadyRegistered(_) => format!(
                "{chord} is taken by another program, so it does not work here; set another one for {} in \
                 [hotkeys] of trayphone.toml.",
                purpose.setting()
            ),
            error => format!("{chord} cannot be used for {} ({error}).", purpose.setting()),
        })?;
        self.held.push((key, purpose));
        Ok(())
    }
}
