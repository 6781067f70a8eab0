//! Secrets in the keyring of the operating system: passwords by account, and the key that seals compiled plugins.

use crate::{error::StoreError, platform};
use agent_core::{port::store::SecretProblem, secret::Secret};
use keyring_core::{CredentialStore, Entry, Error};
use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// The name under which everything of ours is kept.
const SERVICE: &str = "trayphone";

/// The entry of the seal key; no address of record can be called so.
const SEAL_KEY: &str = "plugin-cache-seal-key";

/// How long a keyring may take where somebody waits. It may be showing a prompt to the user.
const PATIENCE: Duration = Duration::from_secs(30);

/// The keyring. Every call may wait for the user to unlock it: not for threads that must go on.
pub struct Keyring(Arc<CredentialStore>);

impl Keyring {
    /// Opens the system's keyring.
    pub fn open() -> Result<Self, SecretProblem> {
        platform::keyring().map(Self).map_err(|cause| {
            SecretProblem::NoKeyring(format!(
                "{cause}: start one (for example gnome-keyring or KWallet), or write password = \"env:NAME\" in the account"
            ))
        })
    }

    /// The password of the account `aor`.
    pub fn get(&self, aor: &str) -> Result<Secret, SecretProblem> {
        self.entry(aor)
            .and_then(|entry| entry.get_password())
            .map(Secret::new)
            .map_err(|error| problem(&error))
    }

    /// Keeps the password of the account `aor`, in place of an earlier one.
    pub fn set(&self, aor: &str, password: &Secret) -> Result<(), SecretProblem> {
        self.entry(aor)
            .and_then(|entry| entry.set_password(password.expose()))
            .map_err(|error| problem(&error))
    }

    /// Forgets the password of the account `aor`; `false` where there was none.
    pub fn delete(&self, aor: &str) -> Result<bool, SecretProblem> {
        match self.entry(aor).and_then(|entry| entry.delete_credential()) {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(problem(&error)),
        }
    }

    fn entry(&self, user: &str) -> keyring_core::Result<Entry> {
        platform::entry(self.0.as_ref(), SERVICE, user)
    }

    /// The key of this user, made at the first call.
    fn seal_key(&self) -> keyring_core::Result<[u8; 32]> {
        let entry = self.entry(SEAL_KEY)?;
        match read_key(&entry) {
            Err(Error::NoEntry) => {}
            other => return other,
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Error::PlatformFailure(Box::new(error)))?;
        entry.set_password(&hex(&key))?;
        // Another process may have done the same at the same time: what is kept counts.
        read_key(&self.entry(SEAL_KEY)?)
    }
}

/// The 32 bytes that seal compiled plugins for this user, made and kept at the first call. `None` without a keyring, or
/// when it stays locked: then nothing compiled is kept. Waits at most half a minute.
pub fn seal_key() -> Option<[u8; 32]> {
    let (tell, told) = mpsc::sync_channel(1);
    let work = move || {
        let key = Keyring::open().map_err(|problem| format!("{problem:?}"));
        let key = key.and_then(|keyring| keyring.seal_key().map_err(|error| error.to_string()));
        // Nobody listens any more: the patience below has run out.
        let _ = tell.send(key);
    };
    thread::Builder::new().name("keyring".to_owned()).spawn(work).ok()?;
    match told.recv_timeout(PATIENCE) {
        Ok(Ok(key)) => Some(key),
        Ok(Err(cause)) => {
            tracing::info!(cause, "no key to seal compiled plugins with");
            None
        }
        Err(_) => {
            tracing::info!("the keyring did not answer; compiled plugins are not kept");
            None
        }
    }
}

/// Fetches a password on a thread of its own. `tell` is called once, or twice when the keyring answers only after it was
/// said not to.
pub(crate) fn fetch(
    aor: String,
    tell: impl Fn(Result<Secret, SecretProblem>) + Send + 'static,
) -> Result<(), std::io::Error> {
    fetch_within(PATIENCE, move || Keyring::open()?.get(&aor), tell)
}

