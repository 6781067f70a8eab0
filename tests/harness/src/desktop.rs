//! A desktop of its own for a test: X server, session bus, window manager, panel with tray, notification service.
//!
//! Everything is real and private: nothing of the machine's own session is touched, and all of it ends with the value.

mod bus;
mod fake;
mod hand;
mod process;
mod programs;
mod screen;
mod shell;
mod tray;
mod workplace;

pub use bus::{Monitor, Notice};
pub use fake::{FakeToasts, Manner};
pub use hand::Hand;
pub use process::{Child, Lines};
pub use programs::{Browser, Editor, Terminal};
pub use screen::{Area, Rgb, Screenshot, icon};
pub use shell::Shell;
pub use tray::{OpenMenu, Row, Tray};
pub use workplace::{Caller, Workplace};

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long anything on this desktop may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Which notification service a desktop has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toasts {
    /// xfce4-notifyd: draws buttons.
    Xfce,
    /// dunst: says it has buttons and draws none; a menu of its own has them.
    Dunst,
    /// None; a test may start a [`FakeToasts`].
    None,
}

/// The desktop. Dropping it ends every process it started.
#[derive(Debug)]
pub struct Desktop {
    folder: tempfile::TempDir,
    display: String,
    // In the order in which they are to end.
    toasts: Option<Child>,
    panel: Option<Child>,
    manager: Option<Child>,
    bus: Option<Child>,
    _x: Child,
}

impl Desktop {
    /// Starts an X server, a bus, a window manager, a panel with a tray, and the notification service.
    pub fn start(toasts: Toasts) -> Result<Self, String> {
        let mut desktop = Self::bare()?;
        desktop.start_bus()?;
        desktop.manager = Some(desktop.spawn("xfwm4", &["--compositor=off"])?);
        desktop.start_panel()?;
        desktop.start_toasts(toasts)?;
        Ok(desktop)
    }

    /// An X server and nothing else.
    pub fn bare() -> Result<Self, String> {
        let folder =
            tempfile::Builder::new().prefix("desk").tempdir().map_err(|e| format!("no folder: {e}"))?;
        for (name, mode) in [("run", 0o700), ("home", 0o755), ("services", 0o755)] {
            let path = folder.path().join(name);
            fs::create_dir(&path).map_err(|e| format!("{name}: {e}"))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
                .map_err(|e| format!("{name}: {e}"))?;
        }
        let (x, display) = start_x()?;
        Ok(Self { folder, display, toasts: None, panel: None, manager: None, bus: None, _x: x })
    }

