//! Lines of a transcript about calls that change hands.

use agent_core::{
    action::FeatureAction,
    id::{AccountId, CallId},
    port::sip::transfer::{DialogRef, Referred, TransferEvent, TransferProblem},
};

fn call(word: &str) -> Option<CallId> {
    word.parse().ok().map(CallId)
}

fn quoted(word: &str) -> Option<String> {
    word.strip_prefix('"').map(str::to_owned)
}

/// What the wire tells, behind `transfer`.
pub(crate) fn told(rest: &[&str]) -> Option<TransferEvent> {
    let id = call(rest[0])?;
    Some(match &rest[1..] {
        ["agreed"] => TransferEvent::Agreed { call: id },
        ["progress", status] => TransferEvent::Progress { call: id, status: status.parse().ok()? },
        ["done"] => TransferEvent::Done { call: id },
        ["failed", why @ ..] => TransferEvent::Failed { call: id, why: problem(why)? },
        ["asked", target @ ..] => TransferEvent::Asked { call: id, target: referred(target)? },
        ["replaces", old] => TransferEvent::Replacing { call: id, old: call(old)? },
        _ => return None,
    })
}

/// What the wire tells, behind `redirected`.
pub(crate) fn redirected(rest: &[&str]) -> Option<TransferEvent> {
    Some(TransferEvent::Redirected { call: call(rest[0])?, target: referred(&rest[1..])? })
}

/// What the wire tells, behind `remote-dial`.
pub(crate) fn remote_dial(rest: &[&str]) -> Option<TransferEvent> {
    let (request, rest) = rest.split_first()?;
    let ["on", account, target @ ..] = rest else { return None };
    let account = AccountId(account.parse().ok()?);
    Some(TransferEvent::RemoteDial { account, request: request.parse().ok()?, target: referred(target)? })
}

fn problem(rest: &[&str]) -> Option<TransferProblem> {
    let told = |status: &str, phrase: &str| Some((status.parse().ok()?, quoted(phrase)?));
    Some(match rest {
        ["refused", status, phrase] => {
            let (status, phrase) = told(status, phrase)?;
            TransferProblem::Refused { status, phrase }
        }
        ["not-taken", status, phrase] => {
            let (status, phrase) = told(status, phrase)?;
            TransferProblem::NotTaken { status, phrase }
        }
        ["silent"] => TransferProblem::Silent,
        ["untold"] => TransferProblem::Untold,
        ["target"] => TransferProblem::Target,
        ["not-now"] => TransferProblem::NotNow,
        _ => return None,
    })
}

pub(crate) fn referred(rest: &[&str]) -> Option<Referred> {
    let number = (*rest.first()?).to_owned();
    let (name, rest) = match rest.get(1).and_then(|word| quoted(word)) {
        Some(name) => (Some(name), &rest[2..]),
        None => (None, &rest[1..]),
    };
    let phone = rest.contains(&"phone");
    let home = !phone && !rest.contains(&"abroad");
    let domain = match (home, phone) {
        (true, _) => "pbx.example",
        (false, true) => "192.0.2.77:5062",
        (false, false) => "elsewhere.example",
    };
    let replaces = rest.contains(&"replacing");
    Some(Referred { uri: format!("sip:{number}@{domain}"), number, name, home, replaces, phone })
}

/// What the user asks for.
pub(crate) fn asked(first: &str, rest: &[&str]) -> Option<FeatureAction> {
    let (account, bare) = match rest {
        ["on", account, bare @ ..] => (account.parse().ok().map(AccountId), bare),
        bare => (None, bare),
    };
    let (id, words) = match rest.first().and_then(|word| call(word)) {
        Some(id) => (Some(id), &rest[1..]),
        None => (None, rest),
    };
    Some(match (first, words) {
        ("transfer", ["to", to]) => FeatureAction::Transfer { call: id, to: quoted(to), with: None },
        ("transfer", ["with", with]) => FeatureAction::Transfer { call: id, to: None, with: call(with) },
        ("transfer", []) => FeatureAction::Transfer { call: id, to: None, with: None },
        ("deflect", ["to", to]) => FeatureAction::Deflect { call: id, to: quoted(to)? },
        ("conference", ["split"]) => FeatureAction::Conference { calls: Vec::new(), split: true },
        ("conference", _) => FeatureAction::Conference {
            calls: rest.iter().map(|word| call(word)).collect::<Option<_>>()?,
            split: false,
        },
        ("pickup", _) => {
            let number = bare.first().and_then(|word| quoted(word));
            let dialog = match bare {
                [_, "dialog", call_id] => Some(DialogRef {
                    call_id: quoted(call_id)?,
                    to_tag: "to".to_owned(),
                    from_tag: "from".to_owned(),
                }),
                _ => None,
            };
            FeatureAction::Pickup { account, number, dialog }
        }
        ("park", []) => FeatureAction::Park { call: id },
        ("retrieve", _) => FeatureAction::Retrieve { account, slot: quoted(bare.first()?)? },
        _ => return None,
    })
}
