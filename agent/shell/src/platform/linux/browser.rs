//! Opens pages with whatever the desktop has for it: the address is one argument, and no shell reads it.

use crate::{ShellInput, Tell, page, parts::Parts};
use agent_core::port::shell::{Part, ShellEvent};
use std::{
    io::{ErrorKind, Read},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Openers in the order they are tried.
const OPENERS: [&[&str]; 4] = [&["xdg-open"], &["gio", "open"], &["exo-open"], &["kde-open"]];
/// Some openers stay until the browser is closed: no more of them than this at a time.
const MOST: usize = 24;

/// Opens pages.
pub(super) struct Browser {
    parts: Parts,
    tell: Tell,
    open: Arc<AtomicUsize>,
}

impl Browser {
    pub(super) fn new(parts: Parts, tell: Tell) -> Self {
        Self { parts, tell, open: Arc::default() }
    }

    /// Opens a page on a thread of its own; what goes wrong is told.
    pub(super) fn open(&self, url: &str) {
        let url = match page::checked(url) {
            Ok(url) => url,
            Err(why) => return failed(&self.tell, why),
        };
        if self.open.fetch_add(1, Ordering::AcqRel) >= MOST {
            self.open.fetch_sub(1, Ordering::AcqRel);
            return failed(
                &self.tell,
                format!("{MOST} pages are being opened already; this one was left out."),
            );
        }
        let (parts, tell, count) = (self.parts.clone(), self.tell.clone(), self.open.clone());
        let run = move || {
            if let Err(why) = open(&parts, &url) {
                failed(&tell, why);
            }
            count.fetch_sub(1, Ordering::AcqRel);
        };
        let spawned = thread::Builder::new().name("page".to_owned()).stack_size(128 * 1024).spawn(run);
        if let Err(error) = spawned {
            self.open.fetch_sub(1, Ordering::AcqRel);
            failed(&self.tell, format!("The page could not be opened ({error})."));
        }
    }
}

fn failed(tell: &Tell, why: String) {
    tell(ShellInput::Event(ShellEvent::OpenFailed { why }));
}

fn open(parts: &Parts, url: &str) -> Result<(), String> {
    for opener in OPENERS {
        match start(opener, url) {
            Ok(child) => {
                parts.works(Part::Browser);
                return watch(child, opener[0]);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{} could not be started ({error}).", opener[0])),
        }
    }
    let why = "There is no program to open pages with; install xdg-utils.";
    parts.fails(Part::Browser, why);
    Err(why.to_owned())
}

fn start(opener: &[&str], url: &str) -> std::io::Result<Child> {
    Command::new(opener[0])
        .args(&opener[1..])
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
}

/// Waits for the opener, so that no dead process stays behind, and says why it failed.
fn watch(mut child: Child, opener: &str) -> Result<(), String> {
    let mut said = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        // A browser started by the opener may hold this pipe for hours and talk: the beginning is kept, the rest is
        // read and dropped, so that it never blocks on us.
        let _ = Read::by_ref(&mut stderr).take(2000).read_to_end(&mut said);
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    }
    let status = child.wait().map_err(|error| format!("{opener} could not be waited for ({error})."))?;
    if status.success() {
        return Ok(());
    }
    let said = crate::text::one_line(String::from_utf8_lossy(&said).trim(), 160);
    Err(match said.as_str() {
        "" => format!("{opener} could not open the page ({status})."),
        said => format!("{opener} could not open the page ({status}: {said})."),
    })
}
