//! A program under test: started with its output in a file, watched by that file, and ended with all its children.

use std::{
    fmt, fs,
    fs::File,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::wait;

/// How long a program may take to end after SIGTERM before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A program that keeps time, to be run before others where this user may have that: a test of ours is about the agent
/// on a busy machine, and its peers' hiccups are not the agent's.
#[must_use]
pub fn punctual(program: &str) -> Command {
    let script = r#"chrt -r -p 4 $$ 2>/dev/null || renice -n -11 -p $$ >/dev/null 2>&1; exec "$0" "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, program]);
    command
}

/// A running program; dropping it ends it and whatever it started.
pub struct Proc {
    name: String,
    child: Child,
    started: Instant,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

/// The signals tests send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: please end.
    Terminate,
    /// SIGINT: Ctrl+C.
    Interrupt,
    /// SIGHUP: the terminal is gone.
    HangUp,
    /// SIGKILL: end now.
    Kill,
    /// SIGSTOP: stand still, as a hung peer does.
    Stop,
    /// SIGCONT: go on.
    Continue,
}

impl Signal {
    /// Sends it to a process, or with a negative id to a group.
    pub(crate) fn send(self, pid: libc::pid_t) {
        // SAFETY: kill(2) takes numbers and touches no memory of ours. A process that is gone is an error we do not need.
        unsafe { libc::kill(pid, self.number()) };
    }

    fn number(self) -> libc::c_int {
        match self {
            Self::Terminate => libc::SIGTERM,
            Self::Interrupt => libc::SIGINT,
            Self::HangUp => libc::SIGHUP,
            Self::Kill => libc::SIGKILL,
            Self::Stop => libc::SIGSTOP,
            Self::Continue => libc::SIGCONT,
        }
    }
}

impl Proc {
    /// Starts `command` with stdout and stderr in `folder/name.log` and a pipe as stdin.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let both = file.try_clone().expect("a file can be shared");
        Self::spawn(name, command.stdout(file).stderr(both), log)
    }

    /// The same with stdout in `folder/name.out`, so that a stream of JSON stays clean.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_split(name: &str, command: &mut Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file =
            |path: &Path| File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let out = file(&folder.join(format!("{name}.out")));
        Self::spawn(name, command.stdout(out).stderr(file(&log)), log)
    }

    fn spawn(name: &str, command: &mut Command, log: PathBuf) -> Self {
        let started = Instant::now();
        // A group of its own: what the program starts can be ended with it.
        let child = command.stdin(Stdio::piped()).process_group(0).spawn().unwrap_or_else(|error| {
            panic!(
                "cannot start {name} ({:?}): {error}; `cargo xtask setup test` installs it",
                command.get_program()
            )
        });
        Self { name: name.to_owned(), child, started, log, ended: None }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Just before it was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until what it printed satisfies `look`.
    ///
    /// # Panics
    /// When that does not happen in time; the message ends with what it printed.
    pub fn wait_for<T>(&mut self, what: &str, deadline: Duration, look: impl Fn(&str) -> Option<T>) -> T {
        wait::until(deadline, || look(&self.log()))
            .unwrap_or_else(|| panic!("waited for {what} in vain\n{self}"))
    }

    /// Waits until it has printed `text`.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_for_text(&mut self, text: &str, deadline: Duration) {
        self.wait_for(&format!("{text:?}"), deadline, |log| log.contains(text).then_some(()));
    }

    /// Types a line.
    ///
    /// # Panics
    /// When it has closed its stdin.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is a pipe");
        let typed = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        typed.unwrap_or_else(|error| panic!("cannot type {line:?}: {error}\n{self}"));
    }

    /// Closes its stdin, as the end of a pipe does.
    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: Signal) {
        signal.send(self.pid());
    }

    /// Sends a signal to the program and to everything it started.
    pub fn signal_all(&self, signal: Signal) {
        signal.send(-self.pid());
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it goes on beyond the deadline.
    pub fn wait_for_end(&mut self, deadline: Duration) -> ExitStatus {
        wait::until(deadline, || self.ended()).unwrap_or_else(|| panic!("it does not end\n{self}"))
    }

    /// Ends it, politely first, with everything it started.
    pub fn stop(&mut self) {
        if self.ended().is_none() {
            self.signal_all(Signal::Continue);
            self.signal(Signal::Terminate);
            wait::until(PATIENCE, || self.ended());
        }
        self.kill();
    }

    /// Ends it without asking, as a crash does.
    pub fn kill(&mut self) {
        Signal::Kill.send(-self.pid());
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
    }

    fn pid(&self) -> libc::pid_t {
        libc::pid_t::try_from(self.child.id()).expect("the kernel's ids fit")
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Display for Proc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(60)..];
        writeln!(out, "--- {} ({} lines, the last ones:)", self.name, lines.len())?;
        tail.iter().try_for_each(|line| writeln!(out, "    {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Proc, Signal};
    use crate::wait::{SOON, until};
    use std::{path::Path, process::Command};

    #[test]
    fn ends_what_the_program_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo child $!; wait"]);
        let mut proc = Proc::start("shell", &mut command, folder.path());
        let child = proc.wait_for("the child's id", SOON, |log| {
            Some(log.strip_prefix("child ")?.strip_suffix('\n')?.to_owned())
        });
        let there = || Path::new("/proc").join(&child).join("exe").exists();
        assert!(there());
        drop(proc);
        assert!(until(SOON, || (!there()).then_some(())).is_some(), "{child} still runs");
    }

    #[test]
    fn a_stopped_program_is_ended_all_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut proc = Proc::start("cat", &mut Command::new("cat"), folder.path());
        proc.type_line("hello");
        proc.wait_for_text("hello", SOON);
        proc.signal(Signal::Stop);
        proc.stop();
        assert!(proc.ended().is_some());
    }
}
