//! `cargo xtask demo`: from a fresh clone to a ringing phone.

use crate::{
    error::{Result, run as run_command},
    plugins::{self, Warnings},
    programs::{self, Profile},
    setup::{self, Consent, Group},
    tree::Tree,
};

/// Sets up, builds, and hands the rest of the command line to `trayphone demo`. `--yes` is ours.
pub(crate) fn run(tree: &Tree, mut arguments: Vec<String>) -> Result<()> {
    let given = arguments.len();
    arguments.retain(|argument| argument != "--yes");
    let consent = if arguments.len() == given { Consent::Ask } else { Consent::Given };
    setup::ensure(tree, Group::Demo, consent)?;
    plugins::build(tree, Warnings::Shown)?;
    programs::build(tree, Profile::Dev)?;
    println!();
    let mut demo = tree.program(tree.debug_program("trayphone"));
    run_command(demo.arg("demo").args(arguments).env("TRAYPHONE_PLUGINS", tree.plugins()))
}
