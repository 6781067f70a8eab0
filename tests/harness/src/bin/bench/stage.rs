//! Where both programs are measured: one exchange, one CRM, one desktop with a panel and a notification service.

use crate::message::Phone;
use agent_exchange::{Contact, Crm, CrmConfig, Exchange, ExchangeConfig, User};
use agent_media::measure;
use harness::{
    agent,
    baresip::{Baresip, Setup},
    desktop::{Desktop, FakeToasts, Manner, Monitor, Toasts},
    pjsua::{self, Pjsua},
    proc::Proc,
    sipp::Transport,
    wait::{self, SOON},
};
use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How many callers the CRM knows.
pub(crate) const CALLERS: usize = 1000;

/// Our extension, and the one whose calls have sound.
pub(crate) const OURS: (&str, &str) = ("1001", "1003");

/// Theirs.
pub(crate) const THEIRS: (&str, &str) = ("1002", "1004");

/// The extension of the third program.
pub(crate) const PJSUA: &str = "1005";

/// Calls baresip has room for at once.
const ROOM: u16 = 400;

/// What both speak, hertz.
pub(crate) const TONE_HZ: f64 = 1000.0;

/// The variable that holds everybody's password.
pub(crate) const PASSWORD: &str = "TRAYPHONE_BENCH_PASSWORD";

/// The stage. Dropping it ends everything on it.
pub(crate) struct Stage {
    /// What shows the tray.
    pub(crate) desktop: Desktop,
    /// When which toast was handed over.
    pub(crate) monitor: Monitor,
    /// Registrar of both, and the caller of calls with sound.
    pub(crate) exchange: Exchange,
    folder: TempDir,
    crm: Crm,
    _service: FakeToasts,
}

/// A started Trayphone.
pub(crate) struct Trayphone {
    /// The process.
    pub(crate) proc: Proc,
    launch: Launch,
}

/// How Trayphone is started, and asked afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    extension: &'static str,
    headless: bool,
    profile: PathBuf,
}

/// The name the CRM has for the bench's `index`th caller.
pub(crate) fn name(index: usize) -> String {
    format!("Bench Caller {index:06}")
}

impl Stage {
    /// Builds it.
    pub(crate) fn build() -> Result<Self, String> {
        let text = |error: agent_exchange::ExchangeError| error.to_string();
        let users =
            [OURS.0, OURS.1, THEIRS.0, THEIRS.1, PJSUA].map(|user| User::new(user, PASSWORD).md5_only());
        let exchange = Exchange::start(ExchangeConfig { users: users.to_vec(), ..ExchangeConfig::default() });
        let contact =
            |index| Contact::new(index as u64 + 1, &name(index), "Bench & Co", &crate::caller::number(index));
        let crm = CrmConfig { contacts: (0..CALLERS).map(contact).collect(), ..CrmConfig::default() };
        let desktop = Desktop::start(Toasts::None)?;
        let manner = Manner {
            capabilities: ["body", "actions", "body-markup"].map(str::to_owned).to_vec(),
            ..Manner::default()
        };
        let service = FakeToasts::start(&desktop.bus_address(), manner)?;
        let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let tone = measure::sine(8000, TONE_HZ, -12.0, 120.0);
        measure::write_wav(&folder.path().join("tone.wav"), 8000, &tone)?;
        Ok(Self {
            monitor: desktop.monitor()?,
            desktop,
            exchange: exchange.map_err(text)?,
            folder,
            crm: Crm::start(crm).map_err(text)?,
            _service: service,
        })
    }

    /// Makes a profile with the CRM's plugin installed; `sound`: speaks from a file and hears into one, without a desktop.
    pub(crate) fn profile(&self, extension: &'static str, sound: bool) -> Result<Launch, String> {
        let profile = self.folder.path().join(format!("profile-{extension}"));
        let failed = |error: std::io::Error| format!("{}: {error}", profile.display());
        fs::create_dir_all(&profile).map_err(failed)?;
        let address = self.exchange.address();
        let audio = match sound {
            true => format!(
                "backend = \"wav\"\ninput = {:?}\noutput = {:?}",
                self.folder.path().join("tone.wav"),
                profile.join("heard.wav")
            ),
            false => "backend = \"null\"".to_owned(),
        };
        let settings = format!(
            "language = \"en\"\n\n[[account]]\naor = \"sip:{extension}@{address}\"\n\
             registrar = \"sip:{address};transport=udp\"\npassword = \"env:{PASSWORD}\"\n\n[audio]\n{audio}\n"
        );
        fs::write(profile.join("trayphone.toml"), settings).map_err(failed)?;
        let launch = Launch { extension, headless: sound, profile };
        let base = format!("base_url={}", self.crm.url());
        let plugin = agent::plugin("demo-crm").display().to_string();
        self.ask(&launch, &["plugin", "install", "--yes", "--set", &base, &plugin])?;
        Ok(launch)
    }

    /// Starts Trayphone; answers when the exchange knows it, and how long that took.
    pub(crate) fn trayphone(&self, launch: &Launch) -> Result<(Trayphone, Duration), String> {
        let (trayphone, took) = self.registered(launch.extension, || {
            let mut command = self.command(launch);
            command.arg("run");
            if launch.headless {
                command.arg("--headless");
            }
            let proc = Proc::start("trayphone", &mut command, &launch.profile);
            Trayphone { proc, launch: launch.clone() }
        });
        let took = took.ok_or_else(|| format!("trayphone does not register\n{}", trayphone.proc))?;
        let took = took.duration_since(trayphone.proc.started());
        Ok((trayphone, took))
    }

