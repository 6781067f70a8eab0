//! What is watched at the PBX, as far as it is known, and what is told of ourselves.
//!
//! What a subscription told is forgotten in the moment it or its account's registration is lost: a line of which nobody
//! knows is never shown as idle.

use crate::{
    action::{
        Notice, Refusal, RefusalCode, Reply, Switch, WatchStatus, WatchedLine, WatchedMailbox, WatchedPerson,
        WatchedPhones,
    },
    context::Context,
    id::AccountId,
    party::Party,
    plain::plain,
    port::sip::{
        Registration, SipCommand, WatchCommand, WatchEvent,
        transfer::DialogRef,
        watch::{
            LineInfo, LineState, Mailbox, OtherPhone, Package, PresenceInfo, PresenceState, Subscribed,
            Watched,
        },
    },
    settings::{Settings, check::watchable},
    text,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most that is watched over an account beside what its settings name.
const MOST_ADDED: usize = 1000;

/// Everything that is watched.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    lines: BTreeMap<(AccountId, String), LineInfo>,
    people: BTreeMap<(AccountId, String), PresenceInfo>,
    mail: BTreeMap<AccountId, Mailbox>,
    phones: BTreeMap<AccountId, Vec<OtherPhone>>,
    /// What the user asked for in this run, beside the settings.
    added: BTreeMap<AccountId, BTreeSet<Watched>>,
    /// What the user says of himself; at the start he is there.
    own: Option<PresenceInfo>,
    /// What was said last to accounts that publish.
    said: BTreeMap<AccountId, PresenceInfo>,
}

impl Watches {
    /// Takes new settings: what they name is unknown until the PBX tells.
    pub(crate) fn apply(&mut self, settings: &Settings) {
        let (mut lines, mut people) = (BTreeSet::new(), BTreeSet::new());
        for (account, wanted) in (0..).map(AccountId).zip(&settings.accounts) {
            lines.extend(wanted.watch.iter().map(|target| (account, target.clone())));
            people.extend(wanted.presence.iter().map(|target| (account, target.clone())));
        }
        let count = u32::try_from(settings.accounts.len()).unwrap_or(u32::MAX);
        self.added.retain(|account, _| account.0 < count);
        for (account, watched) in
            self.added.iter().flat_map(|(account, all)| all.iter().map(|it| (*account, it)))
        {
            let of = (account, watched.target.clone());
            if watched.package == Package::Line {
                lines.insert(of)
            } else {
                people.insert(of)
            };
        }
        self.lines.retain(|of, _| lines.contains(of));
        self.people.retain(|of, _| people.contains(of));
        self.mail.retain(|account, _| account.0 < count);
        self.phones.retain(|account, _| account.0 < count);
        for of in lines {
            self.lines.entry(of).or_default();
        }
        for of in people {
            self.people.entry(of).or_default();
        }
    }

    pub(crate) fn status(&self) -> WatchStatus {
        let line = |((account, target), line): (&(AccountId, String), &LineInfo)| WatchedLine {
            account: *account,
            target: target.clone(),
            line: line.clone(),
        };
        let person = |((account, target), presence): (&(AccountId, String), &PresenceInfo)| WatchedPerson {
            account: *account,
            target: target.clone(),
            presence: presence.clone(),
        };
        let mailbox = |(account, mailbox): (&AccountId, &Mailbox)| WatchedMailbox {
            account: *account,
            mailbox: Some(mailbox.clone()),
        };
        let phones = |(account, phones): (&AccountId, &Vec<OtherPhone>)| WatchedPhones {
            account: *account,
            phones: Some(phones.clone()),
        };
        WatchStatus {
            lines: self.lines.iter().map(line).collect(),
            people: self.people.iter().map(person).collect(),
            mailboxes: self.mail.iter().map(mailbox).collect(),
            phones: self.phones.iter().map(phones).collect(),
        }
    }

    /// The call that rings at a watched line, where the PBX names it: over which account, who calls, and which it is as seen
    /// from them.
    pub(crate) fn rings_at(
        &self,
        account: Option<AccountId>,
        target: &str,
    ) -> Option<(AccountId, Party, DialogRef)> {
        self.ringing().find_map(|(over, watched, line)| {
            let fits = watched == target && account.is_none_or(|account| account == over);
            let (with, pickup) = (line.with.clone()?, line.pickup.as_ref().filter(|_| fits)?);
            let (to_tag, from_tag) = (pickup.remote_tag.clone(), pickup.local_tag.clone());
            Some((over, with, DialogRef { call_id: pickup.call_id.clone(), to_tag, from_tag }))
        })
    }

