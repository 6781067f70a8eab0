//! Lines of a transcript to events, and a run of the core that writes its own transcript.

mod watching;

use crate::support::{account, start_of_time};
use agent_core::{
    Agent,
    action::{Action, FeatureAction, RequestId, Source},
    caller::CallerCard,
    id::{AccountId, CallId},
    party::{Party, Sdp},
    port::{
        Event, Neighbour,
        host::{HostEvent, HostTrouble, PluginInfo},
        media::{AudioState, Flow, MediaEvent, SoundProblem},
        shell::{Part, ShellEvent},
        sip::{
            CallEnd, Circumstances, ForwardReason, Forwarding, Loss, PhoneEvent, Registration,
            RegistrationProblem, Ring, SipEvent,
        },
        store::{PasswordQuestion, SecretProblem, StoreEvent},
    },
    secret::Secret,
    settings::{AudioBackend, AutoAnswer, BlockedHear, Keys, Language, OpenRule, Settings},
    time::Now,
    transcript::{Mask, Transcript, line_in},
    view::{MenuItem, View},
};
use std::time::Duration;

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

fn sip(first: &str, rest: &mut Vec<&str>) -> Option<SipEvent> {
    let id = || call(rest[0]);
    Some(match first {
        "registration" => {
            SipEvent::Registration { account: account_id(rest[0])?, state: registration(&rest[1..])? }
        }
        "address" => SipEvent::Address { account: account_id(rest[0])?, local: rest[1].parse().ok()? },
        "incoming" => return incoming(rest),
        "progress" => {
            SipEvent::Progress { call: id()?, status: rest[1].parse().ok()?, answer: sdp(rest.get(2)) }
        }
        "answered" => SipEvent::Answered { call: id()?, answer: sdp(rest.get(1)) },
        "confirmed" => SipEvent::Confirmed { call: id()?, answer: sdp(rest.get(1)) },
        "refresh" => SipEvent::Phone(PhoneEvent::Refresh { call: id()? }),
        "moved" => {
            let to = Party { number: rest[1].to_owned(), ..Party::default() };
            SipEvent::Phone(PhoneEvent::Moved { call: id()?, to })
        }
        "reoffer" => SipEvent::Reoffer { call: id()?, offer: sdp(rest.get(1)) },
        "reoffer-answered" => SipEvent::ReofferAnswered { call: id()?, answer: sdp(rest.get(1))? },
        "reoffer-refused" => SipEvent::ReofferRefused { call: id()?, status: rest[1].parse().ok()? },
        "ended" => SipEvent::Ended { call: id()?, end: end(&rest[1..])? },
        "transfer" | "remote-dial" => SipEvent::Transfer(super::transfer::told(rest)?),
        "down" => SipEvent::Down,
        "party" => SipEvent::Party { call: id()?, party: party(&rest[1..])? },
        "watched" | "line" | "presence" | "messages" => SipEvent::Watch(watching::told(first, rest)?),
        _ => SipEvent::Phone(phone(first, rest)?),
    })
}

fn incoming(rest: &mut Vec<&str>) -> Option<SipEvent> {
    let id = call(rest.remove(0))?;
    let number = rest.remove(0);
    let name = quoted(rest[0]);
    if name.is_some() {
        rest.remove(0);
    }
    let withheld = number == "withheld";
    let number = if withheld { String::new() } else { number.to_owned() };
    let ["to", called, "at", local, more @ ..] = &rest[..] else { return None };
    let (account, more) = match more {
        ["on", account, more @ ..] => (account_id(account)?, more),
        more => (AccountId(0), more),
    };
    let uri = format!("sip:{number}@pbx.example");
    Some(SipEvent::Incoming {
        call: id,
        account,
        party: Party { number, name, uri, withheld },
        called: (*called).to_owned(),
        local: local.parse().ok()?,
        offer: sdp(more.first()).filter(|sdp| sdp.0 != b"no-offer"),
        with: Box::new(circumstances(more)?),
        unfit: match more {
            [_, "unfit", why @ ..] => Some(problem(why)?),
            _ => None,
        },
    })
}

