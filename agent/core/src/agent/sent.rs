//! Others send us on: in a call that stands (REFER), or a call or a text of ours elsewhere (3xx).
//!
//! It is a stranger's word, and the call is at our cost. Unasked we go to an extension of our own PBX and nowhere else,
//! unless the account says otherwise; a call for help is never held up by a question.

use crate::{
    action::{Refusal, Reply, Source},
    agent::Agent,
    id::{AccountId, CallId},
    number::kind::{Kind, Number, Understood},
    port::sip::{MessageCommand, SipCommand, TransferCommand, transfer::Referred},
    sent::{Sent, What},
    settings::Transfers,
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
        Way::Ask(known.filter(|_| target.home || internal).unwrap_or_else(|| Number {
            dial: target.uri.clone(),
            canonical: target.number.clone(),
            shown: crate::plain::plain(&target.uri),
            extension: None,
            kind,
        }))
    }

    /// The other side of a call sends us to somebody else.
    pub(super) fn sent_on(&mut self, now: Now, call: CallId, target: Referred) {
        let refuse = What::Referral.refusal(call);
        let room = self.calls.room(self.settings.calls.most);
        let asked = self.sent.iter().any(|sent| sent.call == call);
        let Some(of) = self.calls.get(call) else { return };
        if asked || of.sent_on {
            // SIP refuses a second wish while one is open.
            return;
        }
        let (up, account) = (of.up(), of.account);
        let way = if self.quitting || !room || !up { Way::Refuse } else { self.way(account, &target, None) };
        let (calls, mut cx) = self.calls_at(now);
        match way {
            Way::Refuse => cx.out.sip(refuse),
            Way::Follow => {
                cx.out.sip(SipCommand::Transfer(TransferCommand::Accept { call }));
                if calls.follow(&mut cx, call, (&target, false)).is_none() {
                    cx.out.sip(refuse);
                }
            }
            Way::Ask(number) => {
                cx.out.sip(SipCommand::Transfer(TransferCommand::Accept { call }));
                self.ask_about(now, call, (target, What::Referral), number);
            }
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
            Way::Ask(number) => return self.ask_about(now, call, (target, What::Redirection), number),
            Way::Follow => true,
            Way::Refuse => false,
        };
        let (calls, mut cx) = self.calls_at(now);
        if follow {
            calls.go_elsewhere(&mut cx, call, &target);
        } else {
            cx.out.sip(What::Redirection.refusal(call));
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

    fn ask_about(&mut self, now: Now, call: CallId, (target, what): (Referred, What), number: Number) {
        let (calls, cx) = self.calls_at(now);
        let who = calls.label(call, cx.language());
        let text = cx.say(what.question(), &[&who, &number.shown]);
        let nobody = matches!(number.kind, Kind::Emergency | Kind::Code);
        let (questions, mut cx) = self.questions_at(now);
        let question = questions.put(&mut cx, text, number);
        self.sent.push(Sent { question, call, target, what, nobody });
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
        let Sent { call, target, what, nobody, .. } = self.sent.remove(at);
        let (questions, mut cx) = self.questions_at(now);
        questions.close(&mut cx);
        let (calls, mut cx) = self.calls_at(now);
        let followed = match what {
            _ if choice.is_none() => None,
            What::Referral => calls.follow(&mut cx, call, (&target, nobody)),
            What::Redirection => calls.get(call).map(|call| call.id),
        };
        match (what, followed) {
            (What::Redirection, Some(call)) => {
                calls.go_elsewhere(&mut cx, call, &target);
            }
            (_, None) if calls.get(call).is_some() => cx.out.sip(what.refusal(call)),
            _ => {}
        }
        Some(Ok(followed.map_or(Reply::Done, |call| Reply::Call { call, number: None })))
    }

    /// Who sent us somewhere, and whose question is no longer asked, is told no.
    pub(super) fn drop_unasked(&mut self, now: Now) {
        if self.sent.is_empty() {
            return;
        }
        let open = self.questions.open().map(|open| open.id);
        for sent in std::mem::take(&mut self.sent) {
            let (asked, there) = (Some(sent.question) == open, self.calls.get(sent.call).is_some());
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
                cx.out.sip(sent.what.refusal(sent.call));
            }
        }
    }
}
