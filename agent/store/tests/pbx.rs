//! The PBX profiles from outside: those that come along, one's own file, and what is told of one that is wrong.

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;

use agent_core::port::store::StoreEvent;
use agent_store::{Profile, check_profiles, read_settings};
use common::Running;
use std::{fs, path::Path};

fn write(dir: &Path, profile: &str) {
    let opened = Profile::open(Some(dir)).unwrap();
    let text = format!("[[account]]\naor = \"sip:1@x\"\npassword = \"env:NONE\"\nprofile = '{profile}'\n");
    fs::write(opened.settings_file(), text).unwrap();
}

fn code(event: StoreEvent, name: &str) -> Option<(String, bool)> {
    let StoreEvent::Profiles(all) = event else { panic!("{event:?}") };
    all[name].codes.dnd_on.as_ref().map(|code| (code.code.clone(), code.verified))
}

#[test]
fn a_pbx_profile_comes_along_or_is_the_users_own() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("p");
    write(&at, "grandstream");
    assert_eq!(code(Running::start(&at).any(), "grandstream"), Some(("*77".to_owned(), true)));
    write(&at, "auto");
    assert!(matches!(Running::start(&at).any(), StoreEvent::Profiles(all) if all.len() > 9));
    write(&at, "none");
    assert!(matches!(Running::start(&at).any(), StoreEvent::Settings(_)));

    let own = dir.path().join("mine.toml");
    let text = "name = \"Mine\"\n[codes]\ndnd_on = { code = \"*1\", verified = true, source = \"tried\" }\n";
    fs::write(&own, text).unwrap();
    let name = own.display().to_string();
    write(&at, &name);
    assert_eq!(code(Running::start(&at).any(), &name), Some(("*1".to_owned(), true)));
}

#[test]
fn a_wrong_profile_is_told_and_the_phone_works_without_its_codes() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("p");
    let own = dir.path().join("mine.toml");
    write(&at, &own.display().to_string());
    let store = Running::start(&at);
    assert!(matches!(store.any(), StoreEvent::Trouble(text) if text.contains("mine.toml")));
    assert!(matches!(store.any(), StoreEvent::Settings(_)));
    fs::write(&own, "name = \"Mine\"\n[codes]\nfly = 1\n").unwrap();
    let store = Running::start(&at);
    assert!(
        matches!(store.any(), StoreEvent::Trouble(text) if text.contains("mine.toml:3:1: unknown field `fly`"))
    );
    // Who looks at the settings by hand is told, too.
    let settings = read_settings(&Profile::open(Some(&at)).unwrap()).unwrap();
    assert!(check_profiles(&settings).unwrap_err().to_string().contains("fly"));
    fs::write(&own, [b'a'; 70_000]).unwrap();
    assert!(check_profiles(&settings).unwrap_err().to_string().contains("65536"));
}
