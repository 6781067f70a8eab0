//! Subscriptions that are refused, end or fail (RFC 6665 section 4.1), and when they are tried again.

use crate::{
    script::{answer, expect},
    watching::{agree, is, lines, one, seconds_to_next, standing, tell, told},
    world::World,
};
use agent_sip::message::Method;
use std::time::Duration;

#[test]
fn a_refused_password_is_not_tried_again_within_the_hour() {
    let mut world = World::new(5);
    let (phone, pbx, letter, _) = one(&mut world);
    let challenge = |nonce: &str| format!("Digest realm=\"pbx.example\", nonce=\"{nonce}\", qop=\"auth\"");
    answer(&mut world, &letter, 401, &[("WWW-Authenticate", &challenge("a"))], "");
    let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 401, &[("WWW-Authenticate", &challenge("b"))], "");
    world.settle();
    assert_eq!(told(&mut world, phone), ["Refused 401"]);
    world.pass(Duration::from_secs(3500));
    assert!(!world.inbox(pbx).iter().any(|letter| is(letter, &Method::Subscribe)));
}

#[test]
fn each_refusal_has_its_wait() {
    for (status, more, least, most) in [
        (403, None, 3600, 3601),
        (489, None, 3600, 3601),
        (405, None, 3600, 3601),
        (404, None, 5, 10),
        (500, None, 5, 10),
        (503, Some(("Retry-After", "77 (busy)")), 77, 78),
        (480, Some(("Retry-After", "99999")), 3600, 3601),
        (481, None, 5, 10),
        (302, Some(("Contact", "<sip:evil@192.0.2.66>")), 5, 10),
    ] {
        let mut world = World::new(6);
        let (phone, pbx, letter, first) = one(&mut world);
        answer(&mut world, &letter, status, more.as_slice(), "");
        assert_eq!(told(&mut world, phone), [format!("Refused {status}")]);
        let (after, _, next) = seconds_to_next(&mut world, pbx);
        assert!((least..=most).contains(&after), "{status}: {after}");
        assert_ne!(next.headers.call_id().unwrap(), first.headers.call_id().unwrap(), "another dialog");
    }
}

#[test]
fn failures_grow_apart_up_to_ten_minutes() {
    let mut world = World::new(7);
    let (phone, pbx, mut letter, _) = one(&mut world);
    let mut waits = Vec::new();
    for _ in 0..9 {
        answer(&mut world, &letter, 500, &[], "");
        world.settle();
        let (after, next, _) = seconds_to_next(&mut world, pbx);
        waits.push(after);
        letter = next;
    }
    for (nth, most) in [10, 20, 40, 80, 160, 320, 600, 600, 600].into_iter().enumerate() {
        assert!((most / 2..=most).contains(&waits[nth]), "{waits:?}");
    }
    assert_eq!(told(&mut world, phone), ["Refused 500"], "told once");
}

#[test]
fn a_longer_interval_is_agreed_to() {
    let mut world = World::new(8);
    let (_, pbx, letter, _) = one(&mut world);
    answer(&mut world, &letter, 423, &[("Min-Expires", "1800")], "");
    let (letter, again) = expect(&mut world, pbx, Method::Subscribe);
    assert_eq!(again.headers.expires(), Some(1800));
    answer(&mut world, &letter, 423, &[("Min-Expires", "1800")], "");
    let (after, ..) = seconds_to_next(&mut world, pbx);
    assert!(after >= 5, "the same minimum again is a refusal");
}

#[test]
fn what_tells_nothing_does_not_stand() {
    let mut world = World::new(9);
    let (phone, pbx, letter, _) = one(&mut world);
    agree(&mut world, &letter, "600");
    let begin = world.clock();
    let (_, _, next) = seconds_to_next(&mut world, pbx);
    let after = (world.clock() - begin).as_secs();
    assert!((32 + 5..=32 + 10).contains(&after), "Timer N is 64*T1: {after}");
    assert!(next.headers.to().unwrap().tag().is_none());
    assert_eq!(told(&mut world, phone), Vec::<String>::new(), "it was unknown all the time");
    assert_eq!(world.load(phone).subscriptions, 1);
}

