//! The shell's demo program as a process: orders go in as JSON, what it tells comes out the same way.

use super::{Child, Desktop, Lines, PATIENCE};
use serde_json::Value;
use std::{
    io::Write,
    path::PathBuf,
    process::{ChildStdin, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// The running demo.
#[derive(Debug)]
pub struct Shell {
    child: Child,
    orders: ChildStdin,
    lines: Lines,
}

impl Shell {
    /// Starts it on a desktop.
    pub fn start(desktop: &Desktop) -> Result<Self, String> {
        Self::start_with(desktop, |_| {})
    }

    /// Starts it with a changed environment.
    pub fn start_with(desktop: &Desktop, change: impl FnOnce(&mut Command)) -> Result<Self, String> {
        let mut command = desktop.command(&demo()?.display().to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        change(&mut command);
        let mut child = Child::spawn(command)?;
        let orders = child.stdin().ok_or("no input")?;
        let lines = Lines::read(child.stdout().ok_or("no output")?);
        Ok(Self { child, orders, lines })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives an order; gives the number of lines told before it.
    pub fn order(&mut self, order: &Value) -> Result<usize, String> {
        let told = self.lines.count();
        writeln!(self.orders, "{order}").and_then(|()| self.orders.flush()).map_err(|e| e.to_string())?;
        Ok(told)
    }

    /// What it has told so far.
    pub fn told(&self) -> Vec<Value> {
        self.lines.all().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// How much it has told so far.
    pub fn count(&self) -> usize {
        self.lines.count()
    }

    /// The first thing it tells from number `from` on that `pick` takes.
    pub fn wait<T>(&self, from: usize, mut pick: impl FnMut(&Value) -> Option<T>) -> Result<T, String> {
        let picked = self.lines.wait(from, PATIENCE, |_, line| pick(&serde_json::from_str(line).ok()?));
        picked.ok_or_else(|| {
            format!("waited in vain; told from {from} on: {:#?}", self.lines.all().get(from..))
        })
    }

    /// Whether it stays silent about something for a while.
    pub fn stays_silent(&self, from: usize, wrong: impl Fn(&Value) -> bool) -> Result<(), String> {
        let patience = Duration::from_millis(600);
        let heard = self.lines.wait(from, patience, |_, line| {
            let value: Value = serde_json::from_str(line).ok()?;
            wrong(&value).then_some(value)
        });
        heard.map_or(Ok(()), |value| Err(format!("told: {value}")))
    }

    /// Waits until a part of the desktop is told to work (`None`) or not to (a piece of the sentence).
    pub fn wait_part(&self, from: usize, part: &str, problem: Option<&str>) -> Result<(), String> {
        self.wait(from, |value| {
            let said = &value["problem"];
            let fits = match problem {
                None => said.is_null(),
                Some(piece) => said.as_str().is_some_and(|said| said.contains(piece)),
            };
            (value["part"] == part && fits).then_some(())
        })
    }

    /// Sets the hotkeys and waits until they are held.
    pub fn hold_keys(&mut self, keys: &Value) -> Result<(), String> {
        // A key that cannot be makes sure that the good news that follows is about these keys.
        let told = self.order(&serde_json::json!({ "hotkeys": { "answer": "Ctrl+Nonsense" } }))?;
        self.wait_part(told, "hotkeys", Some("Nonsense"))?;
        let told = self.order(&serde_json::json!({ "hotkeys": keys }))?;
        self.wait_part(told, "hotkeys", None)
    }

    /// Waits until the user is told to have wanted something; gives it.
    pub fn wait_did(&self, from: usize) -> Result<Value, String> {
        self.wait(from, |value| value.get("did").cloned())
    }

    /// Ends it in order, and says how long that took.
    pub fn quit(mut self) -> Result<Duration, String> {
        let began = Instant::now();
        let from = self.order(&serde_json::json!({ "quit": true }))?;
        self.wait(from, |value| value.get("ended").map(drop))?;
        super::wait_for("the demo's end", || self.child.has_ended().then_some(()))?;
        Ok(began.elapsed())
    }
}

/// The program: the one `TRAYPHONE_SHELL_DEMO` names, else built once a test run.
fn demo() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("TRAYPHONE_SHELL_DEMO") {
        return Ok(path.into());
    }
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> Result<PathBuf, String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "-q", "-p", "agent-shell", "--example", "shell_demo", "--message-format=json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .ok_or_else(|| format!("the demo could not be built ({})", output.status))
}
