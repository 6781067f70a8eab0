//! Installing, listing and removing plugins: whole or not at all, and never without being asked.

use crate::{
    compiler,
    config::HostConfig,
    consent::Consent,
    contract,
    error::HostError,
    folder::{self, Folder, Staging},
    grant::Grants,
    guest::{Fault, Guest, Machine, Question},
    hash::hex,
    inspect::inspect,
    installed::{self, Granted, Installed},
    known::Known,
    package::Package,
    values,
    web::Web,
};
use agent_core::{plain, port::host::PluginInfo};
use agent_net::Net;
use std::{path::Path, sync::Arc, thread, time::Duration};

/// How long a plugin may take to start when it is installed.
const SMOKE: Duration = Duration::from_secs(2);

/// Asks the user; told of what goes on.
pub struct Ask<'a> {
    /// Shows what the plugin asks for; `true` grants exactly that.
    pub consent: &'a mut dyn FnMut(&Consent) -> bool,
    /// A short phrase about once a second while something takes long.
    pub progress: &'a mut dyn FnMut(&str),
}

/// Installs the plugin in the folder `source` with these settings (key, value), replacing one of the same id.
///
/// Everything is checked before the user is asked, and compiled and started once before it is put in place; until then
/// what was installed before stays as it is. A running agent is told with `HostCommand::Reload`.
///
/// # Errors
/// Says what is wrong with the package, its settings or the file system; [`HostError::NotGranted`] if the user said no.
pub fn install(
    config: &HostConfig,
    source: &Path,
    settings: &[(String, String)],
    ask: Ask<'_>,
) -> Result<PluginInfo, HostError> {
    let package = Package::read(source)?;
    let manifest = &package.manifest;
    contract::check(&inspect(&package.wasm)?, manifest)?;
    let values = values::resolve(manifest, settings)?;
    let grants = Grants::asked(manifest, &values)?;
    let id = &manifest.plugin.id;
    let replaces =
        Installed::read(Folder::new(&config.plugins, id)).ok().map(|old| old.manifest.plugin.version);
    if !(ask.consent)(&Consent::new(manifest, &grants, replaces)) {
        return Err(HostError::NotGranted);
    }
    let code = compiler::compile(config.compiler.as_deref(), &package.wasm, ask.progress)?;
    let staging = Staging::begin(&config.plugins)?;
    let folder = staging.folder();
    let granted = Granted { package: hex(&package.hash), grants };
    let granted = toml::to_string(&granted).map_err(|error| HostError::file(folder.grants(), error))?;
    folder::write(&folder.manifest(), package.text.as_bytes())?;
    folder::write(&folder.wasm(), &package.wasm)?;
    folder::write(&folder.settings(), values::write(&values).as_bytes())?;
    folder::write(&folder.grants(), granted.as_bytes())?;
    // Read back, the plugin is exactly what the agent will find.
    let plugin = Installed::read(folder)?;
    // On a thread of its own, so that callers may be inside an event loop.
    let smoked = thread::scope(|scope| scope.spawn(|| smoke(&plugin, &code)).join());
    smoked.map_err(|_| HostError::Start("the host crashed over it".to_owned()))??;
    if let Some(key) = &config.seal_key.get() {
        plugin.cache(key).keep(&code)?;
    }
    let info = plugin.info(None);
    staging.finish(id)?;
    Ok(info)
}

/// Every plugin installed, those with a problem too.
pub fn list(config: &HostConfig) -> Vec<PluginInfo> {
    installed::all(&config.plugins)
        .into_iter()
        .map(|(id, read)| match read {
            Ok(plugin) => plugin.info(None),
            Err(error) => installed::broken(&id, &error),
        })
        .collect()
}

/// Removes a plugin with everything that was kept for it: code, settings, rights.
///
/// # Errors
/// [`HostError::Unknown`] if there is none of this id, or what the file system says.
pub fn remove(config: &HostConfig, id: &str) -> Result<(), HostError> {
    folder::sweep(&config.plugins);
    let known: Vec<String> = installed::all(&config.plugins).into_iter().map(|(id, _)| id).collect();
    if !known.iter().any(|it| it == id) {
        return Err(HostError::Unknown { id: plain::line(id, 100), known });
    }
    folder::remove_all(Folder::new(&config.plugins, id).path())
}

/// Loads and starts it once, with no road to anywhere.
fn smoke(plugin: &Installed, code: &[u8]) -> Result<(), HostError> {
    let machine = Machine::start()?;
    // SAFETY: the code comes straight from the compile helper, through a pipe nobody else holds.
    let guest = unsafe { Guest::load(&machine, code, &plugin.manifest)? };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| HostError::Start(error.to_string()))?;
    let started = runtime.block_on(async {
        let sink: agent_net::LedgerSink = Arc::new(|_| {});
        let web = Web {
            net: Net::new(sink.clone()),
            ledger: sink,
            grants: Arc::default(),
            plugin: plugin.manifest.plugin.id.as_str().into(),
            why: "start once",
            known: Known::default(),
            deadline: tokio::time::Instant::now() + SMOKE,
            tried: 0,
        };
        let question = Question { web, values: plugin.values.clone() };
        guest.smoke(question).await
    });
    started.map_err(|fault: Fault| HostError::Start(fault.text()))
}
