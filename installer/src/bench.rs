//! `cargo xtask bench`: builds what is shipped and measures it with the test bench's `bench` program.

use crate::{
    error::{Result, run as run_command},
    plugins::{self, Warnings},
    programs::{self, Profile},
    setup::{self, Consent, Group},
    tree::Tree,
};

/// Hands its arguments (`--json`) on to the bench.
pub(crate) fn run(tree: &Tree, arguments: Vec<String>) -> Result<()> {
    setup::ensure(tree, Group::Test, Consent::Ask)?;
    plugins::build(tree, Warnings::Shown)?;
    programs::build(tree, Profile::Release)?;
    let mut bench = tree.cargo();
    bench.args(["run", "--release", "--package", "harness", "--bin", "bench", "--"]).args(arguments);
    bench
        .env("TRAYPHONE_PROGRAM", tree.release_program("trayphone"))
        .env("TRAYPHONE_PLUGINS", tree.plugins());
    run_command(&mut bench)
}
