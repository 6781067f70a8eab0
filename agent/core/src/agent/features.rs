//! The features beyond a plain call, each handed to the part of the core that has it.

use crate::{
    action::{FeatureAction, Refusal, RefusalCode, Reply},
    agent::Agent,
    id::AccountId,
    port::sip::{
        Registration,
        watch::{Package, PresenceInfo, Watched},
    },
    text,
    time::Now,
};

impl Agent {
    pub(super) fn feature(&mut self, now: Now, feature: FeatureAction) -> Result<Reply, Refusal> {
        match feature {
            FeatureAction::Redial { account } => self.redial(now, account),
            FeatureAction::Watch { account, target, presence, on } => {
                let package = if presence { Package::Presence } else { Package::Line };
                self.watch(now, account, Watched { package, target: target.trim().to_owned() }, on)
            }
            FeatureAction::Presence { state, note } => {
                let (watches, mut cx) = self.watches_at(now);
                watches.say(&mut cx, PresenceInfo { state, note })
            }
            FeatureAction::Transfer { call, to, with } => self.transfer(now, call, to.as_deref(), with),
            FeatureAction::Deflect { call, to } => self.deflect(now, call, &to),
            FeatureAction::Conference { calls, split } => {
                let (board, mut cx) = self.calls_at(now);
                if split { board.ask_split(&mut cx) } else { board.ask_conference(&mut cx, &calls) }
            }
            FeatureAction::Pickup { account, number, dialog } => {
                self.pickup(now, account, number.as_deref(), dialog)
            }
            FeatureAction::Park { call } => self.park(now, call),
            FeatureAction::Retrieve { account, slot } => self.retrieve(now, account, &slot),
            FeatureAction::Reconnect { account } => {
                let (accounts, mut cx) = self.accounts_at(now);
                accounts.reconnect(&mut cx, account).map(|()| Reply::Done)
            }
        }
    }

    fn watch(
        &mut self,
        now: Now,
        account: Option<AccountId>,
        watched: Watched,
        on: bool,
    ) -> Result<Reply, Refusal> {
        let account = account.unwrap_or(AccountId(0));
        if self.accounts.get(account).is_none() {
            let text = self.say(&text::NO_SUCH_ACCOUNT, &[&account.0.to_string()]);
            return Err(Refusal { code: RefusalCode::NotRegistered, text });
        }
        let (watches, mut cx) = self.watches_at(now);
        watches.watch(&mut cx, (account, watched), on)
    }

    /// What is so now is told to accounts that publish.
    pub(super) fn publish(&mut self, now: Now) {
        if self.quitting || !self.settings.accounts.iter().any(|account| account.publish) {
            return;
        }
        let in_call = self.calls.engaged_count() > 0;
        let ready = self.accounts.all().filter(|(_, account)| *account.state() == Registration::Registered);
        let registered = ready.map(|(id, _)| id).collect();
        let (watches, mut cx) = self.watches_at(now);
        watches.publish(&mut cx, in_call, &registered);
    }

    /// Calls the last number again, over the account it went over unless another one is named.
    fn redial(&mut self, now: Now, account: Option<AccountId>) -> Result<Reply, Refusal> {
        let Some((number, over)) = self.last_dialled.clone() else {
            let text = self.say(&text::features::NO_REDIAL, &[]);
            return Err(Refusal { code: RefusalCode::NotANumber, text });
        };
        self.call(now, &number, Some(account.unwrap_or(over)))
    }
}
