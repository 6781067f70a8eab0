//! Features beyond a plain call, as lines of the transcript.

use super::Mask;
use crate::{
    action::{FeatureAction, SwitchStatus},
    id::{AccountId, CallId},
    port::{
        sip::{Circumstances, ForwardReason, PhoneCommand, PhoneEvent, Ring},
        store::KeptSwitch,
    },
};

/// What an INVITE says besides who calls; nothing where it says nothing.
pub(super) fn circumstances(with: &Circumstances, mask: Mask) -> String {
    let mut said = String::new();
    for latest in &with.forwarded {
        let by = if latest.by.withheld { "withheld".to_owned() } else { mask.number(&latest.by.number) };
        let name = latest.by.name.as_deref().map(|name| format!(" {}", mask.name(name))).unwrap_or_default();
        let why = match latest.why {
            ForwardReason::Unknown => String::new(),
            why => format!(" {why:?}"),
        };
        let times = if latest.times == 1 { String::new() } else { format!(" x{}", latest.times) };
        said.push_str(&format!(" by {by}{name}{why}{times}"));
    }
    if let Some(line) = &with.line {
        said.push_str(&format!(" line {}", mask.name(line)));
    }
    if with.ring != Ring::Usual {
        said.push_str(&format!(" ring {:?}", with.ring));
    }
    if let Some(after) = with.auto_answer {
        said.push_str(&format!(" answer-after {after}"));
    }
    if with.rings_with_offer {
        said.push_str(" rings-with-offer");
    }
    said
}

/// What the PBX tells a phone besides. Which key is a secret as often as not.
pub(super) fn phone(event: &PhoneEvent, mask: Mask) -> String {
    match event {
        PhoneEvent::Digit { call, digit } => match mask {
            Mask::Off => format!("info-digit {call} {digit}"),
            Mask::On => format!("info-digit {call}"),
        },
        PhoneEvent::Trying { call } => format!("trying {call}"),
        PhoneEvent::KeysRefused { call, status } => format!("keys-refused {call} {status}"),
        PhoneEvent::Talk { call } => format!("talk {call}"),
        PhoneEvent::Hold { call } => format!("hold {call}"),
        PhoneEvent::Cause { call, q850 } => format!("cause {call} {q850}"),
        PhoneEvent::Refresh { call } => format!("refresh {call}"),
        PhoneEvent::Moved { call, to } => format!("moved {call} {}", mask.number(&to.number)),
        PhoneEvent::Pbx { account, product } => format!("pbx {} {product:?}", account.0),
    }
}

/// How something is switched.
pub(super) fn switched(status: &SwitchStatus, mask: Mask) -> String {
    let SwitchStatus { account, switch, queue, on, to, known } = status;
    let queue = queue.as_deref().map(|queue| format!(" {}", mask.number(queue))).unwrap_or_default();
    let to = to.as_deref().map(|to| format!(" to {}", mask.number(to))).unwrap_or_default();
    format!("{} {switch:?}{queue} {}{to} {known:?}", account.0, if *on { "on" } else { "off" })
}

/// What is kept over restarts.
pub(super) fn kept(kept: &KeptSwitch, mask: Mask) -> String {
    let KeptSwitch { aor, switch, queue, to, here } = kept;
    let queue = queue.as_deref().map(|queue| format!(" queue {}", mask.name(queue))).unwrap_or_default();
    let to = to.as_deref().map(|to| format!(" to {}", mask.name(to))).unwrap_or_default();
    format!("{} {switch:?}{queue}{to}{}", mask.name(aor), if *here { " here" } else { "" })
}

