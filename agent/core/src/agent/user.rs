//! What the user asks for, and the answer or the reason against it.

use crate::{
    action::{Action, Refusal, RefusalCode, Reply, RequestId, Source, Status},
    agent::{Agent, switching::Answer},
    codes::Fared,
    id::{AccountId, CallId},
    number::kind::{Kind, Number, Understood},
    port::{Neighbour, sip::SipCommand},
    question::Over,
    show, text,
    time::Now,
    timers::Deadline,
};
use std::time::Duration;

/// How long the PBX session may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// When we stop waiting for it to say that it has.
const GIVE_UP: Duration = Duration::from_millis(2500);

/// What a request was about, for the toast that says why it was refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum About {
    /// A number to dial.
    Number,
    /// The call it names.
    Call(CallId),
    /// Something else.
    Other,
}

impl Agent {
    /// What a request is about.
    pub(super) fn about(action: &Action) -> About {
        match action {
            Action::Dial { .. } => About::Number,
            Action::Answer { call: Some(call) }
            | Action::Decline { call: Some(call) }
            | Action::Hangup { call: Some(call) }
            | Action::Hold { call: Some(call) }
            | Action::Resume { call: Some(call) } => About::Call(*call),
            _ => About::Other,
        }
    }

    /// What a key means by its action: who presses it can name no call, and of several that ring it takes the one that has
    /// waited longest. A program that asks can name one, and gets the list (`Ambiguous`).
    pub(super) fn meant(&self, action: Action) -> Action {
        match action {
            Action::Answer { call: None } => {
                Action::Answer { call: self.calls.ringing().next().map(|call| call.id) }
            }
            other => other,
        }
    }

    /// A refusal as a toast: a title that is short enough to be read whole, for desktops cut it, and a line that tells the
    /// rest. Whoever clicked has never seen a call's number among ours, and has nowhere to name one.
    pub(super) fn unread(&self, about: About, refusal: &Refusal) -> (String, String) {
        match (about, refusal.code) {
            (About::Number, _) => (self.say(&text::NOT_DIALLED, &[]), refusal.text.clone()),
            (About::Call(call), RefusalCode::NoCall) if self.calls.get(call).is_none() => {
                (self.say(&text::THAT_CALL_GONE, &[]), String::new())
            }
            (_, RefusalCode::Ambiguous) => {
                (self.say(&text::SEVERAL_CALLS, &[]), self.say(&text::CHOOSE_IN_MENU, &[]))
            }
            _ => (refusal.text.clone(), String::new()),
        }
    }

    /// What is refused is shown where nobody reads the answer.
    pub(super) fn refused(
        &mut self,
        now: Now,
        request: Option<RequestId>,
        (unread, about): (bool, About),
        refusal: Refusal,
    ) {
        if unread {
            let (title, line) = self.unread(about, &refusal);
            let (_, mut cx) = self.calls_at(now);
            cx.inform(None, title, line);
        }
        self.reply(request, Err(refusal));
    }

    /// The answer to a request that took its time.
    pub(super) fn answer_to(&mut self, now: Now, request: Option<RequestId>, result: Result<Reply, Refusal>) {
        match result {
            Ok(reply) => self.reply(request, Ok(reply)),
            Err(refusal) => self.refused(now, request, (request.is_none(), About::Other), refusal),
        }
    }

    /// Does what is asked; `None`: it takes its time, and is answered when it is done.
    pub(super) fn user(&mut self, now: Now, request: Option<RequestId>, action: Action) -> Answer {
        match action {
            Action::Feature(feature) if !self.quitting => self.feature(now, request, feature),
            action => self.plain_action(now, action).map(Some),
        }
    }

    fn plain_action(&mut self, now: Now, action: Action) -> Result<Reply, Refusal> {
        match action {
            Action::Status => return Ok(Reply::Status(Box::new(self.status()))),
            Action::Quit => {
                self.quit(now);
                return Ok(Reply::Done);
            }
            _ if self.quitting => {
                return Err(Refusal { code: RefusalCode::Quitting, text: self.say(&text::QUITTING, &[]) });
            }
            Action::Dial { text, source, account, withhold } => {
                return self.dial(now, &text, source, (account, withhold));
            }
            Action::Choose { question, choice } => return self.choose(now, question, choice),
            Action::DismissToast { toast } => {
                self.dismiss(now, toast);
                return Ok(Reply::Done);
            }
            Action::Show => {
                self.show(now);
                return Ok(Reply::Done);
            }
            _ => {}
        }
        self.call_action(now, action)
    }

    fn call_action(&mut self, now: Now, action: Action) -> Result<Reply, Refusal> {
        let (calls, mut cx) = self.calls_at(now);
        let cx = &mut cx;
        match action {
            Action::Answer { call } => calls.ask_answer(cx, call),
            Action::Decline { call } => calls.ask_decline(cx, call),
            Action::Hangup { call } => calls.ask_hangup(cx, call),
            Action::Hold { call } => calls.ask_hold(cx, call),
            Action::Resume { call } => calls.ask_resume(cx, call),
            Action::Mute { on } => calls.ask_mute(cx, on),
            Action::Dtmf { call, digits } => calls.ask_dtmf(cx, call, &digits),
            Action::OpenRecord { call } if calls.open_record(cx, call) => {
                Ok(Reply::Call { call, number: None })
            }
            Action::OpenRecord { .. } => Err(cx.refusal(RefusalCode::NoCall, &text::NO_RECORD, &[])),
            Action::Silence => {
                calls.silence(cx);
                Ok(Reply::Done)
            }
            _ => Ok(Reply::Done),
        }
    }

