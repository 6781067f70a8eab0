//! `cargo xtask bench`: builds what is shipped and measures it with the test bench's `bench` program.

use crate::{
    error::{Result, run as run_command},
    peers,
    plugins::{self, Warnings},
    programs::{self, Profile},
    setup::{self, Consent, Group},
    tree::Tree,
};

/// Hands its arguments (`--json`) on to the bench.
pub(crate) fn run(tree: &Tree, arguments: Vec<String>) -> Result<()> {
    setup::ensure(tree, Group::Test, Consent::Ask)?;
    peers::provide(tree)?;
    plugins::build(tree, Warnings::Shown)?;
    programs::build(tree, Profile::Release)?;
    let mut bench = tree.cargo();
    bench.args(["run", "--release", "--package", "harness", "--bin", "bench", "--"]).args(arguments);
    bench
        .env("TRAYPHONE_PROGRAM", tree.release_program("trayphone"))
        .env("TRAYPHONE_PLUGINS", tree.plugins())
        .env("TRAYPHONE_PJSUA2", tree.target("tools").join("pjsua2"));
    run_command(&mut bench)
}
