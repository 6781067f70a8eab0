//! Windows: Ctrl+C and Ctrl+Break from the console, its closing, the end of the session.

use std::io;
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};

pub(super) async fn asked_to_end() -> io::Result<()> {
    let (mut interrupt, mut pause, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    let (mut logoff, mut shutdown) = (ctrl_logoff()?, ctrl_shutdown()?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = pause.recv() => {}
        _ = close.recv() => {}
        _ = logoff.recv() => {}
        _ = shutdown.recv() => {}
    }
    Ok(())
}

/// What runs is told by a file's ending here.
pub(super) fn make_executable(_path: &std::path::Path) -> io::Result<()> {
    Ok(())
}

/// There always is one.
pub(super) fn has_display() -> bool {
    true
}

/// There are no jobs that a console could stop.
pub(super) fn in_foreground() -> bool {
    true
}
