//! Three whole phones at one PBX and a bad network: forks, transfers, PRACK, session timers, restarts. Whatever is lost,
//! repeated, late or out of order: in the end whoever talks is talked to.

use crate::{
    exchange::Exchange,
    script::settings,
    whole::Phone,
    world::{Faults, World},
};
use agent_core::{
    action::{Action, CallState, FeatureAction, Source},
    id::CallId,
    port::sip::transfer::DialogRef,
    settings::AccountSettings,
};
use agent_sip::config::Config;
use proptest::prelude::*;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

const PBX: &str = "192.0.2.10";
const PHONES: [&str; 3] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
const NUMBERS: [&str; 3] = ["1001", "1002", "1003"];
/// Rings the second and the third phone.
const GROUP: &str = "1009";

/// What somebody does; the numbers are phones, and which of its calls is meant.
#[derive(Debug, Clone, Copy)]
enum Step {
    Dial(usize, usize),
    Group,
    Answer(usize),
    Decline(usize),
    Hangup(usize, usize),
    Hold(usize, usize),
    Resume(usize, usize),
    Blind(usize, usize, usize),
    Connect(usize),
    Deflect(usize, usize),
    Restart(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (phone, call) = (0_usize..3, 0_usize..2);
    let step = prop_oneof![
        5 => (phone.clone(), phone.clone()).prop_map(|(a, b)| Step::Dial(a, b)),
        2 => Just(Step::Group),
        8 => phone.clone().prop_map(Step::Answer),
        1 => phone.clone().prop_map(Step::Decline),
        1 => (phone.clone(), call.clone()).prop_map(|(a, c)| Step::Hangup(a, c)),
        1 => (phone.clone(), call.clone()).prop_map(|(a, c)| Step::Hold(a, c)),
        1 => (phone.clone(), call.clone()).prop_map(|(a, c)| Step::Resume(a, c)),
        4 => (phone.clone(), call, phone.clone()).prop_map(|(a, c, b)| Step::Blind(a, c, b)),
        4 => phone.clone().prop_map(Step::Connect),
        1 => (phone.clone(), phone.clone()).prop_map(|(a, b)| Step::Deflect(a, b)),
        1 => phone.prop_map(Step::Restart),
        9 => (0_u64..6000).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..25)
}

struct Office {
    world: World,
    phones: Vec<Phone>,
    account: fn(usize, bool) -> AccountSettings,
    reliable: bool,
}

/// Its line: sessions that give no sign of life for a minute and a half end.
fn account(at: usize, reliable: bool) -> AccountSettings {
    AccountSettings {
        aor: format!("sip:{}@pbx.example", NUMBERS[at]),
        session_timer: 90,
        reliable_ringing: reliable,
        ..settings(None)
    }
}

fn config() -> Config {
    Config { expires: Duration::from_secs(3600), keep_alive: Duration::ZERO, ..Config::default() }
}

impl Office {
    fn open(seed: u64, faults: Faults, reliable: bool) -> Self {
        let mut world = World::new(seed);
        let ip = |text: &str| text.parse().expect("an address");
        let mut lines: BTreeMap<_, _> =
            NUMBERS.iter().zip(PHONES).map(|(number, at)| ((*number).to_owned(), vec![ip(at)])).collect();
        lines.insert(GROUP.to_owned(), vec![ip(PHONES[1]), ip(PHONES[2])]);
        world.exchange =
            Some(Exchange { ip: ip(PBX), lines, rang: RefCell::default(), contacts: RefCell::default() });
        let who: Vec<_> = PHONES.iter().map(|at| world.phone(at, config())).collect();
        let phones = who
            .into_iter()
            .enumerate()
            .map(|(at, who)| Phone::registering(&mut world, who, account(at, reliable)))
            .collect();
        let mut office = Self { world, phones, account, reliable };
        office.pass(Duration::from_secs(1));
        office.world.faults = faults;
        office
    }

    /// Time passes, and everything that is due is done in its moment.
    fn pass(&mut self, time: Duration) {
        let end = self.world.clock() + time;
        loop {
            for phone in &mut self.phones {
                phone.turn(&mut self.world);
            }
            let now = self.world.clock();
            if now >= end {
                return;
            }
            let due = self.phones.iter().filter_map(Phone::due).chain(self.world.due()).min().unwrap_or(end);
            self.world.pass(due.clamp(now, end) - now);
        }
    }

    fn user(&mut self, at: usize, action: Action) {
        self.phones[at].user(&mut self.world, action);
        self.pass(Duration::ZERO);
    }

    fn dial(&mut self, at: usize, number: &str) {
        let text = number.to_owned();
        self.user(at, Action::Dial { text, source: Source::Typed, account: None, withhold: false });
    }

