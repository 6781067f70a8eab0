//! Two endpoints on a bad network: whatever is lost, repeated, late or out of order, both sides end the same.

use crate::{
    script::ACCOUNT,
    world::{Faults, Who, World, sdp},
};
use agent_core::{
    id::CallId,
    port::sip::{CallEnd, Reject, SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::config::{Callers, Config};
use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};

/// What one side sees of one call.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    up: bool,
    ended: Option<CallEnd>,
    ends: u32,
}

/// What the users of a run do.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ring,
    Accept,
    Reject,
    CalleeHangsUp,
    CallerHangsUp,
    CallerHolds,
    CalleeHolds,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Ring),
        4 => Just(Step::Accept),
        1 => Just(Step::Reject),
        1 => Just(Step::CalleeHangsUp),
        1 => Just(Step::CallerHangsUp),
        2 => Just(Step::CallerHolds),
        2 => Just(Step::CalleeHolds),
        6 => (0_u64..6000).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..14)
}

/// A phone whose account is not registered anywhere (its registrar is itself and says 404), which is enough to call and
/// to be called straight.
fn phone(world: &mut World, ip: &str, user: &str) -> Who {
    // These call each other straight.
    let config = Config { keep_alive: Duration::ZERO, callers: Callers::Anyone, ..Config::default() };
    let phone = world.phone(ip, config);
    let settings = AccountSettings {
        aor: format!("sip:{user}@{ip}"),
        registrar: Some("sip:192.0.2.99".to_owned()),
        ..AccountSettings::default()
    };
    world.command(
        phone,
        SipCommand::Register { account: ACCOUNT, settings, password: Secret::new("x".to_owned()) },
    );
    phone
}

struct Run {
    world: World,
    caller: Who,
    callee: Who,
    seen: [BTreeMap<CallId, Seen>; 2],
}

impl Run {
    fn new(seed: u64, faults: Faults) -> Self {
        let mut world = World::new(seed);
        // The way out of the caller's account leads to the callee, as over a PBX that does nothing.
        let callee = phone(&mut world, "192.0.2.2", "1002");
        let caller = phone(&mut world, "192.0.2.1", "1001");
        world.faults = faults;
        let mut run = Self { world, caller, callee, seen: Default::default() };
        let (account, offer) = (ACCOUNT, sdp("offer"));
        run.route_to_callee();
        run.world.command(
            caller,
            SipCommand::Invite {
                call: CallId(2),
                account,
                target: "sip:1002@192.0.2.2".into(),
                offer,
                withhold: false,
            },
        );
        run
    }

    /// The caller's registrar address becomes the callee's, so that what it sends by way of it arrives there.
    fn route_to_callee(&mut self) {
        let (from, to) = ("192.0.2.2:5060".parse().unwrap(), "192.0.2.99:5060".parse().unwrap());
        self.world.seen_as.insert(from, to);
    }

    /// Takes what both sides told, answers what wants an answer, and keeps the score.
    fn watch(&mut self) {
        for (at, who) in [(0, self.caller), (1, self.callee)] {
            while let Some(event) = self.world.events(who).pop_front() {
                match event {
                    SipEvent::Incoming { call, .. } => {
                        self.seen[at].entry(call).or_default();
                    }
                    SipEvent::Answered { call, .. } | SipEvent::Confirmed { call, .. } => {
                        self.seen[at].entry(call).or_default().up = true;
                    }
                    SipEvent::Reoffer { call, .. } => {
                        self.world.command(who, SipCommand::AnswerReoffer { call, answer: Ok(sdp("ok")) });
                    }
                    SipEvent::Ended { call, end } => {
                        let seen = self.seen[at].entry(call).or_default();
                        seen.ends += 1;
                        seen.ended = Some(end);
                    }
                    _ => {}
                }
            }
        }
    }

