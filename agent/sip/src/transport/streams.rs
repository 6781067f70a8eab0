//! Connections (TCP, TLS, WebSocket): opened when needed, used for every message to the same end, read by one task and
//! written by another.
//!
//! RFC 3261 section 18.1.1 has requests share the connection that is open to their peer, section 18.2.2 has an answer go
//! back on the one its request came over, and section 18 has a connection outlive its transactions: `IDLE` is far longer
//! than the 32 s of the longest (64*T1, section 17.1.1.2).

use super::{
    patience::Patience,
    pipe::{Duplex, StreamNews},
    road::Identity,
    udp::canonical,
    web,
};
use crate::{
    flow::{Flow, Transport},
    message::{StreamDecoder, StreamItem},
};
use agent_net::{Mark, mark};
use bytes::Bytes;
use futures_util::StreamExt;
use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::TcpStream,
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

/// The two line ends of a ping come within so long.
const ONE_PING: Duration = Duration::from_secs(1);

/// Identities of connections that are gone, remembered so that an answer or a call finds its way back to the same end.
const MOST_GONE: usize = 256;

/// How a connection is cut into messages.
pub(super) enum Pipe {
    /// By Content-Length.
    Bytes(Box<dyn Duplex>),
    /// By the WebSocket around it.
    Web(Box<web::Socket>),
}

/// The half of a connection that is written to.
enum Out {
    Bytes(WriteHalf<Box<dyn Duplex>>),
    Web(web::Sending),
}

/// A connection that was just opened.
pub(super) struct Opened {
    pub(super) pipe: Pipe,
    /// Both ends.
    pub(super) ends: (SocketAddr, SocketAddr),
    /// Who is at the other end, where more is known than an address.
    pub(super) identity: Option<Arc<Identity>>,
}

impl Opened {
    /// A plain one; `None` when its addresses cannot be had, because it is gone already.
    pub(super) fn plain(stream: TcpStream) -> Option<Self> {
        let ends = ends(&stream)?;
        // Not every system has a connection inherit it from who listens.
        mark(&stream, Mark::Signalling);
        Some(Self { pipe: Pipe::Bytes(Box::new(stream)), ends, identity: None })
    }
}

/// Our address and theirs. Small messages wait for each other's answers, which Nagle's algorithm only delays.
pub(super) fn ends(stream: &TcpStream) -> Option<(SocketAddr, SocketAddr)> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    Some((canonical(stream.local_addr().ok()?), canonical(stream.peer_addr().ok()?)))
}

struct Connection {
    identity: Option<Arc<Identity>>,
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
    /// To whom connections led that are gone.
    gone: HashMap<(SocketAddr, SocketAddr), Arc<Identity>>,
    /// Connections that found no place.
    refused: u64,
    news: mpsc::Sender<StreamNews>,
}

impl Connections {
    /// None yet; what they will tell goes into `news`.
    pub(super) fn new(news: mpsc::Sender<StreamNews>) -> Self {
        Self { open: BTreeMap::new(), gone: HashMap::new(), refused: 0, news }
    }

    /// Takes a connection over. `None` when strangers have too many.
    pub(super) fn add(&mut self, opened: Opened, theirs: bool) -> Option<Flow> {
        let Opened { pipe, ends: (local, peer), identity } = opened;
        // What we open ourselves is few and wanted: strangers must not be able to keep us from the registrar.
        if theirs && (self.open.len() >= MOST || self.count_from(peer.ip()) >= MOST_FROM_ONE) {
            // Told ever more seldom: who opens thousands must not fill the disk with it.
            self.refused += 1;
            if self.refused.is_power_of_two() {
                tracing::warn!(refused = self.refused, "too many connections: further ones are refused");
            }
            return None;
        }
        let transport = identity.as_ref().map_or(Transport::Tcp, |identity| identity.transport);
        let flow = Flow { transport, local, peer };
        let (writer, queue) = mpsc::channel(MOST_WAITING);
        let (patience, news) = (Patience::new(Instant::now(), theirs), self.news.clone());
        let (reader, out) = match pipe {
            Pipe::Bytes(stream) => {
                let (reading, writing) = split(stream);
                (tokio::spawn(read(reading, flow, patience, news)), Out::Bytes(writing))
            }
            Pipe::Web(socket) => {
                let (writing, reading) = (*socket).split();
                (tokio::spawn(web::read(reading, flow, patience, news)), Out::Web(writing))
            }
        };
        let waiting: Arc<AtomicUsize> = Arc::default();
        let sender = tokio::spawn(write(out, (queue, waiting.clone()), flow, self.news.clone()));
        let tasks = [reader.abort_handle(), sender.abort_handle()];
        self.open.insert((peer, local), Connection { identity, writer, waiting, tasks });
        Some(flow)
    }

    /// The plain connection that leads to `peer`, if one is open.
    pub(super) fn to(&self, peer: SocketAddr) -> Option<Flow> {
        let ((peer, local), _) = self.of(peer).find(|(_, connection)| connection.identity.is_none())?;
        Some(Flow { transport: Transport::Tcp, local: *local, peer: *peer })
    }

    /// The connection to just this end, if one is open.
    pub(super) fn proven(&self, identity: &Identity) -> Option<Flow> {
        let is = |connection: &Connection| connection.identity.as_deref() == Some(identity);
        let ((peer, local), _) = self.open.iter().find(|(_, connection)| is(connection))?;
        Some(Flow { transport: identity.transport, local: *local, peer: *peer })
    }

