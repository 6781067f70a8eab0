//! The agent's door on Windows: a named pipe only the same user may open, no other machine, and a lock file beside it.

use super::{InstanceError, canonical, short_name};
use std::{
    ffi::c_void,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::windows::{fs::OpenOptionsExt, io::AsRawHandle},
    path::Path,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions},
};
use windows::{
    Win32::{
        Foundation::{CloseHandle, ERROR_PIPE_BUSY, ERROR_SHARING_VIOLATION, HANDLE, HLOCAL, LocalFree},
        Security::{
            Authorization::{
                ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
            },
            GetTokenInformation, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER,
            TokenUser,
        },
        System::{
            Pipes::GetNamedPipeServerProcessId,
            Threading::{
                GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
            },
        },
    },
    core::{HSTRING, PWSTR},
};

/// The lock, in the profile's folder: opened for us alone, so a second agent cannot open it.
const LOCK: &str = "agent.lock";
/// Who has it, where others can read it.
const PROCESS: &str = "agent.pid";

/// The open door.
#[derive(Debug)]
pub struct Listener {
    name: String,
    user: String,
    /// The pipe the next visitor comes in by.
    next: Mutex<Option<NamedPipeServer>>,
    /// Held for as long as we listen.
    _lock: File,
}

/// A conversation with the agent.
#[derive(Debug)]
pub struct Stream(End);

#[derive(Debug)]
enum End {
    Host(NamedPipeServer),
    Visitor(NamedPipeClient),
}

impl Listener {
    pub(super) fn open(profile: &Path) -> Result<Self, InstanceError> {
        let asked = profile;
        let profile = canonical(asked)?;
        let lock = lock(&profile, asked)?;
        let name = pipe_name(&profile);
        let failed = |error| InstanceError::Io {
            doing: "cannot open the agent's pipe",
            place: name.clone().into(),
            error,
        };
        let user = user_of(None).map_err(failed)?;
        let first = make(&name, &user, true).map_err(failed)?;
        Ok(Self { name, user, next: Mutex::new(Some(first)), _lock: lock })
    }

    /// The next visitor; the pipe lets in nobody but our user.
    pub async fn accept(&self) -> io::Result<Stream> {
        let waiting = self.next.lock().ok().and_then(|mut next| next.take());
        let pipe = match waiting {
            Some(pipe) => pipe,
            None => make(&self.name, &self.user, false)?,
        };
        let keep = |pipe| {
            if let Ok(mut next) = self.next.lock() {
                *next = Some(pipe);
            }
        };
        if let Err(error) = pipe.connect().await {
            keep(make(&self.name, &self.user, false)?);
            return Err(error);
        }
        // The door for the one after is there before this one is spoken to.
        keep(make(&self.name, &self.user, false)?);
        Ok(Stream(End::Host(pipe)))
    }

    /// Where the door is, for messages.
    pub fn place(&self) -> String {
        self.name.clone()
    }
}

