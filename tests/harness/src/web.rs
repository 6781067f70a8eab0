//! A web server that behaves as it is told: rude, silent, endless; it counts who comes.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// How it behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Manners {
    /// 200 with this text as JSON.
    Says(String),
    /// Takes the request and never answers.
    #[default]
    Silent,
    /// 302 to this address.
    Redirect(String),
    /// 200 and a body of 1 GiB, as fast as it is taken.
    Huge,
    /// Header fields without an end.
    Headers,
    /// `100 Continue`, without an end.
    Continue,
    /// Bytes that are no HTTP.
    Garbage,
}

#[derive(Default)]
struct Seen {
    manners: Mutex<Manners>,
    connections: AtomicUsize,
    open: AtomicUsize,
    sent: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

/// The server; it serves until the test's process ends.
pub struct Web {
    port: u16,
    seen: Arc<Seen>,
}

impl Web {
    /// Starts it on a free port of loopback.
    ///
    /// # Panics
    /// When there is none.
    pub fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let seen = Arc::new(Seen { manners: Mutex::new(manners), ..Seen::default() });
        let shared = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = shared.clone();
                seen.connections.fetch_add(1, Ordering::SeqCst);
                seen.open.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    // Whoever asked may go at any time: that is the end of the connection, whatever it was.
                    let _ = serve(stream, &seen);
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, seen }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Behaves like this from now on.
    pub fn behave(&self, manners: Manners) {
        *self.seen.manners.lock().unwrap_or_else(PoisonError::into_inner) = manners;
    }

    /// Connections that came so far.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.seen.open.load(Ordering::SeqCst)
    }

    /// Bytes that were taken of what it sent.
    pub fn sent(&self) -> usize {
        self.seen.sent.load(Ordering::SeqCst)
    }

    /// The first lines of the requests that came so far.
    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&piece[..length]),
        }
    }
    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    seen.requests.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    let manners = seen.manners.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut say = |bytes: &[u8]| -> std::io::Result<()> {
        stream.write_all(bytes)?;
        seen.sent.fetch_add(bytes.len(), Ordering::SeqCst);
        Ok(())
    };
    match manners {
        Manners::Says(body) => say(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .as_bytes()),
        Manners::Redirect(to) => {
            say(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").as_bytes())
        }
        Manners::Huge => {
            say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n")?;
            let block = vec![b'x'; 1 << 20];
            (0..1024).try_for_each(|_| say(&block))
        }
        Manners::Headers => {
            say(b"HTTP/1.1 200 OK\r\n")?;
            let block = format!("X-Again: {}\r\n", "x".repeat(1000)).repeat(64);
            loop {
                say(block.as_bytes())?;
            }
        }
        Manners::Continue => {
            let block = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
            loop {
                say(block.as_bytes())?;
            }
        }
        Manners::Garbage => say(&(0..65_536u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<u8>>()),
        Manners::Silent => loop {
            if stream.read(&mut piece)? == 0 {
                return Ok(());
            }
        },
    }
}
