//! What crosses on the way or names what is not there: order, BYE against re-INVITE, late 200s, dialogs nobody knows.

use crate::{
    script::{answer, clean, event, expect, expect_status, inside, inside_ours, invite, registered, say},
    standing::{CALL, CONTACT, ours, theirs},
    world::{World, sdp},
};
use agent_core::port::sip::SipCommand;
use agent_sip::message::{Message, Method};
use std::time::Duration;

/// RFC 3261 section 12.2.2: what is not newer is refused with 500, and a gap is no fault.
#[test]
fn requests_out_of_order_are_refused_and_change_nothing() {
    for (method, number, status) in [
        ("INVITE", 4, 500),
        ("INVITE", 5, 500),
        ("UPDATE", 3, 500),
        ("INFO", 5, 500),
        ("BYE", 4, 500),
        ("OPTIONS", 900, 200),
        ("BYE", 2_147_483_647, 200),
    ] {
        let mut world = World::new(1);
        let (phone, pbx, _, ok) = theirs(&mut world, "");
        say(&mut world, pbx, phone, &inside(&ok, ("OPTIONS", 5), "first", "", ""));
        expect_status(&mut world, pbx, 200);
        let body = if matches!(method, "INVITE" | "UPDATE") { "offer" } else { "" };
        say(&mut world, pbx, phone, &inside(&ok, (method, number), "it", "", body));
        expect_status(&mut world, pbx, status);
        if method == "INVITE" {
            say(&mut world, pbx, phone, &inside(&ok, ("ACK", number), "it", "", ""));
        }
        world.settle();
        let told = world.events(phone).len();
        assert_eq!(told, usize::from(method == "BYE" && status == 200), "{method} {number}");
        if method != "BYE" || status == 500 {
            say(&mut world, pbx, phone, &inside(&ok, ("BYE", 901), "bye", "", ""));
            expect_status(&mut world, pbx, 200);
        }
        clean(&mut world, phone);
    }
}

/// Whatever names a dialog that is not here gets 481 (section 12.2.2), but for ACK, which nobody answers.
#[test]
fn what_names_an_unknown_dialog_is_told_so() {
    let mut world = World::new(2);
    let (phone, pbx) = registered(&mut world);
    let to = ("To: <sip:1001@pbx.example>\n", "To: <sip:1001@pbx.example>;tag=nobody\n");
    for method in ["INVITE", "BYE", "UPDATE", "PRACK", "INFO", "REFER", "NOTIFY", "OPTIONS", "CANCEL"] {
        let more = match method {
            "REFER" => "Refer-To: <sip:601@pbx.example>\n",
            "NOTIFY" => "Event: refer\nSubscription-State: active\n",
            "PRACK" => "RAck: 1 1 INVITE\n",
            _ => "",
        };
        let words =
            invite(&method.to_lowercase(), 2, more, "").replace("INVITE sip:", &format!("{method} sip:"));
        let words =
            words.replace("2 INVITE", &format!("2 {method}")).replace("call-in", &method.to_lowercase());
        say(&mut world, pbx, phone, &words.replace(to.0, to.1));
        let Message::Response(response) = world.letter(pbx).message else { panic!("{method}") };
        assert_eq!(response.status, 481, "{method}");
        if method == "INVITE" {
            let ack = words.replace("INVITE", "ACK").replace(to.0, to.1);
            say(&mut world, pbx, phone, &ack);
        }
    }
    let ack = invite("other", 2, "", "").replace("INVITE", "ACK").replace(to.0, to.1);
    say(&mut world, pbx, phone, &ack);
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}

/// Section 8.2.2.2: the same request over another path is a loop, also when the first was answered long ago; another
/// request of the same caller is none, nor is one within a dialog.
#[test]
fn a_request_that_comes_over_two_paths_is_served_once() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    let options = |branch: &str, number: u32| invite(branch, number, "", "").replace("INVITE", "OPTIONS");
    say(&mut world, pbx, phone, &options("a", 1));
    expect_status(&mut world, pbx, 200);
    world.pass(Duration::from_secs(20));
    say(&mut world, pbx, phone, &options("b", 1));
    expect_status(&mut world, pbx, 482);
    say(&mut world, pbx, phone, &options("c", 2));
    expect_status(&mut world, pbx, 200);
    let (phone, pbx, _, ok) = {
        world = World::new(4);
        theirs(&mut world, "")
    };
    for branch in ["d", "e"] {
        // It carries our tag: the second one is out of order, not merged.
        say(&mut world, pbx, phone, &inside(&ok, ("OPTIONS", 2), branch, "", ""));
        expect_status(&mut world, pbx, if branch == "d" { 200 } else { 500 });
    }
}

