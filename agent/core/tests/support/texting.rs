//! The words of transcripts about text messages.

use super::{account_id, quoted};
use agent_core::{
    action::FeatureAction,
    id::CallId,
    party::Party,
    port::sip::{MessageEvent, message::MessageProblem},
};

/// What SIP tells.
pub(super) fn told(first: &str, rest: &[&str]) -> Option<MessageEvent> {
    let message = rest.first()?.parse().ok()?;
    let rest = &rest[1..];
    Some(match (first, rest) {
        ("message-redirected", target) => {
            MessageEvent::Redirected { message, target: super::super::transfer::referred(target)? }
        }
        ("message-sent", []) => MessageEvent::Sent { message, kept: false },
        ("message-kept", []) => MessageEvent::Sent { message, kept: true },
        ("message-failed", [status, phrase]) => {
            let why = MessageProblem::Refused { status: status.parse().ok()?, phrase: quoted(phrase)? };
            MessageEvent::Failed { message, why }
        }
        ("message-failed", [word]) => {
            let all = [
                MessageProblem::Silent,
                MessageProblem::Network,
                MessageProblem::TooLong,
                MessageProblem::NoAccount,
                MessageProblem::Quitting,
            ];
            MessageEvent::Failed { message, why: all.into_iter().find(|why| format!("{why:?}") == *word)? }
        }
        ("message", [where_, at, rest @ ..]) => {
            let (account, call) = match *where_ {
                "on" => (Some(account_id(at)?), None),
                _ => (None, Some(CallId(at.parse().ok()?))),
            };
            let ["from", from, rest @ ..] = rest else { return None };
            let (name, text) = match rest {
                [name, "says", text] => (Some(quoted(name)?), quoted(text)?),
                ["says", text] => (None, quoted(text)?),
                _ => return None,
            };
            let withheld = *from == "withheld";
            let number = if withheld { String::new() } else { (*from).to_owned() };
            let uri = format!("sip:{from}@pbx.example");
            MessageEvent::Arrived {
                message,
                account,
                party: Party { number, name, uri, withheld },
                text,
                call,
            }
        }
        _ => return None,
    })
}

/// What the user asks for.
pub(super) fn asked(rest: &[&str]) -> Option<FeatureAction> {
    let (account, rest) = match rest {
        ["on", account, rest @ ..] => (Some(account_id(account)?), rest),
        rest => (None, rest),
    };
    let ["to", to, "says", text] = rest else { return None };
    Some(FeatureAction::Message { account, to: quoted(to)?, text: quoted(text)? })
}