    /// Watched lines at which a call rings that can be picked up.
    pub(crate) fn ringing(&self) -> impl Iterator<Item = (AccountId, &str, &LineInfo)> {
        let shown = |line: &LineInfo| line.with.as_ref().is_some_and(|with| !with.withheld);
        let rings =
            move |line: &LineInfo| line.state == LineState::Ringing && line.pickup.is_some() && shown(line);
        let lines = self.lines.iter().filter(move |(_, line)| rings(line));
        lines.map(|((account, target), line)| (*account, target.as_str(), line))
    }

    /// Voice mail that waits, with the account it waits for.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (AccountId, &Mailbox)> {
        self.mail.iter().filter(|(_, mailbox)| mailbox.waiting).map(|(account, mailbox)| (*account, mailbox))
    }

    /// SIP told something.
    pub(crate) fn told(&mut self, cx: &mut Context<'_>, event: WatchEvent) {
        match event {
            WatchEvent::State { state: Subscribed::Active, .. } => {}
            WatchEvent::State { account, watched, .. } => self.unknown(cx, account, &watched),
            WatchEvent::Line { account, target, line } => self.line(cx, (account, target), line),
            WatchEvent::Presence { account, target, presence } => {
                let note = presence.note.map(|note| plain(&note)).filter(|note| !note.is_empty());
                self.person(cx, (account, target), PresenceInfo { note, ..presence });
            }
            WatchEvent::Messages { account, mailbox } => self.mailbox(cx, account, Some(mailbox)),
            WatchEvent::Registrations { account, phones } => self.other_phones(cx, account, Some(phones)),
            // What the PBX has of features is for the switches.
            WatchEvent::Features { .. } => {}
        }
    }

    /// An account's registration changed: what is not registered knows nothing.
    pub(crate) fn registration(&mut self, cx: &mut Context<'_>, account: AccountId, state: &Registration) {
        if *state == Registration::Registered {
            return;
        }
        self.said.remove(&account);
        let of_account = |of: &&(AccountId, String)| of.0 == account;
        let lines: Vec<_> = self.lines.keys().filter(of_account).cloned().collect();
        let people: Vec<_> = self.people.keys().filter(of_account).cloned().collect();
        lines.into_iter().for_each(|of| self.line(cx, of, LineInfo::default()));
        people.into_iter().for_each(|of| self.person(cx, of, PresenceInfo::default()));
        self.mailbox(cx, account, None);
        self.other_phones(cx, account, None);
    }

    /// The PBX session broke, or begins anew: what was asked for in this run is asked for again, once it is handed over. Where
    /// there is more to ask for, [`Lines::treat`](crate::lines::Lines::treat) says so.
    pub(crate) fn handed(&self, cx: &mut Context<'_>, account: AccountId) {
        if self.added.contains_key(&account) && cx.lines.watched(cx.settings, account).is_empty() {
            self.wanted(cx, account);
        }
    }

    /// Has SIP ask for what the user wants watched in this run and for what the PBX tells of features, in place of before.
    pub(crate) fn wanted(&self, cx: &mut Context<'_>, account: AccountId) {
        let added = self.added.get(&account);
        let mut watched: Vec<Watched> = added.into_iter().flatten().cloned().collect();
        let features = cx.lines.watched(cx.settings, account).into_iter();
        watched.extend(features.filter(|it| added.is_none_or(|added| !added.contains(it))));
        cx.out.sip(SipCommand::Watch(WatchCommand::Watch { account, watched }));
    }

    /// The user wants a line or a person watched for this run, or not any more.
    pub(crate) fn watch(
        &mut self,
        cx: &mut Context<'_>,
        (account, watched): (AccountId, Watched),
        on: bool,
    ) -> Result<Reply, Refusal> {
        if !watchable(&watched.target) {
            let target = plain(&watched.target);
            return Err(cx.refusal(RefusalCode::NotANumber, &text::watch::NO_TARGET, &[&target]));
        }
        let settings = cx.settings.accounts.get(usize::try_from(account.0).unwrap_or(usize::MAX));
        let list = settings.map(|it| if watched.package == Package::Line { &it.watch } else { &it.presence });
        let settled = list.is_some_and(|list| list.contains(&watched.target));
        let added = self.added.entry(account).or_default();
        if on && added.len() >= MOST_ADDED {
            return Err(cx.refusal(
                RefusalCode::NotAllowed,
                &text::watch::TOO_MANY,
                &[&MOST_ADDED.to_string()],
            ));
        }
        if !on && settled {
            return Err(cx.refusal(
                RefusalCode::NotAllowed,
                &text::watch::SETTLED,
                &[&plain(&watched.target)],
            ));
        }
        let changed = if on { !settled && added.insert(watched) } else { added.remove(&watched) };
        if changed {
            self.apply(cx.settings);
            self.wanted(cx, account);
        }
        Ok(Reply::Done)
    }

    /// What the user says of himself from now on.
    pub(crate) fn say(&mut self, cx: &mut Context<'_>, own: PresenceInfo) -> Result<Reply, Refusal> {
        if !cx.settings.accounts.iter().any(|account| account.publish) {
            return Err(cx.refusal(RefusalCode::NotAllowed, &text::watch::NOT_PUBLISHED, &[]));
        }
        let note = own.note.map(|note| plain(&note)).filter(|note| !note.is_empty());
        self.own = Some(PresenceInfo { note, ..own });
        Ok(Reply::Done)
    }

    /// Tells accounts that publish what is so now: what the user said, and that he is on the phone.
    pub(crate) fn publish(&mut self, cx: &mut Context<'_>, in_call: bool, registered: &BTreeSet<AccountId>) {
        let there = PresenceInfo { state: PresenceState::Available, note: None };
        let own = self.own.clone().unwrap_or(there);
        for (account, settings) in (0..).map(AccountId).zip(&cx.settings.accounts) {
            let mut now = own.clone();
            // Who said of himself that he is away is away; that nobody gets through is said of who is there.
            if now.state == PresenceState::Available {
                let dnd = cx.lines.switches.is_on(&settings.aor, Switch::Dnd);
                now.state = match () {
                    () if dnd => PresenceState::DoNotDisturb,
                    () if in_call => PresenceState::OnThePhone,
                    () => PresenceState::Available,
                };
            }
            if settings.publish && registered.contains(&account) && self.said.get(&account) != Some(&now) {
                self.said.insert(account, now.clone());
                let presence = now.clone();
                cx.out.sip(SipCommand::Watch(WatchCommand::Publish { account, presence }));
            }
        }
    }

    fn unknown(&mut self, cx: &mut Context<'_>, account: AccountId, watched: &Watched) {
        let of = (account, watched.target.clone());
        match watched.package {
            Package::Line => self.line(cx, of, LineInfo::default()),
            Package::Presence => self.person(cx, of, PresenceInfo::default()),
            Package::Messages => self.mailbox(cx, account, None),
            Package::Registrations => self.other_phones(cx, account, None),
            Package::Features => {}
        }
    }

    fn line(&mut self, cx: &mut Context<'_>, of: (AccountId, String), line: LineInfo) {
        let Some(known) = self.lines.get_mut(&of).filter(|known| **known != line) else { return };
        known.clone_from(&line);
        cx.out.notice(Notice::Line(WatchedLine { account: of.0, target: of.1, line }));
    }

    fn person(&mut self, cx: &mut Context<'_>, of: (AccountId, String), presence: PresenceInfo) {
        let Some(known) = self.people.get_mut(&of).filter(|known| **known != presence) else { return };
        known.clone_from(&presence);
        cx.out.notice(Notice::Presence(WatchedPerson { account: of.0, target: of.1, presence }));
    }

    fn mailbox(&mut self, cx: &mut Context<'_>, account: AccountId, mailbox: Option<Mailbox>) {
        if self.mail.get(&account) == mailbox.as_ref() {
            return;
        }
        match mailbox.clone() {
            Some(mailbox) => drop(self.mail.insert(account, mailbox)),
            None => drop(self.mail.remove(&account)),
        }
        cx.out.notice(Notice::Mwi(WatchedMailbox { account, mailbox }));
    }

    fn other_phones(&mut self, cx: &mut Context<'_>, account: AccountId, phones: Option<Vec<OtherPhone>>) {
        if self.phones.get(&account) == phones.as_ref() {
            return;
        }
        match phones.clone() {
            Some(phones) => drop(self.phones.insert(account, phones)),
            None => drop(self.phones.remove(&account)),
        }
        cx.out.notice(Notice::Phones(WatchedPhones { account, phones }));
    }
}
