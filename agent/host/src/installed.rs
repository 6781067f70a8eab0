//! An installed plugin as its folder says: manifest, settings, grants, and whether they still belong together.

use crate::{
    error::HostError,
    folder::{self, Folder},
    grant::Grants,
    hash::{digest, hex},
    manifest::Manifest,
    package::Package,
    seal::Cache,
    values::{self, Values},
};
use agent_core::port::host::PluginInfo;
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::Arc};

/// The largest `grants.toml` and `settings.toml`, bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// A plugin that may run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Installed {
    pub(crate) folder: Folder,
    pub(crate) manifest: Manifest,
    pub(crate) values: Arc<Values>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) wasm: Arc<[u8]>,
}

/// `grants.toml`: what was granted, and to exactly which package.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Granted {
    pub(crate) package: String,
    pub(crate) grants: Grants,
}

impl Installed {
    /// Reads a folder; what is there must be what was installed, and ask for no more than was granted.
    pub(crate) fn read(folder: Folder) -> Result<Self, HostError> {
        let package = Package::read(folder.path())?;
        let granted = folder::read_text(&folder.grants(), MAX_TEXT_BYTES)?;
        let granted: Granted =
            toml::from_str(&granted).map_err(|error| HostError::file(folder.grants(), error.message()))?;
        if granted.package != hex(&package.hash) {
            return Err(HostError::Changed);
        }
        let values = match folder::read_text(&folder.settings(), MAX_TEXT_BYTES) {
            Ok(text) => values::read(&package.manifest, &text)?,
            Err(_) if !folder.settings().exists() => values::resolve(&package.manifest, &[])?,
            Err(error) => return Err(error),
        };
        if Grants::asked(&package.manifest, &values)? != granted.grants {
            return Err(HostError::Manifest {
                file: "settings.toml".to_owned(),
                line: 1,
                what: "the settings name another host than was granted: install the plugin again to be asked"
                    .to_owned(),
            });
        }
        Ok(Self {
            folder,
            manifest: package.manifest,
            values: Arc::new(values),
            grants: Arc::new(granted.grants),
            wasm: package.wasm.into(),
        })
    }

    /// Its compiled code's place, for this user's key.
    pub(crate) fn cache<'a>(&'a self, key: &'a [u8; 32]) -> Cache<'a> {
        Cache { folder: &self.folder, key, wasm: digest([&*self.wasm]), engine: crate::engine::fingerprint() }
    }

    /// What is shown of it.
    pub(crate) fn info(&self, problem: Option<String>) -> PluginInfo {
        let about = &self.manifest.plugin;
        let mut sends: Vec<String> = self.grants.fetch.iter().flat_map(|grant| grant.sends.clone()).collect();
        sends.sort();
        sends.dedup();
        let mut hosts: Vec<String> = self.grants.fetch.iter().map(crate::grant::Grant::origin).collect();
        hosts.sort();
        hosts.dedup();
        PluginInfo {
            id: about.id.clone(),
            name: about.name.clone(),
            version: about.version.clone(),
            hosts,
            sends,
            problem,
        }
    }
}

/// Every plugin below `plugins`, by id: those that may run, and what is wrong with the others.
pub(crate) fn all(plugins: &Path) -> Vec<(String, Result<Installed, HostError>)> {
    let ids = folder::names(plugins).into_iter().filter(|name| crate::manifest::valid_id(name));
    let read = |id: String| {
        let folder = Folder::new(plugins, &id);
        folder.path().is_dir().then(|| {
            let read = Installed::read(folder).and_then(|it| {
                // A folder under another name would be a second plugin with the first one's id.
                if it.manifest.plugin.id == id { Ok(it) } else { Err(HostError::Changed) }
            });
            (id, read)
        })
    };
    ids.filter_map(read).collect()
}

/// What is shown of a plugin that cannot even be read.
pub(crate) fn broken(id: &str, error: &HostError) -> PluginInfo {
    PluginInfo {
        id: id.to_owned(),
        name: id.to_owned(),
        version: String::new(),
        hosts: Vec::new(),
        sends: Vec::new(),
        problem: Some(error.to_string()),
    }
}
