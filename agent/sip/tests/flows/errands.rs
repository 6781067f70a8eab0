//! Requests within a call's dialog that somebody above the call wants sent, and those nobody here answers.

use crate::{
    script::{answer, clean, expect, expect_status, inside, say},
    standing::theirs,
    world::{Who, World},
};
use agent_core::{
    id::CallId,
    port::sip::{CallEnd, Loss},
};
use agent_sip::{
    endpoint::{Ask, Asked},
    message::{Header, Method, name},
};
use std::sync::mpsc::{Receiver, channel};

/// They are behind a proxy that stays on the way.
const PROXY: &str = "Record-Route: <sip:192.0.2.10;lr>\n";

fn info(world: &mut World, phone: Who, call: CallId) -> Receiver<Asked> {
    let ask = Ask {
        method: Method::Info,
        headers: vec![Header { name: "Info-Package".into(), value: "x".into() }],
        body: Some(("application/dtmf".into(), "5".into())),
    };
    ask_for(world, phone, call, ask)
}

fn ask_for(world: &mut World, phone: Who, call: CallId, ask: Ask) -> Receiver<Asked> {
    let (tell, told) = channel();
    let now = world.now;
    world.with_endpoint(phone, |endpoint| {
        endpoint.ask(now, call, ask, move |_, asked| tell.send(asked).expect("somebody listens"));
    });
    told
}

#[test]
fn a_request_within_the_dialog_answers_challenges_and_its_outcome_is_told_once() {
    let mut world = World::new(1);
    let (phone, pbx, call, _) = theirs(&mut world, PROXY);
    let told = info(&mut world, phone, call);
    let (letter, first) = expect(&mut world, pbx, Method::Info);
    assert_eq!(first.uri.to_string(), "sip:600@192.0.2.10:5060");
    assert_eq!(first.headers.addresses(name::ROUTE).unwrap().len(), 1, "RFC 3261 section 12.2.1.1");
    answer(
        &mut world,
        &letter,
        407,
        &[("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"1\", qop=\"auth\"")],
        "",
    );
    let (letter, second) = expect(&mut world, pbx, Method::Info);
    assert!(second.headers.has(name::PROXY_AUTHORIZATION), "RFC 3261 section 22.3");
    assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    assert_eq!(second.body.as_ref(), b"5");
    assert_eq!(second.headers.get("Info-Package").unwrap(), "x");
    answer(&mut world, &letter, 100, &[], "");
    // A nonce that ran out is no wrong password (RFC 7616 section 3.3).
    let stale = ("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"2\", qop=\"auth\", stale=true");
    answer(&mut world, &letter, 407, &[stale], "");
    let (letter, third) = expect(&mut world, pbx, Method::Info);
    assert!(third.headers.get(name::PROXY_AUTHORIZATION).unwrap().to_text().contains("nonce=\"2\""));
    assert!(told.try_recv().is_err(), "not before the final answer");
    answer(&mut world, &letter, 415, &[], "");
    world.settle();
    let asked = told.try_recv().unwrap();
    assert_eq!((asked.call, asked.answer.unwrap().status), (call, 415));
    assert!(told.try_recv().is_err());
}

#[test]
fn who_asks_learns_also_that_there_is_no_answer() {
    let mut world = World::new(2);
    let (phone, pbx, call, ok) = theirs(&mut world, PROXY);
    let silent = info(&mut world, phone, call);
    expect(&mut world, pbx, Method::Info);
    world.pass(std::time::Duration::from_secs(33));
    let lost = CallEnd::Lost { why: Loss::Silent, detail: String::new() };
    assert_eq!(silent.try_recv().unwrap().answer, Err(lost), "Timer F");
    world.inbox(pbx).clear();
    let cut = info(&mut world, phone, call);
    expect(&mut world, pbx, Method::Info);
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 2), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    world.settle();
    assert_eq!(cut.try_recv().unwrap().answer, Err(CallEnd::RemoteHangup));
    let late = info(&mut world, phone, call);
    assert!(late.try_recv().unwrap().answer.is_err(), "told at once");
    clean(&mut world, phone);
}

#[test]
fn what_is_the_calls_own_cannot_be_asked_for() {
    let mut world = World::new(3);
    let (phone, pbx, call, _) = theirs(&mut world, PROXY);
    for method in [Method::Bye, Method::Invite, Method::Register, Method::Cancel, Method::Ack] {
        let told = ask_for(&mut world, phone, call, Ask { method, headers: Vec::new(), body: None });
        assert!(told.try_recv().unwrap().answer.is_err());
    }
    world.settle();
    assert!(world.inbox(pbx).is_empty());
}

#[test]
fn a_notify_that_fits_nothing_is_refused_in_the_call_and_after_it() {
    let mut world = World::new(4);
    let (phone, pbx, _, ok) = theirs(&mut world, PROXY);
    let notify = |number: u32, event: &str| {
        let more = format!("Event: {event}\nSubscription-State: active\n");
        inside(&ok, ("NOTIFY", number), &format!("n{number}"), &more, "")
    };
    // A package we did not ask for, and a REFER we did not send (RFC 6665 section 4.1.3).
    for (number, event, status) in [(2, "dialog", 489), (3, "refer", 481)] {
        say(&mut world, pbx, phone, &notify(number, event));
        expect_status(&mut world, pbx, status);
    }
    say(&mut world, pbx, phone, &inside(&ok, ("BYE", 4), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    world.settle();
    // No usage of the dialog is left (RFC 5057 section 4.2).
    for (number, event) in [(5, "refer"), (6, "dialog")] {
        say(&mut world, pbx, phone, &notify(number, event));
        expect_status(&mut world, pbx, 481);
    }
    clean(&mut world, phone);
}
