//! Every event and every effect but the view, as the words behind its neighbour's name.

use super::mask::{Mask, body};
use crate::{
    action::{Action, Notice, Reply, Source},
    caller::CallerCard,
    id::CallId,
    party::Party,
    port::{
        Effect, Event, Neighbour,
        host::{HostCommand, HostEvent},
        media::{AudioState, MediaCommand, MediaEvent, SoundProblem},
        shell::{ShellCommand, ShellEvent},
        sip::{CallEnd, Registration, RegistrationProblem, SipCommand, SipEvent},
        store::{PasswordQuestion, SecretProblem, StoreCommand, StoreEvent},
    },
};

/// Who told it, and what.
pub(super) fn event(event: &Event, mask: Mask) -> (&'static str, String) {
    match event {
        Event::Sip(event) => ("sip", sip(event, mask)),
        Event::Media(event) => ("media", media(event, mask)),
        Event::Host(event) => ("host", host(event, mask)),
        Event::Store(event) => ("store", store(event, mask)),
        Event::Shell(event) => ("shell", shell(event)),
        Event::User { request, action } => {
            let request = request.map(|r| format!("#{} ", r.0)).unwrap_or_default();
            ("user", format!("{request}{}", self::action(action, mask)))
        }
        Event::Broken(who) => (name(*who), "broken".to_owned()),
        Event::Restarted(who) => (name(*who), "restarted".to_owned()),
        Event::Timeout => ("clock", "timeout".to_owned()),
    }
}

/// Whom it is asked of, and what.
pub(super) fn effect(effect: &Effect, mask: Mask) -> (&'static str, String) {
    match effect {
        Effect::Sip(command) => ("sip", sip_command(command, mask)),
        Effect::Media(command) => ("media", media_command(command, mask)),
        Effect::Host(command) => ("host", host_command(command, mask)),
        Effect::Store(command) => ("store", store_command(command, mask)),
        Effect::Shell(ShellCommand::OpenUrl { url }) => {
            ("shell", format!("OpenUrl {{ url: {} }}", mask.url(url)))
        }
        Effect::View(_) => ("shell", "View".to_owned()),
        Effect::Reply { request, result } => {
            ("user", format!("#{} {}", request.0, reply(result.as_ref(), mask)))
        }
        Effect::Notice(notice) => ("api", self::notice(notice, mask)),
        Effect::Restart(who) => (name(*who), "Restart".to_owned()),
        Effect::Finished => ("user", "Finished".to_owned()),
    }
}

/// The neighbour's name at the head of a line.
fn name(who: Neighbour) -> &'static str {
    match who {
        Neighbour::Sip => "sip",
        Neighbour::Media => "media",
        Neighbour::Host => "host",
        Neighbour::Store => "store",
        Neighbour::Shell => "shell",
        Neighbour::Api => "api",
    }
}

fn party(party: &Party, mask: Mask) -> String {
    let name = party.name.as_deref().map(|name| format!(" {}", mask.name(name))).unwrap_or_default();
    if party.withheld { format!("withheld{name}") } else { format!("{}{name}", mask.number(&party.number)) }
}

fn sip(event: &SipEvent, mask: Mask) -> String {
    match event {
        SipEvent::Registration { account, state } => {
            format!("registration {} {}", account.0, registration(state, mask))
        }
        SipEvent::Address { account, local } => format!("address {} {local}", account.0),
        SipEvent::Incoming { call, account, party: from, called, local, offer, with, unfit } => {
            let on = if account.0 == 0 { String::new() } else { format!(" on {}", account.0) };
            let offer = if offer.is_none() { " no-offer".to_owned() } else { body(offer.as_ref()) };
            let unfit = unfit.as_ref().map(|why| format!(" unfit {}", problem(why))).unwrap_or_default();
            let (from, called) = (party(from, mask), mask.number(called));
            let with = super::features::circumstances(with, mask);
            format!("incoming {call} {from} to {called} at {local}{on}{offer}{unfit}{with}")
        }
        SipEvent::Progress { call, status, answer } => {
            format!("progress {call} {status}{}", body(answer.as_ref()))
        }
        SipEvent::Answered { call, answer } => format!("answered {call}{}", body(answer.as_ref())),
        SipEvent::Confirmed { call, answer } => format!("confirmed {call}{}", body(answer.as_ref())),
        SipEvent::Reoffer { call, offer } => format!("reoffer {call}{}", body(offer.as_ref())),
        SipEvent::ReofferAnswered { call, answer } => {
            format!("reoffer-answered {call}{}", body(Some(answer)))
        }
        SipEvent::ReofferRefused { call, status } => format!("reoffer-refused {call} {status}"),
        SipEvent::Party { call, party: with } => format!("party {call} {}", party(with, mask)),
        SipEvent::Phone(event) => super::features::phone(event, mask),
        SipEvent::Ended { call, end } => format!("ended {call} {}", self::end(end, mask)),
        SipEvent::Transfer(event) => super::transfer::told(event, mask),
        SipEvent::Watch(event) => super::watch::told(event, mask),
        SipEvent::Message(event) => super::messages::told(event, mask),
        SipEvent::Down => "down".to_owned(),
    }
}

