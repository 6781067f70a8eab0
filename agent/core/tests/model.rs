//! Random events against what must always hold: no panic, one microphone, one end for every call, one reply for every
//! request, every ring stopped, every deadline moving on.

mod support;

use agent_core::{
    Agent,
    action::{Action, CallState, CallStatus, Notice, Reply, RequestId, Source},
    caller::CallerCard,
    id::{AccountId, CallId},
    journal::Direction,
    party::{Party, Sdp},
    port::{
        Effect, Event,
        host::{HostCommand, HostEvent},
        media::{Flow, MediaCommand, MediaEvent},
        shell::ShellCommand,
        sip::{CallEnd, Registration, SipCommand, SipEvent},
        store::{StoreCommand, StoreEvent},
    },
    secret::Secret,
    settings::{Language, OpenRule, Settings},
    time::Now,
    view::{Sound, ToastKind, View},
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// One random step. The numbers are folded onto what there is when the step is played.
#[derive(Debug, Clone)]
enum Step {
    /// A call comes in: withheld, without an offer.
    Incoming(bool, bool),
    /// The user does something to some call, or to none that is named.
    User(u8, Option<u8>),
    /// The user dials.
    Dial(u8),
    /// A neighbour answers something it was asked, well (0 to 5) or badly.
    Respond(u8, u8),
    /// A neighbour says something about some call, whatever its state.
    Nonsense(u8, u8),
    /// A plugin tells something.
    Plugin(u8, u8),
    /// Time passes, milliseconds.
    Wait(u16),
    /// The next deadline comes.
    Deadline,
    /// The settings change.
    Settings(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), any::<bool>()).prop_map(|(w, o)| Step::Incoming(w && o, o)),
        7 => (any::<u8>(), proptest::option::of(any::<u8>())).prop_map(|(a, c)| Step::User(a, c)),
        2 => any::<u8>().prop_map(Step::Dial),
        14 => (any::<u8>(), any::<u8>()).prop_map(|(i, how)| Step::Respond(i, how)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(what, call)| Step::Nonsense(what, call)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(what, call)| Step::Plugin(what, call)),
        1 => any::<u16>().prop_map(Step::Wait),
        1 => Just(Step::Deadline),
        1 => any::<u8>().prop_map(Step::Settings),
    ]
}

/// What the wire and the journal know of one call.
#[derive(Debug, Default)]
struct Seen {
    incoming: bool,
    /// 180, 200 or INVITE went out.
    on_the_wire: bool,
    accepted: bool,
    /// We ended it, or it was ended.
    over: bool,
    ended_by_wire: bool,
    media_open: bool,
    media_stopped: bool,
    lookup: bool,
    cancelled: bool,
    finals: u32,
    entries: u32,
    pops: u32,
    clicks: u32,
    established: bool,
    /// Their re-INVITE waits for our word.
    reoffered: bool,
}

