//! Which toasts stand where: from the list that is wanted and what the server says, the next thing to do.
//!
//! Nothing here speaks to anybody. One thing at a time is under way for a toast, so a burst of changes becomes one
//! update; several toasts are under way together, so a slow answer about one holds up no other.

use agent_core::{
    action::Action,
    view::{ToastKind, ToastView},
};
use std::collections::BTreeMap;

/// The name of the button that wants a text, as servers know it (`inline-reply`).
pub(crate) const REPLY: &str = "inline-reply";

/// This many toasts are handed over without an answer at most: a server that hung is not buried when it wakes.
const IN_FLIGHT: usize = 16;

/// What is to be done at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Put up, or replace in place when `replaces` is not 0.
    Notify {
        toast: u64,
        replaces: u32,
        view: ToastView,
        /// Names of the buttons, in the order of `view.buttons`.
        keys: Vec<String>,
    },
    /// Take down.
    Close { toast: u64, server: u32 },
}

/// Why a server says a toast is closed (Desktop Notifications 1.2, `NotificationClosed`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// We asked for it.
    ByUs,
    /// Its time ran out, the user closed it, or nobody knows.
    Other,
}

#[derive(Debug, Default)]
struct Slot {
    wanted: Option<ToastView>,
    shown: Option<ToastView>,
    /// The server's id of what is up.
    server: Option<u32>,
    busy: bool,
    /// The user has had enough of it.
    dismissed: bool,
    /// Every button it ever had, by name: a click on yesterday's button means what stood on it.
    keys: Vec<(String, Action)>,
}

/// A word of the server about an id we do not know yet, because its answer is still being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    Closed(u32, Closed),
    Invoked(u32, String),
    /// The user typed an answer into it.
    Replied(u32, String),
}

/// The toasts.
#[derive(Debug, Default)]
pub(crate) struct Board {
    slots: BTreeMap<u64, Slot>,
    in_flight: usize,
    early: Vec<Word>,
    /// The server lets the user type into a toast.
    types: bool,
}

impl Board {
    /// Whether the server lets the user type into a toast; buttons that want it are left out elsewhere.
    pub(crate) fn can_type(&mut self, types: bool) {
        self.types = types;
    }

    /// The toasts that should be up.
    pub(crate) fn want(&mut self, toasts: &[ToastView]) {
        for slot in self.slots.values_mut() {
            slot.wanted = None;
        }
        for toast in toasts {
            self.slots.entry(toast.id).or_default().wanted = Some(toast.clone());
        }
        self.tidy();
    }

    /// The next thing to do, ringing calls first; it counts as under way until [`Self::notified`] or [`Self::closed`].
    pub(crate) fn next(&mut self) -> Option<Step> {
        if self.in_flight >= IN_FLIGHT {
            return None;
        }
        let urgent = |slot: &Slot| slot.wanted.as_ref().is_some_and(|view| view.kind == ToastKind::Ringing);
        let toast = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.is_due())
            .min_by_key(|(id, slot)| (!urgent(slot), **id))
            .map(|(id, _)| *id)?;
        let slot = self.slots.get_mut(&toast)?;
        let step = match (&slot.wanted, slot.server) {
            (None, Some(server)) => Step::Close { toast, server },
            (Some(view), server) => {
                let mut view = view.clone();
                slot.shown = Some(view.clone());
                view.buttons.retain(|button| self.types || !button.action.wants_text());
                let keys = view.buttons.iter().map(|button| key(&mut slot.keys, &button.action)).collect();
                Step::Notify { toast, replaces: server.unwrap_or(0), view, keys }
            }
            (None, None) => return None,
        };
        slot.busy = true;
        self.in_flight += 1;
        Some(step)
    }

    /// The server's answer to [`Step::Notify`]: its id, or nothing when it refused. Gives what it said too early.
    pub(crate) fn notified(&mut self, toast: u64, server: Option<u32>) -> Vec<Word> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(slot) = self.slots.get_mut(&toast) else { return Vec::new() };
        slot.busy = false;
        slot.server = server;
        let early = self.early.extract_if(.., |word| Some(word.server()) == server).collect();
        self.tidy();
        early
    }

    /// The server's answer to [`Step::Close`].
    pub(crate) fn closed(&mut self, toast: u64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(slot) = self.slots.get_mut(&toast) {
            slot.busy = false;
            slot.server = None;
            slot.shown = None;
        }
        self.tidy();
    }

    /// What a word of the server means: `Some` for an action of the user.
    pub(crate) fn hear(&mut self, word: Word) -> Option<Action> {
        let server = word.server();
        let Some((toast, slot)) = self.slots.iter_mut().find(|(_, slot)| slot.server == Some(server)) else {
            // Perhaps about a toast whose id is still on its way to us; about others' toasts otherwise.
            if self.slots.values().any(|slot| slot.busy && slot.server.is_none()) && self.early.len() < 16 {
                self.early.push(word);
            }
            return None;
        };
        match word {
            Word::Invoked(_, key) => {
                slot.keys.iter().find(|(name, _)| *name == key).map(|(_, action)| action.clone())
            }
            // The button was pressed beside an empty field.
            Word::Replied(_, text) if text.trim().is_empty() => None,
            Word::Replied(_, text) => {
                let action =
                    slot.keys.iter().find(|(name, _)| name == REPLY).map(|(_, action)| action.clone());
                action.map(|action| action.with_text(text))
            }
            Word::Closed(_, closed) => {
                let toast = *toast;
                slot.server = None;
                slot.shown = None;
                let dismissed = closed == Closed::Other && slot.wanted.is_some() && !slot.dismissed;
                slot.dismissed |= dismissed;
                self.tidy();
                dismissed.then_some(Action::DismissToast { toast })
            }
        }
    }

    fn tidy(&mut self) {
        self.slots.retain(|_, slot| slot.wanted.is_some() || slot.server.is_some() || slot.busy);
        if self.slots.values().all(|slot| !slot.busy) {
            self.early.clear();
        }
    }
}

impl Slot {
    fn is_due(&self) -> bool {
        !self.busy
            && match &self.wanted {
                None => self.server.is_some(),
                Some(_) if self.dismissed => false,
                wanted => *wanted != self.shown,
            }
    }
}

impl Word {
    fn server(&self) -> u32 {
        match self {
            Self::Closed(server, _) | Self::Invoked(server, _) | Self::Replied(server, _) => *server,
        }
    }
}

/// The name of the button that does `action`, the same one for as long as the toast lives.
fn key(keys: &mut Vec<(String, Action)>, action: &Action) -> String {
    if let Some((name, _)) = keys.iter().find(|(_, known)| known == action) {
        return name.clone();
    }
    let name = if action.wants_text() { REPLY.to_owned() } else { format!("button{}", keys.len()) };
    keys.push((name.clone(), action.clone()));
    name
}

#[cfg(target_os = "linux")]
mod linux;

#[cfg(test)]
mod tests;
