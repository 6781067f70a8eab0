//! The keys that PBXs showed at their first use: the door out asks for them, and the user may change one.

use crate::{
    exit::{Exit, Failure},
    home,
};
use agent_core::{
    certificate::{CertificateRule, Fingerprint},
    settings::{AccountSettings, same_address},
};
use agent_net::{LedgerSink, Net, NetConfig};
use agent_store::{Pins, Profile};
use std::sync::Arc;

/// The profile's keys, as the door out asks for them.
#[derive(Debug)]
struct Kept(Pins);

impl agent_net::Pins for Kept {
    fn known(&self, name: &str) -> Result<Option<Fingerprint>, String> {
        self.0.known(name).map_err(|error| error.to_string())
    }

    fn keep_first(&self, name: &str, key: Fingerprint) -> Result<Fingerprint, String> {
        self.0.keep_first(name, key).map_err(|error| error.to_string())
    }
}

/// The door out, which keeps first keys in the profile.
pub(crate) fn net(profile: &Profile, ledger: LedgerSink) -> Net {
    let pins: Arc<dyn agent_net::Pins> = Arc::new(Kept(Pins::of(profile)));
    let config = NetConfig { pins: Some(pins), ..NetConfig::default() };
    Net::with_config(ledger.clone(), config).unwrap_or_else(|error| {
        // Only an authority of one's own can be wrong, and there is none in it.
        tracing::error!(%error, "keys of a first use are not known");
        Net::new(ledger)
    })
}

/// The name whose key an account goes by, and the key that is kept for it.
pub(crate) fn kept(
    profile: &Profile,
    account: &AccountSettings,
) -> Result<(String, Option<Fingerprint>), Failure> {
    let wrong = |text: String| Failure::new(Exit::Settings, text);
    if account.certificate != CertificateRule::FirstUse {
        let rule = String::from(account.certificate);
        let text = format!(
            "{} does not go by the key of a first use: its settings say certificate = \"{rule}\"",
            account.aor
        );
        return Err(wrong(text));
    }
    let name = agent_sip::proven_name(account).map_err(wrong)?;
    let key = Pins::of(profile).known(&name).map_err(home::failure)?;
    Ok((name, key))
}

/// Goes by `key` from now on: the user has seen both. An account of the settings file, by its address.
pub(crate) fn trust(profile: &Profile, aor: &str, key: Fingerprint) -> Result<(), String> {
    let settings = agent_store::read_settings(profile).map_err(|error| error.to_string())?;
    let account = settings.accounts.iter().find(|account| same_address(&account.aor, aor));
    let account = account.ok_or_else(|| format!("there is no account {aor}"))?;
    let (name, _) = kept(profile, account).map_err(|failure| failure.text)?;
    Pins::of(profile).replace(&name, key).map_err(|error| error.to_string())
}
