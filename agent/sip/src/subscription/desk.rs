//! What the subscriptions of one account share: the road of its registration, its credentials, and their pace.

use crate::{
    auth::DigestClient,
    flow::Flow,
    line::Line,
    message::{NameAddr, SipUri},
    subscription::pace::Pace,
};
use agent_core::{
    port::sip::watch::{Package, Watched},
    settings::AccountSettings,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

/// The most subscriptions of an account; what is asked for beyond them is not watched.
const MOST: usize = 2_000;

/// The way over which an account is registered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Road {
    /// The road.
    pub(crate) flow: Flow,
    /// Where we are reached.
    pub(crate) contact: SipUri,
    /// The proxies a request that begins something goes through.
    pub(crate) routes: Vec<NameAddr>,
}

/// An account as its subscriptions see it.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Whose line.
    pub(crate) line: Line,
    /// Shared, so that one challenge serves them all.
    pub(crate) auth: DigestClient,
    /// `None` while the account is not registered: nothing is asked then.
    pub(crate) road: Option<Road>,
    /// What the settings name.
    pub(crate) settings: Vec<Watched>,
    /// Our presence is published.
    pub(crate) publishes: bool,
    /// What was asked for beside them.
    pub(crate) asked: Vec<Watched>,
    /// The subscription for each.
    pub(crate) by: BTreeMap<Watched, u64>,
    pub(crate) pace: Pace,
    /// Who waits for a turn: those who hurry, and the others.
    hurried: VecDeque<u64>,
    waiting: VecDeque<u64>,
}

impl Desk {
    pub(crate) fn new(line: Line, auth: DigestClient, rate: u32) -> Self {
        Self {
            line,
            auth,
            road: None,
            settings: Vec::new(),
            publishes: false,
            asked: Vec::new(),
            by: BTreeMap::new(),
            pace: Pace::new(rate),
            hurried: VecDeque::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Everything that is to be watched, voice mail first.
    pub(crate) fn wanted(&self) -> BTreeSet<Watched> {
        self.settings.iter().chain(&self.asked).take(MOST).cloned().collect()
    }

    /// Puts a subscription in the queue; each is in it once.
    pub(crate) fn queue(&mut self, number: u64, hurried: bool) {
        if self.hurried.contains(&number) {
            return;
        }
        if hurried {
            self.waiting.retain(|other| *other != number);
            self.hurried.push_back(number);
        } else if !self.waiting.contains(&number) {
            self.waiting.push_back(number);
        }
    }

    /// Nobody waits any more.
    pub(crate) fn clear_queue(&mut self) {
        self.hurried.clear();
        self.waiting.clear();
    }

    /// When the next in the queue may go; `None` when nobody waits or there is no road.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        self.road.as_ref()?;
        let hurried = match (self.hurried.is_empty(), self.waiting.is_empty()) {
            (false, _) => true,
            (true, false) => false,
            (true, true) => return None,
        };
        Some(self.pace.free(hurried).unwrap_or(now).max(now))
    }

    /// The next in the queue, whose turn it is.
    pub(crate) fn take(&mut self) -> Option<u64> {
        self.hurried.pop_front().or_else(|| self.waiting.pop_front())
    }
}

/// What the settings of an account ask to be watched.
pub(crate) fn watched(settings: &AccountSettings) -> Vec<Watched> {
    let own = |package| Watched { package, target: String::new() };
    let of = |package| move |target: &String| Watched { package, target: target.clone() };
    let mail = settings.voice_mail.then(|| own(Package::Messages));
    let phones = settings.other_phones.then(|| own(Package::Registrations));
    let lines = settings.watch.iter().map(of(Package::Line));
    let people = settings.presence.iter().map(of(Package::Presence));
    mail.into_iter().chain(phones).chain(lines).chain(people).collect()
}