#[test]
fn their_bye_crosses_our_change_and_its_late_answer_is_acknowledged() {
    let mut world = World::new(5);
    let (phone, pbx, invite) = ours(&mut world, &[]);
    world.command(phone, SipCommand::Reoffer { call: CALL, offer: sdp("hold") });
    let (change, _) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &change, 100, &[], "");
    say(&mut world, pbx, phone, &inside_ours(&invite, ("BYE", 1), "bye", "", ""));
    expect_status(&mut world, pbx, 200);
    event(&mut world, phone, "Ended { call: CallId(2), end: RemoteHangup }");
    // It had left before their BYE did, and would be repeated for half a minute.
    answer(&mut world, &change, 200, &[CONTACT], "held");
    let (_, ack) = expect(&mut world, pbx, Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().number, 2, "section 13.2.2.4");
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}

#[test]
fn their_change_that_crosses_our_bye_comes_too_late() {
    let mut world = World::new(6);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    world.command(phone, SipCommand::Hangup { call });
    let (bye, _) = expect(&mut world, pbx, Method::Bye);
    say(&mut world, pbx, phone, &inside(&ok, ("INVITE", 2), "late", "", "hold"));
    expect_status(&mut world, pbx, 481);
    say(&mut world, pbx, phone, &inside(&ok, ("ACK", 2), "late", "", ""));
    say(&mut world, pbx, phone, &inside(&ok, ("UPDATE", 3), "later", "", "hold"));
    expect_status(&mut world, pbx, 481);
    answer(&mut world, &bye, 200, &[], "");
    event(&mut world, phone, "Ended { call: CallId(1), end: LocalHangup }");
    clean(&mut world, phone);
    assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
}

/// Our ACK was lost and the call is over already: their 200 comes again and gets its ACK again, whoever hung up.
#[test]
fn a_200_that_comes_again_after_the_bye_is_acknowledged_and_begins_nothing() {
    for our_bye in [true, false] {
        let mut world = World::new(7);
        let (phone, pbx, letter, invite) = crate::standing::dialled(&mut world);
        answer(&mut world, &letter, 200, &[CONTACT], "answer");
        expect(&mut world, pbx, Method::Ack);
        event(&mut world, phone, "Answered");
        if our_bye {
            world.command(phone, SipCommand::Hangup { call: CALL });
            let (bye, _) = expect(&mut world, pbx, Method::Bye);
            answer(&mut world, &bye, 200, &[], "");
        } else {
            say(&mut world, pbx, phone, &inside_ours(&invite, ("BYE", 1), "bye", "", ""));
            expect_status(&mut world, pbx, 200);
        }
        event(&mut world, phone, "Ended");
        for _ in 0..3 {
            world.pass(Duration::from_secs(4));
            answer(&mut world, &letter, 200, &[CONTACT], "answer");
            let (_, ack) = expect(&mut world, pbx, Method::Ack);
            assert_eq!(ack.headers.cseq().unwrap().number, 1);
        }
        clean(&mut world, phone);
        assert!(world.inbox(pbx).is_empty() && world.events(phone).is_empty());
    }
}

/// Section 14.1: the one whose Call-ID it is waits 2.1 to 4 s after a 491, the other up to 2 s; never at once for all.
#[test]
fn who_waits_how_long_after_a_glare_is_drawn_anew_each_time() {
    let (mut owner, mut other) = (Vec::new(), Vec::new());
    for seed in 0..40 {
        let mut world = World::new(seed);
        let (phone, pbx, _) = ours(&mut world, &[]);
        world.command(phone, SipCommand::Reoffer { call: CALL, offer: sdp("hold") });
        owner.push(glare(&mut world, phone, pbx));
        let mut world = World::new(seed);
        let (phone, pbx, call, _) = theirs(&mut world, "");
        world.command(phone, SipCommand::Reoffer { call, offer: sdp("hold") });
        other.push(glare(&mut world, phone, pbx));
    }
    assert!(owner.iter().all(|wait| (2100..=4000).contains(wait)), "{owner:?}");
    assert!(other.iter().all(|wait| *wait <= 2000), "{other:?}");
    for waits in [owner, other] {
        let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(most - least > 1000, "{waits:?}");
    }
}

/// Answers our change with 491 and tells how long it took to come again, ms.
fn glare(world: &mut World, _: crate::world::Who, pbx: crate::world::Who) -> u128 {
    let (letter, _) = expect(world, pbx, Method::Invite);
    answer(world, &letter, 491, &[], "");
    expect(world, pbx, Method::Ack);
    let (again, _) = expect(world, pbx, Method::Invite);
    (again.at - letter.at).as_millis()
}
