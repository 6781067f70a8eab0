//! The way into the shell: a handle anybody may hold, and the one inbox the main thread reads. Nothing here ever waits.

use agent_core::{port::shell::ShellCommand, settings::HotkeySettings, view::View};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// More pages than this waiting to be opened are refused: nobody can look at them.
const MOST_COMMANDS: usize = 32;
/// More waiting readers of the selection than this are refused.
const MOST_READERS: usize = 16;

/// Takes the selected text, or the sentence that says why there is none to be had.
pub type SelectionReader = Box<dyn FnOnce(Result<String, String>) + Send>;

/// The sendable half of the shell. Every method returns at once.
#[derive(Clone)]
pub struct ShellHandle {
    mailbox: Arc<Mailbox>,
}

/// The half that [`crate::run`] consumes.
pub struct ShellInbox {
    mailbox: Arc<Mailbox>,
}

/// Makes the two halves. The handle works at once: what it is given waits for [`crate::run`].
pub fn mailbox() -> (ShellHandle, ShellInbox) {
    let mailbox = Arc::new(Mailbox::default());
    (ShellHandle { mailbox: mailbox.clone() }, ShellInbox { mailbox })
}

impl ShellHandle {
    /// What is to be seen from now on. An earlier view that was not drawn yet is never drawn.
    pub fn show(&self, view: View) {
        self.mailbox.put(|mail| mail.view = Some(Box::new(view)));
    }

    /// Asks for something a view cannot say.
    pub fn send(&self, command: ShellCommand) {
        self.mailbox.put(|mail| {
            if mail.commands.len() < MOST_COMMANDS {
                mail.commands.push_back(command);
            } else {
                mail.refused += 1;
            }
        });
    }

    /// The hotkeys from now on; those of before are given back first.
    pub fn hotkeys(&self, hotkeys: HotkeySettings) {
        self.mailbox.put(|mail| mail.hotkeys = Some(hotkeys));
    }

    /// Does what the hotkey *dial selection* does.
    pub fn dial_selection(&self) {
        self.mailbox.put(|mail| mail.dial_selection = true);
    }

    /// Reads what is selected in whatever program the user works in, within 700 ms, and hands it to `done` on a thread
    /// of the shell: at most 64 KiB, empty when nothing (or no text) is selected.
    pub fn read_selection(&self, done: impl FnOnce(Result<String, String>) + Send + 'static) {
        let mut done: Option<SelectionReader> = Some(Box::new(done));
        self.mailbox.put(|mail| {
            if mail.readers.len() < MOST_READERS && !mail.ended {
                mail.readers.extend(done.take());
            }
        });
        if let Some(done) = done {
            done(
                Err("The desktop is not being listened to; copy the number and dial it by hand.".to_owned()),
            );
        }
    }

    /// The other half again, for a [`crate::run`] that follows one that broke down. What it was given and had not taken
    /// up is still there; what it showed is to be shown again.
    pub fn inbox(&self) -> ShellInbox {
        *lock(&self.mailbox.bell) = None;
        lock(&self.mailbox.mail).ended = false;
        ShellInbox { mailbox: self.mailbox.clone() }
    }

    /// Takes everything down and lets [`crate::run`] return.
    pub fn quit(&self) {
        *lock(&self.mailbox.quitting) = true;
        self.mailbox.has_quit.notify_all();
        self.mailbox.put(|mail| mail.quit = true);
    }

    /// Waits until [`Self::quit`] was called, at most so long; whether it was.
    pub fn wait_for_quit(&self, patience: Duration) -> bool {
        let quitting = lock(&self.mailbox.quitting);
        let waited = self.mailbox.has_quit.wait_timeout_while(quitting, patience, |quitting| !*quitting);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl fmt::Debug for ShellHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShellHandle")
    }
}

impl fmt::Debug for ShellInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShellInbox")
    }
}

impl ShellInbox {
    /// Another handle that fills this inbox.
    pub fn handle(&self) -> ShellHandle {
        ShellHandle { mailbox: self.mailbox.clone() }
    }

