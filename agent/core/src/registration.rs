//! The accounts: each fetches its password, is handed to the PBX session, and says in a sentence what is wrong.

use crate::{
    action::{AccountStatus, Notice, Refusal, RefusalCode},
    certificate::{CertificateFault, CertificateRule, Untrusted},
    context::Context,
    id::AccountId,
    lines::Lines,
    plain::plain,
    port::{
        sip::{NoWebSocket, Registration, RegistrationProblem, SipCommand, WebFault},
        store::{PasswordQuestion, SecretProblem, StoreCommand},
    },
    secret::Secret,
    settings::{AccountSettings, Settings},
    text,
    timers::Deadline,
};
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// A question for a password that has no answer by then never gets one: the keyring's own patience is half of it.
const UNANSWERED: Duration = Duration::from_secs(60);

/// How far the question for an account's password has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Nothing was heard.
    Open,
    /// It was said why there is none; the password may follow yet, when the keyring is unlocked late.
    Denied,
    /// It came. What is said again is passed over.
    Given,
}

/// One account and what it is doing.
#[derive(Debug)]
pub(crate) struct Account {
    settings: AccountSettings,
    state: Registration,
    /// What is wrong and what to do about it.
    problem: Option<String>,
    local: Option<IpAddr>,
    /// The question for its password that counts; an answer to an earlier one is of other settings.
    question: u64,
    asked: Asked,
    /// It was handed to the PBX session.
    handed: bool,
}

impl Account {
    pub(crate) fn aor(&self) -> &str {
        &self.settings.aor
    }

    /// It was handed to the PBX session.
    pub(crate) fn handed(&self) -> bool {
        self.handed
    }

    pub(crate) fn state(&self) -> &Registration {
        &self.state
    }

    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// What the user calls the account: its user part.
    pub(crate) fn user(&self) -> &str {
        self.settings.user()
    }

    /// Whether it waits for the user: nothing else can bring it back, or, as with a refused password, hardly anything; or,
    /// as with another key than before, nothing else should.
    pub(crate) fn stuck(&self) -> bool {
        use RegistrationProblem::{Certificate, WrongPassword};
        let Registration::Failed { reason, retry_ms } = &self.state else { return false };
        let changed = |untrusted: &Untrusted| matches!(untrusted.fault, CertificateFault::Changed { .. });
        match reason {
            WrongPassword => true,
            Certificate(untrusted) if changed(untrusted) => true,
            _ => retry_ms.is_none(),
        }
    }
}

/// All accounts, by their place in the settings.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    list: BTreeMap<AccountId, Account>,
    /// Questions for passwords so far.
    questions: u64,
    /// The PBX session broke and has not begun anew.
    down: bool,
}

