//! An answering phone: takes every call for `1001`, rings at once, answers after a moment, and says what happens.
//!
//! `cargo run -p agent-sip --example answering -- 127.0.0.1:5070 [REGISTRAR PASSWORD [NAME_SERVER]]`, then for example
//! `sipp -sn uac 127.0.0.1:5070 -s 1001 -m 100 -r 50`.

use agent_core::{
    id::AccountId,
    party::Sdp,
    port::sip::{SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
};
use agent_net::{Net, NetConfig};
use agent_sip::{SipConfig, SipHandle, config::Callers, start};
use std::{
    env,
    sync::{Arc, OnceLock},
    time::Duration,
};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=audio 40000 RTP/AVP 0\r\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    let mut args = env::args().skip(1);
    let bind = args.next().ok_or("give the address to listen on, as 127.0.0.1:5070")?;
    let bind = bind.parse().map_err(|error| format!("{bind}: {error}"))?;
    let registrar = args.next().unwrap_or_else(|| "127.0.0.1:9".to_owned());
    let password = args.next().unwrap_or_default();
    let name_servers = match args.next() {
        Some(server) => vec![server.parse().map_err(|error| format!("{server}: {error}"))?],
        None => Vec::new(),
    };
    let net = NetConfig { name_servers, ..NetConfig::default() };
    let net = Net::with_config(Arc::new(|_| {}), net).map_err(|error| error.to_string())?;
    let (events, mut queue) = tokio::sync::mpsc::unbounded_channel();
    let handle: Arc<OnceLock<SipHandle>> = Arc::default();
    let ringing = handle.clone();
    let tell = move |event: SipEvent| {
        if let (SipEvent::Incoming { call, .. }, Some(handle)) = (&event, ringing.get()) {
            handle.send(SipCommand::Ring { call: *call });
        }
        // Who no longer listens has ended.
        let _ = events.send(event);
    };
    let config = SipConfig { bind: Some(bind), callers: Callers::Anyone, ..SipConfig::default() };
    let sip = handle.get_or_init(|| start(config, net, Arc::new(tell))).clone();
    println!("listening on {}", sip.listening().await?);
    sip.send(SipCommand::Register {
        account: AccountId(0),
        settings: AccountSettings {
            aor: "sip:1001@127.0.0.1".to_owned(),
            registrar: Some(format!("sip:{registrar}")),
            ..AccountSettings::default()
        },
        password: Secret::new(password),
    });
    while let Some(event) = queue.recv().await {
        println!("{event:?}");
        if let SipEvent::Incoming { call, .. } = event {
            let sip = sip.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                sip.send(SipCommand::Accept { call, answer: Sdp(SDP.into()) });
            });
        }
    }
    Ok(())
}
