//! Compiled code on disk: used when its seal holds, thrown away when not, absent without a key.

mod common;

use agent_core::port::host::HostTrouble;
use common::{Manner, Profile, Server, built};
use std::{fs, path::PathBuf};

const DEMO: &str = "io.trayphone.demo-crm";

fn installed(server: &Server) -> Profile {
    let profile = Profile::new();
    profile.install(&built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
    profile
}

fn code(profile: &Profile) -> Vec<PathBuf> {
    let cache = profile.config.plugins.join(DEMO).join("cache");
    fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[test]
fn sealed_code_is_run_without_the_compiler() {
    let server = Server::start(Manner::Good);
    let mut profile = installed(&server);
    assert_eq!(code(&profile).len(), 1);
    profile.config.compiler = Some(PathBuf::from("/nowhere/trayphone-compile"));
    assert_eq!(profile.start().lookup(1).map(|card| card.name), Ok("Alice Schmidt".to_owned()));
}

#[test]
fn code_somebody_changed_is_never_run() {
    let server = Server::start(Manner::Good);
    let changes: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        },
        |bytes| bytes[..bytes.len() - 1].to_vec(),
        |_| Vec::new(),
        |bytes| [bytes, vec![0]].concat(),
    ];
    for change in changes {
        let mut profile = installed(&server);
        let [path] = &code(&profile)[..] else { panic!("one file of code") };
        fs::write(path, change(fs::read(path).expect("code"))).expect("code");
        // Nothing to compile anew with: it must rather not run at all.
        let compiler = profile.config.compiler.replace(PathBuf::from("/nowhere/trayphone-compile"));
        let running = profile.start();
        let fault = running.fault(1);
        assert!(fault.contains("trayphone-compile is missing"), "{fault}");
        assert_eq!(running.troubles(), [HostTrouble::Tampered], "the user hears of it");
        assert!(code(&profile).is_empty(), "the changed code is still there");
        // With the compiler it is made anew, and kept.
        profile.config.compiler = compiler;
        profile.start().lookup(1).expect("a card");
        assert_eq!(code(&profile).len(), 1);
    }
}

#[test]
fn another_key_s_code_is_not_run() {
    let server = Server::start(Manner::Good);
    let mut profile = installed(&server);
    profile.config.seal_key = Some([8; 32]).into();
    profile.config.compiler = Some(PathBuf::from("/nowhere/trayphone-compile"));
    let fault = profile.start().fault(1);
    assert!(fault.contains("trayphone-compile is missing"), "{fault}");
}

#[test]
fn without_a_key_no_code_is_kept_and_the_plugin_runs_all_the_same() {
    let server = Server::start(Manner::Good);
    let mut profile = Profile::new();
    profile.config.seal_key = None.into();
    profile.install(&built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
    let running = profile.start();
    running.lookup(1).expect("a card");
    assert!(code(&profile).is_empty());
    assert_eq!(running.troubles(), [HostTrouble::NoSealKey], "the user hears of it");
}

/// Longer than the plugin's own limit (`lookup_ms`, 2000).
#[cfg(unix)]
#[test]
fn a_call_that_comes_while_the_code_is_compiled_is_named_once_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(Manner::Good);
    let mut profile = Profile::new();
    profile.config.seal_key = None.into();
    profile.install(&built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
    let compiler = profile.config.compiler.take().expect("the compiler");
    let slow = profile.config.plugins.join("slow-compile");
    let script = format!("#!/bin/sh\nsleep 3\nexec '{}' \"$@\"\n", compiler.display());
    fs::write(&slow, script).expect("a script");
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o700)).expect("a program");
    profile.config.compiler = Some(slow);
    assert_eq!(profile.start().lookup(1).map(|card| card.name), Ok("Alice Schmidt".to_owned()));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_enter_a_plugin_s_folders() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(Manner::Good);
    let profile = installed(&server);
    let plugin = profile.config.plugins.join(DEMO);
    for folder in [&profile.config.plugins, &plugin, &plugin.join("cache")] {
        let mode = fs::metadata(folder).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
    }
}
