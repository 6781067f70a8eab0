//! Limits on this process, kept by the kernel; macOS has no working limit on address space.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// At most `seconds` of processor time, and no core file.
pub(crate) fn limit(_memory: u64, seconds: u64) -> io::Result<()> {
    for (resource, most) in [(Resource::Cpu, seconds), (Resource::Core, 0)] {
        // A limit that is already lower stays; a limit may never be raised.
        let most = getrlimit(resource).maximum.map_or(most, |already| already.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}
