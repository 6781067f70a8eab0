//! What differs between systems in the program itself: how it is asked to end, what it has to do with the terminal it was
//! started from.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(not(target_os = "windows"))]
mod unix;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows as system;

use std::future::{Future, pending};

/// Waits until the system (or somebody at the terminal) asks the program to end. Whoever asks is heard from the call on,
/// so that nothing is lost between it and the first wait. Must be called inside a tokio runtime.
pub(crate) fn asked_to_end() -> impl Future<Output = ()> + Send {
    let asked = system::asked_to_end();
    async move {
        match asked {
            Ok(asked) => asked.await,
            Err(error) => {
                tracing::warn!("signals are not heard ({error}): end the agent with `trayphone quit`");
                pending().await
            }
        }
    }
}

/// Lets the user run a file of theirs.
pub(crate) fn make_executable(path: &std::path::Path) -> std::io::Result<()> {
    system::make_executable(path)
}

/// Whether the terminal is ours to ask on: a job in the background that reads from it is stopped with everything it does.
pub(crate) fn in_foreground() -> bool {
    system::in_foreground()
}

/// The terminal as it was before a password was asked for.
#[derive(Debug)]
pub(crate) struct Terminal(system::Terminal);

impl Terminal {
    /// Takes note of it; `None` where there is none.
    pub(crate) fn remember() -> Option<Self> {
        system::Terminal::remember().map(Self)
    }

    /// Puts it back.
    pub(crate) fn restore(&self) {
        self.0.restore();
    }
}

/// Takes a variable out of our environment, so that no program we start gets it; `None` where it is not set (or not text).
///
/// # Safety
/// No other thread may run: everybody may look at the environment, and not everybody asks for its lock.
pub(crate) unsafe fn take_variable(name: &str) -> Option<String> {
    // SAFETY: the caller's word.
    unsafe { system::take_variable(name) }
}

/// Waits until nobody reads our output any more, as far as the system tells. Leaves a thread behind that waits for it.
pub(crate) async fn nobody_reads() {
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let watch = move || {
        system::wait_for_deaf_reader();
        let _ = tell.send(());
    };
    let watching = std::thread::Builder::new().name("reader".to_owned()).stack_size(64 * 1024).spawn(watch);
    if watching.is_err() || told.await.is_err() {
        pending().await
    }
}

/// Lets go of a console window that was opened for this program alone.
pub(crate) fn leave_console() {
    system::leave_console();
}

/// Makes a program that is to outlive us independent of our terminal.
pub(crate) fn on_its_own(command: &mut std::process::Command) {
    system::on_its_own(command);
}

/// Whether the demo's script can see toasts and opened pages with other programs' eyes; the reason why not.
pub(crate) fn script_can_see() -> Result<(), &'static str> {
    system::script_can_see()
}
