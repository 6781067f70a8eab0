//! A whole endpoint: whatever a PBX, a stranger and a user do in whatever order, nothing panics, nothing stays for ever,
//! every call ends once, and everything that is sent can be read.

use agent_core::{
    id::{AccountId, CallId},
    party::Sdp,
    port::sip::{Reject, SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::{
    config::{Callers, Config},
    endpoint::{Endpoint, Input, Output},
    flow::{Flow, Transport},
    message::{Message, StreamDecoder, StreamItem},
    rng::SeededRng,
    ways::{Found, Way},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Steps of one input; the rest is cut.
const MOST_STEPS: usize = 64;
/// Outputs of one step. More is a loop.
const MOST_OUTPUTS: usize = 10_000;

/// Steps stand between bytes 0x1e. The first byte says whose turn it is: `p` the PBX's datagram, `s` a stranger's, `t` a
/// piece of a stream from the PBX, `w` waiting (tenths of a second in the next byte), `x` a connection that breaks, `u`
/// the user (the next byte says what). In a message `$t` is our tag, `$b` our branch, `$f` our From tag, `$c` our
/// Call-ID and `$n` our CSeq number, as we said them last.
pub fn dialog(bytes: &[u8]) {
    let mut scene = Scene::new();
    for step in bytes.split(|&b| b == 0x1e).take(MOST_STEPS) {
        scene.step(step);
    }
    scene.end();
}

struct Scene {
    endpoint: Endpoint,
    now: Instant,
    decoder: StreamDecoder,
    /// What stands for `$t`, `$b`, …
    said: BTreeMap<u8, Vec<u8>>,
    calls: Vec<CallId>,
    ended: BTreeSet<CallId>,
    own: u64,
    down: bool,
}

fn flow(transport: Transport, last: u8) -> Flow {
    let address = |last: u8| SocketAddr::from(([192, 0, 2, last], 5060));
    Flow { transport, local: address(1), peer: address(last) }
}

fn sdp() -> Sdp {
    Sdp(b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n".to_vec())
}

impl Scene {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config { callers: Callers::Anyone, ..Config::default() };
        let endpoint = Endpoint::new(now, config, Box::new(SeededRng::new(7)));
        let mut scene = Self {
            endpoint,
            now,
            decoder: StreamDecoder::new(),
            said: BTreeMap::new(),
            calls: Vec::new(),
            ended: BTreeSet::new(),
            own: 2,
            down: false,
        };
        let settings = AccountSettings {
            aor: "sip:1001@192.0.2.10".to_owned(),
            registrar: Some("sip:192.0.2.10".to_owned()),
            ..AccountSettings::default()
        };
        let password = Secret::new("secret".to_owned());
        scene.command(SipCommand::Register { account: AccountId(0), settings, password });
        scene
    }

    fn step(&mut self, step: &[u8]) {
        let Some((&who, rest)) = step.split_first() else { return };
        match who {
            b'p' | b's' => {
                let flow = flow(Transport::Udp, if who == b'p' { 10 } else { 66 });
                let bytes = Bytes::from(self.filled(rest));
                self.input(Input::Datagram { flow, bytes });
            }
            b't' => {
                let bytes = self.filled(rest);
                self.decoder.push(&bytes);
                while let Some(item) = self.decoder.next_item() {
                    let lost = matches!(item, StreamItem::Fatal(_));
                    self.input(Input::Item { flow: flow(Transport::Tcp, 10), item });
                    if lost {
                        self.decoder = StreamDecoder::new();
                    }
                }
            }
            b'x' => self.input(Input::Closed { flow: flow(Transport::Tcp, 10), detail: "gone".to_owned() }),
            b'w' => self.wait(Duration::from_millis(100) * u32::from(rest.first().copied().unwrap_or(1))),
            b'u' => self.user(rest.first().copied().unwrap_or(b'r')),
            _ => {}
        }
    }

    fn user(&mut self, what: u8) {
        let call = self.calls.last().copied().unwrap_or(CallId(1));
        let command = match what {
            b'r' => SipCommand::Ring { call },
            b'a' => SipCommand::Accept { call, answer: sdp() },
            b'd' => SipCommand::Reject { call, why: Reject::Decline },
            b'h' => SipCommand::Hangup { call },
            b'o' => SipCommand::Reoffer { call, offer: sdp() },
            b'n' => SipCommand::AnswerReoffer { call, answer: Ok(sdp()) },
            b'N' => SipCommand::AnswerReoffer { call, answer: Err(Reject::NotAcceptable) },
            b'i' => {
                let call = CallId(self.own);
                self.own += 2;
                self.calls.push(call);
                let (account, target) = (AccountId(0), "600".to_owned());
                SipCommand::Invite { call, account, target, offer: sdp(), withhold: false }
            }
            b'g' => SipCommand::Unregister { account: AccountId(0) },
            _ => return,
        };
        self.command(command);
    }

    fn command(&mut self, command: SipCommand) {
        self.input(Input::Command(command));
    }

    fn input(&mut self, input: Input) {
        self.endpoint.handle(self.now, input);
        self.drain();
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.endpoint.next_deadline().filter(|due| *due <= end) {
            assert!(
                due >= self.now || self.endpoint.next_deadline().is_some(),
                "a deadline of the past stays"
            );
            self.now = self.now.max(due);
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    fn drain(&mut self) {
        for _ in 0..MOST_OUTPUTS {
            let Some(output) = self.endpoint.poll() else { return };
            match output {
                Output::Transmit(transmit) => self.note(&transmit.bytes),
                Output::Reach { id, hop } => {
                    let transport = hop.transport.unwrap_or(Transport::Udp);
                    let ways = vec![Way { transport, peer: flow(transport, 10).peer }];
                    let result = Ok(Found { ways, good_for: None });
                    self.endpoint.handle(self.now, Input::Reached { id, result });
                }
                Output::Open { id, way, .. } => {
                    let result = Ok(flow(way.transport, 10));
                    self.endpoint.handle(self.now, Input::Opened { id, way, result });
                }
                Output::Event(SipEvent::Incoming { call, .. }) => self.calls.push(call),
                Output::Event(SipEvent::Ended { call, .. }) => {
                    assert!(self.ended.insert(call), "{call:?} ended twice");
                }
                Output::Event(SipEvent::Down) => self.down = true,
                _ => {}
            }
        }
        panic!("it never comes to rest");
    }

    /// What we say must be readable, and some of it is repeated by the other side.
    fn note(&mut self, bytes: &[u8]) {
        if bytes.iter().all(|b| b"\r\n".contains(b)) {
            return;
        }
        let message = match Message::parse_datagram(bytes) {
            Ok(message) => message,
            Err(wrong) => panic!("we said what nobody can read: {wrong}\n{}", String::from_utf8_lossy(bytes)),
        };
        let headers = message.headers();
        let ours = matches!(message, Message::Request(_));
        if ours {
            let via = headers.via().expect("our Via");
            self.keep(b'b', via.branch().map(|branch| branch.as_ref()));
            self.keep(
                b'f',
                headers.from().ok().and_then(|from| from.tag().map(|tag| tag.as_ref().to_vec())).as_deref(),
            );
            self.keep(b'c', headers.call_id().ok().map(|id| id.as_ref().to_vec()).as_deref());
            self.keep(b'n', headers.cseq().ok().map(|cseq| cseq.number.to_string().into_bytes()).as_deref());
        } else {
            self.keep(
                b't',
                headers.to().ok().and_then(|to| to.tag().map(|tag| tag.as_ref().to_vec())).as_deref(),
            );
        }
    }

    fn keep(&mut self, name: u8, value: Option<&[u8]>) {
        if let Some(value) = value {
            self.said.insert(name, value.to_vec());
        }
    }

    fn filled(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut bytes = text.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let said = (byte == b'$').then(|| bytes.peek().and_then(|name| self.said.get(name))).flatten();
            match said {
                Some(value) => {
                    out.extend_from_slice(value);
                    bytes.next();
                }
                None => out.push(byte),
            }
        }
        out
    }

    /// After the end of everything nothing is left, and every call that was told of has ended.
    fn end(&mut self) {
        for call in self.calls.clone() {
            self.command(SipCommand::Hangup { call });
        }
        self.command(SipCommand::Shutdown { within: Duration::from_secs(40) });
        self.wait(Duration::from_secs(200));
        let load = self.endpoint.load();
        assert!(self.down, "it never told that it is down");
        assert_eq!((load.calls, load.clients, load.servers, load.held), (0, 0, 0, 0), "{load:?}");
        let calls: BTreeSet<CallId> = self.calls.iter().copied().collect();
        assert_eq!(calls, self.ended, "calls and their ends");
    }
}
