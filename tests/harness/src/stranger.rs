//! A stranger on the wire: says any bytes to a phone, hears what comes back, and asks whether anybody still listens.

use std::{
    fmt,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use crate::wait::SOON;

/// Where a response goes when its Via names no port (RFC 3261 section 18.2.2); the tests of RFC 4475 depend on it.
const DEFAULT_PORT: u16 = 5060;

/// Longer than any message.
const LARGEST: usize = 65_535;

/// A response as it came, read with nothing but the eyes: no code of ours that is under test.
#[derive(Clone, PartialEq, Eq)]
pub struct Heard {
    /// All of it.
    pub bytes: Vec<u8>,
}

impl Heard {
    /// Status and phrase: `404 Not Found`; what else came, escaped, where it is no response.
    pub fn status(&self) -> String {
        let line = self.lines().next().unwrap_or_default();
        line.strip_prefix("SIP/2.0 ").map_or_else(|| format!("no response: {line}"), str::to_owned)
    }

    /// Its number; 0 where it is no response.
    pub fn code(&self) -> u16 {
        self.status().split(' ').next().and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// The first header field of that name, escaped.
    pub fn header(&self, name: &str) -> Option<String> {
        self.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// The ACK that a final answer to an INVITE to `uri` ends with; it repeats the fields byte for byte. A refusal's is part
    /// of the transaction (RFC 3261 section 17.1.1.3), one of 200 has a branch of its own (section 13.2.2.4).
    fn ack(&self, uri: &str) -> Option<Vec<u8>> {
        let head = self.bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let mut ack = format!("ACK {uri} SIP/2.0\r\n").into_bytes();
        let mut vias = 0;
        for line in head.skip(1).take_while(|line| !line.is_empty()) {
            let name = line.split(|&byte| byte == b':').next()?.trim_ascii().to_ascii_lowercase();
            match name.as_slice() {
                b"via" if vias == 0 => vias += 1,
                b"from" | b"to" | b"call-id" => {}
                b"cseq" => {
                    let number = line.strip_suffix(b" INVITE")?;
                    ack.extend_from_slice(number);
                    ack.extend_from_slice(b" ACK\r\n");
                    continue;
                }
                _ => continue,
            }
            // What the phone noted in our Via is not ours to repeat.
            let noted = line.windows(10).position(|piece| piece == b";received=").unwrap_or(line.len());
            ack.extend_from_slice(&line[..noted]);
            if name == b"via" && self.code() < 300 {
                ack.extend_from_slice(b"-ack");
            }
            ack.extend_from_slice(b"\r\n");
        }
        ack.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        (self.code() >= 200).then_some(ack)
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.bytes.split(|&byte| byte == b'\n').map(|line| legible(line.trim_ascii()))
    }
}

/// Text with what is none escaped; quotes stay as they are.
fn legible(line: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => byte.escape_ascii().to_string(),
    };
    line.iter().map(escaped).collect()
}

impl fmt::Debug for Heard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.bytes.escape_ascii())
    }
}

/// A stranger with a UDP socket on an address of loopback that nobody else has, at the port SIP takes by default.
pub struct Stranger {
    socket: UdpSocket,
    agent: SocketAddr,
    asked: u32,
    /// Whom the last INVITE was for: its ACK names the same.
    uri: String,
    /// What came already: an answer that is not acknowledged comes again, byte for byte.
    known: Vec<Heard>,
}

impl Stranger {
    /// A stranger to the phone that listens at this port of loopback.
    ///
    /// # Panics
    /// When loopback has no address left.
    pub fn to(agent: u16) -> Self {
        Self::at(DEFAULT_PORT, agent)
    }

