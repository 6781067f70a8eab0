//! The features beyond a plain call, each handed to the part of the core that has it.

use crate::{
    action::{FeatureAction, Refusal, RefusalCode, Reply, RequestId, Source},
    agent::{Agent, switching::Answer},
    id::AccountId,
    number::{
        Pattern,
        kind::{Kind, Number, Understood},
    },
    port::{
        sip::{
            Registration,
            watch::{Package, PresenceInfo, Watched},
        },
        store::StoreCommand,
    },
    settings::check::MOST_BLOCKED,
    text,
    time::Now,
};

impl Agent {
    pub(super) fn feature(&mut self, now: Now, request: Option<RequestId>, feature: FeatureAction) -> Answer {
        match feature {
            FeatureAction::Forward { account, when, to } => {
                self.forward(now, request, account, (when, to.as_deref()))
            }
            FeatureAction::Dnd { account, on } => self.dnd(now, request, account, on),
            FeatureAction::Queue { account, step, queue } => {
                self.queue(now, request, account, (step, queue.as_deref()))
            }
            feature => self.plain_feature(now, feature).map(Some),
        }
    }

    fn plain_feature(&mut self, now: Now, feature: FeatureAction) -> Result<Reply, Refusal> {
        match feature {
            FeatureAction::Block { number, on } => self.block(now, &number, on),
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
            FeatureAction::Message { account, to, text } => self.message(now, account, &to, text),
            FeatureAction::Park { call } => self.park(now, call),
            FeatureAction::Retrieve { account, slot } => self.retrieve(now, account, &slot),
            FeatureAction::Reconnect { account } => {
                let (accounts, mut cx) = self.accounts_at(now);
                accounts.reconnect(&mut cx, account).map(|()| Reply::Done)
            }
            // They take their time.
            FeatureAction::Forward { .. } | FeatureAction::Dnd { .. } | FeatureAction::Queue { .. } => {
                Ok(Reply::Done)
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

    /// Blocks a number, or lets it ring again: the store writes it down, and the settings come back with it.
    fn block(&mut self, now: Now, number: &str, on: bool) -> Result<Reply, Refusal> {
        let (_, cx) = self.calls_at(now);
        let Some(pattern) = Pattern::read(number) else {
            let shown = crate::plain::plain(number);
            return Err(cx.refusal(RefusalCode::NotANumber, &text::calls::NO_PATTERN, &[&shown]));
        };
        if on && cx.settings.calls.blocked.len() >= MOST_BLOCKED {
            let most = MOST_BLOCKED.to_string();
            return Err(cx.refusal(RefusalCode::NotAllowed, &text::calls::BLOCKED_FULL, &[&most]));
        }
        cx.out.store(StoreCommand::Block { number: pattern.written(), on });
        Ok(Reply::Done)
    }

    /// What was dialled in earlier runs: the last of it can be called again. An emergency number is none of it.
    pub(super) fn remember(&mut self, dialled: &[(String, AccountId, bool)]) {
        if self.last_dialled.is_some() {
            return;
        }
        let known = |(text, account, hidden): &(String, AccountId, bool)| match self
            .numbers
            .understand(text, Source::Typed)
        {
            // It goes out as it went out then: what stands in front of it now may have been added.
            Understood::Dial(number) if number.kind != Kind::Emergency => {
                Some((Number { dial: text.clone(), ..number }, *account, *hidden))
            }
            _ => None,
        };
        self.last_dialled = dialled.iter().find_map(known);
    }

    /// Calls the last number again, over the account it went over unless another one is named; hidden, if it was.
    fn redial(&mut self, now: Now, account: Option<AccountId>) -> Result<Reply, Refusal> {
        let Some((number, over, hidden)) = self.last_dialled.clone() else {
            let text = self.say(&text::features::NO_REDIAL, &[]);
            return Err(Refusal { code: RefusalCode::NotANumber, text });
        };
        self.call(now, &number, (Some(account.unwrap_or(over)), hidden))
    }
}
