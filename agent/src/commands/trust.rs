//! `trayphone account trust`: another key than at the first use, seen beside the one that is kept, is believed or not.

use super::{
    once::{Ledger, done, find, register_once, say},
    print,
};
use crate::{
    api::{
        client::Client,
        protocol::{Answer, Ask, Request},
    },
    cli::Common,
    exit::{Exit, Failure},
    home, trust,
};
use agent_core::{
    certificate::{CertificateFault, Fingerprint},
    port::sip::{Registration, RegistrationProblem},
    secret::Secret,
};
use serde_json::json;
use std::io::IsTerminal;

/// Does it; `given` is the key the user expects.
pub(crate) async fn run(common: &Common, aor: &str, given: Option<Fingerprint>) -> Result<Exit, Failure> {
    let profile = home::existing(common)?;
    let Some((id, account)) = find(&profile, Some(aor))?.into_iter().next() else { return Ok(Exit::Ok) };
    let (name, kept) = trust::kept(&profile, &account)?;
    let aor = account.aor.clone();
    let ledger = Ledger::open(&profile);
    // No password: what is wanted is who answers, and nothing secret is to be had by whoever does.
    let state = register_once(id, account, Secret::new(String::new()), ledger.net(&profile)).await;
    ledger.close();
    let shown = match &state {
        Registration::Failed { reason: RegistrationProblem::Certificate(untrusted), .. } => {
            let changed = matches!(untrusted.fault, CertificateFault::Changed { .. });
            untrusted.presented.filter(|_| changed)
        }
        _ => None,
    };
    let Some(shown) = shown else { return unchanged(common, (&aor, &name), kept, &state) };
    let kept = kept.map(|key| key.to_string()).unwrap_or_default();
    if !common.json {
        print::line(&format!("{} showed another key than at its first use", print::tame(&name)));
        print::line(&format!("  kept:  {kept}"));
        print::line(&format!("  shown: {shown}"));
    }
    agreed(given, shown).await?;
    accept(common, &profile, &aor, shown).await?;
    if common.json {
        print::json(
            &json!({ "aor": aor, "host": name, "kept": kept, "shown": shown.to_string(), "trusted": true }),
        );
    }
    say(common, "the key that was shown is believed from now on");
    Ok(done(common))
}

/// There is nothing to decide: it showed the key that is kept, or nobody answered.
fn unchanged(
    common: &Common,
    (aor, name): (&str, &str),
    kept: Option<Fingerprint>,
    state: &Registration,
) -> Result<Exit, Failure> {
    let unreachable = match state {
        Registration::Failed { reason, .. } => !matches!(
            reason,
            RegistrationProblem::NoPassword
                | RegistrationProblem::WrongPassword
                | RegistrationProblem::NoCommonAuthentication
                | RegistrationProblem::WeakerAuthentication
                | RegistrationProblem::Forbidden { .. }
                | RegistrationProblem::Refused { .. }
        ),
        Registration::Registered => false,
        _ => true,
    };
    if unreachable {
        let text = format!("{name} showed no key: {}", print::registration(state));
        return Err(Failure::new(Exit::AccountTest, text));
    }
    let kept = kept.map(|key| key.to_string());
    if common.json {
        print::json(&json!({ "aor": aor, "host": name, "kept": kept, "trusted": true }));
    }
    let key = kept.map_or_else(
        || "was kept now, at its first use".to_owned(),
        |key| format!("is the one that is kept, {key}"),
    );
    say(common, &format!("the key of {name} {key}"));
    Ok(done(common))
}

/// Whether the user wants the key that was shown: they gave it, or say so at the terminal.
async fn agreed(given: Option<Fingerprint>, shown: Fingerprint) -> Result<(), Failure> {
    let refuse = |text: &str| Err(Failure::new(Exit::NotAllowed, format!("{text}: nothing was changed")));
    match given {
        Some(key) if key == shown => Ok(()),
        Some(_) => refuse("the key given is not the one that was shown"),
        None if !std::io::stdin().is_terminal() => refuse(&format!(
            "compare the key with the one at the PBX, and give it with --key {shown} if it is the same"
        )),
        None => {
            print::note(
                "Believe it only if whoever looks after the PBX has changed it. Write yes to believe it:",
            );
            let end = crate::platform::asked_to_end();
            let read = tokio::task::spawn_blocking(|| {
                let mut line = String::new();
                std::io::stdin().read_line(&mut line).map(|_| line)
            });
            let line = tokio::select! {
                line = read => line.map_err(|error| Failure::other("the terminal", error))?,
                () = end => return refuse("no answer was given"),
            };
            match line {
                Ok(line) if line.trim() == "yes" => Ok(()),
                _ => refuse("it was not believed"),
            }
        }
    }
}

/// Tells the running agent, or writes it down where there is none.
async fn accept(
    common: &Common,
    profile: &agent_store::Profile,
    aor: &str,
    key: Fingerprint,
) -> Result<(), Failure> {
    let Ok(mut client) = Client::connect(common).await else {
        return trust::trust(profile, aor, key).map_err(|text| Failure::new(Exit::Failed, text));
    };
    match client.ask(&Request::Ask(Ask::Trust { aor: aor.to_owned(), key })).await? {
        Answer::Refused { refusal } => Err(Failure::new(Exit::NotAllowed, refusal.text)),
        Answer::Malformed { text } => Err(Failure::new(Exit::Failed, text)),
        _ => Ok(()),
    }
}
