//! sipp's side of every rule of a call: the scenarios in `sipp/`, each as caller or as callee of a small phone built on
//! `agent-sip`, over UDP and, where the transport matters, over TCP.
//!
//! A scenario says in its first comment which section it checks, what the phone's user does, over what it is run, and
//! how the call must end there.

use agent_core::{
    id::{AccountId, CallId},
    party::Sdp,
    port::sip::{
        MessageCommand, MessageEvent, PhoneCommand, Registration, Reject, SipCommand, SipEvent,
        TransferCommand, TransferEvent, Unfit, WatchEvent, message::MessageAnswer, transfer::Wish,
    },
    secret::Secret,
    settings::AccountSettings,
};
use agent_net::Net;
use agent_sip::{SipConfig, SipHandle, config::Callers, start};
use harness::{
    port,
    sipp::{Plan, Sipp, Transport},
    wait,
};
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// How many scenarios run at once: most of their time they wait.
const AT_ONCE: usize = 6;

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The call to where the phone is sent.
const FOLLOWING: CallId = CallId(4);

/// What the phone's user does, milliseconds after what it follows.
#[derive(Debug, Clone, Default, PartialEq)]
struct User {
    /// The phone rings this long after the INVITE; otherwise at once.
    rings: u64,
    answers: Option<u64>,
    declines: Option<u64>,
    /// Refuses the offer as unfit.
    refuses: Option<u64>,
    /// After the call was established.
    hangs_up: Option<u64>,
    /// After the call was established.
    holds: Option<u64>,
    /// Answers a change of theirs; `None`: refuses it.
    changes: Option<u64>,
    /// Calls as soon as it is registered.
    dials: bool,
    /// Hangs up this long after it dialled.
    gives_up: Option<u64>,
    /// Sends the call on to 601 this long after it was established, and leaves it when that is done.
    transfers: Option<u64>,
    /// Goes where it is sent.
    follows: Option<u64>,
    /// Must be told of waiting messages.
    hears: bool,
    /// Writes a text as soon as it is registered.
    writes: bool,
    /// What it does with a text that comes.
    reads: Option<MessageAnswer>,
}

/// One file of `sipp/`.
#[derive(Debug, Clone)]
struct Scenario {
    name: String,
    text: String,
    user: User,
    over: Vec<Transport>,
    /// What the end of the call must be, as far as it is named.
    ends: String,
    /// Options of sipp that it needs: `-nr` where what is repeated is the point, which sipp otherwise keeps to itself.
    options: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sipp")
}

fn scenarios() -> Vec<Scenario> {
    let files = fs::read_dir(folder()).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<Scenario> = files.map(|path| read(&path)).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn read(path: &Path) -> Scenario {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(path).expect("a scenario");
    let comment = text.split("<!--").nth(1).and_then(|rest| rest.split("-->").next()).expect("a comment");
    assert!(comment.trim().starts_with("RFC ") && comment.contains(" section"), "{name} names no section");
    let word = |key: &str| {
        let line = comment.lines().find_map(|line| line.trim().strip_prefix(key));
        line.unwrap_or_else(|| panic!("{name} says no `{key}`")).trim().to_owned()
    };
    let roads = word("over:");
    let over = roads.split(' ').map(|over| match over {
        "udp" => Transport::Udp,
        "tcp" => Transport::Tcp,
        other => panic!("{name}: {other} is no transport"),
    });
    let options = comment.lines().find_map(|line| line.trim().strip_prefix("sipp:")).unwrap_or_default();
    let options = options.split_whitespace().map(str::to_owned).collect();
    Scenario { user: user(&word("phone:")), over: over.collect(), ends: word("ends:"), options, name, text }
}

fn user(words: &str) -> User {
    let mut user = User::default();
    for word in words.split(';').map(str::trim) {
        let (what, number) = word.rsplit_once(' ').unwrap_or((word, ""));
        let after = number.parse().ok();
        match what {
            "dials" => user.dials = true,
            "rings" => user.rings = after.expect("a number"),
            "answers" => user.answers = after,
            "declines" => user.declines = after,
            "refuses" => user.refuses = after,
            "hangs up" => user.hangs_up = after,
            "holds" => user.holds = after,
            "gives up" => user.gives_up = after,
            "changes" => user.changes = after,
            "transfers" => user.transfers = after,
            "follows" => user.follows = after,
            "hears" => user.hears = true,
            "writes" => user.writes = true,
            "takes" => user.reads = Some(MessageAnswer::Taken),
            "blocks" => user.reads = Some(MessageAnswer::Blocked),
            other => panic!("a user does not do `{other}`"),
        }
    }
    user
}

fn sdp(more: &str) -> Sdp {
    let lines = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                 m=audio 40000 RTP/AVP 8 0\r\n";
    Sdp(format!("{lines}{more}").into_bytes())
}

/// What the user does, in the order in which it is due.
#[derive(Default)]
struct Agenda(Vec<(Instant, SipCommand)>);

impl Agenda {
    fn after(&mut self, ms: Option<u64>, command: SipCommand) {
        if let Some(ms) = ms {
            self.0.push((Instant::now() + Duration::from_millis(ms), command));
        }
    }

    fn due(&mut self) -> Vec<SipCommand> {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.0).into_iter().partition(|(at, _)| *at <= now);
        self.0 = later;
        due.into_iter().map(|(_, command)| command).collect()
    }
}

