//! macOS: a routing socket tells of interfaces, addresses and routes, IOKit of sleep, on a queue of its own.

use super::word::{Listening, Teller, Word};
use std::{
    ffi::c_void,
    io, mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
    time::Duration,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    task::AbortHandle,
};

type Port = u32;
type Notices = *mut c_void;
type OnPower = unsafe extern "C" fn(*mut c_void, Port, u32, *mut c_void);

#[link(name = "IOKit", kind = "framework")]
unsafe extern "C" {
    fn IORegisterForSystemPower(
        context: *mut c_void,
        notices: *mut Notices,
        callback: OnPower,
        notifier: *mut Port,
    ) -> Port;
    fn IODeregisterForSystemPower(notifier: *mut Port) -> i32;
    fn IONotificationPortSetDispatchQueue(notices: Notices, queue: *mut c_void);
    fn IONotificationPortDestroy(notices: Notices);
    fn IOAllowPowerChange(root: Port, notification: isize) -> i32;
    fn IOServiceClose(root: Port) -> i32;
}

unsafe extern "C" {
    fn dispatch_queue_create(label: *const libc::c_char, attributes: *mut c_void) -> *mut c_void;
    fn dispatch_sync_f(queue: *mut c_void, context: *mut c_void, work: unsafe extern "C" fn(*mut c_void));
    fn dispatch_release(queue: *mut c_void);
}

/// `kIOMessageCanSystemSleep`, `kIOMessageSystemWillSleep`, `kIOMessageSystemHasPoweredOn` (IOMessage.h).
const CAN_SLEEP: u32 = 0xe000_0270;
const WILL_SLEEP: u32 = 0xe000_0280;
const HAS_POWERED_ON: u32 = 0xe000_0300;

/// What listens.
pub(super) struct System {
    task: AbortHandle,
    /// Held to be let go: dropping it ends the notices of sleep.
    _power: Option<Power>,
}

/// What is registered with the power manager.
struct Power {
    root: Port,
    notifier: Port,
    notices: Notices,
    queue: *mut c_void,
    /// What the callback is handed; freed when no callback can run any more.
    heard: *mut Heard,
}

/// What the callback needs.
struct Heard {
    teller: Teller,
    root: Port,
}

// SAFETY: ports and queues belong to the process and not to a thread; `Heard` is only touched on the queue, and freed
// once that is drained.
unsafe impl Send for Power {}

impl Drop for System {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listening for System {
    fn begin(teller: Teller) -> Self {
        let power = Power::begin(teller.clone());
        if power.is_none() {
            tracing::debug!("sleep is not told");
        }
        let task = tokio::spawn(async move {
            if let Err(error) = listen(&teller).await {
                tracing::debug!(%error, "changes of the network are not told");
            }
        });
        Self { task: task.abort_handle(), _power: power }
    }

    fn slept() -> Duration {
        let read = |clock| {
            let mut now: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: it writes to a live local.
            unsafe { libc::clock_gettime(clock, &raw mut now) };
            Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
        };
        // The first runs on while the computer sleeps, the second does not; in this order, so that the moment between is
        // no sleep.
        let all = read(libc::CLOCK_MONOTONIC_RAW);
        all.saturating_sub(read(libc::CLOCK_UPTIME_RAW))
    }
}

impl Power {
    fn begin(teller: Teller) -> Option<Self> {
        let heard = Box::into_raw(Box::new(Heard { teller, root: 0 }));
        let (mut notices, mut notifier) = (ptr::null_mut(), 0);
        // SAFETY: the callback has the signature asked for; nothing is delivered before the port has a queue, by when
        // `root` is known to it; all pointers are to live values.
        unsafe {
            let root = IORegisterForSystemPower(heard.cast(), &raw mut notices, on_power, &raw mut notifier);
            if root == 0 {
                drop(Box::from_raw(heard));
                return None;
            }
            (*heard).root = root;
            let queue = dispatch_queue_create(c"power".as_ptr(), ptr::null_mut());
            IONotificationPortSetDispatchQueue(notices, queue);
            Some(Self { root, notifier, notices, queue, heard })
        }
    }
}

impl Drop for Power {
    fn drop(&mut self) {
        // SAFETY: each was made in `begin` and is let go once; the empty work waits for a callback that still runs.
        unsafe {
            IODeregisterForSystemPower(&raw mut self.notifier);
            IONotificationPortSetDispatchQueue(self.notices, ptr::null_mut());
            dispatch_sync_f(self.queue, ptr::null_mut(), nothing);
            IONotificationPortDestroy(self.notices);
            IOServiceClose(self.root);
            dispatch_release(self.queue);
            drop(Box::from_raw(self.heard));
        }
    }
}

unsafe extern "C" fn nothing(_context: *mut c_void) {}

unsafe extern "C" fn on_power(context: *mut c_void, _service: Port, message: u32, argument: *mut c_void) {
    // SAFETY: `context` is the `Heard` handed over at the registration, which lives until it is taken back.
    let Some(heard) = (unsafe { context.cast::<Heard>().as_ref() }) else { return };
    match message {
        // Whoever listens is asked, and the computer waits up to 30 s for those that say nothing.
        CAN_SLEEP | WILL_SLEEP => {
            if message == WILL_SLEEP {
                heard.teller.tell(Word::Sleeping);
            }
            // SAFETY: the argument of these two messages is the notification to be allowed.
            unsafe { IOAllowPowerChange(heard.root, argument as isize) };
        }
        HAS_POWERED_ON => heard.teller.tell(Word::Awake),
        _ => {}
    }
}

/// Every message of a routing socket is about a change (route(4)); those about lookups are left out.
async fn listen(teller: &Teller) -> io::Result<()> {
    // SAFETY: plain system calls; the descriptor is owned at once.
    let socket = unsafe {
        let raw = libc::socket(libc::PF_ROUTE, libc::SOCK_RAW, 0);
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        let socket = OwnedFd::from_raw_fd(raw);
        libc::fcntl(raw, libc::F_SETFD, libc::FD_CLOEXEC);
        if libc::fcntl(raw, libc::F_SETFL, libc::O_NONBLOCK) < 0 {
            return Err(io::Error::last_os_error());
        }
        socket
    };
    let socket = watched(socket)?;
    let mut buffer = [0_u8; 4096];
    loop {
        let mut ready = socket.readable().await?;
        // SAFETY: the buffer is live and as long as stated.
        let length =
            unsafe { libc::read(socket.get_ref().as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        if length < 0 {
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::WouldBlock => ready.clear_ready(),
                io::ErrorKind::Interrupted => {}
                // More happened than could be kept for us.
                _ if error.raw_os_error() == Some(libc::ENOBUFS) => teller.tell(Word::Network),
                _ => return Err(error),
            }
            continue;
        }
        // Length, version, kind: the beginning of every message there.
        let kind = buffer.get(mem::size_of::<u16>() + 1).copied().map_or(0, i32::from);
        let lookups = [libc::RTM_GET, libc::RTM_MISS, libc::RTM_RESOLVE, libc::RTM_LOSING];
        if length > 3 && !lookups.contains(&kind) {
            teller.tell(Word::Network);
        }
    }
}

/// Waits for what can be read from a descriptor, which nobody else has.
fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned, and an `OwnedFd` gives the same open one as long as it lives.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(io::Error::from)
}
