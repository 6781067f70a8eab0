//! The settings file from outside: what is accepted, every mistake with its place, and edits that keep the rest.

#[expect(dead_code, reason = "every test program uses its part of it")]
mod common;

use agent_core::settings::{AccountSettings, AudioBackend, Language, OpenRule, PasswordSource, Settings};
use agent_store::{
    DEFAULT_FILE, Profile, StoreError, add_account, parse_settings, read_settings, remove_account,
    write_default,
};
use std::{fs, path::Path};

const FILE: &str = "/profile/trayphone.toml";

fn errors(text: &str) -> Vec<String> {
    let errors = parse_settings(Path::new(FILE), text).expect_err(text);
    errors.0.iter().map(|error| error.to_string().replace(&format!("{FILE}:"), "")).collect()
}

fn account(aor: &str) -> AccountSettings {
    AccountSettings { aor: aor.to_owned(), ..AccountSettings::default() }
}

fn profile() -> (tempfile::TempDir, Profile) {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(&dir.path().join("p"))).unwrap();
    (dir, profile)
}

type Case<'a> = (&'a str, &'a [&'a str]);

fn told(cases: &[Case<'_>]) {
    for (text, expected) in cases {
        assert_eq!(errors(text), *expected, "{text}");
    }
}

#[test]
fn a_slip_in_a_section_is_told_with_its_place() {
    told(&[
        ("langauge = \"de\"", &["1:1: unknown setting \"langauge\": did you mean \"language\"?"]),
        ("\n  [Audio]\n", &["2:4: unknown setting \"Audio\": did you mean \"audio\"?"]),
        ("backend = \"null\"", &["1:1: unknown setting \"backend\": it belongs below [audio]"]),
        (
            "[audio]\nring_seconds = 20",
            &["2:1: unknown setting \"ring_seconds\" in [audio]: it belongs below [calls]"],
        ),
        (
            "[screen-pop]\nwhenever = 1",
            &["2:1: unknown setting \"whenever\" in [screen-pop]: there are open"],
        ),
        (
            "[calls]\nring_second = 1\nmost = \"many\"",
            &[
                "2:1: unknown setting \"ring_second\" in [calls]: did you mean \"ring_seconds\"?",
                "3:8: most: invalid type: string \"many\", expected a whole number",
            ],
        ),
        ("[calls]\nwaiting = 1", &["2:11: waiting: invalid type: integer `1`, expected a boolean"]),
        (
            "language = \"es\"",
            &["1:12: language: unknown variant `es`, expected one of `auto`, `de`, `en`, `fr`"],
        ),
        ("audio = \"null\"", &["1:9: [audio] is a section: write its settings in lines below [audio]"]),
    ]);
}

#[test]
fn a_slip_in_an_account_or_in_several_places_is_told_with_its_place() {
    let rule = "a password does not belong in this file: write \"keyring\" and run `trayphone account password`, or \
                write \"env:NAME\" to take it from an environment variable";
    told(&[
        ("[account]\naor = \"sip:1@b\"", &["1:1: an account begins with [[account]], in two brackets"]),
        (
            "[[account]]\nusername = \"1\"",
            &["1:1: this account has no aor: write aor = \"sip:1001@pbx.example\""],
        ),
        ("[[account]]\naor = 7", &["2:7: aor: invalid type: integer `7`, expected a string"]),
        ("[[account]]\naor = \"sip:1@b\"\npassword = \"geheim\"", &[&format!("3:12: password: {rule}")]),
        ("[[account]]\naor = \"sip:1@b\"\npassword = 4711", &[&format!("3:12: password: {rule}")]),
        ("[[account]]\naor = \"sip:1@b\"\npassword = \"env:\"", &[&format!("3:12: password: {rule}")]),
        (
            "[[account]]\naor = \"sip:1@b\"\npasword = \"geheim\"",
            &["3:1: unknown setting \"pasword\" in [[account]]: did you mean \"password\"?"],
        ),
        (
            "[[account]]\naor = \"sip:1@b\"\n[[account]]\naor = \"sip:1@b\"",
            &["4:7: aor: “sip:1@b” is there twice; there is one account to an address"],
        ),
        (
            "[calls]\nmost = 0\nwaiting = 1\n[numbers]\ncountry = \"XX\"\n[[account]]\naor = \"1001\"\npassword = \"geheim\"\n",
            &[
                "2:8: most: must be from 1 to 1000, but is 0",
                "3:11: waiting: invalid type: integer `1`, expected a boolean",
                "5:11: country: “XX” is not a two-letter country code such as DE",
                "7:7: aor: “1001” is not an address like sip:1001@pbx.example",
                &format!("8:12: password: {rule}"),
            ],
        ),
        (
            "[audio]\nbackend = \"wav\"\noutput = \"out.wav\"",
            &[
                "1:1: input: is needed for backend = \"wav\": input is the file that stands in for the microphone, output the file that what is heard is written to",
            ],
        ),
        (
            "account = [{ aor = \"sip:1@b\" }, { aor = \"sip:1@B\" }]",
            &["1:41: aor: “sip:1@B” is there twice; there is one account to an address"],
        ),
        (
            "# ä\nlanguage = \"ä\" x",
            &["2:16: this is not TOML: unexpected key or value, expected newline, `#`"],
        ),
    ]);
}

#[test]
fn a_secret_is_never_repeated() {
    for text in [
        "[[account]]\naor = \"sip:1@b\"\npassword = \"geheim\"",
        "[[account]]\naor = \"sip:1@b\"\npassword = [\"geheim\"]",
        "[[account]]\naor = \"sip:1@b\"\npasswort = \"geheim\"",
        "[[account]]\naor = \"sip:1@b\"\npassword = \"geheim",
        "[[account]]\naor = \"sip:1@b\"\npassword = geheim",
        "[[account]]\naor = \"sip:1@b\"\npassword = { text = \"geheim\" }",
    ] {
        let told = errors(text).join("\n");
        assert!(!told.contains("geheim"), "{told}");
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = "language = 'fr'\n[[account]]\naor = 'sip:1001@pbx.example'\npassword = 'env:PBX'\n[audio]\nbackend = 'null'\n[screen-pop]\nopen = 'never'\n";
    let settings = parse_settings(Path::new(FILE), text).unwrap();
    assert_eq!(settings.language, Language::Fr);
    assert_eq!(settings.accounts[0].password, PasswordSource::Env("PBX".to_owned()));
    assert_eq!(settings.audio.backend, AudioBackend::Null);
    assert_eq!(settings.screen_pop.open, OpenRule::Never);
    assert_eq!(settings.calls, Settings::default().calls);
    assert_eq!(parse_settings(Path::new(FILE), "").unwrap(), Settings::default());
    assert_eq!(parse_settings(Path::new(FILE), "account = [{ aor = 'sip:1@b' }]").unwrap().accounts.len(), 1);
}

#[test]
fn the_default_file_says_what_holds_without_it() {
    assert_eq!(parse_settings(Path::new(FILE), DEFAULT_FILE).unwrap(), Settings::default());
    // Every setting it shows exists, and shows its default; what has none is left out.
    let written = DEFAULT_FILE
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.starts_with('[') || line.split(' ').nth(1) == Some("="))
        .filter(|line| !["input =", "output =", "ring ="].iter().any(|free| line.starts_with(free)))
        .collect::<Vec<_>>()
        .join("\n");
    let mut settings = parse_settings(Path::new(FILE), &written).unwrap();
    assert_eq!(settings.accounts.len(), 1);
    settings.accounts.clear();
    assert_eq!(settings, Settings::default());
}

#[test]
fn no_file_is_no_mistake_and_writes_none() {
    let (_dir, profile) = profile();
    let settings = read_settings(&profile).unwrap();
    assert_ne!(settings.language, Language::Auto);
    assert!(!profile.settings_file().exists());
    assert!(write_default(&profile).unwrap());
    assert_eq!(fs::read_to_string(profile.settings_file()).unwrap(), DEFAULT_FILE);
    fs::write(profile.settings_file(), "language = 'de'").unwrap();
    assert!(!write_default(&profile).unwrap());
    assert_eq!(read_settings(&profile).unwrap().language, Language::De);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let (_dir, profile) = profile();
    fs::write(profile.settings_file(), b"language = 'de'\n# caf\xe9").unwrap();
    let told = read_settings(&profile).unwrap_err().to_string();
    assert_eq!(
        told,
        format!("{}:2:6: not UTF-8 from here on: save the file in UTF-8", profile.settings_file().display())
    );
    fs::remove_file(profile.settings_file()).unwrap();
    fs::create_dir(profile.settings_file()).unwrap();
    let error = read_settings(&profile).unwrap_err();
    assert!(
        matches!(&error, StoreError::NoSettingsFile { file, .. } if *file == profile.settings_file()),
        "{error}"
    );
}

#[test]
fn an_edit_keeps_everything_else() {
    let (_dir, profile) = profile();
    let before = "# mine\nlanguage  =  'de' # so\n\n[[account]] # first\naor = 'sip:1@b'\n\n[calls]\nmost = 5\n# end\n";
    fs::write(profile.settings_file(), before).unwrap();
    let mut second = account("sip:2@b");
    second.registrar = Some("sip:b:5060;transport=tcp".to_owned());
    second.username = Some("two".to_owned());
    second.password = PasswordSource::Env("TWO".to_owned());
    add_account(&profile, &second).unwrap();
    let text = fs::read_to_string(profile.settings_file()).unwrap();
    for line in before.lines() {
        assert!(text.contains(line), "{line:?} is gone from {text}");
    }
    assert_eq!(read_settings(&profile).unwrap().accounts, [account("sip:1@b"), second.clone()]);
    assert!(matches!(add_account(&profile, &second), Err(StoreError::Account(_))));
    assert_eq!(remove_account(&profile, "sip:2@b").unwrap(), second);
    assert_eq!(fs::read_to_string(profile.settings_file()).unwrap(), before);
    let error = remove_account(&profile, "sip:2@b").unwrap_err().to_string();
    assert!(error.contains("sip:1@b"), "{error}");
    remove_account(&profile, "sip:1@b").unwrap();
    assert_eq!(read_settings(&profile).unwrap().accounts, []);
}

#[test]
fn the_first_account_makes_the_file() {
    let (_dir, profile) = profile();
    add_account(&profile, &account("sip:1001@pbx.example")).unwrap();
    let text = fs::read_to_string(profile.settings_file()).unwrap();
    assert!(
        text.contains("# [hotkeys]") && text.contains("\n[[account]]\naor = \"sip:1001@pbx.example\"\n"),
        "{text}"
    );
    assert!(text.starts_with(DEFAULT_FILE), "{text}");
    assert_eq!(read_settings(&profile).unwrap().accounts, [account("sip:1001@pbx.example")]);
    remove_account(&profile, "sip:1001@pbx.example").unwrap();
    assert_eq!(fs::read_to_string(profile.settings_file()).unwrap(), DEFAULT_FILE);
}

#[test]
fn comments_above_an_account_outlive_it() {
    let (_dir, profile) = profile();
    let text = "# mine\n[[account]]\naor = 'sip:1@b'\n\n# yours\n[[account]]\naor = 'sip:2@b'\n";
    fs::write(profile.settings_file(), text).unwrap();
    for aor in ["sip:1@b", "sip:2@b"] {
        remove_account(&profile, aor).unwrap();
        let text = fs::read_to_string(profile.settings_file()).unwrap();
        assert!(text.contains("# mine") && text.contains("# yours") && !text.contains(aor), "{text}");
    }
}

#[test]
fn a_file_with_mistakes_is_not_written_to() {
    let (_dir, profile) = profile();
    fs::write(profile.settings_file(), "langauge = 1").unwrap();
    let error = add_account(&profile, &account("sip:1@b")).unwrap_err();
    assert!(matches!(error, StoreError::Settings(_)), "{error}");
    assert_eq!(fs::read_to_string(profile.settings_file()).unwrap(), "langauge = 1");
    let left: Vec<_> = fs::read_dir(profile.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["trayphone.toml"], "no temporary file stays");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_profile_and_what_is_in_it_are_the_users_own() {
        let (_dir, profile) = profile();
        add_account(&profile, &account("sip:1@b")).unwrap();
        assert_eq!((mode(profile.dir()), mode(&profile.settings_file())), (0o700, 0o600));
        for dir in [profile.plugins_dir(), profile.logs_dir(), profile.cache_dir()] {
            assert_eq!(mode(&dir.unwrap()), 0o700);
        }
    }

    #[test]
    fn a_folder_others_may_write_to_is_refused_with_a_way_out() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(dir.path().join("x"), "").unwrap();
        let error = Profile::open(Some(dir.path())).unwrap_err().to_string();
        assert!(error.contains("chmod 700") && error.contains(&dir.path().display().to_string()), "{error}");
        // Commands that only read are misled by what others put there, too.
        let also = Profile::existing(Some(dir.path())).unwrap_err().to_string();
        assert_eq!(also, error);
        assert_eq!(mode(dir.path()), 0o777, "somebody else's folder is not ours to change");
        fs::remove_file(dir.path().join("x")).unwrap();
        Profile::open(Some(dir.path())).unwrap();
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn a_folder_others_may_look_into_shows_them_no_file_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.path().join("trayphone.toml"), "").unwrap();
        let profile = Profile::open(Some(dir.path())).unwrap();
        assert_eq!(Profile::existing(Some(dir.path())).unwrap(), profile);
        add_account(&profile, &account("sip:1@b")).unwrap();
        let store = common::Running::start(dir.path());
        store.keep(&common::call(0));
        store.flush();
        for dir in [profile.plugins_dir(), profile.logs_dir(), profile.cache_dir()] {
            assert_eq!(mode(&dir.unwrap()), 0o700);
        }
        let mut kept = 0;
        for entry in
            fs::read_dir(dir.path()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file())
        {
            assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
            kept += 1;
        }
        assert!(kept >= 2, "the settings and the journal");
        assert_eq!(mode(dir.path()), 0o755, "the user's choice");
    }

    #[test]
    fn a_file_or_an_impossible_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        for place in [file.clone(), file.join("below"), "/proc/trayphone".into()] {
            let error = Profile::open(Some(&place)).unwrap_err();
            assert!(matches!(&error, StoreError::Profile { dir, .. } if *dir == place), "{error}");
        }
    }

    #[test]
    fn a_linked_settings_file_stays_a_link() {
        let (dir, profile) = profile();
        let real = dir.path().join("dotfiles.toml");
        fs::write(&real, "language = 'de'\n").unwrap();
        symlink(&real, profile.settings_file()).unwrap();
        add_account(&profile, &account("sip:1@b")).unwrap();
        assert!(profile.settings_file().is_symlink());
        assert!(fs::read_to_string(&real).unwrap().contains("sip:1@b"));
    }
}

#[test]
fn no_text_breaks_the_reader() {
    let seed = "language = 'de'\n[[account]]\naor = 'sip:ä@b'\npassword = 'env:X'\n[calls]\nmost = 5\nwaiting = true\n\
                [numbers]\ncountry = 'DE'\narea = '30'\naudio.input = \"x\"\n[hotkeys]\nanswer = ''\n";
    let bytes = seed.as_bytes();
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..5000 {
        let mut text = bytes.to_vec();
        for _ in 0..=random(4) {
            let at = random(text.len());
            match random(4) {
                0 => text[at] = b"[]={}\"'.#\n0a\xc3"[random(13)],
                1 => drop(text.remove(at)),
                2 => text.insert(at, b"[]={}\"'.#\n0"[random(11)]),
                _ => {
                    let (from, to) = (at.min(text.len() / 2), at.max(text.len() / 2));
                    text.extend_from_within(from..to);
                }
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.lines().count().max(1) + 1;
        if let Err(errors) = parse_settings(Path::new(FILE), &text) {
            assert!(!errors.0.is_empty(), "{text}");
            assert!(
                errors.0.iter().all(|error| error.line <= lines && error.column >= 1),
                "{errors}\n{text}"
            );
        }
    }
}
