//! Windows: Ctrl+C and Ctrl+Break from the console, its closing; the end of the session for whom has no window.

use std::{future::Future, io, os::windows::process::CommandExt, process::Command};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
use windows_sys::Win32::System::{
    Console::{FreeConsole, GetConsoleProcessList},
    Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS},
};

/// Once the desktop runs there are windows, and the system tells its end to them instead (agent-shell hears that).
pub(super) fn asked_to_end() -> io::Result<impl Future<Output = ()> + Send + use<>> {
    let (mut interrupt, mut pause, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    let (mut logoff, mut shutdown) = (ctrl_logoff()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = pause.recv() => {}
            _ = close.recv() => {}
            _ = logoff.recv() => {}
            _ = shutdown.recv() => {}
        }
    })
}

/// What runs is told by a file's ending here.
pub(super) fn make_executable(_path: &std::path::Path) -> io::Result<()> {
    Ok(())
}

/// There are no jobs that a console could stop.
pub(super) fn in_foreground() -> bool {
    true
}

/// Started by a click, a console program is given a console of its own: an empty window that would stay for as long as
/// the agent does. One that others use too is the terminal we were started from.
pub(super) fn leave_console() {
    let mut processes = [0; 2];
    // SAFETY: the list is as long as told.
    let using = unsafe { GetConsoleProcessList(processes.as_mut_ptr(), processes.len() as u32) };
    if using == 1 {
        // SAFETY: takes nothing; handles to the console that are left give errors from now on, as a closed one does.
        unsafe { FreeConsole() };
    }
}

/// Without the console of whoever started it, and deaf to the Ctrl+C that is meant for them.
pub(super) fn on_its_own(command: &mut Command) {
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}

/// Nobody else may read the notifications, and the browser is the user's to choose.
pub(super) fn script_can_see() -> Result<(), &'static str> {
    Err("Windows lets no program see another one's notifications and pages")
}

/// The console; what it was like before a password was asked for is what every console is like.
#[derive(Debug)]
pub(super) struct Terminal;

impl Terminal {
    pub(super) fn remember() -> Option<Self> {
        Some(Self)
    }

    /// Lines, echo, and Ctrl+C that interrupts.
    pub(super) fn restore(&self) {
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// Takes a variable out of the environment.
///
/// # Safety
/// None needed here: the environment has a lock of the system's.
pub(super) unsafe fn take_variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    // SAFETY: sound on Windows whatever other threads do.
    unsafe { std::env::remove_var(name) };
    value
}

/// A closed pipe is seen here when it is next written to.
pub(super) fn wait_for_deaf_reader() {
    loop {
        std::thread::park();
    }
}
