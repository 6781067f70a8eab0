//! What kind of PBX each line is at: the profile that is named, or the one that fits what the PBX calls itself.

use crate::{
    action::Switch,
    id::AccountId,
    pbx::{Codes, PbxProfile},
    plain::plain,
    port::sip::{
        Treatment,
        watch::{Package, Watched},
    },
    settings::{AccountSettings, Settings, usual_identity},
    switches::Switches,
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
    /// What SIP was told to ask each for, of what it tells of features.
    read: BTreeMap<AccountId, Vec<Watched>>,
    /// What is switched on and off.
    pub switches: Switches,
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
        self.read.retain(|account, _| account.0 < count);
        self.stale = true;
    }

    /// An account was handed to SIP, which knows nothing of its PBX.
    pub(crate) fn handed(&mut self, account: AccountId) {
        self.told.remove(&account);
        self.read.remove(&account);
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

    /// What accounts that were handed to SIP are to be asked for features, by the codes of their PBX.
    pub(crate) fn watched(&self, settings: &Settings, account: AccountId) -> Vec<Watched> {
        let Some((_, profile)) = self.profile(settings, account) else { return Vec::new() };
        let lines = self.feature_lines(settings, account).into_iter();
        let mut watched: Vec<Watched> =
            lines.map(|(target, _)| Watched { package: Package::Line, target }).collect();
        if profile.quirks.feature_events == Some(true) {
            watched.push(Watched { package: Package::Features, target: String::new() });
        }
        watched
    }

    /// What the line of this name says is on.
    pub(crate) fn switched(&self, settings: &Settings, account: AccountId, target: &str) -> Option<Switch> {
        self.feature_lines(settings, account).into_iter().find(|(line, _)| line == target).map(|(_, it)| it)
    }

    fn feature_lines(&self, settings: &Settings, account: AccountId) -> Vec<(String, Switch)> {
        let own = usize::try_from(account.0).ok().and_then(|place| settings.accounts.get(place));
        let (Some(own), Some(codes)) = (own, self.codes(settings, account)) else { return Vec::new() };
        let lines = [
            (&codes.dnd_line, Switch::Dnd),
            (&codes.forward_line, Switch::ForwardAlways),
            (&codes.queue_line, Switch::Queue),
        ];
        lines
            .into_iter()
            .filter_map(|(code, it)| Some((code.as_ref()?.with(None, own.user())?, it)))
            .collect()
    }

    /// How SIP is to treat accounts that were handed to it, and of which it is to ask for other features, where that changed
    /// since it was last told.
    pub(crate) fn treat(&mut self, settings: &Settings, handed: impl Iterator<Item = AccountId>) -> News {
        let mut news = News::default();
        if !std::mem::take(&mut self.stale) {
            return news;
        }
        for account in handed {
            let place = usize::try_from(account.0).unwrap_or(usize::MAX);
            let Some(own) = settings.accounts.get(place) else { continue };
            let profile = self.profile(settings, account);
            let treated = profile.map(|(_, it)| treatment(own, it)).unwrap_or_default();
            let watched = self.watched(settings, account);
            if *self.told.entry(account).or_default() != treated {
                self.told.insert(account, treated.clone());
                news.treatments.push((account, treated));
            }
            if *self.read.entry(account).or_default() != watched {
                self.read.insert(account, watched);
                news.watches.push(account);
            }
        }
        news
    }
}

/// What SIP is to be told anew.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub treatments: Vec<(AccountId, Treatment)>,
    /// Of these accounts other things are watched.
    pub watches: Vec<AccountId>,
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
