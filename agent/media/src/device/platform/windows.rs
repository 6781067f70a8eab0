//! Windows: WASAPI is always there; the timers tick at 15.6 ms until somebody asks for finer ones.

use cpal::Host;
use std::{ffi::c_void, io};

pub(super) fn host() -> Result<Host, String> {
    cpal::host_from_id(cpal::HostId::Wasapi).map_err(|error| format!("no sound system: {error}"))
}

pub(super) fn silent_because() -> Option<String> {
    None
}

#[link(name = "winmm")]
unsafe extern "system" {
    fn timeBeginPeriod(milliseconds: u32) -> u32;
    fn timeEndPeriod(milliseconds: u32) -> u32;
}

/// Timers of 1 ms while it is held.
#[derive(Debug)]
pub(super) struct FineTimer;

impl FineTimer {
    pub(super) fn hold() -> Self {
        // SAFETY: takes a number and touches no memory of ours; a refusal leaves things as they are.
        unsafe { timeBeginPeriod(1) };
        Self
    }
}

impl Drop for FineTimer {
    fn drop(&mut self) {
        // SAFETY: as above; each begin has its end.
        unsafe { timeEndPeriod(1) };
    }
}

/// THREAD_PRIORITY_HIGHEST of `winbase.h`.
const HIGHEST: i32 = 2;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetCurrentThread() -> *mut c_void;
    fn SetThreadPriority(thread: *mut c_void, priority: i32) -> i32;
}

pub(super) fn hurry() -> io::Result<()> {
    // SAFETY: the handle stands for the calling thread and needs no closing.
    let done = unsafe { SetThreadPriority(GetCurrentThread(), HIGHEST) };
    if done != 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