struct World {
    agent: Agent,
    now: Now,
    view: View,
    focus: Option<CallId>,
    muted: bool,
    seen: BTreeMap<CallId, Seen>,
    /// What neighbours were asked and have not answered.
    open: VecDeque<Effect>,
    next_call: u64,
    next_request: u64,
    finished: u32,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            agent: Agent::new(),
            now: support::start_of_time(),
            view: View::default(),
            focus: None,
            muted: false,
            seen: BTreeMap::new(),
            open: VecDeque::new(),
            next_call: 1,
            next_request: 1,
            finished: 0,
        };
        world.settings(0);
        for account in [0, 1].map(AccountId) {
            let result = Ok(Secret::new("secret".to_owned()));
            world.tell(Event::Store(StoreEvent::Password { account, result }));
            let local = "192.0.2.10".parse().unwrap();
            world.tell(Event::Sip(SipEvent::Address { account, local }));
            world.tell(Event::Sip(SipEvent::Registration { account, state: Registration::Registered }));
        }
        world
    }

    fn settings(&mut self, variant: u8) {
        let mut settings = Settings { language: Language::En, ..Settings::default() };
        settings.accounts = vec![support::account(0), support::account(1)];
        settings.calls.waiting = !variant.is_multiple_of(5) || variant == 0;
        settings.calls.most = if variant % 7 == 3 { 3 } else { 1000 };
        settings.screen_pop.open =
            [OpenRule::Answer, OpenRule::Ring, OpenRule::Never][usize::from(variant) % 3];
        self.tell(Event::Store(StoreEvent::Settings(Box::new(settings))));
    }

    /// Any call that ever was.
    fn any_call(&self, pick: u8) -> CallId {
        let ids: Vec<CallId> = self.seen.keys().copied().collect();
        if ids.is_empty() { CallId(u64::from(pick)) } else { ids[usize::from(pick) % ids.len()] }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Incoming(withheld, bare) => self.incoming(withheld, bare),
            Step::User(what, call) => {
                let call = call.map(|pick| self.any_call(pick));
                self.user(action(what, call));
            }
            Step::Dial(pick) => {
                let texts = ["600", "601", "112", "*21*600#", "", "sip:alice@pbx.example", "nobody"];
                let source =
                    [Source::Typed, Source::Typed, Source::Selection, Source::Link][usize::from(pick) / 64];
                let text = texts[usize::from(pick) % texts.len()].to_owned();
                self.user(Action::Dial { text, source, account: None });
            }
            Step::Respond(pick, how) => self.respond(pick, how),
            Step::Nonsense(what, call) => {
                let event = nonsense(what, self.any_call(call));
                self.tell(event);
            }
            Step::Plugin(what, call) => {
                let event = plugin(what, self.any_call(call));
                self.tell(Event::Host(event));
            }
            Step::Wait(millis) => self.wait(Duration::from_millis(u64::from(millis))),
            Step::Deadline => self.deadline(),
            Step::Settings(variant) => self.settings(variant),
        }
    }

    fn incoming(&mut self, withheld: bool, bare: bool) {
        let call = CallId(self.next_call);
        self.next_call += 2;
        self.seen.insert(call, Seen { incoming: true, ..Seen::default() });
        let number = if withheld { String::new() } else { format!("{}", 1000 + call.0) };
        self.tell(Event::Sip(SipEvent::Incoming {
            call,
            account: AccountId(u32::from(bare)),
            party: Party { number, name: None, uri: String::new(), withheld },
            called: "1001".to_owned(),
            local: "192.0.2.10".parse().unwrap(),
            offer: (!bare).then(|| Sdp(b"offer".to_vec())),
        }));
        let seen = &self.seen[&call];
        assert!(seen.on_the_wire || seen.over, "{call:?} was left without a word");
    }

    fn user(&mut self, action: Action) {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        if let Action::OpenRecord { call } = &action
            && let Some(seen) = self.seen.get_mut(call)
        {
            seen.clicks += 1;
        }
        self.tell(Event::User { request: Some(request), action });
    }

    fn respond(&mut self, pick: u8, how: u8) {
        if self.open.is_empty() {
            return;
        }
        let index = usize::from(pick) % self.open.len();
        // The neighbours keep the order for one call; across calls anything goes.
        let Some(asked) = self.open.remove(index) else { return };
        if let Some(event) = answer(&asked, how) {
            self.tell(event);
        }
    }

    fn wait(&mut self, by: Duration) {
        let until = self.now.plus(by);
        while let Some(next) = self.agent.poll_timeout().filter(|next| *next <= until.at) {
            self.now = self.now.plus(next.saturating_duration_since(self.now.at));
            self.timeout();
        }
        self.now = until;
    }

    fn deadline(&mut self) {
        if let Some(next) = self.agent.poll_timeout() {
            self.now = self.now.plus(next.saturating_duration_since(self.now.at));
            self.timeout();
        }
    }

    fn timeout(&mut self) {
        self.tell(Event::Timeout);
        let next = self.agent.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now.at), "a deadline that came does not move on");
    }

    fn tell(&mut self, event: Event) {
        if let Event::Sip(SipEvent::Ended { call, .. }) = &event
            && let Some(seen) = self.seen.get_mut(call)
        {
            seen.over = true;
            seen.ended_by_wire = true;
        }
        if let Event::Sip(SipEvent::Reoffer { call, .. }) = &event
            && let Some(seen) = self.seen.get_mut(call)
        {
            seen.reoffered = true;
        }
        let request = match &event {
            Event::User { request, .. } => *request,
            _ => None,
        };
        let calls = self.seen.len();
        self.agent.handle(self.now, event.clone());
        let mut replies = 0;
        let mut effects = 0;
        while let Some(effect) = self.agent.poll_effect() {
            effects += 1;
            assert!(effects <= 40 + 12 * calls, "{event:?} has no end");
            if let Effect::Reply { request: to, .. } = &effect {
                assert_eq!(Some(*to), request);
                replies += 1;
            }
            self.effect(effect);
        }
        assert_eq!(replies, u32::from(request.is_some()), "{event:?}");
        self.check();
    }

    fn effect(&mut self, effect: Effect) {
        match &effect {
            Effect::Sip(command) => self.sip(command),
            Effect::Media(command) => self.media(command),
            Effect::Host(HostCommand::Lookup { call, .. }) => {
                let seen = self.seen.entry(*call).or_default();
                assert!(!std::mem::replace(&mut seen.lookup, true), "looked up twice");
            }
            Effect::Host(HostCommand::Cancel { call }) => {
                let seen = self.seen.entry(*call).or_default();
                assert!(!std::mem::replace(&mut seen.cancelled, true), "cancelled twice");
            }
            Effect::Store(StoreCommand::Journal(entry)) => {
                let id = entry.key.rsplit('-').next().and_then(|id| id.parse().ok()).map(CallId).unwrap();
                let seen = self.seen.entry(id).or_default();
                assert_eq!(seen.finals, 0, "written after its end: {entry:?}");
                seen.entries += 1;
                seen.finals += u32::from(entry.outcome.is_some());
                assert_eq!(entry.outcome.is_some(), entry.ended.is_some());
            }
            Effect::View(view) => {
                assert_ne!(**view, self.view, "a view that changes nothing");
                self.view = (**view).clone();
            }
            Effect::Notice(Notice::ScreenPop { call, .. }) => self.seen.entry(*call).or_default().pops += 1,
            Effect::Shell(ShellCommand::OpenUrl { url }) => assert!(url.starts_with("https://")),
            Effect::Finished => self.finished += 1,
            _ => {}
        }
        if matches!(effect, Effect::Sip(_) | Effect::Media(_)) {
            self.open.push_back(effect);
        }
    }

    fn sip(&mut self, command: &SipCommand) {
        let call = match command {
            SipCommand::Invite { call, .. }
            | SipCommand::Ring { call }
            | SipCommand::Accept { call, .. }
            | SipCommand::Reject { call, .. }
            | SipCommand::Hangup { call }
            | SipCommand::Reoffer { call, .. }
            | SipCommand::AnswerReoffer { call, .. } => *call,
            _ => return,
        };
        let seen = self.seen.entry(call).or_default();
        assert!(!seen.over, "{command:?} to a call that is over");
        seen.on_the_wire = true;
        match command {
            SipCommand::Accept { .. } => {
                assert!(seen.incoming && !std::mem::replace(&mut seen.accepted, true), "accepted twice");
            }
            SipCommand::Reject { .. } => {
                assert!(seen.incoming && !seen.accepted, "rejected after a 200");
                seen.over = true;
            }
            SipCommand::Hangup { .. } => seen.over = true,
            SipCommand::AnswerReoffer { .. } => seen.reoffered = false,
            SipCommand::Invite { .. } => assert!(!seen.incoming),
            _ => {}
        }
    }

    fn media(&mut self, command: &MediaCommand) {
        let call = match command {
            MediaCommand::Focus { call } => {
                assert_ne!(self.focus, *call, "the microphone is moved to where it is");
                self.focus = *call;
                return;
            }
            MediaCommand::Mute { on } => {
                self.muted = *on;
                return;
            }
            MediaCommand::Offer { call, .. }
            | MediaCommand::Reoffer { call, .. }
            | MediaCommand::Accept { call, .. }
            | MediaCommand::Complete { call, .. }
            | MediaCommand::Withdraw { call }
            | MediaCommand::Digits { call, .. }
            | MediaCommand::Stop { call } => *call,
        };
        let seen = self.seen.entry(call).or_default();
        assert!(!seen.media_stopped, "{command:?} after the end");
        match command {
            MediaCommand::Offer { .. } | MediaCommand::Accept { .. } => seen.media_open = true,
            MediaCommand::Stop { .. } => {
                assert!(seen.media_open, "nothing to stop");
                seen.media_stopped = true;
            }
            _ => assert!(seen.media_open, "{command:?} before it is open"),
        }
    }

    /// What the core says it has, asked without leaving a trace.
    fn status(&mut self) -> Vec<CallStatus> {
        let request = RequestId(0);
        self.agent.handle(self.now, Event::User { request: Some(request), action: Action::Status });
        let mut calls = None;
        while let Some(effect) = self.agent.poll_effect() {
            match effect {
                Effect::Reply { result: Ok(Reply::Status(status)), .. } => {
                    assert_eq!(status.muted, self.muted);
                    calls = Some(status.calls);
                }
                other => panic!("asking for the state changed it: {other:?}"),
            }
        }
        calls.expect("a status")
    }

    fn check(&mut self) {
        let calls = self.status();
        let alive: BTreeSet<CallId> = calls.iter().map(|c| c.call).collect();
        let focused: Vec<CallId> = calls.iter().filter(|c| c.focus).map(|c| c.call).collect();
        assert!(
            focused.len() <= 1 && focused.first().copied() == self.focus,
            "{focused:?} and {:?}",
            self.focus
        );
        let mut ringing = 0;
        for call in &calls {
            let seen = self.seen.entry(call.call).or_default();
            assert_eq!((seen.finals, call.outcome), (0, None), "over and still there");
            assert!(!seen.over, "{call:?} is over on the wire");
            seen.established |= call.state == CallState::Established;
            ringing += u32::from(call.state == CallState::Incoming && !seen.media_open);
            assert!(call.direction == Direction::Outgoing || seen.incoming);
            if seen.established {
                assert!(call.answered.is_some());
            }
        }
        for (id, seen) in &self.seen {
            if alive.contains(id) {
                assert!(!seen.cancelled && !seen.media_stopped && seen.entries > 0);
                continue;
            }
            assert!(seen.finals <= 1);
            // A call that is gone left exactly one end behind, on every road it had taken.
            if seen.entries > 0 {
                assert_eq!(seen.finals, 1, "{id:?} left no end");
                assert_eq!(seen.media_open, seen.media_stopped, "{id:?}");
                assert!(!seen.lookup || seen.cancelled, "{id:?} is still looked up");
                assert!(seen.over || !seen.on_the_wire, "{id:?} is still on the wire");
            }
            assert!(seen.pops <= 1 + seen.clicks);
        }
        self.check_view(ringing);
    }

    fn check_view(&self, ringing: u32) {
        let rings = matches!(self.view.sound, Some(Sound::Ring | Sound::CallWaiting));
        assert!(!rings || ringing > 0, "it rings and nobody calls");
        let toasts = &self.view.toasts;
        let ids: BTreeSet<u64> = toasts.iter().map(|t| t.id).collect();
        assert_eq!(ids.len(), toasts.len(), "two toasts of one name");
        let ringing_toasts = toasts.iter().filter(|t| t.kind == ToastKind::Ringing).count();
        assert!(ringing_toasts <= 5 && ringing_toasts <= usize::try_from(ringing).unwrap());
        assert!(toasts.len() <= 20 && self.view.tray.menu.len() <= 60);
    }

    /// The neighbours fall silent: whatever waits for them ends by itself; what talks goes on talking.
    fn fade(&mut self) {
        self.open.clear();
        self.wait(Duration::from_secs(3600));
        for call in self.status() {
            assert_eq!(call.state, CallState::Established, "{call:?} waits for ever");
            assert!(!self.seen[&call.call].reoffered, "{call:?}: their re-INVITE got no answer");
        }
        assert_eq!(self.view.sound, None, "a sound without an end");
        assert_eq!(self.agent.poll_timeout(), None, "{:?}", self.agent);
        // A toast that is still up at the end must not keep its deadline.
        self.user(Action::Show);
        self.user(Action::Quit);
        self.wait(Duration::from_secs(3));
        assert_eq!(self.finished, 1);
        assert_eq!((self.status().len(), self.focus, self.muted), (0, None, false));
        assert_eq!(self.agent.poll_timeout(), None);
        for (id, seen) in &self.seen {
            assert!(seen.entries == 0 || seen.finals == 1, "{id:?}");
            assert!(!seen.incoming || (seen.over && seen.finals == 1), "{id:?} came and never went");
        }
    }
}

