//! What kinds of PBX there are, which codes switch their features, and what each wants treated otherwise: data, a file each.

mod codes;

pub use codes::{Code, Codes};

use crate::settings::{Identity, Keys};
use serde::{Deserialize, Serialize};

/// The profiles that come with the program, by the name the settings know them by, each a TOML file.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("3cx", include_str!("../profiles/3cx.toml")),
    ("asterisk", include_str!("../profiles/asterisk.toml")),
    ("auerswald-compact", include_str!("../profiles/auerswald-compact.toml")),
    ("auerswald-comtrexx", include_str!("../profiles/auerswald-comtrexx.toml")),
    ("freepbx", include_str!("../profiles/freepbx.toml")),
    ("freeswitch", include_str!("../profiles/freeswitch.toml")),
    ("fritzbox", include_str!("../profiles/fritzbox.toml")),
    ("grandstream", include_str!("../profiles/grandstream.toml")),
    ("kamailio", include_str!("../profiles/kamailio.toml")),
    ("yeastar", include_str!("../profiles/yeastar.toml")),
    ("yeastar-s", include_str!("../profiles/yeastar-s.toml")),
];

/// The longest name, and the longest code with its number in it.
const LONGEST: usize = 64;
/// The most a profile may let an account ask a second.
const FASTEST: u32 = 100;

/// One kind of PBX.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PbxProfile {
    /// What people call it.
    pub name: String,
    /// What Server or User-Agent of its answers begin with; none: it is never found by itself.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Its codes.
    #[serde(default)]
    pub codes: Codes,
    /// What it wants otherwise than others.
    #[serde(default)]
    pub quirks: Quirks,
}

/// What a PBX wants otherwise. It holds where the account's settings are at their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// The most SUBSCRIBEs within a second (1 to 100); never more than the program's own pace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribes_per_second: Option<u32>,
    /// How keys are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtmf: Option<Keys>,
    /// What tells who calls, the first that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Vec<Identity>>,
    /// Callers who can are made to acknowledge that it rings (RFC 3262).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliable_ringing: Option<bool>,
    /// It tells do not disturb and forwarding by `as-feature-event`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_events: Option<bool>,
}

impl PbxProfile {
    /// What is wrong with it: the key, empty for the whole, and a sentence for whoever wrote the file.
    pub fn wrong(&self) -> Option<(&'static str, String)> {
        if self.name.trim().is_empty() || self.name.len() > LONGEST {
            return Some(("name", "say what people call this PBX, in at most 64 letters".to_owned()));
        }
        if self.agents.iter().any(|agent| agent.trim().len() < 3) {
            return Some(("agents", "three letters at least, or every PBX would fit".to_owned()));
        }
        if self.quirks.subscribes_per_second.is_some_and(|rate| !(1..=FASTEST).contains(&rate)) {
            return Some(("subscribes_per_second", format!("1 to {FASTEST}")));
        }
        if let Some(order) = &self.quirks.identity
            && (order.is_empty() || (0..order.len()).any(|at| order[..at].contains(&order[at])))
        {
            return Some(("identity", "each of them once, and one at least".to_owned()));
        }
        self.codes.all().find_map(|(key, code)| Some((key, code.wrong(key)?)))
    }

    /// How well it fits what a PBX calls itself: the length of the words that do, so that the closest is taken.
    pub fn fits(&self, product: &str) -> Option<usize> {
        let product = product.trim_start().to_ascii_lowercase();
        let fitting = self.agents.iter().filter(|agent| product.starts_with(&agent.to_ascii_lowercase()));
        fitting.map(String::len).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read(text: &str) -> Result<PbxProfile, String> {
        let profile: PbxProfile = toml::from_str(text).map_err(|error| error.to_string())?;
        profile.wrong().map_or(Ok(profile), |(key, what)| Err(format!("{key}: {what}")))
    }

    fn built_in() -> BTreeMap<&'static str, PbxProfile> {
        let read = |(name, text): &(&'static str, &str)| {
            (*name, read(text).unwrap_or_else(|wrong| panic!("{name}: {wrong}")))
        };
        BUILT_IN.iter().map(read).collect()
    }

