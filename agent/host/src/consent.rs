//! What the user is asked before a plugin is installed: per host where, what and why.

use crate::{
    address::Reach,
    grant::{Grant, Grants},
    manifest::Manifest,
};
use agent_core::plain;
use std::fmt;

/// What a plugin asks for. Every text is one clean line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// `org.example.crm`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it says of itself; may be empty.
    pub description: String,
    /// The version it would replace.
    pub replaces: Option<String>,
    /// What it asks for, host by host; empty: it reaches nobody.
    pub rows: Vec<ConsentRow>,
}

/// One host a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRow {
    /// Whether requests are sent there or pages of it are opened.
    pub kind: ConsentKind,
    /// Where: `https://crm.example.com:443`.
    pub place: String,
    /// Which methods and beginnings of paths, `GET /api/`.
    pub how: String,
    /// What of a call goes there: of [`crate::SENDS`].
    pub sends: Vec<String>,
    /// Why, in the plugin's words.
    pub reason: String,
    /// How near the host may be.
    pub reach: Reach,
    /// Whether everybody on the way can read along.
    pub unencrypted: bool,
}

/// What is done with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentKind {
    /// Requests are sent.
    Fetch,
    /// Pages are opened in the browser.
    Open,
}

impl Consent {
    pub(crate) fn new(manifest: &Manifest, grants: &Grants, replaces: Option<String>) -> Self {
        let about = &manifest.plugin;
        let fetch = grants.fetch.iter().map(|grant| ConsentRow::new(ConsentKind::Fetch, grant));
        let open = grants.open.iter().map(|grant| ConsentRow::new(ConsentKind::Open, grant));
        Self {
            id: about.id.clone(),
            name: about.name.clone(),
            version: about.version.clone(),
            description: plain::line(&about.description, 400),
            replaces,
            rows: fetch.chain(open).collect(),
        }
    }
}

impl ConsentRow {
    fn new(kind: ConsentKind, grant: &Grant) -> Self {
        let methods = grant.methods.join(", ");
        Self {
            kind,
            place: grant.origin(),
            how: grant.paths.iter().map(|path| format!("{methods} {path}")).collect::<Vec<_>>().join("; "),
            sends: grant.sends.clone(),
            reason: grant.reason.clone(),
            reach: grant.reach,
            unencrypted: grant.scheme == "http",
        }
    }

    /// What is unusual about the place: `on this computer, unencrypted`; empty for a host of the world over https.
    pub fn warning(&self) -> String {
        let reach = match self.reach {
            Reach::Public => None,
            Reach::Private => Some("may be in a private network"),
            Reach::Loopback => Some("on this computer"),
        };
        let plain = self.unencrypted.then_some("unencrypted");
        reach.into_iter().chain(plain).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} ({})", self.name, self.version, self.id)?;
        if !self.description.is_empty() {
            writeln!(f, "{}", self.description)?;
        }
        if let Some(old) = &self.replaces {
            writeln!(f, "It replaces version {old}.")?;
        }
        if self.rows.is_empty() {
            writeln!(f, "It asks for nothing: no host is reached, no page opened.")?;
        }
        for row in &self.rows {
            let warning = row.warning();
            let warning = if warning.is_empty() { warning } else { format!(" ({warning})") };
            match row.kind {
                ConsentKind::Fetch => {
                    let sends = if row.sends.is_empty() {
                        "nothing of a call".to_owned()
                    } else {
                        row.sends.join(", ")
                    };
                    writeln!(f, "  where: {}{warning}", row.place)?;
                    writeln!(f, "  what:  {sends} ({})", row.how)?;
                }
                ConsentKind::Open => {
                    writeln!(f, "  where: pages of {}{warning}", row.place)?;
                    writeln!(f, "  what:  opened in your browser, when your own rule or a click says so")?;
                }
            }
            writeln!(f, "  why:   {}", row.reason)?;
        }
        Ok(())
    }
}
