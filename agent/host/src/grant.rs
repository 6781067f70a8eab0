//! What a plugin was granted: which hosts, how, for what; made at install from the manifest and the settings.

use crate::{
    address::Reach,
    error::HostError,
    manifest::{Access, Manifest, NO_PATTERN},
    setting::{SettingKind, host_label},
    values::Values,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use url::{Host, Url};

/// Everything a plugin was granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grants {
    /// Where it may send requests.
    #[serde(default)]
    pub(crate) fetch: Vec<Grant>,
    /// Pages it may have opened.
    #[serde(default)]
    pub(crate) open: Vec<Grant>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    /// `https`, or `http` where the user said so.
    pub(crate) scheme: String,
    /// Exactly this name or address, as `url` writes it.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// The methods.
    pub(crate) methods: Vec<String>,
    /// Beginnings of paths.
    pub(crate) paths: Vec<String>,
    /// What of a call may go there.
    pub(crate) sends: Vec<String>,
    /// Why, in the plugin's words.
    pub(crate) reason: String,
    /// How near it may be.
    pub(crate) reach: Reach,
}

impl Grants {
    /// What the manifest asks for, with the settings filled in.
    pub(crate) fn asked(manifest: &Manifest, values: &Values) -> Result<Self, HostError> {
        let all = |entries: &mut dyn Iterator<Item = &Access>| -> Result<Vec<Grant>, HostError> {
            let mut grants = Vec::new();
            for access in entries {
                for host in &access.hosts {
                    grants.extend(Grant::resolve(manifest, access, host, values)?);
                }
            }
            Ok(grants)
        };
        Ok(Self { fetch: all(&mut manifest.network.iter())?, open: all(&mut manifest.open.iter())? })
    }

    /// The grant that lets this request out, or the rule that keeps it in.
    pub(crate) fn fetch(&self, method: &str, url: &Url) -> Result<&Grant, String> {
        permit(&self.fetch, Some(method), url)
    }

    /// Whether this page may be opened, or the rule that forbids it.
    pub(crate) fn open(&self, url: &Url) -> Result<(), String> {
        permit(&self.open, None, url)?;
        Ok(())
    }
}

impl Grant {
    /// `https://crm.example.com:443`.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}:{}", self.scheme, self.host, self.port)
    }

    /// Whether this address may be connected to for this host.
    pub(crate) fn allows_address(&self, address: IpAddr) -> Result<(), String> {
        self.reach.allows(address)
    }

    /// `None` when the host comes from a setting that may stay empty, and is.
    fn resolve(
        manifest: &Manifest,
        access: &Access,
        template: &str,
        values: &Values,
    ) -> Result<Option<Self>, HostError> {
        let Some(text) = fill(manifest, template, values)? else { return Ok(None) };
        let bad = |what: &str| HostError::Manifest {
            file: "plugin.toml".to_owned(),
            line: 1,
            what: format!("the host {template:?} {what}"),
        };
        let url = Url::parse(&text).map_err(|_| bad("is not like \"https://api.example.com\""))?;
        let Some(host) = url.host() else { return Err(bad("names no host")) };
        if host.to_string().contains('*') {
            return Err(refuse(template, &text, NO_PATTERN));
        }
        if !matches!(url.scheme(), "https" | "http")
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
        {
            return Err(bad("is not like \"https://api.example.com\""));
        }
        if url.scheme() == "http" && !access.plain {
            return Err(refuse(
                template,
                &text,
                "is not encrypted, and the plugin does not ask for that: give an https:// address",
            ));
        }
        let named = Reach::of_host(&host)
            .ok_or_else(|| refuse(template, &text, "is reserved: no plugin may reach it"))?;
        if named != Reach::Public && !access.private {
            return Err(refuse(
                template,
                &text,
                "is on this computer or in a private network, and the plugin does not ask for that",
            ));
        }
        // A name may lead into a private network without looking like it; that is what `private` asks for.
        let reach = if named == Reach::Public && access.private && matches!(host, Host::Domain(_)) {
            Reach::Private
        } else {
            named
        };
        let base = url.path().trim_end_matches('/');
        let paths: Vec<String> = if access.paths.is_empty() {
            vec![format!("{base}/")]
        } else {
            access.paths.iter().map(|path| format!("{base}{path}")).collect()
        };
        let methods = if access.methods.is_empty() { vec!["GET".to_owned()] } else { access.methods.clone() };
        Ok(Some(Self {
            scheme: url.scheme().to_owned(),
            host: host.to_string(),
            port: url.port_or_known_default().unwrap_or(443),
            methods,
            paths,
            sends: access.sends.clone(),
            reason: access.reason.clone(),
            reach,
        }))
    }

    fn same_place(&self, url: &Url) -> bool {
        let host = url.host().map(|host| host.to_string()).unwrap_or_default();
        self.scheme == url.scheme() && self.host == host && Some(self.port) == url.port_or_known_default()
    }

    fn has_path(&self, path: &str) -> bool {
        self.paths.iter().any(|prefix| {
            path.strip_prefix(prefix.as_str())
                .is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
        })
    }
}

