//! Text messages, as lines of the transcript; what they say is masked as a name is.

use super::{Mask, transfer::referred};
use crate::{
    action::MessageStatus,
    port::sip::{MessageCommand, MessageEvent, message::MessageProblem},
};

/// What SIP tells.
pub(super) fn told(event: &MessageEvent, mask: Mask) -> String {
    match event {
        MessageEvent::Arrived { message, account, party, text, call } => {
            let account = account.map(|account| format!(" on {}", account.0)).unwrap_or_default();
            let call = call.map(|call| format!(" in {call}")).unwrap_or_default();
            let from = if party.withheld { "withheld".to_owned() } else { mask.number(&party.number) };
            let name = party.name.as_deref().map(|name| format!(" {}", mask.name(name))).unwrap_or_default();
            format!("message {message}{account}{call} from {from}{name} says {}", mask.name(text))
        }
        MessageEvent::Redirected { message, target } => {
            format!("message-redirected {message} {}", referred(target, mask))
        }
        MessageEvent::Sent { message, kept: false } => format!("message-sent {message}"),
        MessageEvent::Sent { message, kept: true } => format!("message-kept {message}"),
        MessageEvent::Failed { message, why: MessageProblem::Refused { status, phrase } } => {
            format!("message-failed {message} {status} {}", mask.name(phrase))
        }
        MessageEvent::Failed { message, why } => format!("message-failed {message} {why:?}"),
    }
}

/// What is asked of SIP.
pub(super) fn asked(command: &MessageCommand, mask: Mask) -> String {
    match command {
        MessageCommand::Send { message, account, target, text } => format!(
            "Message {{ message: {message}, account: {}, target: {}, text: {} }}",
            account.0,
            mask.number(target),
            mask.name(text)
        ),
        MessageCommand::Redirect { message, follow } => {
            format!("RedirectMessage {{ message: {message}, follow: {follow} }}")
        }
        MessageCommand::Answer { message, answer } => {
            format!("AnswerMessage {{ message: {message}, with: {} {answer:?} }}", answer.status())
        }
    }
}

/// What is told of one.
pub(super) fn status(said: &MessageStatus, mask: Mask) -> String {
    let why = said.why.as_deref().map(|why| format!(", {}", mask.name(why))).unwrap_or_default();
    let call = said.call.map(|call| format!(", in {call}")).unwrap_or_default();
    format!(
        "Message {{ message: {}, {:?}, {:?}{call}, with: {}, text: {}{why} }}",
        said.message,
        said.direction,
        said.state,
        mask.number(&said.party.number),
        mask.name(&said.text)
    )
}
