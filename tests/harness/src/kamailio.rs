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
        Self { proc, port: ports.sip, ports }
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
    use super::Kamailio;
    use crate::sipp::{Plan, Sipp};
    use crate::wait::SOON;

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
}
