//! The status icon: its picture, its words, and its menu.

use super::state::State;
use crate::{
    action::{Action, FeatureAction, Source, Switch, SwitchStatus},
    call::{Call, title},
    journal::Direction,
    port::sip::{Registration, watch::Mailbox},
    registration::Account,
    text::{self, Phrase, features, transfer as words},
    view::{MenuItem, TrayIcon, TrayView},
};

/// The most calls of a kind with entries of their own; the rest is counted.
const MOST_ENTRIES: usize = 8;

pub(super) fn tray(state: &State<'_>) -> TrayView {
    TrayView { icon: icon(state), tooltip: tooltip(state), menu: menu(state) }
}

pub(super) fn quitting(state: &State<'_>) -> TrayView {
    let words = text::STATE_QUITTING.say(state.language, &[]);
    TrayView { icon: TrayIcon::Connecting, tooltip: words.clone(), menu: vec![MenuItem::Label(words)] }
}

fn icon(state: &State<'_>) -> TrayIcon {
    let registered = |(_, a): (_, &Account)| *a.state() == Registration::Registered;
    if state.calls.ringing_count() > 0 {
        TrayIcon::Ringing
    } else if state.calls.engaged_count() > 0 {
        TrayIcon::InCall
    } else if state.accounts.all().any(|(_, a)| a.stuck()) && !state.accounts.all().any(registered) {
        TrayIcon::Error
    } else if !state.accounts.all().any(registered) {
        TrayIcon::Connecting
    } else if state.notes.missed() > 0 {
        TrayIcon::Missed
    } else {
        TrayIcon::Ready
    }
}

/// What goes on, then what is wrong, one sentence a line.
fn tooltip(state: &State<'_>) -> String {
    let mut lines = vec![summary(state)];
    lines.extend(state.accounts.all().filter_map(|(_, a)| a.problem().map(str::to_owned)));
    if state.calls.engaged_count() + state.calls.ringing_count() == 0 {
        // What is the reason that nothing rings, first.
        let silent = switched_on(state).filter(|it| matches!(it.switch, Switch::Dnd | Switch::ForwardAlways));
        lines.extend(silent.map(|status| features::state(state.language, &status)));
        lines.extend(missed(state));
        lines.extend(state.watches.waiting().map(|(_, mailbox)| voice_mail(state, mailbox)));
    }
    lines.truncate(6);
    lines.join("\n")
}

/// The state in one line.
pub(super) fn summary(state: &State<'_>) -> String {
    let say = |phrase: &Phrase, filled: &[&str]| phrase.say(state.language, filled);
    let ringing = state.calls.ringing_count();
    let engaged = state.calls.engaged_count();
    if ringing > 1 {
        return say(&text::STATE_RINGING_MANY, &[&ringing.to_string()]);
    }
    if let Some(call) = state.calls.ringing().next() {
        return say(&text::STATE_RINGING, &[&title(call, state.language)]);
    }
    let members: Vec<String> = state
        .calls
        .members()
        .filter_map(|id| state.calls.get(id))
        .map(|call| title(call, state.language))
        .collect();
    if !members.is_empty() && members.len() == engaged {
        return muted(state, say(&words::CONFERENCE, &[&members.join(", ")]));
    }
    if engaged > 1 {
        return muted(state, say(&text::STATE_CALLS, &[&engaged.to_string()]));
    }
    if let Some(call) = state.calls.engaged().next() {
        let phrase = match call {
            call if call.up() && call.talk.want_hold => &text::STATE_HOLDING,
            call if call.up() || call.direction == Direction::Incoming => &text::STATE_TALKING,
            _ => &text::STATE_CALLING,
        };
        return muted(state, say(phrase, &[&title(call, state.language)]));
    }
    if !state.started {
        return say(&text::STATE_STARTING, &[]);
    }
    let names = |wanted: bool| -> Vec<&str> {
        let fits = |a: &&Account| (*a.state() == Registration::Registered) == wanted;
        state.accounts.all().map(|(_, a)| a).filter(fits).map(Account::aor).take(5).collect()
    };
    match (names(true), names(false)) {
        (ready, _) if !ready.is_empty() => say(&text::STATE_READY, &[&ready.join(", ")]),
        (_, waiting) if !waiting.is_empty() => say(&text::STATE_CONNECTING, &[&waiting.join(", ")]),
        _ => say(&text::STATE_NO_ACCOUNT, &[]),
    }
}

