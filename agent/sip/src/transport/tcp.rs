//! TCP connections: opened when needed, used for every message to the same peer, read by one task and written by another.
//!
//! RFC 3261 section 18.1.1 has requests share the connection that is open to their peer, section 18.2.2 has an answer go
//! back on the one its request came over, and section 18 has a connection outlive its transactions: `IDLE` is far longer
//! than the 32 s of the longest (64*T1, section 17.1.1.2).

mod patience;

use crate::{
    flow::{Flow, Transport},
    message::{StreamDecoder, StreamItem},
    transport::udp::canonical,
};
use bytes::Bytes;
use patience::Patience;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::AbortHandle,
    time::{timeout, timeout_at},
};

/// Connections at once; beyond it only our own are opened.
const MOST: usize = 512;
/// Connections strangers at one address may hold.
const MOST_FROM_ONE: usize = 128;
/// Messages waiting for a peer that does not read; more, and the connection is given up.
const MOST_WAITING: usize = 1024;
/// Bytes waiting for such a peer. An answer repeats what was asked: who asks much and reads nothing must not fill memory.
const MOST_WAITING_BYTES: usize = 256 * 1024;
/// A write that takes longer has lost its peer.
const STUCK: Duration = Duration::from_secs(30);

/// What connections tell the loop that owns them.
#[derive(Debug)]
pub(super) enum TcpNews {
    /// Something was read.
    Item(Flow, Box<StreamItem>),
    /// The connection is gone.
    Closed(Flow, String),
}

struct Connection {
    writer: mpsc::Sender<Bytes>,
    /// Bytes that were not written yet.
    waiting: Arc<AtomicUsize>,
    tasks: [AbortHandle; 2],
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The writer may still finish what it has: it ends by itself when its channel closes.
        self.tasks[0].abort();
    }
}

/// All connections that are open.
pub(super) struct Connections {
    open: BTreeMap<(SocketAddr, SocketAddr), Connection>,
    /// Connections that found no place.
    refused: u64,
    news: mpsc::Sender<TcpNews>,
}

impl Connections {
    /// None yet; what they will tell goes into `news`.
    pub(super) fn new(news: mpsc::Sender<TcpNews>) -> Self {
        Self { open: BTreeMap::new(), refused: 0, news }
    }

    /// Takes a connection over. `None` when its addresses cannot be had, or when strangers have too many.
    pub(super) fn add(&mut self, stream: TcpStream, theirs: bool) -> Option<Flow> {
        let (local, peer) = (canonical(stream.local_addr().ok()?), canonical(stream.peer_addr().ok()?));
        // What we open ourselves is few and wanted: strangers must not be able to keep us from the registrar.
        if theirs && (self.open.len() >= MOST || self.count_from(peer.ip()) >= MOST_FROM_ONE) {
            // Told ever more seldom: who opens thousands must not fill the disk with it.
            self.refused += 1;
            if self.refused.is_power_of_two() {
                tracing::warn!(refused = self.refused, "too many connections: further ones are refused");
            }
            return None;
        }
        let flow = Flow { transport: Transport::Tcp, local, peer };
        // Small messages that wait for each other's answers: Nagle's algorithm only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let (reading, writing) = stream.into_split();
        let (writer, queue) = mpsc::channel(MOST_WAITING);
        let reader =
            tokio::spawn(read(reading, flow, Patience::new(Instant::now(), theirs), self.news.clone()));
        let waiting: Arc<AtomicUsize> = Arc::default();
        let sender = tokio::spawn(write(writing, (queue, waiting.clone()), flow, self.news.clone()));
        let tasks = [reader.abort_handle(), sender.abort_handle()];
        self.open.insert((peer, local), Connection { writer, waiting, tasks });
        Some(flow)
    }

    /// The connection that leads to `peer`, if one is open.
    pub(super) fn to(&self, peer: SocketAddr) -> Option<Flow> {
        let ((peer, local), _) = self.of(peer).next()?;
        Some(Flow { transport: Transport::Tcp, local: *local, peer: *peer })
    }

    /// Sends over the connection `flow` names, or over another one to the same peer. False when there is none.
    pub(super) fn send(&mut self, flow: &Flow, bytes: &Bytes) -> bool {
        let exact = self.open.contains_key(&(flow.peer, flow.local)).then_some(*flow);
        let Some(flow) = exact.or_else(|| self.to(flow.peer)) else { return false };
        let Some(connection) = self.open.get(&(flow.peer, flow.local)) else { return false };
        let waiting = connection.waiting.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if waiting > MOST_WAITING_BYTES || connection.writer.try_send(bytes.clone()).is_err() {
            // It does not read, or its writer just died: the reader's news of it must still come.
            connection.tasks[1].abort();
            let gone = TcpNews::Closed(flow, "the peer does not read".to_owned());
            if self.news.try_send(gone).is_err() {
                tracing::debug!("news of a stuck connection found no room");
            }
        }
        true
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, flow: &Flow) {
        self.open.remove(&(flow.peer, flow.local));
    }

    fn of(&self, peer: SocketAddr) -> impl Iterator<Item = (&(SocketAddr, SocketAddr), &Connection)> {
        let lowest = (peer, SocketAddr::from(([0, 0, 0, 0], 0)));
        self.open.range(lowest..).take_while(move |((to, _), _)| *to == peer)
    }

    fn count_from(&self, ip: IpAddr) -> usize {
        let lowest = (SocketAddr::new(ip, 0), SocketAddr::from(([0, 0, 0, 0], 0)));
        self.open.range(lowest..).take_while(|((to, _), _)| to.ip() == ip).count()
    }
}

async fn read(mut stream: OwnedReadHalf, flow: Flow, mut patience: Patience, news: mpsc::Sender<TcpNews>) {
    let mut decoder = StreamDecoder::new();
    let mut buffer = vec![0; 16 * 1024];
    let why = 'open: loop {
        match timeout_at(patience.ends().into(), stream.read(&mut buffer)).await {
            Err(_) => break "nothing whole came over it for too long".to_owned(),
            Ok(Err(error)) => break error.to_string(),
            Ok(Ok(0)) => break "the peer closed it".to_owned(),
            Ok(Ok(length)) => {
                decoder.push(&buffer[..length]);
                let mut whole = false;
                while let Some(item) = decoder.next_item() {
                    let lost = matches!(item, StreamItem::Fatal(_));
                    if news.send(TcpNews::Item(flow, Box::new(item))).await.is_err() || lost {
                        break 'open "what came over it is no SIP".to_owned();
                    }
                    whole = true;
                }
                patience.read(Instant::now(), whole, decoder.pending() > 0);
            }
        }
    };
    // The loop's end has nobody to tell any more when its owner is gone.
    let _ = news.send(TcpNews::Closed(flow, why)).await;
}

async fn write(
    mut stream: OwnedWriteHalf,
    (mut queue, waiting): (mpsc::Receiver<Bytes>, Arc<AtomicUsize>),
    flow: Flow,
    news: mpsc::Sender<TcpNews>,
) {
    while let Some(bytes) = queue.recv().await {
        let failed = match timeout(STUCK, stream.write_all(&bytes)).await {
            Ok(Ok(())) => {
                waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the peer does not read".to_owned(),
        };
        let _ = news.send(TcpNews::Closed(flow, failed)).await;
        return;
    }
}
