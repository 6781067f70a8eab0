//! The text of kamailio's configuration: one base, and pieces for TLS, WebSocket, NAT and presence.

use std::{fmt::Write as _, path::Path};

use crate::{certificate::Certificate, port, sipp::Transport};

/// The realm and domain it answers for.
pub const REALM: &str = "trayphone.test";

/// What a kamailio is to be besides a registrar and proxy for UDP and TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Its port for UDP and TCP: a registrar that comes back where it was. A free one when absent.
    pub port: Option<u16>,
    /// Its port for TLS, with a certificate. A free one when absent.
    pub tls_port: Option<u16>,
    /// The IPv4 address it listens at; loopback when absent.
    pub host: Option<&'a str>,
    /// It speaks TLS with this.
    pub certificate: Option<&'a Certificate>,
    /// It speaks WebSocket, and with a certificate secure WebSocket (RFC 7118).
    pub websocket: bool,
    /// It is a presence server: presence, dialog-info of the calls it carries, and waiting messages.
    pub presence: bool,
    /// Phones may be behind a NAT.
    pub nat: bool,
    /// What comes in order goes on in order, also over UDP: one worker reads it. With several, what RFC 3515 section 2.4.4 allows
    /// happens now and then, a NOTIFY overtakes the 202, and a sipp scenario has no way to say so.
    pub in_order: bool,
    /// What it is started through, a program and its arguments: another network's `nsenter …`.
    pub through: &'a [String],
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) sip: u16,
    tls: Option<u16>,
    websocket: Option<u16>,
    secure_websocket: Option<u16>,
}

impl Ports {
    /// Free ones for what is wanted.
    pub(super) fn of(options: &Options<'_>) -> Self {
        let secure = options.certificate.is_some();
        let when = |wanted: bool| wanted.then(port::free);
        Self {
            sip: options.port.unwrap_or_else(port::free),
            tls: secure.then(|| options.tls_port.unwrap_or_else(port::free)),
            websocket: when(options.websocket),
            secure_websocket: when(options.websocket && secure),
        }
    }

    /// The one that speaks this.
    pub(super) fn of_transport(&self, transport: Transport) -> Option<u16> {
        match transport {
            Transport::Udp | Transport::Tcp => Some(self.sip),
            Transport::Tls => self.tls,
            Transport::Ws => self.websocket,
            Transport::Wss => self.secure_websocket,
        }
    }
}

/// The modules every configuration has, in the order kamailio wants them.
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