    #[test]
    fn every_profile_that_comes_along_is_sound() {
        assert_eq!(built_in().len(), 11);
        for (name, profile) in built_in() {
            assert!(!profile.agents.is_empty() || name == "yeastar-s", "{name}");
            // What is switched on by a code is switched off by one.
            let codes = &profile.codes;
            for (on, off) in [
                (&codes.forward_always, &codes.forward_always_off),
                (&codes.forward_busy, &codes.forward_busy_off),
                (&codes.forward_no_answer, &codes.forward_no_answer_off),
                (&codes.dnd_on, &codes.dnd_off),
                (&codes.queue_in, &codes.queue_out),
                (&codes.queue_pause, &codes.queue_resume),
                (&codes.park, &codes.retrieve),
            ] {
                assert_eq!(on.is_some(), off.is_some(), "{name}: {on:?} {off:?}");
            }
        }
    }

    #[test]
    fn what_is_not_meant_is_refused() {
        for (text, part) in [
            ("agents = [\"Asterisk\"]", "name"),
            ("name = \"x\"\ncolour = \"red\"", "unknown field `colour`"),
            ("name = \"x\"\nagents = [\"A\"]", "three letters"),
            ("name = \"x\"\n[codes]\nfly = { code = \"*1\", verified = false }", "unknown field `fly`"),
            ("name = \"x\"\n[codes]\ndnd_on = { code = \"*1\" }", "verified"),
            (
                "name = \"x\"\n[codes]\ndnd_on = { code = \"sip:a@b\", verified = false }",
                "dnd_on: a code has",
            ),
            ("name = \"x\"\n[codes]\npickup = { code = \"*{number}{number}\", verified = false }", "once"),
            ("name = \"x\"\n[codes]\ndnd_on = { code = \"*1\", verified = true }", "source"),
            ("name = \"x\"\n[codes]\nforward_busy = { code = \"*1\", verified = false }", "{number}"),
            ("name = \"x\"\n[codes]\ndnd_on = { code = \"*1{number}\", verified = false }", "no number"),
            ("name = \"x\"\n[codes]\ndnd_on = { code = \"112\", verified = false }", "emergency"),
            ("name = \"x\"\n[codes]\nwithhold = { code = \"911{number}\", verified = false }", "emergency"),
            ("name = \"x\"\n[quirks]\nsubscribes_per_second = 0", "1 to 100"),
            ("name = \"x\"\n[quirks]\nsubscribes_per_second = 101", "1 to 100"),
            ("name = \"x\"\n[quirks]\nidentity = []", "one at least"),
            ("name = \"x\"\n[quirks]\nidentity = [\"from\", \"from\"]", "once"),
            ("name = \"x\"\n[quirks]\ndtmf = \"loud\"", "dtmf"),
        ] {
            let wrong = read(text).expect_err(text);
            assert!(wrong.contains(part), "{text}: {wrong}");
        }
        let least = read("name = \"x\"\n[quirks]\nsubscribes_per_second = 100").unwrap();
        assert_eq!(least.quirks.subscribes_per_second, Some(100));
    }

    #[test]
    fn a_pbx_is_known_by_its_own_words() {
        let profiles = built_in();
        let found = |product: &str| {
            let fits = profiles.iter().filter_map(|(name, it)| Some((it.fits(product)?, *name)));
            fits.max().map(|(_, name)| name)
        };
        assert_eq!(found("FPBX-16.0.40(18.16.0)"), Some("freepbx"));
        assert_eq!(found("Asterisk PBX 20.5.0"), Some("asterisk"));
        assert_eq!(found("AVM FRITZ!Box 7590 154.07.57"), Some("fritzbox"));
        assert_eq!(found(" kamailio (5.7.4 (x86_64/linux))"), Some("kamailio"));
        assert_eq!(found("FreeSWITCH-mod_sofia/1.10.11"), Some("freeswitch"));
        assert_eq!(found("Auerswald COMpact 5000"), Some("auerswald-compact"));
        assert_eq!(found("Auerswald COMtrexx Business"), Some("auerswald-comtrexx"));
        assert_eq!(found("Grandstream UCM6302V1.7A 1.0.19.27"), Some("grandstream"));
        assert_eq!(found("Trayphone/0.1"), None);
        assert_eq!(found(""), None);
    }
}