#[test]
fn a_silent_pbx_makes_it_unknown() {
    let mut world = World::new(10);
    let (phone, pbx, _) = standing(&mut world);
    world.silent.insert("192.0.2.10".parse().unwrap());
    world.pass(Duration::from_secs(601));
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    world.silent.clear();
    let (_, letter, request) = seconds_to_next(&mut world, pbx);
    agree(&mut world, &letter, "600");
    tell(&mut world, (pbx, phone), &request, 1, "active", &lines(0, true, "confirmed"));
    assert_eq!(told(&mut world, phone), ["Active", "1002 Busy"]);
}

#[test]
fn a_pbx_that_began_anew_is_asked_anew() {
    let mut world = World::new(11);
    let (phone, pbx, first) = standing(&mut world);
    let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 481, &[], "");
    world.settle();
    assert_eq!(told(&mut world, phone), ["Unknown"]);
    let (after, _, next) = seconds_to_next(&mut world, pbx);
    assert_eq!(after, 0);
    assert_ne!(next.headers.call_id().unwrap(), first.headers.call_id().unwrap());
    // What comes under the old names is nobody's.
    assert_eq!(tell(&mut world, (pbx, phone), &first, 2, "active", &lines(1, true, "confirmed")), 481);
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
}

#[test]
fn a_refresh_that_fails_otherwise_leaves_what_was_granted() {
    let mut world = World::new(12);
    let (phone, pbx, _) = standing(&mut world);
    let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
    answer(&mut world, &letter, 500, &[], "");
    world.settle();
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
    let (_, letter, again) = seconds_to_next(&mut world, pbx);
    assert!(again.headers.to().unwrap().tag().is_some(), "in the same dialog");
    answer(&mut world, &letter, 503, &[("Retry-After", "3000")], "");
    world.pass(Duration::from_secs(200));
    assert_eq!(told(&mut world, phone), ["Unknown"], "until its interval ran out");
}

#[test]
fn every_reason_of_an_end_has_its_consequence() {
    for (reason, state, least, most) in [
        ("deactivated", "Unknown", 0, 0),
        ("timeout", "Unknown", 0, 0),
        ("probation;retry-after=50", "Unknown", 50, 50),
        ("giveup", "Unknown", 5, 10),
        ("giveup;retry-after=99", "Unknown", 99, 99),
        ("rejected", "Refused 0", 3600, 3600),
        ("noresource", "Refused 0", 3600, 3600),
        ("something-new;retry-after=12", "Unknown", 12, 12),
    ] {
        let mut world = World::new(13);
        let (phone, pbx, request) = standing(&mut world);
        world.pass(Duration::from_secs(60));
        assert_eq!(
            tell(&mut world, (pbx, phone), &request, 2, &format!("terminated;reason={reason}"), ""),
            200
        );
        assert_eq!(told(&mut world, phone), [state], "{reason}");
        let (after, _, next) = seconds_to_next(&mut world, pbx);
        assert!((least..=most).contains(&after), "{reason}: {after}");
        assert!(next.headers.to().unwrap().tag().is_none());
    }
    // Who ends each at once is not asked again at once.
    let mut world = World::new(14);
    let (phone, pbx, request) = standing(&mut world);
    tell(&mut world, (pbx, phone), &request, 2, "terminated;reason=deactivated", "");
    let (after, ..) = seconds_to_next(&mut world, pbx);
    assert!((5..=10).contains(&after), "{after}");
    // What never changes again stays known, and is asked for no more.
    let mut world = World::new(15);
    let (phone, pbx, request) = standing(&mut world);
    tell(&mut world, (pbx, phone), &request, 2, "terminated;reason=invariant", &lines(1, true, "confirmed"));
    assert_eq!(told(&mut world, phone), ["1002 Busy"]);
    world.pass(Duration::from_secs(2000));
    assert_eq!(told(&mut world, phone), Vec::<String>::new());
    assert!(!world.inbox(pbx).iter().any(|letter| is(letter, &Method::Subscribe)));
}
