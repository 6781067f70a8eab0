//! Other programs' eyes: what crossed the desktop's bus, what reached the browser.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A toast as it crossed the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    /// When it was seen.
    pub at: Instant,
    /// First line.
    pub summary: String,
    /// The rest.
    pub body: String,
}

/// Watches the toasts on the session bus with `dbus-monitor`.
pub(crate) struct ToastWatch {
    monitor: Child,
    toasts: mpsc::Receiver<Toast>,
}

impl ToastWatch {
    /// Begins to watch; an error says why that cannot be done here.
    pub(crate) fn begin() -> Result<Self, String> {
        let rule = "type='method_call',interface='org.freedesktop.Notifications',member='Notify'";
        let mut monitor = Command::new("dbus-monitor")
            .args(["--session", rule])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("dbus-monitor cannot be started ({error}); it is in the package dbus-bin")
            })?;
        let out = monitor.stdout.take().ok_or("dbus-monitor has no output")?;
        let (tell, toasts) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || read_monitor(out, &tell, &ready));
        // Its first lines say that it got its name, so that nothing after this is missed.
        is_ready
            .recv_timeout(Duration::from_secs(5))
            .map_err(|_| "the session bus does not let dbus-monitor watch".to_owned())?;
        Ok(Self { monitor, toasts })
    }

    /// The next toast that fits, or `None` when the time is up.
    pub(crate) fn wait(&self, within: Duration, fits: impl Fn(&Toast) -> bool) -> Option<Toast> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let toast = self.toasts.recv_timeout(left).ok()?;
            if fits(&toast) {
                return Some(toast);
            }
        }
    }
}

impl Drop for ToastWatch {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}

fn read_monitor(out: ChildStdout, tell: &mpsc::Sender<Toast>, ready: &mpsc::Sender<()>) {
    let mut reader = Monitor::default();
    for line in BufReader::new(out).lines() {
        let Ok(line) = line else { return };
        let _ = ready.send(());
        if let Some((summary, body)) = reader.line(&line)
            && tell.send(Toast { at: Instant::now(), summary, body }).is_err()
        {
            return;
        }
    }
}

/// Reads `dbus-monitor`'s text: of each Notify the fourth and fifth argument, which are the toast's two texts.
#[derive(Debug, Default)]
struct Monitor {
    /// Arguments seen of the current call; `None` outside a Notify.
    strings: Option<Vec<String>>,
    /// A string that goes on over several lines.
    open: Option<String>,
}

impl Monitor {
    fn line(&mut self, line: &str) -> Option<(String, String)> {
        if let Some(mut open) = self.open.take() {
            open.push('\n');
            return self.text(open + line);
        }
        if line.starts_with("method call") {
            self.strings = line.contains("member=Notify").then(Vec::new);
            return None;
        }
        self.strings.as_ref()?;
        let text = line.strip_prefix("   string \"")?;
        self.text(text.to_owned())
    }

    fn text(&mut self, text: String) -> Option<(String, String)> {
        let Some(text) = text.strip_suffix('"').map(str::to_owned) else {
            self.open = Some(text);
            return None;
        };
        let strings = self.strings.as_mut()?;
        strings.push(text);
        // The program's name, its icon, then the two texts; the id between the first two is no string.
        if strings.len() < 4 {
            return None;
        }
        let mut strings = self.strings.take()?.into_iter().skip(2);
        Some((strings.next()?, strings.next()?))
    }
}

/// A browser of our own that only notes which page it was asked for.
pub(crate) struct Browser {
    program: PathBuf,
    seen: PathBuf,
}

impl Browser {
    /// Registers it in `folder`.
    pub(crate) fn register(folder: &Path) -> Result<Self, String> {
        let (program, seen) = (folder.join("browser"), folder.join("pages"));
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{}'\n", seen.display());
        fs::write(&program, script).map_err(|error| format!("{}: {error}", program.display()))?;
        crate::platform::make_executable(&program)
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let entry = format!(
            "[Desktop Entry]\nType=Application\nName=Demo browser\nExec={} %u\nMimeType=x-scheme-handler/http;x-scheme-handler/https;\n",
            program.display()
        );
        let applications = folder.join("share/applications");
        fs::create_dir_all(&applications).map_err(|error| error.to_string())?;
        let list = "[Default Applications]\nx-scheme-handler/http=demo-browser.desktop\nx-scheme-handler/https=demo-browser.desktop\n";
        for (name, text) in [("demo-browser.desktop", entry.as_str()), ("mimeapps.list", list)] {
            fs::write(applications.join(name), text).map_err(|error| error.to_string())?;
        }
        Ok(Self { program, seen })
    }

    /// What a program's environment must say to open its pages here.
    pub(crate) fn environment(&self, folder: &Path) -> Vec<(&'static str, String)> {
        vec![
            ("BROWSER", self.program.display().to_string()),
            ("XDG_DATA_HOME", folder.join("share").display().to_string()),
        ]
    }

    /// The first page asked for, or `None` when the time is up.
    pub(crate) async fn wait(&self, within: Duration) -> Option<String> {
        let deadline = Instant::now() + within;
        loop {
            let mut text = String::new();
            if let Ok(mut file) = fs::File::open(&self.seen) {
                let _ = file.read_to_string(&mut text);
            }
            if let Some((page, _)) = text.split_once('\n') {
                return Some(page.to_owned());
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toasts_are_read_off_the_monitor() {
        let text = r#"signal time=1.0 sender=org.freedesktop.DBus -> destination=:1.9 serial=2 path=/x; interface=y; member=NameAcquired
   string ":1.9"
method call time=2.0 sender=:1.5 -> destination=org.freedesktop.Notifications serial=5 path=/org/freedesktop/Notifications; interface=org.freedesktop.Notifications; member=Notify
   string "Trayphone"
   uint32 0
   string "call-start"
   string "Alice "Ali" Schmidt"
   string "ACME
+49 30 1"
   array [
      string "answer"
   ]
   array [
      dict entry(
         string "urgency"
         variant             byte 2
      )
   ]
   int32 0"#;
        let mut monitor = Monitor::default();
        let seen: Vec<_> = text.lines().filter_map(|line| monitor.line(line)).collect();
        assert_eq!(seen, [("Alice \"Ali\" Schmidt".to_owned(), "ACME\n+49 30 1".to_owned())]);
    }
}
