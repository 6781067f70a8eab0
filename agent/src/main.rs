//! `trayphone`: reads the command line and hands over to what was asked for.

mod api;
mod cli;
mod commands;
mod demo;
mod desktop;
mod dispatch;
mod doors;
mod exit;
mod facts;
mod funnel;
mod home;
mod log;
mod neighbours;
mod passwords;
mod platform;
mod prompt;
mod run;
mod trust;
mod wait;

use clap::Parser;
use cli::{CallCommand, Cli, Command};
use exit::{Exit, Failure};
use std::process::ExitCode;
use wait::wait_for;

fn main() -> ExitCode {
    let cli = Cli::parse_from(cli::arguments(std::env::args_os()));
    let terminal = prompt::GiveBack;
    log::start(cli.common.verbose);
    let done = obey(&cli).and_then(|exit| commands::print::complete().map(|()| exit));
    terminal.now();
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            commands::print::note(&failure.text);
            failure.exit.into()
        }
    }
}

fn obey(cli: &Cli) -> Result<Exit, Failure> {
    use commands::{account, call, message, offline, plugin, profiles, start};
    let common = &cli.common;
    match &cli.command {
        None => start::start(common),
        Some(Command::Run(args)) => run::run(common, args),
        Some(Command::Demo(args)) => demo::run(common, args),
        Some(Command::Quit) => wait_for(start::quit(common)),
        Some(Command::Show) => wait_for(start::show_itself(common)),
        Some(Command::Status) => wait_for(call::ask(common, call::status())),
        Some(Command::Open { uri }) => wait_for(start::open(common, uri)),
        Some(Command::Account(command)) => wait_for(account::run(common, command)),
        Some(Command::Plugin(command)) => {
            // SAFETY: no thread runs yet: the log has none, and `wait_for` starts the first ones.
            unsafe { plugin::keep_passwords_to_ourselves(common) };
            wait_for(plugin::run(common, command))
        }
        Some(Command::Call(command @ CallCommand::Mute { .. })) => wait_for(call::mute(common, command)),
        Some(Command::Call(command)) => wait_for(call::ask(common, call::request(command))),
        Some(Command::Message(args)) => wait_for(message::run(common, args)),
        Some(Command::Journal { limit }) => offline::journal(common, *limit),
        Some(Command::Ledger { limit }) => offline::ledger(common, *limit),
        Some(Command::Events) => wait_for(call::events(common)),
        Some(Command::Profiles { name }) => profiles::profiles(common, name.as_deref()),
        Some(Command::Devices) => offline::devices(common),
        Some(Command::Settings { apply: true, .. }) => wait_for(offline::apply(common)),
        Some(Command::Settings { defaults, .. }) => offline::settings(common, *defaults),
    }
}