/// Phrases and details are the other side's words: they may name a number.
fn end(end: &CallEnd, mask: Mask) -> String {
    match end {
        CallEnd::RemoteHangup => "remote-hangup".to_owned(),
        CallEnd::Cancelled { elsewhere: false } => "cancelled".to_owned(),
        CallEnd::Cancelled { elsewhere: true } => "elsewhere".to_owned(),
        CallEnd::RefusedElsewhere => "refused-elsewhere".to_owned(),
        CallEnd::LocalHangup => "local-hangup".to_owned(),
        CallEnd::Rejected => "rejected".to_owned(),
        CallEnd::Refused { status, phrase } => match mask {
            Mask::Off => format!("refused {status} {phrase}"),
            Mask::On => format!("refused {status}"),
        },
        CallEnd::Lost { why, detail } => format!("lost {why:?} {}", mask.name(detail)),
    }
}

fn registration(state: &Registration, mask: Mask) -> String {
    match state {
        Registration::Idle => "idle".to_owned(),
        Registration::Connecting => "connecting".to_owned(),
        Registration::Registered => "registered".to_owned(),
        Registration::Unregistered => "unregistered".to_owned(),
        Registration::Failed { reason, retry_ms } => {
            let reason = match reason {
                RegistrationProblem::WrongPassword => "wrong-password".to_owned(),
                RegistrationProblem::NoPassword => "no-password".to_owned(),
                RegistrationProblem::Fault => "fault".to_owned(),
                RegistrationProblem::NoCommonAuthentication => "no-common-authentication".to_owned(),
                RegistrationProblem::WeakerAuthentication => "weaker-authentication".to_owned(),
                RegistrationProblem::Forbidden { phrase } => match mask {
                    Mask::Off => format!("forbidden {phrase}"),
                    Mask::On => "forbidden".to_owned(),
                },
                RegistrationProblem::Silent => "silent".to_owned(),
                RegistrationProblem::Unreachable { detail } => format!("unreachable {detail:?}"),
                RegistrationProblem::Certificate(untrusted) => {
                    format!("certificate {:?}", untrusted.to_string())
                }
                RegistrationProblem::WebSocket(none) => format!("web-socket {:?}", none.to_string()),
                RegistrationProblem::Refused { status, phrase } => {
                    format!("refused {status} {}", mask.name(phrase))
                }
            };
            let retry = retry_ms.map(|ms| format!(" retry {ms}")).unwrap_or_default();
            format!("failed {reason}{retry}")
        }
    }
}

fn problem(problem: &SoundProblem) -> String {
    match problem {
        SoundProblem::NotSdp { detail } => format!("not-sdp {detail:?}"),
        SoundProblem::NoAudio => "no-audio".to_owned(),
        SoundProblem::Declined => "declined".to_owned(),
        SoundProblem::NoCommonCodec { theirs } => format!("no-common-codec {theirs:?}"),
        SoundProblem::Encrypted { profile } => format!("encrypted {profile:?}"),
        SoundProblem::Address { detail } => format!("address {detail:?}"),
        SoundProblem::NoOffer => "no-offer".to_owned(),
        SoundProblem::NoDescription => "no-description".to_owned(),
        SoundProblem::Slow => "slow".to_owned(),
        SoundProblem::NoSession => "no-session".to_owned(),
        SoundProblem::NoPort { detail } => format!("no-port {detail:?}"),
        SoundProblem::Fault => "fault".to_owned(),
    }
}