fn action(what: u8, call: Option<CallId>) -> Action {
    let named = call.unwrap_or(CallId(1));
    match what % 17 {
        0..=3 => Action::Answer { call },
        4 => Action::Decline { call },
        5 => Action::Hangup { call },
        6..=7 => Action::Hold { call },
        8..=9 => Action::Resume { call },
        10 => Action::Mute { on: (what > 127).then_some(what.is_multiple_of(2)) },
        11 => Action::Dtmf { call, digits: "1*#".to_owned() },
        12 => Action::Silence,
        13 => Action::OpenRecord { call: named },
        14 => Action::Choose { question: u64::from(what), choice: Some(0) },
        15 => Action::DismissToast { toast: named.0 },
        _ => Action::Show,
    }
}

/// A neighbour's answer to what it was asked: good, or bad in some way of its own.
fn answer(asked: &Effect, how: u8) -> Option<Event> {
    let sdp = Sdp(vec![b'a' + how % 3]);
    let bad = how % 8 > 5;
    let refused = |call: CallId| MediaEvent::Refused { call, why: "no".to_owned() };
    Some(match asked {
        Effect::Media(MediaCommand::Offer { call, .. }) if bad => Event::Media(refused(*call)),
        Effect::Media(MediaCommand::Offer { call, .. } | MediaCommand::Reoffer { call, .. }) => {
            Event::Media(MediaEvent::Offered { call: *call, sdp })
        }
        Effect::Media(MediaCommand::Accept { call, .. } | MediaCommand::Complete { call, .. }) if bad => {
            Event::Media(refused(*call))
        }
        Effect::Media(MediaCommand::Accept { call, flow, .. }) => {
            Event::Media(MediaEvent::Accepted { call: *call, sdp, flow: bent(*flow, how) })
        }
        Effect::Media(MediaCommand::Complete { call, .. }) => {
            Event::Media(MediaEvent::Completed { call: *call, flow: flow(how) })
        }
        Effect::Sip(command) => Event::Sip(sip_answer(command, how, sdp)?),
        _ => return None,
    })
}

