//! What is watched, as `status` prints it.

use agent_core::{
    action::WatchStatus,
    party::Party,
    port::sip::watch::{LineState, Mailbox, PresenceState},
};

/// A line for each thing that is watched; strangers' words are the caller's to tame.
pub(crate) fn lines(watched: &WatchStatus) -> Vec<String> {
    let lines = watched.lines.iter().map(|it| {
        let with = it.line.with.as_ref().map(|party| format!(" with {}", who(party))).unwrap_or_default();
        format!("line {}: {}{with}", it.target, line(it.line.state))
    });
    let people = watched.people.iter().map(|it| {
        let note = it.presence.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        format!("presence of {}: {}{note}", it.target, presence(it.presence.state))
    });
    let mail = watched.mailboxes.iter().filter_map(|it| Some((it.account, it.mailbox.as_ref()?)));
    let mail =
        mail.map(|(account, mailbox)| format!("voice mail of account {}: {}", account.0, counts(mailbox)));
    let phones = watched.phones.iter().filter_map(|it| Some((it.account, it.phones.as_ref()?)));
    let phones =
        phones.map(|(account, phones)| format!("other phones of account {}: {}", account.0, phones.len()));
    lines.chain(people).chain(mail).chain(phones).collect()
}

fn who(party: &Party) -> String {
    match &party.name {
        _ if party.withheld => "withheld".to_owned(),
        Some(name) => format!("{name} ({})", party.number),
        None => party.number.clone(),
    }
}

fn line(state: LineState) -> &'static str {
    match state {
        LineState::Unknown => "not known",
        LineState::Idle => "free",
        LineState::Ringing => "ringing",
        LineState::Busy => "busy",
        LineState::Held => "on hold",
    }
}

fn presence(state: PresenceState) -> &'static str {
    match state {
        PresenceState::Unknown => "not known",
        PresenceState::Available => "available",
        PresenceState::Away => "away",
        PresenceState::Busy => "busy",
        PresenceState::OnThePhone => "on the phone",
        PresenceState::DoNotDisturb => "do not disturb",
        PresenceState::Offline => "offline",
    }
}

fn counts(mailbox: &Mailbox) -> String {
    match (mailbox.waiting, mailbox.new, mailbox.old) {
        (_, Some(new), Some(old)) => format!("{new} new, {old} heard"),
        (true, ..) => "messages wait".to_owned(),
        (false, ..) => "nothing new".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::{
        action::{WatchedLine, WatchedMailbox},
        id::AccountId,
        port::sip::watch::LineInfo,
    };

    #[test]
    fn what_is_not_known_is_not_called_free() {
        let account = AccountId(0);
        let unknown = WatchedLine { account, target: "1002".to_owned(), line: LineInfo::default() };
        let mailbox = Some(Mailbox { waiting: true, new: Some(2), old: Some(1), ..Mailbox::default() });
        let status = WatchStatus {
            lines: vec![unknown],
            mailboxes: vec![WatchedMailbox { account, mailbox }],
            ..WatchStatus::default()
        };
        assert_eq!(lines(&status), ["line 1002: not known", "voice mail of account 0: 2 new, 1 heard"]);
    }
}
