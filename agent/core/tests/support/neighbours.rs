//! Lines of a transcript that sound, plugins, the store and the desktop say.

use super::{account_id, call, quoted, sdp, wire::problem};
use crate::support::account;
use agent_core::{
    caller::CallerCard,
    certificate::CertificateRule,
    id::AccountId,
    pbx::{BUILT_IN, PbxProfile},
    port::{
        host::{HostEvent, HostTrouble, PluginInfo},
        media::{AudioState, Flow, MediaEvent},
        shell::{Part, ShellEvent},
        store::{PasswordQuestion, SecretProblem, StoreEvent},
    },
    secret::Secret,
    settings::{
        AudioBackend, AutoAnswer, BlockedHear, Keys, Language, OpenRule, RemoteDial, Settings, Transfers,
    },
};
use std::collections::BTreeMap;

fn flow(word: &str) -> Option<Flow> {
    [Flow::SendRecv, Flow::SendOnly, Flow::RecvOnly, Flow::Inactive]
        .into_iter()
        .find(|f| format!("{f:?}") == word)
}

pub(super) fn media(first: &str, rest: &[&str]) -> Option<MediaEvent> {
    let id = || call(rest[0]);
    Some(match first {
        "offered" => MediaEvent::Offered { call: id()?, sdp: sdp(rest.get(1))? },
        "accepted" => MediaEvent::Accepted { call: id()?, sdp: sdp(rest.get(1))?, flow: flow(rest[2])? },
        "completed" => MediaEvent::Completed { call: id()?, flow: flow(rest[1])? },
        "refused" => MediaEvent::Refused { call: id()?, why: problem(&rest[1..])? },
        "events" => MediaEvent::Events { call: id()?, known: rest[1] == "true" },
        "silent" => MediaEvent::Silent { call: id()? },
        "heard" => MediaEvent::Heard { call: id()? },
        "digit" => MediaEvent::Digit { call: id()?, digit: rest[1].chars().next()? },
        "audio" => MediaEvent::Audio(match rest {
            ["null", why] => AudioState::Null { why: quoted(why)? },
            ["device", input, output, missing @ ..] => AudioState::Device {
                input: quoted(input)?,
                output: quoted(output)?,
                missing: missing.iter().filter_map(|name| quoted(name)).collect(),
            },
            _ => AudioState::Wav,
        }),
        _ => return None,
    })
}

pub(super) fn host(first: &str, rest: &[&str]) -> Option<HostEvent> {
    let id = || call(rest[0]);
    Some(match first {
        "plugins" => HostEvent::Plugins(rest.iter().map(|id| plugin(id)).collect()),
        "found" => HostEvent::Found { call: id()?, card: card(&rest[1..])? },
        "not-found" => HostEvent::NotFound {
            call: id()?,
            plugin: rest[2].to_owned(),
            error: rest.get(3).and_then(|e| quoted(e)),
        },
        "lookup-done" => HostEvent::LookupDone { call: id()? },
        "trouble" => HostEvent::Trouble {
            plugin: rest[0].to_owned(),
            what: match rest[1] {
                "Tampered" => HostTrouble::Tampered,
                "NoSealKey" => HostTrouble::NoSealKey,
                _ => return None,
            },
        },
        "open-record" => {
            HostEvent::OpenRecord { call: id()?, plugin: rest[3].to_owned(), url: rest[1].to_owned() }
        }
        _ => return None,
    })
}

fn plugin(id: &str) -> PluginInfo {
    PluginInfo {
        id: id.to_owned(),
        name: id.to_owned(),
        version: "1".to_owned(),
        hosts: Vec::new(),
        sends: Vec::new(),
        problem: None,
    }
}

fn card(rest: &[&str]) -> Option<CallerCard> {
    let name = quoted(rest.first()?)?;
    let (company, rest) = match rest[1..].first().and_then(|w| quoted(w)) {
        Some(company) => (Some(company), &rest[2..]),
        None => (None, &rest[1..]),
    };
    let (url, rest) = match rest {
        ["by", ..] => (None, rest),
        [url, rest @ ..] => (Some((*url).to_owned()), rest),
        [] => return None,
    };
    let ["by", source] = rest else { return None };
    Some(CallerCard { source: (*source).to_owned(), name, company, url })
}

/// `0.3`: the third question of all, for the first account.
/// An account at another PBX.
const ELSEWHERE: &str = "sip:2001@other.example:5070";

fn question(word: &str) -> Option<PasswordQuestion> {
    let (id, generation) = word.split_once('.')?;
    let id: u32 = id.parse().ok()?;
    let generation = generation.parse().ok()?;
    // Where there are four accounts, the fourth is at another PBX (`elsewhere=3`).
    let aor = if id == 3 { ELSEWHERE.to_owned() } else { account(id).aor };
    Some(PasswordQuestion { account: AccountId(id), aor, generation })
}

