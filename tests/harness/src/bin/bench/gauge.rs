//! What the kernel says of a process and of the machine: memory, wake-ups, processor time, load.

use std::{collections::BTreeMap, fs, io, mem, time::Duration};

/// Memory of a process, bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// What is in memory, shared parts included.
    pub(crate) resident: u64,
    /// What would be free if it ended: private pages, clean and dirty.
    pub(crate) unique: u64,
}

/// Reads /proc/PID/smaps_rollup.
pub(crate) fn memory(process: u32) -> Result<Memory, String> {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let kib = |names: &[&str]| -> u64 {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        let wanted = fields.filter(|(name, _)| names.contains(name));
        wanted.filter_map(|(_, value)| value.split_whitespace().next()?.parse::<u64>().ok()).sum()
    };
    Ok(Memory { resident: kib(&["Rss"]) * 1024, unique: kib(&["Private_Clean", "Private_Dirty"]) * 1024 })
}

/// How often each thread has gone to sleep and been woken: voluntary_ctxt_switches in /proc/PID/task/*/status.
pub(crate) fn sleeps(process: u32) -> Result<BTreeMap<String, (String, u64)>, String> {
    let path = format!("/proc/{process}/task");
    let tasks = fs::read_dir(&path).map_err(|error| format!("{path}: {error}"))?;
    let mut all = BTreeMap::new();
    for task in tasks.flatten() {
        // A thread may end between the two readings.
        let Ok(text) = fs::read_to_string(task.path().join("status")) else { continue };
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let count = field("voluntary_ctxt_switches:").and_then(|count| count.parse().ok()).unwrap_or(0);
        let name = field("Name:").unwrap_or_default().to_owned();
        all.insert(task.file_name().to_string_lossy().into_owned(), (name, count));
    }
    Ok(all)
}

/// The wake-ups between two readings, by thread name, most first.
pub(crate) fn woken(
    before: &BTreeMap<String, (String, u64)>,
    after: &BTreeMap<String, (String, u64)>,
) -> Vec<(String, u64)> {
    let since = |id: &str, count: u64| count - before.get(id).map_or(0, |(_, count)| *count).min(count);
    let mut woken: Vec<(String, u64)> =
        after.iter().map(|(id, (name, count))| (name.clone(), since(id, *count))).collect();
    woken.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    woken
}

/// The processor time a process has used so far with all its threads, user and system, also those that have ended.
pub(crate) fn processor_time(process: u32) -> io::Result<Duration> {
    let process = libc::pid_t::try_from(process).map_err(io::Error::other)?;
    let mut clock: libc::clockid_t = 0;
    // SAFETY: the clock id outlives the call.
    let error = unsafe { libc::clock_getcpuclockid(process, &raw mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: all zeroes is a valid timespec.
    let mut time: libc::timespec = unsafe { mem::zeroed() };
    // SAFETY: the time outlives the call.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Ok(Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0)))
}

/// The machine's load of the last minute.
pub(crate) fn load() -> Result<f64, String> {
    let text = fs::read_to_string("/proc/loadavg").map_err(|error| format!("/proc/loadavg: {error}"))?;
    let first = text.split(' ').next().and_then(|load| load.parse().ok());
    first.ok_or_else(|| format!("/proc/loadavg says {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::{load, memory, processor_time, sleeps, woken};
    use std::{
        hint::black_box,
        process,
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    #[test]
    fn memory_that_is_touched_is_counted() {
        let before = memory(process::id()).expect("a reading");
        let held = black_box(vec![1_u8; 32 << 20]);
        let after = memory(process::id()).expect("a reading");
        assert!(after.unique > before.unique + (30 << 20), "{before:?} {after:?}");
        assert!(after.resident >= after.unique);
        drop(held);
    }

    #[test]
    fn a_thread_that_sleeps_often_is_seen_to_wake_often() {
        let (go, gone) = mpsc::channel::<()>();
        let (done, ready) = mpsc::channel::<()>();
        let worker = thread::Builder::new().name("sleepy".to_owned()).spawn(move || {
            let _ = gone.recv();
            (0..50).for_each(|_| thread::sleep(Duration::from_millis(1)));
            let _ = done.send(());
            // A thread that has ended is counted no longer: it stays until the counting is over.
            let _ = gone.recv();
        });
        let worker = worker.expect("a thread");
        let before = sleeps(process::id()).expect("a reading");
        go.send(()).expect("it waits");
        ready.recv_timeout(Duration::from_secs(20)).expect("it has slept");
        let woken = woken(&before, &sleeps(process::id()).expect("a reading"));
        let sleepy = woken.iter().find(|(name, _)| name == "sleepy");
        // Beside the sleeps it waits twice to be told, at most.
        assert!(sleepy.is_some_and(|(_, count)| (50..=60).contains(count)), "{woken:?}");
        drop(go);
        worker.join().expect("it ends");
    }

    #[test]
    fn work_takes_processor_time() {
        let before = processor_time(process::id()).expect("a clock");
        let began = Instant::now();
        while processor_time(process::id()).expect("a clock") < before + Duration::from_millis(20) {
            assert!(began.elapsed() < Duration::from_secs(20), "the clock stands still");
        }
        assert!(load().expect("a reading") >= 0.0);
    }
}
