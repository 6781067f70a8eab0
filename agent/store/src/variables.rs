//! Passwords from the environment (`password = "env:NAME"`): taken out of it by the program, kept here for who needs them.

use agent_core::{port::store::SecretProblem, secret::Secret};
use std::{
    collections::BTreeMap,
    env,
    sync::{Mutex, PoisonError},
};

/// One for the whole process, as the environment is.
static KEPT: Mutex<BTreeMap<String, Secret>> = Mutex::new(BTreeMap::new());

/// Keeps what was taken out of the environment, where every program we start could read it.
pub fn keep_variable(name: &str, password: Secret) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), password);
}

/// The password in a variable, kept or still in the environment. One that is empty is none.
pub fn variable(name: &str) -> Result<Secret, SecretProblem> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    kept.or_else(|| env::var(name).ok().map(Secret::new))
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
}