    /// Starts baresip; answers when the exchange knows it, and how long that took.
    pub(crate) fn baresip(
        &self,
        extension: &'static str,
        answers: bool,
    ) -> Result<(Baresip, Duration), String> {
        let says = self.folder.path().join("tone.wav");
        let setup = Setup {
            user: extension,
            password: Some(PASSWORD),
            host: "127.0.0.1",
            registrar: self.exchange.address().port(),
            domain: None,
            transport: Transport::Udp,
            answers,
            says: &says,
            codecs: "PCMA",
        };
        let start = || Baresip::start_unrecorded(self.folder.path(), &setup, ROOM);
        let (baresip, took) = self.registered(extension, start);
        let took = took.ok_or_else(|| format!("baresip does not register\n{}", baresip.proc))?;
        let took = took.duration_since(baresip.proc.started());
        Ok((baresip, took))
    }

    /// Starts pjsua2 and waits for its registration.
    pub(crate) fn pjsua(&self) -> Result<Pjsua, String> {
        let says = self.folder.path().join("tone.wav");
        let setup = pjsua::Setup {
            user: PJSUA,
            password: Some(PASSWORD),
            registrar: ("127.0.0.1", self.exchange.address().port()),
            domain: &self.exchange.address().to_string(),
            transport: Transport::Udp,
            authority: None,
            answers: false,
            says: &says,
            publishes: false,
            mailbox: false,
        };
        let start = || Pjsua::start_unrecorded(self.folder.path(), &setup);
        let (pjsua, took) = self.registered(PJSUA, start);
        took.ok_or_else(|| format!("pjsua2 does not register\n{}", pjsua.proc))?;
        Ok(pjsua)
    }

    /// Starts a program while somebody looks for its registration, and answers when that was there.
    fn registered<T>(&self, extension: &str, start: impl FnOnce() -> T) -> (T, Option<Instant>) {
        // One that has just ended says so to the registrar; what is older than the program must not be taken for it.
        wait::until(SOON, || self.exchange.phones(extension).is_empty().then_some(()));
        let older = !self.exchange.phones(extension).is_empty();
        let look = || {
            if older {
                return None;
            }
            let until = Instant::now() + SOON;
            while self.exchange.phones(extension).is_empty() {
                if Instant::now() > until {
                    return None;
                }
                thread::sleep(Duration::from_micros(200));
            }
            Some(Instant::now())
        };
        thread::scope(|scope| {
            let looking = scope.spawn(look);
            let program = start();
            (program, looking.join().unwrap_or(None))
        })
    }

    /// How a caller reaches the phone at an extension.
    pub(crate) fn phone(&self, extension: &str) -> Result<Phone, String> {
        let binding = self.exchange.phones(extension).into_iter().next();
        let binding = binding.ok_or_else(|| format!("nobody is registered at {extension}"))?;
        Ok(Phone { address: binding.flow.peer, contact: binding.contact.to_string() })
    }

    /// Starts an agent without a desktop on these settings.
    pub(crate) fn headless(&self, name: &str, settings: &str) -> Result<Proc, String> {
        let profile = self.folder.path().join(format!("profile-{name}"));
        let failed = |error: std::io::Error| format!("{}: {error}", profile.display());
        fs::create_dir_all(&profile).map_err(failed)?;
        fs::write(profile.join("trayphone.toml"), settings).map_err(failed)?;
        let launch = Launch { extension: "", headless: true, profile };
        Ok(Proc::start("trayphone", self.command(&launch).args(["run", "--headless"]), &launch.profile))
    }

    /// Gives a command and answers the JSON objects it printed.
    pub(crate) fn ask(&self, launch: &Launch, arguments: &[&str]) -> Result<Vec<Value>, String> {
        let output = self.command(launch).arg("--json").args(arguments).output();
        let output = output.map_err(|error| format!("{}: {error}", agent::program().display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("trayphone {arguments:?}: {}\n{said}", output.status));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Starts `trayphone events`; what it prints is in the file.
    pub(crate) fn events(&self, launch: &Launch) -> Result<(Proc, PathBuf), String> {
        let mut command = self.command(launch);
        let stream = Proc::start_split("events", command.args(["events", "--json"]), &launch.profile);
        let file = launch.profile.join("events.out");
        let greeted = wait::until(SOON, || fs::read_to_string(&file).ok()?.contains("hello").then_some(()));
        greeted.ok_or_else(|| format!("the agent tells no events\n{stream}"))?;
        Ok((stream, file))
    }

    fn command(&self, launch: &Launch) -> Command {
        let program = agent::program();
        let mut command = self.desktop.command(&program.display().to_string());
        if launch.headless {
            for gone in ["DISPLAY", "DBUS_SESSION_BUS_ADDRESS"] {
                command.env_remove(gone);
            }
        }
        // The sound of whoever runs the bench is left alone.
        command.env_remove("PULSE_SERVER").env(PASSWORD, PASSWORD).arg("--profile").arg(&launch.profile);
        command
    }
}

impl Trayphone {
    /// How it was started.
    pub(crate) fn launch(&self) -> &Launch {
        &self.launch
    }
}
