//! What differs between systems in the program itself: how it is asked to end, what it has to do with the terminal it was started from.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows as system;

/// Waits until the system (or somebody at the terminal) asks the program to end.
pub(crate) async fn asked_to_end() {
    if let Err(error) = system::asked_to_end().await {
        tracing::warn!("signals are not heard ({error}): end the agent with `trayphone quit`");
        std::future::pending::<()>().await;
    }
}

/// Lets the user run a file of theirs.
pub(crate) fn make_executable(path: &std::path::Path) -> std::io::Result<()> {
    system::make_executable(path)
}

/// Whether there is a screen to put toasts and icons on.
pub(crate) fn has_display() -> bool {
    system::has_display()
}

/// Whether the terminal is ours to ask on: a job in the background that reads from it is stopped with everything it does.
pub(crate) fn in_foreground() -> bool {
    system::in_foreground()
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
