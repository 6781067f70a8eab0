//! Where the other side of a dialog says it is, and where we do: Contacts that lead nowhere, and what hides us.

use crate::{
    script::{
        ACCOUNT, answer, answer_tagged, clean, event, expect, expect_status, inside_ours, invite, registered,
        say,
    },
    standing::{CALL, CONTACT, dialled, ours, theirs},
    world::{World, sdp},
};
use agent_core::{
    id::CallId,
    port::sip::{SipCommand, TransferCommand, transfer::Wish},
};
use agent_sip::message::{Method, name};

#[test]
fn an_answer_that_leads_nowhere_is_acknowledged_and_ended() {
    for contact in ["<sip:@@@>", "<tel:123>", "*", "<mailto:a@pbx.example>"] {
        let mut world = World::new(1);
        let (phone, pbx, letter, invite) = dialled(&mut world);
        answer(&mut world, &letter, 200, &[("Contact", contact)], "answer");
        let (_, ack) = expect(&mut world, pbx, Method::Ack);
        assert_eq!(ack.uri, invite.uri, "{contact}: where the INVITE went");
        event(&mut world, phone, "Ended { call: CallId(2), end: Lost { why: Unusable");
        let (letter, bye) = expect(&mut world, pbx, Method::Bye);
        assert_eq!(bye.uri, invite.uri);
        answer(&mut world, &letter, 200, &[], "");
        clean(&mut world, phone);
    }
    // Two: the first. None: the rest goes where the INVITE went.
    let two = [("Contact", "<sip:600@192.0.2.10:5060>, <sip:601@192.0.2.10:5060>")];
    for (headers, target) in [(&two[..], "sip:600@192.0.2.10:5060"), (&[][..], "sip:600@pbx.example")] {
        let mut world = World::new(2);
        let (phone, pbx, letter, _) = dialled(&mut world);
        answer(&mut world, &letter, 200, headers, "answer");
        assert_eq!(expect(&mut world, pbx, Method::Ack).1.uri.to_string(), target);
        event(&mut world, phone, "Answered");
    }
}

#[test]
fn another_branch_without_a_contact_is_hung_up_on_all_the_same() {
    let mut world = World::new(3);
    let (phone, pbx, letter, invite) = dialled(&mut world);
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    answer_tagged(&mut world, &letter, (200, "other"), &[], "answer");
    assert_eq!(expect(&mut world, pbx, Method::Ack).1.uri, invite.uri);
    expect(&mut world, pbx, Method::Bye);
}

#[test]
fn a_call_whose_contact_names_no_one_place_is_refused() {
    let good = "Contact: <sip:600@{ip}:5060>\n";
    for contact in [
        "Contact: *\n",
        "Contact: <tel:123>\n",
        "Contact: <sip:600@{ip}:5060>, <sip:601@{ip}:5060>\n",
        "Contact: <sip:600@{ip}:5060>\nContact: <sip:601@{ip}:5060>\n",
        "Contact: <mailto:a@pbx.example>\n",
        "",
    ] {
        let mut world = World::new(4);
        let (phone, pbx) = registered(&mut world);
        say(&mut world, pbx, phone, &invite("in", 1, "", "offer").replace(good, contact));
        let (_, refused) = expect_status(&mut world, pbx, 400);
        assert!(refused.phrase.to_text().contains("Contact"), "{contact}: {}", refused.phrase.to_text());
        assert!(world.events(phone).is_empty());
    }
    // A change of a call that stands neither moves nor ends it.
    let mut world = World::new(6);
    let (phone, pbx, invite) = ours(&mut world, &[]);
    let change = inside_ours(&invite, ("INVITE", 1), "again", "", "offer");
    say(&mut world, pbx, phone, &change.replace("<sip:pbx@{ip}:5060>", "*"));
    expect_status(&mut world, pbx, 400);
    assert!(world.events(phone).is_empty());
}

#[test]
fn what_is_asked_in_a_dialog_names_the_dialogs_contact() {
    let mut world = World::new(7);
    let (phone, pbx, invite) = ours(&mut world, &[]);
    let target = "601".to_owned();
    world.command(
        phone,
        SipCommand::Transfer(TransferCommand::Blind { call: CALL, account: ACCOUNT, target }),
    );
    let (_, refer) = expect(&mut world, pbx, Method::Refer);
    assert_eq!(refer.headers.contact(), invite.headers.contact());

    let mut world = World::new(8);
    let (phone, pbx, call, ok) = theirs(&mut world, "");
    let refer = crate::script::inside(&ok, ("REFER", 2), "refer", "Refer-To: <sip:602@pbx.example>\n", "");
    say(&mut world, pbx, phone, &refer);
    event(&mut world, phone, "Transfer(Asked");
    world.command(phone, SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Call(call) }));
    expect_status(&mut world, pbx, 202);
    let (_, notify) = expect(&mut world, pbx, Method::Notify);
    assert_eq!(notify.headers.contact(), ok.headers.contact());
}