fn media(event: &MediaEvent, mask: Mask) -> String {
    match event {
        MediaEvent::Offered { call, sdp } => format!("offered {call}{}", body(Some(sdp))),
        MediaEvent::Accepted { call, sdp, flow } => format!("accepted {call}{} {flow:?}", body(Some(sdp))),
        MediaEvent::Completed { call, flow } => format!("completed {call} {flow:?}"),
        MediaEvent::Refused { call, why } => format!("refused {call} {}", problem(why)),
        MediaEvent::Facts { call, facts } => format!(
            "facts {call} in {} dBov out {} dBov loss {:.1} % jitter {:.1} ms",
            facts.level_in_dbov, facts.level_out_dbov, facts.loss_percent, facts.jitter_ms
        ),
        MediaEvent::Silent { call } => format!("silent {call}"),
        MediaEvent::Heard { call } => format!("heard {call}"),
        // Which key is a secret as often as not: a PIN.
        MediaEvent::Digit { call, digit } => match mask {
            Mask::Off => format!("digit {call} {digit}"),
            Mask::On => format!("digit {call}"),
        },
        MediaEvent::Events { call, known } => format!("events {call} {known}"),
        MediaEvent::Audio(AudioState::Device { input, output, missing }) => {
            let missing: String = missing.iter().map(|name| format!(" {name:?}")).collect();
            format!("audio device {input:?} {output:?}{missing}")
        }
        MediaEvent::Audio(AudioState::Wav) => "audio wav".to_owned(),
        MediaEvent::Audio(AudioState::Null { why }) => format!("audio null {why:?}"),
    }
}

fn card(card: &CallerCard, mask: Mask) -> String {
    let company = card.company.as_deref().map(|c| format!(", {}", mask.name(c))).unwrap_or_default();
    let url = card.url.as_deref().map(|u| format!(", {}", mask.url(u))).unwrap_or_default();
    format!("{}{company}{url} by {}", mask.name(&card.name), card.source)
}

fn host(event: &HostEvent, mask: Mask) -> String {
    match event {
        HostEvent::Plugins(plugins) => {
            let names: Vec<&str> = plugins.iter().map(|p| p.id.as_str()).collect();
            format!("plugins {}", names.join(" ")).trim_end().to_owned()
        }
        HostEvent::Found { call, card: found } => format!("found {call} {}", card(found, mask)),
        HostEvent::NotFound { call, plugin, error } => {
            let error = error.as_deref().map(|e| format!(" {}", mask.name(e))).unwrap_or_default();
            format!("not-found {call} by {plugin}{error}")
        }
        HostEvent::LookupDone { call } => format!("lookup-done {call}"),
        HostEvent::Trouble { plugin, what } => format!("trouble {plugin} {what:?}"),
        HostEvent::OpenRecord { call, plugin, url } => {
            format!("open-record {call} {} by {plugin}", mask.url(url))
        }
    }
}

fn store(event: &StoreEvent, mask: Mask) -> String {
    match event {
        StoreEvent::Settings(settings) => format!("settings accounts={}", settings.accounts.len()),
        StoreEvent::Password { question, result: Ok(_) } => format!("password {}", self::question(question)),
        StoreEvent::Password { question, result: Err(why) } => {
            let why = match why {
                SecretProblem::Missing => "missing".to_owned(),
                SecretProblem::NoKeyring(detail) => format!("no-keyring {detail:?}"),
                SecretProblem::NoVariable(name) => format!("no-variable {name:?}"),
                SecretProblem::AtStartOnly(name) => format!("at-start-only {name:?}"),
                SecretProblem::Failed(detail) => format!("failed {detail:?}"),
            };
            format!("no-password {} {why}", self::question(question))
        }
        // Numbers: only how many there are.
        StoreEvent::Profiles(profiles) => {
            profiles.keys().fold("profiles".to_owned(), |line, name| format!("{line} {name:?}"))
        }
        StoreEvent::Kept(kept) => {
            let rows: Vec<String> = kept.iter().map(|kept| super::features::kept(kept, mask)).collect();
            format!("kept {}", rows.join(", "))
        }
        StoreEvent::Dialled(numbers) => match mask {
            Mask::Off => {
                let how = |hidden: bool| if hidden { "hidden" } else { "on" };
                let one = |(number, account, hidden): &(String, crate::id::AccountId, bool)| {
                    format!(" {number:?} {} {}", how(*hidden), account.0)
                };
                format!("dialled{}", numbers.iter().map(one).collect::<String>())
            }
            Mask::On => format!("dialled {}", numbers.len()),
        },
        StoreEvent::Trouble(text) => format!("trouble {text:?}"),
        StoreEvent::Journal(Some(text)) => format!("journal {text:?}"),
        StoreEvent::Journal(None) => "journal ok".to_owned(),
    }
}

