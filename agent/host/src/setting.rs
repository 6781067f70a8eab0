//! One setting of a plugin: what its manifest says of it, and whether a value fits.

use serde::Deserialize;
use url::{Host, Url};

/// `[[setting]]`: something the user sets.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingSpec {
    /// Its name in the plugin: `a-z0-9_`.
    pub(crate) key: String,
    /// What it may hold.
    #[serde(rename = "type")]
    pub(crate) kind: SettingKind,
    /// Shown to the user.
    #[serde(default)]
    pub(crate) label: String,
    /// It must be set.
    #[serde(default)]
    pub(crate) required: bool,
    /// Holds when nothing is set.
    #[serde(default)]
    pub(crate) default: Option<toml::Value>,
    /// For `choice`: what may be chosen.
    #[serde(default)]
    pub(crate) options: Vec<String>,
}

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SettingKind {
    /// One line.
    Text,
    /// `http://` or `https://`, with host, without user name, query or fragment.
    Url,
    /// One label of a host name: `a-z0-9-`.
    HostLabel,
    /// `0-9`.
    Digits,
    /// Yes or no.
    Bool,
    /// One of the options.
    Choice,
    /// A whole number.
    Number,
}

/// A TOML value as the text plugins are given.
pub(crate) fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// The value in its one spelling, or what is wrong with it.
pub(crate) fn check(spec: &SettingSpec, text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() > 1024 || text.chars().any(char::is_control) {
        return Err("is not one line of at most 1024 bytes".to_owned());
    }
    let fits = match spec.kind {
        SettingKind::Text => true,
        SettingKind::Url => return web_address(text),
        SettingKind::HostLabel => host_label(text),
        SettingKind::Digits => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
        SettingKind::Bool => matches!(text, "true" | "false"),
        SettingKind::Choice => spec.options.iter().any(|option| option == text),
        SettingKind::Number => text.parse::<i64>().is_ok(),
    };
    if fits {
        return Ok(text.to_owned());
    }
    Err(match spec.kind {
        SettingKind::HostLabel => {
            "is one part of a host name: letters a-z, digits and hyphens, nothing else".to_owned()
        }
        SettingKind::Digits => "consists of digits only".to_owned(),
        SettingKind::Bool => "is true or false".to_owned(),
        SettingKind::Choice => format!("is one of {}", spec.options.join(", ")),
        _ => "is a whole number".to_owned(),
    })
}

/// RFC 1035 section 2.3.1, as registered today: digits may come first.
pub(crate) fn host_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn web_address(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .map_err(|error| format!("is not a web address like https://crm.example.com ({error})"))?;
    let host = match url.host() {
        Some(Host::Domain(name)) => !name.is_empty() && !name.ends_with('.'),
        Some(_) => true,
        None => false,
    };
    if !matches!(url.scheme(), "https" | "http") || !host {
        return Err("begins with https:// or http:// and names a host".to_owned());
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err("carries neither a user name nor anything after ? or #".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
