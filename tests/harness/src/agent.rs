//! The agent under test: the program itself, with a profile of its own, steered by its command line and watched by its events.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::{net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use serde_json::Value;

use crate::{
    proc::Proc,
    sipp::Transport,
    wait::{self, SOON},
};

/// The program `cargo xtask` built: beside the folder this test runs from, or where `TRAYPHONE_PROGRAM` says.
///
/// # Panics
/// When it was not built.
pub fn program() -> PathBuf {
    let path = env::var_os("TRAYPHONE_PROGRAM").map_or_else(
        || {
            let test = env::current_exe().expect("a program knows where it is");
            let folder = test.ancestors().nth(2).expect("tests run from target/debug/deps");
            folder.join(format!("trayphone{}", env::consts::EXE_SUFFIX))
        },
        PathBuf::from,
    );
    assert!(path.exists(), "{} is not there: build it with `cargo xtask test`", path.display());
    path
}

/// The folder of a plugin as `cargo xtask plugins` builds it: where `TRAYPHONE_PLUGINS` says, or in the tree's own
/// `target/plugins`, whatever cargo's build folder is.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn plugin(name: &str) -> PathBuf {
    let tree = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins");
    let folder = env::var_os("TRAYPHONE_PLUGINS").map_or_else(tree, PathBuf::from).join(name);
    assert!(folder.join("plugin.wasm").is_file(), "{} is missing: `cargo xtask plugins`", folder.display());
    folder
}

/// Our program on a profile, with nothing of the desktop of the person who runs the tests.
pub fn plain_command(profile: &Path) -> Command {
    program_with(&[], profile)
}

/// The environment variable that holds the account's password.
const PASSWORD: &str = "TRAYPHONE_TEST_PASSWORD";

/// The one account of an agent under test, and what stands behind its microphone and ear.
#[derive(Debug, Clone)]
pub struct Account {
    /// `sip:1001@127.0.0.1:5060`.
    pub aor: String,
    /// `sip:127.0.0.1:5060;transport=tcp`.
    pub registrar: String,
    /// Its password.
    pub password: String,
    /// The lines of `[audio]`.
    pub audio: String,
    /// What tray and toasts speak.
    pub language: String,
}

impl Account {
    /// User 1001 at a registrar on loopback, in silence.
    pub fn at(port: u16, transport: Transport, password: &str) -> Self {
        Self {
            aor: format!("sip:1001@127.0.0.1:{port}"),
            registrar: format!("sip:127.0.0.1:{port};transport={}", transport.parameter()),
            password: password.to_owned(),
            audio: "backend = \"null\"".to_owned(),
            language: "en".to_owned(),
        }
    }

    /// The same, speaking from one WAV file and hearing into another.
    #[must_use]
    pub fn with_files(mut self, says: &Path, hears: &Path) -> Self {
        self.audio = format!("backend = \"wav\"\ninput = {:?}\noutput = {:?}", says, hears);
        self
    }

    /// How an agent with this account is started.
    pub fn start(&self) -> Start {
        let Self { aor, registrar, password, audio, language } = self;
        let settings = format!(
            "language = \"{language}\"\n\n[[account]]\naor = \"{aor}\"\nregistrar = \"{registrar}\"\n\
             password = \"env:{PASSWORD}\"\n\n[audio]\n{audio}\n"
        );
        let environment = vec![(PASSWORD.to_owned(), password.clone())];
        Start { settings, environment, ..Start::default() }
    }
}

/// A running agent and the stream of its events.
pub struct Agent {
    /// The agent.
    pub proc: Proc,
    listener: Proc,
    folder: PathBuf,
    profile: PathBuf,
    environment: Vec<(String, String)>,
    through: Vec<String>,
}

/// How an agent is started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The text of `trayphone.toml`.
    pub settings: String,
    /// More environment: passwords, a sound server, a display.
    pub environment: Vec<(String, String)>,
    /// With a tray and toasts; else `--headless`.
    pub desktop: bool,
    /// As `nohup` starts it: with SIGHUP ignored.
    pub nohup: bool,
    /// What it is started through, a program and its arguments: another network's `nsenter …`.
    pub through: Vec<String>,
}