    /// The same with a port of its own.
    ///
    /// # Panics
    /// When loopback has no address left.
    pub fn at(port: u16, agent: u16) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let [high, low] = (std::process::id() as u16).to_be_bytes();
        for _ in 0..250 {
            let last = NEXT.fetch_add(1, Ordering::Relaxed) % 250 + 1;
            let ip = Ipv4Addr::new(127, high | 1, low, last as u8);
            if let Ok(socket) = UdpSocket::bind((ip, port)) {
                let agent = SocketAddr::from((Ipv4Addr::LOCALHOST, agent));
                return Self { socket, agent, asked: 0, uri: format!("sip:{agent}"), known: Vec::new() };
            }
        }
        panic!("every address of loopback is taken");
    }

    /// Its own address.
    ///
    /// # Panics
    /// Never: a bound socket has one.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket has an address")
    }

    /// Sends a datagram.
    ///
    /// # Panics
    /// When loopback takes none.
    pub fn say(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.agent).expect("loopback takes a datagram");
    }

    /// The next datagram that has not come before; a final answer to an INVITE is acknowledged at once.
    pub fn hear(&mut self, within: Duration) -> Option<Heard> {
        let until = Instant::now() + within;
        let mut buffer = vec![0; LARGEST];
        loop {
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            self.socket.set_read_timeout(Some(left)).expect("a time above zero");
            let Ok((length, _)) = self.socket.recv_from(&mut buffer) else { continue };
            let heard = Heard { bytes: buffer[..length].to_vec() };
            if let Some(ack) = heard.ack(&self.uri) {
                self.say(&ack);
            }
            if !self.known.contains(&heard) {
                self.known.push(heard.clone());
                return Some(heard);
            }
        }
    }

    /// Asks what the phone can do, over UDP, and answers what came before that was answered.
    ///
    /// # Panics
    /// When it is not answered.
    pub fn ask(&mut self) -> Vec<Heard> {
        self.asked += 1;
        // Nobody else's: one name at two addresses would be one request that came twice (section 8.2.2.2).
        let name = format!("probe{}-{}", self.asked, self.address());
        self.say(&options(self.agent, self.address(), "UDP", &name));
        let mut before = Vec::new();
        let until = Instant::now() + SOON;
        while let Some(heard) = self.hear(until.saturating_duration_since(Instant::now())) {
            if heard.header("Call-ID").as_deref() == Some(name.as_str()) {
                // Whoever asks too much is told to come again, which is an answer, too.
                assert!(matches!(heard.code(), 200 | 503), "{heard:?}");
                return before;
            }
            before.push(heard);
        }
        panic!("OPTIONS is not answered any more; before: {before:?}");
    }

    /// What the phone answers to this datagram but 100: nothing, when a later OPTIONS is answered first and no 100 came.
    pub fn answer_to(&mut self, bytes: &[u8]) -> Option<Heard> {
        self.uri = uri(bytes);
        self.say(bytes);
        let heard = self.ask();
        let trying = heard.iter().any(|heard| heard.code() == 100);
        let answer = heard.into_iter().find(|heard| heard.code() != 100);
        // 100 promises an answer, which the core may take a moment longer to give.
        answer.or_else(|| trying.then(|| self.hear(SOON)).flatten())
    }
}

/// The address in a request's first line.
fn uri(request: &[u8]) -> String {
    let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).split_whitespace().nth(1).unwrap_or_default().to_owned()
}

/// An OPTIONS to the machine, whoever is registered there.
pub fn options(to: SocketAddr, from: SocketAddr, transport: &str, name: &str) -> Vec<u8> {
    format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/{transport} {from};branch=z9hG4bK-{name}\r\n\
         From: <sip:stranger@example.com>;tag={name}\r\nTo: <sip:{to}>\r\nCall-ID: {name}\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// A TCP connection to a phone.
pub struct Connection {
    stream: TcpStream,
    uri: String,
    read: Vec<u8>,
}

impl Connection {
    /// Connects to the phone that listens at this port of loopback.
    ///
    /// # Panics
    /// When nobody listens.
    pub fn to(agent: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, agent)).expect("the phone takes connections");
        stream.set_read_timeout(Some(SOON)).expect("a time above zero");
        Self { stream, uri: String::new(), read: Vec::new() }
    }

    /// Sends bytes; that the other end is gone is noticed when reading.
    pub fn say(&mut self, bytes: &[u8]) {
        if bytes.starts_with(b"INVITE") {
            self.uri = uri(bytes);
        }
        let _ = self.stream.write_all(bytes);
    }

    /// The next answer but 100; `None` when the connection ends first. A refusal of an INVITE is acknowledged.
    ///
    /// # Panics
    /// When neither comes.
    pub fn hear(&mut self) -> Option<Heard> {
        loop {
            while let Some(end) = self.read.windows(4).position(|end| end == b"\r\n\r\n") {
                let heard = Heard { bytes: self.read.drain(..end + 4).collect() };
                if let Some(ack) = heard.ack(&self.uri) {
                    self.say(&ack);
                }
                if heard.code() != 100 {
                    return Some(heard);
                }
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece) {
                Ok(0) => return None,
                Ok(length) => self.read.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("neither an answer nor an end: {error}"),
            }
        }
    }

    /// Says that nothing more will be said.
    pub fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Asks what the phone can do; answers with what it says.
    ///
    /// # Panics
    /// When it says nothing.
    pub fn ask(&mut self) -> Heard {
        let to = self.stream.peer_addr().expect("connected");
        let from = self.stream.local_addr().expect("connected");
        self.say(&options(to, from, "TCP", &format!("probe{}", from.port())));
        self.hear().expect("OPTIONS over TCP is not answered any more")
    }
}