fn sip_answer(command: &SipCommand, how: u8, sdp: Sdp) -> Option<SipEvent> {
    let bad = how % 8 > 5;
    Some(match command {
        SipCommand::Accept { call, .. } if bad => SipEvent::Ended { call: *call, end: end(how) },
        SipCommand::Accept { call, .. } => {
            SipEvent::Confirmed { call: *call, answer: (!how.is_multiple_of(4)).then_some(sdp) }
        }
        SipCommand::Invite { call, .. } => match how % 8 {
            0 | 1 => SipEvent::Progress { call: *call, status: 180, answer: None },
            2 => SipEvent::Progress { call: *call, status: 183, answer: Some(sdp) },
            3..=5 => SipEvent::Answered { call: *call, answer: Some(sdp) },
            6 => SipEvent::Answered { call: *call, answer: None },
            _ => SipEvent::Ended { call: *call, end: end(how / 8) },
        },
        SipCommand::Ring { call } if bad => SipEvent::Ended { call: *call, end: end(how) },
        SipCommand::Reject { call, .. } => SipEvent::Ended { call: *call, end: CallEnd::Rejected },
        SipCommand::Hangup { call } => SipEvent::Ended { call: *call, end: CallEnd::LocalHangup },
        SipCommand::Reoffer { call, .. } if bad => {
            SipEvent::ReofferRefused { call: *call, status: if how > 127 { 491 } else { 488 } }
        }
        SipCommand::Reoffer { call, .. } => SipEvent::ReofferAnswered { call: *call, answer: sdp },
        SipCommand::AnswerReoffer { call, answer: Ok(_) } => {
            SipEvent::Confirmed { call: *call, answer: how.is_multiple_of(2).then_some(sdp) }
        }
        _ => return None,
    })
}

