//! Limits on this process, kept by a job object it puts itself into.

use std::{io, ptr::null};
use windows_sys::Win32::System::{
    JobObjects::{
        AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_PROCESS_MEMORY,
        JOB_OBJECT_LIMIT_PROCESS_TIME, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
        JobObjectExtendedLimitInformation, SetInformationJobObject,
    },
    Threading::GetCurrentProcess,
};

/// At most `memory` bytes committed and `seconds` of processor time.
pub(crate) fn limit(memory: u64, seconds: u64) -> io::Result<()> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_PROCESS_MEMORY | JOB_OBJECT_LIMIT_PROCESS_TIME;
    // In units of 100 ns.
    limits.BasicLimitInformation.PerProcessUserTimeLimit =
        i64::try_from(seconds).unwrap_or(i64::MAX) * 10_000_000;
    limits.ProcessMemoryLimit = usize::try_from(memory).unwrap_or(usize::MAX);
    let size = u32::try_from(size_of_val(&limits)).unwrap_or_default();
    // SAFETY: the job is made here and never closed, so that it lives as long as the process; `limits` is the structure
    // this class of information is told in, of the size given; the pseudo handle of this process is always valid.
    let done = unsafe {
        let job = CreateJobObjectW(null(), null());
        !job.is_null()
            && SetInformationJobObject(
                job,
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size,
            ) != 0
            && AssignProcessToJobObject(job, GetCurrentProcess()) != 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}