impl Stream {
    pub(super) async fn open(profile: &Path) -> Result<Self, InstanceError> {
        let name = pipe_name(&canonical(profile)?);
        let failed = |error| InstanceError::Io {
            doing: "cannot reach the agent at",
            place: name.clone().into(),
            error,
        };
        for _ in 0..50 {
            match ClientOptions::new().open(&name) {
                Ok(pipe) => {
                    let server = server_process(&pipe).map_err(failed)?;
                    return match (user_of(Some(server)), user_of(None)) {
                        (Ok(theirs), Ok(ours)) if theirs == ours => Ok(Self(End::Visitor(pipe))),
                        _ => Err(failed(io::Error::new(
                            ErrorKind::PermissionDenied,
                            "the pipe belongs to another user: nothing was sent to it",
                        ))),
                    };
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(InstanceError::NotRunning { profile: profile.to_owned() });
                }
                // Another visitor is just coming in.
                Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY.0 as i32) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Err(failed(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = match &mut self.0 {
            End::Host(pipe) => Pin::new(pipe).poll_read(cx, buf),
            End::Visitor(pipe) => Pin::new(pipe).poll_read(cx, buf),
        };
        match read {
            // The other side has closed: on a pipe that is an error, everywhere else an end.
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::BrokenPipe => Poll::Ready(Ok(())),
            read => read,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            End::Host(pipe) => Pin::new(pipe).poll_write(cx, buf),
            End::Visitor(pipe) => Pin::new(pipe).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            End::Host(pipe) => Pin::new(pipe).poll_flush(cx),
            End::Visitor(pipe) => Pin::new(pipe).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            End::Host(pipe) => Pin::new(pipe).poll_shutdown(cx),
            End::Visitor(pipe) => Pin::new(pipe).poll_shutdown(cx),
        }
    }
}

fn pipe_name(profile: &Path) -> String {
    format!(r"\\.\pipe\trayphone-{}", short_name(profile))
}

/// Takes the lock; `asked` is the folder as the user wrote it, to be told: its one true name begins with `\\?\`.
fn lock(profile: &Path, asked: &Path) -> Result<File, InstanceError> {
    let place = profile.join(LOCK);
    // No sharing: the system closes the file however we end, and opens it for nobody else until then.
    match OpenOptions::new().read(true).write(true).create(true).truncate(false).share_mode(0).open(&place) {
        Ok(file) => {
            let written = File::create(profile.join(PROCESS))
                .and_then(|mut told| writeln!(told, "{}", std::process::id()));
            if let Err(error) = written {
                tracing::debug!(%error, "the process id could not be left for others");
            }
            Ok(file)
        }
        Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION.0 as i32) => {
            let told = fs::read_to_string(profile.join(PROCESS)).unwrap_or_default();
            Err(InstanceError::Running { profile: asked.to_owned(), pid: told.trim().parse().ok() })
        }
        Err(error) => Err(InstanceError::Io { doing: "cannot lock the profile with", place, error }),
    }
}

/// Makes one end of the pipe, which only `user` may open and only from this machine.
fn make(name: &str, user: &str, first: bool) -> io::Result<NamedPipeServer> {
    // Full access for the user, inherited by nothing, and nobody else.
    let rights = HSTRING::from(format!("D:P(A;;GA;;;{user})"));
    let mut descriptor = PSECURITY_DESCRIPTOR::default();
    // SAFETY: the text ends in zero; the descriptor is ours to let go, which happens below on every way out.
    unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            &rights,
            SDDL_REVISION_1,
            &raw mut descriptor,
            None,
        )?;
    }
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: false.into(),
    };
    // SAFETY: the attributes and the descriptor in them live until the call is over.
    let made = unsafe {
        ServerOptions::new()
            .first_pipe_instance(first)
            .reject_remote_clients(true)
            .create_with_security_attributes_raw(name, (&raw mut attributes).cast::<c_void>())
    };
    // SAFETY: allocated by the conversion above, let go once.
    unsafe { LocalFree(Some(HLOCAL(descriptor.0))) };
    made
}

/// Which process holds the other end.
fn server_process(pipe: &NamedPipeClient) -> io::Result<u32> {
    let mut process = 0;
    // SAFETY: the handle is open for as long as `pipe` lives.
    unsafe { GetNamedPipeServerProcessId(HANDLE(pipe.as_raw_handle()), &raw mut process)? };
    Ok(process)
}

/// The security id of a process's user; of ours when none is named.
fn user_of(process: Option<u32>) -> io::Result<String> {
    // SAFETY: every handle and buffer is used only while it is open and let go on every way out.
    unsafe {
        let handle = match process {
            Some(process) => OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, process)?,
            None => GetCurrentProcess(),
        };
        let mut token = HANDLE::default();
        let opened = OpenProcessToken(handle, TOKEN_QUERY, &raw mut token);
        if process.is_some() {
            CloseHandle(handle)?;
        }
        opened?;
        // Large enough for every security id (68 bytes) and what stands before it, aligned for the latter.
        let mut buffer = [0u64; 32];
        let mut used = 0;
        let told = GetTokenInformation(
            token,
            TokenUser,
            Some(buffer.as_mut_ptr().cast()),
            size_of_val(&buffer) as u32,
            &raw mut used,
        );
        CloseHandle(token)?;
        told?;
        let user = &*buffer.as_ptr().cast::<TOKEN_USER>();
        let mut text = PWSTR::null();
        ConvertSidToStringSidW(user.User.Sid, &raw mut text)?;
        let sid = text.to_string();
        LocalFree(Some(HLOCAL(text.0.cast())));
        sid.map_err(|_| ErrorKind::InvalidData.into())
    }
}