/// The account, and which question for a password it is.
fn question(question: &PasswordQuestion) -> String {
    format!("{}.{}", question.account.0, question.generation)
}

fn shell(event: &ShellEvent) -> String {
    match event {
        ShellEvent::Part { part, problem: None } => format!("part {part:?} works"),
        ShellEvent::Part { part, problem: Some(why) } => format!("part {part:?} {why:?}"),
        ShellEvent::OpenFailed { why } => format!("open-failed {why:?}"),
    }
}

fn call(call: Option<CallId>) -> String {
    call.map(|id| format!(" {id}")).unwrap_or_default()
}

fn action(action: &Action, mask: Mask) -> String {
    match action {
        Action::Answer { call: id } => format!("answer{}", call(*id)),
        Action::Decline { call: id } => format!("decline{}", call(*id)),
        Action::Hangup { call: id } => format!("hangup{}", call(*id)),
        Action::Hold { call: id } => format!("hold{}", call(*id)),
        Action::Resume { call: id } => format!("resume{}", call(*id)),
        Action::Mute { on } => format!("mute{}", on.map(|on| format!(" {on}")).unwrap_or_default()),
        Action::Dtmf { call: id, digits } => match mask {
            Mask::Off => format!("dtmf{} {digits}", call(*id)),
            Mask::On => format!("dtmf{} …", call(*id)),
        },
        Action::Dial { text, source, account, withhold } => {
            let withheld = if *withhold { " withheld" } else { "" };
            let account = account.map(|a| format!(" on {}", a.0)).unwrap_or_default();
            let source = match source {
                Source::Typed => "typed",
                Source::Selection => "selection",
                Source::Link => "link",
            };
            match mask {
                Mask::Off => format!("dial {source}{account}{withheld} {text:?}"),
                Mask::On => format!("dial {source}{account}{withheld} …"),
            }
        }
        Action::Choose { question, choice } => {
            format!("choose {question} {}", choice.map_or_else(|| "no".to_owned(), |c| c.to_string()))
        }
        Action::Silence => "silence".to_owned(),
        Action::OpenRecord { call: id } => format!("open-record {id}"),
        Action::Status => "status".to_owned(),
        Action::Show => "show".to_owned(),
        Action::DismissToast { toast } => format!("dismiss {toast}"),
        Action::Quit => "quit".to_owned(),
        Action::Feature(feature) => super::features::asked(feature, mask),
    }
}

fn sip_command(command: &SipCommand, mask: Mask) -> String {
    match command {
        SipCommand::Register { account, settings, .. } => {
            format!("Register {{ account: {}, aor: {} }}", account.0, settings.aor)
        }
        SipCommand::Unregister { account } => format!("Unregister {{ account: {} }}", account.0),
        SipCommand::Invite { call, account, target, withhold, .. } => {
            let withheld = if *withhold { ", withheld" } else { "" };
            format!(
                "Invite {{ call: {call}, account: {}, target: {}{withheld} }}",
                account.0,
                mask.number(target)
            )
        }
        SipCommand::Ring { call } => format!("Ring {{ call: {call} }}"),
        SipCommand::Accept { call, answer } => format!("Accept {{ call: {call},{} }}", body(Some(answer))),
        SipCommand::Reject { call, why } => {
            format!("Reject {{ call: {call}, why: {} {why:?} }}", why.status())
        }
        SipCommand::Hangup { call } => format!("Hangup {{ call: {call} }}"),
        SipCommand::Reoffer { call, offer } => format!("Reoffer {{ call: {call},{} }}", body(Some(offer))),
        SipCommand::AnswerReoffer { call, answer: Ok(sdp) } => {
            format!("AnswerReoffer {{ call: {call},{} }}", body(Some(sdp)))
        }
        SipCommand::AnswerReoffer { call, answer: Err(why) } => {
            format!("AnswerReoffer {{ call: {call}, why: {} {why:?} }}", why.status())
        }
        SipCommand::Transfer(command) => super::transfer::asked(command, mask),
        SipCommand::Phone(command) => super::features::phone_command(command, mask),
        SipCommand::Watch(command) => super::watch::asked(command, mask),
        SipCommand::Message(command) => super::messages::asked(command, mask),
        SipCommand::Shutdown { within } => format!("Shutdown {{ within: {within:?} }}"),
    }
}

