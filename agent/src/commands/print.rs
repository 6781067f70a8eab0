//! What the commands print: plain sentences for people, JSON for programs. A stranger's text never reaches the terminal raw.

use crate::{cli::Common, exit::Failure};
use agent_core::{
    action::{
        AccountStatus, CallState, CallStatus, QuestionStatus, Reply, Status, Switch, SwitchKnown,
        SwitchStatus,
    },
    journal::{Cause, Direction, JournalEntry, Outcome},
    ledger::{Egress, LedgerRecord},
    plain::steers,
    port::{
        Neighbour,
        host::PluginInfo,
        media::AudioState,
        sip::{Registration, RegistrationProblem},
    },
    time::UnixMillis,
};
use std::{
    io::{ErrorKind, Write},
    sync::{Mutex, PoisonError},
};

/// What went wrong with our output, if that is worth an exit code: a disk that is full, not a reader who has enough.
static TROUBLE: Mutex<Option<String>> = Mutex::new(None);

/// Prints a line and says whether anybody still reads (`| head` is no error).
pub(crate) fn line(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                *TROUBLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            }
            false
        }
    }
}

/// Says whether everything printed got where it was to go.
pub(crate) fn complete() -> Result<(), Failure> {
    match TROUBLE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        None => Ok(()),
        Some(error) => Err(Failure::other("the output could not be written", error)),
    }
}

/// Says something on stderr, if anybody listens there (`eprintln!` panics where nobody does).
pub(crate) fn note(text: &str) {
    let text: Vec<String> = text.lines().map(tame).collect();
    let _ = writeln!(std::io::stderr(), "trayphone: {}", text.join("\n"));
}

/// Prints a value as one line of JSON and says whether anybody still reads.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> bool {
    match serde_json::to_string(value) {
        Ok(text) => line(&plain_json(&text)),
        Err(error) => {
            note(&error.to_string());
            false
        }
    }
}