/// Digest with MD5 and a nonce an hour old at most; a registered contact is called with record-routing. Pieces that are not
/// wanted are routes that do nothing.
const BASE: &str = r#"
debug=2
log_stderror=yes
fork=yes
children=@CHILDREN@
disable_tcp=no
tcp_children=2
tcp_connection_lifetime=3700
auto_aliases=no
alias="@REALM@"
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
@LISTENS@@LOADS@
modparam("usrloc", "db_mode", 0)
modparam("registrar", "use_path", 0)
modparam("auth", "nonce_expire", 3600)
@SETTINGS@
event_route[core:worker-one-init] {
  xlog("L_ALERT", "worker is ready\n");
}
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (!sanity_check()) exit;
  if (is_method("OPTIONS") && uri == myself) { sl_send_reply("200", "Keepalive"); exit; }
  route(FAR);
  if (has_totag()) {
    if (loose_route()) {
      route(WATCHED);
      route(BACK);
      # a contact that is a GRUU of ours (RFC 5627), as linphone uses the one it was given
      if (uri == myself) lookup("location");
      t_relay();
      exit;
    }
    route(PRESENCE);
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    # What was called over a flow of its own is found again by its contact alone.
    route(BACK);
    sl_send_reply("404", "Not here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  t_check_trans();
  if (is_method("REGISTER")) {
    if (!pv_auth_check("@REALM@", "pw$au", "0", "0")) { auth_challenge("@REALM@", "1"); exit; }
    route(OFTEN);
    save("location");
    exit;
  }
  route(PRESENCE);
  if (is_method("INVITE|MESSAGE|REFER")) {
    if (!pv_proxy_authenticate("@REALM@", "pw$au", "0")) { proxy_challenge("@REALM@", "1"); exit; }
    consume_credentials();
    # what led here, leads no further (RFC 3261 section 16.4)
    remove_hf("Route");
    if (!is_method("MESSAGE")) record_route();
    route(WATCHED);
  }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();
}
"#;

/// Phones that cannot be reached where they say they are: their answers and requests go where they came from (RFC 3581), and
/// their contacts carry an alias of the flow. A private address in what they offer is the router's (no media server here).
const FAR: &str = r#"
modparam("nathelper", "received_avp", "$avp(received)")
modparam("registrar", "received_avp", "$avp(received)")
modparam("nathelper", "natping_interval", 0)
route[FAR] {
  force_rport();
  # 1 private contact, 2 received elsewhere than the Via says, 16 the same for the port, 64 WebSocket
  if (nat_uac_test("83")) {
    if (is_method("REGISTER")) fix_nated_register();
    else if (!is_method("CANCEL|ACK|BYE")) set_contact_alias();
  }
  route(PRIVATE);
}
route[PRIVATE] {
  # 8: a private address in the body; 2: its c= becomes where the message came from
  if (has_body("application/sdp") && nat_uac_test("8")) fix_nated_sdp("2");
}
onreply_route {
  if (nat_uac_test("67")) set_contact_alias();
  route(PRIVATE);
}
route[BACK] { handle_ruri_alias(); }
# A router may give another place at any time: phones ask every few seconds (RFC 5626 section 10.4), and need not register
# so often.
modparam("registrar", "min_expires", 600)
route[OFTEN] { append_to_reply("Flow-Timer: 5\r\n"); }
"#;

/// Everybody is where they say they are.
const NEAR: &str = r#"
route[FAR] { return; }
route[BACK] { return; }
route[OFTEN] { return; }
"#;

/// RFC 7118: the handshake, at any path.
const WEBSOCKET: &str = r#"
modparam("xhttp", "url_match", "")
event_route[xhttp:request] {
  set_reply_close();
  set_reply_no_connect();
  if ($rm == "GET" && $hdr(Upgrade) =~ "websocket" && $hdr(Connection) =~ "Upgrade") {
    if (ws_handle_handshake()) exit;
  }
  xhttp_reply("404", "Not Found", "", "");
}
"#;

/// A presence server: presence and dialog-info as phones publish them, waiting messages as the voicemail of a PBX does, and
/// the dialogs of everybody whose calls pass here. Watchers show who they are; a publisher on this machine need not.
const PRESENCE: &str = r#"
modparam("db_text", "db_mode", 0)
modparam("presence|presence_xml|pua", "db_url", "text://@DATABASE@")
modparam("presence", "server_address", "sip:@HOST@:@PORT@")
modparam("presence", "subs_db_mode", 0)
modparam("presence", "min_expires", 5)
modparam("presence", "notifier_processes", 0)
modparam("presence", "send_fast_notify", 1)
modparam("presence_xml", "force_active", 1)
modparam("presence_dialoginfo", "force_single_dialog", 0)
modparam("dialog", "enable_stats", 0)
modparam("pua", "outbound_proxy", "sip:@HOST@:@PORT@")
modparam("pua_dialoginfo", "include_callid", 1)
modparam("pua_dialoginfo", "include_tags", 1)
modparam("pua_dialoginfo", "caller_confirmed", 0)
route[PRESENCE] {
  if (!is_method("PUBLISH|SUBSCRIBE")) return;
  if (is_method("SUBSCRIBE") && !has_totag()) {
    if (!pv_auth_check("@REALM@", "pw$au", "0", "0")) { auth_challenge("@REALM@", "1"); exit; }
  }
  if (!t_newtran()) { sl_reply_error(); exit; }
  if (is_method("PUBLISH")) handle_publish(); else handle_subscribe();
  t_release();
  exit;
}
route[WATCHED] {
  if (is_method("INVITE") && !has_totag()) dlg_manage();
}
"#;

/// Nobody's presence is kept.
const NO_PRESENCE: &str = r#"
route[PRESENCE] {
  if (is_method("PUBLISH|SUBSCRIBE") && uri == myself && has_totag()) { sl_send_reply("481", "No such subscription"); exit; }
  return;
}
route[WATCHED] { return; }
"#;

/// All of it, for what is wanted, at these ports; its tables lie in `database`.
pub(super) fn text(options: &Options<'_>, host: &str, ports: &Ports, database: &Path) -> String {
    let mut modules = Vec::from(MODULES);
    let mut settings = String::new();
    let mut listens = format!("listen=udp:{host}:{port}\nlisten=tcp:{host}:{port}\n", port = ports.sip);
    // Writing to a String cannot fail.
    if let (Some(certificate), Some(port)) = (options.certificate, ports.tls) {
        modules.insert(0, "tls");
        let _ = write!(listens, "enable_tls=yes\nlisten=tls:{host}:{port}\n");
        let _ = write!(
            settings,
            "modparam(\"tls\", \"private_key\", \"{}\")\nmodparam(\"tls\", \"certificate\", \"{}\")\n\
             modparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n",
            certificate.key.display(),
            certificate.chain.display()
        );
    }
    if let Some(port) = ports.websocket {
        modules.extend(["xhttp", "websocket"]);
        let _ = writeln!(listens, "listen=tcp:{host}:{port}\ntcp_accept_no_cl=yes");
        if let Some(port) = ports.secure_websocket {
            let _ = writeln!(listens, "listen=tls:{host}:{port}");
        }
        settings.push_str(WEBSOCKET);
    }
    if options.nat {
        // Phones ask where they are seen at the port of SIP itself (RFC 5626 section 4.4.2).
        modules.push("stun");
    }
    settings.push_str(if options.nat || options.websocket { FAR } else { NEAR });
    if options.presence {
        modules.extend(["db_text", "dialog", "presence", "presence_xml", "presence_dialoginfo"]);
        modules.extend(["presence_mwi", "pua", "pua_dialoginfo"]);
    }
    settings.push_str(if options.presence { PRESENCE } else { NO_PRESENCE });
    let loads: String = modules.iter().map(|module| format!("loadmodule \"{module}.so\"\n")).collect();
    let base =
        BASE.replace("@LISTENS@", &listens).replace("@LOADS@", &loads).replace("@SETTINGS@", &settings);
    let base = base.replace("@CHILDREN@", if options.in_order { "1" } else { "2" });
    let text = base.replace("@REALM@", REALM).replace("@DATABASE@", &database.display().to_string());
    format!("#!KAMAILIO{}", text.replace("@HOST@", host).replace("@PORT@", &ports.sip.to_string()))
}