fn muted(state: &State<'_>, words: String) -> String {
    if state.calls.muted() {
        return format!("{words} ({})", text::STATE_MUTED.say(state.language, &[]));
    }
    words
}

fn missed(state: &State<'_>) -> Option<String> {
    match state.notes.missed() {
        0 => None,
        1 => Some(text::MISSED_ONE.say(state.language, &[])),
        many => Some(text::MISSED_MANY.say(state.language, &[&many.to_string()])),
    }
}

/// That voice mail waits, in words.
fn voice_mail(state: &State<'_>, mailbox: &Mailbox) -> String {
    match mailbox.new {
        Some(1) => text::watch::MAIL_ONE.say(state.language, &[]),
        Some(many) if many > 1 => text::watch::MAIL_MANY.say(state.language, &[&many.to_string()]),
        _ => text::watch::MAIL.say(state.language, &[]),
    }
}

fn menu(state: &State<'_>) -> Vec<MenuItem> {
    let entry = |text: String, action| MenuItem::Entry { text, action };
    let say = |phrase: &Phrase| phrase.say(state.language, &[]);
    let mut menu = vec![MenuItem::Label(summary(state))];
    let before = menu.len();
    for call in state.calls.ringing().take(MOST_ENTRIES) {
        ringing_entries(state, call, &mut menu);
    }
    more(state, state.calls.ringing_count(), &mut menu);
    if state.calls.ringing().any(|call| !call.silenced) {
        menu.push(entry(say(&text::SILENCE), Action::Silence));
    } else if state.calls.tone().is_some() {
        menu.push(entry(say(&text::STOP_TONE), Action::Silence));
    }
    for call in state.calls.engaged().take(MOST_ENTRIES) {
        engaged_entries(state, call, &mut menu);
    }
    more(state, state.calls.engaged_count(), &mut menu);
    together_entries(state, &mut menu);
    if state.calls.engaged_count() > 0 {
        let (phrase, on) = if state.calls.muted() { (&text::UNMUTE, false) } else { (&text::MUTE, true) };
        menu.push(entry(say(phrase), Action::Mute { on: Some(on) }));
    }
    if menu.len() > before {
        menu.insert(before, MenuItem::Separator);
    }
    menu.push(MenuItem::Separator);
    if let Some(words) = missed(state) {
        menu.push(entry(words, Action::Show));
    }
    for (account, target, line) in state.watches.ringing().take(MOST_ENTRIES) {
        let caller = line.with.as_ref().map(|party| party.name.as_ref().unwrap_or(&party.number));
        let caller = crate::plain::plain(caller.map_or("", String::as_str));
        let words = text::watch::PICK_UP.say(state.language, &[&caller, &crate::plain::plain(target)]);
        let (number, account) = (Some(target.to_owned()), Some(account));
        menu.push(entry(words, Action::Feature(FeatureAction::Pickup { account, number, dialog: None })));
    }
    for (account, mailbox) in state.watches.waiting().take(MOST_ENTRIES) {
        let words = voice_mail(state, mailbox);
        // What the PBX says goes before what its kind usually has.
        menu.push(match mailbox.number.clone().or_else(|| state.lines.voice_mail(state.settings, account)) {
            Some(text) => {
                let source = Source::Typed;
                entry(words, Action::Dial { text, source, account: Some(account), withhold: false })
            }
            None => MenuItem::Label(words),
        });
    }
    feature_entries(state, &mut menu);
    menu.push(entry(say(&text::QUIT), Action::Quit));
    menu
}

/// Do not disturb, and forwardings to take back.
fn feature_entries(state: &State<'_>, menu: &mut Vec<MenuItem>) {
    let registered = |(_, account): (_, &Account)| *account.state() == Registration::Registered;
    if !state.accounts.all().any(registered) {
        return;
    }
    let mut push =
        |text: String, feature| menu.push(MenuItem::Entry { text, action: Action::Feature(feature) });
    let on = dnd(state);
    let phrase = if on { &features::DND_OFF } else { &features::DND_ON };
    push(phrase.say(state.language, &[]), FeatureAction::Dnd { account: None, on: !on });
    for status in switched_on(state).take(MOST_ENTRIES) {
        let Some(when) = status.switch.forwards() else { continue };
        let words = features::state(state.language, &status);
        let account = Some(status.account);
        push(
            features::FORWARD_OFF.say(state.language, &[&words]),
            FeatureAction::Forward { account, when, to: None },
        );
    }
}