    /// The calls of a phone that stand: which, and with whom.
    fn talks(&mut self, at: usize) -> Vec<(CallId, String)> {
        let calls = self.phones[at].calls(&self.world);
        let up = calls.into_iter().filter(|call| call.state == CallState::Established);
        up.map(|call| (call.call, call.party.number)).collect()
    }

    fn act(&mut self, step: Step) {
        let call = |office: &mut Self, at: usize, nth: usize| {
            office.talks(at).get(nth).map(|(call, _)| *call).unwrap_or(CallId(999))
        };
        match step {
            Step::Wait(millis) => self.pass(Duration::from_millis(millis)),
            Step::Dial(at, to) => self.dial(at, NUMBERS[to]),
            Step::Group => self.dial(0, GROUP),
            Step::Answer(at) => self.user(at, Action::Answer { call: None }),
            Step::Decline(at) => self.user(at, Action::Decline { call: None }),
            Step::Hangup(at, nth) => {
                let call = Some(call(self, at, nth));
                self.user(at, Action::Hangup { call });
            }
            Step::Hold(at, nth) => {
                let call = Some(call(self, at, nth));
                self.user(at, Action::Hold { call });
            }
            Step::Resume(at, nth) => {
                let call = Some(call(self, at, nth));
                self.user(at, Action::Resume { call });
            }
            Step::Blind(at, nth, to) => {
                let call = Some(call(self, at, nth));
                let to = Some(NUMBERS[to].to_owned());
                self.user(at, Action::Feature(FeatureAction::Transfer { call, to, with: None }));
            }
            Step::Connect(at) => {
                let (call, with) = (Some(call(self, at, 0)), Some(call(self, at, 1)));
                self.user(at, Action::Feature(FeatureAction::Transfer { call, to: None, with }));
            }
            Step::Deflect(at, to) => {
                let to = NUMBERS[to].to_owned();
                self.user(at, Action::Feature(FeatureAction::Deflect { call: None, to }));
            }
            Step::Restart(at) => {
                let who = self.phones[at].who;
                self.world.restart(who, config());
                let account = (self.account)(at, self.reliable);
                self.phones[at] = Phone::registering(&mut self.world, who, account);
                self.pass(Duration::ZERO);
            }
        }
    }

    /// How often each phone talks to each.
    fn talking(&mut self) -> BTreeMap<(usize, String), usize> {
        let mut count = BTreeMap::new();
        for at in 0..3 {
            for (_, number) in self.talks(at) {
                *count.entry((at, number)).or_insert(0) += 1;
            }
        }
        count
    }

    /// The talks one side of which talks to nobody.
    fn one_sided(&mut self) -> Vec<String> {
        let count = self.talking();
        let other = |at: usize, number: &str| {
            let with = NUMBERS.iter().position(|own| *own == number)?;
            count.get(&(with, NUMBERS[at].to_owned())).copied()
        };
        let odd = count.iter().filter(|((at, number), times)| other(*at, number) != Some(**times));
        odd.map(|((at, number), times)| format!("{} with {number} x{times}", NUMBERS[*at])).collect()
    }
}

fn check(seed: u64, faults: Faults, reliable: bool, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut office = Office::open(seed, faults, reliable);
    for step in steps {
        office.act(step);
    }
    office.pass(Duration::from_secs(60));
    office.world.faults = Faults::default();
    // Long enough for every timer, that of the sessions included.
    office.pass(Duration::from_secs(250));
    let odd = office.one_sided();
    prop_assert!(odd.is_empty(), "somebody talks to nobody: {:?} of {:?}", odd, office.talking());
    for at in 0..3 {
        for (call, _) in office.talks(at) {
            office.user(at, Action::Hangup { call: Some(call) });
        }
    }
    office.pass(Duration::from_secs(100));
    for at in 0..3 {
        let left = office.phones[at].calls(&office.world);
        prop_assert!(left.is_empty(), "{:?}", left);
        let load = office.world.load(office.phones[at].who);
        prop_assert_eq!((load.calls, load.clients, load.servers), (0, 0, 0));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 1000, ..ProptestConfig::default() })]

    #[test]
    fn whoever_talks_is_talked_to(
        seed in any::<u64>(),
        loss in 0_u64..35,
        duplicates in 0_u64..30,
        delay_ms in prop_oneof![4 => 0_u64..200, 1 => 200_u64..4000],
        jitter_ms in 0_u64..400,
        reliable in any::<bool>(),
        steps in steps(),
    ) {
        check(seed, Faults { loss, duplicates, delay_ms, jitter_ms }, reliable, steps)?;
    }
}

/// What a network does that loses a fifth of everything.
const BAD: Faults = Faults { loss: 20, duplicates: 10, delay_ms: 30, jitter_ms: 90 };

