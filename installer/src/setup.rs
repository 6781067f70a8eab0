//! `cargo xtask setup`: finds out which system packages a command still lacks, lists them, asks, and installs them.

mod apt;
mod group;
mod needs;
mod system;

pub(crate) use group::Group;

use std::{
    env,
    io::{self, BufRead, IsTerminal, Write},
};

use crate::{
    error::{Error, Result},
    guest::{self, Guest},
    peers,
    stages::announce,
    tree::Tree,
};
use system::System;

/// Whether the user was asked already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Ask where there is somebody to ask.
    Ask,
    /// `--yes`.
    Given,
}

/// `cargo xtask setup [GROUP] [--yes]`.
pub(crate) fn run(tree: &Tree, arguments: Vec<String>) -> Result<()> {
    let mut consent = Consent::Ask;
    let mut group = None;
    for argument in arguments {
        match argument.as_str() {
            "--yes" | "-y" => consent = Consent::Given,
            "build" => group = Some(Group::Build),
            "demo" => group = Some(Group::Demo),
            "test" => group = Some(Group::Test),
            "cross" => group = Some(Group::Cross),
            other => {
                return Err(Error::Usage(format!("`{other}`: the groups are build, demo, test and cross")));
            }
        }
    }
    let group = group.unwrap_or(Group::Test);
    ensure(tree, group, consent)?;
    if group == Group::Test {
        peers::provide(tree)?;
    }
    println!("Everything is there.");
    Ok(())
}

/// Installs what `group` lacks; returns at once when it lacks nothing.
pub(crate) fn ensure(tree: &Tree, group: Group, consent: Consent) -> Result<()> {
    let system = System::this();
    let guest_missing = group != Group::CleanTree && Guest::find(tree).is_none();
    let System::Debian = system else {
        return elsewhere(system, group, guest_missing);
    };
    let mut packages = needs::debian(group, needs::desktop());
    if guest_missing && !fetch_target(tree) {
        packages.extend(guest::DEBIAN_PACKAGES);
    }
    let missing = apt::missing(&packages)?;
    if missing.is_empty() {
        return Ok(());
    }
    announce("system packages");
    eprintln!("Missing here: {}", missing.join(" "));
    if consent == Consent::Ask && somebody_is_there() && !agreed("Install them with apt?")? {
        return Err(Error::Missing(format!(
            "nothing was installed. Install them yourself: apt install {}",
            missing.join(" ")
        )));
    }
    apt::install(&missing)
}

/// Lets rustup fetch the guest's target; `false` where rustup or its server is not to be had.
fn fetch_target(tree: &Tree) -> bool {
    announce(&format!("rustup target add {}", guest::TARGET));
    let mut rustup = tree.program("rustup");
    rustup.args(["target", "add", guest::TARGET]);
    if crate::error::run(&mut rustup).is_ok() && guest::rustup_has_target(tree) {
        return true;
    }
    eprintln!("That cannot be fetched here: Debian's own second toolchain builds the plugins instead.");
    false
}

/// On a system whose packages we do not install: says what is missing and what it is called there.
fn elsewhere(system: System, group: Group, guest_missing: bool) -> Result<()> {
    let mut sentences = needs::elsewhere(system, group, needs::desktop());
    if guest_missing {
        sentences.push(format!("the wasm target of Rust: `rustup target add {}`", guest::TARGET));
    }
    if sentences.is_empty() {
        return Ok(());
    }
    Err(Error::Missing(format!("missing on this {}:\n  - {}", system.name(), sentences.join("\n  - "))))
}

/// A person who can be asked: a terminal to read from and to write to, and no CI.
fn somebody_is_there() -> bool {
    env::var_os("CI").is_none() && io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn agreed(question: &str) -> Result<bool> {
    print!("{question} [Y/n] ");
    let terminal = |source| Error::File { path: "terminal".to_owned(), source };
    io::stdout().flush().map_err(terminal)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(terminal)?;
    Ok(means_yes(&answer))
}

/// Enter alone is a yes; a closed terminal (no line at all) is not.
fn means_yes(answer: &str) -> bool {
    !answer.is_empty() && matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::means_yes;

    #[test]
    fn only_a_line_can_be_a_yes() {
        assert!(means_yes("\n") && means_yes("Y\n") && means_yes("yes\n"));
        assert!(!means_yes("") && !means_yes("n\n") && !means_yes("what?\n"));
    }
}