/// `by 1002 "Desk" NoAnswer x2 line "Sales" ring Internal answer-after 3`, behind the offer.
fn circumstances(rest: &[&str]) -> Option<Circumstances> {
    let mut with = Circumstances::default();
    let mut words = rest.iter().skip(1).copied().peekable();
    if words.peek() == Some(&"unfit") {
        return Some(with);
    }
    while let Some(word) = words.next() {
        match word {
            "by" => {
                let number = words.next()?;
                let withheld = number == "withheld";
                let number = if withheld { String::new() } else { number.to_owned() };
                let name = words.next_if(|word| word.starts_with('"')).and_then(quoted);
                let by = Party { uri: format!("sip:{number}@pbx.example"), number, name, withheld };
                let reasons = [
                    ForwardReason::Always,
                    ForwardReason::Busy,
                    ForwardReason::NoAnswer,
                    ForwardReason::Unreachable,
                    ForwardReason::DoNotDisturb,
                ];
                let named = |word: &str| reasons.into_iter().find(|why| format!("{why:?}") == word);
                let why = words.next_if(|word| named(word).is_some()).and_then(named).unwrap_or_default();
                let times =
                    words.next_if(|word| word.starts_with('x')).and_then(|word| word[1..].parse().ok());
                with.forwarded.push(Forwarding { by, why, times: times.unwrap_or(1) });
            }
            "line" => with.line = quoted(words.next()?),
            "ring" => {
                let ring = words.next()?;
                with.ring =
                    [Ring::Internal, Ring::Special].into_iter().find(|it| format!("{it:?}") == ring)?;
            }
            "answer-after" => with.auto_answer = words.next()?.parse().ok(),
            _ => return None,
        }
    }
    Some(with)
}

fn phone(first: &str, rest: &[&str]) -> Option<PhoneEvent> {
    let id = || call(rest[0]);
    Some(match first {
        "keys-refused" => PhoneEvent::KeysRefused { call: id()?, status: rest[1].parse().ok()? },
        "info-digit" => PhoneEvent::Digit { call: id()?, digit: rest[1].chars().next()? },
        "talk" => PhoneEvent::Talk { call: id()? },
        "hold" => PhoneEvent::Hold { call: id()? },
        "cause" => PhoneEvent::Cause { call: id()?, q850: rest[1].parse().ok()? },
        "pbx" => PhoneEvent::Pbx { account: account_id(rest[0])?, product: quoted(rest[1])? },
        _ => return None,
    })
}

/// Who somebody is: `+4930 "Alice"`, `withheld`.
fn party(rest: &[&str]) -> Option<Party> {
    let (number, name) = (rest.first()?, rest.get(1).and_then(|word| quoted(word)));
    let withheld = *number == "withheld";
    let number = if withheld { String::new() } else { (*number).to_owned() };
    Some(Party { uri: format!("sip:{number}@pbx.example"), number, name, withheld })
}

fn problem(rest: &[&str]) -> Option<SoundProblem> {
    Some(match rest {
        ["not-sdp", detail] => SoundProblem::NotSdp { detail: quoted(detail)? },
        ["no-audio"] => SoundProblem::NoAudio,
        ["declined"] => SoundProblem::Declined,
        ["no-common-codec", theirs] => SoundProblem::NoCommonCodec { theirs: quoted(theirs)? },
        ["encrypted", profile] => SoundProblem::Encrypted { profile: quoted(profile)? },
        ["address", detail] => SoundProblem::Address { detail: quoted(detail)? },
        ["no-port", detail] => SoundProblem::NoPort { detail: quoted(detail)? },
        ["fault"] => SoundProblem::Fault,
        _ => return None,
    })
}

fn end(rest: &[&str]) -> Option<CallEnd> {
    Some(match rest {
        ["remote-hangup"] => CallEnd::RemoteHangup,
        ["cancelled"] => CallEnd::Cancelled { elsewhere: false },
        ["refused-elsewhere"] => CallEnd::RefusedElsewhere,
        ["elsewhere"] => CallEnd::Cancelled { elsewhere: true },
        ["local-hangup"] => CallEnd::LocalHangup,
        ["rejected"] => CallEnd::Rejected,
        ["refused", status, phrase @ ..] => {
            CallEnd::Refused { status: status.parse().ok()?, phrase: phrase.join(" ") }
        }
        ["lost", why, detail] => CallEnd::Lost {
            why: [Loss::Silent, Loss::Unusable, Loss::Network, Loss::Forgotten, Loss::Target]
                .into_iter()
                .find(|loss| format!("{loss:?}") == *why)?,
            detail: quoted(detail)?,
        },
        _ => return None,
    })
}

