//! The timers of RFC 3261 section 17 and RFC 6026 that no other flow shows, measured on the virtual clock.

use crate::{
    script::{answer, calling, event, expect, expect_status, inside_ours, invite, register, registered, say},
    world::{World, call_of, sdp},
};
use agent_core::port::sip::SipCommand;
use agent_sip::{config::Config, message::Method, transaction::TimerBase};
use std::time::Duration;

#[test]
fn timers_e_and_f_of_a_request_that_is_not_invite() {
    let mut world = World::new(1);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    let begin = expect(&mut world, pbx, Method::Register).0.at;
    let mut after = Vec::new();
    for _ in 0..10 {
        after.push((expect(&mut world, pbx, Method::Register).0.at - begin).as_millis());
    }
    assert_eq!(
        after,
        [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500],
        "RFC 3261 section 17.1.2.2"
    );
    event(&mut world, phone, "Registration { account: AccountId(0), state: Connecting }");
    event(&mut world, phone, "Address");
    event(&mut world, phone, "Registration { account: AccountId(0), state: Failed { reason: Silent");
    assert_eq!(world.clock() - begin, Duration::from_secs(32), "Timer F");
}

#[test]
fn a_provisional_response_slows_timer_e_down_to_t2() {
    let mut world = World::new(2);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, None);
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    answer(&mut world, &letter, 100, &[], "");
    let (second, _) = expect(&mut world, pbx, Method::Register);
    assert_eq!(second.at - letter.at, Duration::from_secs(4));
    answer(&mut world, &second, 200, &[], "");
}

#[test]
fn other_bases_scale_every_timer() {
    let mut world = World::new(3);
    let pbx = world.script("192.0.2.10");
    let timers = TimerBase {
        t1: Duration::from_millis(100),
        t2: Duration::from_millis(400),
        t4: Duration::from_millis(500),
    };
    let phone = world.phone("192.0.2.1", Config { timers, ..Config::default() });
    register(&mut world, phone, None);
    let begin = expect(&mut world, pbx, Method::Register).0.at;
    let mut after = Vec::new();
    for _ in 0..4 {
        after.push((expect(&mut world, pbx, Method::Register).0.at - begin).as_millis());
    }
    assert_eq!(after, [100, 300, 700, 1100]);
    world.settle();
    world.pass(Duration::from_millis(6400));
    assert!(format!("{:?}", world.events(phone)).contains("Silent"));
}

#[test]
fn nothing_is_repeated_over_tcp() {
    let mut world = World::new(4);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", Config::default());
    register(&mut world, phone, Some("sip:pbx.example;transport=tcp"));
    let begin = expect(&mut world, pbx, Method::Register).0.at;
    world.pass(Duration::from_secs(31));
    assert!(world.inbox(pbx).is_empty());
    event(&mut world, phone, "Registration");
    event(&mut world, phone, "Address");
    event(&mut world, phone, "Registration { account: AccountId(0), state: Failed { reason: Silent");
    assert_eq!(world.clock() - begin, Duration::from_secs(32), "Timer F runs over every transport");
    assert_eq!(world.closed.len(), 1, "a connection that answers nothing is not used again");
}

#[test]
fn timer_l_keeps_an_answered_invite_and_timer_j_the_rest() {
    let mut world = World::new(5);
    let (phone, pbx) = registered(&mut world);
    say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
    expect_status(&mut world, pbx, 100);
    let call = call_of(&event(&mut world, phone, "Incoming"));
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &crate::script::inside(&ok, ("ACK", 1), "ack", "", ""));
    let bye = crate::script::inside(&ok, ("BYE", 2), "bye", "", "");
    say(&mut world, pbx, phone, &bye);
    expect_status(&mut world, pbx, 200);
    world.pass(Duration::from_millis(31_900));
    assert_eq!(world.load(phone).servers, 2);
    say(&mut world, pbx, phone, &bye);
    expect_status(&mut world, pbx, 200);
    world.pass(Duration::from_millis(200));
    assert_eq!(world.load(phone).servers, 0, "RFC 6026 section 7.1, RFC 3261 section 17.2.2");
}

#[test]
fn timer_m_keeps_listening_for_further_answers() {
    let mut world = World::new(6);
    let (phone, pbx) = registered(&mut world);
    world.command(phone, calling(2, "600"));
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 200, &[("Contact", "<sip:600@192.0.2.10>")], "answer");
    expect(&mut world, pbx, Method::Ack);
    say(&mut world, pbx, phone, &inside_ours(&invite, ("BYE", 1), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    world.pass(Duration::from_secs(31));
    // The call is over, and yet a second branch that answers now is not left talking to nobody.
    let contact = ("Contact", "<sip:601@192.0.2.10>");
    crate::script::answer_tagged(&mut world, &letter, (200, "late"), &[contact], "answer");
    expect(&mut world, pbx, Method::Ack);
    let (bye, _) = expect(&mut world, pbx, Method::Bye);
    answer(&mut world, &bye, 200, &[], "");
    crate::script::clean(&mut world, phone);
}

#[test]
fn a_refusal_is_acknowledged_as_often_as_it_comes_until_timer_d() {
    let mut world = World::new(7);
    let (phone, pbx) = registered(&mut world);
    world.command(phone, calling(2, "600"));
    let (letter, _) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 486, &[], "");
    expect(&mut world, pbx, Method::Ack);
    world.pass(Duration::from_secs(31));
    world.inbox(pbx).clear();
    answer(&mut world, &letter, 486, &[], "");
    expect(&mut world, pbx, Method::Ack);
    world.pass(Duration::from_secs(2));
    world.inbox(pbx).clear();
    answer(&mut world, &letter, 486, &[], "");
    world.settle();
    assert!(world.inbox(pbx).is_empty(), "RFC 3261 section 17.1.1.2");
}