fn media_command(command: &MediaCommand, mask: Mask) -> String {
    match command {
        MediaCommand::Offer { call, local } => format!("Offer {{ call: {call}, local: {local} }}"),
        MediaCommand::Reoffer { call, flow } => format!("Reoffer {{ call: {call}, flow: {flow:?} }}"),
        MediaCommand::Move { call, local } => format!("Move {{ call: {call}, local: {local} }}"),
        MediaCommand::Accept { call, local, flow, .. } => {
            format!("Accept {{ call: {call}, local: {local}, flow: {flow:?} }}")
        }
        MediaCommand::Complete { call, answer } => {
            format!("Complete {{ call: {call},{} }}", body(Some(answer)))
        }
        MediaCommand::Withdraw { call } => format!("Withdraw {{ call: {call} }}"),
        MediaCommand::Focus { call: Some(call) } => format!("Focus {{ call: {call} }}"),
        MediaCommand::Focus { call: None } => "Focus { none }".to_owned(),
        MediaCommand::Mix { calls } => {
            let calls: Vec<String> = calls.iter().map(ToString::to_string).collect();
            format!("Mix {{ calls: [{}] }}", calls.join(", "))
        }
        MediaCommand::Mute { on } => format!("Mute {{ on: {on} }}"),
        MediaCommand::Digits { call, digits } => {
            let digits = if mask == Mask::Off { digits.as_str() } else { "…" };
            format!("Digits {{ call: {call}, digits: {digits} }}")
        }
        MediaCommand::Stop { call } => format!("Stop {{ call: {call} }}"),
    }
}

fn host_command(command: &HostCommand, mask: Mask) -> String {
    match command {
        HostCommand::Lookup { call, direction, number, name } => {
            let name = name.as_deref().map(|n| format!(", name: {}", mask.name(n))).unwrap_or_default();
            format!("Lookup {{ call: {call}, {direction:?}, number: {:?}{name} }}", mask.number(number))
        }
        HostCommand::Cancel { call } => format!("Cancel {{ call: {call} }}"),
        HostCommand::CallChanged { call, what } => format!("CallChanged {{ call: {call}, what: {what:?} }}"),
        HostCommand::Reload => "Reload".to_owned(),
    }
}

fn store_command(command: &StoreCommand, mask: Mask) -> String {
    match command {
        StoreCommand::Keep { kept, on } => {
            format!("Keep {{ {}, on: {on} }}", super::features::kept(kept, mask))
        }
        StoreCommand::Block { number, on } => {
            format!("Block {{ number: {}, on: {on} }}", mask.number(number))
        }
        StoreCommand::Ledger(row) => {
            format!(
                "Ledger {{ {} of {}, {} bytes }}",
                row.request.as_deref().unwrap_or("-"),
                row.purpose.who,
                row.bytes_out
            )
        }
        StoreCommand::Password(of) => format!("Password {{ question: {} }}", question(of)),
        StoreCommand::Journal(entry) => {
            let named = if entry.card.is_some() { ", named" } else { "" };
            let answered = if entry.answered.is_some() { ", answered" } else { "" };
            let outcome = entry.outcome.map(|o| format!(", outcome: {o:?}")).unwrap_or_default();
            let cause = entry.cause.map(|c| format!(", cause: {c:?}")).unwrap_or_default();
            format!("Journal {{ {}{named}{answered}{outcome}{cause} }}", entry.key)
        }
    }
}

