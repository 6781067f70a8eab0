//! Keys by INFO, remote control by NOTIFY, calls without our number, and refusals that say why (RFC 6086, RFC 3323, RFC 5079).

use crate::{
    script::{ACCOUNT, answer, event, expect, expect_status, inside, invite, registered, say, settings},
    standing::taken,
    world::{World, call_of, sdp},
};
use agent_core::{
    id::CallId,
    port::sip::{PhoneCommand, Reject, SipCommand},
    secret::Secret,
    settings::AutoAnswer,
};
use agent_sip::message::{Method, Response, name};

/// A request in the call with a body of some type.
fn with_body(ok: &Response, number: u32, branch: &str, (kind, body): (&str, &str)) -> String {
    inside(ok, ("INFO", number), branch, "", body).replace("application/sdp", kind)
}

#[test]
fn their_keys_are_told_and_what_is_none_is_refused() {
    let mut world = World::new(1);
    let (phone, pbx) = registered(&mut world);
    let (_, ok) = taken(&mut world, (phone, pbx), "");
    for (number, kind, body, key) in [
        (2, "application/dtmf-relay", "Signal=#\r\nDuration=100\r\n", '#'),
        (3, "application/dtmf", "7", '7'),
    ] {
        say(&mut world, pbx, phone, &with_body(&ok, number, &format!("i{number}"), (kind, body)));
        expect_status(&mut world, pbx, 200);
        event(&mut world, phone, &format!("Phone(Digit {{ call: CallId(1), digit: '{key}' }})"));
    }
    say(&mut world, pbx, phone, &with_body(&ok, 4, "i4", ("text/plain", "hello")));
    let (_, refused) = expect_status(&mut world, pbx, 415);
    assert!(refused.headers.get(name::ACCEPT).unwrap().to_text().contains("application/dtmf-relay"));
    say(&mut world, pbx, phone, &inside(&ok, ("INFO", 5), "i5", "", ""));
    expect_status(&mut world, pbx, 200);
    say(&mut world, pbx, phone, &inside(&ok, ("INFO", 6), "i6", "Info-Package: video\n", ""));
    expect_status(&mut world, pbx, 469);
    assert!(world.events(phone).is_empty());
}

#[test]
fn our_keys_go_one_after_the_other_and_in_the_form_they_know() {
    let mut world = World::new(2);
    let (phone, pbx) = registered(&mut world);
    let (call, _) = taken(&mut world, (phone, pbx), "");
    let digits = "4#".to_owned();
    world.command(phone, SipCommand::Phone(PhoneCommand::Digits { call, digits, relay: true }));
    let (letter, first) = expect(&mut world, pbx, Method::Info);
    assert_eq!(first.headers.get(name::CONTENT_TYPE).unwrap(), "application/dtmf-relay");
    assert!(first.body.starts_with(b"Signal=4\r\n"));
    // It knows the other form only: the same key again, and the next one as well.
    answer(&mut world, &letter, 415, &[("Accept", "application/dtmf")], "");
    let (letter, again) = expect(&mut world, pbx, Method::Info);
    assert_eq!(
        (again.headers.get(name::CONTENT_TYPE).unwrap().as_bytes(), &again.body[..]),
        (&b"application/dtmf"[..], &b"4\r\n"[..])
    );
    answer(&mut world, &letter, 200, &[], "");
    let (letter, next) = expect(&mut world, pbx, Method::Info);
    assert_eq!(&next.body[..], b"#\r\n");
    answer(&mut world, &letter, 501, &[], "");
    event(&mut world, phone, "Phone(KeysRefused { call: CallId(1), status: 501 })");
}

#[test]
fn the_registrar_steers_only_where_the_account_lets_it() {
    for (auto_answer, status, told) in [(AutoAnswer::Never, 403, false), (AutoAnswer::Registrar, 200, true)] {
        let mut world = World::new(3);
        let (phone, pbx) = registered(&mut world);
        let settings = agent_core::settings::AccountSettings { auto_answer, ..settings(None) };
        if told {
            let password = Secret::new("secret".to_owned());
            world.command(phone, SipCommand::Register { account: ACCOUNT, settings, password });
            // What it was before leaves, and begins anew.
            for _ in 0..2 {
                let (letter, request) = expect(&mut world, pbx, Method::Register);
                let contact = request.headers.get("Contact").unwrap().to_string();
                answer(&mut world, &letter, 200, &[("Contact", &contact)], "");
                world.told = Some(request.headers.contact().unwrap().uri.to_string());
                world.settle();
            }
            world.events(phone).clear();
        }
        let (_, ok) = taken(&mut world, (phone, pbx), "");
        for (number, kind, words) in [(2, "hold", "Hold"), (3, "talk", "Talk")] {
            let more = format!("Event: {kind}\n");
            say(&mut world, pbx, phone, &inside(&ok, ("NOTIFY", number), &format!("n{number}"), &more, ""));
            expect_status(&mut world, pbx, status);
            if told {
                event(&mut world, phone, &format!("Phone({words} "));
            }
        }
        // From anywhere else nobody steers, whatever he knows of the call.
        let stranger = world.script("192.0.2.66");
        say(&mut world, stranger, phone, &inside(&ok, ("NOTIFY", 4), "n4", "Event: talk\n", ""));
        expect_status(&mut world, stranger, 403);
        assert!(world.events(phone).is_empty());
    }
}

#[test]
fn a_call_without_our_number_tells_it_to_the_pbx_alone() {
    let mut world = World::new(4);
    let (phone, pbx) = registered(&mut world);
    let target = "600".to_owned();
    let command =
        SipCommand::Invite { call: CallId(2), account: ACCOUNT, target, offer: sdp("offer"), withhold: true };
    world.command(phone, command);
    let (_, invite) = expect(&mut world, pbx, Method::Invite);
    let from = invite.headers.from().unwrap();
    assert_eq!(from.uri.to_string(), "sip:anonymous@anonymous.invalid");
    assert_eq!(from.display.unwrap(), "Anonymous");
    assert_eq!(invite.headers.get(name::PRIVACY).unwrap(), "id");
    assert_eq!(invite.headers.get(name::P_PREFERRED_IDENTITY).unwrap(), "<sip:1001@pbx.example>");
}

#[test]
fn whoever_is_not_wanted_hears_so() {
    for (why, status) in [(Reject::Anonymous, 433), (Reject::Unwanted, 603)] {
        let mut world = World::new(5);
        let (phone, pbx) = registered(&mut world);
        say(&mut world, pbx, phone, &invite("in", 1, "", "offer"));
        expect_status(&mut world, pbx, 100);
        let call = call_of(&event(&mut world, phone, "Incoming"));
        world.command(phone, SipCommand::Reject { call, why });
        let (_, refused) = expect_status(&mut world, pbx, status);
        assert_ne!(refused.phrase, agent_sip::message::Text::default());
    }
}
