//! Passwords from the environment (`password = "env:NAME"`): taken out of it by the program, kept here for who needs them.

use agent_core::{port::store::SecretProblem, secret::Secret};
use std::{
    collections::BTreeMap,
    env,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// One for the whole process, as the environment is.
static KEPT: Mutex<BTreeMap<String, Secret>> = Mutex::new(BTreeMap::new());

/// The environment is as our children inherit it: what still stands there was not taken out in time.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Keeps what was taken out of the environment, where every program we start could read it.
pub fn keep_variable(name: &str, password: Secret) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), password);
}

/// From now on only what was kept is given: programs may be started any time now, and would inherit the rest. With
/// threads running nothing can be taken out of the environment any more.
pub fn close_environment() {
    CLOSED.store(true, Ordering::Relaxed);
}

/// The password in a variable, kept or (until [`close_environment`]) still in the environment. One that is empty is none.
pub fn variable(name: &str) -> Result<Secret, SecretProblem> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    let standing = || env::var(name).ok().map(Secret::new);
    if kept.is_none() && CLOSED.load(Ordering::Relaxed) && standing().is_some() {
        return Err(SecretProblem::AtStartOnly(name.to_owned()));
    }
    kept.or_else(standing)
        .filter(|password| !password.expose().is_empty())
        .ok_or_else(|| SecretProblem::NoVariable(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_and_what_is_nowhere_is_named() {
        let name = "TRAYPHONE_TEST_KEPT";
        assert_eq!(variable(name), Err(SecretProblem::NoVariable(name.to_owned())));
        keep_variable(name, Secret::new(String::new()));
        assert_eq!(variable(name), Err(SecretProblem::NoVariable(name.to_owned())));
        keep_variable(name, Secret::new("geheim".to_owned()));
        assert_eq!(variable(name), Ok(Secret::new("geheim".to_owned())));
    }
    #[test]
    fn what_stands_in_a_closed_environment_is_not_taken() {
        // Every program has one; nothing is put into the environment, which would disturb other tests.
        let name = "PATH";
        assert!(variable(name).is_ok());
        close_environment();
        assert_eq!(variable(name), Err(SecretProblem::AtStartOnly(name.to_owned())));
        keep_variable(name, Secret::new("geheim".to_owned()));
        assert_eq!(variable(name), Ok(Secret::new("geheim".to_owned())));
        assert!(matches!(variable("TRAYPHONE_TEST_NOWHERE"), Err(SecretProblem::NoVariable(_))));
    }
}
