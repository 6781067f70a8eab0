//! `trayphone account …`: the settings file, the keyring, and one registration to see whether they are right.

use super::{
    once::{Ledger, done, find, register_once, say},
    print,
};
use crate::{
    api::{
        client::{Client, TakenOver, reload_settings},
        protocol::{Answer, Ask, Request},
    },
    cli::{AccountCommand, AddArgs, Common},
    exit::{Exit, Failure},
    home,
};
use agent_core::{
    id::AccountId,
    port::{sip::Registration, store::SecretProblem},
    secret::Secret,
    settings::{AccountSettings, PasswordSource},
};
use agent_net::Net;
use agent_store::{Keyring, Profile};
use serde_json::json;
use std::io::{ErrorKind, IsTerminal, Read};

/// No PBX takes a longer password; more on stdin is a mistake.
const LONGEST_PASSWORD: u64 = 4096;

/// Does an account command.
pub(crate) async fn run(common: &Common, command: &AccountCommand) -> Result<Exit, Failure> {
    match command {
        AccountCommand::Add(args) => add(common, args).await,
        AccountCommand::Password { aor } => password(common, aor).await,
        AccountCommand::Test { aor } => test(common, aor.as_deref()).await,
        AccountCommand::Trust { aor, key } => super::trust::run(common, aor, *key).await,
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
        ..AccountSettings::default()
    };
    let keyring = account.password == PasswordSource::Keyring;
    // Nobody types a password only to hear that the address is wrong.
    agent_store::check_account(&profile, &account).map_err(home::failure)?;
    let password = if keyring { Some(read_password(&account.aor).await?) } else { None };
    agent_store::add_account(&profile, &account).map_err(home::failure)?;
    say(common, &format!("{} is in {}", account.aor, profile.settings_file().display()));
    take_over(common).await;
    if let Some(password) = password {
        let kept = keep(common, &account.aor, &password).await;
        kept.map_err(|failure| {
            let next = without_password(&account.aor, &profile);
            Failure::new(failure.exit, format!("{}\n{next}", failure.text))
        })?;
    }
    say(common, "test it with `trayphone account test`");
    Ok(done(common))
}

/// What to do with an account that is in the settings and whose password is nowhere.
fn without_password(aor: &str, profile: &Profile) -> String {
    format!(
        "{aor} is in the settings all the same. With a keyring, or with an agent that runs (which has a password until it ends), \
         give `trayphone account password {aor}`; or write password = \"env:NAME\" in {file}, as `account add` does with \
         --password-env NAME",
        file = profile.settings_file().display()
    )
}

async fn password(common: &Common, aor: &str) -> Result<Exit, Failure> {
    let profile = home::existing(common)?;
    // As the settings write it: under that name the keyring has it.
    let mut aor = aor.to_owned();
    for (_, account) in find(&profile, Some(&aor))? {
        aor = account.aor;
        if let PasswordSource::Env(name) = account.password {
            let text = format!(
                "{aor} takes its password from the environment variable {name} at each start: change it there, or write \
                 password = \"keyring\" in {} and give this command again",
                profile.settings_file().display()
            );
            return Err(Failure::new(Exit::Secret, text));
        }
    }
    keep(common, &aor, &read_password(&aor).await?).await?;
    Ok(done(common))
}

/// Keeps a password in the keyring; where there is none, hands it to the running agent for this run.
async fn keep(common: &Common, aor: &str, password: &Secret) -> Result<(), Failure> {
    let (owner, secret) = (aor.to_owned(), password.clone());
    // A keyring may show a prompt and wait for the user: not on the runtime's thread.
    let kept = tokio::task::spawn_blocking(move || Keyring::open()?.set(&owner, &secret)).await;
    let kept = kept.map_err(|error| Failure::other("the keyring", error))?;
    if kept.is_ok() {
        say(common, "the password is in the keyring");
    }
    let unkept = |problem| {
        Failure::new(Exit::Secret, format!("the password is not kept: {}", secret_problem(&problem)))
    };
    let Ok(mut client) = Client::connect(common).await else { return kept.map_err(unkept) };
    let request = Ask::Password { aor: aor.to_owned(), password: password.expose().to_owned() };
    match (client.ask(&Request::Ask(request)).await?, kept) {
        (Answer::Done { .. }, Ok(())) => say(common, "the running agent has it and registers anew"),
        (Answer::Done { .. }, Err(problem)) => {
            print::note(&unkept(problem).text);
            say(common, "the running agent has it until it ends, and registers anew");
        }
        // The next one that is started finds the password where it is kept.
        (Answer::Refused { refusal }, kept) => {
            print::note(&format!("the running agent did not take it: {}", refusal.text));
            kept.map_err(unkept)?;
        }
        (_, kept) => kept.map_err(unkept)?,
    }
    Ok(())
}

/// From the terminal without echo, else the whole of stdin without its line end.
async fn read_password(aor: &str) -> Result<Secret, Failure> {
    let refuse = |text: String| Failure::new(Exit::Secret, text);
    let secret = if std::io::stdin().is_terminal() {
        ask_for_password(aor).await?
    } else {
        let mut bytes = Vec::new();
        std::io::stdin()
            .take(LONGEST_PASSWORD + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| refuse(format!("the password could not be read: {error}")))?;
        password_of(bytes).map_err(refuse)?
    };
    match secret.expose() {
        "" => Err(refuse("the password is empty: nothing was changed".to_owned())),
        text if text.chars().any(char::is_control) => Err(refuse(
            "the password holds a line break or another control character: give it as one line, for example with \
             printf '%s' \"$PW\"; nothing was changed"
                .to_owned(),
        )),
        _ => Ok(secret),
    }
}