fn registration(rest: &[&str]) -> Option<Registration> {
    let retry = |rest: &[&str]| match rest {
        ["retry", ms] => ms.parse().ok(),
        _ => None,
    };
    Some(match rest {
        ["idle"] => Registration::Idle,
        ["connecting"] => Registration::Connecting,
        ["registered"] => Registration::Registered,
        ["unregistered"] => Registration::Unregistered,
        ["failed", reason, more @ ..] => {
            let (reason, more) = match (*reason, more) {
                ("wrong-password", more) => (RegistrationProblem::WrongPassword, more),
                ("no-password", more) => (RegistrationProblem::NoPassword, more),
                ("no-common-authentication", more) => (RegistrationProblem::NoCommonAuthentication, more),
                ("silent", more) => (RegistrationProblem::Silent, more),
                ("unreachable", [detail, more @ ..]) => {
                    (RegistrationProblem::Unreachable { detail: quoted(detail)? }, more)
                }
                ("refused", [status, phrase, more @ ..]) => {
                    let (status, phrase) = (status.parse().ok()?, quoted(phrase)?);
                    (RegistrationProblem::Refused { status, phrase }, more)
                }
                _ => return None,
            };
            Registration::Failed { reason, retry_ms: retry(more) }
        }
        _ => return None,
    })
}

fn flow(word: &str) -> Option<Flow> {
    [Flow::SendRecv, Flow::SendOnly, Flow::RecvOnly, Flow::Inactive]
        .into_iter()
        .find(|f| format!("{f:?}") == word)
}

fn media(first: &str, rest: &[&str]) -> Option<MediaEvent> {
    let id = || call(rest[0]);
    Some(match first {
        "offered" => MediaEvent::Offered { call: id()?, sdp: sdp(rest.get(1))? },
        "accepted" => MediaEvent::Accepted { call: id()?, sdp: sdp(rest.get(1))?, flow: flow(rest[2])? },
        "completed" => MediaEvent::Completed { call: id()?, flow: flow(rest[1])? },
        "refused" => MediaEvent::Refused { call: id()?, why: problem(&rest[1..])? },
        "events" => MediaEvent::Events { call: id()?, known: rest[1] == "true" },
        "silent" => MediaEvent::Silent { call: id()? },
        "heard" => MediaEvent::Heard { call: id()? },
        "digit" => MediaEvent::Digit { call: id()?, digit: rest[1].chars().next()? },
        "audio" => MediaEvent::Audio(match rest {
            ["null", why] => AudioState::Null { why: quoted(why)? },
            ["device", input, output, missing @ ..] => AudioState::Device {
                input: quoted(input)?,
                output: quoted(output)?,
                missing: missing.iter().filter_map(|name| quoted(name)).collect(),
            },
            _ => AudioState::Wav,
        }),
        _ => return None,
    })
}

fn host(first: &str, rest: &[&str]) -> Option<HostEvent> {
    let id = || call(rest[0]);
    Some(match first {
        "plugins" => HostEvent::Plugins(rest.iter().map(|id| plugin(id)).collect()),
        "found" => HostEvent::Found { call: id()?, card: card(&rest[1..])? },
        "not-found" => HostEvent::NotFound {
            call: id()?,
            plugin: rest[2].to_owned(),
            error: rest.get(3).and_then(|e| quoted(e)),
        },
        "lookup-done" => HostEvent::LookupDone { call: id()? },
        "trouble" => HostEvent::Trouble {
            plugin: rest[0].to_owned(),
            what: match rest[1] {
                "Tampered" => HostTrouble::Tampered,
                "NoSealKey" => HostTrouble::NoSealKey,
                _ => return None,
            },
        },
        "open-record" => {
            HostEvent::OpenRecord { call: id()?, plugin: rest[3].to_owned(), url: rest[1].to_owned() }
        }
        _ => return None,
    })
}

fn plugin(id: &str) -> PluginInfo {
    PluginInfo {
        id: id.to_owned(),
        name: id.to_owned(),
        version: "1".to_owned(),
        hosts: Vec::new(),
        sends: Vec::new(),
        problem: None,
    }
}

fn card(rest: &[&str]) -> Option<CallerCard> {
    let name = quoted(rest.first()?)?;
    let (company, rest) = match rest[1..].first().and_then(|w| quoted(w)) {
        Some(company) => (Some(company), &rest[2..]),
        None => (None, &rest[1..]),
    };
    let (url, rest) = match rest {
        ["by", ..] => (None, rest),
        [url, rest @ ..] => (Some((*url).to_owned()), rest),
        [] => return None,
    };
    let ["by", source] = rest else { return None };
    Some(CallerCard { source: (*source).to_owned(), name, company, url })
}

