//! What every Unix has: signals that ask for an end, a terminal to give back, sessions, permission bits, an environment.

use std::{
    fs::File,
    future::{Future, pending},
    io,
    os::{
        fd::AsRawFd,
        unix::{ffi::OsStringExt, fs::PermissionsExt, process::CommandExt},
    },
    path::Path,
    process::Command,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM from the session or the service manager, SIGINT from the terminal, SIGHUP when the terminal goes. They are
/// heard from the call on, not only once the future is waited for.
pub(super) fn asked_to_end() -> io::Result<impl Future<Output = ()> + Send + use<>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = unless_ignored(SignalKind::interrupt())?;
    let mut hangup = unless_ignored(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            () = heard(&mut interrupt) => {}
            () = heard(&mut hangup) => {}
        }
    })
}

/// `nohup`, and a shell that starts a job in the background, ignore signals for us: that is the user's word, and it stands.
fn unless_ignored(kind: SignalKind) -> io::Result<Option<Signal>> {
    // SAFETY: a zeroed sigaction is a valid one, and with no new action the call only fills it in.
    let ignored = unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        let asked = libc::sigaction(kind.as_raw_value(), std::ptr::null(), &raw mut now);
        asked == 0 && now.sa_sigaction == libc::SIG_IGN
    };
    if ignored { Ok(None) } else { signal(kind).map(Some) }
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => pending().await,
    }
}

pub(super) fn make_executable(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

pub(super) fn in_foreground() -> bool {
    owns(0)
}

/// Whether the terminal behind `fd` is our job's at the moment.
fn owns(fd: libc::c_int) -> bool {
    // SAFETY: both only read what the kernel knows of this process; neither touches memory of ours.
    unsafe { libc::tcgetpgrp(fd) == libc::getpgrp() }
}

/// How the terminal was before a password was asked for.
#[derive(Debug)]
pub(super) struct Terminal {
    tty: File,
    before: libc::termios,
}

impl Terminal {
    /// Takes note of the terminal; `None` without one.
    pub(super) fn remember() -> Option<Self> {
        let tty = File::options().read(true).write(true).open("/dev/tty").ok()?;
        // SAFETY: a zeroed termios is a valid one; the call fills it in and keeps nothing.
        let before = unsafe {
            let mut before: libc::termios = std::mem::zeroed();
            (libc::tcgetattr(tty.as_raw_fd(), &raw mut before) == 0).then_some(before)
        };
        Some(Self { tty, before: before? })
    }

    /// Puts it back as it was. In the background that would stop us, and the shell has put it right already.
    pub(super) fn restore(&self) {
        if owns(self.tty.as_raw_fd()) {
            // SAFETY: the descriptor is open for as long as `self` lives; the settings are read only.
            unsafe { libc::tcsetattr(self.tty.as_raw_fd(), libc::TCSANOW, &raw const self.before) };
        }
    }
}

/// A terminal is whoever started us's to close, never ours.
pub(super) fn leave_console() {}

/// In a session of its own: the terminal's Ctrl+C and hang-up are for those who were started there.
pub(super) fn on_its_own(command: &mut Command) {
    // SAFETY: setsid(2) may be called between fork and exec; it takes nothing and fails only for a group's leader.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            Ok(())
        });
    }
}

/// Takes a variable out of the environment and overwrites its text, which the kernel shows in `/proc` otherwise.
///
/// # Safety
/// No other thread may run.
pub(super) unsafe fn take_variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    let key = std::ffi::CString::new(name).ok()?;
    // SAFETY: nobody else looks at the environment, by the caller's word. What getenv answers is a C string in memory
    // that is ours to write to (the C library copies nothing), and it is written to within its length.
    unsafe {
        let text = libc::getenv(key.as_ptr());
        if !text.is_null() {
            std::ptr::write_bytes(text, b'x', libc::strlen(text));
        }
        std::env::remove_var(name);
    }
    String::from_utf8(value.into_vec()).ok()
}

/// Blocks until whoever reads our output is gone; for ever where nobody can go (a file, a terminal).
pub(super) fn wait_for_deaf_reader() {
    let mut output = libc::pollfd { fd: libc::STDOUT_FILENO, events: 0, revents: 0 };
    loop {
        // SAFETY: one entry, which lives until the call is over.
        let told = unsafe { libc::poll(&raw mut output, 1, -1) };
        if told > 0 && output.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0 {
            return;
        }
        if told < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            loop {
                std::thread::park();
            }
        }
    }
}
