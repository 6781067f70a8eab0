//! The resident agent holds no compiler: Cranelift is in the helper's build, and in nobody else's.

use std::process::Command;

/// The crates a package is built from, as cargo says.
fn crates_of(package: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--manifest-path",
            manifest,
        ])
        .args(["--package", package])
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_program_holds_no_compiler_and_the_helper_does() {
    // The small `cranelift-…` crates of data structures are the runtime's too; these are the compiler.
    let names =
        ["cranelift-codegen ", "cranelift-frontend ", "wasmtime-internal-cranelift ", "winch-codegen "];
    let compiler = |tree: &str| names.iter().any(|name| tree.lines().any(|line| line.starts_with(name)));
    let program = crates_of("trayphone");
    assert!(program.contains("wasmtime "), "the program does not even run plugins");
    assert!(!compiler(&program), "the program holds a compiler:\n{program}");
    assert!(compiler(&crates_of("agent-compile")));
}
