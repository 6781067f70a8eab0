//! `trayphone account …`: the settings file, the keyring, and one registration to see whether they are right.

use super::print;
use crate::{
    api::{
        client::{Client, tell},
        protocol::{Answer, Ask, Request},
    },
    cli::{AccountCommand, AddArgs, Common},
    exit::{Exit, Failure},
    home,
};
use agent_core::{
    id::AccountId,
    port::{
        sip::{Registration, SipCommand, SipEvent},
        store::SecretProblem,
    },
    secret::Secret,
    settings::{AccountSettings, PasswordSource},
};
use agent_net::Net;
use agent_store::{Keyring, Profile};
use serde_json::json;
use std::{
    io::{IsTerminal, Read},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

/// Longer than Timer F (32 s): whoever is silent has been silent for good.
const TEST_PATIENCE: Duration = Duration::from_secs(35);
/// No PBX takes a longer password; more on stdin is a mistake.
const LONGEST_PASSWORD: u64 = 4096;

/// Does an account command.
pub(crate) async fn run(common: &Common, command: &AccountCommand) -> Result<Exit, Failure> {
    match command {
        AccountCommand::Add(args) => add(common, args).await,
        AccountCommand::Password { aor } => password(common, aor).await,
        AccountCommand::Test { aor } => test(common, aor.as_deref()).await,
        AccountCommand::List => list(common),
        AccountCommand::Remove { aor } => remove(common, aor).await,
    }
}

async fn add(common: &Common, args: &AddArgs) -> Result<Exit, Failure> {
    let profile = home::open(common)?;
    let account = AccountSettings {
        aor: args.aor.clone(),
        registrar: args.registrar.clone(),
        username: args.username.clone(),
        password: args.password_env.clone().map_or(PasswordSource::Keyring, PasswordSource::Env),
    };
    let keyring = account.password == PasswordSource::Keyring;
    let password = if keyring { Some(read_password(&account.aor)?) } else { None };
    agent_store::add_account(&profile, &account).map_err(home::failure)?;
    tell(common, Ask::ReloadSettings {}).await;
    say(common, &format!("{} is in {}", account.aor, profile.settings_file().display()));
    if let Some(password) = password {
        keep(common, &account.aor, &password).await?;
    }
    say(
        common,
        "test it with `trayphone account test`; a running agent takes it over when it is started anew",
    );
    Ok(Exit::Ok)
}

async fn password(common: &Common, aor: &str) -> Result<Exit, Failure> {
    let profile = home::open(common)?;
    find(&profile, Some(aor))?;
    keep(common, aor, &read_password(aor)?).await?;
    Ok(Exit::Ok)
}

/// Keeps a password in the keyring; where there is none, hands it to the running agent for this run.
async fn keep(common: &Common, aor: &str, password: &Secret) -> Result<(), Failure> {
    let (owner, secret) = (aor.to_owned(), password.clone());
    // A keyring may show a prompt and wait for the user: not on the runtime's thread.
    let kept = tokio::task::spawn_blocking(move || Keyring::open()?.set(&owner, &secret)).await;
    let kept = kept.map_err(|error| Failure::other("the keyring", error))?;
    if let Err(problem) = &kept {
        eprintln!("trayphone: the password is not kept: {}", secret_problem(problem));
    } else {
        say(common, "the password is in the keyring");
    }
    match (Client::connect(common).await, kept) {
        (Ok(mut client), kept) => {
            let request = Ask::Password { aor: aor.to_owned(), password: password.expose().to_owned() };
            match client.ask(&Request::Ask(request)).await? {
                Answer::Done { .. } => say(common, "the running agent has it and registers anew"),
                Answer::Malformed { text } if kept.is_err() => return Err(Failure::new(Exit::Secret, text)),
                _ => {}
            }
            Ok(())
        }
        (Err(_), Ok(())) => Ok(()),
        (Err(_), Err(problem)) => Err(Failure::new(Exit::Secret, secret_problem(&problem))),
    }
}

/// From the terminal without echo, else the whole of stdin without its last line end.
fn read_password(aor: &str) -> Result<Secret, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Secret, format!("the password could not be read: {error}"))
    };
    let text = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("Password for {}: ", print::tame(aor))).map_err(failed)?
    } else {
        let mut text = String::new();
        std::io::stdin().take(LONGEST_PASSWORD).read_to_string(&mut text).map_err(failed)?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    };
    if text.is_empty() {
        return Err(Failure::new(Exit::Secret, "the password is empty: nothing was changed"));
    }
    Ok(Secret::new(text))
}

