//! Whether a display is there: a variable that names one is no proof, so it is knocked at.

use std::{
    env,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};
use x11rb::rust_connection::RustConnection;

/// A display over the network that does not answer within this time is none to work on.
const PATIENCE: Duration = Duration::from_secs(3);

/// Knocks at the display the environment names; the error says, as a sentence, why there is none.
pub(crate) fn display() -> Result<(), String> {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let wayland = named("WAYLAND_DISPLAY");
    let x = named("DISPLAY");
    if wayland.as_ref().is_some_and(|name| wayland_answers(Path::new(name))) {
        return Ok(());
    }
    match (x, wayland) {
        (Some(name), _) => x_answers(&name.to_string_lossy()),
        (None, Some(name)) => {
            Err(format!("WAYLAND_DISPLAY is {}, and no display answers there.", name.to_string_lossy()))
        }
        (None, None) => Err("There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set).".to_owned()),
    }
}

fn wayland_answers(name: &Path) -> bool {
    let folder = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default();
    UnixStream::connect(folder.join(name)).is_ok()
}

fn x_answers(name: &str) -> Result<(), String> {
    let (tell, told) = mpsc::channel();
    let knock = move || {
        // Nobody listens any more when it took too long.
        let _ = tell.send(RustConnection::connect(None).map(drop).map_err(|error| error.to_string()));
    };
    let knocking = thread::Builder::new().name("display".to_owned()).spawn(knock);
    let why = match knocking.map(|_| told.recv_timeout(PATIENCE)) {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(why))) => why,
        Ok(Err(_)) => format!("it did not answer within {} s", PATIENCE.as_secs()),
        Err(error) => error.to_string(),
    };
    let why = crate::text::one_line(why.trim_end_matches('.'), 120);
    Err(format!("DISPLAY is {}, and no display answers there ({why}).", crate::text::one_line(name, 60)))
}
