//! `trayphone demo`: the whole story on this computer, for a person or for a script.

mod child;
mod fault;
mod keys;
mod live;
mod script;
mod stage;
mod timeline;
mod tray;
mod witness;

pub(crate) use fault::Fault;

use crate::{
    cli::{Common, DemoArgs},
    commands::print,
    exit::{Exit, Failure},
    wait::wait_for,
};

/// Plays the demo.
pub(crate) fn run(common: &Common, args: &DemoArgs) -> Result<Exit, Failure> {
    if common.profile.is_some() {
        let text = "the demo makes a profile of its own and removes it afterwards: leave --profile out";
        return Err(Failure::new(Exit::Usage, text));
    }
    if common.json {
        let text = "the demo tells its story to people and has no JSON: leave --json out (`trayphone events` tells an agent's story in JSON)";
        return Err(Failure::new(Exit::Usage, text));
    }
    let desktop = !args.terminal && display_there();
    if !args.script {
        return wait_for(live::play(desktop));
    }
    crate::platform::script_can_see().map_err(|why| {
        let text = format!(
            "{why}, and the script believes no word of our own: run `trayphone demo` and look yourself"
        );
        Failure::new(Exit::Failed, text)
    })?;
    wait_for(async {
        tokio::select! {
            told = script::play(args.fault, desktop) => told,
            () = crate::platform::asked_to_end() => Err(Failure::new(Exit::Failed, "the demo was asked to end")),
        }
    })
}

/// Whether there is a display. One that is named and does not answer is said; that none is named is no news.
fn display_there() -> bool {
    let named = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match agent_shell::display() {
        Ok(()) => true,
        Err(why) => {
            if named("DISPLAY") || named("WAYLAND_DISPLAY") {
                print::note(&format!("{why} Going on without one."));
            }
            false
        }
    }
}
