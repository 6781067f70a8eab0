//! Passwords for one run of the agent, where no keyring keeps them: typed at start or sent over the local API.

use crate::{commands::print, funnel::Funnel};
use agent_core::{
    action::{Action, FeatureAction},
    id::AccountId,
    port::{
        Event,
        store::{PasswordQuestion, SecretProblem, StoreEvent},
    },
    secret::Secret,
    settings::{PasswordSource, Settings, same_address},
};
use std::{
    collections::{BTreeMap, BTreeSet},
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
    /// The accounts' addresses and where their passwords are, by their place in the settings.
    accounts: Vec<(String, PasswordSource)>,
    given: BTreeMap<String, Secret>,
    prompted: BTreeSet<String>,
}

impl State {
    /// Other accounts from now on: what was given for one that is gone is forgotten.
    fn learn(&mut self, settings: &Settings) {
        let known = settings.accounts.iter().map(|account| (account.aor.clone(), account.password.clone()));
        self.accounts = known.collect();
        let Self { accounts, given, prompted } = self;
        let keeps = |aor: &String| {
            accounts.iter().any(|(known, from)| known == aor && *from == PasswordSource::Keyring)
        };
        given.retain(|aor, _| keeps(aor));
        prompted.retain(keeps);
    }
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
    pub(crate) fn answer(&self, question: &PasswordQuestion) -> bool {
        match self.given(&question.aor) {
            Some(secret) => {
                let question = question.clone();
                self.funnel.tell(Event::Store(StoreEvent::Password { question, result: Ok(secret) }));
                true
            }
            None => false,
        }
    }

    /// Takes a password for this run and connects the account anew.
    pub(crate) fn give(&self, aor: &str, secret: Secret) -> Result<(), String> {
        let mut state = self.state();
        let mut accounts = (0..).map(AccountId).zip(&state.accounts);
        let Some((account, (aor, source))) = accounts.find(|(_, (known, _))| same_address(known, aor)) else {
            return Err(format!("no account of the running agent is called {aor}"));
        };
        if let PasswordSource::Env(name) = source {
            return Err(format!(
                "{aor} takes its password from the environment variable {name}: change it there and start the agent \
                 again, or write password = \"keyring\" in the settings"
            ));
        }
        // As the settings write it: so it is asked for.
        let (aor, account) = (aor.clone(), Some(account));
        state.given.insert(aor, secret);
        // Told while nobody can put other settings in between, in which the place is another account's.
        self.funnel.tell(Event::User {
            request: None,
            action: Action::Feature(FeatureAction::Reconnect { account }),
        });
        Ok(())
    }

    /// Connects the account of that address anew.
    pub(crate) fn reconnect(&self, aor: &str) -> Result<(), String> {
        let state = self.state();
        let place = state.accounts.iter().zip(0..).find(|((known, _), _)| same_address(known, aor));
        let Some((_, place)) = place else {
            return Err(format!("no account of the running agent is called {aor}"));
        };
        let account = Some(AccountId(place));
        self.funnel.tell(Event::User {
            request: None,
            action: Action::Feature(FeatureAction::Reconnect { account }),
        });
        Ok(())
    }

    /// What the store says passes here on its way in: settings tell the accounts' names, and a password that is
    /// nowhere is asked for on the terminal, if there is one.
    pub(crate) fn overhear(&self, event: StoreEvent) {
        let event = self.corrected(event);
        if let StoreEvent::Settings(settings) = &event {
            let mut state = self.state();
            state.learn(settings);
            return self.funnel.tell(Event::Store(event));
        }
        if let StoreEvent::Password { question, result: Err(problem) } = &event {
            self.prompt(&question.aor, problem);
        }
        self.funnel.tell(Event::Store(event));
    }

    /// A keyring that has nothing (or was not unlocked) does not undo what was given meanwhile.
    fn corrected(&self, event: StoreEvent) -> StoreEvent {
        let StoreEvent::Password { question, result: Err(problem) } = event else { return event };
        let result = self.given(&question.aor).ok_or(problem);
        StoreEvent::Password { question, result }
    }

