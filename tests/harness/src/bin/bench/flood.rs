//! Strangers: 2,000 INVITE a second, heads without an end, connections that say nothing; a call of the exchange is to be
//! served during and after it, and the memory to come back.

use crate::{
    caller::{self, Call, Pace},
    gauge,
    pair::Pair,
    report::{Row, Target, percentile},
    stage::OURS,
};
use std::{
    io::{self, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long the flood lasts.
const FLOOD: Duration = Duration::from_secs(30);

/// INVITE a second.
const RATE: u32 = 2000;

/// Connections that stay half open.
const HALF_OPEN: usize = 1000;

/// Header fields of one message over a stream.
const FIELDS: usize = 100_000;

/// One header field of 64 KB, over a stream.
const WIDE: usize = 65_536;

/// The widest field that fits a datagram beside the others.
const WIDEST_DATAGRAM: usize = 64_000;

/// What was kept for callers is gone after this (64*T1 of RFC 3261 section 17, and the patience with connections).
const REST: Duration = Duration::from_secs(45);

/// Where the strangers send from: no address of the exchange's.
const STRANGERS: [&str; 3] = ["127.0.0.2:0", "127.0.0.3:0", "127.0.0.4:0"];

/// The exchange's calls meanwhile.
const PACE: Pace =
    Pace { first: 0, calls: 50, every: Duration::from_millis(600), ring: Duration::from_millis(100) };

/// Measures it. What the exchange's own calls leave behind is the same before and after: as many come before the first
/// look at the memory as come before the second.
pub(crate) fn measure(pair: &Pair) -> Result<Vec<Row>, String> {
    let load = gauge::load()?;
    let ring = |calls, every| caller::ring(&pair.ours, Pace { calls, every, ..PACE }).map_err(failed);
    let quickly = Duration::from_millis(150);
    let process = pair.trayphone.proc.id();
    ring(2 * PACE.calls, quickly)?;
    thread::sleep(REST);
    let before = gauge::memory(process)?.unique as f64;
    let (to, over) = (pair.ours.address, AtomicBool::new(false));
    let (during, sent, open) = thread::scope(|scope| {
        let flood = scope.spawn(|| flood(to));
        let streams = scope.spawn(|| streams(to, &over));
        let during = ring(PACE.calls, PACE.every);
        let broke = || "a stranger broke down".to_owned();
        let sent = flood.join().map_err(|_| broke());
        over.store(true, Ordering::Relaxed);
        let open = streams.join().map_err(|_| broke());
        Ok::<_, String>((during?, sent?.map_err(failed)?, open?.map_err(failed)?))
    })?;
    let after = ring(PACE.calls, quickly)?;
    thread::sleep(REST);
    let left = gauge::memory(process)?.unique as f64;
    let row = |what, unit, most, trayphone, note: String| Row {
        what,
        unit,
        target: Target::AtMost(most),
        trayphone,
        baresip: None,
        pjsua: None,
        load,
        note,
    };
    let strangers = format!(
        "{} calls while {sent} INVITE of strangers came in {:.0} s, with {open} connections that never say enough, and \
         messages with a field of 64 KB and with {FIELDS} fields; the other programs are not put to it",
        PACE.calls,
        FLOOD.as_secs_f64()
    );
    let calls = format!("{} calls, one after the other, right after it", PACE.calls);
    let memory =
        format!("{:.1} MB before, {:.1} MB {:.0} s after", before / 1e6, left / 1e6, REST.as_secs_f64());
    Ok(vec![
        row("INVITE to 180 in a flood, slowest", "ms", 100.0, slowest(&during), strangers),
        row("INVITE to 180 after it, slowest", "ms", 100.0, slowest(&after), calls),
        row("USS after it, of that before", "times", 1.1, left / before, memory),
    ])
}

fn failed(error: io::Error) -> String {
    format!("a socket of the flood: {error}")
}

/// A call that never rang was endlessly slow.
fn slowest(calls: &[Call]) -> f64 {
    let ms = |call: &Call| call.ringing.map_or(f64::INFINITY, |it| it.as_secs_f64() * 1e3);
    percentile(&calls.iter().map(ms).collect::<Vec<_>>(), 1.0).unwrap_or(f64::NAN)
}

/// INVITEs for the user everybody knows, and among them some with one field as wide as a datagram; how many were sent.
fn flood(to: SocketAddr) -> io::Result<u64> {
    let sockets = STRANGERS.iter().map(UdpSocket::bind).collect::<Result<Vec<_>, _>>()?;
    let (began, mut sent) = (Instant::now(), 0_u64);
    let wide = format!("X-Wide: {}\r\n", "x".repeat(WIDEST_DATAGRAM));
    while began.elapsed() < FLOOD {
        let due = (began.elapsed().as_secs_f64() * f64::from(RATE)) as u64;
        while sent < due {
            let socket = &sockets[sent as usize % sockets.len()];
            let more = if sent.is_multiple_of(1000) { wide.as_str() } else { "" };
            let text = invite(to, socket.local_addr()?, sent, more);
            // What does not fit the buffers is lost, as on any network.
            let _ = socket.send_to(text.as_bytes(), to);
            sent += 1;
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(sent)
}

fn invite(to: SocketAddr, from: SocketAddr, number: u64, more: &str) -> String {
    let user = OURS.0;
    format!(
        "INVITE sip:{user}@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKflood{number};rport\r\n\
         From: <sip:flood@{from}>;tag=f{number}\r\nTo: <sip:{user}@{to}>\r\nCall-ID: flood{number}\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:flood@{from}>\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// Connections that say a little and then a letter a second, and two with too much to say; how many could be opened.
fn streams(to: SocketAddr, over: &AtomicBool) -> io::Result<usize> {
    let connect = || TcpStream::connect_timeout(&to, Duration::from_secs(1));
    let mut open = Vec::new();
    for number in 0..HALF_OPEN {
        // Refused ones are what is hoped for.
        let Ok(mut stream) = connect() else { continue };
        stream.set_nonblocking(true)?;
        let _ = stream.write_all(format!("INVITE sip:x@y SIP/2.0\r\nX-{number}: ").as_bytes());
        open.push(stream);
    }
    let count = open.len();
    let mut turn = 0_u32;
    while !over.load(Ordering::Relaxed) {
        for stream in &mut open {
            // Those that were closed meanwhile fail.
            let _ = stream.write_all(b"x");
        }
        if turn.is_multiple_of(5) {
            for head in [format!("X: {}\r\n", "x".repeat(WIDE)), "X: y\r\n".repeat(FIELDS)] {
                let Ok(mut stream) = connect() else { continue };
                stream.set_write_timeout(Some(Duration::from_secs(1)))?;
                // It is cut off somewhere in the middle.
                let _ = stream.write_all(format!("OPTIONS sip:x@y SIP/2.0\r\n{head}\r\n").as_bytes());
            }
        }
        turn += 1;
        thread::sleep(Duration::from_secs(1));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::{WIDEST_DATAGRAM, invite};
    use std::{net::UdpSocket, time::Duration};

    #[test]
    fn the_widest_invite_still_fits_a_datagram() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let to = socket.local_addr().expect("an address");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        let text = invite(to, to, 60_000, &format!("X-Wide: {}\r\n", "x".repeat(WIDEST_DATAGRAM)));
        socket.send_to(text.as_bytes(), to).expect("it fits");
        let mut bytes = vec![0; 70_000];
        assert_eq!(socket.recv(&mut bytes).expect("a datagram"), text.len());
    }
}
