//! sipp, the SIP traffic generator: calls the agent, or is called by it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{port, proc::Proc, wait};

/// What carries SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// One stream.
    Tcp,
    /// One encrypted stream.
    Tls,
    /// WebSocket (RFC 7118); sipp does not speak it.
    Ws,
    /// The same through TLS.
    Wss,
}

impl Transport {
    /// The value of `;transport=`.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Udp => "u1",
            Self::Tcp => "t1",
            Self::Tls => "l1",
            Self::Ws | Self::Wss => panic!("sipp speaks no WebSocket"),
        }
    }
}

/// A registrar that takes everybody until they de-register, and a phone that answers: the first message of each of its
/// calls decides which of the two it is.
pub fn registrar_and_phone() -> String {
    let contact = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n";
    let ringing = answer("", "180 Ringing", Tag::Ours, contact, "");
    let answered = format!("{contact}Content-Type: application/sdp\n");
    let answered = answer(" retrans=\"500\"", "200 OK", Tag::Ours, &answered, OFFER);
    let gone = answer("", "200 OK", Tag::Theirs, "", "");
    let taken = answer("", "200 OK", Tag::Ours, "[last_Contact:]\nExpires: 3600\n", "");
    let signed_off = answer("", "200 OK", Tag::Ours, "", "");
    format!(
        r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="registrar and phone">
  <recv request="REGISTER" optional="true" next="register"/>
  <recv request="INVITE"/>
{ringing}{answered}  <recv request="ACK"/>
  <recv request="BYE"/>
{gone}  <nop next="end"/>
  <label id="register"/>
{taken}  <recv request="REGISTER"/>
{signed_off}  <label id="end"/>
  <nop/>
</scenario>
"#
    )
}

/// The sound a phone of a scenario offers.
const OFFER: &str = "v=0
o=sipp 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000

";

/// Whose tag the To header ends with: ours where it had none, theirs where the dialog stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Ours,
    Theirs,
}

/// A scenario's step that answers the last request (RFC 3261 section 8.2.6.2 says what is copied from it).
fn answer(attributes: &str, status: &str, tag: Tag, headers: &str, body: &str) -> String {
    let tag = if tag == Tag::Ours { ";tag=[pid]SIPpTag[call_number]" } else { "" };
    let length = if body.is_empty() { "0" } else { "[len]" };
    format!(
        "  <send{attributes}><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
{headers}Content-Length: {length}

{body}]]></send>
"
    )
}

/// A run of sipp.
pub struct Sipp {
    /// The process.
    pub proc: Proc,
    /// Where it listens.
    pub port: u16,
    messages: PathBuf,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// Where the other side listens; `None` to wait for calls.
    pub to: Option<u16>,
    /// Whom it calls, or who it is.
    pub service: &'a str,
    /// A scenario of our own (XML), or sipp's built-in `uac` / `uas`.
    pub scenario: Option<&'a str>,
    /// What carries it.
    pub transport: Transport,
    /// How many calls, then it ends.
    pub calls: u32,
    /// New calls a second.
    pub rate: u32,
    /// How long a call lasts, milliseconds.
    pub talk_ms: u32,
    /// Further options of sipp's.
    pub options: &'a [String],
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            to: None,
            service: "1001",
            scenario: None,
            transport: Transport::Udp,
            calls: 1,
            rate: 1,
            talk_ms: 200,
            options: &[],
        }
    }
}

impl Sipp {
    /// Starts it in `folder`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(folder: &Path, plan: &Plan<'_>) -> Self {
        let port = port::free();
        let mut name = String::from("sipp");
        // Writing to a String cannot fail.
        let _ = write!(name, "-{port}");
        let messages = folder.join(format!("{name}-messages.log"));
        let mut command = Command::new("sipp");
        command.current_dir(folder).env("TERM", "dumb");
        match plan.scenario {
            Some(scenario) => {
                let file = folder.join(format!("{name}.xml"));
                fs::write(&file, scenario).expect("the folder is ours");
                command.arg("-sf").arg(file);
            }
            None => {
                command.args(["-sn", if plan.to.is_some() { "uac" } else { "uas" }]);
            }
        }
        if let Some(to) = plan.to {
            command.arg(format!("127.0.0.1:{to}"));
        }
        command.args(["-i", "127.0.0.1", "-s", plan.service, "-t", plan.transport.flag(), "-nostdin"]);
        command.args(["-p", &port.to_string(), "-m", &plan.calls.to_string(), "-r", &plan.rate.to_string()]);
        command.args(["-d", &plan.talk_ms.to_string(), "-mp", &port::free_run(4).to_string()]);
        command.args(["-trace_msg", "-message_overwrite", "false", "-message_file"]).arg(&messages);
        command
            .args(["-trace_err", "-error_overwrite", "false", "-error_file"])
            .arg(folder.join(format!("{name}-errors.log")));
        command.args(plan.options);
        let proc = Proc::start(&name, &mut command, folder);
        Self { proc, port, messages }
    }

    /// Waits for the end of all its calls.
    ///
    /// # Panics
    /// When a call failed, or they do not end in time.
    pub fn finish(&mut self, deadline: Duration) {
        let status = wait::until(deadline, || self.proc.ended());
        let well = status.is_some_and(|status| status.success());
        assert!(well, "sipp: {status:?}\n{}\n{}", self.proc, self.messages());
    }

    /// Every message it sent and received, as text.
    pub fn messages(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.messages).unwrap_or_default()).into_owned()
    }
}