fn dnd(state: &State<'_>) -> bool {
    switched_on(state).any(|status| status.switch == Switch::Dnd)
}

fn switched_on(state: &State<'_>) -> impl Iterator<Item = SwitchStatus> {
    state.lines.switches.status(state.settings).into_iter().filter(|status| status.on)
}

fn more(state: &State<'_>, count: usize, menu: &mut Vec<MenuItem>) {
    if count > MOST_ENTRIES {
        let rest = (count - MOST_ENTRIES).to_string();
        menu.push(MenuItem::Label(text::MORE_CALLS.say(state.language, &[&rest])));
    }
}

/// Whom an entry is about, told apart from others of the same name by company or number, and two calls of one contact
/// by both.
fn who(state: &State<'_>, call: &Call) -> String {
    let named = |call: &Call| (title(call, state.language), company(call));
    let (title, company) = named(call);
    let number = Some(call.number.shown.clone()).filter(|n| !n.is_empty() && *n != title);
    // Asked only where it decides: every entry of every menu looks here.
    let same = |other: &Call| other.id != call.id && named(other) == (title.clone(), company.clone());
    // Asked only where it decides: every entry looks here, and in a flood of strangers none of them needs it.
    let number = number.filter(|_| company.is_none() || state.calls.all().any(same));
    let more: Vec<String> = [company, number].into_iter().flatten().collect();
    match more[..] {
        [] => title,
        _ => format!("{title} ({})", more.join(", ")),
    }
}

fn company(call: &Call) -> Option<String> {
    call.lookup.card().and_then(|card| card.company.clone())
}

fn ringing_entries(state: &State<'_>, call: &Call, menu: &mut Vec<MenuItem>) {
    let who = who(state, call);
    let mut push = |phrase: &Phrase, action| {
        menu.push(MenuItem::Entry { text: phrase.say(state.language, &[&who]), action });
    };
    push(&text::ANSWER_WHO, Action::Answer { call: Some(call.id) });
    push(&text::DECLINE_WHO, Action::Decline { call: Some(call.id) });
    if call.lookup.page().is_some() {
        push(&text::RECORD_WHO, Action::OpenRecord { call: call.id });
    }
}

/// What two calls can be made: one without us, or one with us.
fn together_entries(state: &State<'_>, menu: &mut Vec<MenuItem>) {
    let mut push = |text: String, feature| {
        menu.push(MenuItem::Entry { text, action: Action::Feature(feature) });
    };
    if state.calls.members().next().is_some() {
        let text = words::CONFERENCE_SPLIT.say(state.language, &[]);
        push(text, FeatureAction::Conference { calls: Vec::new(), split: true });
    }
    // Of more than two nobody could tell which are meant.
    let mut up = state.calls.engaged().filter(|call| call.up() && call.leaving.is_none() && !call.sent_on);
    let (Some(one), Some(two), None) = (up.next(), up.next(), up.next()) else { return };
    let who = [who(state, one), who(state, two)];
    let names = [who[0].as_str(), who[1].as_str()];
    let connect = FeatureAction::Transfer { call: Some(one.id), to: None, with: Some(two.id) };
    push(words::CONNECT_BOTH.say(state.language, &names), connect);
    if !(one.joined && two.joined) {
        let join = FeatureAction::Conference { calls: vec![one.id, two.id], split: false };
        push(words::CONFERENCE_BOTH.say(state.language, &names), join);
    }
}

fn engaged_entries(state: &State<'_>, call: &Call, menu: &mut Vec<MenuItem>) {
    let who = who(state, call);
    let mut push = |phrase: &Phrase, action| {
        menu.push(MenuItem::Entry { text: phrase.say(state.language, &[&who]), action });
    };
    push(&text::HANG_UP_WHO, Action::Hangup { call: Some(call.id) });
    if call.up() && state.calls.waits(call) {
        push(&text::RESUME_WHO, Action::Resume { call: Some(call.id) });
    }
    if call.up() && !call.talk.want_hold {
        push(&text::HOLD_WHO, Action::Hold { call: Some(call.id) });
    }
    if call.lookup.page().is_some() {
        push(&text::RECORD_WHO, Action::OpenRecord { call: call.id });
    }
}
