//! Calls between phones made of the agent's own SIP and the exchange: rung, bridged, held, refused, heard.

use agent_core::{
    id::{AccountId, CallId},
    party::Sdp,
    port::sip::{CallEnd, Registration, Reject, SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
};
use agent_exchange::{Exchange, ExchangeConfig, Extension, Ring, User};
use agent_net::Net;
use agent_sip::{SipConfig, SipHandle, start};
use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(10);

/// A phone: SIP, and a socket that sends back whatever sound it gets.
struct Phone {
    sip: SipHandle,
    events: mpsc::UnboundedReceiver<SipEvent>,
    sound: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Phone {
    async fn register(exchange: &Exchange, extension: &str, transport: &str) -> Self {
        let (tell, events) = mpsc::unbounded_channel();
        let told = Arc::new(move |event| {
            let _ = tell.send(event);
        });
        let sip = start(SipConfig::default(), Net::new(Arc::new(|_| ())), told);
        let address = exchange.address();
        let settings = AccountSettings {
            aor: format!("sip:{extension}@{}", address.ip()),
            registrar: Some(format!("sip:{address};transport={transport}")),
            ..AccountSettings::default()
        };
        let password = Secret::new("pass".to_owned());
        sip.send(SipCommand::Register { account: AccountId(0), settings, password });
        let stop = Arc::new(AtomicBool::new(false));
        let mut phone = Self { sip, events, sound: reflect(stop.clone()), stop };
        phone
            .until(|event| {
                matches!(event, SipEvent::Registration { state: Registration::Registered, .. }).then_some(())
            })
            .await;
        exchange.registered(extension, true, SOON).await.expect("bound");
        phone
    }

    /// Waits for an event that `wanted` makes something of; others are passed over.
    async fn until<T>(&mut self, mut wanted: impl FnMut(SipEvent) -> Option<T>) -> T {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("SIP lives");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(SOON, wait).await.expect("in time")
    }

    async fn incoming(&mut self) -> (CallId, String, Option<String>, String) {
        self.until(|event| match event {
            SipEvent::Incoming { call, party, called, .. } => Some((call, party.number, party.name, called)),
            _ => None,
        })
        .await
    }

    async fn ended(&mut self) -> CallEnd {
        self.until(|event| match event {
            SipEvent::Ended { end, .. } => Some(end),
            _ => None,
        })
        .await
    }

    fn accept(&self, call: CallId) {
        self.sip.send(SipCommand::Accept { call, answer: self.sdp("sendrecv") });
    }

    fn dial(&self, call: u64, target: &str) {
        let (call, target) = (CallId(call), target.to_owned());
        self.sip.send(SipCommand::Invite {
            call,
            account: AccountId(0),
            target,
            offer: self.sdp("sendrecv"),
            withhold: false,
        });
    }

    fn sdp(&self, direction: &str) -> Sdp {
        let (ip, port) = (self.sound.ip(), self.sound.port());
        Sdp(format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n").into_bytes())
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Sends packets back where they came from, until told to stop.
fn reflect(stop: Arc<AtomicBool>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("an address");
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while !stop.load(Ordering::Relaxed) {
            if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..len], from);
            }
        }
    });
    address
}

fn exchange() -> Exchange {
    let users = ["1001", "1002"].map(|extension| User::new(extension, "pass")).to_vec();
    Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("it starts")
}

