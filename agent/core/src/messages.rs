//! Text messages: those that came, shown and answered to their sender; those that leave, and what became of them.
//!
//! They are kept in memory and nowhere else, the latest of them, and go with the agent: what is nobody's business is best
//! not written down.

use crate::{
    action::{Action, FeatureAction, MessageState, MessageStatus, Notice, Reply, Source},
    context::Context,
    id::{AccountId, CallId},
    journal::Direction,
    ledger::{Egress, LedgerRecord, Purpose},
    notes::Words,
    number::kind::Number,
    party::Party,
    plain,
    port::{
        sip::{
            MessageCommand, SipCommand,
            message::{MessageAnswer, MessageProblem},
        },
        store::StoreCommand,
    },
    settings::{AccountSettings, BlockedHear},
    text::{self, messages as words},
    view::{Button, ToastKind},
};
use std::collections::VecDeque;

/// The messages that are kept.
const MOST: usize = 100;
/// The bytes of text that are kept.
const MOST_BYTES: usize = 64 * 1024;
/// The lines of a stranger's text that are kept, and the characters in each.
const MOST_LINES: usize = 200;
const LONGEST_LINE: usize = 4_096;
/// The characters of a message that a toast shows.
const SHOWN: usize = 400;

/// A text message that came, as SIP tells it.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// What SIP calls it.
    pub message: u64,
    pub account: AccountId,
    pub party: Party,
    pub text: String,
    pub call: Option<CallId>,
}

/// All that are known.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    last: u64,
    list: VecDeque<MessageStatus>,
}

impl Messages {
    /// The latest, oldest first.
    pub(crate) fn status(&self) -> Vec<MessageStatus> {
        self.list.iter().cloned().collect()
    }

    /// One came: its sender learns what became of it, and the user sees it. Who may not call may not write either; within
    /// a call it is the one we talk to.
    pub(crate) fn arrived(&mut self, cx: &mut Context<'_>, arrived: Arrived, quitting: bool) {
        let Arrived { message, account, party, text, call } = arrived;
        let answer = match call {
            _ if quitting => MessageAnswer::Unavailable,
            Some(_) => MessageAnswer::Taken,
            None => admission(cx, account, &party),
        };
        cx.out.sip(SipCommand::Message(MessageCommand::Answer { message, answer }));
        if answer != MessageAnswer::Taken {
            return;
        }
        let text = plain::lines(&text, MOST_LINES, LONGEST_LINE);
        if text.is_empty() {
            return;
        }
        let number = cx.numbers.caller(&party);
        let shown = if number.shown.is_empty() { cx.say(&text::WITHHELD, &[]) } else { number.shown };
        let name = party.name.as_deref().map(plain::plain).filter(|name| !name.is_empty());
        let who = name.unwrap_or(shown);
        let line = plain::line(&text, SHOWN);
        let title = cx.say(&words::TEXT_FROM, &[&who]);
        let buttons = self.answers(cx, account, &party);
        cx.notes.put(Words { kind: ToastKind::Message, call: None, title, line, buttons }, None, None);
        let (direction, state) = (Direction::Incoming, MessageState::Received);
        let (message, at) = (self.name(), cx.now.wall);
        self.keep(cx, MessageStatus { message, account, direction, party, text, at, call, state, why: None });
    }

    /// The user writes to somebody.
    pub(crate) fn send(
        &mut self,
        cx: &mut Context<'_>,
        account: AccountId,
        to: &Number,
        text: String,
    ) -> Reply {
        let message = self.name();
        let uri = if to.dial.contains(':') { to.dial.clone() } else { String::new() };
        let party = Party { number: to.dial.clone(), name: None, uri, withheld: false };
        let (target, said) = (to.dial.clone(), text.clone());
        cx.out.sip(SipCommand::Message(MessageCommand::Send { message, account, target, text: said }));
        let (direction, state) = (Direction::Outgoing, MessageState::Sending);
        let at = cx.now.wall;
        self.keep(
            cx,
            MessageStatus { message, account, direction, party, text, at, call: None, state, why: None },
        );
        Reply::Message { message }
    }

    /// Over which account one of ours that is on its way goes, and to whom.
    pub(crate) fn addressed(&self, message: u64) -> Option<(AccountId, String)> {
        let said = self.list.iter().find(|said| said.message == message)?;
        (said.state == MessageState::Sending).then(|| (said.account, said.party.number.clone()))
    }

    /// One of ours was taken.
    pub(crate) fn sent(&mut self, cx: &mut Context<'_>, message: u64, kept: bool) {
        let state = if kept { MessageState::Kept } else { MessageState::Sent };
        let Some(said) = self.over(message, state, None) else { return };
        cx.out.store(StoreCommand::Ledger(Box::new(row(cx, &said))));
        cx.out.notice(Notice::Message(Box::new(said)));
    }

