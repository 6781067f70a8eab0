//! macOS: CoreAudio is always there, and its timers are fine.

use cpal::Host;
use std::{
    ffi::{c_int, c_uint},
    io,
};

pub(super) fn host() -> Result<Host, String> {
    cpal::host_from_id(cpal::HostId::CoreAudio).map_err(|error| format!("no sound system: {error}"))
}

pub(super) fn silent_because() -> Option<String> {
    None
}

/// The timers are fine enough by themselves.
#[derive(Debug)]
pub(super) struct FineTimer;

impl FineTimer {
    pub(super) fn hold() -> Self {
        Self
    }
}

/// QOS_CLASS_USER_INTERACTIVE of `sys/qos.h`.
const INTERACTIVE: c_uint = 0x21;

// A part of libSystem, which is linked anyway.
unsafe extern "C" {
    fn pthread_set_qos_class_self_np(class: c_uint, relative_priority: c_int) -> c_int;
}

pub(super) fn hurry() -> io::Result<()> {
    // SAFETY: takes numbers and touches no memory of ours.
    let error = unsafe { pthread_set_qos_class_self_np(INTERACTIVE, 0) };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}
