//! The sockets the resolver speaks through: where a query leaves, its row is written.

use crate::{
    ledger::{Attempt, LedgerSink, Target},
    meter::Count,
};
use agent_core::ledger::Purpose;
use hickory_resolver::net::runtime::{
    DnsUdpSocket, RuntimeProvider, TokioHandle, TokioRuntimeProvider, TokioTime, iocompat::AsyncIoTokioAsStd,
};
use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UdpSocket},
};

/// Who is waiting for which name, so that a query on the wire can say for whom it went out.
#[derive(Clone, Default)]
pub(crate) struct Askers(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl Askers {
    /// `host` is being asked for by `who` until the guard is dropped.
    pub(crate) fn ask(&self, host: &str, purpose: &Purpose) -> Asking {
        let host = host.to_ascii_lowercase();
        let who = purpose.who.clone();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(host.clone())
            .or_default()
            .push(who.clone());
        Asking { askers: self.clone(), host, who }
    }

    /// `name` may be longer than what was asked for: search domains are appended on the way.
    fn who_asks(&self, name: &str) -> Option<String> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.iter()
            .filter(|(host, _)| {
                name.strip_prefix(host.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            .max_by_key(|(host, _)| host.len())
            .and_then(|(_, who)| who.first().cloned())
    }
}

/// One who waits for a name.
pub(crate) struct Asking {
    askers: Askers,
    host: String,
    who: String,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut map = self.askers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = map.get_mut(&self.host) {
            if let Some(at) = list.iter().position(|who| *who == self.who) {
                list.swap_remove(at);
            }
            if list.is_empty() {
                map.remove(&self.host);
            }
        }
    }
}

/// Makes the resolver's sockets.
#[derive(Clone)]
pub(crate) struct Wire {
    sink: LedgerSink,
    askers: Askers,
    tokio: TokioRuntimeProvider,
}

impl Wire {
    pub(crate) fn new(sink: LedgerSink, askers: Askers) -> Self {
        Self { sink, askers, tokio: TokioRuntimeProvider::new() }
    }

    fn row(&self, server: SocketAddr, question: Option<(String, String)>, bytes: usize) -> Attempt {
        let (name, kind) = question.unwrap_or_else(|| (server.ip().to_string(), "query".to_owned()));
        let why = match self.askers.who_asks(&name) {
            Some(who) => format!("look up a name for {who}"),
            None => "look up a name".to_owned(),
        };
        let mut target = Target::new("dns", &name, server.port());
        target.request = Some(format!("{kind} {name}"));
        let purpose = Purpose { who: "names".to_owned(), why };
        let mut attempt = Attempt::new(&self.sink, &purpose, &target).at(server);
        let count = Count::default();
        count.sent(bytes);
        attempt.counted(Arc::new(count));
        attempt
    }
}

impl RuntimeProvider for Wire {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = WireUdp;
    type Tcp = AsyncIoTokioAsStd<WireTcp>;

    fn create_handle(&self) -> Self::Handle {
        self.tokio.create_handle()
    }

    fn connect_tcp(
        &self,
        server_addr: SocketAddr,
        _bind_addr: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        let wire = self.clone();
        Box::pin(async move {
            let connect = TcpStream::connect(server_addr);
            let limit = timeout.unwrap_or(Duration::from_secs(5));
            let outcome = tokio::time::timeout(limit, connect)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            match outcome {
                Ok(stream) => {
                    Ok(AsyncIoTokioAsStd(WireTcp { stream, wire, server: server_addr, unread: Vec::new() }))
                }
                Err(error) => {
                    wire.row(server_addr, None, 0).failed(&error.to_string());
                    Err(error)
                }
            }
        })
    }

    fn bind_udp(
        &self,
        local_addr: SocketAddr,
        _server_addr: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Udp>>>> {
        let wire = self.clone();
        Box::pin(async move { Ok(WireUdp { socket: UdpSocket::bind(local_addr).await?, wire }) })
    }
}

/// A UDP socket for queries.
pub(crate) struct WireUdp {
    socket: UdpSocket,
    wire: Wire,
}

impl DnsUdpSocket for WireUdp {
    type Time = TokioTime;

    fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buf = ReadBuf::new(buf);
        let from = ready!(self.socket.poll_recv_from(cx, &mut buf))?;
        Poll::Ready(Ok((buf.filled().len(), from)))
    }

    fn poll_send_to(&self, cx: &mut Context<'_>, buf: &[u8], target: SocketAddr) -> Poll<io::Result<usize>> {
        let outcome = ready!(self.socket.poll_send_to(cx, buf, target));
        let row = self.wire.row(target, question(buf), buf.len());
        match &outcome {
            Ok(_) => row.allowed(),
            Err(error) => row.failed(&error.to_string()),
        }
        Poll::Ready(outcome)
    }
}

/// A TCP connection for queries, which carry their length in front (RFC 1035 section 4.2.2).
pub(crate) struct WireTcp {
    stream: TcpStream,
    wire: Wire,
    server: SocketAddr,
    unread: Vec<u8>,
}

impl WireTcp {
    fn watch(&mut self, sent: &[u8]) {
        self.unread.extend_from_slice(sent);
        while let [high, low, rest @ ..] = self.unread.as_slice() {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(query) = rest.get(..length) else { return };
            self.wire.row(self.server, question(query), length + 2).allowed();
            self.unread.drain(..length + 2);
        }
    }
}

impl AsyncRead for WireTcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for WireTcp {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.watch(buf.get(..written).unwrap_or(buf));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Name and type of the first question in a query (RFC 1035 section 4.1.2): what the name server gets to know.
fn question(query: &[u8]) -> Option<(String, String)> {
    let mut rest = query.get(12..)?;
    let mut labels = Vec::new();
    loop {
        let (length, after) = rest.split_first()?;
        let (label, after) = after.split_at_checked(usize::from(*length))?;
        rest = after;
        if label.is_empty() {
            break;
        }
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
    }
    let kind = match rest.get(..2)? {
        [0, 1] => "A".to_owned(),
        [0, 28] => "AAAA".to_owned(),
        [0, 33] => "SRV".to_owned(),
        [0, 35] => "NAPTR".to_owned(),
        [high, low] => format!("TYPE{}", u16::from_be_bytes([*high, *low])),
        _ => return None,
    };
    Some((labels.join("."), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_tells_its_name_and_type() {
        let mut query = vec![0; 12];
        query.extend_from_slice(b"\x03CRM\x07example\x00\x00\x1c\x00\x01");
        assert_eq!(question(&query), Some(("crm.example".to_owned(), "AAAA".to_owned())));
        for cut in 0..query.len() - 2 {
            assert_eq!(question(&query[..cut]), None, "cut after {cut} bytes");
        }
    }

    #[test]
    fn a_name_finds_its_asker_also_behind_a_search_domain() {
        let askers = Askers::default();
        let guard = askers.ask("Crm", &Purpose { who: "plugin:x".to_owned(), why: String::new() });
        assert_eq!(askers.who_asks("crm").as_deref(), Some("plugin:x"));
        assert_eq!(askers.who_asks("crm.office.example").as_deref(), Some("plugin:x"));
        assert_eq!(askers.who_asks("crmx.example"), None);
        drop(guard);
        assert_eq!(askers.who_asks("crm"), None);
    }
}
