//! `plugin.toml`: what a plugin is, what it provides, what can be set, and what it wants to reach and why.

use crate::{
    error::HostError,
    setting::{self, SettingKind, SettingSpec},
    toml_text::{self, Shape},
};
use agent_core::plain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of `trayphone:plugin` this agent speaks, as manifests write it.
pub const API: &str = "0.1";

/// What of a call a plugin can be granted to send to its hosts.
pub const SENDS: [&str; 2] = ["caller-number", "caller-name"];

/// A manifest, checked: every text in it is clean, every reference resolves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// `[plugin]`.
    pub(crate) plugin: About,
    /// `[provides]`.
    #[serde(default)]
    pub(crate) provides: Provides,
    /// `[[setting]]`, in the order they are shown in.
    #[serde(default, rename = "setting")]
    pub(crate) settings: Vec<SettingSpec>,
    /// `[[network]]`.
    #[serde(default)]
    pub(crate) network: Vec<Access>,
    /// `[open]`.
    #[serde(default)]
    pub(crate) open: Option<Access>,
    /// `[limits]`.
    #[serde(default)]
    pub(crate) limits: Limits,
}

/// `[plugin]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// `org.example.crm`: two or more labels of `a-z0-9-`, joined by dots.
    pub(crate) id: String,
    /// Shown to the user.
    pub(crate) name: String,
    /// `1.2.0`.
    pub(crate) version: String,
    /// The version of the contract it was made for: `0.1`.
    pub(crate) api: String,
    /// One sentence.
    #[serde(default)]
    pub(crate) description: String,
    /// SPDX.
    #[serde(default)]
    pub(crate) license: String,
    /// Where to read more.
    #[serde(default)]
    pub(crate) homepage: String,
}

/// `[provides]`: which exports it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Provides {
    /// It knows callers.
    pub(crate) lookup: bool,
    /// It does something when a call changes.
    pub(crate) actions: bool,
}

/// `[[network]]` and `[open]`: hosts it wants to reach, or to open pages of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    /// `https://api.example.com`, `https://{subdomain}.example.com`, or `{base_url}`; a setting fills the braces.
    pub(crate) hosts: Vec<String>,
    /// Which methods, in capitals; `GET` when absent.
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    /// Beginnings of paths, `/api/`; all when absent.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    /// What of a call it sends there, of [`SENDS`].
    #[serde(default)]
    pub(crate) sends: Vec<String>,
    /// Why, in a short phrase for the user.
    pub(crate) reason: String,
    /// The host may be on this computer or in a private network.
    #[serde(default)]
    pub(crate) private: bool,
    /// The host may be reached without encryption, if the setting says `http://`.
    #[serde(default)]
    pub(crate) plain: bool,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// How long a question may take, milliseconds (50 to 5000).
    pub(crate) lookup_ms: u64,
    /// The memory of one question, MiB (1 to 64).
    pub(crate) memory_mib: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lookup_ms: 2000, memory_mib: 32 }
    }
}

/// Hosts are compared as they are written: a pattern would be shown to the user and match nothing.
pub(crate) const NO_PATTERN: &str =
    "is a pattern, and no pattern fits a host: name each host as it is, like \"https://api.example.com\"";

const ACCESS: &[&str] = &["hosts", "methods", "paths", "sends", "reason", "private", "plain"];
const LEAF: &[(&str, Shape)] = &[];
const SHAPE: Shape = Shape {
    keys: &["plugin", "provides", "setting", "network", "open", "limits"],
    tables: &[
        (
            "plugin",
            Shape {
                keys: &["id", "name", "version", "api", "description", "license", "homepage"],
                tables: LEAF,
            },
        ),
        ("provides", Shape { keys: &["lookup", "actions"], tables: LEAF }),
        (
            "setting",
            Shape { keys: &["key", "type", "label", "required", "default", "options"], tables: LEAF },
        ),
        ("network", Shape { keys: ACCESS, tables: LEAF }),
        ("open", Shape { keys: ACCESS, tables: LEAF }),
        ("limits", Shape { keys: &["lookup_ms", "memory_mib"], tables: LEAF }),
    ],
};