pub(super) fn store(first: &str, rest: &[&str]) -> Option<StoreEvent> {
    Some(match first {
        "settings" => StoreEvent::Settings(Box::new(settings(rest)?)),
        "password" => StoreEvent::Password {
            question: question(rest[0])?,
            result: Ok(Secret::new("secret".to_owned())),
        },
        "no-password" => StoreEvent::Password {
            question: question(rest[0])?,
            result: Err(match rest[1..] {
                ["missing"] => SecretProblem::Missing,
                ["no-keyring", detail] => SecretProblem::NoKeyring(quoted(detail)?),
                ["no-variable", name] => SecretProblem::NoVariable(quoted(name)?),
                ["at-start-only", name] => SecretProblem::AtStartOnly(quoted(name)?),
                ["failed", detail] => SecretProblem::Failed(quoted(detail)?),
                _ => return None,
            }),
        },
        "trouble" => StoreEvent::Trouble(quoted(rest[0])?),
        "journal" => StoreEvent::Journal(quoted(rest[0])),
        "profiles" => StoreEvent::Profiles(profiles(rest)),
        "kept" => StoreEvent::Kept(super::switching::kept(rest)?),
        "dialled" => {
            let one = |words: &[&str]| Some((quoted(words[0])?, account_id(words[2])?, words[1] == "hidden"));
            StoreEvent::Dialled(rest.chunks_exact(3).filter_map(one).collect())
        }
        _ => return None,
    })
}

/// Profiles that come along, by their names.
fn profiles(rest: &[&str]) -> BTreeMap<String, PbxProfile> {
    let wanted = |name: &str| rest.iter().any(|word| quoted(word).as_deref() == Some(name));
    let all = BUILT_IN.iter().filter(|(name, _)| wanted(name));
    all.filter_map(|(name, text)| Some(((*name).to_owned(), toml::from_str(text).ok()?))).collect()
}

/// `accounts=2 change=1 lang=de waiting=false most=2 open=ring ring=30 lookup=500 prefix=0 area=30 audio=null`.
fn settings(rest: &[&str]) -> Option<Settings> {
    let mut settings = Settings { language: Language::En, ..Settings::default() };
    for word in rest {
        let (key, value) = word.split_once('=')?;
        match key {
            "accounts" => settings.accounts = (0..value.parse().ok()?).map(account).collect(),
            "change" => settings.accounts[value.parse::<usize>().ok()?].username = Some("other".to_owned()),
            "lang" if value == "de" => settings.language = Language::De,
            "lang" if value == "fr" => settings.language = Language::Fr,
            "waiting" => settings.calls.waiting = value == "true",
            "busy" => settings.accounts[value.parse::<usize>().ok()?].waiting = Some(false),
            "known" => settings.accounts[value.parse::<usize>().ok()?].reject_anonymous = true,
            "first-use" => {
                settings.accounts[value.parse::<usize>().ok()?].certificate = CertificateRule::FirstUse;
            }
            "auto" => settings.accounts[value.parse::<usize>().ok()?].auto_answer = AutoAnswer::Registrar,
            "transfers" => {
                let rule = match value {
                    "never" => Transfers::Never,
                    "ask" => Transfers::Ask,
                    "follow" => Transfers::Follow,
                    _ => return None,
                };
                settings.accounts.iter_mut().for_each(|account| account.transfers = rule);
            }
            "remote" => {
                settings.accounts[0].remote_dial = match value {
                    "never" => RemoteDial::Never,
                    "follow" => RemoteDial::Follow,
                    _ => return None,
                };
            }
            "info" => settings.accounts[value.parse::<usize>().ok()?].dtmf = Keys::Info,
            "blocked" => settings.calls.blocked.push(value.to_owned()),
            "hear" => settings.calls.blocked_hear = BlockedHear::Declined,
            "elsewhere" => {
                settings.accounts[value.parse::<usize>().ok()?].aor = ELSEWHERE.to_owned();
            }
            "most" => settings.calls.most = value.parse().ok()?,
            "ring" => settings.calls.ring_seconds = value.parse().ok()?,
            "lookup" => settings.calls.lookup_ms = value.parse().ok()?,
            "open" if value == "ring" => settings.screen_pop.open = OpenRule::Ring,
            "open" if value == "never" => settings.screen_pop.open = OpenRule::Never,
            "audio" if value == "null" => settings.audio.backend = AudioBackend::Null,
            "audio" if value == "wav" => settings.audio.backend = AudioBackend::Wav,
            "prefix" => settings.numbers.outside_prefix = value.to_owned(),
            "area" => settings.numbers.area = value.to_owned(),
            "watch" => settings.accounts[0].watch = value.split('+').map(str::to_owned).collect(),
            "profile" => settings.accounts.iter_mut().for_each(|it| it.profile = value.to_owned()),
            "publish" => settings.accounts[value.parse::<usize>().ok()?].publish = true,
            _ => return None,
        }
    }
    Some(settings)
}

pub(super) fn shell(first: &str, rest: &[&str]) -> Option<ShellEvent> {
    let parts = [Part::Tray, Part::Toasts, Part::ToastButtons, Part::Hotkeys, Part::Selection, Part::Browser];
    Some(match first {
        "part" => ShellEvent::Part {
            part: parts.into_iter().find(|p| format!("{p:?}") == rest[0])?,
            problem: quoted(rest[1]),
        },
        "open-failed" => ShellEvent::OpenFailed { why: quoted(rest[0])? },
        _ => return None,
    })
}
