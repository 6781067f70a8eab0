//! What the demo is played on: the exchange, the CRM, and a profile that is gone afterwards.

use super::{
    child::{PASSWORD_VARIABLE, command},
    fault::Fault,
};
use crate::{
    commands::print,
    exit::{Exit, Failure},
    home,
};
use agent_exchange::{Crm, CrmConfig, CrmFault, Exchange, ExchangeConfig, User};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The agent's extension.
pub(crate) const EXTENSION: &str = "1001";
/// Its password; it opens nothing but the demo's own exchange.
const PASSWORD: &str = "demo-1001";
/// The caller, whom the CRM knows.
pub(crate) const CALLER: &str = "+49301234567";
/// Her name there.
pub(crate) const CALLER_NAME: &str = "Alice Schmidt";
/// Her company there.
pub(crate) const CALLER_COMPANY: &str = "ACME GmbH";
/// Her page there ends so.
pub(crate) const CALLER_PAGE: &str = "/contacts/7";
/// What the agent says when it speaks from a file, hertz; the caller plays another tone.
pub(crate) const OUR_TONE_HZ: f64 = 1000.0;
/// What the caller plays, hertz.
pub(crate) const THEIR_TONE_HZ: f64 = 440.0;
/// How loud both are, dBov.
pub(crate) const TONE_DBOV: f64 = -12.0;
/// What the tone extension plays, hertz: not the caller's, for both are heard into one file.
pub(crate) const EXTENSION_TONE_HZ: f64 = 620.0;
/// How long the file lasts that the agent speaks from, seconds; after it comes silence.
const TONE_SECONDS: f64 = 60.0;

/// The stage.
pub(crate) struct Stage {
    /// The pocket exchange.
    pub exchange: Exchange,
    /// The CRM.
    pub crm: Crm,
    folder: TempDir,
}

/// What the agent listens and speaks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sound {
    /// The computer's devices.
    Devices,
    /// Files, to be measured.
    Files,
}

impl Stage {
    /// Builds it.
    pub(crate) fn build(sound: Sound) -> Result<Self, Failure> {
        let failed = |what: &str, error: &dyn std::fmt::Display| Failure::other(what, error);
        let folder = tempfile::Builder::new()
            .prefix("trayphone-demo-")
            .tempdir()
            .map_err(|error| failed("the demo's folder could not be made", &error))?;
        let users = vec![User::new(EXTENSION, PASSWORD), User::new("1002", "demo-1002")];
        let (tone_hz, tone_dbov) = (EXTENSION_TONE_HZ, TONE_DBOV);
        let exchange =
            Exchange::start(ExchangeConfig { users, tone_hz, tone_dbov, ..ExchangeConfig::default() })
                .map_err(|error| failed("the pocket exchange", &error))?;
        let crm = Crm::start(CrmConfig::default()).map_err(|error| failed("the CRM", &error))?;
        let stage = Self { exchange, crm, folder };
        // As any profile: a demo that is killed leaves nothing that others can read.
        agent_store::Profile::open(Some(&stage.profile())).map_err(home::failure)?;
        stage.write_settings(sound)?;
        Ok(stage)
    }

    /// The agent's profile.
    pub(crate) fn profile(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    /// The folder of everything else.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the agent hears, when it hears into a file.
    pub(crate) fn heard(&self) -> PathBuf {
        self.folder.path().join("heard.wav")
    }

    fn write_settings(&self, sound: Sound) -> Result<(), Failure> {
        let address = self.exchange.address();
        let mut text = format!(
            "[[account]]\naor = \"sip:{EXTENSION}@{address}\"\npassword = \"env:{PASSWORD_VARIABLE}\"\n"
        );
        if sound == Sound::Files {
            let spoken = self.folder.path().join("spoken.wav");
            let tone = agent_media::measure::sine(8000, OUR_TONE_HZ, TONE_DBOV, TONE_SECONDS);
            agent_media::measure::write_wav(&spoken, 8000, &tone)
                .map_err(|text| Failure::new(Exit::Failed, text))?;
            text.push_str(&format!(
                "\n[audio]\nbackend = \"wav\"\ninput = '{}'\noutput = '{}'\n",
                spoken.display(),
                self.heard().display()
            ));
        }
        fs::write(self.profile().join("trayphone.toml"), text)
            .map_err(|error| Failure::other("the demo's settings could not be written", error))
    }

    /// The agent's environment: its password, right or wrong.
    pub(crate) fn environment(&self, fault: Option<Fault>) -> Vec<(&'static str, String)> {
        let password = if fault == Some(Fault::WrongPassword) { "not-this" } else { PASSWORD };
        vec![(PASSWORD_VARIABLE, password.to_owned())]
    }

    /// Installs the plugin that knows the CRM, as anybody would, and shows what it asks for.
    pub(crate) async fn install_plugin(&self, fault: Option<Fault>) -> Result<(), Failure> {
        let base = self.crm.url();
        let setting = format!("base_url={base}");
        let mut arguments = vec!["plugin", "install", "--yes", "--set", &setting];
        let name = if fault == Some(Fault::PluginTrap) { "hostile" } else { "demo-crm" };
        let path = find_plugin(name)?;
        let path = path.to_string_lossy();
        if fault == Some(Fault::PluginTrap) {
            arguments.extend(["--set", "behaviour=panic"]);
        }
        arguments.push(&path);
        command(&self.profile(), &arguments).await.map(|said| {
            said.lines().for_each(|line| {
                print::line(&format!("  {}", print::tame(line)));
            });
        })
    }

    /// Breaks what the exchange and the CRM can break.
    pub(crate) fn break_with(&self, fault: Option<Fault>) {
        match fault {
            Some(Fault::CrmDown) => self.crm.faults().set(CrmFault::Down),
            Some(Fault::CrmSilent) => self.crm.faults().set(CrmFault::Silent),
            Some(Fault::RegistrarSilent) => self.exchange.faults().registrar_silent(true),
            Some(Fault::DeafAgent) => self.exchange.faults().mute_to_phone(true),
            Some(Fault::DeafCaller) => self.exchange.faults().deaf_to_phone(true),
            _ => {}
        }
    }
}

/// Where the plugins of this build lie: where `TRAYPHONE_PLUGINS` says and nowhere else, as for the tests; without it
/// beside the program when installed, in `target/plugins` when built here.
fn find_plugin(name: &str) -> Result<PathBuf, Failure> {
    let us =
        std::env::current_exe().map_err(|error| Failure::other("our own program was not found", error))?;
    let beside = us.parent().unwrap_or(Path::new("."));
    let places = match std::env::var_os("TRAYPHONE_PLUGINS") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => {
            ["plugins", "../plugins", "../share/trayphone/plugins"].map(|below| beside.join(below)).to_vec()
        }
    };
    let found = places.iter().map(|place| place.join(name)).find(|place| place.join("plugin.wasm").exists());
    found.ok_or_else(|| {
        let text = format!(
            "the plugin {name} was not built: run `cargo xtask demo`, or `cargo xtask plugins` first \
             (looked in {})",
            places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
        );
        Failure::new(Exit::Plugin, text)
    })
}