impl Agent {
    /// Starts it with its files in `folder/name` and waits until it can be asked.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path, name: &str, start: Start) -> Self {
        let folder = folder.join(name);
        let profile = folder.join("profile");
        fs::create_dir_all(&profile).expect("the folder is ours");
        fs::write(profile.join("trayphone.toml"), &start.settings).expect("the folder is ours");
        Self::start_again(&folder, profile, start)
    }

    fn start_again(folder: &Path, profile: PathBuf, start: Start) -> Self {
        let Start { mut environment, desktop, nohup, through, .. } = start;
        environment.push(("XDG_RUNTIME_DIR".to_owned(), runtime_folder(folder)));
        let mut command = program_through(&through, &environment, &profile);
        command.args(["-vv", "run"]);
        if !desktop {
            command.arg("--headless");
        }
        if nohup {
            ignore_hangups(&mut command);
        }
        let mut proc = Proc::start("trayphone", &mut command, folder);
        let mut listener = None;
        wait::until(SOON, || {
            if proc.ended().is_some() {
                return Some(());
            }
            let mut command = program_with(&environment, &profile);
            let mut stream = Proc::start_split("events", command.args(["events", "--json"]), folder);
            let out = folder.join("events.out");
            // Either it greets us, or it says that no agent runs and ends.
            wait::until(SOON, || (stream.ended().is_some() || lines(&out).is_some()).then_some(()))?;
            listener = stream.ended().is_none().then_some(stream);
            listener.is_some().then_some(())
        });
        let Some(listener) = listener else { panic!("the agent does not come up\n{proc}") };
        Self { proc, listener, folder: folder.to_owned(), profile, environment, through }
    }

    /// The folder of its settings, journal and plugins.
    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// Gives a command, in JSON, and waits for its end.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = program_with(&self.environment, &self.profile);
        command
            .arg("--json")
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// A command as a user types it, to be run by the test.
    pub fn plain(&self, arguments: &[&str]) -> Command {
        let mut command = program_with(&self.environment, &self.profile);
        command.args(arguments);
        command
    }

    /// Goes to its local socket, as other programs do.
    ///
    /// # Panics
    /// When there is none.
    pub fn connect(&self) -> UnixStream {
        let mut sockets = fs::read_dir(self.folder.join("run/trayphone")).expect("the folder of its socket");
        let socket = sockets.next().expect("its socket").expect("readable").path();
        UnixStream::connect(&socket).unwrap_or_else(|error| panic!("{}: {error}", socket.display()))
    }

    /// Gives a command that must succeed; answers the objects it printed.
    ///
    /// # Panics
    /// When it fails.
    pub fn ask(&self, arguments: &[&str]) -> Vec<Value> {
        let Output { status, stdout, stderr } = self.command(arguments);
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "trayphone {arguments:?}: {status}\n{stderr}\n{}", self.proc);
        String::from_utf8_lossy(&stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Every event so far, `hello` first.
    pub fn events(&self) -> Vec<Value> {
        lines(&self.folder.join("events.out")).unwrap_or_default()
    }

    /// Waits for an event that `look` accepts, from the `after`th on; answers it and the place behind it.
    ///
    /// # Panics
    /// When it does not come in time; the message holds the events that came.
    pub fn wait_for(
        &self,
        what: &str,
        after: usize,
        deadline: Duration,
        look: impl Fn(&Value) -> bool,
    ) -> (Value, usize) {
        let found = wait::for_event(deadline, after, || self.events(), look);
        found.unwrap_or_else(|| {
            let events: Vec<String> = self.events().iter().map(ToString::to_string).collect();
            panic!(
                "waited for {what} in vain; events:\n{}\n{}{}",
                events.join("\n"),
                self.listener,
                self.proc
            )
        })
    }

    /// Waits until the account registers itself; asks for its state, for that may be older than our listening.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_until_registered(&self) {
        self.wait_for_state("registered", SOON);
    }

    /// Waits until the account's registration is in this state, and answers what `status` says of it.
    ///
    /// # Panics
    /// When it does not get there in time.
    pub fn wait_for_state(&self, state: &str, deadline: Duration) -> Value {
        let mut last = Value::Null;
        let found = wait::until(deadline, || {
            last = self.ask(&["status"]).pop()?;
            let account = &last["accounts"][0]["registration"];
            (account["state"] == state).then(|| account.clone())
        });
        found.unwrap_or_else(|| panic!("the account does not become {state}: {last}\n{}", self.proc))
    }

    /// Waits for the news that an account is in this state (`registered`, `connecting`, `failed`, …).
    ///
    /// # Panics
    /// When it does not get there in time.
    pub fn wait_for_registration(&self, state: &str, after: usize, deadline: Duration) -> (Value, usize) {
        self.wait_for(&format!("registration: {state}"), after, deadline, |event| {
            event["type"] == "registration" && event["registration"]["state"] == state
        })
    }

    /// Waits until a call is in this state.
    ///
    /// # Panics
    /// When it does not get there in time.
    pub fn wait_for_call(&self, state: &str, after: usize, deadline: Duration) -> (Value, usize) {
        self.wait_for(&format!("call: {state}"), after, deadline, |event| {
            event["type"] == "call" && event["state"] == state
        })
    }

    /// Where it takes SIP connections and datagrams from anybody. (Over TCP its Contact names the connection it has to its
    /// registrar, which nobody else can use.)
    ///
    /// # Panics
    /// When it listens nowhere.
    pub fn listening_port(&self) -> u16 {
        let rows = self.sockets("tcp", 9);
        // State 0A is LISTEN.
        let port = rows.iter().filter(|row| row[3] == "0A").filter_map(|row| port_of(row)).max();
        port.unwrap_or_else(|| panic!("the agent listens nowhere\n{}", self.proc))
    }

    /// Every UDP port it has open: SIP, and the sound of its calls.
    ///
    /// # Panics
    /// When it does not run.
    pub fn udp_ports(&self) -> Vec<u16> {
        self.sockets("udp", 9).iter().filter_map(|row| port_of(row)).collect()
    }

    /// Where it takes orders: its local socket.
    ///
    /// # Panics
    /// When it has none.
    pub fn door(&self) -> PathBuf {
        let rows = self.sockets("unix", 6);
        // Flags 00010000 say that it accepts connections; the path is the last column.
        let row = rows.iter().find(|row| row[3] == "00010000" && row.len() > 7);
        row.map(|row| PathBuf::from(&row[7]))
            .unwrap_or_else(|| panic!("the agent has no door\n{}", self.proc))
    }

    /// The rows of a table in `/proc/net` (proc(5)) that are about its own sockets; `column` holds their inodes.
    fn sockets(&self, table: &str, column: usize) -> Vec<Vec<String>> {
        let process = PathBuf::from(format!("/proc/{}", self.proc.id()));
        let ours: Vec<String> = fs::read_dir(process.join("fd"))
            .expect("the agent runs")
            .filter_map(|file| Some(fs::read_link(file.ok()?.path()).ok()?.to_string_lossy().into_owned()))
            .collect();
        let table = fs::read_to_string(process.join("net").join(table)).expect("the agent runs");
        let rows = table.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        rows.filter(|row| row.get(column).is_some_and(|inode| ours.contains(&format!("socket:[{inode}]"))))
            .collect()
    }

    /// Its resident memory, KiB.
    ///
    /// # Panics
    /// When it does not run.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Its resident memory at its highest so far, KiB.
    ///
    /// # Panics
    /// When it does not run.
    pub fn most_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// A size the kernel keeps of it (proc(5)).
    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.proc.id())).expect("the agent runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let size = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
        size.unwrap_or_else(|| panic!("the agent has ended\n{}", self.proc))
    }

    /// Ends it by SIGTERM and starts it again with the same profile.
    ///
    /// # Panics
    /// When it does not end or does not come up.
    pub fn restart(mut self) -> Self {
        self.proc.signal(crate::proc::Signal::Terminate);
        self.proc.wait_for_end(SOON);
        let environment = std::mem::take(&mut self.environment);
        let start = Start { environment, through: std::mem::take(&mut self.through), ..Start::default() };
        let (folder, profile) = (self.folder.clone(), self.profile.clone());
        drop(self);
        Self::start_again(&folder, profile, start)
    }
}