#[tokio::test]
async fn a_caller_rings_is_answered_and_hears_himself() {
    for transport in ["udp", "tcp"] {
        let exchange = exchange();
        let mut phone = Phone::register(&exchange, "1001", transport).await;
        let caller = exchange
            .ring(&Ring::new("1001", "+4930123456").named("Jürgen \"J\" Müller"))
            .expect("registered");
        let (call, number, name, _) = phone.incoming().await;
        assert_eq!((number.as_str(), name.as_deref()), ("+4930123456", Some("Jürgen \"J\" Müller")));
        assert!(caller.state().ringing.is_none());
        phone.sip.send(SipCommand::Ring { call });
        let rang = caller.ringing(SOON).await.expect("180");
        phone.accept(call);
        let answered = caller.answered(SOON).await.expect("200");
        assert!(rang <= answered);
        tokio::time::timeout(SOON, async {
            while caller.recording().millis() < 1000 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("sound");
        let report = caller.recording().tone_between(440.0);
        assert!(report.share() > 0.97 && (report.level_dbov + 12.0).abs() < 1.0, "{report:?}");
        phone.sip.send(SipCommand::Hangup { call });
        assert!(matches!(caller.ended(SOON).await.expect("over").1, CallEnd::RemoteHangup));
        assert!(matches!(phone.ended().await, CallEnd::LocalHangup));
    }
}

#[tokio::test]
async fn a_caller_who_gives_up_cancels() {
    let exchange = exchange();
    let mut phone = Phone::register(&exchange, "1001", "udp").await;
    let caller = exchange.ring(&Ring::new("1001", "")).expect("registered");
    let (call, ..) = phone.incoming().await;
    phone.sip.send(SipCommand::Ring { call });
    caller.ringing(SOON).await.expect("180");
    drop(caller);
    assert!(matches!(phone.ended().await, CallEnd::Cancelled { .. }));
    assert!(exchange.ring(&Ring::new("1002", "1")).is_err(), "nobody is registered there");
}

#[tokio::test]
async fn extensions_answer() {
    let exchange = exchange();
    let mut phone = Phone::register(&exchange, "1001", "udp").await;
    phone.dial(2, "601");
    let body = phone
        .until(|event| match event {
            SipEvent::Answered { answer, .. } => Some(answer),
            _ => None,
        })
        .await;
    assert!(String::from_utf8_lossy(&body.expect("an answer").0).contains("PCMA"));
    let tone = exchange.last_call_to(Extension::Tone).expect("seen");
    assert_eq!(tone.from, "1001");
    tokio::time::timeout(SOON, async {
        while tone.recording().millis() < 500 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the tone came back");
    // Held: nothing is sent to who does not listen.
    phone.sip.send(SipCommand::Reoffer { call: CallId(2), offer: phone.sdp("sendonly") });
    let answer = phone
        .until(|event| match event {
            SipEvent::ReofferAnswered { answer, .. } => Some(answer),
            _ => None,
        })
        .await;
    assert!(String::from_utf8_lossy(&answer.0).contains("recvonly"));
    assert!(tone.state().held);
    phone.sip.send(SipCommand::Hangup { call: CallId(2) });
    assert!(matches!(tone.ended(SOON).await.expect("over"), CallEnd::RemoteHangup));

    phone.ended().await;
    phone.dial(4, "602");
    assert!(matches!(phone.ended().await, CallEnd::Refused { status: 486, .. }));
    phone.dial(6, "603");
    phone.until(|event| matches!(event, SipEvent::Progress { status: 180, .. }).then_some(())).await;
    phone.sip.send(SipCommand::Hangup { call: CallId(6) });
    assert!(matches!(phone.ended().await, CallEnd::LocalHangup));
    exchange.faults().hang_up_after(Some(Duration::from_millis(20)));
    phone.dial(8, "600");
    assert!(matches!(phone.ended().await, CallEnd::RemoteHangup));
    exchange.faults().refuse_calls(Some(486));
    phone.dial(10, "600");
    assert!(matches!(phone.ended().await, CallEnd::Refused { status: 486, .. }));
}

#[tokio::test]
async fn two_phones_are_connected() {
    let exchange = exchange();
    let mut alice = Phone::register(&exchange, "1001", "udp").await;
    let mut bob = Phone::register(&exchange, "1002", "tcp").await;
    alice.dial(2, "1002");
    let (call, number, _, _) = bob.incoming().await;
    assert_eq!(number, "1001");
    bob.sip.send(SipCommand::Ring { call });
    alice.until(|event| matches!(event, SipEvent::Progress { status: 180, .. }).then_some(())).await;
    bob.accept(call);
    let answer = alice
        .until(|event| match event {
            SipEvent::Answered { answer, .. } => Some(answer),
            _ => None,
        })
        .await;
    assert_eq!(answer, Some(bob.sdp("sendrecv")), "descriptions pass untouched");
    // Hold by Bob reaches Alice, and her answer Bob.
    bob.until(|event| matches!(event, SipEvent::Confirmed { .. }).then_some(())).await;
    bob.sip.send(SipCommand::Reoffer { call, offer: bob.sdp("sendonly") });
    let offer = alice
        .until(|event| match event {
            SipEvent::Reoffer { offer, .. } => Some(offer),
            _ => None,
        })
        .await;
    assert_eq!(offer, Some(bob.sdp("sendonly")));
    alice.sip.send(SipCommand::AnswerReoffer { call: CallId(2), answer: Ok(alice.sdp("recvonly")) });
    let answer = bob
        .until(|event| match event {
            SipEvent::ReofferAnswered { answer, .. } => Some(answer),
            _ => None,
        })
        .await;
    assert_eq!(answer, alice.sdp("recvonly"));
    alice.sip.send(SipCommand::Hangup { call: CallId(2) });
    assert!(matches!(bob.ended().await, CallEnd::RemoteHangup));
    alice.ended().await;

    alice.dial(4, "1002");
    let (call, ..) = bob.incoming().await;
    bob.sip.send(SipCommand::Reject { call, why: Reject::Decline });
    assert!(matches!(alice.ended().await, CallEnd::Refused { status: 486, .. }));
    bob.ended().await;
    alice.dial(6, "1002");
    bob.incoming().await;
    alice.sip.send(SipCommand::Hangup { call: CallId(6) });
    assert!(matches!(bob.ended().await, CallEnd::Cancelled { .. }));
}