impl Manifest {
    /// Reads and checks the text of a `plugin.toml`.
    ///
    /// # Errors
    /// [`HostError::Manifest`] with the line, [`HostError::Version`] for another contract.
    pub(crate) fn read(text: &str) -> Result<Self, HostError> {
        let manifest: Self = toml_text::read("plugin.toml", text, &SHAPE)?;
        if manifest.plugin.api != API {
            let theirs = plain::line(&manifest.plugin.api, 32);
            return Err(HostError::Version { theirs, ours: API });
        }
        manifest.check().map_err(|Wrong { word, what }| {
            let at = text.find(&word).unwrap_or(0);
            let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
            HostError::Manifest { file: "plugin.toml".to_owned(), line, what }
        })?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), Wrong> {
        let about = &self.plugin;
        ensure(
            valid_id(&about.id),
            &about.id,
            "the id is not like \"org.example.crm\": labels of a-z, 0-9 and -, joined by dots",
        )?;
        ensure(line_of_text(&about.name, 80), "name", "the name is one line of at most 80 characters")?;
        ensure(line_of_text(&about.version, 32), "version", "the version is one word, like \"1.2.0\"")?;
        ensure(
            self.provides.lookup || self.provides.actions,
            "[provides]",
            "[provides] names nothing: set lookup = true or actions = true",
        )?;
        ensure((50..=5000).contains(&self.limits.lookup_ms), "lookup_ms", "lookup_ms is 50 to 5000")?;
        ensure((1..=64).contains(&self.limits.memory_mib), "memory_mib", "memory_mib is 1 to 64")?;
        let mut seen = BTreeMap::new();
        for setting in &self.settings {
            check_setting(setting)?;
            ensure(seen.insert(&setting.key, ()).is_none(), &setting.key, "two settings have this key")?;
        }
        for access in self.network.iter().chain(&self.open) {
            access.check()?;
        }
        Ok(())
    }
}

/// What is wrong, and the word to look for in the file, so that the line can be told.
struct Wrong {
    word: String,
    what: String,
}

fn ensure(good: bool, word: &str, what: impl Into<String>) -> Result<(), Wrong> {
    if good { Ok(()) } else { Err(Wrong { word: word.to_owned(), what: what.into() }) }
}

fn check_setting(spec: &SettingSpec) -> Result<(), Wrong> {
    let key = &spec.key;
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    ensure(
        !key.is_empty() && key.len() <= 64 && key.bytes().all(word),
        key,
        "a setting's key consists of a-z, 0-9 and _",
    )?;
    ensure(
        line_of_text(&spec.label, 120) || spec.label.is_empty(),
        key,
        "the label is one line of at most 120 characters",
    )?;
    let choice = spec.kind == SettingKind::Choice;
    ensure(
        choice != spec.options.is_empty(),
        key,
        "options belong to the type \"choice\", and it needs some",
    )?;
    if let Some(default) = &spec.default {
        let given = setting::text_of(default);
        let checked = given.as_deref().map(|given| setting::check(spec, given));
        let what = format!("the default of \"{key}\" does not fit its type");
        ensure(matches!(checked, Some(Ok(_))), key, what)?;
    }
    Ok(())
}

impl Access {
    fn check(&self) -> Result<(), Wrong> {
        ensure(!self.hosts.is_empty() && self.hosts.len() <= 16, "hosts", "one to 16 hosts are named")?;
        for host in &self.hosts {
            ensure(!host.contains('*'), host, format!("the host {host:?} {NO_PATTERN}"))?;
        }
        ensure(
            line_of_text(&self.reason, 160),
            "reason",
            "the reason is one line of at most 160 characters: the user reads it before saying yes",
        )?;
        for method in &self.methods {
            let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "REPORT", "PROPFIND", "SEARCH"];
            ensure(
                known.contains(&method.as_str()),
                method,
                format!("the method {method:?} is none of {}", known.join(", ")),
            )?;
        }
        for path in &self.paths {
            let plain = path.starts_with('/')
                && path.bytes().all(|b| b.is_ascii_graphic() && !b"%?#\\".contains(&b))
                && !path.contains("/.");
            ensure(
                plain,
                path,
                format!("the path {path:?} is not the plain beginning of a path, like \"/api/\""),
            )?;
        }
        for class in &self.sends {
            ensure(
                SENDS.contains(&class.as_str()),
                class,
                format!("{class:?} is nothing a plugin can send: there is {}", SENDS.join(", ")),
            )?;
        }
        Ok(())
    }
}

/// Two or more labels of `a-z0-9-`: safe as a file name everywhere.
pub(crate) fn valid_id(id: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    // Windows opens devices under these names, whatever follows the first dot.
    let device = |first: &str| {
        matches!(first, "con" | "prn" | "aux" | "nul")
            || (first.len() == 4 && (first.starts_with("com") || first.starts_with("lpt")))
    };
    id.len() <= 100
        && id.contains('.')
        && id.split('.').all(label)
        && !id.split('.').next().is_some_and(device)
}

/// A line that can be shown as it is.
fn line_of_text(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && plain::line(text, most) == text
}