    /// The folder that holds home, runtime folder and logs of this desktop.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `unix:path=…` of the session bus.
    pub fn bus_address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("run/bus").display())
    }

    /// A command that runs on this desktop.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home = self.folder.path().join("home");
        for gone in ["WAYLAND_DISPLAY", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "BROWSER"] {
            command.env_remove(gone);
        }
        command
            .envs(self.environment())
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .env("HOME", home)
            .env("NO_AT_BRIDGE", "1")
            .env("LIBGL_ALWAYS_SOFTWARE", "1");
        command
    }

    /// What a program's environment must say to be on this desktop.
    pub fn environment(&self) -> Vec<(String, String)> {
        let bus = self.bus_address();
        let named = [
            ("DISPLAY", self.display.as_str()),
            ("DBUS_SESSION_BUS_ADDRESS", &bus),
            ("XDG_CURRENT_DESKTOP", "XFCE"),
            ("XDG_SESSION_TYPE", "x11"),
            ("GDK_BACKEND", "x11"),
        ];
        named.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Starts a program on this desktop that ends with the value; what it says goes to a log in the folder.
    pub fn spawn(&self, program: &str, arguments: &[&str]) -> Result<Child, String> {
        let mut command = self.command(program);
        command.args(arguments);
        let log = self.folder.path().join(format!("{}.log", program.rsplit('/').next().unwrap_or(program)));
        let log = fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        let both = log.try_clone().map_err(|e| e.to_string())?;
        command.stdin(Stdio::null()).stdout(log).stderr(both);
        Child::spawn(command)
    }

    /// Runs a short program to its end and gives what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let output = self
            .command(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|e| process::missing(program, &e))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{program} {arguments:?}: {} {}", output.status, said.trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts the session bus. It starts services only for the panel's settings, so that no other notification
    /// service of the machine comes up by itself.
    pub fn start_bus(&mut self) -> Result<(), String> {
        let services = self.folder.path().join("services");
        let settings = Path::new("/usr/share/dbus-1/services/org.xfce.Xfconf.service");
        if settings.exists() {
            fs::copy(settings, services.join("org.xfce.Xfconf.service")).map_err(|e| e.to_string())?;
        }
        let config = self.folder.path().join("bus.conf");
        fs::write(&config, bus_config(&self.bus_address(), &services)).map_err(|e| e.to_string())?;
        let socket = self.folder.path().join("run/bus");
        let _ = fs::remove_file(&socket);
        let config = format!("--config-file={}", config.display());
        self.bus = Some(self.spawn("dbus-daemon", &[&config, "--nofork", "--nopidfile"])?);
        wait_for("the session bus", || UnixStream::connect(&socket).ok().map(drop))
    }

    /// Ends the session bus.
    pub fn stop_bus(&mut self) {
        self.bus = None;
    }

    /// Starts the panel and waits until its tray is there.
    pub fn start_panel(&mut self) -> Result<(), String> {
        let settings = self.folder.path().join("home/.config/xfce4/xfconf/xfce-perchannel-xml");
        fs::create_dir_all(&settings).map_err(|e| e.to_string())?;
        fs::write(settings.join("xfce4-panel.xml"), PANEL).map_err(|e| e.to_string())?;
        // The panel itself sometimes comes up without its window when its settings' service is just being started.
        for _ in 0..3 {
            self.panel = None;
            let panel = self.spawn("xfce4-panel", &["--disable-wm-check"])?;
            let shown = wait_at_most(PATIENCE / 3, || {
                let windows = self.windows("xfce4-panel");
                (!windows.is_empty()).then_some(())
            });
            self.panel = Some(panel);
            if shown.is_some() {
                return self.wait_for_name("org.kde.StatusNotifierWatcher");
            }
        }
        let log = fs::read_to_string(self.folder.path().join("xfce4-panel.log")).unwrap_or_default();
        Err(format!("the panel does not show; it says: {log}"))
    }

    /// Ends the panel.
    pub fn stop_panel(&mut self) {
        self.panel = None;
    }

    /// Starts a notification service and waits until it is on the bus.
    pub fn start_toasts(&mut self, toasts: Toasts) -> Result<(), String> {
        let program = match toasts {
            Toasts::None => return Ok(()),
            Toasts::Xfce => notifyd()?,
            Toasts::Dunst => self.set_dunst_up()?,
        };
        self.toasts = Some(self.spawn(&program.display().to_string(), &[])?);
        self.wait_for_name("org.freedesktop.Notifications")
    }

    /// dunst shows what can be done in a menu of another program's, dmenu as a rule. Here it is one that writes down
    /// what it was offered and takes what it was told.
    fn set_dunst_up(&self) -> Result<PathBuf, String> {
        let folder = self.folder.path();
        let menu = folder.join("menu");
        let script = format!(
            "#!/bin/sh\ncat > {0}/offered\nexec grep -m 1 -F -e \"$(cat {0}/choice)\" {0}/offered\n",
            folder.display()
        );
        fs::write(&menu, script).map_err(|e| e.to_string())?;
        fs::set_permissions(&menu, fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
        let settings = folder.join("home/.config/dunst");
        fs::create_dir_all(&settings).map_err(|e| e.to_string())?;
        // As in the settings it is packaged with, but for the menu.
        let text = format!(
            "[global]\n    dmenu = {}\n    mouse_middle_click = do_action, close_current\n",
            menu.display()
        );
        fs::write(settings.join("dunstrc"), text).map_err(|e| e.to_string())?;
        Ok(PathBuf::from("dunst"))
    }

    /// Clicks dunst's first toast with the button that opens its menu, and takes the first line there that holds these
    /// words. Gives the lines there were.
    pub fn choose_at_dunst(&self, words: &str) -> Result<Vec<String>, String> {
        let offered = self.folder.path().join("offered");
        let _ = fs::remove_file(&offered);
        fs::write(self.folder.path().join("choice"), words).map_err(|e| e.to_string())?;
        let toast = wait_for("dunst's toast", || self.windows("Dunst").pop())?;
        self.keep("agent-toast-dunst");
        // One window holds all toasts, and a call that rings is the first of them.
        self.click((toast.at(0.5, 0.0).0, toast.y + 25), 2)?;
        let menu = wait_for("dunst's menu", || {
            let lines = fs::read_to_string(&offered).ok()?;
            lines.contains(words).then(|| lines.lines().map(str::to_owned).collect())
        });
        menu.map_err(|error| {
            let said = fs::read_to_string(self.folder.path().join("dunst.log")).unwrap_or_default();
            format!("{error}; dunst at {toast:?} says: {said}")
        })
    }

    /// Ends the notification service, not asking it.
    pub fn stop_toasts(&mut self) {
        self.toasts = None;
    }

    /// Stops the notification service in its tracks (`true`) or lets it go on.
    pub fn freeze_toasts(&self, frozen: bool) {
        if let Some(toasts) = &self.toasts {
            toasts.signal(if frozen { "STOP" } else { "CONT" });
        }
    }

    fn wait_for_name(&self, name: &str) -> Result<(), String> {
        wait_for(&format!("{name} on the bus"), || {
            let argument = format!("string:{name}");
            let said = self.run(
                "dbus-send",
                &["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", BUS_HAS, &argument],
            );
            said.ok()?.contains("boolean true").then_some(())
        })
    }

    /// Listens to everything that is said between programs and the notification service.
    pub fn monitor(&self) -> Result<Monitor, String> {
        Monitor::start(&self.bus_address())
    }

    /// What is on the screen.
    pub fn screenshot(&self) -> Result<Screenshot, String> {
        let file = self.folder.path().join("screen.ppm");
        self.run(
            "import",
            &["-silent", "-window", "root", "-depth", "8", &format!("ppm:{}", file.display())],
        )?;
        Screenshot::read(&file)
    }

    /// Keeps a screenshot as a PNG where `TRAYPHONE_SHOTS` says, if it says so.
    pub fn keep(&self, name: &str) {
        if let Some(folder) = std::env::var_os("TRAYPHONE_SHOTS") {
            let path = Path::new(&folder).join(format!("{name}.png"));
            let _ = self.run("import", &["-silent", "-window", "root", &path.display().to_string()]);
        }
    }

    /// Waits until an area of the screen shows so many pixels of a colour, and gives their middle.
    pub fn wait_for_colour(&self, colour: Rgb, least: usize, area: Area) -> Result<(i32, i32), String> {
        wait_for(&format!("{least} pixels of {colour:?} in {area:?}"), || {
            let found = self.screenshot().ok()?.find(colour, area)?;
            (found.count >= least).then_some(found.middle)
        })
    }

    /// Moves the pointer and presses a button there (1 left, 2 middle, 3 right).
    pub fn click(&self, at: (i32, i32), button: u32) -> Result<(), String> {
        let (x, y) = (at.0.to_string(), at.1.to_string());
        self.run("xdotool", &["mousemove", &x, &y, "sleep", "0.05", "click", &button.to_string()]).map(drop)
    }

    /// Hits a key with its modifiers, as `ctrl+alt+a`.
    pub fn key(&self, chord: &str) -> Result<(), String> {
        self.run("xdotool", &["key", chord]).map(drop)
    }

    /// Types text into whatever has the keyboard.
    pub fn type_text(&self, text: &str) -> Result<(), String> {
        self.run("xdotool", &["type", "--delay", "15", text]).map(drop)
    }

    /// Which window has the keyboard.
    pub fn focus(&self) -> Result<String, String> {
        self.run("xdotool", &["getwindowfocus"]).map(|id| id.trim().to_owned())
    }

    /// The visible windows of a class, each with its place.
    pub fn windows(&self, class: &str) -> Vec<Area> {
        self.window_ids(class).iter().filter_map(|id| self.window_area(id)).collect()
    }

    fn window_ids(&self, class: &str) -> Vec<String> {
        let ids = self.run("xdotool", &["search", "--onlyvisible", "--class", class]).unwrap_or_default();
        ids.lines().map(|id| id.trim().to_owned()).collect()
    }

    /// The toasts that stand on the screen (of xfce4-notifyd), each window by its id.
    pub fn toasts(&self) -> Vec<String> {
        self.window_ids("xfce4-notifyd")
    }

    /// Waits for a toast with so many buttons that is none of those before; gives the buttons' middles from left to right.
    pub fn toast_with_buttons(&self, before: &[String], count: usize) -> Result<Vec<(i32, i32)>, String> {
        wait_for(&format!("a toast with {count} buttons"), || {
            let new = self.toasts().into_iter().filter(|id| !before.contains(id));
            let screen = self.screenshot().ok()?;
            new.filter_map(|id| self.window_area(&id))
                .map(|area| screen.buttons(area))
                .find(|buttons| buttons.len() == count)
        })
    }

    fn window_area(&self, id: &str) -> Option<Area> {
        let said = self.run("xwininfo", &["-id", id]).ok()?;
        let number = |what: &str| {
            let line = said.lines().find(|line| line.trim_start().starts_with(what))?;
            line.rsplit(':').next()?.trim().parse::<i32>().ok()
        };
        Some(Area {
            x: number("Absolute upper-left X")?,
            y: number("Absolute upper-left Y")?,
            width: number("Width")?,
            height: number("Height")?,
        })
    }

    /// Whether any key is down right now, or Shift, Ctrl, Alt, Super or a lock is on.
    pub fn keys_down(&self) -> Result<bool, String> {
        screen::keys_down(&self.display)
    }

    /// The display's name, `:7`.
    pub fn display(&self) -> &str {
        &self.display
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.toasts = None;
        self.panel = None;
        self.manager = None;
        self.bus = None;
    }
}

/// Asks until there is an answer, for [`PATIENCE`] at most; `what` names what was waited for.
pub fn wait_for<T>(what: &str, ask: impl FnMut() -> Option<T>) -> Result<T, String> {
    wait_at_most(PATIENCE, ask).ok_or_else(|| format!("waited {} s in vain for {what}", PATIENCE.as_secs()))
}

fn wait_at_most<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= until {
            return None;
        }
        thread::sleep(Duration::from_millis(30));
    }
}