fn fetch_within(
    patience: Duration,
    get: impl FnOnce() -> Result<Secret, SecretProblem> + Send + 'static,
    tell: impl Fn(Result<Secret, SecretProblem>) + Send + 'static,
) -> Result<(), std::io::Error> {
    let (answer, answered) = mpsc::sync_channel(1);
    let wait = move || match answered.recv_timeout(patience) {
        Ok(result) => tell(result),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            let cause = format!(
                "it did not answer within {} s; perhaps it asks for its own password",
                patience.as_secs()
            );
            tell(Err(SecretProblem::Failed(cause)));
            // The user may unlock it yet, and then nobody should have to start anything anew.
            if let Ok(result) = answered.recv() {
                tell(result);
            }
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            tell(Err(SecretProblem::Failed("the keyring's library broke down".to_owned())));
        }
    };
    thread::Builder::new().name("keyring-wait".to_owned()).spawn(wait)?;
    let ask = move || {
        // The one who waits is gone only when the process ends.
        let _ = answer.send(get());
    };
    thread::Builder::new().name("keyring".to_owned()).spawn(ask).map(|_| ())
}

impl From<SecretProblem> for StoreError {
    fn from(problem: SecretProblem) -> Self {
        Self::Keyring(match problem {
            SecretProblem::Missing => "the keyring has no password for this account".to_owned(),
            SecretProblem::NoKeyring(cause) => cause,
            SecretProblem::NoVariable(name) => format!("the environment variable {name} is not set"),
            SecretProblem::AtStartOnly(name) => {
                format!("the environment variable {name} is taken at the start of the program only")
            }
            SecretProblem::Failed(cause) => format!("the keyring failed: {cause}"),
        })
    }
}

fn problem(error: &Error) -> SecretProblem {
    match error {
        Error::NoEntry => SecretProblem::Missing,
        Error::NoStorageAccess(cause) => {
            SecretProblem::Failed(format!("it is locked, or access was denied ({cause})"))
        }
        Error::Ambiguous(_) => SecretProblem::Failed(
            "it holds several passwords for this account: remove all but one".to_owned(),
        ),
        // Never the error's own text: it may carry the bytes.
        Error::BadEncoding(_) => SecretProblem::Failed("the password kept there is not text".to_owned()),
        Error::BadDataFormat(..) => {
            SecretProblem::Failed("what is kept there is no password of ours".to_owned())
        }
        other => SecretProblem::Failed(other.to_string()),
    }
}

fn read_key(entry: &Entry) -> keyring_core::Result<[u8; 32]> {
    let text = entry.get_password()?;
    let bad = || Error::BadStoreFormat("the seal key is not 64 hexadecimal digits".to_owned());
    if text.len() != 64 || !text.is_ascii() {
        return Err(bad());
    }
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        let digits = text.get(2 * at..2 * at + 2).ok_or_else(bad)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| bad())?;
    }
    Ok(key)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_that_asks_the_user_is_told_of_and_may_still_answer() {
        let (unlock, unlocked) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let get = move || {
            unlocked.recv().unwrap();
            Ok(Secret::new("geheim".to_owned()))
        };
        fetch_within(Duration::from_millis(20), get, move |result| tell.send(result).unwrap()).unwrap();
        assert!(
            matches!(told.recv().unwrap(), Err(SecretProblem::Failed(text)) if text.contains("did not answer"))
        );
        unlock.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), Ok(Secret::new("geheim".to_owned())));
        told.recv().unwrap_err();
    }

    #[test]
    fn a_keyring_that_breaks_down_is_told_of() {
        let (tell, told) = mpsc::channel();
        fetch_within(
            Duration::from_secs(60),
            || panic!("as a library might"),
            move |result| tell.send(result).unwrap(),
        )
        .unwrap();
        assert!(matches!(told.recv().unwrap(), Err(SecretProblem::Failed(_))));
    }
}
