//! Linux: PulseAudio (or PipeWire in its place) where its socket is, else ALSA where there is a sound card.

use cpal::{
    Host, HostId,
    traits::{DeviceTrait as _, HostTrait as _},
};
use std::{env, ffi::c_int, fs, io, path::PathBuf};

pub(super) fn host() -> Result<Host, String> {
    let mut why = "there is no sound server and no sound card".to_owned();
    if server() {
        match cpal::host_from_id(HostId::PulseAudio) {
            Ok(host) => return Ok(host),
            Err(error) => why = format!("the sound server does not answer: {error}"),
        }
    }
    // libasound writes to our standard error when it looks for a card that is not there: it is not asked then.
    if !card() {
        return Err(why);
    }
    let host = cpal::host_from_id(HostId::Alsa).map_err(|error| format!("no sound system: {error}"))?;
    let usable = host.default_output_device().is_some_and(|device| device.default_output_config().is_ok());
    if usable || host.default_input_device().is_some() { Ok(host) } else { Err(why) }
}

pub(super) fn silent_because() -> Option<String> {
    (!server() && !card()).then(|| "there is no sound server and no sound card".to_owned())
}

/// Whether a PulseAudio server may be reached, as its own clients look for it.
fn server() -> bool {
    if env::var_os("PULSE_SERVER").is_some_and(|server| !server.is_empty()) {
        return true;
    }
    let runtime = env::var_os("PULSE_RUNTIME_PATH").map(PathBuf::from);
    let session = env::var_os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("pulse"));
    [runtime, session].into_iter().flatten().any(|folder| folder.join("native").exists())
}

/// Whether the kernel has a sound card that plays or records.
fn card() -> bool {
    let Ok(nodes) = fs::read_dir("/dev/snd") else { return false };
    nodes.flatten().any(|node| node.file_name().to_string_lossy().starts_with("pcm"))
}

/// Linux' timers are fine enough by themselves.
#[derive(Debug)]
pub(super) struct FineTimer;

impl FineTimer {
    pub(super) fn hold() -> Self {
        Self
    }
}

/// What sound servers ask for, too.
const NICE: c_int = -11;

// The C library is linked by the standard library anyway.
unsafe extern "C" {
    fn setpriority(which: c_int, who: u32, priority: c_int) -> c_int;
}

pub(super) fn hurry() -> io::Result<()> {
    // PRIO_PROCESS is 0, and on Linux who = 0 is the calling thread.
    // SAFETY: takes numbers and touches no memory of ours.
    let done = unsafe { setpriority(0, 0, NICE) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
