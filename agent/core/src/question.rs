//! What the user is asked before a number is dialled: which of several, or whether at all.

use crate::{
    action::{QuestionStatus, Refusal, RefusalCode, Reply},
    context::Context,
    id::AccountId,
    number::kind::{Kind, Number},
    settings::Language,
    text,
    timers::Deadline,
};
use std::time::Duration;

/// A question nobody answers goes by itself.
const OPEN: Duration = Duration::from_secs(60);

/// Over which account (`None`: the first that can), and whether our number is withheld.
pub(crate) type Over = (Option<AccountId>, bool);

/// The question that stands.
#[derive(Debug)]
pub(crate) struct Question {
    pub id: u64,
    pub text: String,
    pub choices: Vec<String>,
    numbers: Vec<Number>,
    over: Over,
}

/// At most one question at a time: a new one takes the old one's place.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    open: Option<Question>,
}

impl Questions {
    pub(crate) fn open(&self) -> Option<&Question> {
        self.open.as_ref()
    }

    /// The one that stands, as listeners are told.
    pub(crate) fn status(&self) -> Option<QuestionStatus> {
        let Question { id, text, choices, .. } = self.open()?;
        Some(QuestionStatus { question: *id, text: Some(text.clone()), choices: choices.clone() })
    }

    /// Puts a question about these numbers.
    pub(crate) fn ask(&mut self, cx: &mut Context<'_>, numbers: Vec<Number>, over: Over) -> Reply {
        let language = cx.language();
        let text = match &numbers[..] {
            [one] => {
                let phrase = match one.kind {
                    Kind::Emergency => &text::ASK_EMERGENCY,
                    Kind::Premium => &text::ASK_PREMIUM,
                    Kind::Code => &text::ASK_CODE,
                    _ => &text::ASK_UNSURE,
                };
                cx.say(phrase, &[&shown(one, language)])
            }
            _ => cx.say(&text::ASK_WHICH, &[]),
        };
        let choices: Vec<String> = match &numbers[..] {
            [one] => vec![cx.say(&text::CALL_NUMBER, &[&shown(one, language)])],
            several => several.iter().map(|n| labelled(n, language)).collect(),
        };
        let id = cx.notes.id();
        cx.after(Deadline::Question, OPEN);
        let reply = Reply::Question { question: id, text: text.clone(), choices: choices.clone() };
        self.open = Some(Question { id, text, choices, numbers, over });
        reply
    }

    /// Puts a question about one number, to be answered elsewhere.
    pub(crate) fn put(&mut self, cx: &mut Context<'_>, text: String, number: Number) -> u64 {
        let choices = vec![cx.say(&text::CALL_NUMBER, &[&shown(&number, cx.language())])];
        let id = cx.notes.id();
        cx.after(Deadline::Question, OPEN);
        self.open = Some(Question { id, text, choices, numbers: vec![number], over: (None, false) });
        id
    }

    /// Takes the user's answer: the number chosen (counted from 1, as the question is shown), or `None` for no.
    pub(crate) fn choose(
        &mut self,
        cx: &mut Context<'_>,
        question: u64,
        choice: Option<usize>,
    ) -> Result<Option<(Number, Over)>, Refusal> {
        let open = self.open.as_ref().filter(|open| open.id == question);
        let Some(open) = open else {
            return Err(cx.refusal(RefusalCode::NoCall, &text::QUESTION_GONE, &[]));
        };
        let chosen = match choice {
            None => None,
            Some(nth) => match nth.checked_sub(1).and_then(|index| open.numbers.get(index)) {
                Some(number) => Some((number.clone(), open.over)),
                None => {
                    let (nth, last) = (nth.to_string(), open.numbers.len().to_string());
                    return Err(cx.refusal(RefusalCode::NoCall, &text::NO_SUCH_CHOICE, &[&nth, &last]));
                }
            },
        };
        self.close(cx);
        Ok(chosen)
    }

    /// Takes the question back.
    pub(crate) fn close(&mut self, cx: &mut Context<'_>) {
        cx.timers.clear(Deadline::Question);
        self.open = None;
    }
}

/// A number as the user reads it, with its extension.
fn shown(number: &Number, language: Language) -> String {
    match &number.extension {
        Some(extension) => text::EXTENSION.say(language, &[&number.shown, extension]),
        None => number.shown.clone(),
    }
}

/// A number to choose, with a word of warning where one is due.
fn labelled(number: &Number, language: Language) -> String {
    let shown = shown(number, language);
    match number.kind {
        Kind::Emergency => text::KIND_EMERGENCY.say(language, &[&shown]),
        Kind::Premium => text::KIND_PREMIUM.say(language, &[&shown]),
        Kind::Code => text::KIND_CODE.say(language, &[&shown]),
        Kind::Plain | Kind::Unsure | Kind::Internal | Kind::Address => shown,
    }
}