/// JSON whose strings cannot steer a terminal: what `tame` dots out is escaped here, which means the same to a program.
pub(crate) fn plain_json(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                plain.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Text from outside, made harmless for a terminal: what steers, hides or reorders becomes `·`.
pub(crate) fn tame(text: &str) -> String {
    text.chars().map(|c| if steers(c) { '·' } else { c }).collect()
}

/// Says in JSON, where that was asked for, that something is done.
pub(crate) fn done(common: &Common) {
    if common.json {
        json(&Reply::Done);
    }
}

/// What of changed settings a running agent did not take over, and what to do.
pub(crate) fn only_restarted(restart: &[String]) -> String {
    format!(
        "the running agent has taken the settings over, but for: {}. For that, end it with `trayphone quit` and start it \
         again",
        restart.join(", ")
    )
}

/// What the agent replied.
pub(crate) fn reply(common: &Common, reply: &Reply) {
    if common.json {
        json(reply);
        return;
    }
    match reply {
        Reply::Done => {}
        Reply::Call { call, number: Some(number) } => {
            line(&format!("call {call}: dialling {}", tame(number)));
        }
        Reply::Call { call, number: None } => {
            line(&format!("call {call}"));
        }
        Reply::Switched { features } => {
            for status in features {
                line(&switched(status));
            }
        }
        Reply::Message { message } => {
            line(&format!("message {message} is on its way"));
        }
        Reply::Question { question, text, choices } => asked(*question, text, choices),
        Reply::Status(status) => self::status(status),
    }
}

/// A question, and how it is answered.
fn asked(question: u64, text: &str, choices: &[String]) {
    line(&tame(text));
    for (index, choice) in choices.iter().enumerate() {
        line(&format!("  {} = {}", index + 1, tame(choice)));
    }
    line(&format!("Say which: trayphone choose {question} 1   (or none: trayphone choose {question})"));
}

fn status(status: &Status) {
    if status.accounts.is_empty() {
        line("no account: add one with `trayphone account add sip:USER@PBX`");
    }
    for account in &status.accounts {
        line(&self::account(account));
    }
    for status in &status.features {
        line(&switched(status));
    }
    for call in &status.calls {
        line(&self::call(call));
    }
    if let Some(audio) = &status.audio {
        line(&self::audio(audio));
    }
    if status.muted {
        line("the microphone is muted");
    }
    if status.missed > 0 {
        line(&format!("missed calls: {}", status.missed));
    }
    for plugin in &status.plugins {
        line(&self::plugin(plugin));
    }
    for watched in super::watched::lines(&status.watched) {
        line(&tame(&watched));
    }
    if let Some(QuestionStatus { question, text: Some(text), choices }) = &status.question {
        asked(*question, text, choices);
    }
    for note in notes(status) {
        line(&format!("note: {note}"));
    }
}

/// Do not disturb, a forwarding or a queue in words.
fn switched(status: &SwitchStatus) -> String {
    let SwitchStatus { account, switch, queue, on, to, known } = status;
    let what = match switch {
        Switch::Dnd => "do not disturb",
        Switch::ForwardAlways => "forwarding of all calls",
        Switch::ForwardBusy => "forwarding while busy",
        Switch::ForwardNoAnswer => "forwarding of unanswered calls",
        Switch::Queue => "queue",
        Switch::QueuePause => "pause in the queue",
    };
    let queue = queue.as_deref().map(|queue| format!(" {}", tame(queue))).unwrap_or_default();
    let state = match (known, on, to) {
        (SwitchKnown::Unknown, ..) => "unknown".to_owned(),
        (_, true, Some(to)) => format!("on, to {}", tame(to)),
        (_, true, None) => "on".to_owned(),
        (_, false, _) => "off".to_owned(),
    };
    let who = match known {
        SwitchKnown::Pbx => " (the PBX says so)",
        SwitchKnown::Set => " (the PBX took the code, and does not say what it has)",
        SwitchKnown::Here => " (done by Trayphone, for the calls that reach it)",
        SwitchKnown::Unknown => "",
    };
    format!("account {}: {what}{queue}: {state}{who}", account.0)
}

/// What is wrong and not over yet, each once: what the desktop lacks may be the same for tray and toasts, and what a
/// listener to the events was told may stand elsewhere in the status, too.
fn notes(status: &Status) -> Vec<String> {
    let faults = status
        .faults
        .iter()
        .map(|it| format!("{} broke down by a fault of Trayphone and begins anew", part(*it)));
    let problems = status.problems.iter().map(|(_, problem)| problem);
    let said = status.journal.iter().chain(problems).chain(&status.troubles).map(|text| tame(text));
    let mut notes: Vec<String> = Vec::new();
    for note in faults.chain(said) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

fn part(part: Neighbour) -> &'static str {
    match part {
        Neighbour::Sip => "the PBX session",
        Neighbour::Media => "the sound",
        Neighbour::Host => "the plugin host",
        Neighbour::Store => "the journal",
        Neighbour::Shell => "the desktop",
        Neighbour::Api => "the local API",
    }
}

fn account(account: &AccountStatus) -> String {
    let pbx = match (&account.pbx, &account.profile) {
        (Some(pbx), Some(profile)) => format!(", at {} (profile {})", tame(pbx), tame(profile)),
        (Some(pbx), None) => format!(", at {}", tame(pbx)),
        (None, Some(profile)) => format!(", profile {}", tame(profile)),
        (None, None) => String::new(),
    };
    let registration = registration(&account.registration);
    format!("account {} {}: {registration}{pbx}", account.account.0, tame(&account.aor))
}

/// A registration in words.
pub(crate) fn registration(registration: &Registration) -> String {
    match registration {
        Registration::Idle => "waiting".to_owned(),
        Registration::Connecting => "connecting".to_owned(),
        Registration::Registered => "ready".to_owned(),
        Registration::Unregistered => "signed off".to_owned(),
        Registration::Failed { reason, retry_ms } => {
            let again = match retry_ms {
                Some(ms) => format!("; tried again {} s after that", ms.div_ceil(1000)),
                None => String::new(),
            };
            format!("not registered: {}{again}", problem(reason))
        }
    }
}

fn problem(problem: &RegistrationProblem) -> String {
    match problem {
        RegistrationProblem::WrongPassword => {
            "the PBX refuses the password; set it with `trayphone account password AOR`".to_owned()
        }
        RegistrationProblem::NoPassword => {
            "there is no password; set it with `trayphone account password AOR` (where the settings say env:NAME: set \
             that variable and start the agent again)"
                .to_owned()
        }
        RegistrationProblem::Fault => {
            "the PBX session broke down by a fault of Trayphone and begins anew".to_owned()
        }
        RegistrationProblem::NoCommonAuthentication => {
            "the PBX asks for a way of signing in that Trayphone does not know; it knows digest with MD5 and SHA-256"
                .to_owned()
        }
        RegistrationProblem::WeakerAuthentication => {
            "the PBX asks for a weaker proof of the password than before, and got none; if that is meant, start the \
             agent anew"
                .to_owned()
        }
        RegistrationProblem::Forbidden { phrase } => format!(
            "the PBX knows the password and does not let this phone register all the same ({}); ask who looks after it",
            tame(phrase)
        ),
        RegistrationProblem::Certificate(untrusted) => {
            let key = untrusted.presented.map(|key| format!(" (its key is {key})")).unwrap_or_default();
            format!("{}{key}; nothing was sent", tame(&untrusted.to_string()))
        }
        RegistrationProblem::WebSocket(none) => {
            format!("{} (the path is the account's `websocket_path`)", tame(&none.to_string()))
        }
        RegistrationProblem::Silent => "the PBX does not answer".to_owned(),
        RegistrationProblem::Unreachable { detail } => {
            format!("the PBX cannot be reached ({})", tame(detail))
        }
        RegistrationProblem::Refused { status, phrase } => format!("the PBX says {status} {}", tame(phrase)),
    }
}

/// A call in words.
pub(crate) fn call(call: &CallStatus) -> String {
    let state = match (call.state, call.held, call.held_by_them) {
        (CallState::Incoming, ..) => "rings",
        (CallState::Calling, ..) => "calling",
        (CallState::Early, ..) => "rings there",
        (CallState::Established, true, true) => "held by both",
        (CallState::Established, true, false) => "on hold",
        (CallState::Established, false, true) => "held by them",
        (CallState::Established, false, false) => "talking",
        (CallState::Terminated, ..) => "ended",
    };
    let arrow = if call.direction == Direction::Incoming { "from" } else { "to" };
    let focus = if call.focus { " [microphone]" } else { "" };
    format!("call {}: {state}, {arrow} {}{focus}", call.call, who(&call.party, call.card.as_ref()))
}

pub(crate) fn who(party: &agent_core::party::Party, card: Option<&agent_core::caller::CallerCard>) -> String {
    // An address without a user part names nobody either.
    let number = if party.withheld || party.number.is_empty() { "(withheld)" } else { party.number.as_str() };
    let name = card.map(|card| match &card.company {
        Some(company) => format!("{}, {company}", card.name),
        None => card.name.clone(),
    });
    match name.or_else(|| party.name.clone()) {
        Some(name) => tame(&format!("{number} ({name})")),
        None => tame(number),
    }
}

/// The audio in words.
pub(crate) fn audio(audio: &AudioState) -> String {
    match audio {
        AudioState::Device { input, output, missing } => {
            let mut text = format!("sound: microphone {}, ear {}", tame(input), tame(output));
            if !missing.is_empty() {
                text += &format!(" (not there: {})", tame(&missing.join(", ")));
            }
            text
        }
        AudioState::Wav => "sound: files".to_owned(),
        AudioState::Null { why } => format!("no sound: {}", tame(why)),
    }
}

/// A plugin in words.
pub(crate) fn plugin(plugin: &PluginInfo) -> String {
    let fares = match &plugin.problem {
        Some(problem) => format!("does not run: {}", tame(problem)),
        None => "ok".to_owned(),
    };
    let sends =
        if plugin.sends.is_empty() { "nothing of a call".to_owned() } else { plugin.sends.join(", ") };
    format!(
        "plugin {} {} ({}): {fares}; may send {} to {}",
        tame(&plugin.id),
        tame(&plugin.version),
        tame(&plugin.name),
        tame(&sends),
        if plugin.hosts.is_empty() { "nobody".to_owned() } else { tame(&plugin.hosts.join(", ")) },
    )
}

/// A journal entry in words.
pub(crate) fn journal(entry: &JournalEntry) -> String {
    let outcome = match entry.outcome {
        Some(Outcome::Answered) => "answered",
        Some(Outcome::Missed) => "missed",
        Some(Outcome::Declined) => "declined",
        Some(Outcome::Elsewhere) => "answered elsewhere",
        Some(Outcome::Busy) => "busy",
        Some(Outcome::NoAnswer) => "no answer",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Interrupted) => "interrupted",
        None => "going on",
    };
    let cause = match entry.cause {
        Some(Cause::Busy) => ": the line was busy",
        Some(Cause::Encrypted) => ": encrypted audio was asked for",
        Some(Cause::NoCommonCodec) => ": no audio format in common",
        Some(Cause::NoSound) => ": no audio",
        Some(Cause::Blocked) => ": blocked",
        Some(Cause::Anonymous) => ": the number was hidden",
        Some(Cause::DoNotDisturb) => ": do not disturb",
        Some(Cause::Forwarded) => ": forwarded",
        Some(Cause::Flood) => ": too many at once",
        None => "",
    };
    let arrow = if entry.direction == Direction::Incoming { "from" } else { "to  " };
    let talked = match (entry.answered, entry.ended) {
        (Some(from), Some(to)) => format!(", {} s", (to.0 - from.0).max(0) / 1000),
        _ => String::new(),
    };
    format!(
        "{}  {arrow} {}  {outcome}{cause}{talked}",
        time(entry.started),
        who(&entry.party, entry.card.as_ref())
    )
}

