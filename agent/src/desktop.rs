//! The desktop, or what stands in for it when the agent runs without one.

use agent_core::{port::shell::ShellCommand, settings::HotkeySettings, view::View};
use agent_shell::ShellHandle;

/// Where views and pages go.
#[derive(Debug, Clone)]
pub(crate) enum Desktop {
    /// Tray, toasts, hotkeys.
    Shell(ShellHandle),
    /// `--headless`: nothing is drawn and nothing opens; both stand in the events.
    Headless,
}

impl Desktop {
    /// Shows what is to be seen.
    pub(crate) fn show(&self, view: View) {
        match self {
            Self::Shell(shell) => shell.show(view),
            Self::Headless => {}
        }
    }

    /// Asks for something a view cannot say; `false` where nobody is there to do it.
    pub(crate) fn send(&self, command: ShellCommand) -> bool {
        match self {
            Self::Shell(shell) => {
                shell.send(command);
                true
            }
            Self::Headless => false,
        }
    }

    /// Reads what is selected; blocks for at most a second.
    pub(crate) fn selection(&self) -> Result<String, String> {
        let Self::Shell(shell) = self else {
            return Err(
                "this agent runs without a desktop (--headless): there is no selection to read".to_owned()
            );
        };
        let (tell, hear) = std::sync::mpsc::channel();
        shell.read_selection(move |text| {
            let _ = tell.send(text);
        });
        hear.recv_timeout(std::time::Duration::from_secs(1))
            .unwrap_or_else(|_| Err("the desktop did not hand over the selection within a second".to_owned()))
    }

    /// The hotkeys from now on.
    pub(crate) fn hotkeys(&self, hotkeys: HotkeySettings) {
        match self {
            Self::Shell(shell) => shell.hotkeys(hotkeys),
            Self::Headless => {}
        }
    }

    /// Ends the desktop's loop.
    pub(crate) fn quit(&self) {
        match self {
            Self::Shell(shell) => shell.quit(),
            Self::Headless => {}
        }
    }
}
