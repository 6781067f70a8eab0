//! What all connections have in common: bytes that run both ways, and what is told of them.

use crate::{flow::Flow, message::StreamItem};
use tokio::io::{AsyncRead, AsyncWrite};

/// What bytes run over, whatever lies beneath.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What connections tell the loop that owns them.
#[derive(Debug)]
pub(super) enum StreamNews {
    /// Something was read.
    Item(Flow, Box<StreamItem>),
    /// The connection is gone.
    Closed(Flow, String),
}
