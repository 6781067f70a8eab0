//! The command line and what may stand in a profile: settings that are no file, and commands that only look.

use harness::{
    agent::plain_command,
    wait::{self, SOON},
};
use std::{
    fs::{self, File},
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A profile with these settings.
fn profile(folder: &Path, settings: &str) -> PathBuf {
    let profile = folder.join("profile");
    fs::create_dir_all(&profile).expect("the folder is ours");
    fs::write(profile.join("trayphone.toml"), settings).expect("the folder is ours");
    profile
}

/// Runs a command to its end, which must come.
fn ended(command: &mut Command) -> Output {
    let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("it starts");
    let over = wait::until(SOON, || child.try_wait().ok().flatten());
    if over.is_none() {
        let _ = child.kill();
    }
    let output = child.wait_with_output().expect("it ends");
    assert!(over.is_some(), "it hangs: {}", said(&output));
    output
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that has to end with this code and these words.
fn expect(command: &mut Command, exit: i32, part: &str) -> Output {
    let output = ended(command);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(exit), "{text}");
    assert!(text.contains(part) && !text.contains("panicked"), "{part:?} is not in {text:?}");
    output
}

#[test]
fn settings_that_are_no_file_of_settings_are_named_and_wait_for_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "");
    let file = profile.join("trayphone.toml");
    let gone = || drop(fs::remove_file(&file).or_else(|_| fs::remove_dir(&file)));
    let each = |part: &str| {
        for arguments in [
            &["settings"][..],
            &["account", "list"],
            &["run", "--headless"],
            &["account", "add", "sip:1@h", "--password-env", "X"],
        ] {
            let output = ended(plain_command(&profile).args(arguments));
            let text = said(&output);
            assert!(!output.status.success() && text.contains(part), "{arguments:?}: {text}");
            assert!(text.contains("trayphone.toml"), "{arguments:?} names no file: {text}");
        }
    };
    gone();
    fs::create_dir(&file).expect("ours");
    each("a folder");
    gone();
    let made = Command::new("mkfifo").arg(&file).status().expect("coreutils");
    assert!(made.success());
    each("no file");
    gone();
    symlink("/dev/zero", &file).expect("ours");
    each("no file");
    gone();
    let _socket = UnixListener::bind(&file).expect("a socket");
    each("no file");
    gone();
    File::create(&file).and_then(|file| file.set_len(10 << 20)).expect("ours");
    each("larger than");
    gone();
    fs::write(&file, b"\x7fELF\x02\x01\xff\xfe").expect("ours");
    each("");
}

#[test]
fn a_profile_that_is_a_file_is_said_to_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("ours");
    for arguments in
        [&["settings"][..], &["status"], &["journal"], &["plugin", "list"], &["run", "--headless"]]
    {
        let output = ended(plain_command(&file).args(arguments));
        let text = said(&output);
        assert!(text.contains("not a folder"), "{arguments:?}: {text}");
    }
}

#[test]
fn commands_that_only_look_write_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "");
    let before = fs::read_dir(&profile).expect("ours").count();
    for arguments in [
        &["plugin", "list"][..],
        &["--json", "plugin", "list"],
        &["plugin", "remove", "org.example.crm"],
        &["settings"],
        &["account", "list"],
        &["journal"],
        &["ledger"],
        &["status"],
    ] {
        let output = ended(plain_command(&profile).args(arguments));
        let left: Vec<_> = fs::read_dir(&profile).expect("ours").flatten().map(|it| it.file_name()).collect();
        assert_eq!(left.len(), before, "{arguments:?} left {left:?}: {}", said(&output));
    }
}
