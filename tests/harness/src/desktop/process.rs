//! Processes that end with the value that stands for them, and what they print, line by line.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A process with all its children; dropping it kills them.
#[derive(Debug)]
pub struct Child {
    child: std::process::Child,
}

impl Child {
    /// Starts it at the head of a process group of its own.
    pub fn spawn(mut command: Command) -> Result<Self, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().map_err(|error| missing(&program, &error))?;
        Ok(Self { child })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it and its children a signal by name, as `TERM`.
    pub fn signal(&self, name: &str) {
        let _ = Command::new("kill")
            .args([&format!("-{name}"), "--", &format!("-{}", self.child.id())])
            .stderr(Stdio::null())
            .status();
    }

    /// Its input, once.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its output, once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.child.wait();
    }
}

/// What to install when a program is not there.
pub(super) fn missing(program: &str, error: &std::io::Error) -> String {
    let package = match program {
        "Xvfb" => "xvfb",
        "dbus-daemon" | "dbus-send" => "dbus",
        "import" => "imagemagick",
        "xwininfo" => "x11-utils",
        "xmodmap" => "x11-xserver-utils",
        other => other,
    };
    if error.kind() == std::io::ErrorKind::NotFound {
        format!("{program} is missing: install the package {package}")
    } else {
        format!("{program} could not be started: {error}")
    }
}

/// The lines a process has printed so far, to be waited for.
#[derive(Debug, Clone)]
pub struct Lines {
    shared: Arc<(Mutex<Stamped>, Condvar)>,
}

/// Lines, each with the time it came.
type Stamped = Vec<(Instant, String)>;

impl Lines {
    /// Reads on a thread of its own until the end.
    pub fn read(from: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let theirs = shared.clone();
        thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                theirs.0.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), line));
                theirs.1.notify_all();
            }
        });
        Self { shared }
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        let lines = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|(_, line)| line.clone()).collect()
    }

    /// The first line from number `from` on that `pick` takes, waiting for it at most `patience`.
    pub fn wait<T>(
        &self,
        from: usize,
        patience: Duration,
        mut pick: impl FnMut(Instant, &str) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + patience;
        let mut seen = from;
        let mut lines = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while let Some((at, line)) = lines.get(seen) {
                if let Some(picked) = pick(*at, line) {
                    return Some(picked);
                }
                seen += 1;
            }
            let left = until.checked_duration_since(Instant::now())?;
            lines = self.shared.1.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
