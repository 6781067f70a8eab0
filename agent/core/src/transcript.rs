//! Events and effects as lines of text: the live log (numbers masked) and the flows in the tests are the same format.
//!
//! `>` is told to the core, `<` is asked by it: `sip   > incoming 1 +4930123`, `host  < Lookup { call: 1, … }`.

mod events;
mod features;
mod mask;
mod messages;
mod transfer;
mod views;
mod watch;

pub use mask::Mask;

use crate::{
    port::{Effect, Event},
    view::View,
};

/// One event as a line.
pub fn line_in(event: &Event, mask: Mask) -> String {
    let (who, what) = events::event(event, mask);
    format!("{who:<5} > {what}")
}

/// One effect as a line. A view becomes one line of its icon, its sound and how many toasts are up; [`Transcript`]
/// tells what changed in it.
pub fn line_out(effect: &Effect, mask: Mask) -> String {
    let (who, what) = match effect {
        Effect::View(view) => ("shell", views::summary(view)),
        other => events::effect(other, mask),
    };
    format!("{who:<5} < {what}")
}

/// Writes a run down: knows the view before, so that it tells only what changed.
#[derive(Debug)]
pub struct Transcript {
    mask: Mask,
    view: View,
}

impl Transcript {
    /// A transcript from the beginning.
    pub fn new(mask: Mask) -> Self {
        Self { mask, view: View::default() }
    }

    /// The line of an event.
    pub fn event(&mut self, event: &Event) -> String {
        line_in(event, self.mask)
    }

    /// The lines of an effect: none for what another line says already (the notice of a toast).
    pub fn effect(&mut self, effect: &Effect) -> Vec<String> {
        match effect {
            Effect::View(view) => {
                let lines = views::changes(&self.view, view, self.mask);
                self.view = (**view).clone();
                lines.into_iter().map(|what| format!("{:<5} < {what}", "shell")).collect()
            }
            Effect::Notice(crate::action::Notice::Toast { .. }) => Vec::new(),
            other => vec![line_out(other, self.mask)],
        }
    }
}