fn reply(result: Result<&Reply, &crate::action::Refusal>, mask: Mask) -> String {
    match result {
        Ok(Reply::Done) => "Done".to_owned(),
        Ok(Reply::Call { call, number }) => {
            let number =
                number.as_deref().map(|n| format!(", number: {}", mask.number(n))).unwrap_or_default();
            format!("Call {{ call: {call}{number} }}")
        }
        Ok(Reply::Switched { features }) => {
            let each = features.iter().map(|it| super::features::switched(it, mask));
            format!("Switched {{ {} }}", each.collect::<Vec<_>>().join(", "))
        }
        Ok(Reply::Message { message }) => format!("Message {{ {message} }}"),
        Ok(Reply::Question { question, text, choices }) => match mask {
            Mask::Off => format!("Question {{ {question}, {text:?}, {} }}", choices.join(" | ")),
            Mask::On => format!("Question {{ {question}, choices: {} }}", choices.len()),
        },
        Ok(Reply::Status(status)) => {
            let faults: Vec<String> = status.faults.iter().map(|who| format!(", {who:?} is down")).collect();
            let (accounts, calls) = (status.accounts.len(), status.calls.len());
            format!("Status {{ accounts: {accounts}, calls: {calls}{} }}", faults.concat())
        }
        Err(refusal) => format!("Refused {{ {:?}, {} }}", refusal.code, mask.name(&refusal.text)),
    }
}

fn notice(notice: &Notice, mask: Mask) -> String {
    match notice {
        Notice::Registration { account, registration: state, .. } => {
            format!("Registration {{ account: {}, {} }}", account.0, registration(state, mask))
        }
        Notice::Call(status) => {
            let flag = |on: bool, word: &'static str| if on { word } else { "" };
            format!(
                "Call {{ call: {}, {:?}{}{}{}{}{} }}",
                status.call,
                status.state,
                flag(status.focus, ", focus"),
                flag(status.conference, ", conference"),
                flag(status.held, ", held"),
                flag(status.held_by_them, ", held by them"),
                status.outcome.map(|o| format!(", {o:?}")).unwrap_or_default()
            )
        }
        Notice::Toast { toast, .. } => format!("Toast {{ id: {toast} }}"),
        Notice::ScreenPop { call, source, url } => {
            format!("ScreenPop {{ call: {call}, by: {source}, url: {} }}", mask.url(url))
        }
        Notice::Media { call, .. } => format!("Media {{ call: {call} }}"),
        Notice::Transfer { call, transfer } => {
            format!("Transfer {{ call: {call}, {} }}", super::transfer::step(transfer, mask))
        }
        Notice::Digit { call, .. } => format!("Digit {{ call: {call} }}"),
        Notice::Message(said) => super::messages::status(said, mask),
        Notice::Line(it) => {
            format!(
                "Line {{ {} {}: {} }}",
                it.account.0,
                mask.number(&it.target),
                super::watch::line(&it.line, mask)
            )
        }
        Notice::Presence(it) => format!(
            "Presence {{ {} {}: {} }}",
            it.account.0,
            mask.number(&it.target),
            super::watch::presence(&it.presence, mask)
        ),
        Notice::Mwi(it) => {
            let words = it.mailbox.as_ref().map(|mailbox| super::watch::mailbox(mailbox, mask));
            format!("Mwi {{ {}: {} }}", it.account.0, words.unwrap_or_else(|| "unknown".to_owned()))
        }
        Notice::Feature(it) => format!("Feature {{ {} }}", super::features::switched(it, mask)),
        Notice::Phones(it) => {
            let count = it.phones.as_ref().map_or("unknown".to_owned(), |phones| phones.len().to_string());
            format!("Phones {{ {}: {count} }}", it.account.0)
        }
        Notice::Question(it) => match &it.text {
            Some(_) => format!("Question {{ {}, choices: {} }}", it.question, it.choices.len()),
            None => format!("Question {{ {}: over }}", it.question),
        },
        Notice::Error { text } => format!("Error {{ {} }}", mask.name(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::AccountId, port::sip::Loss};

    #[test]
    fn what_the_other_side_says_is_masked() {
        let said = || "ask +493012345".to_owned();
        let failed = RegistrationProblem::Refused { status: 503, phrase: said() };
        let state = Registration::Failed { reason: failed, retry_ms: None };
        let call = CallId(1);
        for event in [
            SipEvent::Ended { call, end: CallEnd::Refused { status: 486, phrase: said() } },
            SipEvent::Ended { call, end: CallEnd::Lost { why: Loss::Network, detail: said() } },
            SipEvent::Registration { account: AccountId(0), state: state.clone() },
        ] {
            assert!(sip(&event, Mask::Off).contains("3012345"), "{event:?}");
            let masked = sip(&event, Mask::On);
            assert!(!masked.contains("30") && !masked.contains("ask"), "{masked}");
        }
        let told = Notice::Registration { account: AccountId(0), aor: said(), registration: state };
        assert!(!notice(&told, Mask::On).contains("30"));
    }
}
