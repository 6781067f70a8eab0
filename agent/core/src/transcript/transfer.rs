//! Calls that change hands, as lines of the transcript.

use super::mask::{Mask, body};
use crate::{
    handover::TransferStep,
    port::sip::ForwardReason,
    port::sip::transfer::{Referred, TransferCommand, TransferEvent, TransferProblem, Wish},
};

/// What the wire tells.
pub(super) fn told(event: &TransferEvent, mask: Mask) -> String {
    match event {
        TransferEvent::Agreed { call } => format!("transfer {call} agreed"),
        TransferEvent::Progress { call, status } => format!("transfer {call} progress {status}"),
        TransferEvent::Done { call } => format!("transfer {call} done"),
        TransferEvent::Failed { call, why } => format!("transfer {call} failed {}", problem(why, mask)),
        TransferEvent::Asked { call, target } => format!("transfer {call} asked {}", referred(target, mask)),
        TransferEvent::Redirected { call, target } => format!("redirected {call} {}", referred(target, mask)),
        TransferEvent::Replacing { call, old } => format!("transfer {call} replaces {old}"),
        TransferEvent::RemoteDial { account, request, target } => {
            format!("remote-dial {request} on {} {}", account.0, referred(target, mask))
        }
    }
}

/// What is asked of the wire.
pub(super) fn asked(command: &TransferCommand, mask: Mask) -> String {
    match command {
        TransferCommand::Blind { call, target, .. } => {
            format!("Transfer {{ call: {call}, target: {} }}", mask.number(target))
        }
        TransferCommand::Attended { call, with, .. } => format!("Transfer {{ call: {call}, with: {with} }}"),
        TransferCommand::Drop { call } => format!("DropTransfer {{ call: {call} }}"),
        TransferCommand::Accept { wish } => format!("AcceptTransfer {{ {} }}", of(*wish)),
        TransferCommand::Refuse { wish } => format!("RefuseTransfer {{ {} }}", of(*wish)),
        TransferCommand::Redirect { call, follow, target } => {
            format!("Redirect {{ call: {call}, follow: {follow}{} }}", instead(target.as_deref(), mask))
        }
        TransferCommand::Follow { call, wish, target, offer, withhold, .. } => {
            let of = match wish {
                Wish::Call(of) => format!("of: {of}"),
                Wish::Request(request) => format!("request: {request}"),
            };
            let withheld = if *withhold { ", withheld" } else { "" };
            let target = instead(target.as_deref(), mask);
            format!("Follow {{ call: {call}, {of}{target},{}{withheld} }}", body(Some(offer)))
        }
        TransferCommand::Deflect { call, target, why, .. } => {
            let why = if *why == ForwardReason::Deflected { String::new() } else { format!(", {why:?}") };
            format!("Deflect {{ call: {call}, target: {}{why} }}", mask.number(target))
        }
        TransferCommand::Pickup { call, account, target, dialog, .. } => format!(
            "Pickup {{ call: {call}, account: {}, target: {}, dialog: {} }}",
            account.0,
            mask.number(target),
            mask.name(&format!("{} {} {}", dialog.call_id, dialog.to_tag, dialog.from_tag))
        ),
    }
}

/// What is called instead of the address that was given.
fn instead(target: Option<&str>, mask: Mask) -> String {
    target.map(|target| format!(", target: {}", mask.number(target))).unwrap_or_default()
}

/// How a transfer goes, for listeners.
pub(super) fn step(step: &TransferStep, mask: Mask) -> String {
    match step {
        TransferStep::Asked => "asked".to_owned(),
        TransferStep::Agreed => "agreed".to_owned(),
        TransferStep::Progress { status } => format!("progress {status}"),
        TransferStep::Done => "done".to_owned(),
        TransferStep::Failed { why } => format!("failed {}", problem(why, mask)),
        TransferStep::TakenBack => "taken back".to_owned(),
        TransferStep::Sent { to } => format!("sent to: {to}"),
        TransferStep::Replaced { by } => format!("replaced by: {by}"),
    }
}

/// Phrases are the other side's words: they may name a number.
fn problem(why: &TransferProblem, mask: Mask) -> String {
    match why {
        TransferProblem::Refused { status, phrase } => format!("refused {status} {}", mask.name(phrase)),
        TransferProblem::NotTaken { status, phrase } => format!("not-taken {status} {}", mask.name(phrase)),
        TransferProblem::Silent => "silent".to_owned(),
        TransferProblem::Untold => "untold".to_owned(),
        TransferProblem::Target => "target".to_owned(),
        TransferProblem::NotNow => "not-now".to_owned(),
    }
}

pub(super) fn referred(target: &Referred, mask: Mask) -> String {
    let name = target.name.as_deref().map(|name| format!(" {}", mask.name(name))).unwrap_or_default();
    let abroad = match (target.home, target.phone) {
        (true, _) => "",
        (false, true) => " phone",
        (false, false) => " abroad",
    };
    let replaces = if target.replaces { " replacing" } else { "" };
    format!("{}{name}{abroad}{replaces}", mask.number(&target.number))
}

/// Whose wish it is.
fn of(wish: Wish) -> String {
    match wish {
        Wish::Call(call) => format!("call: {call}"),
        Wish::Request(request) => format!("request: {request}"),
    }
}
