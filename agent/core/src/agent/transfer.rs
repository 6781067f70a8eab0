//! Calls that change hands, as the user and the wire ask for it: numbers are understood, dangerous ones asked about.

use crate::{
    action::{Refusal, RefusalCode, Reply, Source},
    agent::Agent,
    id::{AccountId, CallId},
    number::kind::{Kind, Number, Understood},
    party::Party,
    pbx::{Code, Codes},
    port::sip::{TransferEvent, transfer::DialogRef},
    registration::Account,
    text::{self, Phrase, transfer as words},
    time::Now,
};

type Done = Result<Reply, Refusal>;

impl Agent {
    /// Hands a call over: to a number, or into the place of another call.
    pub(super) fn transfer(
        &mut self,
        now: Now,
        call: Option<CallId>,
        to: Option<&str>,
        with: Option<CallId>,
    ) -> Done {
        match (to, with) {
            (Some(to), None) => {
                let number = self.typed(to)?;
                let (calls, mut cx) = self.calls_at(now);
                calls.ask_transfer(&mut cx, call, (number.dial, number.shown))
            }
            (None, Some(with)) => {
                let (calls, mut cx) = self.calls_at(now);
                calls.ask_connect(&mut cx, call, with)
            }
            (None, None) | (Some(_), Some(_)) => self.no(RefusalCode::NoCall, &words::TRANSFER_WHERE),
        }
    }

    /// Sends a ringing call elsewhere.
    pub(super) fn deflect(&mut self, now: Now, call: Option<CallId>, to: &str) -> Done {
        let number = self.typed(to)?;
        let (calls, mut cx) = self.calls_at(now);
        calls.ask_deflect(&mut cx, call, (number.dial, number.shown))
    }

    /// Takes a call that rings at somebody else's: by its dialog, or by the PBX's code.
    pub(super) fn pickup(
        &mut self,
        now: Now,
        account: Option<AccountId>,
        number: Option<&str>,
        dialog: Option<DialogRef>,
    ) -> Done {
        let Some(text) = number else {
            return match dialog {
                None => self.by_code(now, account, |codes| codes.pickup_group.as_ref(), None),
                Some(_) => self.no(RefusalCode::NotANumber, &words::PICKUP_WHAT),
            };
        };
        let number = self.typed(text)?;
        let rings = self.watches.rings_at(account, text.trim()).filter(|_| dialog.is_none());
        let told = rings.and_then(|(over, who, dialog)| Some((over, self.pickable(&who)?, dialog)));
        let (account, number, dialog) = match told {
            Some((over, who, dialog)) => (Some(over), who, Some(dialog)),
            None => (account, number, dialog),
        };
        let Some(dialog) = dialog else {
            return self.by_code(now, account, |codes| codes.pickup.as_ref(), Some(&number.dial));
        };
        let most = self.settings.calls.most;
        let (accounts, cx) = self.accounts_at(now);
        let line = accounts.line(&cx, account)?;
        if !self.calls.room(most) {
            let text = self.say(&text::TOO_MANY_CALLS, &[&most.to_string()]);
            return Err(Refusal { code: RefusalCode::NotAllowed, text });
        }
        let (calls, mut cx) = self.calls_at(now);
        let call = calls.pick(&mut cx, line, &number, dialog);
        Ok(Reply::Call { call, number: Some(number.dial) })
    }

    /// Who calls at a watched line, as whom an INVITE in that call's place goes to (RFC 3891 section 1): nobody's word makes us
    /// call for help, at a price, or do something at the PBX.
    fn pickable(&self, who: &Party) -> Option<Number> {
        let digits = !who.number.is_empty() && who.number.chars().all(|c| c.is_ascii_digit() || c == '+');
        let text = if digits { &who.number } else { &who.uri };
        let number = self.typed(text).ok().filter(|_| !who.withheld)?;
        (!matches!(number.kind, Kind::Emergency | Kind::Premium | Kind::Code)).then_some(number)
    }