    /// To whom this connection leads or led, where that is more than an address.
    pub(super) fn identity(&self, flow: &Flow) -> Option<Arc<Identity>> {
        let key = (flow.peer, flow.local);
        let open = self.open.get(&key).and_then(|connection| connection.identity.as_ref());
        open.or_else(|| self.gone.get(&key)).filter(|it| it.transport == flow.transport).cloned()
    }

    /// Sends over the connection `flow` names, or over another one to the same end: to the same address, or, where the end
    /// had proven its name, to who proved the same. False when there is none.
    pub(super) fn send(&mut self, flow: &Flow, bytes: &Bytes) -> bool {
        let kind = |connection: &Connection| {
            connection.identity.as_ref().map_or(Transport::Tcp, |identity| identity.transport)
        };
        let exact = self.open.get(&(flow.peer, flow.local)).filter(|it| kind(it) == flow.transport);
        let found = match exact {
            Some(_) => Some(*flow),
            None if flow.transport == Transport::Tcp => self.to(flow.peer),
            None => self.identity(flow).and_then(|identity| self.proven(&identity)),
        };
        let Some(flow) = found else { return false };
        let Some(connection) = self.open.get(&(flow.peer, flow.local)) else { return false };
        let waiting = connection.waiting.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if waiting > MOST_WAITING_BYTES || connection.writer.try_send(bytes.clone()).is_err() {
            // It does not read, or its writer just died: the reader's news of it must still come.
            connection.tasks[1].abort();
            let gone = StreamNews::Closed(flow, "the peer does not read".to_owned());
            if self.news.try_send(gone).is_err() {
                tracing::debug!("news of a stuck connection found no room");
            }
        }
        true
    }

    /// All that are open.
    pub(super) fn all(&self) -> Vec<Flow> {
        let flow = |((peer, local), connection): (&(SocketAddr, SocketAddr), &Connection)| {
            let transport =
                connection.identity.as_ref().map_or(Transport::Tcp, |identity| identity.transport);
            Flow { transport, local: *local, peer: *peer }
        };
        self.open.iter().map(flow).collect()
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, flow: &Flow) {
        let key = (flow.peer, flow.local);
        if let Some(identity) = self.open.remove(&key).and_then(|connection| connection.identity.clone()) {
            if self.gone.len() >= MOST_GONE {
                self.gone.clear();
            }
            self.gone.insert(key, identity);
        }
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

async fn read(
    mut stream: ReadHalf<Box<dyn Duplex>>,
    flow: Flow,
    mut patience: Patience,
    news: mpsc::Sender<StreamNews>,
) {
    let mut decoder = StreamDecoder::new();
    let mut buffer = vec![0; 16 * 1024];
    let mut before = Instant::now();
    let why = 'open: loop {
        match timeout_at(patience.ends().into(), stream.read(&mut buffer)).await {
            Err(_) => break "nothing whole came over it for too long".to_owned(),
            Ok(Err(error)) => break error.to_string(),
            Ok(Ok(0)) => break "the peer closed it".to_owned(),
            Ok(Ok(length)) => {
                if before.elapsed() > ONE_PING {
                    decoder.paused();
                }
                before = Instant::now();
                decoder.push(&buffer[..length]);
                let mut whole = false;
                while let Some(item) = decoder.next_item() {
                    let lost = matches!(item, StreamItem::Fatal(_));
                    if news.send(StreamNews::Item(flow, Box::new(item))).await.is_err() || lost {
                        break 'open "what came over it is no SIP".to_owned();
                    }
                    whole = true;
                }
                patience.read(Instant::now(), whole, decoder.pending() > 0);
            }
        }
    };
    // The loop's end has nobody to tell any more when its owner is gone.
    let _ = news.send(StreamNews::Closed(flow, why)).await;
}

async fn write(
    mut out: Out,
    (mut queue, waiting): (mpsc::Receiver<Bytes>, Arc<AtomicUsize>),
    flow: Flow,
    news: mpsc::Sender<StreamNews>,
) {
    while let Some(bytes) = queue.recv().await {
        let failed = match timeout(STUCK, out.write(&bytes)).await {
            Ok(Ok(())) => {
                waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
                continue;
            }
            Ok(Err(error)) => error,
            Err(_) => "the peer does not read".to_owned(),
        };
        let _ = news.send(StreamNews::Closed(flow, failed)).await;
        return;
    }
    out.close().await;
}

impl Out {
    async fn write(&mut self, bytes: &Bytes) -> Result<(), String> {
        match self {
            Self::Bytes(stream) => write_out(stream, bytes).await.map_err(|error| error.to_string()),
            Self::Web(socket) => web::write(socket, bytes).await,
        }
    }

    /// The owner closed it: TLS and WebSocket say so to the other end.
    async fn close(&mut self) {
        match self {
            Self::Bytes(stream) => drop(timeout(STUCK, stream.shutdown()).await),
            Self::Web(socket) => web::close(socket).await,
        }
    }
}

/// Writes all of it and leaves nothing in a buffer of TLS.
async fn write_out(stream: &mut WriteHalf<Box<dyn Duplex>>, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
