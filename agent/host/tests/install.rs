//! Installing: what is refused and how it is said, what the user is asked, and that nothing is ever half there.

mod common;
mod surgery;

use agent_core::port::host::{HostCommand, HostEvent};
use agent_host::{Ask, Consent, ConsentKind, HostConfig, HostError, Reach};
use common::{Folder, Manner, Profile, Server, built};
use std::{fs, path::PathBuf};

const DEMO: &str = "io.trayphone.demo-crm";
const BASE: (&str, &str) = ("base_url", "http://127.0.0.1:8080");

/// A copy of the demo's plugin, to be changed.
struct Copy {
    folder: Folder,
}

impl Copy {
    fn new() -> Self {
        let folder = Folder::new();
        for name in ["plugin.toml", "plugin.wasm"] {
            fs::copy(built("demo-crm").join(name), folder.0.join(name)).expect("a copy");
        }
        Self { folder }
    }

    fn manifest(self, from: &str, to: &str) -> Self {
        let path = self.folder.0.join("plugin.toml");
        let text = fs::read_to_string(&path).expect("a manifest");
        assert!(text.contains(from), "the manifest has no {from:?}");
        fs::write(path, text.replacen(from, to, 1)).expect("a manifest");
        self
    }

    /// Replaces one name by another of the same length wherever it stands.
    fn wasm(self, from: &str, to: &str) -> Self {
        assert_eq!(from.len(), to.len());
        let path = self.folder.0.join("plugin.wasm");
        let mut bytes = fs::read(&path).expect("a component");
        let places: Vec<usize> =
            (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
        assert!(!places.is_empty(), "the component has no {from:?}");
        for at in places {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        fs::write(path, bytes).expect("a component");
        self
    }

    /// What installing it says; nothing may be left of it.
    fn refusal(&self, settings: &[(&str, &str)]) -> String {
        let profile = Profile::new();
        let error = profile.install(&self.folder.0, settings).expect_err("it was installed");
        assert!(agent_host::list(&profile.config).is_empty());
        let files = profile.folder.files();
        assert!(files.is_empty() || files == ["plugins"], "left behind: {files:?}");
        error.to_string()
    }
}

#[test]
fn a_manifest_that_is_wrong_is_refused_with_line_and_suggestion() {
    let table = [
        ("license =", "licence =", "plugin.toml:7: unknown key \"licence\": did you mean \"license\"?"),
        ("[provides]", "[provide]", "unknown key \"provide\": did you mean \"provides\"?"),
        ("methods = [\"GET\"]", "methods = [\"BREW\"]", "the method \"BREW\" is none of"),
        ("paths = [\"/api/contacts\"]", "paths = [\"/api/../\"]", "not the plain beginning of a path"),
        (
            "hosts = [\"{base_url}\"]",
            "hosts = [\"{base_url}\", \"https://*.evil.example\"]",
            "plugin.toml:21: the host \"https://*.evil.example\" is a pattern, and no pattern fits a host",
        ),
        (
            "sends = [\"caller-number\"]",
            "sends = [\"everything\"]",
            "\"everything\" is nothing a plugin can send",
        ),
        ("id = \"io.trayphone.demo-crm\"", "id = \"../../etc\"", "the id is not like"),
        ("id = \"io.trayphone.demo-crm\"", "id = \"con.trayphone\"", "the id is not like"),
        ("name = \"Demo CRM\"", "name = \"Demo\\u001b[2J\"", "the name is one line"),
        ("lookup_ms = 1500", "lookup_ms = 90000", "lookup_ms is 50 to 5000"),
        ("type = \"url\"", "type = \"urn\"", "unknown variant `urn`"),
        ("[plugin]", "[plugin", "plugin.toml:2:"),
        ("lookup = true", "lookup = false", "[provides] names nothing"),
    ];
    for (from, to, said) in table {
        let error = Copy::new().manifest(from, to).refusal(&[BASE]);
        assert!(error.contains(said), "{to}: {error}");
    }
}

#[test]
fn settings_that_are_missing_unknown_or_do_not_fit_are_named() {
    let plugin = Copy::new();
    let table: [(&[(&str, &str)], &str); 7] = [
        (&[], "the setting \"base_url\" (Address of the CRM) is missing: give it with `--set base_url=…`"),
        (&[BASE, ("base_ur", "x")], "did you mean \"base_url\"?"),
        (&[("base_url", "crm.example.com")], "is not a web address"),
        (&[("base_url", "https://*.crm.example")], "is a pattern, and no pattern fits a host"),
        (&[("base_url", "file:///etc/passwd")], "begins with https:// or http://"),
        (&[("base_url", "https://good.example@evil.test")], "carries neither a user name"),
        (&[("base_url", "http://169.254.169.254")], "is reserved"),
    ];
    for (settings, said) in table {
        let error = plugin.refusal(settings);
        assert!(error.contains(said), "{settings:?}: {error}");
    }
}

#[test]
fn a_plain_or_private_address_needs_a_manifest_that_asks_for_it() {
    let plain = Copy::new().manifest("plain = true", "plain = false");
    assert!(plain.refusal(&[BASE]).contains("is not encrypted"));
    let private = Copy::new().manifest("private = true", "private = false");
    assert!(private.refusal(&[BASE]).contains("is on this computer or in a private network"));
}

#[test]
fn no_setting_can_become_another_part_of_an_address() {
    let plugin = Copy::new()
        .manifest("type = \"url\"", "type = \"host-label\"")
        .manifest("hosts = [\"{base_url}\"]", "hosts = [\"https://{base_url}.crm.example\"]")
        .manifest("hosts = [\"{base_url}\"]", "hosts = [\"https://{base_url}.crm.example\"]");
    for value in ["evil.test/", "x@evil.test", "a.b", "UPPER", "", "-a", "a:1", "evil.test#"] {
        let error = plugin.refusal(&[("base_url", value)]);
        assert!(error.contains("one part of a host name"), "{value}: {error}");
    }
    let profile = Profile::new();
    let info = profile.install(&plugin.folder.0, &[("base_url", "acme")]).expect("installed");
    assert_eq!(info.hosts, ["https://acme.crm.example:443"]);
    let whole = Copy::new().manifest("hosts = [\"{base_url}\"]", "hosts = [\"https://{base_url}\"]");
    assert!(whole.refusal(&[BASE]).contains("only a whole address"));
}

#[test]
fn what_the_agent_does_not_offer_is_named() {
    let table = [
        (
            "trayphone:plugin/http@0.1.0",
            "wasi:filesystem/types@0.2.0",
            "needs wasi:filesystem/types@0.2.0, which this agent does not offer",
        ),
        ("trayphone:plugin/http@0.1.0", "trayphone:plugin/http@2.0.0", "made for version 2.0.0"),
        ("trayphone:plugin/http@0.1.0", "trayphone:plugin/sock@0.1.0", "needs trayphone:plugin/sock@0.1.0"),
        ("trayphone:plugin/lookup@0.1.0", "trayphone:plugin/lockup@0.1.0", "does not export it"),
        ("trayphone:plugin/lookup@0.1.0", "trayphone:plugin/lookup@3.1.0", "made for version 3.1.0"),
    ];
    for (from, to, said) in table {
        let error = Copy::new().wasm(from, to).refusal(&[BASE]);
        assert!(error.contains(said), "{to}: {error}");
    }
    let other = Copy::new().manifest("api = \"0.1\"", "api = \"1.0\"").refusal(&[BASE]);
    assert!(other.contains("made for version 1.0 of trayphone:plugin; this agent speaks 0.1"), "{other}");
}

#[test]
fn what_is_no_component_is_refused() {
    let table: [(&[u8], &str); 4] = [
        (b"#!/bin/sh", "is not WebAssembly"),
        (b"\0asm\x01\0\0\0", "is a core module, not a component"),
        (b"\0asm\x0d\0\x01\0\xff\xff", "is damaged"),
        (b"", "is not WebAssembly"),
    ];
    for (bytes, said) in table {
        let plugin = Copy::new();
        fs::write(plugin.folder.0.join("plugin.wasm"), bytes).expect("a file");
        let error = plugin.refusal(&[BASE]);
        assert!(error.contains(said), "{bytes:?}: {error}");
    }
    let large = Copy::new();
    fs::write(large.folder.0.join("plugin.wasm"), vec![0; 9 << 20]).expect("a file");
    assert!(large.refusal(&[BASE]).contains("is larger than"));
    // Cut off, and every byte flipped in turn near the front: an error, whatever it is, and no panic.
    let whole = fs::read(built("demo-crm").join("plugin.wasm")).expect("a component");
    for at in (0..600).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let _either_way = agent_host::inspect(&bytes);
        let _either_way = agent_host::inspect(&whole[..at]);
    }
}

#[test]
fn the_user_is_asked_for_every_host_and_no_leaves_nothing() {
    let profile = Profile::new();
    let mut asked: Vec<Consent> = Vec::new();
    let settings = [("base_url".to_owned(), "http://127.0.0.1:8080".to_owned())];
    let mut no = |consent: &Consent| {
        asked.push(consent.clone());
        false
    };
    let ask = Ask { consent: &mut no, progress: &mut |_| {} };
    let refused = agent_host::install(&profile.config, &built("demo-crm"), &settings, ask);
    assert_eq!(refused, Err(HostError::NotGranted));
    assert!(profile.folder.files().is_empty());
    let [consent] = &asked[..] else { panic!("asked {} times", asked.len()) };
    let places: Vec<_> =
        consent.rows.iter().map(|row| (row.kind, row.place.as_str(), row.reach, row.unencrypted)).collect();
    assert_eq!(
        places,
        [
            (ConsentKind::Fetch, "http://127.0.0.1:8080", Reach::Loopback, true),
            (ConsentKind::Open, "http://127.0.0.1:8080", Reach::Loopback, true),
        ]
    );
    let text = consent.to_string();
    for line in [
        "where: http://127.0.0.1:8080 (on this computer, unencrypted)",
        "what:  caller-number (GET /api/contacts)",
        "why:   Find the caller among the contacts",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn a_name_that_may_be_private_is_said_to_be() {
    let profile = Profile::new();
    let mut text = String::new();
    let settings = [("base_url".to_owned(), "https://crm.acme.example/sub/".to_owned())];
    let mut yes = |consent: &Consent| {
        text = consent.to_string();
        true
    };
    let ask = Ask { consent: &mut yes, progress: &mut |_| {} };
    agent_host::install(&profile.config, &built("demo-crm"), &settings, ask).expect("installed");
    assert!(text.contains("https://crm.acme.example:443 (may be in a private network)"), "{text}");
    assert!(text.contains("GET /sub/api/contacts"), "{text}");
}

#[test]
fn without_the_helper_the_error_names_it() {
    let profile = Profile::new();
    let config =
        HostConfig { compiler: Some(PathBuf::from("/nowhere/trayphone-compile")), ..profile.config.clone() };
    let settings = [("base_url".to_owned(), BASE.1.to_owned())];
    let ask = Ask { consent: &mut |_| true, progress: &mut |_| {} };
    let error = agent_host::install(&config, &built("demo-crm"), &settings, ask).expect_err("installed");
    assert!(
        error.to_string().starts_with("/nowhere/trayphone-compile is missing: it belongs next to"),
        "{error}"
    );
    assert!(profile.folder.files().is_empty());
}

#[test]
fn an_update_that_fails_leaves_the_old_version_and_one_that_works_replaces_it() {
    let profile = Profile::new();
    profile.install(&built("demo-crm"), &[BASE]).expect("installed");
    let before = profile.folder.files();
    let broken = Copy::new().wasm("trayphone:plugin/http@0.1.0", "trayphone:plugin/sock@0.1.0");
    profile.install(&broken.folder.0, &[BASE]).expect_err("installed");
    assert_eq!(profile.folder.files(), before);
    let newer = Copy::new().manifest("version = \"0.1.0\"", "version = \"0.2.0\"");
    profile.install(&newer.folder.0, &[BASE]).expect("installed");
    let versions: Vec<String> = agent_host::list(&profile.config).into_iter().map(|it| it.version).collect();
    assert_eq!(versions, ["0.2.0"]);
    assert_eq!(profile.folder.files(), before);
}

#[test]
fn what_a_killed_install_left_is_swept_or_put_back() {
    let profile = Profile::new();
    profile.install(&built("demo-crm"), &[BASE]).expect("installed");
    let plugins = &profile.config.plugins;
    // Killed between moving the old one away and the new one in.
    fs::rename(plugins.join(DEMO), plugins.join(format!(".old-{DEMO}"))).expect("moved");
    assert!(agent_host::list(&profile.config).is_empty());
    agent_host::remove(&profile.config, "org.example.none").expect_err("there is none");
    assert_eq!(agent_host::list(&profile.config).len(), 1, "it was not put back");
}

#[test]
fn files_changed_after_the_install_run_no_more_and_it_is_said() {
    let server = Server::start(Manner::Good);
    type Change = fn(String) -> String;
    let changes: [(&str, Change, &str); 4] = [
        ("plugin.toml", |text| text.replace("GET", "POST"), "were changed since it was installed"),
        (
            "settings.toml",
            |_| "base_url = \"http://127.0.0.1:9\"\n".to_owned(),
            "name another host than was granted",
        ),
        ("settings.toml", |_| "base_urk = \"x\"\n".to_owned(), "did you mean \"base_url\"?"),
        ("grants.toml", |text| text.replace("/api/contacts", "/"), "another host than was granted"),
    ];
    for (file, change, said) in changes {
        let profile = Profile::new();
        profile.install(&built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
        let path = profile.config.plugins.join(DEMO).join(file);
        let text = fs::read_to_string(&path).expect("a file");
        fs::write(&path, change(text)).expect("a file");
        let running = profile.start();
        let problem = running.wait("the plugins", |event| match event {
            HostEvent::Plugins(plugins) => plugins.into_iter().next().and_then(|it| it.problem),
            _ => None,
        });
        assert!(problem.contains(said), "{file}: {problem}");
        running.ask(1);
        running.wait("the end", |event| matches!(event, HostEvent::LookupDone { .. }).then_some(()));
        running.host.send(HostCommand::Reload);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn removing_what_is_not_there_names_what_is() {
    let profile = Profile::new();
    profile.install(&built("demo-crm"), &[BASE]).expect("installed");
    for id in ["demo-crm", "../plugins", "", "."] {
        let error = agent_host::remove(&profile.config, id).expect_err("removed").to_string();
        assert!(error.ends_with("is installed (there is io.trayphone.demo-crm)"), "{error}");
    }
    agent_host::remove(&profile.config, DEMO).expect("removed");
    assert_eq!(profile.folder.files(), ["plugins"]);
}

#[test]
fn a_plugin_that_crashes_when_it_starts_is_not_installed() {
    let plugin = Copy::new();
    let path = plugin.folder.0.join("plugin.wasm");
    let sound = fs::read(&path).expect("a component");
    fs::write(&path, surgery::crashing_at_start(&sound)).expect("a component");
    let error = plugin.refusal(&[BASE]);
    assert!(error.contains("the plugin does not start: it was stopped: it crashed"), "{error}");
    fs::write(&path, surgery::looping_at_start(&sound)).expect("a component");
    let error = plugin.refusal(&[BASE]);
    assert!(
        error.contains("the plugin does not start: it was stopped: it computes for longer than 250 ms"),
        "{error}"
    );
}
