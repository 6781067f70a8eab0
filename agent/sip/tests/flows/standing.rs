//! Calls that ring or stand, for the tests that begin there.

use crate::{
    script::{answer, as_told, calling, event, expect, expect_status, inside, invite, registered, say},
    world::{Letter, Who, World, call_of, sdp},
};
use agent_core::{id::CallId, port::sip::SipCommand};
use agent_sip::message::{Method, Request, Response};

/// The call that is dialled.
pub(crate) const CALL: CallId = CallId(2);
/// Where the one who is called is found.
pub(crate) const CONTACT: (&str, &str) = ("Contact", "<sip:600@192.0.2.10:5060>");

/// A phone at its PBX that dials 600, and the INVITE as the PBX has it.
pub(crate) fn dialled(world: &mut World) -> (Who, Who, Letter, Request) {
    let (phone, pbx) = registered(world);
    let (letter, invite) = dial(world, (phone, pbx));
    (phone, pbx, letter, invite)
}

/// Dials 600 and gives the INVITE as the PBX has it.
pub(crate) fn dial(world: &mut World, (phone, pbx): (Who, Who)) -> (Letter, Request) {
    world.command(phone, calling(CALL.0, "600"));
    expect(world, pbx, Method::Invite)
}

/// A call of ours, answered with these header fields.
pub(crate) fn ours(world: &mut World, headers: &[(&str, &str)]) -> (Who, Who, Request) {
    let (phone, pbx, letter, invite) = dialled(world);
    let headers: Vec<_> = [CONTACT].into_iter().chain(headers.iter().copied()).collect();
    answer(world, &letter, 200, &headers, "answer");
    expect(world, pbx, Method::Ack);
    event(world, phone, "Answered");
    (phone, pbx, invite)
}

/// A call of the PBX that has arrived: 100 is out, the core was told.
pub(crate) fn incoming(world: &mut World, (phone, pbx): (Who, Who), more: &str, body: &str) -> CallId {
    let words = as_told(world, &invite("in", 1, more, body));
    say(world, pbx, phone, &words);
    expect_status(world, pbx, 100);
    call_of(&event(world, phone, "Incoming"))
}

/// A call of the PBX that is answered and acknowledged.
pub(crate) fn taken(world: &mut World, (phone, pbx): (Who, Who), more: &str) -> (CallId, Response) {
    let call = incoming(world, (phone, pbx), more, "offer");
    world.command(phone, SipCommand::Accept { call, answer: sdp("answer") });
    let (_, ok) = expect_status(world, pbx, 200);
    say(world, pbx, phone, &inside(&ok, ("ACK", 1), "ack", "", ""));
    event(world, phone, "Confirmed");
    (call, ok)
}

/// A call of theirs that stands, with our 200 to it.
pub(crate) fn theirs(world: &mut World, more: &str) -> (Who, Who, CallId, Response) {
    let (phone, pbx) = registered(world);
    let (call, ok) = taken(world, (phone, pbx), more);
    (phone, pbx, call, ok)
}