fn end(how: u8) -> CallEnd {
    let refused = |status| CallEnd::Refused { status, phrase: "No".to_owned() };
    match how % 8 {
        0 => CallEnd::RemoteHangup,
        1 => CallEnd::Cancelled { elsewhere: false },
        2 => CallEnd::Cancelled { elsewhere: true },
        3 => refused(486),
        4 => refused(404),
        5 => refused(480),
        6 => CallEnd::Lost { detail: "gone".to_owned() },
        _ => CallEnd::LocalHangup,
    }
}

fn flow(how: u8) -> Flow {
    [Flow::SendRecv, Flow::SendOnly, Flow::RecvOnly, Flow::Inactive][usize::from(how) % 4]
}

fn bent(wanted: Flow, how: u8) -> Flow {
    if how.is_multiple_of(3) { flow(how / 3) } else { wanted }
}

fn nonsense(what: u8, call: CallId) -> Event {
    let sdp = Sdp(vec![b'n']);
    let some = (what > 127).then(|| sdp.clone());
    match what % 14 {
        0 => Event::Sip(SipEvent::Progress { call, status: 180, answer: some }),
        1 => Event::Sip(SipEvent::Answered { call, answer: some }),
        2 => Event::Sip(SipEvent::Confirmed { call, answer: some }),
        3 | 4 => Event::Sip(SipEvent::Reoffer { call, offer: some }),
        5 => Event::Sip(SipEvent::ReofferAnswered { call, answer: sdp }),
        6 => Event::Sip(SipEvent::ReofferRefused { call, status: 491 }),
        7 => Event::Sip(SipEvent::Ended { call, end: end(what) }),
        8 => Event::Media(MediaEvent::Offered { call, sdp }),
        9 => Event::Media(MediaEvent::Accepted { call, sdp, flow: flow(what) }),
        10 => Event::Media(MediaEvent::Completed { call, flow: flow(what) }),
        11 => Event::Media(MediaEvent::Refused { call, why: "nonsense".to_owned() }),
        12 => Event::Media(MediaEvent::Silent { call }),
        _ => Event::Media(MediaEvent::Digit { call, digit: '5' }),
    }
}

fn plugin(what: u8, call: CallId) -> HostEvent {
    let plugin = "org.example.crm".to_owned();
    let url = "https://crm.example/1".to_owned();
    match what % 5 {
        0 | 1 => HostEvent::Found {
            call,
            card: CallerCard {
                source: plugin,
                name: "Alice".to_owned(),
                company: None,
                url: what.is_multiple_of(2).then_some(url),
            },
        },
        2 => HostEvent::NotFound { call, plugin, error: (what > 127).then(|| "failed".to_owned()) },
        3 => HostEvent::LookupDone { call },
        _ => HostEvent::OpenRecord { call, plugin, url },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_holds(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.play(step);
        }
        world.fade();
    }
}