fn list(common: &Common) -> Result<Exit, Failure> {
    let settings = home::settings(&home::existing(common)?)?;
    for account in &settings.accounts {
        if common.json {
            print::json(account);
        } else {
            let registrar =
                account.registrar.as_deref().map(|it| format!(", registers at {it}")).unwrap_or_default();
            let password = String::from(account.password.clone());
            print::line(&print::tame(&format!("{}{registrar}, password: {password}", account.aor)));
        }
    }
    if settings.accounts.is_empty() && !common.json {
        print::line("no account: add one with `trayphone account add sip:USER@PBX`");
    }
    Ok(Exit::Ok)
}

async fn remove(common: &Common, aor: &str) -> Result<Exit, Failure> {
    let profile = home::open(common)?;
    let account = agent_store::remove_account(&profile, aor).map_err(home::failure)?;
    tell(common, Ask::ReloadSettings {}).await;
    if account.password == PasswordSource::Keyring {
        match Keyring::open().and_then(|keyring| keyring.delete(aor)) {
            Ok(_) => {}
            Err(problem) => {
                eprintln!("trayphone: its password may still be kept: {}", secret_problem(&problem))
            }
        }
    }
    say(common, &format!("{aor} is removed"));
    Ok(Exit::Ok)
}

/// The accounts that are meant, with their places.
fn find(profile: &Profile, aor: Option<&str>) -> Result<Vec<(AccountId, AccountSettings)>, Failure> {
    let settings = home::settings(profile)?;
    let numbered = (0..).map(AccountId).zip(settings.accounts);
    let found: Vec<_> = numbered.filter(|(_, account)| aor.is_none_or(|aor| account.aor == aor)).collect();
    if found.is_empty() {
        let text = match aor {
            Some(aor) => format!("there is no account {aor}: `trayphone account list` shows those there are"),
            None => "there is no account: add one with `trayphone account add sip:USER@PBX`".to_owned(),
        };
        return Err(Failure::new(Exit::Settings, text));
    }
    Ok(found)
}

async fn test(common: &Common, aor: Option<&str>) -> Result<Exit, Failure> {
    let profile = home::existing(common)?;
    let mut exit = Exit::Ok;
    for (id, account) in find(&profile, aor)? {
        let password = fetch(&account).await?;
        let aor = account.aor.clone();
        let state = register_once(id, account, password).await;
        if state != Registration::Registered {
            exit = Exit::AccountTest;
        }
        if common.json {
            print::json(&json!({ "aor": aor, "registration": state }));
        } else {
            print::line(&format!("{}: {}", print::tame(&aor), print::registration(&state)));
        }
    }
    Ok(exit)
}

async fn fetch(account: &AccountSettings) -> Result<Secret, Failure> {
    let problem = |problem: SecretProblem| Failure::new(Exit::Secret, secret_problem(&problem));
    match &account.password {
        PasswordSource::Env(name) => {
            let text = std::env::var(name).map_err(|_| problem(SecretProblem::NoVariable(name.clone())))?;
            Ok(Secret::new(text))
        }
        PasswordSource::Keyring => {
            let aor = account.aor.clone();
            let got = tokio::task::spawn_blocking(move || Keyring::open()?.get(&aor)).await;
            got.map_err(|error| Failure::other("the keyring", error))?.map_err(problem)
        }
    }
}

/// Registers with a stack of its own, says how it went, and signs off again.
async fn register_once(account: AccountId, settings: AccountSettings, password: Secret) -> Registration {
    let (tell, mut hear) = mpsc::unbounded_channel();
    let net = Net::new(Arc::new(|_| {}));
    let told = Arc::new(move |event: SipEvent| {
        let _ = tell.send(event);
    });
    let sip = agent_sip::start(agent_sip::SipConfig::default(), net, told);
    sip.send(SipCommand::Register { account, settings, password });
    let outcome = async {
        while let Some(event) = hear.recv().await {
            if let SipEvent::Registration { state, .. } = event
                && matches!(state, Registration::Registered | Registration::Failed { .. })
            {
                return state;
            }
        }
        Registration::Unregistered
    };
    let state = timeout(TEST_PATIENCE, outcome).await.unwrap_or(Registration::Connecting);
    sip.send(SipCommand::Shutdown { within: Duration::from_secs(2) });
    let down = async { while hear.recv().await.is_some_and(|event| event != SipEvent::Down) {} };
    let _ = timeout(Duration::from_secs(3), down).await;
    state
}

/// What is wrong with a password, and what to do.
fn secret_problem(problem: &SecretProblem) -> String {
    match problem {
        SecretProblem::Missing => {
            "the keyring has no password for this account: `trayphone account password AOR`".to_owned()
        }
        SecretProblem::NoKeyring(detail) => format!("there is no keyring ({detail})"),
        SecretProblem::NoVariable(name) => format!("the environment variable {name} is not set"),
        SecretProblem::Failed(detail) => format!("the keyring failed: {detail}"),
    }
}

fn say(common: &Common, text: &str) {
    if !common.json {
        print::line(&print::tame(text));
    }
}