/// What is asked of the PBX besides.
pub(super) fn phone_command(command: &PhoneCommand, mask: Mask) -> String {
    match command {
        PhoneCommand::RingWith { call, offer } => {
            format!("Ring {{ call: {call},{} }}", super::mask::body(Some(offer)))
        }
        PhoneCommand::Digits { call, digits, relay } => {
            let digits = if mask == Mask::Off { digits.as_str() } else { "…" };
            let form = if *relay { "dtmf-relay" } else { "dtmf" };
            format!("Info {{ call: {call}, {form}: {digits} }}")
        }
        PhoneCommand::Treat { account, how } => {
            let rate = how.subscribes_per_second.map(|rate| format!(", subscribes: {rate}/s"));
            let identity = how.identity.as_ref().map(|order| format!(", identity: {order:?}"));
            let reliable = if how.reliable_ringing { ", reliable ringing" } else { "" };
            let words = [rate, identity].into_iter().flatten().collect::<String>();
            format!("Treat {{ account: {}{words}{reliable} }}", account.0)
        }
    }
}

/// What the user asks for; what could name a person is masked.
pub(super) fn asked(feature: &FeatureAction, mask: Mask) -> String {
    let call = |call: &Option<CallId>| call.map(|call| format!(" {call}")).unwrap_or_default();
    let on = |account: &Option<AccountId>| account.map(|a| format!(" on {}", a.0)).unwrap_or_default();
    match feature {
        FeatureAction::Watch { account, target, presence, on } => {
            let account = account.map(|a| format!(" on {}", a.0)).unwrap_or_default();
            let what = if *presence { "presence" } else { "line" };
            format!("{} {what} {}{account}", if *on { "watch" } else { "unwatch" }, mask.number(target))
        }
        FeatureAction::Presence { state, note } => {
            let note = note.as_ref().map(|note| format!(" {}", mask.name(note))).unwrap_or_default();
            format!("say-presence {state:?}{note}")
        }
        FeatureAction::Transfer { call: id, to, with } => {
            let to = to.as_deref().map(|to| format!(" to {}", mask.name(to))).unwrap_or_default();
            let with = with.map(|with| format!(" with {with}")).unwrap_or_default();
            format!("transfer{}{to}{with}", call(id))
        }
        FeatureAction::Deflect { call: id, to } => format!("deflect{} to {}", call(id), mask.name(to)),
        FeatureAction::Conference { split: true, .. } => "conference split".to_owned(),
        FeatureAction::Conference { calls, .. } => {
            calls.iter().fold("conference".to_owned(), |line, id| format!("{line} {id}"))
        }
        FeatureAction::Pickup { account, number, dialog } => {
            let number = number.as_deref().map(|number| format!(" {}", mask.name(number)));
            let dialog = dialog.as_ref().map(|dialog| format!(" dialog {}", mask.name(&dialog.call_id)));
            format!("pickup{}{}{}", on(account), number.unwrap_or_default(), dialog.unwrap_or_default())
        }
        FeatureAction::Forward { account, when, to } => {
            let to = to.as_deref().map_or("off".to_owned(), |to| format!("to {}", mask.name(to)));
            format!("forward {when:?}{} {to}", on(account))
        }
        FeatureAction::Dnd { account, on: state } => {
            format!("dnd{} {}", on(account), if *state { "on" } else { "off" })
        }
        FeatureAction::Queue { account, step, queue } => {
            let queue = queue.as_deref().map(|queue| format!(" {}", mask.name(queue))).unwrap_or_default();
            format!("queue {step:?}{}{queue}", on(account))
        }
        FeatureAction::Message { account, to, text } => {
            format!("message{} to {} says {}", on(account), mask.name(to), mask.name(text))
        }
        FeatureAction::Park { call: id } => format!("park{}", call(id)),
        FeatureAction::Retrieve { account, slot } => format!("retrieve{} {}", on(account), mask.name(slot)),
        FeatureAction::Block { number, on } => {
            format!("block {:?} {}", mask.number(number), if *on { "on" } else { "off" })
        }
        FeatureAction::Reconnect { account } => {
            format!("reconnect{}", account.map(|a| format!(" {}", a.0)).unwrap_or_default())
        }
        FeatureAction::Redial { account } => {
            format!("redial{}", account.map(|a| format!(" on {}", a.0)).unwrap_or_default())
        }
    }
}