/// A phone and its user.
struct Phone {
    sip: SipHandle,
    events: mpsc::Receiver<SipEvent>,
    user: User,
    agenda: Agenda,
    ended: Vec<String>,
    log: Vec<String>,
    runtime: tokio::runtime::Runtime,
    port: u16,
}

impl Phone {
    fn start(user: User) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (tell, events) = mpsc::channel();
        let tell = Arc::new(move |event| drop(tell.send(event)));
        let port = port::free();
        let bind = Some(([127, 0, 0, 1], port).into());
        let sip = runtime.block_on(async {
            let config = SipConfig { bind, callers: Callers::Anyone, ..SipConfig::default() };
            let sip = start(config, Net::new(Arc::new(|_| {})), tell);
            sip.listening().await.expect("it listens");
            sip
        });
        Self {
            sip,
            events,
            user,
            agenda: Agenda::default(),
            ended: Vec::new(),
            log: Vec::new(),
            runtime,
            port,
        }
    }

    fn register(&self, registrar: u16, transport: Transport) {
        let settings = AccountSettings {
            aor: "sip:1001@127.0.0.1".to_owned(),
            registrar: Some(format!("sip:127.0.0.1:{registrar};transport={}", transport.parameter())),
            // Whom their challenges of calls come from: it takes the registration without one.
            realms: vec!["sipp".to_owned()],
            ..AccountSettings::default()
        };
        let password = Secret::new("secret".to_owned());
        self.sip.send(SipCommand::Register { account: AccountId(0), settings, password });
    }

    /// Does what is due and hears what is told, for a moment.
    fn live(&mut self) {
        for command in self.agenda.due() {
            self.sip.send(command);
        }
        while let Ok(event) = self.events.recv_timeout(Duration::from_millis(5)) {
            self.log.push(format!("{event:?}"));
            self.hear(event);
        }
    }

    fn hear(&mut self, event: SipEvent) {
        let user = self.user.clone();
        let agenda = &mut self.agenda;
        match event {
            SipEvent::Registration { state: Registration::Registered, .. } if user.dials => {
                self.user.dials = false;
                let call = CallId(2);
                let (target, offer) = ("600".to_owned(), sdp(""));
                self.sip.send(SipCommand::Invite {
                    call,
                    account: AccountId(0),
                    target,
                    offer,
                    withhold: false,
                });
                agenda.after(user.gives_up, SipCommand::Hangup { call });
            }
            SipEvent::Registration { state: Registration::Registered, .. } if user.writes => {
                self.user.writes = false;
                self.write("See you at eight");
            }
            SipEvent::Message(told) => self.read(told),
            SipEvent::Incoming { call, with, .. } => {
                let offer = sdp("");
                let ring = if with.rings_with_offer {
                    SipCommand::Phone(PhoneCommand::RingWith { call, offer })
                } else {
                    SipCommand::Ring { call }
                };
                agenda.after(Some(user.rings), ring);
                let later = |ms: Option<u64>| ms.map(|ms| user.rings + ms);
                agenda.after(later(user.answers), SipCommand::Accept { call, answer: sdp("") });
                agenda.after(later(user.declines), SipCommand::Reject { call, why: Reject::Decline });
                let why = Reject::Unfit(Unfit::Format);
                agenda.after(later(user.refuses), SipCommand::Reject { call, why });
            }
            SipEvent::Confirmed { call, .. } | SipEvent::Answered { call, .. } => {
                // Only the first time: a change is confirmed, too.
                let User { hangs_up, holds, transfers, .. } = std::mem::take(&mut self.user);
                self.user = User { hangs_up: None, holds: None, transfers: None, ..user };
                let (account, target) = (AccountId(0), "601".to_owned());
                let blind = TransferCommand::Blind { call, account, target };
                agenda.after(transfers, SipCommand::Transfer(blind));
                agenda.after(hangs_up, SipCommand::Hangup { call });
                agenda.after(holds, SipCommand::Reoffer { call, offer: sdp("a=sendonly\r\n") });
            }
            SipEvent::Reoffer { call, .. } => {
                let answer = user.changes.map(|_| sdp("")).ok_or(Reject::NotAcceptable);
                agenda.after(user.changes.or(Some(0)), SipCommand::AnswerReoffer { call, answer });
            }
            SipEvent::Transfer(told) => self.change_hands(&told),
            SipEvent::Watch(WatchEvent::Messages { .. }) => self.user.hears = false,
            // What came of following is told to who asked for it, and checked there.
            SipEvent::Ended { call: FOLLOWING, .. } => {}
            SipEvent::Ended { end, .. } => self.ended.push(format!("{end:?}")),
            _ => {}
        }
    }

    fn change_hands(&mut self, told: &TransferEvent) {
        let follows = self.user.follows;
        match *told {
            TransferEvent::Done { call } => self.sip.send(SipCommand::Hangup { call }),
            TransferEvent::Asked { call: of, .. } => {
                let accept = TransferCommand::Accept { wish: Wish::Call(of) };
                let (call, account, offer) = (FOLLOWING, AccountId(0), sdp(""));
                let (wish, target, withhold) = (Wish::Call(of), None, false);
                let follow = TransferCommand::Follow { call, account, wish, target, offer, withhold };
                for command in [accept, follow] {
                    self.agenda.after(follows, SipCommand::Transfer(command));
                }
            }
            TransferEvent::Redirected { call, .. } => {
                self.sip.send(SipCommand::Transfer(TransferCommand::Redirect {
                    call,
                    follow: true,
                    target: None,
                }));
            }
            _ => {}
        }
    }

    fn write(&self, text: &str) {
        let (account, target, text) = (AccountId(0), "600".to_owned(), text.to_owned());
        self.sip.send(SipCommand::Message(MessageCommand::Send { message: 1, account, target, text }));
    }

    fn read(&mut self, told: MessageEvent) {
        if let MessageEvent::Redirected { message, .. } = told {
            return self.sip.send(SipCommand::Message(MessageCommand::Redirect { message, follow: true }));
        }
        let MessageEvent::Arrived { message, text, .. } = told else {
            return self.ended.push(format!("{told:?}"));
        };
        let answer = self.user.reads.expect("a user who reads");
        self.sip.send(SipCommand::Message(MessageCommand::Answer { message, answer }));
        self.ended.push(format!("Arrived: {text}"));
    }
}