/// Starts an X server on a display that is free.
fn start_x() -> Result<(Child, String), String> {
    let mut command = Command::new("Xvfb");
    command
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut x = Child::spawn(command)?;
    let out = x.stdout().ok_or("Xvfb has no output")?;
    let mut number = String::new();
    BufReader::new(out).read_line(&mut number).map_err(|e| e.to_string())?;
    match number.trim().parse::<u32>() {
        Ok(number) => Ok((x, format!(":{number}"))),
        Err(_) => Err("Xvfb found no free display, or ended".to_owned()),
    }
}

fn notifyd() -> Result<PathBuf, String> {
    let places = fs::read_dir("/usr/lib").map_err(|e| e.to_string())?;
    let found = places
        .flatten()
        .map(|place| place.path().join("xfce4/notifyd/xfce4-notifyd"))
        .chain([PathBuf::from("/usr/lib/xfce4/notifyd/xfce4-notifyd")])
        .find(|path| path.exists());
    found.ok_or_else(|| "xfce4-notifyd is missing: install the package xfce4-notifyd".to_owned())
}

const BUS_HAS: &str = "org.freedesktop.DBus.NameHasOwner";

fn bus_config(address: &str, services: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>{address}</listen><servicedir>{}</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"#,
        services.display()
    )
}

/// A panel with a task list and a tray, nothing else.
const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0"><property name="configver" type="int" value="2"/>
<property name="panels" type="array"><value type="int" value="1"/>
<property name="panel-1" type="empty"><property name="position" type="string" value="p=6;x=0;y=0"/>
<property name="length" type="uint" value="100"/><property name="position-locked" type="bool" value="true"/>
<property name="size" type="uint" value="30"/>
<property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/><value type="int" value="3"/></property>
</property></property>
<property name="plugins" type="empty"><property name="plugin-1" type="string" value="tasklist"/>
<property name="plugin-2" type="string" value="separator"><property name="expand" type="bool" value="true"/></property>
<property name="plugin-3" type="string" value="systray"/></property></channel>
"#;
