//! Others send us on: in a call that stands (REFER), a call or a text of ours elsewhere (3xx), or the PBX out of the blue
//! (REFER outside of a call).
//!
//! It is a stranger's word, and the call is at our cost. Unasked we go to an extension of our own PBX and nowhere else,
//! unless the account says otherwise; a call for help is never held up by a question.

use crate::{
    action::{Refusal, Reply, Source},
    agent::Agent,
    id::{AccountId, CallId},
    number::kind::{Kind, Number, Understood},
    port::sip::{
        MessageCommand, SipCommand, TransferCommand,
        transfer::{Referred, Wish},
    },
    sent::{Sent, What},
    settings::{RemoteDial, Transfers},
    time::Now,
};

/// What is done about it.
enum Way {
    Follow,
    Ask(Number),
    Refuse,
}

impl Agent {
    /// What the account lets others do. `asked_for` is what the user called himself: the same number at another machine is
    /// no news.
    fn way(&self, account: AccountId, target: &Referred, asked_for: Option<&str>) -> Way {
        let account = usize::try_from(account.0).ok().and_then(|at| self.settings.accounts.get(at));
        let rule = account.map(|account| account.transfers).unwrap_or_default();
        let known = match self.numbers.understand(&target.number, Source::Typed) {
            // What is called is the address as it stands, not what could be made of it.
            Understood::Dial(number) if number.extension.is_none() => Some(number),
            _ => None,
        };
        // Another phone of our registrar is called by its number, at our own PBX.
        let internal = (target.home || target.phone)
            && known.as_ref().is_some_and(|it| it.kind == Kind::Internal && it.dial == target.number);
        let plain = known.as_ref().is_some_and(|it| matches!(it.kind, Kind::Internal | Kind::Plain));
        let follow = match rule {
            Transfers::Never => return Way::Refuse,
            Transfers::Ask => false,
            Transfers::Internal => internal,
            Transfers::Follow => internal || plain,
        };
        let same = target.home && asked_for == Some(target.number.as_str());
        if follow || same {
            return Way::Follow;
        }
        let kind = known.as_ref().map_or(Kind::Address, |number| number.kind);
        Way::Ask(known.filter(|_| target.home || internal).unwrap_or_else(|| Self::address(target, kind)))
    }

