//! `trayphone plugin …`: works on the profile's folder, and tells a running agent.

use super::print;
use crate::{
    api::{client::tell, protocol::Ask},
    cli::{Common, PluginCommand},
    exit::{Exit, Failure},
    home,
};
use agent_host::{Consent, HostConfig, HostError};
use std::{
    io::{IsTerminal, Write},
    path::Path,
};

/// Takes the accounts' passwords out of the environment before the compile helper is started. Settings that cannot be read
/// name none.
///
/// # Safety
/// No other thread may run: see [`crate::platform::take_variable`].
pub(crate) unsafe fn keep_passwords_to_ourselves(common: &Common) {
    if let Ok(settings) = home::existing(common).and_then(|profile| home::settings(&profile)) {
        // SAFETY: the caller's word.
        unsafe { home::take_passwords(&settings) };
    }
}

/// Does a plugin command.
pub(crate) async fn run(common: &Common, command: &PluginCommand) -> Result<Exit, Failure> {
    let profile = match command {
        PluginCommand::Install { .. } => home::open(common)?,
        PluginCommand::List | PluginCommand::Remove { .. } => home::existing(common)?,
    };
    match command {
        PluginCommand::Install { path, settings, yes } => {
            let settings = settings.iter().map(|text| pair(text)).collect::<Result<Vec<_>, _>>()?;
            install(common, &home::installed_plugins(&profile), path, &settings, *yes)?;
            tell(common, Ask::ReloadPlugins {}).await;
        }
        PluginCommand::List => list(common, &home::installed_plugins(&profile)),
        PluginCommand::Remove { id } => {
            agent_host::remove(&home::installed_plugins(&profile), id).map_err(failure)?;
            if !common.json {
                print::line(&format!("{} is removed, with everything that was kept for it", print::tame(id)));
            }
            tell(common, Ask::ReloadPlugins {}).await;
            print::done(common);
        }
    }
    Ok(Exit::Ok)
}

fn pair(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Failure::new(Exit::Usage, format!("--set takes KEY=VALUE, not \"{}\"", print::tame(text)))),
    }
}

/// Installs, asking on the terminal.
fn install(
    common: &Common,
    config: &HostConfig,
    path: &Path,
    settings: &[(String, String)],
    yes: bool,
) -> Result<(), Failure> {
    if !path.join("plugin.toml").is_file() {
        let text = format!(
            "{} is no plugin: name the folder that holds plugin.toml and plugin.wasm",
            print::tame(&path.display().to_string())
        );
        return Err(Failure::new(Exit::Plugin, text));
    }
    let mut consent = |consent: &Consent| yes_to(consent, yes);
    let mut progress = |text: &str| print::note(text);
    let ask = agent_host::Ask { consent: &mut consent, progress: &mut progress };
    let info = agent_host::install(config, path, settings, ask).map_err(failure)?;
    if common.json {
        print::json(&info);
    } else {
        print::line(&format!("installed: {}", print::plugin(&info)));
    }
    Ok(())
}

/// Shows what is asked for and asks; without a terminal only `--yes` is a yes.
fn yes_to(consent: &Consent, yes: bool) -> bool {
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "{consent}");
    if yes {
        let _ = writeln!(out, "Agreed (--yes).");
        return true;
    }
    if !std::io::stdin().is_terminal() {
        let _ = writeln!(
            out,
            "There is no terminal to ask on: nothing is installed. Run it again with --yes to agree."
        );
        return false;
    }
    let _ = write!(out, "Install it and grant exactly this? [y/N] ");
    let _ = out.flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok()
        && matches!(answer.trim(), "y" | "Y" | "yes" | "j" | "J" | "ja" | "o" | "oui")
}

fn list(common: &Common, config: &HostConfig) {
    let plugins = agent_host::list(config);
    if common.json {
        plugins.iter().all(print::json);
        return;
    }
    if plugins.is_empty() {
        print::line("no plugin is installed");
    }
    for plugin in &plugins {
        print::line(&print::plugin(plugin));
    }
}

fn failure(error: HostError) -> Failure {
    Failure::new(Exit::Plugin, error.to_string())
}
