//! What of the desktop works: each change is told once.

use crate::{ShellInput, Tell, mail::lock};
use agent_core::port::shell::{Part, ShellEvent};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Remembers what was told last. Clones share the memory; any thread may report.
#[derive(Clone)]
pub(crate) struct Parts {
    tell: Tell,
    told: Arc<Mutex<BTreeMap<Part, Option<String>>>>,
}

impl Parts {
    pub(crate) fn new(tell: Tell) -> Self {
        Self { tell, told: Arc::default() }
    }

    /// The part works.
    pub(crate) fn works(&self, part: Part) {
        self.set(part, None);
    }

    /// The part does not work; `problem` says why and what to do.
    pub(crate) fn fails(&self, part: Part, problem: impl Into<String>) {
        self.set(part, Some(problem.into()));
    }

    /// As [`Self::fails`], for something the user has just asked for again: the same sentence is told again, after the
    /// part was told to work, so that asking twice does not meet silence.
    pub(crate) fn fails_again(&self, part: Part, problem: impl Into<String>) {
        self.set(part, None);
        self.set(part, Some(problem.into()));
    }

    fn set(&self, part: Part, problem: Option<String>) {
        // The lock is held while telling, so that two threads cannot tell in another order than they set.
        let mut told = lock(&self.told);
        if told.get(&part) != Some(&problem) {
            if let Some(problem) = &problem {
                tracing::warn!(part = ?part, "{problem}");
            }
            told.insert(part, problem.clone());
            (self.tell)(ShellInput::Event(ShellEvent::Part { part, problem }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = heard.clone();
        let parts = Parts::new(Arc::new(move |input| lock(&ears).push(input)));
        parts.fails(Part::Tray, "no");
        parts.fails(Part::Tray, "no");
        parts.works(Part::Toasts);
        parts.works(Part::Tray);
        parts.works(Part::Tray);
        let told: Vec<_> = lock(&heard)
            .iter()
            .map(|input| match input {
                ShellInput::Event(ShellEvent::Part { part, problem }) => (*part, problem.clone()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [(Part::Tray, Some("no".to_owned())), (Part::Toasts, None), (Part::Tray, None)]);
    }
}