fn permit<'a>(grants: &'a [Grant], method: Option<&str>, url: &Url) -> Result<&'a Grant, String> {
    let path = url.path();
    let lower = path.to_ascii_lowercase();
    if lower.contains("%2f") || lower.contains("%5c") || lower.contains("%00") {
        return Err("the path hides a separator behind percent signs".to_owned());
    }
    let here: Vec<&Grant> = grants.iter().filter(|grant| grant.same_place(url)).collect();
    if here.is_empty() {
        return Err("this host was not granted".to_owned());
    }
    let here: Vec<&Grant> = here.into_iter().filter(|grant| grant.has_path(path)).collect();
    if here.is_empty() {
        return Err("this path was not granted".to_owned());
    }
    here.into_iter()
        .find(|grant| method.is_none_or(|method| grant.methods.iter().any(|granted| granted == method)))
        .ok_or_else(|| format!("the method {} was not granted", method.unwrap_or_default()))
}

/// The template with its settings; only whole addresses and single labels can be filled in, so that no value can
/// become another part of the address.
fn fill(manifest: &Manifest, template: &str, values: &Values) -> Result<Option<String>, HostError> {
    let wrong = |what: String| HostError::Manifest { file: "plugin.toml".to_owned(), line: 1, what };
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, tail) = after
            .split_once('}')
            .ok_or_else(|| wrong(format!("the host {template:?} has a {{ without }}")))?;
        let spec = manifest.settings.iter().find(|spec| spec.key == key).ok_or_else(|| {
            wrong(format!("the host {template:?} names the setting \"{key}\", which does not exist"))
        })?;
        let whole = before.is_empty() && tail.is_empty() && out.is_empty();
        let label = before.ends_with("://") && tail.starts_with('.');
        match spec.kind {
            SettingKind::Url if whole => {}
            SettingKind::HostLabel if label => {}
            _ => {
                return Err(wrong(format!(
                    "in the host {template:?} only a whole address (type \"url\") or its first label (type \"host-label\") can be a setting"
                )));
            }
        }
        let Some(value) = values.get(key) else { return Ok(None) };
        if spec.kind == SettingKind::HostLabel && !host_label(value) {
            return Err(HostError::setting(key, "is not one part of a host name"));
        }
        out.push_str(before);
        out.push_str(value);
        rest = tail;
    }
    out.push_str(rest);
    Ok(Some(out))
}

/// The refusal of what a setting (or the manifest itself) names.
fn refuse(template: &str, text: &str, what: &str) -> HostError {
    match template.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
        Some((key, _)) => HostError::setting(key, format!("({text}) {what}")),
        None => HostError::Manifest {
            file: "plugin.toml".to_owned(),
            line: 1,
            what: format!("the host {text} {what}"),
        },
    }
}
