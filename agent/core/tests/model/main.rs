//! Random events against what must always hold: no panic, one microphone, one end for every call, one reply for every
//! request, every ring stopped, every deadline moving on.

mod holds;
mod says;
#[path = "../support/mod.rs"]
mod support;

use agent_core::{
    Agent,
    action::{Action, FeatureAction, MessageState, RequestId, Source},
    id::{AccountId, CallId},
    party::{Party, Sdp},
    pbx::BUILT_IN,
    port::{
        Effect, Event, Neighbour,
        sip::{Circumstances, SipCommand, SipEvent, TransferEvent},
        store::{PasswordQuestion, StoreEvent},
    },
    settings::{Language, OpenRule, RemoteDial, Settings},
    time::Now,
    view::View,
};
use proptest::prelude::*;
use says::{NEIGHBOURS, action, answer, feature, nonsense, password, plugin, transfer};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// One random step. The numbers are folded onto what there is when the step is played.
#[derive(Debug, Clone)]
enum Step {
    /// A call comes in: withheld, without an offer, to ring with one of ours.
    Incoming(bool, bool, bool),
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
    /// The settings change: the rules, and sometimes which account is where.
    Settings(u8),
    /// Some question for a password that ever was is answered: late, or again.
    Password(u8, u8),
    /// A neighbour breaks.
    Broken(u8),
    /// An account is to be connected anew.
    Reconnect(bool),
    /// The user hands a call over, or joins calls.
    Feature(u8, u8, u8),
    /// The wire says something of calls that change hands.
    Transfer(u8, u8),
    /// A call comes in that takes the place of some call.
    Replacing(u8),
    /// The PBX asks for a call.
    RemoteDial(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(w, o, r)| Step::Incoming(w && o, o, o && r)),
        7 => (any::<u8>(), proptest::option::of(any::<u8>())).prop_map(|(a, c)| Step::User(a, c)),
        2 => any::<u8>().prop_map(Step::Dial),
        14 => (any::<u8>(), any::<u8>()).prop_map(|(i, how)| Step::Respond(i, how)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(what, call)| Step::Nonsense(what, call)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(what, call)| Step::Plugin(what, call)),
        1 => any::<u16>().prop_map(Step::Wait),
        1 => Just(Step::Deadline),
        1 => any::<u8>().prop_map(Step::Settings),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(which, how)| Step::Password(which, how)),
        1 => any::<u8>().prop_map(Step::Broken),
        1 => any::<bool>().prop_map(Step::Reconnect),
        4 => (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(w, c, o)| Step::Feature(w, c, o)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(what, call)| Step::Transfer(what, call)),
        1 => any::<u8>().prop_map(Step::Replacing),
        1 => any::<u8>().prop_map(Step::RemoteDial),
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
    finals: u32,
    entries: u32,
    pops: u32,
    clicks: u32,
    established: bool,
    /// It is being handed over.
    leaving: bool,
    /// It takes another's place, and its microphone as it is.
    placed: bool,
    /// It is to ring with an offer of ours.
    rings_with_offer: bool,
    /// Their re-INVITE waits for our word.
    reoffered: bool,
    /// It began while the microphone was muted.
    begun_muted: bool,
}

