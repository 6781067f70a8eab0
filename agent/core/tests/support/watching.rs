//! The words of transcripts about what is watched.

use super::{account_id, quoted};
use agent_core::{
    action::FeatureAction,
    party::Party,
    port::sip::{
        WatchEvent,
        watch::{
            LineInfo, LineState, Mailbox, Package, Pickup, PresenceInfo, PresenceState, Subscribed, Watched,
        },
    },
};

/// What SIP tells.
pub(super) fn told(first: &str, rest: &[&str]) -> Option<WatchEvent> {
    let account = account_id(rest.first()?)?;
    let rest = &rest[1..];
    Some(match (first, rest) {
        ("watched", [package, target, state @ ..]) => {
            let package = match *package {
                "line" => Package::Line,
                "presence" => Package::Presence,
                "messages" => Package::Messages,
                "phones" => Package::Registrations,
                "features" => Package::Features,
                _ => return None,
            };
            let target = if *target == "-" { String::new() } else { (*target).to_owned() };
            let state = match state {
                ["unknown"] => Subscribed::Unknown,
                ["pending"] => Subscribed::Pending,
                ["active"] => Subscribed::Active,
                ["refused", status, phrase] => {
                    Subscribed::Refused { status: status.parse().ok()?, phrase: quoted(phrase)? }
                }
                _ => return None,
            };
            WatchEvent::State { account, watched: Watched { package, target }, state }
        }
        ("line", [target, state, more @ ..]) => {
            WatchEvent::Line { account, target: (*target).to_owned(), line: line(state, more)? }
        }
        ("presence", [target, state, note @ ..]) => {
            let presence =
                PresenceInfo { state: presence(state)?, note: note.first().and_then(|n| quoted(n)) };
            WatchEvent::Presence { account, target: (*target).to_owned(), presence }
        }
        ("features", words) => super::switching::told(account, words)?,
        ("messages", words) => WatchEvent::Messages { account, mailbox: mailbox(words)? },
        _ => return None,
    })
}

/// What the user asks for.
pub(super) fn asked(first: &str, rest: &[&str]) -> Option<FeatureAction> {
    Some(match (first, rest) {
        ("watch" | "unwatch", [what, target, on @ ..]) => FeatureAction::Watch {
            account: on.get(1).and_then(|word| account_id(word)),
            target: (*target).to_owned(),
            presence: *what == "presence",
            on: first == "watch",
        },
        ("say-presence", [state, note @ ..]) => {
            FeatureAction::Presence { state: presence(state)?, note: note.first().and_then(|n| quoted(n)) }
        }
        _ => return None,
    })
}

fn line(state: &str, more: &[&str]) -> Option<LineInfo> {
    let states = [LineState::Unknown, LineState::Idle, LineState::Ringing, LineState::Busy, LineState::Held];
    let state = states.into_iter().find(|known| format!("{known:?}") == state)?;
    let (pickup, more) = match more {
        [more @ .., "pickup"] => (true, more),
        more => (false, more),
    };
    let with = more.first().map(|number| Party {
        number: (*number).to_owned(),
        name: more.get(1).and_then(|name| quoted(name)),
        uri: format!("sip:{number}@pbx.example"),
        withheld: false,
    });
    let part = |name: &str| name.to_owned();
    let pickup = pickup.then(|| Pickup { call_id: part("c"), local_tag: part("l"), remote_tag: part("r") });
    Some(LineInfo { state, with, pickup })
}

fn presence(word: &str) -> Option<PresenceState> {
    let states = [
        PresenceState::Unknown,
        PresenceState::Available,
        PresenceState::Away,
        PresenceState::Busy,
        PresenceState::OnThePhone,
        PresenceState::DoNotDisturb,
        PresenceState::Offline,
    ];
    states.into_iter().find(|known| format!("{known:?}") == word)
}

/// `waiting 2/8 at *97`.
fn mailbox(words: &[&str]) -> Option<Mailbox> {
    let (first, words) = words.split_first()?;
    let mut mailbox = Mailbox { waiting: *first == "waiting", ..Mailbox::default() };
    let counts = words.first().and_then(|word| word.split_once('/'));
    if let Some((new, old)) = counts {
        (mailbox.new, mailbox.old) = (new.parse().ok(), old.parse().ok());
    }
    let at = words.iter().position(|word| *word == "at");
    mailbox.number = at.and_then(|at| words.get(at + 1)).map(|number| (*number).to_owned());
    Some(mailbox)
}
