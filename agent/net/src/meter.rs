//! Streams that count the bytes passing through them, for the ledger and to know when it is enough.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What went through, in bytes of the wire (below TLS).
#[derive(Debug, Default)]
pub(crate) struct Count {
    out: AtomicU64,
    r#in: AtomicU64,
}

impl Count {
    /// Bytes that were sent without passing through a [`Metered`].
    pub(crate) fn sent(&self, bytes: usize) {
        self.out.fetch_add(bytes as u64, Relaxed);
    }

    /// Sent and received.
    pub(crate) fn both(&self) -> (u64, u64) {
        (self.out.load(Relaxed), self.r#in.load(Relaxed))
    }
}

/// The counting stream.
pub(crate) struct Metered<S> {
    stream: S,
    count: Arc<Count>,
}

impl<S> Metered<S> {
    pub(crate) fn new(stream: S, count: Arc<Count>) -> Self {
        Self { stream, count }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.count.r#in.fetch_add((buf.filled().len() - before) as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.count.out.fetch_add(written as u64, Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How many more bytes are taken; clones are the same room.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<AtomicUsize>);

impl Room {
    /// Room for so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Room for so many more.
    pub(crate) fn widen(&self, bytes: usize) {
        self.0.fetch_add(bytes, Relaxed);
    }
}

/// More came than there was room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it sends more than is taken")]
pub(crate) struct NoRoom;

/// A stream that breaks, by [`NoRoom`], when more comes than there is room for.
pub(crate) struct Capped<S> {
    stream: S,
    room: Room,
}

impl<S> Capped<S> {
    pub(crate) fn new(stream: S, room: Room) -> Self {
        Self { stream, room }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Capped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let came = buf.filled().len() - before;
        let fits = self.room.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(came));
        Poll::Ready(fits.map(drop).map_err(|_| io::Error::other(NoRoom)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Capped<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
