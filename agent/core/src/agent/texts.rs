//! Text messages, as the user and the wire ask for it: numbers are understood, and what cannot be sent is said.

use crate::{
    action::{Refusal, RefusalCode, Reply},
    agent::Agent,
    id::AccountId,
    messages::Arrived,
    number::kind::Kind,
    port::sip::{MessageEvent, message::MOST_TEXT},
    text::messages as words,
    time::Now,
};

impl Agent {
    /// The user writes to somebody.
    pub(super) fn message(
        &mut self,
        now: Now,
        account: Option<AccountId>,
        to: &str,
        text: String,
    ) -> Result<Reply, Refusal> {
        let number = self.typed(to)?;
        let refuse = |text: String| Err(Refusal { code: RefusalCode::NotAllowed, text });
        if text.trim().is_empty() {
            return refuse(self.say(&words::TEXT_NOTHING, &[]));
        }
        if text.len() > MOST_TEXT {
            return refuse(words::too_long(self.settings.language, text.len()));
        }
        if number.kind == Kind::Emergency {
            return refuse(self.say(&words::TEXT_NO_EMERGENCY, &[]));
        }
        let (accounts, cx) = self.accounts_at(now);
        let (account, _) = accounts.line(&cx, account)?;
        let (messages, mut cx) = self.messages_at(now);
        Ok(messages.send(&mut cx, account, &number, text))
    }

    /// What the wire tells of text messages.
    pub(super) fn texted(&mut self, now: Now, event: MessageEvent) {
        let quitting = self.quitting;
        match event {
            MessageEvent::Arrived { message, account, party, text, call } => {
                let of_call = call.and_then(|call| self.calls.get(call)).map(|call| call.account);
                let account = account.or(of_call).unwrap_or(AccountId(0));
                let (messages, mut cx) = self.messages_at(now);
                messages.arrived(&mut cx, Arrived { message, account, party, text, call }, quitting);
            }
            MessageEvent::Redirected { message, target } => self.text_redirected(now, message, &target),
            MessageEvent::Sent { message, kept } => {
                let (messages, mut cx) = self.messages_at(now);
                messages.sent(&mut cx, message, kept);
            }
            MessageEvent::Failed { message, why } => {
                let (messages, mut cx) = self.messages_at(now);
                messages.failed(&mut cx, message, &why);
            }
        }
    }
}
