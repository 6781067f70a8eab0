//! The agent's door on Unix: a socket of mode 0600 in a folder of mode 0700, beside a lock the kernel keeps for us.

use super::{InstanceError, canonical, short_name};
use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock},
    process::geteuid,
};
use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{UnixListener, UnixStream},
};

/// The longest path a socket can have everywhere, bytes (macOS: 104 with the final zero).
const LONGEST: usize = 100;
/// The lock, in the profile's folder.
const LOCK: &str = "agent.lock";

/// The open door. Closing it removes the socket.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    place: PathBuf,
    /// Held for as long as we listen.
    _lock: File,
}

/// A conversation with the agent.
#[derive(Debug)]
pub struct Stream(UnixStream);

impl Listener {
    pub(super) fn open(profile: &Path) -> Result<Self, InstanceError> {
        let profile = canonical(profile)?;
        let lock = lock(&profile)?;
        let mut refused = None;
        for place in places(&profile) {
            match bind(&place) {
                Ok(socket) => return Ok(Self { socket, place, _lock: lock }),
                Err(error) => refused = refused.or(Some((place, error))),
            }
        }
        let (place, error) = refused.unwrap_or((profile, ErrorKind::NotFound.into()));
        Err(InstanceError::Io { doing: "cannot open the agent's socket", place, error })
    }

    /// The next visitor who is the same user as we are; others are turned away unheard.
    pub async fn accept(&self) -> io::Result<Stream> {
        loop {
            let (stream, _) = match self.socket.accept().await {
                Ok(accepted) => accepted,
                // The visitor left before we came to the door.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == geteuid().as_raw() => return Ok(Stream(stream)),
                Ok(peer) => {
                    tracing::warn!(uid = peer.uid(), "another user was turned away at the local socket")
                }
                Err(error) => tracing::debug!(%error, "a visitor without a name was turned away"),
            }
        }
    }

    /// Where the door is, for messages.
    pub fn place(&self) -> String {
        self.place.display().to_string()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The lock is still held, so this is our socket and nobody else's.
        let _ = fs::remove_file(&self.place);
    }
}

impl Stream {
    pub(super) async fn open(profile: &Path) -> Result<Self, InstanceError> {
        let profile = canonical(profile)?;
        let mut refused = None;
        for place in places(&profile) {
            let stream = match UnixStream::connect(&place).await {
                Ok(stream) => stream,
                Err(error) => {
                    if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
                        refused = Some((place, error));
                    }
                    continue;
                }
            };
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == geteuid().as_raw() => return Ok(Self(stream)),
                Ok(peer) => return Err(InstanceError::Stranger { place, uid: peer.uid() }),
                Err(error) => refused = Some((place, error)),
            }
        }
        Err(match refused {
            Some((place, error)) => InstanceError::Io { doing: "cannot reach the agent at", place, error },
            None => InstanceError::NotRunning { profile },
        })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Takes the profile's lock, which the kernel gives back however we end.
fn lock(profile: &Path) -> Result<File, InstanceError> {
    let place = profile.join(LOCK);
    let io = |error: io::Error| InstanceError::Io {
        doing: "cannot lock the profile with",
        place: place.clone(),
        error,
    };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file =
        rustix::fs::open(&place, flags, Mode::from_raw_mode(0o600)).map_err(|error| io(error.into()))?;
    let mut file = File::from(file);
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = Read::by_ref(&mut file).take(20).read_to_string(&mut text);
            return Err(InstanceError::Running {
                profile: profile.to_owned(),
                pid: text.trim().parse().ok(),
            });
        }
        Err(error) => return Err(io(error.into())),
    }
    // Only told to those who find it locked: a number that could not be written is no reason not to start.
    let _ = file.set_len(0);
    let _ = file.rewind();
    let _ = writeln!(file, "{}", std::process::id());
    Ok(file)
}

/// Where the socket may be, best first. Depends on the user and the profile, and on the environment only so far that a
/// program with another one still finds the door.
fn places(profile: &Path) -> Vec<PathBuf> {
    let uid = geteuid().as_raw();
    let name = format!("{}.sock", short_name(profile));
    let system = Path::new("/run/user").join(uid.to_string());
    let told = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut folders: Vec<PathBuf> = told
        .into_iter()
        .chain([system])
        .filter(|folder| ours(folder))
        .map(|folder| folder.join("trayphone"))
        .collect();
    folders.dedup();
    let mut places: Vec<PathBuf> = folders.into_iter().map(|folder| folder.join(&name)).collect();
    places.push(profile.join("run").join("agent.sock"));
    places.push(std::env::temp_dir().join(format!("trayphone-{uid}")).join(&name));
    places.retain(|place| place.as_os_str().len() <= LONGEST);
    places
}

/// An absolute folder of ours that others cannot write to.
fn ours(folder: &Path) -> bool {
    let of_ours = |found: fs::Metadata| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0
    };
    folder.is_absolute() && fs::metadata(folder).is_ok_and(of_ours)
}

/// Binds the socket; the profile's lock must be held, so whatever lies there is a dead agent's.
fn bind(place: &Path) -> io::Result<UnixListener> {
    let folder = place.parent().ok_or(ErrorKind::InvalidInput)?;
    private_folder(folder)?;
    match fs::symlink_metadata(place) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(place)?,
        Ok(_) => {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "something else is in the socket's place"));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let socket = UnixListener::bind(place)?;
    fs::set_permissions(place, Permissions::from_mode(0o600))?;
    Ok(socket)
}

/// Makes the folder, or makes sure that the one there is ours and nobody else's.
fn private_folder(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() {
        let why = format!("{} is not a folder of yours", folder.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}
