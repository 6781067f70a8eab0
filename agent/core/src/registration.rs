//! The accounts: each fetches its password, is handed to the PBX session, and says in a sentence what is wrong.

use crate::{
    action::{AccountStatus, Notice, Refusal, RefusalCode},
    context::Context,
    id::AccountId,
    plain::plain,
    port::{
        sip::{Registration, RegistrationProblem, SipCommand},
        store::{SecretProblem, StoreCommand},
    },
    secret::Secret,
    settings::{AccountSettings, Settings},
    text,
};
use std::{collections::BTreeMap, net::IpAddr};

/// One account and what it is doing.
#[derive(Debug)]
pub(crate) struct Account {
    settings: AccountSettings,
    state: Registration,
    /// What is wrong and what to do about it.
    problem: Option<String>,
    local: Option<IpAddr>,
    /// Passwords asked for and not yet given; only the last one is of these settings.
    asked: u32,
    /// It was handed to the PBX session.
    handed: bool,
}

impl Account {
    pub(crate) fn aor(&self) -> &str {
        &self.settings.aor
    }

    pub(crate) fn state(&self) -> &Registration {
        &self.state
    }

    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// What the user calls the account: its user part.
    pub(crate) fn user(&self) -> &str {
        let aor = self.settings.aor.as_str();
        let rest = aor.split_once(':').map_or(aor, |(_, rest)| rest);
        rest.split('@').next().unwrap_or(rest)
    }

    /// Whether nothing but the user can bring it back.
    pub(crate) fn stuck(&self) -> bool {
        matches!(&self.state, Registration::Failed { retry_ms: None, .. })
    }
}

/// All accounts, by their place in the settings.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    list: BTreeMap<AccountId, Account>,
}

