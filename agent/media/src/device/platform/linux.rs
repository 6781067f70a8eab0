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
/// Below the threads of sound servers (5), which we live off.
const REAL_TIME: c_int = 4;
/// From `sched.h`: each in its turn, before everybody who is not real-time.
const SCHED_RR: c_int = 2;

// The C library is linked by the standard library anyway.
unsafe extern "C" {
    fn setpriority(which: c_int, who: u32, priority: c_int) -> c_int;
    fn sched_setscheduler(thread: c_int, policy: c_int, parameter: *const c_int) -> c_int;
}

/// Real-time where this user may have it (the groups `audio` and `realtime` of many distributions), else a better
/// nice value where that is allowed.
pub(super) fn hurry() -> io::Result<()> {
    let parameter = REAL_TIME;
    // SAFETY: `struct sched_param` is one int on Linux, read before the call returns; thread 0 is the calling one.
    if unsafe { sched_setscheduler(0, SCHED_RR, &raw const parameter) } == 0 {
        return Ok(());
    }
    // PRIO_PROCESS is 0, and on Linux who = 0 is the calling thread.
    // SAFETY: takes numbers and touches no memory of ours.
    let done = unsafe { setpriority(0, 0, NICE) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::super::super::ring;
    use crate::codec::STEP;
    use std::{
        ffi::{c_int, c_ulong},
        hint::black_box,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread,
        time::{Duration, Instant},
    };

    // From `prctl.h` and `seccomp.h`.
    const PR_SET_SECCOMP: c_int = 22;
    const SECCOMP_MODE_STRICT: c_ulong = 1;

    unsafe extern "C" {
        fn prctl(option: c_int, ...) -> c_int;
    }

    /// Runs `work` in a thread that the kernel ends at its first system call; whether it came through in time.
    fn without_system_calls(
        patience: Duration,
        work: impl FnOnce() + Send + 'static,
        mut meanwhile: impl FnMut(),
    ) -> bool {
        let (began, through) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begins, comes) = (Arc::clone(&began), Arc::clone(&through));
        thread::spawn(move || {
            // SAFETY: takes numbers; from here on this thread may only compute.
            if unsafe { prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) } != 0 {
                return;
            }
            begins.store(true, Ordering::Release);
            work();
            comes.store(true, Ordering::Release);
            // The kernel ends the thread here, before it tidies up with a lock in its hand.
            thread::yield_now();
        });
        let until = Instant::now() + patience;
        while !through.load(Ordering::Acquire) && Instant::now() < until {
            meanwhile();
            thread::sleep(Duration::from_millis(1));
        }
        assert!(began.load(Ordering::Acquire), "this kernel has no seccomp");
        through.load(Ordering::Acquire)
    }

    #[test]
    fn the_callbacks_make_no_system_call_and_wait_for_no_lock() {
        // The bench itself: who asks the system for anything does not come through.
        assert!(!without_system_calls(Duration::from_secs(1), thread::yield_now, || ()));
        let (mut record, mut heard, _) = ring::capture(48_000, 2).expect("a usual rate");
        let (mut play, mut said, _) = ring::playback(44_100, 1).expect("a usual rate");
        let through = without_system_calls(
            Duration::from_secs(20),
            move || {
                let (mut floats, mut shorts) = ([0.25_f32; 960], [0_i16; 441]);
                for _ in 0..3000 {
                    record.feed(black_box(&floats[..]));
                    play.fill(black_box(&mut shorts[..]));
                    floats[0] = f32::from(shorts[0]) / 32_768.0;
                }
                // Their memory is given back by nobody: that would be a system call.
                std::mem::forget((record, play));
            },
            || {
                // Our half works on the same rings at the same time, so that a lock would be waited for.
                let mut samples = Vec::new();
                heard.read(&mut samples);
                for _ in 0..said.wants() {
                    said.play(&[1000; STEP]);
                }
            },
        );
        assert!(through, "an audio callback asked the system for something");
    }
}
