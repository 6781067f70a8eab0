//! A terminal of its own for a program: keys typed, screen text read, echo looked at, size chosen.

use std::{
    fmt,
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use crate::{proc::Signal, wait};

/// A program on a terminal; dropping it kills the program.
pub struct Pty {
    master: File,
    /// Keeps the terminal as it was left when the program is gone.
    slave: OwnedFd,
    child: Child,
    ended: Option<ExitStatus>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    /// Starts `command` as the leader of a session on a new terminal of so many columns.
    ///
    /// # Panics
    /// When there is no terminal to be had or the program cannot be started.
    pub fn start(command: &mut Command, columns: u16) -> Self {
        let (master, slave) = open(columns);
        let end = || Stdio::from(slave.try_clone().expect("a descriptor can be shared"));
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: the calls are allowed between fork and exec; 0 is the terminal, by the line above.
        unsafe {
            command.pre_exec(|| {
                // As a login begins, whatever started the tests: nohup, or a shell's background job.
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
        // The command holds ends of the terminal, which would keep it open when ours are closed.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let said: Arc<Mutex<Vec<u8>>> = Arc::default();
        let mut reader = master.try_clone().expect("a descriptor can be shared");
        let heard = said.clone();
        thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut some) {
                heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&some[..count]);
            }
        });
        Self { master, slave, child, ended: None, said }
    }

    /// What the screen got so far.
    pub fn screen(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Waits until the screen shows `text`.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_for_text(&self, text: &str, deadline: Duration) {
        let found = wait::until(deadline, || self.screen().contains(text).then_some(()));
        assert!(found.is_some(), "waited for {text:?} in vain\n{self}");
    }

    /// Types; `\r` is Enter, `\x03` Ctrl+C.
    ///
    /// # Panics
    /// When the terminal takes nothing.
    pub fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Whether the terminal shows what is typed and takes it line by line, as a shell wants to find it.
    ///
    /// # Panics
    /// When it is no terminal.
    pub fn is_sane(&self) -> bool {
        // SAFETY: a zeroed termios is a valid one, and the call fills it in.
        let settings = unsafe {
            let mut settings: libc::termios = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(self.slave.as_raw_fd(), &raw mut settings), 0, "it is a terminal");
            settings
        };
        let usual = libc::ECHO | libc::ICANON | libc::ISIG;
        settings.c_lflag & usual == usual
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        signal.send(libc::pid_t::try_from(self.child.id()).expect("the kernel's ids fit"));
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it goes on beyond the deadline.
    pub fn wait_for_end(&mut self, deadline: Duration) -> ExitStatus {
        wait::until(deadline, || {
            self.ended = self.ended.or_else(|| self.child.try_wait().ok().flatten());
            self.ended
        })
        .unwrap_or_else(|| panic!("it does not end\n{self}"))
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl fmt::Display for Pty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "--- the screen:\n{}", self.screen())
    }
}

fn open(columns: u16) -> (File, OwnedFd) {
    let (mut master, mut slave) = (0, 0);
    let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptors are written, the size is read, the rest is left out; what is opened is owned once.
    unsafe {
        let opened = libc::openpty(
            &raw mut master,
            &raw mut slave,
            std::ptr::null_mut(),
            std::ptr::null(),
            &raw const size,
        );
        assert_eq!(opened, 0, "a terminal: {}", std::io::Error::last_os_error());
        for end in [master, slave] {
            libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    }
}
