//! `trayphone`: reads the command line and hands over to what was asked for.

mod api;
mod cli;
mod commands;
mod demo;
mod desktop;
mod dispatch;
mod exit;
mod funnel;
mod home;
mod log;
mod passwords;
mod platform;
mod run;
mod wait;

use clap::Parser;
use cli::{Cli, Command};
use exit::{Exit, Failure};
use std::process::ExitCode;
use wait::wait_for;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start(cli.common.verbose);
    match obey(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("trayphone: {}", commands::print::tame(&failure.text));
            failure.exit.into()
        }
    }
}

fn obey(cli: &Cli) -> Result<Exit, Failure> {
    use commands::{account, call, offline, plugin};
    let common = &cli.common;
    match &cli.command {
        None => run::or_hand_over(common),
        Some(Command::Run(args)) => run::run(common, args),
        Some(Command::Demo(args)) => demo::run(common, args),
        Some(Command::Quit) => wait_for(run::quit(common)),
        Some(Command::Show) => wait_for(call::ask(common, call::show())),
        Some(Command::Status) => wait_for(call::ask(common, call::status())),
        Some(Command::Open { uri }) => wait_for(call::open(common, uri)),
        Some(Command::Account(command)) => wait_for(account::run(common, command)),
        Some(Command::Plugin(command)) => wait_for(plugin::run(common, command)),
        Some(Command::Call(command)) => wait_for(call::ask(common, call::request(command))),
        Some(Command::Journal { limit }) => offline::journal(common, *limit),
        Some(Command::Ledger { limit }) => offline::ledger(common, *limit),
        Some(Command::Events) => wait_for(call::events(common)),
        Some(Command::Devices) => offline::devices(common),
        Some(Command::Settings { defaults }) => offline::settings(common, *defaults),
    }
}
