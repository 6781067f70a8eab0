//! What is watched, as lines of the transcript.

use super::Mask;
use crate::{
    party::Party,
    port::sip::watch::{
        FeatureInfo, LineInfo, Mailbox, Package, PresenceInfo, Subscribed, WatchCommand, WatchEvent, Watched,
    },
};

/// What SIP tells.
pub(super) fn told(event: &WatchEvent, mask: Mask) -> String {
    match event {
        WatchEvent::State { account, watched, state } => {
            let state = match state {
                Subscribed::Unknown => "unknown".to_owned(),
                Subscribed::Pending => "pending".to_owned(),
                Subscribed::Active => "active".to_owned(),
                Subscribed::Refused { status, phrase } => format!("refused {status} {}", mask.name(phrase)),
            };
            format!("watched {} {} {state}", account.0, self::watched(watched, mask))
        }
        WatchEvent::Line { account, target, line } => {
            format!("line {} {} {}", account.0, mask.number(target), self::line(line, mask))
        }
        WatchEvent::Presence { account, target, presence } => {
            format!("presence {} {} {}", account.0, mask.number(target), self::presence(presence, mask))
        }
        WatchEvent::Messages { account, mailbox } => {
            format!("messages {} {}", account.0, self::mailbox(mailbox, mask))
        }
        WatchEvent::Registrations { account, phones } => {
            let phones = phones.iter().map(|phone| format!(" {}", mask.name(&phone.contact)));
            format!("phones {}{}", account.0, phones.collect::<String>())
        }
        WatchEvent::Features { account, features } => {
            let words = features.iter().map(|feature| format!(" {}", self::feature(feature, mask)));
            format!("features {}{}", account.0, words.collect::<String>())
        }
    }
}

/// What SIP is asked.
pub(super) fn asked(command: &WatchCommand, mask: Mask) -> String {
    match command {
        WatchCommand::Watch { account, watched } => {
            let list: Vec<String> = watched.iter().map(|watched| self::watched(watched, mask)).collect();
            format!("Watch {{ account: {}, list: [{}] }}", account.0, list.join(", "))
        }
        WatchCommand::Publish { account, presence } => {
            format!("Publish {{ account: {}, {} }}", account.0, self::presence(presence, mask))
        }
    }
}

/// What is watched: `line 1002`, `messages -`.
pub(super) fn watched(watched: &Watched, mask: Mask) -> String {
    let package = match watched.package {
        Package::Line => "line",
        Package::Presence => "presence",
        Package::Messages => "messages",
        Package::Registrations => "phones",
        Package::Features => "features",
    };
    let target = if watched.target.is_empty() { "-".to_owned() } else { mask.number(&watched.target) };
    format!("{package} {target}")
}

/// A line: `Ringing 600 "Anna" pickup`.
pub(super) fn line(line: &LineInfo, mask: Mask) -> String {
    let with = line.with.as_ref().map(|party| format!(" {}", self::party(party, mask))).unwrap_or_default();
    let pickup = if line.pickup.is_some() { " pickup" } else { "" };
    format!("{:?}{with}{pickup}", line.state)
}

/// A presence: `Away "back at 3"`.
pub(super) fn presence(presence: &PresenceInfo, mask: Mask) -> String {
    let note = presence.note.as_ref().map(|note| format!(" {}", mask.name(note))).unwrap_or_default();
    format!("{:?}{note}", presence.state)
}

/// A mailbox: `waiting 2/8 urgent 1 at *97`.
pub(super) fn mailbox(mailbox: &Mailbox, mask: Mask) -> String {
    let mut text = if mailbox.waiting { "waiting" } else { "none" }.to_owned();
    if let (Some(new), Some(old)) = (mailbox.new, mailbox.old) {
        text.push_str(&format!(" {new}/{old}"));
    }
    if mailbox.urgent > 0 {
        text.push_str(&format!(" urgent {}", mailbox.urgent));
    }
    if let Some(number) = &mailbox.number {
        text.push_str(&format!(" at {}", mask.number(number)));
    }
    text
}

fn party(party: &Party, mask: Mask) -> String {
    let name = party.name.as_ref().map(|name| format!(" {}", mask.name(name))).unwrap_or_default();
    if party.withheld { "withheld".to_owned() } else { format!("{}{name}", mask.number(&party.number)) }
}

fn feature(feature: &FeatureInfo, mask: Mask) -> String {
    match feature {
        FeatureInfo::DoNotDisturb { on } => format!("dnd={on}"),
        FeatureInfo::Forward { when, on, to } => {
            let to = to.as_ref().map(|to| format!(":{}", mask.number(to))).unwrap_or_default();
            format!("{when:?}={on}{to}")
        }
    }
}