    /// One of ours was not: the user is told why, keeps the text, and can send it again.
    pub(crate) fn failed(&mut self, cx: &mut Context<'_>, message: u64, why: &MessageProblem) {
        let sentence = words::why(cx.language(), why);
        let Some(said) = self.over(message, MessageState::Failed, Some(sentence.clone())) else { return };
        let title = cx.say(&words::TEXT_NOT_SENT, &[&plain::plain(&said.party.number)]);
        let again = FeatureAction::Message {
            account: Some(said.account),
            to: said.party.number.clone(),
            text: said.text.clone(),
        };
        let buttons = vec![Button { text: cx.say(&words::TEXT_AGAIN, &[]), action: Action::Feature(again) }];
        cx.notes.put(
            Words { kind: ToastKind::Message, call: None, title, line: sentence, buttons },
            None,
            None,
        );
        cx.out.notice(Notice::Message(Box::new(said)));
    }

    /// The PBX session broke: of what was on its way nobody knows any more.
    pub(crate) fn lost(&mut self, cx: &mut Context<'_>) {
        let open = |said: &&MessageStatus| said.state == MessageState::Sending;
        let open: Vec<u64> = self.list.iter().filter(open).map(|said| said.message).collect();
        for message in open {
            self.failed(cx, message, &MessageProblem::Fault);
        }
    }

    fn name(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Keeps one and tells it. One that is on its way is not forgotten: its end is to be told.
    fn keep(&mut self, cx: &mut Context<'_>, said: MessageStatus) {
        cx.out.notice(Notice::Message(Box::new(said.clone())));
        self.list.push_back(said);
        let mut bytes: usize = self.list.iter().map(|said| said.text.len()).sum();
        while self.list.len() > MOST || bytes > MOST_BYTES {
            let done = |said: &MessageStatus| said.state != MessageState::Sending;
            let before_last = self.list.len().saturating_sub(1);
            let Some(at) = self.list.iter().take(before_last).position(done) else { return };
            bytes -= self.list.remove(at).map_or(0, |said| said.text.len());
        }
    }

    /// One of ours is over.
    fn over(&mut self, message: u64, state: MessageState, why: Option<String>) -> Option<MessageStatus> {
        let said = self.list.iter_mut().find(|said| said.message == message)?;
        if said.state != MessageState::Sending {
            return None;
        }
        said.state = state;
        said.why = why;
        Some(said.clone())
    }

    /// What can be done about a message that came: write back, where the desktop lets somebody type; call.
    fn answers(&self, cx: &Context<'_>, account: AccountId, party: &Party) -> Vec<Button> {
        // A name is somebody in one domain only; a number is the PBX's to find.
        let digits = party.number.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c));
        let to = if digits { party.number.clone() } else { party.uri.clone() };
        if to.is_empty() || party.withheld {
            return Vec::new();
        }
        let reply = FeatureAction::Message { account: Some(account), to: to.clone(), text: String::new() };
        let call = Action::Dial { text: to, source: Source::Link, account: Some(account), withhold: false };
        vec![
            Button { text: cx.say(&words::TEXT_REPLY, &[]), action: Action::Feature(reply) },
            Button { text: cx.say(&text::CALL_BACK, &[]), action: call },
        ]
    }
}

/// Whether somebody may write: as with calls, the blocked come first and learn nothing.
fn admission(cx: &Context<'_>, account: AccountId, party: &Party) -> MessageAnswer {
    let settings = &cx.settings.calls;
    let number = cx.numbers.caller(party);
    if cx.numbers.blocked(&party.number, &number, &settings.blocked) {
        return match settings.blocked_hear {
            BlockedHear::Busy => MessageAnswer::Unavailable,
            BlockedHear::Declined => MessageAnswer::Blocked,
        };
    }
    let refuses = |account: &AccountSettings| account.reject_anonymous;
    if party.withheld && cx.account(account).is_some_and(refuses) {
        return MessageAnswer::Anonymous;
    }
    MessageAnswer::Taken
}

/// What left this computer: how much, and by which PBX; to whom is the user's business.
fn row(cx: &Context<'_>, said: &MessageStatus) -> LedgerRecord {
    let aor = cx.account(said.account).map(|account| account.aor.clone()).unwrap_or_default();
    let (user, host) = aor.strip_prefix("sip:").unwrap_or(&aor).split_once('@').unwrap_or_default();
    LedgerRecord {
        at: cx.now.wall,
        purpose: Purpose { who: "sip".to_owned(), why: format!("a text message over {user}") },
        scheme: "sip".to_owned(),
        host: host.to_owned(),
        address: None,
        port: 0,
        request: Some("MESSAGE".to_owned()),
        bytes_out: u64::try_from(said.text.len()).unwrap_or(u64::MAX),
        bytes_in: 0,
        outcome: Egress::Allowed,
    }
}