    fn given(&self, aor: &str) -> Option<Secret> {
        self.state().given.get(aor).cloned()
    }

    fn prompt(&self, aor: &str, problem: &SecretProblem) {
        if !self.may_prompt || !matches!(problem, SecretProblem::Missing | SecretProblem::NoKeyring(_)) {
            return;
        }
        let aor = aor.to_owned();
        let mut state = self.state();
        if !state.accounts.iter().any(|(known, _)| *known == aor) || !state.prompted.insert(aor.clone()) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::settings::AccountSettings;

    fn settings(aors: &[&str]) -> StoreEvent {
        let account = |aor: &&str| AccountSettings { aor: (*aor).to_owned(), ..AccountSettings::default() };
        let accounts = aors.iter().map(account).collect();
        StoreEvent::Settings(Box::new(Settings { accounts, ..Settings::default() }))
    }

    fn question(aor: &str) -> PasswordQuestion {
        PasswordQuestion { account: AccountId(0), aor: aor.to_owned(), generation: 1 }
    }

    #[test]
    fn what_was_given_belongs_to_the_address_and_goes_with_the_account() {
        let funnel = Funnel::default();
        let passwords = Passwords::new(funnel.clone(), false);
        passwords.overhear(settings(&["sip:1@b", "sip:2@b"]));
        passwords.give("sip:2@b", Secret::new("two".to_owned())).unwrap();
        assert!(passwords.give("sip:3@b", Secret::new("x".to_owned())).unwrap_err().contains("sip:3@b"));
        // The same place, another account: nothing was given for it.
        assert!(!passwords.answer(&question("sip:1@b")));
        assert!(passwords.answer(&question("sip:2@b")));
        // The keyring has nothing: what was given counts.
        passwords.overhear(StoreEvent::Password {
            question: question("sip:2@b"),
            result: Err(SecretProblem::Missing),
        });
        let told: Vec<Event> = std::iter::from_fn(|| funnel.next()).collect();
        let answers = |event: &&Event| {
            matches!(event, Event::Store(StoreEvent::Password { question, result: Ok(secret) })
                if question.aor == "sip:2@b" && secret.expose() == "two")
        };
        assert_eq!(told.iter().filter(answers).count(), 2, "{told:?}");
        let reconnect = Event::User {
            request: None,
            action: Action::Feature(FeatureAction::Reconnect { account: Some(AccountId(1)) }),
        };
        assert!(told.contains(&reconnect));
        passwords.overhear(settings(&["sip:1@b"]));
        passwords.overhear(settings(&["sip:2@b"]));
        assert!(!passwords.answer(&question("sip:2@b")), "it was forgotten with the account");
    }
    #[test]
    fn an_account_of_the_environment_takes_no_other_password() {
        let funnel = Funnel::default();
        let passwords = Passwords::new(funnel.clone(), false);
        passwords.overhear(settings(&["sip:1@b"]));
        passwords.give("sip:1@b", Secret::new("one".to_owned())).unwrap();
        let StoreEvent::Settings(mut changed) = settings(&["sip:1@b"]) else { unreachable!() };
        changed.accounts[0].password = PasswordSource::Env("PBX_ONE".to_owned());
        passwords.overhear(StoreEvent::Settings(changed));
        assert!(!passwords.answer(&question("sip:1@b")), "what was given before counts no more");
        let told = std::iter::from_fn(|| funnel.next()).count();
        let refused = passwords.give("sip:1@b", Secret::new("two".to_owned())).unwrap_err();
        assert!(refused.contains("PBX_ONE") && refused.contains("again"), "{refused}");
        assert!(funnel.next().is_none() && told > 0, "nothing is registered anew");
        assert!(!passwords.answer(&question("sip:1@b")));
    }
}