/// The local port in a row of `/proc/net/tcp` or `udp`.
fn port_of(row: &[String]) -> Option<u16> {
    u16::from_str_radix(row.get(1)?.split(':').nth(1)?, 16).ok()
}

/// The objects in a file, one a line; `None` while there is no whole line.
fn lines(file: &Path) -> Option<Vec<Value>> {
    let text = fs::read_to_string(file).ok()?;
    let whole = &text[..=text.rfind('\n')?];
    Some(whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn program_with(environment: &[(String, String)], profile: &Path) -> Command {
    program_through(&[], environment, profile)
}

fn program_through(through: &[String], environment: &[(String, String)], profile: &Path) -> Command {
    let mut words = through.iter().map(OsString::from).chain([program().into_os_string()]);
    let mut command = Command::new(words.next().expect("our program at least"));
    command.args(words);
    // No desktop of the person who runs the tests: no bus, no display, no sound server.
    for theirs in ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "PULSE_SERVER"] {
        command.env_remove(theirs);
    }
    command.env("HOME", profile).envs(environment.iter().cloned()).arg("--profile").arg(profile);
    command
}

fn ignore_hangups(command: &mut Command) {
    // SAFETY: signal(2) may be called between fork and exec, and touches no memory of ours.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        });
    }
}

fn runtime_folder(folder: &Path) -> String {
    let path = folder.join("run");
    fs::create_dir_all(&path).expect("the folder is ours");
    path.display().to_string()
}
