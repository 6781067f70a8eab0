//! What the built programs hold: the plugins' compiler stands in a short-lived program of its own, and not in the agent.

use harness::agent;
use std::{path::Path, process::Command};

/// Whether Cranelift's code is in a program, by its crate's name: in symbols and lines of a debug build, and in the paths
/// that panics name where those were stripped.
fn holds_the_compiler(program: &Path) -> bool {
    let mut grep = Command::new("grep");
    grep.env("LC_ALL", "C").args(["-q", "-a", "-e", "cranelift[_-]codegen", "--"]).arg(program);
    match grep.status().expect("grep is everywhere").code() {
        Some(0) => true,
        Some(1) => false,
        code => panic!("grep cannot read {}: {code:?}", program.display()),
    }
}

#[test]
fn the_agent_holds_no_compiler() {
    let agent = agent::program();
    let compile = agent.with_file_name(format!("trayphone-compile{}", std::env::consts::EXE_SUFFIX));
    assert!(holds_the_compiler(&compile), "what is looked for is not even in {}", compile.display());
    assert!(
        !holds_the_compiler(&agent),
        "{} holds Cranelift: some crate of its build asks wasmtime for it, or it was built in one run with agent-compile",
        agent.display()
    );
}
