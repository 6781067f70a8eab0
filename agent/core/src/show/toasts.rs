//! The toasts: ringing calls first, then what is asked, then what is worth knowing.

use super::state::{MOST_MISSED, MOST_RINGING, State};
use crate::{
    action::Action,
    call::{Call, title},
    port::sip::Forwarding,
    question::Question,
    text,
    view::{Button, ToastKind, ToastView},
};

pub(super) fn toasts(state: &State<'_>) -> Vec<ToastView> {
    let ringing = state.calls.ringing().filter(|call| !call.hidden);
    let mut toasts: Vec<ToastView> =
        ringing.take(MOST_RINGING).map(|call| ringing_toast(state, call)).collect();
    let more = state.calls.ringing_count().saturating_sub(MOST_RINGING);
    if more > 0 {
        toasts.push(ToastView {
            id: state.more_toast,
            kind: ToastKind::Info,
            call: None,
            title: text::RINGING_MORE.say(state.language, &[]),
            line: text::MORE_CALLS.say(state.language, &[&more.to_string()]),
            buttons: Vec::new(),
        });
    }
    toasts.extend(state.questions.open().map(|question| question_toast(state, question)));
    let missed = state.notes.toasts().filter(|toast| toast.kind == ToastKind::Missed);
    if missed.clone().count() > MOST_MISSED {
        toasts.push(missed_toast(state, missed.collect()));
        toasts.extend(state.notes.toasts().filter(|toast| toast.kind != ToastKind::Missed).cloned());
    } else {
        toasts.extend(state.notes.toasts().cloned());
    }
    toasts
}

/// One toast for many missed calls, the latest named.
fn missed_toast(state: &State<'_>, missed: Vec<&ToastView>) -> ToastView {
    let latest: Vec<&str> = missed.iter().rev().take(MOST_MISSED).map(|toast| toast.title.as_str()).collect();
    ToastView {
        id: state.missed_toast,
        kind: ToastKind::Missed,
        call: None,
        title: text::MISSED_MANY.say(state.language, &[&state.notes.missed().to_string()]),
        line: latest.join("\n"),
        buttons: Vec::new(),
    }
}

fn ringing_toast(state: &State<'_>, call: &Call) -> ToastView {
    let button = |phrase: &text::Phrase, action| Button { text: phrase.say(state.language, &[]), action };
    let mut buttons = vec![
        button(&text::ANSWER, Action::Answer { call: Some(call.id) }),
        button(&text::DECLINE, Action::Decline { call: Some(call.id) }),
    ];
    if call.lookup.page().is_some() {
        buttons.push(button(&text::OPEN_RECORD, Action::OpenRecord { call: call.id }));
    }
    let title = title(call, state.language);
    let line = line(state, call, &title);
    ToastView { id: call.toast, kind: ToastKind::Ringing, call: Some(call.id), title, line, buttons }
}

/// Company, the name the caller claims, the number, the line called: what the title does not say already.
fn line(state: &State<'_>, call: &Call, title: &str) -> String {
    let card = call.lookup.card();
    let company = card.and_then(|c| c.company.clone());
    let claimed = if call.found_name().is_none() { call.claimed_name() } else { None };
    let number = Some(call.number.shown.clone()).filter(|n| !n.is_empty());
    let own = state.accounts.get(call.account).map(|a| a.user());
    let several = state.accounts.all().nth(1).is_some();
    let called = call.called.as_deref().filter(|called| several || Some(*called) != own);
    let line = call.with.line.as_deref().map(crate::plain::plain).filter(|line| !line.is_empty());
    let called = match (called.map(crate::plain::plain), line) {
        (Some(called), Some(line)) => {
            Some(text::identity::FOR_LINE_NAMED.say(state.language, &[&line, &called]))
        }
        (Some(one), None) | (None, Some(one)) => Some(text::FOR_LINE.say(state.language, &[&one])),
        (None, None) => None,
    };
    let forwarded = call.with.forwarded.first().map(|latest| forwarded(state, latest));
    let searching =
        (call.lookup.searching() && state.plugins).then(|| text::LOOKING_UP.say(state.language, &[]));
    let parts = [company, claimed, number].into_iter().flatten().filter(|part| part != title);
    parts.chain(called).chain(forwarded).chain(searching).collect::<Vec<_>>().join(" · ")
}

/// Who forwarded the call last, why and how often.
fn forwarded(state: &State<'_>, latest: &Forwarding) -> String {
    let say = |phrase: &text::Phrase, filled: &[&str]| phrase.say(state.language, filled);
    let name = latest.by.name.as_deref().map(crate::plain::plain).filter(|name| !name.is_empty());
    let number = crate::plain::plain(&latest.by.number);
    let by = match name {
        _ if latest.by.withheld || (number.is_empty() && name.is_none()) => say(&text::WITHHELD, &[]),
        Some(name) => name,
        None => number,
    };
    let said = match text::identity::why(state.language, latest.why) {
        Some(why) => say(&text::identity::FORWARDED_WHY, &[&by, &why]),
        None => say(&text::identity::FORWARDED, &[&by]),
    };
    match latest.times {
        0 | 1 => said,
        times => say(&text::identity::FORWARDED_TIMES, &[&said, &times.to_string()]),
    }
}

fn question_toast(state: &State<'_>, question: &Question) -> ToastView {
    let choose = |text: &str, choice| Button {
        text: text.to_owned(),
        action: Action::Choose { question: question.id, choice },
    };
    let mut buttons: Vec<Button> =
        question.choices.iter().zip(1..).map(|(text, nth)| choose(text, Some(nth))).collect();
    buttons.push(choose(&text::CANCEL.say(state.language, &[]), None));
    ToastView {
        id: question.id,
        kind: ToastKind::Question,
        call: None,
        title: question.text.clone(),
        line: String::new(),
        buttons,
    }
}