/// `0.3`: the third question of all, for the first account.
fn question(word: &str) -> Option<PasswordQuestion> {
    let (id, generation) = word.split_once('.')?;
    let id: u32 = id.parse().ok()?;
    let generation = generation.parse().ok()?;
    Some(PasswordQuestion { account: AccountId(id), aor: account(id).aor, generation })
}

fn store(first: &str, rest: &[&str]) -> Option<StoreEvent> {
    Some(match first {
        "settings" => StoreEvent::Settings(Box::new(settings(rest)?)),
        "password" => StoreEvent::Password {
            question: question(rest[0])?,
            result: Ok(Secret::new("secret".to_owned())),
        },
        "no-password" => StoreEvent::Password {
            question: question(rest[0])?,
            result: Err(match rest[1..] {
                ["missing"] => SecretProblem::Missing,
                ["no-keyring", detail] => SecretProblem::NoKeyring(quoted(detail)?),
                ["no-variable", name] => SecretProblem::NoVariable(quoted(name)?),
                ["at-start-only", name] => SecretProblem::AtStartOnly(quoted(name)?),
                ["failed", detail] => SecretProblem::Failed(quoted(detail)?),
                _ => return None,
            }),
        },
        "trouble" => StoreEvent::Trouble(quoted(rest[0])?),
        "journal" => StoreEvent::Journal(quoted(rest[0])),
        "dialled" => {
            let one = |words: &[&str]| Some((quoted(words[0])?, account_id(words[2])?));
            StoreEvent::Dialled(rest.chunks_exact(3).filter_map(one).collect())
        }
        _ => return None,
    })
}

/// `accounts=2 change=1 lang=de waiting=false most=2 open=ring ring=30 lookup=500 prefix=0 area=30 audio=null`.
fn settings(rest: &[&str]) -> Option<Settings> {
    let mut settings = Settings { language: Language::En, ..Settings::default() };
    for word in rest {
        let (key, value) = word.split_once('=')?;
        match key {
            "accounts" => settings.accounts = (0..value.parse().ok()?).map(account).collect(),
            "change" => settings.accounts[value.parse::<usize>().ok()?].username = Some("other".to_owned()),
            "lang" if value == "de" => settings.language = Language::De,
            "lang" if value == "fr" => settings.language = Language::Fr,
            "waiting" => settings.calls.waiting = value == "true",
            "busy" => settings.accounts[value.parse::<usize>().ok()?].waiting = Some(false),
            "known" => settings.accounts[value.parse::<usize>().ok()?].reject_anonymous = true,
            "auto" => settings.accounts[value.parse::<usize>().ok()?].auto_answer = AutoAnswer::Registrar,
            "info" => settings.accounts[value.parse::<usize>().ok()?].dtmf = Keys::Info,
            "blocked" => settings.calls.blocked.push(value.to_owned()),
            "hear" => settings.calls.blocked_hear = BlockedHear::Declined,
            "most" => settings.calls.most = value.parse().ok()?,
            "ring" => settings.calls.ring_seconds = value.parse().ok()?,
            "lookup" => settings.calls.lookup_ms = value.parse().ok()?,
            "open" if value == "ring" => settings.screen_pop.open = OpenRule::Ring,
            "open" if value == "never" => settings.screen_pop.open = OpenRule::Never,
            "audio" if value == "null" => settings.audio.backend = AudioBackend::Null,
            "audio" if value == "wav" => settings.audio.backend = AudioBackend::Wav,
            "prefix" => settings.numbers.outside_prefix = value.to_owned(),
            "area" => settings.numbers.area = value.to_owned(),
            "watch" => settings.accounts[0].watch = value.split('+').map(str::to_owned).collect(),
            "publish" => settings.accounts[value.parse::<usize>().ok()?].publish = true,
            _ => return None,
        }
    }
    Some(settings)
}

fn shell(first: &str, rest: &[&str]) -> Option<ShellEvent> {
    let parts = [Part::Tray, Part::Toasts, Part::ToastButtons, Part::Hotkeys, Part::Selection, Part::Browser];
    Some(match first {
        "part" => ShellEvent::Part {
            part: parts.into_iter().find(|p| format!("{p:?}") == rest[0])?,
            problem: quoted(rest[1]),
        },
        "open-failed" => ShellEvent::OpenFailed { why: quoted(rest[0])? },
        _ => return None,
    })
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
        _ => return watching::asked(first, rest).or_else(|| super::transfer::asked(first, rest)),
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
