//! What is kept: settings file, journal, ledger, secrets in the keyring of the system, and the folder it all lies in.
//!
//! [`start`] runs the store beside the agent on one thread that sleeps while there is nothing to write. Everything else
//! here is for the command line, works without the agent, and beside it: [`JournalReader`], [`LedgerWriter`],
//! [`add_account`], [`remove_account`], [`read_settings`], [`Keyring`].

mod database;
mod device;
mod error;
mod file;
mod journal;
mod keyring;
mod language;
mod ledger;
mod pending;
mod pins;
mod platform;
mod profile;
mod profiles;
mod reserve;
mod settings;
mod store;
mod switches;
mod variables;

pub use device::device_secret;
pub use error::{SettingsError, SettingsErrors, StoreError};
pub use journal::{JournalQuery, JournalReader, LedgerQuery};
pub use keyring::{Keyring, seal_key};
pub use language::system_language;
pub use ledger::LedgerWriter;
pub use pins::Pins;
pub use profile::Profile;
pub use profiles::{check_profiles, pbx_profile};
pub use settings::{
    DEFAULT_FILE, add_account, check_account, parse_settings, read_settings, remove_account, write_default,
};
pub use store::{StoreHandle, Tell, start, start_watched};
pub use variables::{close_environment, keep_variable, variable};