    /// Whom to wake when there is mail. Rings at once if some waits already.
    pub(crate) fn on_mail(&self, bell: impl Fn() + Send + 'static) {
        bell();
        *lock(&self.mailbox.bell) = Some(Box::new(bell));
    }

    /// Everything that came since the last time.
    pub(crate) fn take(&self) -> Mail {
        std::mem::take(&mut lock(&self.mailbox.mail))
    }
}

impl Drop for ShellInbox {
    fn drop(&mut self) {
        let mut mail = lock(&self.mailbox.mail);
        mail.ended = true;
        let readers = std::mem::take(&mut mail.readers);
        drop(mail);
        for done in readers {
            done(Err("The agent is winding up.".to_owned()));
        }
    }
}

/// What has come in.
#[derive(Default)]
pub(crate) struct Mail {
    pub(crate) view: Option<Box<View>>,
    pub(crate) commands: VecDeque<ShellCommand>,
    /// How many commands found no room.
    pub(crate) refused: u32,
    pub(crate) hotkeys: Option<HotkeySettings>,
    pub(crate) readers: Vec<SelectionReader>,
    pub(crate) dial_selection: bool,
    pub(crate) quit: bool,
    ended: bool,
}

type Bell = Box<dyn Fn() + Send>;

#[derive(Default)]
struct Mailbox {
    mail: Mutex<Mail>,
    bell: Mutex<Option<Bell>>,
    /// Stays true after the mail was taken.
    quitting: Mutex<bool>,
    has_quit: Condvar,
}

impl Mailbox {
    fn put(&self, change: impl FnOnce(&mut Mail)) {
        change(&mut lock(&self.mail));
        if let Some(bell) = &*lock(&self.bell) {
            bell();
        }
    }
}

/// A poisoned lock is no reason to stop: the values behind these are whole after every statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::view::TrayIcon;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn the_latest_view_is_the_one_that_is_drawn() {
        let (handle, inbox) = mailbox();
        let mut view = View::default();
        handle.show(view.clone());
        view.tray.icon = TrayIcon::Ready;
        handle.show(view.clone());
        assert_eq!(inbox.take().view.as_deref(), Some(&view));
        assert!(inbox.take().view.is_none());
    }

    #[test]
    fn mail_from_before_the_start_rings_and_too_many_pages_are_counted() {
        let (handle, inbox) = mailbox();
        for n in 0..MOST_COMMANDS + 3 {
            handle.send(ShellCommand::OpenUrl { url: format!("https://a.example/{n}") });
        }
        let rung = Arc::new(AtomicU32::new(0));
        let bell = rung.clone();
        inbox.on_mail(move || {
            bell.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(rung.load(Ordering::SeqCst), 1);
        let mail = inbox.take();
        assert_eq!((mail.commands.len(), mail.refused), (MOST_COMMANDS, 3));
        handle.quit();
        assert_eq!(rung.load(Ordering::SeqCst), 2);
        assert!(inbox.take().quit);
    }

    #[test]
    fn a_quit_is_waited_for_also_after_it_was_taken() {
        let (handle, inbox) = mailbox();
        let watch = inbox.handle();
        assert!(!watch.wait_for_quit(Duration::ZERO));
        let waiting = std::thread::spawn(move || watch.wait_for_quit(Duration::from_secs(20)));
        handle.quit();
        assert!(inbox.take().quit);
        assert!(waiting.join().expect("no panic"));
        assert!(inbox.handle().wait_for_quit(Duration::ZERO));
    }

    #[test]
    fn a_reader_is_always_answered() {
        let (handle, inbox) = mailbox();
        let (sender, answers) = std::sync::mpsc::channel();
        let first = sender.clone();
        handle.read_selection(move |text| drop(first.send(text)));
        drop(inbox);
        assert!(answers.recv().expect("answered when the shell ends").is_err());
        handle.read_selection(move |text| drop(sender.send(text)));
        assert!(answers.recv().expect("answered after the shell ended").is_err());
        // A shell that begins anew takes questions again.
        let inbox = handle.inbox();
        handle.read_selection(|_| ());
        assert_eq!(inbox.take().readers.len(), 1);
    }
}