struct World {
    agent: Agent,
    now: Now,
    view: View,
    focus: Option<CallId>,
    /// Who hears whom.
    mixed: Vec<CallId>,
    muted: bool,
    seen: BTreeMap<CallId, Seen>,
    /// What neighbours were asked and have not answered.
    open: VecDeque<Effect>,
    /// Every question for a password that ever was.
    questions: Vec<PasswordQuestion>,
    /// Text messages, each where it stood last.
    texts: BTreeMap<u64, MessageState>,
    /// What the PBX asked for outside of a call, and whether it was agreed to.
    wishes: BTreeMap<u64, bool>,
    /// Requests whose answer takes its time.
    waiting: BTreeSet<RequestId>,
    /// Neighbours that broke and were not started anew.
    down: BTreeSet<Neighbour>,
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
            mixed: Vec::new(),
            muted: false,
            seen: BTreeMap::new(),
            open: VecDeque::new(),
            questions: Vec::new(),
            texts: BTreeMap::new(),
            wishes: BTreeMap::new(),
            waiting: BTreeSet::new(),
            down: BTreeSet::new(),
            next_call: 1,
            next_request: 1,
            finished: 0,
        };
        let (name, text) = BUILT_IN.iter().find(|(name, _)| *name == "freepbx").unwrap();
        let profile = toml::from_str(text).unwrap();
        world.tell(Event::Store(StoreEvent::Profiles([((*name).to_owned(), profile)].into())));
        world.settings(0);
        while !world.open.is_empty() {
            world.respond(0, 0);
        }
        world
    }

    fn settings(&mut self, variant: u8) {
        let mut settings = Settings { language: Language::En, ..Settings::default() };
        settings.accounts = match variant % 16 {
            1 => vec![support::account(1), support::account(0)],
            2 => vec![support::account(1)],
            3 => vec![support::account(2), support::account(1)],
            _ => vec![support::account(0), support::account(1)],
        };
        // At the one PBX codes switch, at the other this program does.
        for account in &mut settings.accounts {
            account.profile =
                if account.aor.contains("1001") { "freepbx".to_owned() } else { "none".to_owned() };
        }
        if variant % 16 == 4 {
            settings.accounts[0].username = Some("other".to_owned());
        }
        if variant.is_multiple_of(3) {
            settings.accounts[0].remote_dial = RemoteDial::Follow;
        }
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
            Step::Incoming(..) if self.down.contains(&Neighbour::Sip) => {}
            Step::Incoming(withheld, bare, rings) => self.incoming(withheld, bare, (false, rings)),
            Step::Feature(what, call, other) => {
                let (call, other) = (self.any_call(call), self.any_call(other));
                self.user(Action::Feature(feature(what, call, other)));
            }
            Step::Transfer(..) | Step::Replacing(_) | Step::RemoteDial(_)
                if self.down.contains(&Neighbour::Sip) => {}
            Step::Transfer(what, call) => {
                let event = transfer(what, self.any_call(call));
                self.tell(Event::Sip(SipEvent::Transfer(event)));
            }
            Step::Replacing(old) => {
                let (call, old) = (CallId(self.next_call), self.any_call(old));
                self.tell(Event::Sip(SipEvent::Transfer(TransferEvent::Replacing { call, old })));
                self.incoming(false, old.0.is_multiple_of(3), (true, old.0.is_multiple_of(6)));
            }
            Step::RemoteDial(what) => self.remote_dial(what),
            Step::User(what, call) => {
                let call = call.map(|pick| self.any_call(pick));
                self.user(action(what, call));
            }
            Step::Dial(pick) => {
                let texts = ["600", "601", "112", "*21*600#", "", "sip:alice@pbx.example", "nobody"];
                let source =
                    [Source::Typed, Source::Typed, Source::Selection, Source::Link][usize::from(pick) / 64];
                let text = texts[usize::from(pick) % texts.len()].to_owned();
                self.user(Action::Dial { text, source, account: None, withhold: false });
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
            Step::Password(which, how) if !self.questions.is_empty() => {
                let event = password(&self.questions[usize::from(which) % self.questions.len()], how);
                self.tell(event);
            }
            Step::Password(..) => {}
            Step::Broken(pick) => self.tell(Event::Broken(NEIGHBOURS[usize::from(pick) % NEIGHBOURS.len()])),
            Step::Reconnect(all) => {
                self.user(Action::Feature(FeatureAction::Reconnect {
                    account: (!all).then_some(AccountId(1)),
                }));
            }
        }
    }

    fn remote_dial(&mut self, what: u8) {
        let TransferEvent::Asked { target, .. } = transfer(4 + what % 6, CallId(0)) else { return };
        let request = self.next_request;
        self.next_request += 1;
        self.wishes.insert(request, false);
        let account = AccountId(u32::from(what % 3));
        let event = TransferEvent::RemoteDial { account, request, target };
        self.tell(Event::Sip(SipEvent::Transfer(event)));
    }

    fn incoming(&mut self, withheld: bool, bare: bool, (placed, rings_with_offer): (bool, bool)) {
        let call = CallId(self.next_call);
        self.next_call += 2;
        self.seen.insert(call, Seen { incoming: true, placed, rings_with_offer, ..Seen::default() });
        let number = if withheld { String::new() } else { format!("{}", 1000 + call.0) };
        self.tell(Event::Sip(SipEvent::Incoming {
            call,
            account: AccountId(u32::from(bare)),
            party: Party { number, name: None, uri: String::new(), withheld },
            called: "1001".to_owned(),
            local: "192.0.2.10".parse().unwrap(),
            offer: (!bare).then(|| Sdp(b"offer".to_vec())),
            with: Box::new(Circumstances { rings_with_offer, ..Circumstances::default() }),
            unfit: None,
        }));
        let seen = &self.seen[&call];
        // One that takes another's place is answered without a ring.
        let taken = seen.on_the_wire || seen.over || seen.media_open;
        assert!(taken || self.finished > 0, "{call:?} was left without a word");
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
        if let Effect::Sip(SipCommand::Register { account, .. }) = &asked {
            let (account, local) = (*account, "192.0.2.10".parse().unwrap());
            self.tell(Event::Sip(SipEvent::Address { account, local }));
        }
        let event = answer(&asked, how);
        if let Some(Event::Sip(SipEvent::Progress { .. })) = event {
            // Branches of a fork: more may be said of it, and by others.
            self.open.push_back(asked);
        }
        if let Some(event) = event {
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
        match &event {
            Event::Broken(who) => self.broken(*who),
            Event::Restarted(who) => self.restarted(*who),
            _ => {}
        }
        if let Event::Sip(SipEvent::Transfer(
            TransferEvent::Failed { call, .. } | TransferEvent::Done { call },
        )) = &event
            && let Some(seen) = self.seen.get_mut(call)
        {
            seen.leaving = false;
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
                assert!(Some(*to) == request || self.waiting.remove(to), "{event:?}: answered twice");
                replies += u32::from(Some(*to) == request);
            }
            self.effect(effect);
        }
        let slow = matches!(
            &event,
            Event::User {
                action: Action::Feature(
                    FeatureAction::Forward { .. } | FeatureAction::Dnd { .. } | FeatureAction::Queue { .. }
                ),
                ..
            }
        );
        match request.filter(|_| slow && replies == 0) {
            Some(request) => assert!(self.waiting.insert(request)),
            None => assert_eq!(replies, u32::from(request.is_some()), "{event:?}"),
        }
        self.check();
    }

    /// Whatever a neighbour carried is gone with it, and it answers nothing any more.
    fn broken(&mut self, who: Neighbour) {
        self.down.insert(who);
        self.open.retain(|asked| match asked {
            Effect::Sip(_) => who != Neighbour::Sip,
            Effect::Media(_) => who != Neighbour::Media,
            Effect::Store(_) => who != Neighbour::Store,
            // It broke as it began: it was too late for the word that it did.
            Effect::Restart(of) => who != *of,
            _ => true,
        });
        if who == Neighbour::Sip {
            self.wishes.clear();
            for seen in self.seen.values_mut() {
                seen.over = true;
                seen.ended_by_wire = true;
            }
        }
    }

    /// It knows nothing of before.
    fn restarted(&mut self, who: Neighbour) {
        self.down.remove(&who);
        match who {
            Neighbour::Media => {
                (self.focus, self.muted) = (None, false);
                self.mixed.clear();
            }
            Neighbour::Shell => self.view = View::default(),
            _ => {}
        }
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
