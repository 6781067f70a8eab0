//! The words of transcripts about do not disturb, forwarding and queues.

use super::{account_id, quoted};
use agent_core::{
    action::{FeatureAction, QueueStep, Switch},
    id::AccountId,
    port::{
        sip::{
            WatchEvent,
            watch::{FeatureInfo, ForwardWhen},
        },
        store::KeptSwitch,
    },
};

/// What the user asks for.
pub(super) fn asked(first: &str, rest: &[&str]) -> Option<FeatureAction> {
    let on = |rest: &[&str]| match rest {
        ["on", account] => Some(account_id(account)),
        [] => Some(None),
        _ => None,
    };
    Some(match (first, rest) {
        ("dnd", [more @ .., state]) => FeatureAction::Dnd { account: on(more)?, on: *state == "on" },
        ("forward", [when, more @ .., "to", to]) => {
            FeatureAction::Forward { account: on(more)?, when: self::when(when)?, to: Some(quoted(to)?) }
        }
        ("forward", [when, more @ .., "off"]) => {
            FeatureAction::Forward { account: on(more)?, when: self::when(when)?, to: None }
        }
        ("queue", [step, more @ ..]) => {
            let step = match *step {
                "In" => QueueStep::In,
                "Out" => QueueStep::Out,
                "Pause" => QueueStep::Pause,
                "Resume" => QueueStep::Resume,
                _ => return None,
            };
            let (queue, more) = match more.split_last() {
                Some((last, more)) if quoted(last).is_some() => (quoted(last), more),
                _ => (None, more),
            };
            FeatureAction::Queue { account: on(more)?, step, queue }
        }
        _ => return None,
    })
}

fn when(word: &str) -> Option<ForwardWhen> {
    Some(match word {
        "Always" => ForwardWhen::Always,
        "Busy" => ForwardWhen::Busy,
        "NoAnswer" => ForwardWhen::NoAnswer,
        _ => return None,
    })
}

/// What the PBX tells by `as-feature-event`: `dnd=true Always=true:602`.
pub(super) fn told(account: AccountId, words: &[&str]) -> Option<WatchEvent> {
    let one = |word: &&str| {
        let (feature, how) = word.split_once('=')?;
        let (on, to) = how.split_once(':').map_or((how, None), |(on, to)| (on, Some(to.to_owned())));
        let on = on == "true";
        Some(match when(feature) {
            Some(when) => FeatureInfo::Forward { when, on, to },
            None => FeatureInfo::DoNotDisturb { on },
        })
    };
    Some(WatchEvent::Features { account, features: words.iter().map(one).collect::<Option<_>>()? })
}

/// What an earlier run kept: `"sip:1001@pbx.example" ForwardAlways to "602" here`.
pub(super) fn kept(words: &[&str]) -> Option<Vec<KeptSwitch>> {
    let mut kept = Vec::new();
    let mut words = words.iter().copied().peekable();
    while let Some(aor) = words.next() {
        let switch = match words.next()? {
            "Dnd" => Switch::Dnd,
            "ForwardAlways" => Switch::ForwardAlways,
            "ForwardBusy" => Switch::ForwardBusy,
            "ForwardNoAnswer" => Switch::ForwardNoAnswer,
            "Queue" => Switch::Queue,
            "QueuePause" => Switch::QueuePause,
            _ => return None,
        };
        let mut named = |word: &str| {
            words.next_if(|next| *next == word)?;
            words.next().and_then(quoted)
        };
        let (queue, to) = (named("queue"), named("to"));
        let here = words.next_if(|next| *next == "here").is_some();
        kept.push(KeptSwitch { aor: quoted(aor)?, switch, queue, to, here });
    }
    Some(kept)
}
