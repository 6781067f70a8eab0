//! Passwords for one run of the agent, where no keyring keeps them: typed at start or sent over the local API.

use crate::{commands::print, funnel::Funnel};
use agent_core::{
    action::Action,
    id::AccountId,
    port::{
        Event,
        store::{SecretProblem, StoreEvent},
    },
    secret::Secret,
    settings::Settings,
};
use std::{
    collections::BTreeMap,
    io::{ErrorKind, IsTerminal},
    sync::{Arc, Mutex, PoisonError},
};

/// Shared between the loop, the API and the prompt.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    funnel: Funnel,
    state: Arc<Mutex<State>>,
    /// May ask on the terminal the agent was started from.
    may_prompt: bool,
}

#[derive(Debug, Default)]
struct State {
    /// The accounts' addresses, by their place in the settings.
    aors: Vec<String>,
    given: BTreeMap<String, Secret>,
    prompted: BTreeMap<String, ()>,
}

impl Passwords {
    /// Nothing is known yet.
    pub(crate) fn new(funnel: Funnel, may_prompt: bool) -> Self {
        Self {
            funnel,
            state: Arc::default(),
            may_prompt: may_prompt && std::io::stdin().is_terminal() && crate::platform::in_foreground(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the core's question for a password from what was given; `false`: the store must.
    pub(crate) fn answer(&self, account: AccountId) -> bool {
        match self.given(account) {
            Some(secret) => {
                self.funnel.tell(Event::Store(StoreEvent::Password { account, result: Ok(secret) }));
                true
            }
            None => false,
        }
    }

    /// Takes a password for this run and connects the account anew.
    pub(crate) fn give(&self, aor: &str, secret: Secret) -> Result<(), String> {
        let mut state = self.state();
        let Some(place) = state.aors.iter().position(|known| known == aor) else {
            return Err(format!("no account of the running agent is called {aor}"));
        };
        state.given.insert(aor.to_owned(), secret);
        drop(state);
        let account = u32::try_from(place).ok().map(AccountId);
        self.funnel.tell(Event::User { request: None, action: Action::Reconnect { account } });
        Ok(())
    }

    /// What the store says passes here on its way in: settings tell the accounts' names, and a password that is
    /// nowhere is asked for on the terminal, if there is one.
    pub(crate) fn overhear(&self, event: StoreEvent) {
        let event = self.corrected(event);
        match &event {
            StoreEvent::Settings(settings) => self.learn(settings),
            StoreEvent::Password { account, result: Err(problem) } => self.prompt(*account, problem),
            _ => {}
        }
        self.funnel.tell(Event::Store(event));
    }

    /// A keyring that has nothing (or was not unlocked) does not undo what was given meanwhile.
    fn corrected(&self, event: StoreEvent) -> StoreEvent {
        let StoreEvent::Password { account, result: Err(problem) } = event else { return event };
        let result = self.given(account).ok_or(problem);
        StoreEvent::Password { account, result }
    }

    fn given(&self, account: AccountId) -> Option<Secret> {
        let state = self.state();
        state.aors.get(account.0 as usize).and_then(|aor| state.given.get(aor)).cloned()
    }

    fn learn(&self, settings: &Settings) {
        self.state().aors = settings.accounts.iter().map(|account| account.aor.clone()).collect();
    }

    fn prompt(&self, account: AccountId, problem: &SecretProblem) {
        if !self.may_prompt || !matches!(problem, SecretProblem::Missing | SecretProblem::NoKeyring(_)) {
            return;
        }
        let mut state = self.state();
        let Some(aor) = state.aors.get(account.0 as usize).cloned() else { return };
        if state.prompted.insert(aor.clone(), ()).is_some() {
            return;
        }
        drop(state);
        let ours = self.clone();
        // Its own thread: a person types in their own time, and nothing else may wait for it.
        let thread = std::thread::Builder::new().name("prompt".to_owned()).spawn(move || {
            let question = format!("Password for {} (kept in memory only): ", print::tame(&aor));
            match crate::prompt::password(&question) {
                Ok(secret) if !secret.expose().is_empty() => {
                    if let Err(text) = ours.give(&aor, secret) {
                        print::note(&text);
                    }
                }
                Ok(_) => print::note(&format!("no password, {aor} stays signed off")),
                // Ctrl+C, or the agent ends: nothing to say about a question nobody wants answered.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => print::note(&format!("the password could not be read: {error}")),
            }
        });
        if let Err(error) = thread {
            print::note(&format!("cannot ask for a password: {error}"));
        }
    }
}
