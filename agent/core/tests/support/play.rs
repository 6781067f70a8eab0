//! Lines of a transcript to events, and a run of the core that writes its own transcript.

mod neighbours;
mod switching;
mod texting;
mod watching;
mod wire;

use crate::support::start_of_time;
use agent_core::{
    Agent,
    action::{Action, FeatureAction, RequestId, Source},
    id::{AccountId, CallId},
    party::Sdp,
    port::{Event, Neighbour, store::StoreEvent},
    time::Now,
    transcript::{Mask, Transcript, line_in},
    view::{MenuItem, View},
};
use neighbours::{host, media, shell, store};
use std::time::Duration;
use wire::sip;

/// A run of the core that remembers what it said.
pub(crate) struct Run {
    agent: Agent,
    pub(crate) now: Now,
    transcript: Transcript,
    view: View,
    pub lines: Vec<String>,
}

impl Run {
    pub(crate) fn new() -> Self {
        Self {
            agent: Agent::new(),
            now: start_of_time(),
            transcript: Transcript::new(Mask::Off),
            view: View::default(),
            lines: Vec::new(),
        }
    }

    /// Plays one line of input; lines of output and comments are passed over.
    pub(crate) fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        if trimmed.starts_with('#') {
            self.lines.push(trimmed.to_owned());
            return;
        }
        let Some((who, what)) = trimmed.split_once(" > ") else {
            assert!(trimmed.is_empty() || trimmed.contains(" < "), "neither input nor output: {trimmed:?}");
            return;
        };
        if !self.lines.is_empty() && !self.lines.last().is_some_and(|l| l.starts_with('#')) {
            self.lines.push(String::new());
        }
        self.lines.push(trimmed.to_owned());
        match (who.trim(), what.trim()) {
            ("clock", what) => self.clock(what),
            ("test", "ready") => self.ready(),
            ("test", "menu") => self.menu(),
            (who, what) => {
                let event = parse(who, what).unwrap_or_else(|| panic!("not understood: {trimmed:?}"));
                if !matches!(event, Event::Store(StoreEvent::Settings(_))) {
                    assert_eq!(line_in(&event, Mask::Off), trimmed, "the line is not what the core writes");
                }
                self.handle(event);
            }
        }
    }

    fn handle(&mut self, event: Event) {
        self.agent.handle(self.now, event);
        while let Some(effect) = self.agent.poll_effect() {
            if let agent_core::port::Effect::View(view) = &effect {
                self.view = (**view).clone();
            }
            self.lines.extend(self.transcript.effect(&effect));
        }
    }

    fn clock(&mut self, what: &str) {
        if what == "timeout" {
            let next = self.agent.poll_timeout().expect("a deadline");
            self.now = self.now.plus(next.saturating_duration_since(self.now.at));
            return self.handle(Event::Timeout);
        }
        let millis: u64 =
            what.strip_prefix('+').and_then(|w| w.strip_suffix(" ms")).unwrap().parse().unwrap();
        let until = self.now.plus(Duration::from_millis(millis));
        while let Some(next) = self.agent.poll_timeout().filter(|next| *next <= until.at) {
            self.now = self.now.plus(next.saturating_duration_since(self.now.at));
            self.handle(Event::Timeout);
        }
        self.now = until;
    }

    /// Everything up to `registered`, without writing it down.
    fn ready(&mut self) {
        let kept = self.lines.len();
        let lines = [
            "store > settings accounts=1",
            "store > password 0.1",
            "host > plugins org.example.crm",
            "sip > address 0 192.0.2.10",
            "sip > registration 0 registered",
        ];
        for line in lines {
            let (who, what) = line.split_once(" > ").unwrap();
            self.handle(parse(who, what).unwrap());
        }
        self.lines.truncate(kept);
    }

    fn menu(&mut self) {
        let words = |item: &MenuItem| match item {
            MenuItem::Label(text) => format!("menu  < ({text})"),
            MenuItem::Entry { text, .. } => format!("menu  < {text}"),
            MenuItem::Separator => "menu  < ---".to_owned(),
        };
        self.lines.extend(self.view.tray.menu.iter().map(words));
    }
}