/// A ledger row in words.
pub(crate) fn ledger(row: &LedgerRecord) -> String {
    let outcome = match &row.outcome {
        Egress::Allowed => format!("{} B out, {} B in", row.bytes_out, row.bytes_in),
        Egress::Refused(why) => format!("REFUSED: {why}"),
        Egress::Failed(why) => format!("failed: {why}"),
    };
    let address = row.address.as_deref().map(|address| format!(" [{address}]")).unwrap_or_default();
    let request = row.request.as_deref().map(|request| format!(" {request}")).unwrap_or_default();
    // RFC 3986 section 3.2.2: an address with colons in it stands in brackets, as a plugin's URL has it already.
    let bare = row.host.contains(':') && !row.host.starts_with('[');
    let host = if bare { format!("[{}]", row.host) } else { row.host.clone() };
    // What left over a connection that has a row of its own names none.
    let port = if row.port == 0 { String::new() } else { format!(":{}", row.port) };
    tame(&format!(
        "{}  {} ({}) -> {}://{host}{port}{address}{request}: {outcome}",
        time(row.at),
        row.purpose.who,
        row.purpose.why,
        row.scheme,
    ))
}

/// A moment on the user's clock: `2026-11-23 07:30:00`.
pub(crate) fn time(at: UnixMillis) -> String {
    in_zone(at, jiff::tz::TimeZone::system())
}

