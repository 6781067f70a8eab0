//! How the state becomes a `View`: one file each for the status icon, the toasts and the sound.

mod toasts;
mod tray;

use crate::{
    calls::Calls,
    notes::Notes,
    question::Questions,
    registration::Accounts,
    settings::Language,
    view::{Sound, View},
};

/// The most toasts of ringing calls at once; the rest is counted.
const MOST_RINGING: usize = 5;

/// Everything a view is made of.
pub(crate) struct State<'a> {
    pub language: Language,
    /// The settings are known.
    pub started: bool,
    pub quitting: bool,
    pub accounts: &'a Accounts,
    pub calls: &'a Calls,
    pub questions: &'a Questions,
    pub notes: &'a Notes,
    /// The toast that counts ringing calls beyond the most.
    pub more_toast: u64,
    /// At least one plugin may know callers.
    pub plugins: bool,
}

/// What is to be seen and heard.
pub(crate) fn view(state: &State<'_>) -> View {
    if state.quitting {
        return View { tray: tray::quitting(state), toasts: Vec::new(), sound: None };
    }
    View { tray: tray::tray(state), toasts: toasts::toasts(state), sound: sound(state.calls) }
}

/// The state in one line.
pub(crate) fn summary(state: &State<'_>) -> String {
    tray::summary(state)
}

/// A ringing call is heard before everything else; the tone after a call before the ringback of the next one, which
/// cannot be: a new call stops the tone.
fn sound(calls: &Calls) -> Option<Sound> {
    let waiting = calls.engaged_count() > 0;
    if calls.ringing().any(|call| !call.silenced) {
        return Some(if waiting { Sound::CallWaiting } else { Sound::Ring });
    }
    calls.tone().or_else(|| {
        let call = calls.focus().and_then(|id| calls.get(id))?;
        call.rings_there().then_some(Sound::Ringback)
    })
}