    /// Parks a call where anybody can fetch it.
    pub(super) fn park(&mut self, now: Now, call: Option<CallId>) -> Done {
        let account = call.or(self.calls.focus()).and_then(|id| self.calls.get(id)).map(|call| call.account);
        let found = account.and_then(|account| {
            let code = self.lines.codes(&self.settings, account)?.park.clone()?;
            Some((code.with(None, self.own(account))?, code.verified))
        });
        let Some((code, verified)) = found else { return self.no(RefusalCode::NotAllowed, &words::NO_CODE) };
        let done = self.transfer(now, call, Some(&code), None)?;
        self.warn_of(now, &code, verified);
        Ok(done)
    }

    /// Fetches a parked call.
    pub(super) fn retrieve(&mut self, now: Now, account: Option<AccountId>, slot: &str) -> Done {
        let slot = self.typed(slot)?.dial;
        self.by_code(now, account, |codes| codes.retrieve.as_ref(), Some(&slot))
    }

    /// Calls the code of an account's PBX, with a number in its place: a call like any other.
    fn by_code(
        &mut self,
        now: Now,
        account: Option<AccountId>,
        what: fn(&Codes) -> Option<&Code>,
        number: Option<&str>,
    ) -> Done {
        let (accounts, cx) = self.accounts_at(now);
        let (account, _) = accounts.line(&cx, account)?;
        let codes = self.lines.codes(&self.settings, account);
        let found = codes
            .and_then(what)
            .and_then(|code| Some((code.with(number, self.own(account))?, code.verified)));
        let Some((code, verified)) = found else { return self.no(RefusalCode::NotAllowed, &words::NO_CODE) };
        let number = self.typed(&code)?;
        if number.kind == Kind::Emergency {
            return self.no(RefusalCode::NotAllowed, &words::NO_CODE);
        }
        let done = self.call(now, &number, (Some(account), false))?;
        self.warn_of(now, &code, verified);
        Ok(done)
    }

    /// One's own extension.
    pub(super) fn own(&self, account: AccountId) -> &str {
        self.accounts.get(account).map(Account::user).unwrap_or_default()
    }

    /// Says once of each code that nobody has verified it.
    pub(super) fn warn_of(&mut self, now: Now, code: &str, verified: bool) {
        if !verified && self.lines.first_time(code) {
            let (_, mut cx) = self.calls_at(now);
            let title = cx.say(&text::pbx::UNVERIFIED, &[code]);
            let line = cx.say(&text::pbx::UNVERIFIED_MORE, &[]);
            cx.inform(None, title, line);
        }
    }

    fn no(&self, code: RefusalCode, phrase: &Phrase) -> Done {
        Err(Refusal { code, text: self.say(phrase, &[]) })
    }

    /// A number the user typed; what else may stand in it is not asked, for he said where the call goes.
    pub(super) fn typed(&self, text: &str) -> Result<Number, Refusal> {
        let why = match self.numbers.understand(text, Source::Typed) {
            Understood::Dial(number) => return Ok(number),
            Understood::Ask(numbers) => match numbers.into_iter().next() {
                Some(number) => return Ok(number),
                None => crate::number::kind::NoNumber::Nothing,
            },
            Understood::Refuse(why) => why,
        };
        let text = text::no_number(self.settings.language, why, text);
        Err(Refusal { code: RefusalCode::NotANumber, text })
    }

    /// What the wire tells of calls that change hands.
    pub(super) fn handed_over(&mut self, now: Now, event: TransferEvent) {
        let event = match event {
            TransferEvent::Asked { call, target } => return self.sent_on(now, call, target),
            TransferEvent::Redirected { call, target } => return self.redirected(now, call, target),
            TransferEvent::RemoteDial { account, request, target } => {
                return self.remote_dial(now, (account, request), target);
            }
            event => event,
        };
        let (calls, mut cx) = self.calls_at(now);
        let cx = &mut cx;
        match event {
            TransferEvent::Agreed { call } => calls.transfer_agreed(cx, call),
            TransferEvent::Progress { call, status } => calls.transfer_progress(cx, call, status),
            TransferEvent::Done { call } => calls.transfer_done(cx, call),
            TransferEvent::Failed { call, why } => calls.transfer_failed(cx, call, why),
            TransferEvent::Replacing { call, old } => calls.replacing(call, old),
            TransferEvent::Asked { .. }
            | TransferEvent::Redirected { .. }
            | TransferEvent::RemoteDial { .. } => {}
        }
    }
}
