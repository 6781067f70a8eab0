//! kamailio as a PBX: registrar with digest authentication and a proxy that stays in the dialog.

use std::{fs, path::Path, process::Command};

use crate::{port, proc::Proc, wait::SOON};

/// A running kamailio. Every user exists; the password is `pw` and the user's name.
pub struct Kamailio {
    /// The process.
    pub proc: Proc,
    /// Where it listens, UDP and TCP.
    pub port: u16,
}

/// The realm and domain it answers for.
pub const REALM: &str = "trayphone.test";

impl Kamailio {
    /// Starts it in `folder` and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path) -> Self {
        Self::start_at(folder, port::free())
    }

    /// The same on a port of the caller's choice: a registrar that comes back where it was.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_at(folder: &Path, port: u16) -> Self {
        let file = folder.join("kamailio.cfg");
        fs::write(&file, config(port)).expect("the folder is ours");
        let run = folder.join("kamailio-run");
        fs::create_dir_all(&run).expect("the folder is ours");
        let mut command = Command::new(if Path::new("/usr/sbin/kamailio").exists() {
            "/usr/sbin/kamailio"
        } else {
            "kamailio"
        });
        command
            .current_dir(folder)
            .arg("-f")
            .arg(&file)
            .args(["-DD", "-E", "-m", "64", "-M", "8", "-Y"])
            .arg(&run);
        command.arg("-P").arg(run.join("pid"));
        let mut proc = Proc::start("kamailio", &mut command, folder);
        // The route below says so once the workers run.
        proc.wait_for_text("worker is ready", SOON);
        Self { proc, port }
    }

    /// The password of a user.
    pub fn password(user: &str) -> String {
        format!("pw{user}")
    }
}

/// The modules, in the order kamailio wants them.
const MODULES: &[&str] = &[
    "tm",
    "sl",
    "rr",
    "pv",
    "maxfwd",
    "textops",
    "siputils",
    "usrloc",
    "registrar",
    "auth",
    "sanity",
    "nathelper",
    "xlog",
];

/// Digest with MD5 and a nonce an hour old at most; a registered contact is called with record-routing.
const CONFIG: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=2
disable_tcp=no
tcp_children=2
auto_aliases=no
listen=udp:127.0.0.1:@PORT@
listen=tcp:127.0.0.1:@PORT@
alias="@REALM@"
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
@LOADS@
modparam("usrloc", "db_mode", 0)
modparam("auth", "nonce_expire", 3600)
event_route[core:worker-one-init] {
  xlog("L_ALERT", "worker is ready\n");
}
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (!sanity_check()) exit;
  if (is_method("OPTIONS") && uri == myself) { sl_send_reply("200", "Keepalive"); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  t_check_trans();
  if (is_method("REGISTER")) {
    if (!pv_auth_check("@REALM@", "pw$au", "0", "0")) { auth_challenge("@REALM@", "1"); exit; }
    save("location");
    exit;
  }
  if (is_method("INVITE")) {
    if (!pv_proxy_authenticate("@REALM@", "pw$au", "0")) { proxy_challenge("@REALM@", "1"); exit; }
    consume_credentials();
    record_route();
  }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();
}
"#;

fn config(port: u16) -> String {
    let loads: String = MODULES.iter().map(|module| format!("loadmodule \"{module}.so\"\n")).collect();
    CONFIG.replace("@PORT@", &port.to_string()).replace("@REALM@", REALM).replace("@LOADS@", &loads)
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