    fn act(&mut self, step: Step) {
        let incoming = self.seen[1].keys().next().copied();
        let (callee, caller, ours) = (self.callee, self.caller, CallId(2));
        match (step, incoming) {
            (Step::Wait(millis), _) => self.pass(Duration::from_millis(millis)),
            (Step::CallerHangsUp, _) => self.world.command(caller, SipCommand::Hangup { call: ours }),
            (Step::CallerHolds, _) => {
                self.world.command(caller, SipCommand::Reoffer { call: ours, offer: sdp("hold") })
            }
            (_, None) => {}
            (Step::Ring, Some(call)) => self.world.command(callee, SipCommand::Ring { call }),
            (Step::Accept, Some(call)) => {
                self.world.command(callee, SipCommand::Accept { call, answer: sdp("answer") })
            }
            (Step::Reject, Some(call)) => {
                self.world.command(callee, SipCommand::Reject { call, why: Reject::Busy })
            }
            (Step::CalleeHangsUp, Some(call)) => self.world.command(callee, SipCommand::Hangup { call }),
            (Step::CalleeHolds, Some(call)) => {
                self.world.command(callee, SipCommand::Reoffer { call, offer: sdp("hold") });
            }
        }
        self.watch();
    }

    /// Time passes in small pieces, so that what is told is answered soon.
    fn pass(&mut self, time: Duration) {
        let end = self.world.clock() + time;
        while self.world.clock() < end {
            let rest = end - self.world.clock();
            self.world.pass(rest.min(Duration::from_millis(20)));
            self.watch();
        }
    }
}

fn check(seed: u64, faults: Faults, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut run = Run::new(seed, faults);
    for step in steps {
        run.act(step);
    }
    // Long enough for every timer; then either both are talking, or neither is.
    run.pass(Duration::from_secs(100));
    let talking: Vec<bool> =
        run.seen.iter().map(|calls| calls.values().any(|seen| seen.up && seen.ended.is_none())).collect();
    prop_assert_eq!(talking[0], talking[1], "one side talks to nobody: {:?}", run.seen);
    run.world.faults = Faults::default();
    let waiting: Vec<CallId> =
        run.seen[1].iter().filter(|(_, seen)| seen.ended.is_none()).map(|(id, _)| *id).collect();
    run.world.command(run.caller, SipCommand::Hangup { call: CallId(2) });
    run.pass(Duration::from_secs(40));
    for call in waiting {
        run.world.command(run.callee, SipCommand::Hangup { call });
    }
    run.pass(Duration::from_secs(100));
    for calls in &run.seen {
        for (call, seen) in calls {
            prop_assert_eq!(seen.ends, 1, "{:?} was told its end so many times: {:?}", call, seen);
        }
    }
    for who in [run.caller, run.callee] {
        run.world.command(who, SipCommand::Shutdown { within: Duration::from_secs(1) });
        run.world.pass(Duration::from_secs(100));
        let load = run.world.load(who);
        prop_assert_eq!((load.calls, load.clients, load.servers), (0, 0, 0));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_end_the_same(
        seed in any::<u64>(),
        loss in 0_u64..40,
        duplicates in 0_u64..30,
        delay_ms in prop_oneof![4 => 0_u64..200, 1 => 200_u64..4000],
        jitter_ms in 0_u64..400,
        steps in steps(),
    ) {
        check(seed, Faults { loss, duplicates, delay_ms, jitter_ms }, steps)?;
    }
}

#[test]
fn a_call_gets_through_a_network_that_loses_a_third() {
    let mut through = 0;
    for seed in 0..50 {
        let mut run = Run::new(seed, Faults { loss: 33, duplicates: 10, delay_ms: 20, jitter_ms: 60 });
        run.pass(Duration::from_secs(10));
        run.act(Step::Ring);
        run.act(Step::Accept);
        run.pass(Duration::from_secs(20));
        through += u32::from(
            run.seen.iter().all(|calls| calls.values().any(|seen| seen.up && seen.ended.is_none())),
        );
    }
    assert!(through >= 48, "{through} of 50");
}
