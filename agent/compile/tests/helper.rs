//! The helper as the agent runs it: what it says of bad input, and that it writes whole files or none.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

fn helper(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trayphone-compile"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the helper starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let _it_may_not_want_it = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("the helper ends")
}

/// The smallest component: nothing in it.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn a_component_becomes_code() {
    let output = helper(&["-"], EMPTY);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.starts_with(b"\x7fELF"), "not the container wasmtime keeps code in");
}

#[test]
fn bad_input_gets_a_sentence_and_its_own_exit_code() {
    let table: [(&[&str], &[u8], i32, &str); 7] = [
        (&["-"], b"#!/bin/sh", 1, "plugin.wasm is not WebAssembly"),
        (&["-"], b"\0asm\x01\0\0\0", 1, "is a core module, not a component"),
        (&["-"], b"\0asm\x0d\0\x01\0\x07\xff", 1, "is damaged"),
        (&[], b"", 2, "usage: trayphone-compile"),
        (&["--fast", "-"], b"", 2, "unknown option --fast"),
        (&["-", "-"], b"", 2, "one plugin at a time"),
        (&["/nowhere/plugin.wasm"], b"", 3, "/nowhere/plugin.wasm: "),
    ];
    for (arguments, input, code, said) in table {
        let output = helper(arguments, input);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
        assert!(output.stdout.is_empty(), "{arguments:?}: code all the same");
    }
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = env::temp_dir().join(format!("trayphone-compile-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        entries.map(|entry| entry.file_name()).collect::<Vec<_>>()
    };
    let target: PathBuf = folder.join("plugin.cwasm");
    let output = helper(&["--output", &target.display().to_string(), "-"], b"nonsense");
    assert_eq!(output.status.code(), Some(1));
    assert!(names(&folder).is_empty());
    let output = helper(&["--output", &target.display().to_string(), "-"], EMPTY);
    assert!(output.status.success());
    assert_eq!(names(&folder), ["plugin.cwasm"]);
    fs::remove_dir_all(folder).expect("removed");
}