/// Runs one; what went wrong, if anything did.
fn run(scenario: &Scenario, transport: Transport) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut phone = Phone::start(scenario.user.clone());
    let calls = scenario.user.dials || scenario.user.writes;
    let plan = Plan {
        to: (!calls).then_some(phone.port),
        scenario: Some(&scenario.text),
        transport,
        options: &scenario.options,
        // To sipp the registration is a call of its own.
        calls: if calls { 2 } else { 1 },
        ..Plan::default()
    };
    let mut sipp = Sipp::start(folder.path(), &plan);
    // Where sipp calls, nobody is registered at, and any address will do.
    phone.register(
        if calls { sipp.port } else { port::free() },
        if calls { transport } else { Transport::Udp },
    );
    let status = wait::until(PATIENCE, || {
        phone.live();
        sipp.proc.ended()
    });
    let told = wait::until(Duration::from_secs(5), || {
        phone.live();
        let told = if scenario.ends == "-" { !phone.user.hears } else { !phone.ended.is_empty() };
        told.then_some(())
    });
    let mut wrong = String::new();
    if !status.is_some_and(|status| status.success()) {
        wrong = format!("sipp: {status:?}\n{}\n{}", sipp.proc, sipp.messages());
    } else if phone.user.hears {
        wrong = "nothing was heard of the messages".to_owned();
    } else if told.is_none() {
        wrong = "nothing came to an end".to_owned();
    } else if scenario.ends != "-" && !phone.ended.iter().all(|end| end.contains(&scenario.ends)) {
        wrong = format!("it ended as {:?} and not as {}", phone.ended, scenario.ends);
    } else if scenario.ends != "-" && phone.ended.len() != 1 {
        wrong = format!("one call ended {} times", phone.ended.len());
    }
    phone.runtime.shutdown_background();
    let log = phone.log.join("\n");
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("{} over {transport:?}: {wrong}\n{log}", scenario.name))
    }
}

#[test]
fn every_scenario_goes_as_it_is_written() {
    let only = std::env::var("SCENARIO").ok();
    let all: Vec<Scenario> = scenarios()
        .into_iter()
        .filter(|scenario| only.as_ref().is_none_or(|only| scenario.name.starts_with(only)))
        .collect();
    let runs = all.iter().flat_map(|one| one.over.iter().map(|over| (one.clone(), *over)));
    let queue: Mutex<VecDeque<(Scenario, Transport)>> = Mutex::new(runs.collect());
    let wrong: Mutex<Vec<String>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((scenario, transport)) = next else { return };
                    let went = run(&scenario, transport);
                    println!(
                        "{} {transport:?}: {}",
                        scenario.name,
                        if went.is_ok() { "ok" } else { "FAILED" }
                    );
                    if let Err(what) = went {
                        wrong.lock().unwrap_or_else(PoisonError::into_inner).push(what);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(wrong.is_empty(), "{} failed\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn there_are_as_many_as_promised_and_both_sides_are_played() {
    let all = scenarios();
    let calls = all.iter().filter(|scenario| scenario.user.dials || scenario.user.writes).count();
    assert!(all.len() >= 40 && calls >= 15 && all.len() - calls >= 25, "{} of {}", calls, all.len());
    assert!(all.iter().all(|scenario| !scenario.over.is_empty()));
}