impl Accounts {
    pub(crate) fn all(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.list.iter().map(|(id, account)| (*id, account))
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<&Account> {
        self.list.get(&id)
    }

    pub(crate) fn status(&self, settings: &Settings, lines: &Lines) -> Vec<AccountStatus> {
        let status = |(id, account): (AccountId, &Account)| AccountStatus {
            account: id,
            aor: account.settings.aor.clone(),
            registration: account.state.clone(),
            pbx: lines.called(id).map(str::to_owned),
            profile: lines.profile(settings, id).map(|(name, _)| name.to_owned()),
        };
        self.all().map(status).collect()
    }

    /// Takes new settings: accounts that are gone are de-registered, only those that changed start anew.
    pub(crate) fn apply(&mut self, cx: &mut Context<'_>, settings: &Settings) {
        let count = u32::try_from(settings.accounts.len()).unwrap_or(u32::MAX);
        let gone: Vec<AccountId> = self.list.keys().filter(|id| id.0 >= count).copied().collect();
        for id in gone {
            cx.notes.over(&topic(id));
            cx.timers.clear(Deadline::Password(id));
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
                        question: 0,
                        asked: Asked::Open,
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
        // Nobody could be handed the password; the new start asks for it.
        let Some(account) = self.list.get_mut(&id).filter(|_| !self.down) else { return };
        cx.notes.over(&topic(id));
        self.questions += 1;
        account.question = self.questions;
        account.asked = Asked::Open;
        account.problem = None;
        account.state = Registration::Idle;
        let aor = account.settings.aor.clone();
        cx.out.store(StoreCommand::Password(PasswordQuestion {
            account: id,
            aor,
            generation: account.question,
        }));
        cx.after(Deadline::Password(id), UNANSWERED);
    }

    /// The store begins anew: what it was asked before is forgotten there.
    pub(crate) fn ask_again(&mut self, cx: &mut Context<'_>) {
        let open = |(id, account): (&AccountId, &Account)| (account.asked == Asked::Open).then_some(*id);
        let ids: Vec<AccountId> = self.list.iter().filter_map(open).collect();
        ids.into_iter().for_each(|id| self.start(cx, id));
    }

    /// The PBX session broke: nothing is registered, and nothing can be until it begins anew after `wait`.
    pub(crate) fn lost(&mut self, cx: &mut Context<'_>, wait: Duration) {
        self.down = true;
        let ids: Vec<AccountId> = self.list.keys().copied().collect();
        for id in ids {
            cx.timers.clear(Deadline::Password(id));
            let Some(account) = self.list.get_mut(&id) else { continue };
            account.handed = false;
            account.local = None;
            if account.asked == Asked::Denied {
                continue;
            }
            let retry_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
            account.problem = Some(failed(cx, &account.settings, &RegistrationProblem::Fault));
            account.state = Registration::Failed { reason: RegistrationProblem::Fault, retry_ms };
            self.told(cx, id);
        }
    }

    /// The PBX session begins anew.
    pub(crate) fn back(&mut self, cx: &mut Context<'_>) {
        self.down = false;
        let ids: Vec<AccountId> = self.list.keys().copied().collect();
        ids.into_iter().for_each(|id| self.start(cx, id));
    }

    /// The store never said a word to the question for this account's password.
    pub(crate) fn unanswered(&mut self, cx: &mut Context<'_>, id: AccountId) {
        let Some(account) = self.list.get(&id).filter(|account| account.asked == Asked::Open) else { return };
        let (aor, generation) = (account.settings.aor.clone(), account.question);
        let question = PasswordQuestion { account: id, aor, generation };
        let why = SecretProblem::Failed(cx.say(&text::KEYRING_SILENT, &[]));
        self.password(cx, &question, Err(why));
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

    /// The store gave a password, or says why not. What answers an earlier question is passed over: it may be another
    /// account's.
    pub(crate) fn password(
        &mut self,
        cx: &mut Context<'_>,
        question: &PasswordQuestion,
        result: Result<Secret, SecretProblem>,
    ) {
        let id = question.account;
        let Some(account) = self.list.get_mut(&id).filter(|_| !self.down) else { return };
        if account.question != question.generation || account.settings.aor != question.aor {
            return;
        }
        match (account.asked, &result) {
            (Asked::Given, _) | (Asked::Denied, Err(_)) => return,
            (_, Ok(_)) => account.asked = Asked::Given,
            (_, Err(_)) => account.asked = Asked::Denied,
        }
        cx.timers.clear(Deadline::Password(id));
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
            Registration::Failed { reason, .. } => Some(failed(cx, &account.settings, reason)),
            _ => None,
        };
        account.state = state;
        self.told(cx, id);
    }

    /// We are reached at another address; gives the one it was before, if there was one.
    pub(crate) fn moved(&mut self, id: AccountId, local: IpAddr) -> Option<IpAddr> {
        self.list.get_mut(&id)?.local.replace(local).filter(|before| *before != local)
    }

    /// The account to call over, and our address there.
    pub(crate) fn line(
        &self,
        cx: &Context<'_>,
        wanted: Option<AccountId>,
    ) -> Result<(AccountId, IpAddr), Refusal> {
        let usable = |id: AccountId| {
            let account = self.list.get(&id)?;
            let ready = account.state == Registration::Registered;
            account.local.filter(|_| ready).map(|local| (id, local))
        };
        self.known(cx, wanted)?;
        match wanted {
            Some(id) => usable(id).ok_or_else(|| {
                let aor = self.list.get(&id).map(Account::aor).unwrap_or_default();
                cx.refusal(RefusalCode::NotRegistered, &text::ACCOUNT_NOT_REGISTERED, &[aor])
            }),
            None => self
                .list
                .keys()
                .find_map(|id| usable(*id))
                .ok_or_else(|| cx.refusal(RefusalCode::NotRegistered, &text::NOT_REGISTERED, &[])),
        }
    }

    /// Every account a call for help can be tried over, and our address there: the one that is wanted, those that are
    /// registered, then any that the PBX session knows.
    pub(crate) fn lines_for_help(
        &self,
        cx: &Context<'_>,
        wanted: Option<AccountId>,
    ) -> Result<Vec<(AccountId, IpAddr)>, Refusal> {
        self.known(cx, wanted)?;
        let mut lines: Vec<(AccountId, &Account)> =
            self.all().filter(|(_, account)| account.handed).collect();
        let rank = |(id, account): &(AccountId, &Account)| {
            (Some(*id) != wanted, account.state != Registration::Registered)
        };
        lines.sort_by_key(rank);
        Ok(lines.into_iter().filter_map(|(id, account)| Some((id, account.local?))).collect())
    }

    fn known(&self, cx: &Context<'_>, wanted: Option<AccountId>) -> Result<(), Refusal> {
        match wanted {
            Some(id) if !self.list.contains_key(&id) => {
                Err(cx.refusal(RefusalCode::NotRegistered, &text::NO_SUCH_ACCOUNT, &[&id.0.to_string()]))
            }
            None if self.list.is_empty() => {
                Err(cx.refusal(RefusalCode::NotRegistered, &text::STATE_NO_ACCOUNT, &[]))
            }
            _ => Ok(()),
        }
    }

    /// Says what changed, and once aloud when it waits for the user.
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
        SecretProblem::AtStartOnly(name) => cx.say(&text::REG_VARIABLE_AT_START, &[aor, &plain(name)]),
        SecretProblem::Failed(detail) => cx.say(&text::REG_KEYRING_FAILED, &[aor, &plain(detail)]),
    }
}

/// What is wrong with the PBX's certificate, and what to do about it.
fn certificate(cx: &Context<'_>, settings: &AccountSettings, untrusted: &Untrusted) -> String {
    let aor = settings.aor.as_str();
    let host = plain(&untrusted.host);
    let presented = untrusted.presented.map(|key| key.to_string()).unwrap_or_default();
    let (phrase, more) = match &untrusted.fault {
        CertificateFault::UnknownIssuer => (&text::secure::CERT_ISSUER, String::new()),
        CertificateFault::WrongName { names } => (&text::secure::CERT_NAME, plain(&names.join(", "))),
        CertificateFault::Expired => (&text::secure::CERT_EXPIRED, String::new()),
        CertificateFault::NotYetValid => (&text::secure::CERT_EARLY, String::new()),
        CertificateFault::Changed { expected } if settings.certificate == CertificateRule::FirstUse => {
            (&text::secure::CERT_CHANGED_KEPT, expected.to_string())
        }
        CertificateFault::Changed { expected } => (&text::secure::CERT_CHANGED, expected.to_string()),
        CertificateFault::Unusable { detail } => (&text::secure::CERT_UNUSABLE, plain(detail)),
    };
    cx.say(phrase, &[aor, &host, &presented, &more])
}

/// What stands where the PBX's WebSocket should be, and what to do about it.
fn no_websocket(cx: &Context<'_>, aor: &str, none: &NoWebSocket) -> String {
    let (phrase, more) = match &none.fault {
        WebFault::Status { status: status @ (401 | 403 | 407) } => {
            (&text::secure::WEB_REFUSED, status.to_string())
        }
        WebFault::Status { status } => (&text::secure::WEB_STATUS, status.to_string()),
        WebFault::Redirected { status, to } => {
            (&text::secure::WEB_REDIRECTED, plain(&format!("{status} {to}")).trim().to_owned())
        }
        WebFault::NoSip => (&text::secure::WEB_NO_SIP, String::new()),
        WebFault::Garbled { detail } => (&text::secure::WEB_GARBLED, plain(detail)),
    };
    cx.say(phrase, &[aor, &plain(&none.host), &none.path, &more])
}

fn failed(cx: &Context<'_>, settings: &AccountSettings, reason: &RegistrationProblem) -> String {
    let aor = settings.aor.as_str();
    match reason {
        RegistrationProblem::WrongPassword => cx.say(&text::REG_WRONG_PASSWORD, &[aor]),
        RegistrationProblem::NoPassword => cx.say(&text::REG_NO_PASSWORD, &[aor]),
        RegistrationProblem::NoCommonAuthentication => cx.say(&text::REG_NO_COMMON_WAY, &[aor]),
        RegistrationProblem::WeakerAuthentication => cx.say(&text::secure::REG_WEAKER, &[aor]),
        RegistrationProblem::Forbidden { phrase } => {
            cx.say(&text::secure::REG_FORBIDDEN, &[aor, &plain(phrase)])
        }
        RegistrationProblem::Silent => cx.say(&text::REG_SILENT, &[aor]),
        RegistrationProblem::Unreachable { detail } => cx.say(&text::REG_UNREACHABLE, &[aor, &plain(detail)]),
        RegistrationProblem::Fault => cx.say(&text::REG_FAULT, &[aor]),
        RegistrationProblem::Certificate(untrusted) => certificate(cx, settings, untrusted),
        RegistrationProblem::WebSocket(none) => no_websocket(cx, aor, none),
        RegistrationProblem::Refused { status, phrase } => {
            cx.say(&text::REG_REFUSED, &[aor, &status.to_string(), &plain(phrase)])
        }
    }
}