fn in_zone(at: UnixMillis, zone: jiff::tz::TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(moment) => moment.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => format!("{} ms", at.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::port::shell::Part;

    #[test]
    fn time_is_written_as_people_write_it() {
        for (millis, text) in [
            (0, "1970-01-01 00:00:00"),
            (1_795_415_400_999, "2026-11-23 06:30:00"),
            (i64::MAX, "9223372036854775807 ms"),
        ] {
            assert_eq!(in_zone(UnixMillis(millis), jiff::tz::TimeZone::UTC), text);
        }
    }

    #[test]
    fn nobody_is_called_withheld() {
        let party = |number: &str, withheld| agent_core::party::Party {
            number: number.to_owned(),
            name: None,
            uri: "sip:pbx.example".to_owned(),
            withheld,
        };
        assert_eq!(who(&party("", false), None), "(withheld)");
        assert_eq!(who(&party("", true), None), "(withheld)");
        assert_eq!(who(&party("600", false), None), "600");
    }

    #[test]
    fn an_address_with_colons_stands_in_brackets_before_its_port() {
        for (host, written) in [
            ("::1", "udp://[::1]:9"),
            ("[::1]", "udp://[::1]:9"),
            ("127.0.0.1", "udp://127.0.0.1:9"),
            ("pbx.example", "udp://pbx.example:9"),
        ] {
            let row = LedgerRecord {
                at: UnixMillis(0),
                purpose: agent_core::ledger::Purpose { who: "sip".to_owned(), why: "register".to_owned() },
                scheme: "udp".to_owned(),
                host: host.to_owned(),
                address: None,
                port: 9,
                request: None,
                bytes_out: 0,
                bytes_in: 0,
                outcome: Egress::Allowed,
            };
            let line = ledger(&row);
            assert!(line.contains(&format!("-> {written}: ")), "{line}");
        }
    }

    #[test]
    fn every_trouble_that_stands_is_said_once() {
        let status = Status {
            accounts: Vec::new(),
            calls: Vec::new(),
            audio: None,
            muted: false,
            missed: 0,
            plugins: Vec::new(),
            faults: vec![Neighbour::Media],
            problems: vec![(Part::Tray, "no bus".to_owned()), (Part::Toasts, "no bus".to_owned())],
            journal: Some("the disk is full".to_owned()),
            troubles: vec!["the disk is full".to_owned(), "two\u{1b} lines\n".to_owned()],
            watched: agent_core::action::WatchStatus::default(),
            messages: Vec::new(),
            features: Vec::new(),
            question: None,
            socket: None,
        };
        let sound = "the sound broke down by a fault of Trayphone and begins anew";
        assert_eq!(notes(&status), [sound, "the disk is full", "no bus", "two· lines·"]);
    }

    #[test]
    fn a_callers_name_cannot_steer_the_terminal() {
        assert_eq!(tame("a\u{1b}[31m\u{202e}b\n"), "a·[31m·b·");
    }

    #[test]
    fn json_means_the_same_and_cannot_steer_the_terminal_either() {
        let name = "a\u{1b}[31m\u{9b}2J\u{202e}b\u{7f}\u{2028}\u{e0041}\n";
        let text = plain_json(&serde_json::to_string(name).expect("a string is JSON"));
        assert!(!text.chars().any(steers), "{text:?}");
        assert_eq!(serde_json::from_str::<String>(&text).expect("still JSON"), name);
    }
}
