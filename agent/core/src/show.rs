//! How the state becomes a `View`: one file each for the status icon, the toasts and the sound.

mod state;
mod toasts;
mod tray;

pub(crate) use state::State;

use crate::{
    calls::Calls,
    port::sip::Ring,
    view::{Sound, View},
};

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
    let heard = calls.ringing().filter(|call| !call.silenced);
    if let Some(ring) = heard.map(|call| call.with.ring).max() {
        return Some(match ring {
            _ if waiting => Sound::CallWaiting,
            Ring::Usual => Sound::Ring,
            Ring::Internal => Sound::RingInternal,
            Ring::Special => Sound::RingSpecial,
        });
    }
    calls.tone().or_else(|| {
        let call = calls.focus().and_then(|id| calls.get(id))?;
        call.rings_there().then_some(Sound::Ringback)
    })
}