/// What a program piped in as a password.
fn password_of(bytes: Vec<u8>) -> Result<Secret, String> {
    if bytes.len() as u64 > LONGEST_PASSWORD {
        return Err(format!(
            "this is longer than {LONGEST_PASSWORD} bytes, which no password is: nothing was changed"
        ));
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| "the password on stdin is not UTF-8: nothing was changed".to_owned())?;
    let end = if text.ends_with("\r\n") { 2 } else { usize::from(text.ends_with('\n')) };
    text.truncate(text.len() - end);
    Ok(Secret::new(text))
}

/// Asks at the terminal, and listens meanwhile whether the program is to end: `main` then gives the terminal back.
async fn ask_for_password(aor: &str) -> Result<Secret, Failure> {
    let refuse = |why: &str| Failure::new(Exit::Secret, format!("{why}: nothing was changed"));
    let end = crate::platform::asked_to_end();
    let question = format!("Password for {}: ", print::tame(aor));
    let asked = tokio::task::spawn_blocking(move || crate::prompt::password(&question));
    let typed = tokio::select! {
        typed = asked => typed.map_err(|error| Failure::other("the prompt", error))?,
        () = end => return Err(refuse("no password was given")),
    };
    typed.map_err(|error| match error.kind() {
        ErrorKind::Interrupted | ErrorKind::UnexpectedEof => refuse("no password was given"),
        _ => refuse(&format!("the password could not be read ({error})")),
    })
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
    let profile = home::existing(common)?;
    let account = agent_store::remove_account(&profile, aor).map_err(home::failure)?;
    let aor = account.aor.as_str();
    if account.password == PasswordSource::Keyring {
        match Keyring::open().and_then(|keyring| keyring.delete(aor)) {
            Ok(_) => {}
            Err(problem) => {
                print::note(&format!("its password may still be kept: {}", secret_problem(&problem)));
            }
        }
    }
    say(common, &format!("{aor} is removed"));
    take_over(common).await;
    Ok(done(common))
}

async fn test(common: &Common, aor: Option<&str>) -> Result<Exit, Failure> {
    let profile = home::existing(common)?;
    let accounts = find(&profile, aor)?;
    let ledger = Ledger::open(&profile);
    let end = crate::platform::asked_to_end();
    let exit = tokio::select! {
        exit = test_each(common, accounts, ledger.net(&profile)) => exit,
        () = end => Err(Failure::new(Exit::Failed, "the test was broken off")),
    };
    // Rows of connections that were still up are written when those go.
    tokio::task::yield_now().await;
    ledger.close();
    exit
}

async fn test_each(
    common: &Common,
    accounts: Vec<(AccountId, AccountSettings)>,
    net: Net,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    for (id, account) in accounts {
        let password = fetch(&account).await?;
        let aor = account.aor.clone();
        let state = register_once(id, account, password, net.clone()).await;
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
        PasswordSource::Env(name) => agent_store::variable(name).map_err(problem),
        PasswordSource::Keyring => {
            let aor = account.aor.clone();
            let got = tokio::task::spawn_blocking(move || Keyring::open()?.get(&aor)).await;
            got.map_err(|error| Failure::other("the keyring", error))?.map_err(problem)
        }
    }
}

/// What is wrong with a password, and what to do.
fn secret_problem(problem: &SecretProblem) -> String {
    match problem {
        SecretProblem::Missing => {
            "the keyring has no password for this account: `trayphone account password AOR`".to_owned()
        }
        SecretProblem::NoKeyring(detail) => format!("there is no keyring ({detail})"),
        SecretProblem::NoVariable(name) => format!("the environment variable {name} is not set"),
        SecretProblem::AtStartOnly(name) => {
            format!("the environment variable {name} is taken at the start of the program only")
        }
        SecretProblem::Failed(detail) => format!("the keyring failed: {detail}"),
    }
}

/// Has a running agent take the changed settings over, and says what came of it.
async fn take_over(common: &Common) {
    match reload_settings(common).await {
        TakenOver::NoAgent(_) => say(common, "no agent is running: the next one that is started has it"),
        TakenOver::Except(restart) if restart.is_empty() => {
            say(common, "the running agent has taken it over")
        }
        TakenOver::Except(restart) => print::note(&print::only_restarted(&restart)),
        TakenOver::No(why) => {
            print::note(&format!("the running agent goes on with the settings it had: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piped_password_is_taken_whole_or_not_at_all() {
        let taken = |bytes: &[u8]| password_of(bytes.to_vec()).map(|secret| secret.expose().to_owned());
        assert_eq!(taken(b"geheim").as_deref(), Ok("geheim"));
        assert_eq!(taken(b" two words \r\n").as_deref(), Ok(" two words "));
        // One line end is the pipe's; another one is refused with the other control characters.
        assert_eq!(taken(b"geheim\n\n").as_deref(), Ok("geheim\n"));
        assert!(taken(b"\xffgeheim").is_err_and(|text| text.contains("UTF-8")));
        let longest = usize::try_from(LONGEST_PASSWORD).expect("a small number");
        assert_eq!(taken(&vec![b'x'; longest]).map(|text| text.len()), Ok(longest));
        assert!(taken(&vec![b'x'; longest + 1]).is_err_and(|text| text.contains("longer")));
    }
}
