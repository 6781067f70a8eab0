//! Many calls: nothing of a call that is over is kept, and what is drawn does not grow with what there is.

mod support;

use agent_core::{
    Agent,
    action::Action,
    caller::CallerCard,
    id::{AccountId, CallId},
    party::{Party, Sdp},
    port::{
        Effect, Event,
        host::{HostCommand, HostEvent},
        media::{Flow, MediaCommand, MediaEvent},
        sip::{CallEnd, SipCommand, SipEvent},
        store::{StoreCommand, StoreEvent},
    },
    settings::Settings,
    time::Now,
};
use std::collections::BTreeSet;

fn drain(agent: &mut Agent) -> Vec<Effect> {
    std::iter::from_fn(|| agent.poll_effect()).collect()
}

fn tell(agent: &mut Agent, now: Now, event: Event) -> Vec<Effect> {
    agent.handle(now, event);
    drain(agent)
}

fn incoming(call: CallId) -> Event {
    Event::Sip(SipEvent::Incoming {
        call,
        account: AccountId(0),
        party: Party { number: format!("{}", 1000 + call.0 % 9000), ..Party::default() },
        called: "1001".to_owned(),
        local: "192.0.2.10".parse().unwrap(),
        offer: Some(Sdp(b"offer".to_vec())),
        with: Box::default(),
        unfit: None,
    })
}

fn ready(now: Now) -> Agent {
    let mut agent = Agent::new();
    let settings = Settings { accounts: vec![support::account(0)], ..Settings::default() };
    tell(&mut agent, now, Event::Store(StoreEvent::Settings(Box::new(settings))));
    agent
}

#[test]
fn ten_thousand_calls_leave_nothing_behind() {
    let now = support::start_of_time();
    let mut agent = ready(now);
    let before = format!("{agent:?}").len();
    for n in 0..10_000 {
        let call = CallId(n * 2 + 1);
        tell(&mut agent, now, incoming(call));
        let card = CallerCard { source: "crm".to_owned(), name: "Alice".to_owned(), ..CallerCard::default() };
        tell(&mut agent, now, Event::Host(HostEvent::Found { call, card }));
        if n % 2 == 0 {
            tell(&mut agent, now, Event::User { request: None, action: Action::Answer { call: Some(call) } });
            let sdp = Sdp(b"answer".to_vec());
            tell(&mut agent, now, Event::Media(MediaEvent::Accepted { call, sdp, flow: Flow::SendRecv }));
            tell(&mut agent, now, Event::Sip(SipEvent::Confirmed { call, answer: None }));
        }
        let end =
            if n % 2 == 0 { CallEnd::RemoteHangup } else { CallEnd::Cancelled { elsewhere: n % 3 == 0 } };
        tell(&mut agent, now, Event::Sip(SipEvent::Ended { call, end }));
    }
    // Some toasts of missed calls are left, and the last view.
    let after = format!("{agent:?}").len();
    assert!(after < before + 16_000, "{before} became {after} characters");
}

#[test]
fn a_thousand_calls_are_each_served_and_drawn_in_bounds() {
    let now = support::start_of_time();
    let mut agent = ready(now);
    let (mut rung, mut looked_up, mut written) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for n in 0..1000 {
        let effects = tell(&mut agent, now, incoming(CallId(n * 2 + 1)));
        assert!(effects.len() < 12, "{}", effects.len());
        assert!(matches!(effects[0], Effect::Sip(SipCommand::Ring { .. })), "180 goes out first");
        for effect in effects {
            match effect {
                Effect::Sip(SipCommand::Ring { call }) => assert!(rung.insert(call)),
                Effect::Host(HostCommand::Lookup { call, .. }) => assert!(looked_up.insert(call)),
                Effect::Store(StoreCommand::Journal(entry)) => assert!(written.insert(entry.key)),
                Effect::View(view) => assert!(view.toasts.len() <= 6 && view.tray.menu.len() < 40),
                _ => {}
            }
        }
    }
    assert_eq!((rung.len(), looked_up.len(), written.len()), (1000, 1000, 1000));
    // One more is one too many, and is told so.
    let effects = tell(&mut agent, now, incoming(CallId(2001)));
    assert!(matches!(effects[0], Effect::Sip(SipCommand::Reject { call: CallId(2001), .. })));
    // All are answered, one after the other: at any time at most one has the microphone.
    for n in 0..1000 {
        let call = CallId(n * 2 + 1);
        let answer = Event::User { request: None, action: Action::Answer { call: Some(call) } };
        let effects = tell(&mut agent, now, answer);
        let focus: Vec<&Effect> =
            effects.iter().filter(|e| matches!(e, Effect::Media(MediaCommand::Focus { .. }))).collect();
        assert_eq!(focus, [&Effect::Media(MediaCommand::Focus { call: Some(call) })]);
    }
}