    /// The other side of a call sends us to somebody else.
    pub(super) fn sent_on(&mut self, now: Now, call: CallId, target: Referred) {
        let what = What::Referral(call);
        let room = self.calls.room(self.settings.calls.most);
        let asked = self.sent.iter().any(|sent| sent.what.call() == Some(call));
        let Some(of) = self.calls.get(call) else { return };
        if asked || of.sent_on {
            // SIP refuses a second wish while one is open.
            return;
        }
        let (up, account) = (of.up(), of.account);
        let way = if self.quitting || !room || !up { Way::Refuse } else { self.way(account, &target, None) };
        let (calls, mut cx) = self.calls_at(now);
        match way {
            Way::Refuse => cx.out.sip(what.refusal()),
            Way::Follow => {
                cx.out.sip(SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Call(call) }));
                if calls.follow(&mut cx, call, (&target, false)).is_none() {
                    cx.out.sip(what.refusal());
                }
            }
            Way::Ask(number) => {
                cx.out.sip(SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Call(call) }));
                self.ask_about(now, (target, what), number);
            }
        }
    }

    /// The PBX asks us to call somebody: click-to-dial. Unasked only where the account says so, and then only what a link in a
    /// page would dial unasked, at our own PBX, and not over somebody who is talked to.
    pub(super) fn remote_dial(&mut self, now: Now, (account, request): (AccountId, u64), target: Referred) {
        let what = What::Remote(account, request);
        let settings = usize::try_from(account.0).ok().and_then(|at| self.settings.accounts.get(at));
        let rule = settings.map(|it| it.remote_dial).unwrap_or_default();
        let free = self.calls.engaged_count() == 0 && self.calls.ringing_count() == 0;
        let room = self.calls.room(self.settings.calls.most) && !self.quitting;
        let (known, plain) = match self.numbers.understand(&target.number, Source::Link) {
            Understood::Dial(number) => (Some(number), true),
            Understood::Ask(numbers) => (numbers.into_iter().next(), false),
            Understood::Refuse(_) => (None, false),
        };
        // What is called is the address as it stands, not what could be made of it.
        let known = known.filter(|number| number.extension.is_none() && target.home);
        let (accounts, cx) = self.accounts_at(now);
        let line = accounts.line(&cx, Some(account)).ok().filter(|_| room);
        let (calls, mut cx) = self.calls_at(now);
        let Some(line) = line.filter(|_| rule != RemoteDial::Never) else {
            return cx.out.sip(what.refusal());
        };
        cx.out.sip(SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Request(request) }));
        if rule == RemoteDial::Follow && free && plain && known.is_some() {
            calls.follow_pbx(&mut cx, line, (&target, request), false);
            return;
        }
        let number = known.unwrap_or_else(|| Self::address(&target, Kind::Address));
        self.ask_about(now, (target, what), number);
    }

    /// An address that is called as it stands.
    fn address(target: &Referred, kind: Kind) -> Number {
        Number {
            dial: target.uri.clone(),
            canonical: target.number.clone(),
            shown: crate::plain::plain(&target.uri),
            extension: None,
            kind,
        }
    }

    /// A call of ours is answered with another address.
    pub(super) fn redirected(&mut self, now: Now, call: CallId, target: Referred) {
        let way = match self.calls.get(call) {
            Some(_) if self.quitting => Way::Refuse,
            // Where help is, they know better than we.
            Some(of) if of.help.is_some() => Way::Follow,
            Some(of) => self.way(of.account, &target, of.dialled.as_deref()),
            None => return,
        };
        let follow = match way {
            Way::Ask(number) => return self.ask_about(now, (target, What::Redirection(call)), number),
            Way::Follow => true,
            Way::Refuse => false,
        };
        let (calls, mut cx) = self.calls_at(now);
        if follow {
            calls.go_elsewhere(&mut cx, call, &target);
        } else {
            cx.out.sip(What::Redirection(call).refusal());
        }
    }

    /// A text of ours is answered with another address: nobody is asked about so little, it goes there or nowhere.
    pub(super) fn text_redirected(&mut self, now: Now, message: u64, target: &Referred) {
        let said = self.messages.addressed(message);
        let follow = said
            .is_some_and(|(account, number)| matches!(self.way(account, target, Some(&number)), Way::Follow));
        let (_, cx) = self.calls_at(now);
        cx.out.sip(SipCommand::Message(MessageCommand::Redirect { message, follow }));
    }

    fn ask_about(&mut self, now: Now, (target, what): (Referred, What), number: Number) {
        let (calls, cx) = self.calls_at(now);
        let text = match what.call() {
            Some(call) => {
                let who = calls.label(call, cx.language());
                cx.say(what.question(), &[&who, &number.shown])
            }
            None => cx.say(what.question(), &[&number.shown]),
        };
        let nobody = matches!(number.kind, Kind::Emergency | Kind::Code);
        let (questions, mut cx) = self.questions_at(now);
        let question = questions.put(&mut cx, text, number);
        self.sent.push(Sent { question, target, what, nobody });
        self.drop_unasked(now);
    }

    /// The user's word on where we are sent; `None`: the question is another.
    pub(super) fn choose_sent(
        &mut self,
        now: Now,
        question: u64,
        choice: Option<usize>,
    ) -> Option<Result<Reply, Refusal>> {
        let at = self.sent.iter().position(|sent| sent.question == question)?;
        if !matches!(choice, None | Some(1)) || self.questions.open().map(|open| open.id) != Some(question) {
            return None;
        }
        let Sent { target, what, nobody, .. } = self.sent.remove(at);
        let (questions, mut cx) = self.questions_at(now);
        questions.close(&mut cx);
        let line = match what {
            What::Remote(account, _) if self.calls.room(self.settings.calls.most) => {
                let (accounts, cx) = self.accounts_at(now);
                accounts.line(&cx, Some(account)).ok()
            }
            _ => None,
        };
        let (calls, mut cx) = self.calls_at(now);
        let followed = match what {
            _ if choice.is_none() => None,
            What::Referral(call) => calls.follow(&mut cx, call, (&target, nobody)),
            What::Redirection(call) => calls.get(call).map(|call| call.id),
            What::Remote(_, request) => {
                line.map(|line| calls.follow_pbx(&mut cx, line, (&target, request), nobody))
            }
        };
        let there = what.call().is_none_or(|call| calls.get(call).is_some());
        match (what, followed) {
            (What::Redirection(_), Some(call)) => {
                calls.go_elsewhere(&mut cx, call, &target);
            }
            (_, None) if there => cx.out.sip(what.refusal()),
            _ => {}
        }
        Some(Ok(followed.map_or(Reply::Done, |call| Reply::Call { call, number: None })))
    }

    /// The PBX session broke: nobody waits for what the PBX asked for.
    pub(super) fn wishes_lost(&mut self, now: Now) {
        let open = self.questions.open().map(|open| open.id);
        let lost = |sent: &Sent| matches!(sent.what, What::Remote(..));
        if self.sent.iter().any(|sent| lost(sent) && Some(sent.question) == open) {
            let (questions, mut cx) = self.questions_at(now);
            questions.close(&mut cx);
        }
        self.sent.retain(|sent| !lost(sent));
    }

    /// Who sent us somewhere, and whose question is no longer asked, is told no.
    pub(super) fn drop_unasked(&mut self, now: Now) {
        if self.sent.is_empty() {
            return;
        }
        let open = self.questions.open().map(|open| open.id);
        for sent in std::mem::take(&mut self.sent) {
            let there = sent.what.call().is_none_or(|call| self.calls.get(call).is_some());
            let asked = Some(sent.question) == open;
            if asked && there {
                self.sent.push(sent);
                continue;
            }
            if asked {
                let (questions, mut cx) = self.questions_at(now);
                questions.close(&mut cx);
            }
            if there {
                let (_, cx) = self.calls_at(now);
                cx.out.sip(sent.what.refusal());
            }
        }
    }
}
