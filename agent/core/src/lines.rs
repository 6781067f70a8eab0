//! What kind of PBX each line is at: the profile that is named, or the one that fits what the PBX calls itself.

use crate::{
    id::AccountId,
    pbx::{Codes, PbxProfile},
    plain::plain,
    port::sip::Treatment,
    settings::{AccountSettings, Settings, usual_identity},
};
use std::collections::{BTreeMap, BTreeSet};

/// All lines, and the profiles there are.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    profiles: BTreeMap<String, PbxProfile>,
    /// What the PBX of each calls itself.
    products: BTreeMap<AccountId, String>,
    /// How SIP was told to treat each.
    told: BTreeMap<AccountId, Treatment>,
    /// Something changed since SIP was last told.
    stale: bool,
    /// Unverified codes the user was told of in this run.
    warned: BTreeSet<String>,
}

/// The most codes that are remembered as told of.
const MOST_WARNED: usize = 256;

impl Lines {
    /// The profiles there are from now on.
    pub(crate) fn profiles(&mut self, profiles: BTreeMap<String, PbxProfile>) {
        self.profiles = profiles;
        self.stale = true;
    }

    /// New settings: accounts that are gone are forgotten.
    pub(crate) fn apply(&mut self, settings: &Settings) {
        let count = u32::try_from(settings.accounts.len()).unwrap_or(u32::MAX);
        self.products.retain(|account, _| account.0 < count);
        self.told.retain(|account, _| account.0 < count);
        self.stale = true;
    }

    /// An account was handed to SIP, which knows nothing of its PBX.
    pub(crate) fn handed(&mut self, account: AccountId) {
        self.told.remove(&account);
        self.stale = true;
    }

    /// The PBX of an account says what it is.
    pub(crate) fn product(&mut self, account: AccountId, product: &str) {
        self.products.insert(account, plain(product));
        self.stale = true;
    }

    /// What the PBX of an account calls itself.
    pub(crate) fn called(&self, account: AccountId) -> Option<&str> {
        self.products.get(&account).map(String::as_str)
    }

    /// The profile of an account's PBX, with the name the settings know it by; that of `auto` once the PBX has said what
    /// it is, and of several that fit the closest.
    pub(crate) fn profile(&self, settings: &Settings, account: AccountId) -> Option<(&str, &PbxProfile)> {
        let named = &settings.accounts.get(usize::try_from(account.0).ok()?)?.profile;
        let named = match named.as_str() {
            "auto" => {
                let product = self.products.get(&account)?;
                let fits = self.profiles.iter().filter_map(|(name, it)| Some((it.fits(product)?, name)));
                fits.max_by_key(|(close, _)| *close)?.1
            }
            _ => named,
        };
        self.profiles.get_key_value(named).map(|(name, profile)| (name.as_str(), profile))
    }

    /// The codes of an account's PBX.
    pub(crate) fn codes(&self, settings: &Settings, account: AccountId) -> Option<&Codes> {
        self.profile(settings, account).map(|(_, profile)| &profile.codes)
    }

    /// What is called to hear an account's voice mail, as its kind of PBX has it.
    pub(crate) fn voice_mail(&self, settings: &Settings, account: AccountId) -> Option<String> {
        let own = settings.accounts.get(usize::try_from(account.0).ok()?)?.user();
        self.codes(settings, account)?.voice_mail.as_ref()?.with(None, own)
    }

    /// Whether this code was not told of before as one that nobody has verified.
    pub(crate) fn first_time(&mut self, code: &str) -> bool {
        self.warned.len() < MOST_WARNED && self.warned.insert(code.to_owned())
    }

    /// How SIP is to treat accounts that were handed to it, where that changed since it was last told.
    pub(crate) fn treat(
        &mut self,
        settings: &Settings,
        handed: impl Iterator<Item = AccountId>,
    ) -> Vec<(AccountId, Treatment)> {
        if !std::mem::take(&mut self.stale) {
            return Vec::new();
        }
        let wanted = |account: AccountId| {
            let own = settings.accounts.get(usize::try_from(account.0).ok()?)?;
            let profile = self.profile(settings, account);
            Some((account, profile.map(|(_, it)| treatment(own, it)).unwrap_or_default()))
        };
        let mut news: Vec<(AccountId, Treatment)> = handed.filter_map(wanted).collect();
        news.retain(|(account, wanted)| {
            let told = self.told.entry(*account).or_default();
            let changed = told != wanted;
            told.clone_from(wanted);
            changed
        });
        news
    }
}

/// What the user set goes before what the profile says.
fn treatment(own: &AccountSettings, profile: &PbxProfile) -> Treatment {
    let quirks = &profile.quirks;
    Treatment {
        subscribes_per_second: quirks.subscribes_per_second,
        identity: quirks.identity.clone().filter(|_| own.identity == usual_identity()),
        reliable_ringing: quirks.reliable_ringing == Some(true),
    }
}