    fn dial(&mut self, now: Now, text: &str, source: Source, over: Over) -> Result<Reply, Refusal> {
        if source != Source::Typed {
            // Who selects or clicks another number has left the question about the last one behind.
            let (questions, mut cx) = self.questions_at(now);
            questions.close(&mut cx);
        }
        match self.numbers.understand(text, source) {
            Understood::Dial(number) => self.call(now, &number, over),
            Understood::Ask(numbers) => {
                let (questions, mut cx) = self.questions_at(now);
                Ok(questions.ask(&mut cx, numbers, over))
            }
            Understood::Refuse(why) => {
                let text = text::no_number(self.settings.language, why, text);
                Err(Refusal { code: RefusalCode::NotANumber, text })
            }
        }
    }

    pub(super) fn call(
        &mut self,
        now: Now,
        number: &Number,
        (account, withhold): Over,
    ) -> Result<Reply, Refusal> {
        if number.kind == Kind::Emergency {
            return self.call_for_help(now, number, account);
        }
        let most = self.settings.calls.most;
        let (accounts, cx) = self.accounts_at(now);
        let line = accounts.line(&cx, account)?;
        if !self.calls.room(most) {
            let text = self.say(&text::TOO_MANY_CALLS, &[&most.to_string()]);
            return Err(Refusal { code: RefusalCode::NotAllowed, text });
        }
        self.last_dialled = Some((number.clone(), line.0, withhold));
        let (calls, mut cx) = self.calls_at(now);
        let call = calls.dial(&mut cx, line, number, withhold);
        let extension = number.extension.as_ref().map(|e| format!(";ext={e}")).unwrap_or_default();
        Ok(Reply::Call { call, number: Some(format!("{}{extension}", number.dial)) })
    }

    /// Help is called over any line there is, one after the other, whatever else is set: no cap, no hidden number. A PBX
    /// that wants its outside prefix even then gets it last.
    fn call_for_help(
        &mut self,
        now: Now,
        number: &Number,
        account: Option<AccountId>,
    ) -> Result<Reply, Refusal> {
        let (accounts, cx) = self.accounts_at(now);
        let lines = accounts.lines_for_help(&cx, account)?;
        let prefix = &cx.settings.numbers.outside_prefix;
        let outside =
            (!prefix.is_empty() && !number.dial.contains(':')).then(|| format!("{prefix}{}", number.dial));
        let digits = [Some(number.dial.clone()), outside];
        let ways = digits.into_iter().flatten();
        let ways =
            ways.flat_map(|dial| lines.iter().map(move |(id, local)| (*id, *local, dial.clone()))).collect();
        let (calls, mut cx) = self.calls_at(now);
        match calls.call_for_help(&mut cx, number, ways, None) {
            Some(call) => Ok(Reply::Call { call, number: Some(number.dial.clone()) }),
            None => Err(cx.refusal(RefusalCode::NotRegistered, &text::NOT_REGISTERED, &[])),
        }
    }

    fn choose(&mut self, now: Now, question: u64, choice: Option<usize>) -> Result<Reply, Refusal> {
        if let Some(done) = self.choose_sent(now, question, choice) {
            return done;
        }
        let (questions, mut cx) = self.questions_at(now);
        match questions.choose(&mut cx, question, choice)? {
            Some((number, over)) => self.call(now, &number, over),
            None => Ok(Reply::Done),
        }
    }

    fn dismiss(&mut self, now: Now, toast: u64) {
        if self.calls.hide(toast) {
            return;
        }
        if toast == self.missed_toast {
            return self.notes.drop_missed();
        }
        self.timers.clear(Deadline::Note(toast));
        self.notes.drop_note(toast);
        let (questions, mut cx) = self.questions_at(now);
        if questions.open().is_some_and(|q| q.id == toast) {
            questions.close(&mut cx);
        }
    }

    /// The user looks: missed calls are seen, and a toast says where the agent lives.
    fn show(&mut self, now: Now) {
        self.notes.seen();
        let line = show::summary(&self.state());
        let title = self.say(&text::RUNNING, &[]);
        let (_, mut cx) = self.calls_at(now);
        cx.inform(None, title, line);
    }

    fn status(&self) -> Status {
        let focus = self.calls.focus();
        Status {
            accounts: self.accounts.status(&self.settings, &self.lines),
            calls: self.calls.all().map(|call| call.status(focus == Some(call.id), None)).collect(),
            audio: self.audio.clone(),
            muted: self.calls.muted(),
            missed: self.notes.missed(),
            plugins: self.plugins.clone(),
            faults: self.faults.down().collect(),
            problems: self.problems.iter().map(|(part, why)| (*part, why.clone())).collect(),
            journal: self.unwritten.clone(),
            troubles: self.notes.standing().map(str::to_owned).collect(),
            watched: self.watches.status(),
            messages: self.messages.status(),
            features: self.lines.switches.status(&self.settings),
            question: self.questions.status(),
            socket: None,
        }
    }

    fn quit(&mut self, now: Now) {
        if self.quitting {
            return;
        }
        self.quitting = true;
        self.codes_over(now, &Fared::Quitting);
        let (calls, mut cx) = self.calls_at(now);
        calls.end_all(&mut cx);
        if self.faults.is_down(Neighbour::Sip) {
            return self.finish();
        }
        let (_, mut cx) = self.calls_at(now);
        cx.out.sip(SipCommand::Shutdown { within: GOODBYE });
        cx.after(Deadline::Quit, GIVE_UP);
    }
}
