//! Connecting to the first address of several that answers (after RFC 8305, "happy eyeballs").

use crate::{
    error::NetError,
    ledger::{Attempt, LedgerSink, Target},
    mark::{self, Mark},
};
use agent_core::ledger::Purpose;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    net::{TcpSocket, TcpStream},
    time,
};

/// RFC 8305 section 5: how long one address may be silent before the next is tried beside it.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// More addresses than this are not tried.
const MOST_ADDRESSES: usize = 16;

/// An open connection whose row is not written yet: what runs over it may still fail.
pub(crate) struct Dialled {
    pub(crate) stream: TcpStream,
    pub(crate) attempt: Attempt,
}

/// Tries `addresses` in order, the next one when the last failed or is silent; every address tried is a row.
pub(crate) async fn dial(
    sink: &LedgerSink,
    purpose: &Purpose,
    target: &Target,
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<Dialled, NetError> {
    time::timeout(limit, race(sink, purpose, target, addresses)).await.unwrap_or_else(|_| {
        let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Err(NetError::Timeout { host: target.host.clone(), millis })
    })
}

/// Both families in turn, beginning with that of the first address, so that a broken one delays by one address only
/// (RFC 8305 section 4).
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let six_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.iter().partition(|ip: &&SocketAddr| ip.is_ipv6() == six_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered: Vec<SocketAddr> = Vec::with_capacity(addresses.len());
    loop {
        let pair: [Option<&SocketAddr>; 2] = [first.next(), second.next()];
        if pair == [None, None] {
            return ordered;
        }
        for address in pair.into_iter().flatten() {
            if !ordered.contains(address) {
                ordered.push(*address);
            }
        }
    }
}

async fn race(
    sink: &LedgerSink,
    purpose: &Purpose,
    target: &Target,
    addresses: &[SocketAddr],
) -> Result<Dialled, NetError> {
    let ordered = interleave(addresses);
    let mut waiting = ordered.iter().take(MOST_ADDRESSES);
    // Not tasks of their own: dropping this future closes every socket and writes every row at once.
    let mut running = FuturesUnordered::new();
    let mut last = "no address to try".to_owned();
    loop {
        if let Some(address) = waiting.next().copied() {
            running.push(connect(Attempt::new(sink, purpose, target).at(address), address, target.mark));
        } else if running.is_empty() {
            return Err(NetError::Connect { host: target.host.clone(), port: target.port, cause: last });
        }
        let patience = if waiting.len() == 0 { Duration::MAX } else { NEXT_ADDRESS_AFTER };
        match time::timeout(patience, running.next()).await {
            Ok(Some(Ok(dialled))) => return Ok(dialled),
            Ok(Some(Err(error))) => last = error.to_string(),
            Ok(None) | Err(_) => {}
        }
    }
}

async fn connect(attempt: Attempt, address: SocketAddr, mark: Option<Mark>) -> Result<Dialled, io::Error> {
    match opened(address, mark).await {
        Ok(stream) => {
            // Small messages that wait for each other's answers: Nagle's algorithm only delays them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no TCP_NODELAY");
            }
            Ok(Dialled { stream, attempt })
        }
        Err(error) => {
            attempt.failed(&error.to_string());
            Err(error)
        }
    }
}

/// A connection whose first packet is marked already.
async fn opened(address: SocketAddr, mark: Option<Mark>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(mark) = mark {
        mark::mark(&socket, mark);
    }
    socket.connect(address).await
}