impl Accounts {
    pub(crate) fn all(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.list.iter().map(|(id, account)| (*id, account))
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<&Account> {
        self.list.get(&id)
    }

    pub(crate) fn status(&self) -> Vec<AccountStatus> {
        let status = |(id, account): (AccountId, &Account)| AccountStatus {
            account: id,
            aor: account.settings.aor.clone(),
            registration: account.state.clone(),
        };
        self.all().map(status).collect()
    }

    /// Takes new settings: accounts that are gone are de-registered, only those that changed start anew.
    pub(crate) fn apply(&mut self, cx: &mut Context<'_>, settings: &Settings) {
        let count = u32::try_from(settings.accounts.len()).unwrap_or(u32::MAX);
        let gone: Vec<AccountId> = self.list.keys().filter(|id| id.0 >= count).copied().collect();
        for id in gone {
            cx.notes.over(&topic(id));
            if self.list.remove(&id).is_some_and(|account| account.handed) {
                cx.out.sip(SipCommand::Unregister { account: id });
            }
        }
        for (id, wanted) in (0..count).map(AccountId).zip(&settings.accounts) {
            match self.list.get_mut(&id) {
                Some(account) if account.settings == *wanted => continue,
                Some(account) => account.settings = wanted.clone(),
                None => {
                    let account = Account {
                        settings: wanted.clone(),
                        state: Registration::Idle,
                        problem: None,
                        local: None,
                        asked: 0,
                        handed: false,
                    };
                    self.list.insert(id, account);
                }
            }
            self.start(cx, id);
        }
    }

    /// Fetches the password; the registration follows.
    fn start(&mut self, cx: &mut Context<'_>, id: AccountId) {
        cx.notes.over(&topic(id));
        if let Some(account) = self.list.get_mut(&id) {
            account.asked += 1;
            account.problem = None;
            account.state = Registration::Idle;
            cx.out.store(StoreCommand::Password { account: id });
        }
    }

    /// The user wants another try, with the password as it is now.
    pub(crate) fn reconnect(&mut self, cx: &mut Context<'_>, id: Option<AccountId>) -> Result<(), Refusal> {
        match id {
            Some(id) if !self.list.contains_key(&id) => {
                Err(cx.refusal(RefusalCode::NotRegistered, &text::NO_SUCH_ACCOUNT, &[&id.0.to_string()]))
            }
            Some(id) => {
                self.start(cx, id);
                Ok(())
            }
            None if self.list.is_empty() => {
                Err(cx.refusal(RefusalCode::NotRegistered, &text::STATE_NO_ACCOUNT, &[]))
            }
            None => {
                let ids: Vec<AccountId> = self.list.keys().copied().collect();
                ids.into_iter().for_each(|id| self.start(cx, id));
                Ok(())
            }
        }
    }

    /// The store gave a password, or says why not.
    pub(crate) fn password(
        &mut self,
        cx: &mut Context<'_>,
        id: AccountId,
        result: Result<Secret, SecretProblem>,
    ) {
        let Some(account) = self.list.get_mut(&id) else { return };
        account.asked = account.asked.saturating_sub(1);
        if account.asked > 0 {
            return;
        }
        match result {
            Ok(password) => {
                account.handed = true;
                account.state = Registration::Connecting;
                account.problem = None;
                let settings = account.settings.clone();
                cx.out.sip(SipCommand::Register { account: id, settings, password });
            }
            Err(why) => {
                // What an earlier password still keeps registered is not what the settings say now.
                if std::mem::take(&mut account.handed) {
                    cx.out.sip(SipCommand::Unregister { account: id });
                }
                let reason = RegistrationProblem::NoPassword;
                account.state = Registration::Failed { reason, retry_ms: None };
                account.problem = Some(no_password(cx, &account.settings.aor, &why));
            }
        }
        self.told(cx, id);
    }

    /// The registrar said something, or nothing for too long.
    pub(crate) fn changed(&mut self, cx: &mut Context<'_>, id: AccountId, state: Registration) {
        let Some(account) = self.list.get_mut(&id).filter(|account| account.handed) else { return };
        if account.state == state {
            return;
        }
        account.problem = match &state {
            Registration::Failed { reason, .. } => Some(failed(cx, &account.settings.aor, reason)),
            _ => None,
        };
        account.state = state;
        self.told(cx, id);
    }

    /// We are reached at another address.
    pub(crate) fn moved(&mut self, id: AccountId, local: IpAddr) {
        if let Some(account) = self.list.get_mut(&id) {
            account.local = Some(local);
        }
    }

    /// The account to call over, and our address there. An emergency call is tried over any line there is.
    pub(crate) fn line(
        &self,
        cx: &Context<'_>,
        wanted: Option<AccountId>,
        emergency: bool,
    ) -> Result<(AccountId, IpAddr), Refusal> {
        let usable = |id: AccountId| {
            let account = self.list.get(&id)?;
            let ready = account.state == Registration::Registered || (emergency && account.handed);
            account.local.filter(|_| ready).map(|local| (id, local))
        };
        let any = || self.list.keys().find_map(|id| usable(*id));
        match wanted {
            Some(id) if !self.list.contains_key(&id) => {
                Err(cx.refusal(RefusalCode::NotRegistered, &text::NO_SUCH_ACCOUNT, &[&id.0.to_string()]))
            }
            Some(id) => usable(id).or_else(|| if emergency { any() } else { None }).ok_or_else(|| {
                let aor = self.list.get(&id).map(Account::aor).unwrap_or_default();
                cx.refusal(RefusalCode::NotRegistered, &text::ACCOUNT_NOT_REGISTERED, &[aor])
            }),
            None if self.list.is_empty() => {
                Err(cx.refusal(RefusalCode::NotRegistered, &text::STATE_NO_ACCOUNT, &[]))
            }
            // A registered line first, even for an emergency call.
            None => self
                .all()
                .filter(|(_, account)| account.state == Registration::Registered)
                .find_map(|(id, _)| usable(id))
                .or_else(any)
                .ok_or_else(|| cx.refusal(RefusalCode::NotRegistered, &text::NOT_REGISTERED, &[])),
        }
    }

    /// Says what changed, and once aloud when only the user can help.
    fn told(&mut self, cx: &mut Context<'_>, id: AccountId) {
        let Some(account) = self.list.get(&id) else { return };
        let (aor, registration) = (account.settings.aor.clone(), account.state.clone());
        cx.out.notice(Notice::Registration { account: id, aor, registration });
        match &account.problem {
            Some(problem) if account.stuck() => {
                let (title, line) = (cx.say(&text::NOT_CONNECTED, &[]), problem.clone());
                cx.trouble(&topic(id), None, title, line);
            }
            // A password that worked once may fail again: that is news.
            _ if account.state == Registration::Registered => cx.notes.over(&topic(id)),
            _ => {}
        }
    }
}

fn topic(id: AccountId) -> String {
    format!("account {}", id.0)
}

fn no_password(cx: &Context<'_>, aor: &str, why: &SecretProblem) -> String {
    match why {
        SecretProblem::Missing => cx.say(&text::REG_NO_PASSWORD, &[aor]),
        SecretProblem::NoKeyring(detail) => cx.say(&text::REG_NO_KEYRING, &[aor, &plain(detail)]),
        SecretProblem::NoVariable(name) => cx.say(&text::REG_NO_VARIABLE, &[aor, &plain(name)]),
        SecretProblem::Failed(detail) => cx.say(&text::REG_KEYRING_FAILED, &[aor, &plain(detail)]),
    }
}

fn failed(cx: &Context<'_>, aor: &str, reason: &RegistrationProblem) -> String {
    match reason {
        RegistrationProblem::WrongPassword => cx.say(&text::REG_WRONG_PASSWORD, &[aor]),
        RegistrationProblem::NoPassword => cx.say(&text::REG_NO_PASSWORD, &[aor]),
        RegistrationProblem::Silent => cx.say(&text::REG_SILENT, &[aor]),
        RegistrationProblem::Unreachable { detail } => cx.say(&text::REG_UNREACHABLE, &[aor, &plain(detail)]),
        RegistrationProblem::Refused { status, phrase } => {
            cx.say(&text::REG_REFUSED, &[aor, &status.to_string(), &plain(phrase)])
        }
    }
}
