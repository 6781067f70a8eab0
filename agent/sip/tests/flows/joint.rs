//! What the wire does to a call, seen on the wire again: the endpoint and the core in one.

use crate::{
    script::{answer, expect, expect_status, inside, invite, registered, say, settings},
    whole::Phone,
    world::{Who, World, sdp},
};
use agent_core::{action::Action, id::CallId};
use agent_sip::message::{Method, Response};

/// A call of theirs that is answered, acknowledged and up, with our 200 to it.
fn talking(world: &mut World) -> (Phone, Who, Response) {
    let (who, pbx) = registered(world);
    let mut phone = Phone::new(world, who, settings(None));
    say(world, pbx, who, &invite("in", 1, "", "offer"));
    phone.settle(world);
    expect_status(world, pbx, 100);
    expect_status(world, pbx, 180);
    phone.user(world, Action::Answer { call: None });
    let (_, ok) = expect_status(world, pbx, 200);
    say(world, pbx, who, &inside(&ok, ("ACK", 1), "ack", "", ""));
    phone.settle(world);
    (phone, pbx, ok)
}

#[test]
fn an_offer_of_ours_is_over_with_their_ack_whether_it_answers_or_not() {
    for body in ["their answer", ""] {
        let mut world = World::new(31);
        let (mut phone, pbx, ok) = talking(&mut world);
        let begin = world.clock();
        // No offer in theirs: ours is in the 200, and the ACK owes us the answer (RFC 3261 section 14.2).
        say(&mut world, pbx, phone.who, &inside(&ok, ("INVITE", 2), "none", "", ""));
        phone.settle(&mut world);
        expect_status(&mut world, pbx, 100);
        let (_, offer) = expect_status(&mut world, pbx, 200);
        assert_eq!(offer.body, sdp("our offer").0);
        say(&mut world, pbx, phone.who, &inside(&ok, ("ACK", 2), "ack2", "", body));
        phone.settle(&mut world);
        // A change of theirs and one of ours are both taken at once.
        say(&mut world, pbx, phone.who, &inside(&ok, ("INVITE", 3), "change", "", "offer again"));
        phone.settle(&mut world);
        expect_status(&mut world, pbx, 100);
        let (_, answered) = expect_status(&mut world, pbx, 200);
        assert_eq!(answered.body, sdp("our answer").0, "their ACK said {body:?}");
        say(&mut world, pbx, phone.who, &inside(&ok, ("ACK", 3), "ack3", "", ""));
        phone.settle(&mut world);
        phone.user(&mut world, Action::Hold { call: Some(CallId(1)) });
        let (letter, _) = expect(&mut world, pbx, Method::Invite);
        answer(&mut world, &letter, 200, &[("Contact", "<sip:600@192.0.2.10:5060>")], "held");
        expect(&mut world, pbx, Method::Ack);
        assert!((world.clock() - begin).as_secs() < 2, "{:?}", world.clock() - begin);
    }
}