#[test]
fn an_acknowledgement_has_its_invites_credentials_however_often_it_goes_out() {
    let mut world = World::new(9);
    let (phone, pbx, letter, _) = dialled(&mut world);
    let ask = [("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n1\", qop=\"auth\"")];
    answer(&mut world, &letter, 407, &ask, "");
    expect(&mut world, pbx, Method::Ack);
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    let credentials = invite.headers.get(name::PROXY_AUTHORIZATION).cloned();
    assert!(credentials.is_some());
    for at in 0..3 {
        answer(&mut world, &letter, 200, &[CONTACT], "answer");
        let (_, ack) = expect(&mut world, pbx, Method::Ack);
        assert_eq!(ack.headers.get(name::PROXY_AUTHORIZATION).cloned(), credentials, "the {at}th");
    }
    event(&mut world, phone, "Answered");
    // Another branch's, too.
    answer_tagged(&mut world, &letter, (200, "other"), &[CONTACT], "answer");
    let (_, ack) = expect(&mut world, pbx, Method::Ack);
    assert_eq!(ack.headers.get(name::PROXY_AUTHORIZATION).cloned(), credentials);
    expect(&mut world, pbx, Method::Bye);
    // A change that is answered twice.
    world.command(phone, SipCommand::Reoffer { call: CALL, offer: sdp("hold") });
    let (letter, change) = expect(&mut world, pbx, Method::Invite);
    let credentials = change.headers.get(name::PROXY_AUTHORIZATION).cloned();
    assert!(credentials.is_some());
    for _ in 0..2 {
        answer(&mut world, &letter, 200, &[CONTACT], "answer");
        let (_, ack) = expect(&mut world, pbx, Method::Ack);
        assert_eq!(ack.headers.get(name::PROXY_AUTHORIZATION).cloned(), credentials);
    }
}

#[test]
fn who_does_not_see_our_number_learns_it_from_nothing_that_follows() {
    let mut world = World::new(10);
    let (phone, pbx) = registered(&mut world);
    let target = "600".to_owned();
    let offer = sdp("offer");
    world.command(phone, SipCommand::Invite { call: CALL, account: ACCOUNT, target, offer, withhold: true });
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    answer(&mut world, &letter, 200, &[CONTACT], "answer");
    expect(&mut world, pbx, Method::Ack);
    event(&mut world, phone, "Answered");
    let refer = inside_ours(&invite, ("REFER", 1), "refer", "Refer-To: <sip:602@pbx.example>\n", "");
    say(&mut world, pbx, phone, &refer);
    event(&mut world, phone, "Transfer(Asked");
    world.command(phone, SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Call(CALL) }));
    expect_status(&mut world, pbx, 202);
    let (letter, _) = expect(&mut world, pbx, Method::Notify);
    answer(&mut world, &letter, 200, &[], "");
    let wish = Wish::Call(CALL);
    let (account, target, offer, withhold) = (ACCOUNT, None, sdp("offer"), true);
    let follow = TransferCommand::Follow { call: CallId(4), account, wish, target, offer, withhold };
    world.command(phone, SipCommand::Transfer(follow));
    let (letter, invite) = expect(&mut world, pbx, Method::Invite);
    assert_eq!(invite.headers.from().unwrap().uri.to_string(), "sip:anonymous@anonymous.invalid");
    assert_eq!(invite.headers.get(name::PRIVACY).unwrap(), "id");
    answer(&mut world, &letter, 486, &[], "");
    expect(&mut world, pbx, Method::Ack);
    let (letter, _) = expect(&mut world, pbx, Method::Notify);
    answer(&mut world, &letter, 200, &[], "");
    let target = "601".to_owned();
    world.command(phone, SipCommand::Transfer(TransferCommand::Blind { call: CALL, account, target }));
    let (_, refer) = expect(&mut world, pbx, Method::Refer);
    let own = agent_sip::message::Message::Request(refer);
    assert!(!crate::script::text(&own).contains("sip:1001@"), "{}", crate::script::text(&own));
}
