//! kamailio as a PBX: registrar with digest authentication and a proxy that stays in the dialog; TLS, WebSocket, presence and NAT where wanted.

mod config;

pub use config::{Options, REALM};

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{proc::Proc, sipp::Transport, wait::SOON};
use config::Ports;

/// A running kamailio. Every user exists; the password is `pw` and the user's name.
pub struct Kamailio {
    /// The process.
    pub proc: Proc,
    /// The address at which it listens.
    pub host: String,
    /// Where it listens, UDP and TCP.
    pub port: u16,
    ports: Ports,
}

impl Kamailio {
    /// Starts it in `folder` and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &Options::default())
    }

    /// The same on a port of the caller's choice: a registrar that comes back where it was.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_at(folder: &Path, port: u16) -> Self {
        Self::start_with(folder, &Options { port: Some(port), ..Options::default() })
    }

    /// The same with more than UDP and TCP.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_with(folder: &Path, options: &Options<'_>) -> Self {
        let ports = Ports::of(options);
        let file = folder.join("kamailio.cfg");
        let run = folder.join("kamailio-run");
        fs::create_dir_all(&run).expect("the folder is ours");
        let database = if options.presence { tables(folder) } else { folder.to_owned() };
        let host = options.host.unwrap_or("127.0.0.1");
        fs::write(&file, config::text(options, host, &ports, &database)).expect("the folder is ours");
        let mut words: Vec<&str> = options.through.iter().map(String::as_str).collect();
        words.push(if Path::new("/usr/sbin/kamailio").exists() { "/usr/sbin/kamailio" } else { "kamailio" });
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .current_dir(folder)
            .arg("-f")
            .arg(&file)
            .args(["-DD", "-E", "-m", "64", "-M", "8", "-Y"])
            .arg(&run);
        command.arg("-P").arg(run.join("pid"));
        let mut proc = Proc::start("kamailio", &mut command, folder);
        // The configuration says so once the workers run.
        proc.wait_for_text("worker is ready", SOON);
        Self { proc, host: host.to_owned(), port: ports.sip, ports }
    }

    /// The password of a user.
    pub fn password(user: &str) -> String {
        format!("pw{user}")
    }

    /// Where it speaks this.
    ///
    /// # Panics
    /// When it was started without it.
    pub fn port_for(&self, transport: Transport) -> u16 {
        self.ports
            .of_transport(transport)
            .unwrap_or_else(|| panic!("this kamailio was started without {transport:?}"))
    }
}

/// The empty tables its package brings, in a folder of ours that it may write to.
fn tables(folder: &Path) -> PathBuf {
    let (from, to) = (Path::new("/usr/share/kamailio/dbtext/kamailio"), folder.join("kamailio-tables"));
    fs::create_dir_all(&to).expect("the folder is ours");
    for table in ["version", "presentity", "active_watchers", "watchers", "xcap", "pua"] {
        let text = fs::read(from.join(table))
            .unwrap_or_else(|error| panic!("kamailio's table {table}: {error}; `cargo xtask setup test`"));
        fs::write(to.join(table), text).expect("the folder is ours");
    }
    to
}

#[cfg(test)]
mod tests {
    use super::{Kamailio, Options};
    use crate::{
        sipp::{Plan, Sipp, Transport},
        wait::SOON,
    };
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    #[test]
    fn answers_on_its_port() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut kamailio = Kamailio::start(folder.path());
        let scenario = r#"<?xml version="1.0"?><scenario name="options"><send><![CDATA[
OPTIONS sip:127.0.0.1:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:a@127.0.0.1>;tag=[call_number]
To: <sip:127.0.0.1:[remote_port]>
Call-ID: [call_id]
CSeq: 1 OPTIONS
Max-Forwards: 10
Content-Length: 0

]]></send><recv response="200"/></scenario>"#;
        let plan = Plan { to: Some(kamailio.port), scenario: Some(scenario), ..Plan::default() };
        Sipp::start(folder.path(), &plan).finish(SOON);
        assert!(kamailio.proc.ended().is_none());
    }

    /// Reads until `wanted` was heard, and answers all of it.
    fn hear(stream: &mut TcpStream, wanted: &str) -> String {
        let mut heard = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&heard).contains(wanted) {
            let length = stream.read(&mut piece).expect("an answer in time");
            let so_far = String::from_utf8_lossy(&heard).into_owned();
            assert_ne!(length, 0, "it hangs up after {so_far:?}");
            heard.extend_from_slice(&piece[..length]);
        }
        String::from_utf8_lossy(&heard).into_owned()
    }

    #[test]
    fn speaks_websocket() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { websocket: true, ..Options::default() };
        let kamailio = Kamailio::start_with(folder.path(), &options);
        let port = kamailio.port_for(Transport::Ws);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_read_timeout(Some(SOON)).expect("a socket has a clock");
        let upgrade = format!(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).expect("it reads");
        let heard = hear(&mut stream, "\r\n\r\n");
        assert!(heard.starts_with("HTTP/1.1 101"), "{heard}");
        // The answer to this key stands in RFC 6455 section 1.3.
        assert!(heard.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{heard}");
        let request = format!(
            "OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n\
             From: <sip:a@a.invalid>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
             Max-Forwards: 10\r\nContent-Length: 0\r\n\r\n"
        );
        // One final text frame of more than 125 octets; a mask of zeros leaves them as they are.
        let length = u16::try_from(request.len()).expect("a short message").to_be_bytes();
        let frame = [&[0x81, 0xFE], &length[..], &[0; 4], request.as_bytes()].concat();
        stream.write_all(&frame).expect("it reads");
        hear(&mut stream, "SIP/2.0 200");
    }
}