#[test]
fn a_flood_of_calls_fills_neither_memory_nor_journal() {
    let mut now = support::start_of_time();
    let mut agent = ready(now);
    let (mut written, mut toasts) = (BTreeSet::new(), 0);
    let mut sums = 0;
    let mut note = |effects: Vec<Effect>| {
        for effect in effects {
            match effect {
                Effect::Store(StoreCommand::Journal(entry)) if entry.key.ends_with("-flood") => sums += 1,
                Effect::Store(StoreCommand::Journal(entry)) => drop(written.insert(entry.key)),
                Effect::View(view) => toasts = toasts.max(view.toasts.len()),
                _ => {}
            }
        }
    };
    // 2,000 a second for five seconds, and nobody gives up.
    for n in 0..10_000 {
        note(tell(&mut agent, now, incoming(CallId(n * 2 + 1))));
        if n % 20 == 19 {
            now = now.plus(std::time::Duration::from_millis(10));
            while agent.poll_timeout().is_some_and(|next| next <= now.at) {
                note(tell(&mut agent, now, Event::Timeout));
            }
        }
    }
    let size = format!("{agent:?}").len();
    assert!(toasts <= 12, "{toasts} toasts at once");
    assert!((1000..2600).contains(&written.len()), "{} lines of the journal", written.len());
    assert!((3..=5).contains(&sums), "{sums} lines for the rest");
    assert!(size < 4_000_000, "{size} characters of memory with a thousand calls ringing");
    // Once it is over, the rest is summed up and the next call has a line of its own again.
    for n in 0..10_000 {
        let (call, end) = (CallId(n * 2 + 1), CallEnd::Cancelled { elsewhere: false });
        tell(&mut agent, now, Event::Sip(SipEvent::Ended { call, end }));
    }
    now = now.plus(std::time::Duration::from_secs(10));
    let effects = tell(&mut agent, now, Event::Timeout);
    assert!(
        effects.iter().any(
            |e| matches!(e, Effect::Store(StoreCommand::Journal(entry)) if entry.key.ends_with("-flood"))
        )
    );
    let effects = tell(&mut agent, now, incoming(CallId(30_001)));
    assert!(effects.iter().any(|e| matches!(e, Effect::Store(StoreCommand::Journal(_)))));
    assert!(format!("{agent:?}").len() < 40_000);
}

/// Prints how long one call takes with a thousand others up: `cargo test -p agent-core --release --test load -- --ignored --nocapture`.
#[test]
#[ignore = "measures; nothing to fail on a busy machine"]
#[expect(clippy::disallowed_methods, reason = "measuring needs a clock")]
fn how_long_one_call_takes() {
    let now = support::start_of_time();
    let mut agent = ready(now);
    for n in 0..990 {
        tell(&mut agent, now, incoming(CallId(n * 2 + 1)));
    }
    let mut ringing = Vec::new();
    let mut all = Vec::new();
    for n in 0..1000 {
        let call = CallId(10_001 + n * 2);
        let start = std::time::Instant::now();
        agent.handle(now, incoming(call));
        let first = agent.poll_effect();
        ringing.push(start.elapsed());
        assert!(matches!(first, Some(Effect::Sip(SipCommand::Ring { .. }))));
        drain(&mut agent);
        all.push(start.elapsed());
        tell(
            &mut agent,
            now,
            Event::Sip(SipEvent::Ended { call, end: CallEnd::Cancelled { elsewhere: false } }),
        );
    }
    ringing.sort();
    all.sort();
    println!(
        "to 180: p50 {:?} p99 {:?}; all effects: p50 {:?} p99 {:?}",
        ringing[500], ringing[990], all[500], all[990]
    );
}
