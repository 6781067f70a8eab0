//! The features beyond a plain call, each handed to the part of the core that has it.

use crate::{
    action::{FeatureAction, Refusal, RefusalCode, Reply},
    agent::Agent,
    id::AccountId,
    text,
    time::Now,
};

impl Agent {
    pub(super) fn feature(&mut self, now: Now, feature: FeatureAction) -> Result<Reply, Refusal> {
        match feature {
            FeatureAction::Redial { account } => self.redial(now, account),
            FeatureAction::Reconnect { account } => {
                let (accounts, mut cx) = self.accounts_at(now);
                accounts.reconnect(&mut cx, account).map(|()| Reply::Done)
            }
        }
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