/// Of forty offices on a bad network, how many have these two, and nobody else, talk to each other after `story`.
fn stories(story: impl Fn(&mut Office), one: usize, other: usize) -> usize {
    let talk = |seed| {
        let mut office = Office::open(seed, BAD, seed.is_multiple_of(2));
        story(&mut office);
        office.pass(Duration::from_secs(40));
        let (one_with, other_with) = ((one, NUMBERS[other].to_owned()), (other, NUMBERS[one].to_owned()));
        let fine = office.talking() == BTreeMap::from([(one_with, 1), (other_with, 1)]);
        office.world.faults = Faults::default();
        office.pass(Duration::from_secs(250));
        assert_eq!(office.one_sided(), Vec::<String>::new(), "seed {seed}");
        fine
    };
    (0..40).filter(|seed| talk(*seed)).count()
}

/// The first phone calls another one, which answers.
fn calls(office: &mut Office, to: usize) {
    office.act(Step::Dial(0, to));
    office.pass(Duration::from_secs(8));
    office.act(Step::Answer(to));
    office.pass(Duration::from_secs(8));
}

#[test]
fn a_call_is_sent_on_through_a_network_that_loses_a_fifth() {
    let story = |office: &mut Office| {
        calls(office, 1);
        office.act(Step::Blind(0, 0, 2));
        office.pass(Duration::from_secs(15));
        office.act(Step::Answer(2));
    };
    let through = stories(story, 1, 2);
    assert!(through >= 36, "{through} of 40");
}

#[test]
fn two_calls_are_connected_through_a_network_that_loses_a_fifth() {
    let story = |office: &mut Office| {
        calls(office, 1);
        calls(office, 2);
        office.act(Step::Connect(0));
    };
    let through = stories(story, 1, 2);
    assert!(through >= 36, "{through} of 40");
}

/// The third phone picks up what rings at the second: it takes the place of the early dialog at the caller, who began it
/// (RFC 3891 section 3), and the second phone stops ringing.
#[test]
fn a_call_that_rings_is_picked_up_through_a_network_that_loses_a_fifth() {
    let still = Cell::new(0);
    let story = |office: &mut Office| {
        office.act(Step::Dial(0, 1));
        office.pass(Duration::from_secs(10));
        let rang = office.world.exchange.as_ref().and_then(|exchange| exchange.rang.borrow().clone());
        let [call_id, caller, called] = rang.expect("it rings");
        let dialog = Some(DialogRef { call_id, to_tag: caller, from_tag: called });
        let number = Some(NUMBERS[0].to_owned());
        office.user(2, Action::Feature(FeatureAction::Pickup { account: None, number, dialog }));
        office.pass(Duration::from_secs(20));
        if !office.phones[1].calls(&office.world).is_empty() {
            still.set(still.get() + 1);
        }
    };
    let through = stories(story, 0, 2);
    assert!(through >= 36, "{through} of 40");
    assert!(still.get() <= 4, "the second phone went on ringing {} times of 40", still.get());
}

/// Both phones of a group are answered in the same moment: one of them talks, the other is hung up on.
#[test]
fn of_two_that_pick_up_at_once_one_talks() {
    for seed in 0..20 {
        let mut office = Office::open(seed, BAD, seed.is_multiple_of(2));
        office.act(Step::Group);
        office.pass(Duration::from_secs(10));
        office.act(Step::Answer(1));
        office.act(Step::Answer(2));
        office.pass(Duration::from_secs(40));
        let talks = office.talks(0);
        assert_eq!(talks.len(), 1, "seed {seed}: {talks:?}");
        assert_eq!(office.one_sided(), Vec::<String>::new(), "seed {seed}");
    }
}

/// A phone that begins anew knows nothing of its calls: the other side learns it when it refreshes the session, if not
/// sooner, and does not talk to nobody for longer than the session lasts.
#[test]
fn who_was_in_a_call_with_a_phone_that_restarts_is_free_again() {
    for seed in 0..20 {
        let mut office = Office::open(seed, BAD, false);
        calls(&mut office, 1);
        assert_eq!(office.talks(0).len(), 1, "seed {seed}");
        let who = usize::from(seed.is_multiple_of(2));
        office.act(Step::Restart(who));
        office.pass(Duration::from_secs(90 + 32));
        assert_eq!(office.talking(), BTreeMap::new(), "seed {seed}");
        office.act(Step::Dial(who, 2));
        office.pass(Duration::from_secs(10));
        office.act(Step::Answer(2));
        office.pass(Duration::from_secs(10));
        assert_eq!(office.talks(who).len(), 1, "seed {seed}: it calls and is called as before");
    }
}
