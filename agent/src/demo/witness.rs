//! Other programs' eyes: what crossed the desktop's bus, what reached the browser.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A toast as it crossed the bus, with what the toast server made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    /// First line.
    pub summary: String,
    /// The rest.
    pub body: String,
    /// The number the server gave it, or the name of the error it refused it with.
    pub answer: Result<u32, String>,
}

/// Watches the toasts on the session bus with `dbus-monitor`.
pub(crate) struct ToastWatch {
    monitor: Child,
    toasts: mpsc::Receiver<Toast>,
}

/// What is watched: the toasts handed over, and what is answered. Answers carry no name of what they answer.
const RULES: [&str; 3] = [
    "type='method_call',interface='org.freedesktop.Notifications',member='Notify'",
    "type='method_return'",
    "type='error'",
];

impl ToastWatch {
    /// Begins to watch; an error says why that cannot be done here.
    pub(crate) fn begin() -> Result<Self, String> {
        let mut monitor = Command::new("dbus-monitor")
            .arg("--session")
            .args(RULES)
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

    /// The next toast that fits and that the toast server took, with its number there. The error, when the time is up,
    /// is a sentence: the server refused, or there was none. That a toast was sent proves nothing: only the server's
    /// answer does.
    pub(crate) fn wait(
        &self,
        within: Duration,
        fits: impl Fn(&Toast) -> bool,
    ) -> Result<(Toast, u32), String> {
        let deadline = Instant::now() + within;
        let mut refused = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(toast) = self.toasts.recv_timeout(left) else {
                let none = || "the toast server took no such toast, as the session bus shows it".to_owned();
                return Err(refused.unwrap_or_else(none));
            };
            match &toast.answer {
                Ok(id) if fits(&toast) => return Ok((toast.clone(), *id)),
                Err(why) if fits(&toast) => {
                    refused = Some(format!("the toast server refused the toast with the error {why}"));
                }
                _ => {}
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
        if let Some(toast) = reader.line(&line)
            && tell.send(toast).is_err()
        {
            return;
        }
    }
}

/// Whose question it is: the asker's name on the bus, and the serial number they gave it.
type Question = (String, u32);

/// Reads `dbus-monitor`'s text: of each Notify the fourth and fifth argument, which are the toast's two texts, and the
/// answer to it.
#[derive(Debug, Default)]
struct Monitor {
    /// What the current lines belong to.
    message: Message,
    /// A string that goes on over several lines.
    open: Option<String>,
    /// Toasts handed over and not answered yet.
    asked: HashMap<Question, (String, String)>,
}

#[derive(Debug, Default)]
enum Message {
    /// Nothing of ours.
    #[default]
    Other,
    /// A toast is handed over; its strings so far.
    Notify(Question, Vec<String>),
    /// The answer to a toast with these texts.
    Answer(String, String),
}

impl Monitor {
    fn line(&mut self, line: &str) -> Option<Toast> {
        if let Some(mut open) = self.open.take() {
            open.push('\n');
            self.text(open + line);
            return None;
        }
        if !line.starts_with(' ') {
            return self.header(line);
        }
        if let Some(text) = line.strip_prefix("   string \"") {
            self.text(text.to_owned());
        } else if let Some(number) = line.strip_prefix("   uint32 ")
            && let Message::Answer(summary, body) = &mut self.message
        {
            let (summary, body) = (std::mem::take(summary), std::mem::take(body));
            self.message = Message::Other;
            // Zero is no toast's number.
            let id = number.trim().parse().ok().filter(|id| *id != 0);
            let answer = id.ok_or_else(|| format!("without a number ({number})"));
            return Some(Toast { summary, body, answer });
        }
        None
    }

    /// The first line of a message: what it is, whose, and what it answers.
    fn header(&mut self, line: &str) -> Option<Toast> {
        self.message = Message::Other;
        let word = |name: &str| line.split([' ', ';']).find_map(|word| word.strip_prefix(name));
        if line.starts_with("method call") {
            if word("member=") == Some("Notify") {
                let question = (word("sender=")?.to_owned(), word("serial=")?.parse().ok()?);
                self.message = Message::Notify(question, Vec::new());
            }
            return None;
        }
        let question = (word("destination=")?.to_owned(), word("reply_serial=")?.parse().ok()?);
        let (summary, body) = self.asked.remove(&question)?;
        if line.starts_with("error") {
            return Some(Toast { summary, body, answer: Err(word("error_name=")?.to_owned()) });
        }
        self.message = Message::Answer(summary, body);
        None
    }

    fn text(&mut self, text: String) {
        let Message::Notify(question, strings) = &mut self.message else { return };
        let Some(text) = text.strip_suffix('"').map(str::to_owned) else {
            self.open = Some(text);
            return;
        };
        strings.push(text);
        // The program's name, its icon, then the two texts; the id between the first two is no string.
        if let [_, _, summary, body] = strings.as_mut_slice() {
            let texts = (std::mem::take(summary), std::mem::take(body));
            self.asked.insert(question.clone(), texts);
            self.message = Message::Other;
        }
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
        let (applications, settings) = (folder.join("share/applications"), folder.join("config"));
        let list = "[Default Applications]\nx-scheme-handler/http=demo-browser.desktop\nx-scheme-handler/https=demo-browser.desktop\n";
        for (folder, name, text) in
            [(&applications, "demo-browser.desktop", entry.as_str()), (&settings, "mimeapps.list", list)]
        {
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(folder.join(name), text))
                .map_err(|error| format!("{}: {error}", folder.join(name).display()))?;
        }
        Ok(Self { program, seen })
    }

    /// What a program's environment must say to open its pages here. On a desktop the page must come by the handler that
    /// is registered for http, as to any browser; without one, openers know nothing but `BROWSER`.
    pub(crate) fn environment(&self, folder: &Path, desktop: bool) -> Vec<(&'static str, String)> {
        let program = if desktop { String::new() } else { self.program.display().to_string() };
        vec![
            ("BROWSER", program),
            ("XDG_DATA_HOME", folder.join("share").display().to_string()),
            // The user's own mimeapps.list would come before that of any data folder.
            ("XDG_CONFIG_HOME", folder.join("config").display().to_string()),
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

    const CALL: &str = r#"signal time=1.0 sender=org.freedesktop.DBus -> destination=:1.9 serial=2 path=/x; interface=y; member=NameAcquired
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
   int32 0
"#;

    fn read(answer: &str) -> Vec<Toast> {
        let mut monitor = Monitor::default();
        let text = format!("{CALL}{answer}");
        text.lines().filter_map(|line| monitor.line(line)).collect()
    }

    fn toast(answer: Result<u32, &str>) -> Vec<Toast> {
        let (summary, body) = ("Alice \"Ali\" Schmidt".to_owned(), "ACME\n+49 30 1".to_owned());
        vec![Toast { summary, body, answer: answer.map_err(str::to_owned) }]
    }

    #[test]
    fn a_toast_counts_when_the_server_gave_it_a_number() {
        let answer =
            "method return time=2.1 sender=:1.3 -> destination=:1.5 serial=9 reply_serial=5\n   uint32 4";
        assert_eq!(read(answer), toast(Ok(4)));
        assert_eq!(read(&answer.replace("uint32 4", "uint32 0")), toast(Err("without a number (0)")));
        assert_eq!(read(&format!("{answer}\n{answer}")).len(), 1, "one question, one answer");
    }

    #[test]
    fn a_toast_that_is_refused_or_not_answered_does_not_count() {
        let refusal = "error time=2.1 sender=:1.3 -> destination=:1.5 error_name=org.freedesktop.DBus.Error.Failed reply_serial=5\n   string \"no\"";
        assert_eq!(read(refusal), toast(Err("org.freedesktop.DBus.Error.Failed")));
        assert_eq!(read(""), []);
        for others in ["destination=:1.6 serial=9 reply_serial=5", "destination=:1.5 serial=9 reply_serial=6"]
        {
            let answer = format!("method return time=2.1 sender=:1.3 -> {others}\n   uint32 4");
            assert_eq!(read(&answer), [], "somebody else's answer");
        }
    }
}