/// One line of input; `None` when it is none.
pub(crate) fn parse(who: &str, what: &str) -> Option<Event> {
    let words = split(what);
    let mut words = words.iter().map(String::as_str);
    let first = words.next()?;
    let mut rest: Vec<&str> = words.collect();
    if let Some(who) = neighbour(who) {
        match first {
            "broken" => return Some(Event::Broken(who)),
            "restarted" => return Some(Event::Restarted(who)),
            _ => {}
        }
    }
    Some(match who {
        "sip" => Event::Sip(sip(first, &mut rest)?),
        "media" => Event::Media(media(first, &rest)?),
        "host" => Event::Host(host(first, &rest)?),
        "store" => Event::Store(store(first, &rest)?),
        "shell" => Event::Shell(shell(first, &rest)?),
        "user" => {
            let request = first.strip_prefix('#').and_then(|n| n.parse().ok()).map(RequestId);
            let first = if request.is_some() { rest.remove(0) } else { first };
            Event::User { request, action: action(first, &rest)? }
        }
        _ => return None,
    })
}

fn neighbour(who: &str) -> Option<Neighbour> {
    Some(match who {
        "sip" => Neighbour::Sip,
        "media" => Neighbour::Media,
        "host" => Neighbour::Host,
        "store" => Neighbour::Store,
        "shell" => Neighbour::Shell,
        "api" => Neighbour::Api,
        _ => return None,
    })
}

/// Words; quoted ones may hold spaces and Rust's escapes `\n`, `\"`, `\\`. Commas after words are dropped.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ' ' || c == ',' {
            continue;
        }
        let mut word = String::from(c);
        if c == '"' {
            while let Some(c) = chars.next() {
                match c {
                    '"' => break,
                    '\\' => match chars.next() {
                        Some('n') => word.push('\n'),
                        Some(other) => word.push(other),
                        None => break,
                    },
                    c => word.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != ' ' && *c != ',') {
                word.push(c);
            }
        }
        words.push(word);
    }
    words
}

fn quoted(word: &str) -> Option<String> {
    word.strip_prefix('"').map(str::to_owned)
}

fn call(word: &str) -> Option<CallId> {
    word.parse().ok().map(CallId)
}

fn account_id(word: &str) -> Option<AccountId> {
    word.parse().ok().map(AccountId)
}

fn sdp(word: Option<&&str>) -> Option<Sdp> {
    word.map(|w| Sdp(w.as_bytes().to_vec()))
}

fn action(first: &str, rest: &[&str]) -> Option<Action> {
    let id = rest.first().and_then(|word| call(word));
    Some(match first {
        "answer" => Action::Answer { call: id },
        "decline" => Action::Decline { call: id },
        "hangup" => Action::Hangup { call: id },
        "hold" => Action::Hold { call: id },
        "resume" => Action::Resume { call: id },
        "mute" => Action::Mute { on: rest.first().map(|w| *w == "true") },
        "dtmf" => match rest {
            [digits] => Action::Dtmf { call: None, digits: (*digits).to_owned() },
            [_, digits] => Action::Dtmf { call: id, digits: (*digits).to_owned() },
            _ => return None,
        },
        "dial" => dial(rest)?,
        "choose" => Action::Choose { question: rest[0].parse().ok()?, choice: rest[1].parse().ok() },
        "silence" => Action::Silence,
        "open-record" => Action::OpenRecord { call: id? },
        "status" => Action::Status,
        "show" => Action::Show,
        "dismiss" => Action::DismissToast { toast: rest[0].parse().ok()? },
        "quit" => Action::Quit,
        _ => Action::Feature(feature(first, rest)?),
    })
}

fn feature(first: &str, rest: &[&str]) -> Option<FeatureAction> {
    Some(match (first, rest) {
        ("reconnect", rest) => FeatureAction::Reconnect { account: rest.first().and_then(|w| account_id(w)) },
        ("block", [number, state]) => FeatureAction::Block { number: quoted(number)?, on: *state == "on" },
        ("redial", []) => FeatureAction::Redial { account: None },
        ("redial", ["on", account]) => FeatureAction::Redial { account: account_id(account) },
        ("message", rest) => texting::asked(rest)?,
        _ => {
            let asked = switching::asked(first, rest).or_else(|| watching::asked(first, rest));
            return asked.or_else(|| super::transfer::asked(first, rest));
        }
    })
}

fn dial(rest: &[&str]) -> Option<Action> {
    let source = match *rest.first()? {
        "typed" => Source::Typed,
        "selection" => Source::Selection,
        "link" => Source::Link,
        _ => return None,
    };
    let (text, more) = rest[1..].split_last()?;
    let (withhold, more) = match more {
        [more @ .., "withheld"] => (true, more),
        more => (false, more),
    };
    let account = match more {
        ["on", account] => Some(account_id(account)?),
        [] => None,
        _ => return None,
    };
    Some(Action::Dial { text: quoted(text)?, source, account, withhold })
}
