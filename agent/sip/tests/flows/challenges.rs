//! Challenges within a dialog (RFC 3261 sections 22.2 and 22.3): every method of ours answers them, and not for ever.

use crate::{
    script::{answer, answer_tagged, clean, event, expect, expect_status, inside, say},
    standing::{CALL, CONTACT, dialled, ours, theirs},
    world::{Letter, Who, World, sdp},
};
use agent_core::port::sip::{SipCommand, TransferCommand, transfer::Wish};
use agent_sip::{
    endpoint::Ask,
    message::{Method, Request, name},
};

/// A phone in a dialog that has just sent a request with this method to its PBX.
fn sends(world: &mut World, method: &Method) -> (Who, Who) {
    match method {
        Method::Prack => {
            let (phone, pbx, letter, _) = dialled(world);
            answer_tagged(world, &letter, (183, "pbx"), &[CONTACT, ("Require", "100rel"), ("RSeq", "7")], "");
            event(world, phone, "Progress");
            return (phone, pbx);
        }
        Method::Notify => {
            let (phone, pbx, call, ok) = theirs(world, "");
            let refer = inside(&ok, ("REFER", 2), "refer", "Refer-To: <sip:601@pbx.example>\n", "");
            say(world, pbx, phone, &refer);
            event(world, phone, "Transfer");
            world.command(phone, SipCommand::Transfer(TransferCommand::Accept { wish: Wish::Call(call) }));
            expect_status(world, pbx, 202);
            return (phone, pbx);
        }
        _ => {}
    }
    let update = [("Allow", "INVITE, ACK, BYE, UPDATE"), ("Session-Expires", "90;refresher=uac")];
    let (phone, pbx, _) = ours(world, if *method == Method::Update { &update } else { &[] });
    match method {
        Method::Invite => world.command(phone, SipCommand::Reoffer { call: CALL, offer: sdp("hold") }),
        Method::Bye => world.command(phone, SipCommand::Hangup { call: CALL }),
        Method::Refer => {
            let (account, target) = (crate::script::ACCOUNT, "601".to_owned());
            let blind = TransferCommand::Blind { call: CALL, account, target };
            world.command(phone, SipCommand::Transfer(blind));
        }
        Method::Info => {
            let now = world.now;
            let body = Some(("application/dtmf".into(), "5".into()));
            let ask = Ask { method: Method::Info, headers: Vec::new(), body };
            world.with_endpoint(phone, |endpoint| endpoint.ask(now, CALL, ask, |_, _| {}));
        }
        _ => {}
    }
    (phone, pbx)
}

/// The next request of this method; an ACK to what was refused may come before it.
fn next(world: &mut World, pbx: Who, method: &Method) -> (Letter, Request) {
    if *method == Method::Invite {
        expect(world, pbx, Method::Ack);
    }
    expect(world, pbx, method.clone())
}

const METHODS: [Method; 7] =
    [Method::Invite, Method::Update, Method::Bye, Method::Prack, Method::Info, Method::Refer, Method::Notify];

#[test]
fn every_method_answers_a_challenge_and_a_nonce_that_ran_out() {
    for (status, asks, answers) in [
        (401, "WWW-Authenticate", name::AUTHORIZATION),
        (407, "Proxy-Authenticate", name::PROXY_AUTHORIZATION),
    ] {
        for method in METHODS {
            let mut world = World::new(1);
            let (_, pbx) = sends(&mut world, &method);
            let (letter, first) = expect(&mut world, pbx, method.clone());
            let challenge = "Digest realm=\"pbx.example\", nonce=\"one\", qop=\"auth\", algorithm=SHA-256";
            answer(&mut world, &letter, status, &[(asks, challenge)], "");
            let (letter, second) = next(&mut world, pbx, &method);
            let stale =
                "Digest realm=\"pbx.example\", nonce=\"two\", qop=\"auth\", algorithm=SHA-256, stale=true";
            answer(&mut world, &letter, status, &[(asks, stale)], "");
            let (_, third) = next(&mut world, pbx, &method);
            let number = |request: &Request| request.headers.cseq().unwrap().number;
            assert_eq!(number(&second), number(&first) + 1, "{method}: RFC 3261 section 22.2");
            assert_eq!(number(&third), number(&first) + 2, "{method}");
            for (again, nonce) in [(&second, "nonce=\"one\""), (&third, "nonce=\"two\"")] {
                let said = again.headers.get(answers).unwrap().to_text().into_owned();
                assert!(said.contains(nonce) && said.contains("nc=00000001"), "{method}: {said}");
                assert_eq!(again.headers.all(answers).count(), 1, "{method}");
                assert_eq!((&again.body, &again.uri), (&first.body, &first.uri), "{method}");
                for kept in ["From", "To", "Call-ID", "RAck", "Refer-To", "Event", "Subscription-State"] {
                    assert_eq!(again.headers.get(kept), first.headers.get(kept), "{method}: {kept}");
                }
                let branch = |request: &Request| request.headers.via().unwrap().branch().cloned();
                assert_ne!(branch(again), branch(&first), "{method}: another transaction");
            }
        }
    }
}

/// A PBX that challenges without end, each time with a nonce it calls fresh, must not get the phone into a loop.
#[test]
fn nobody_answers_challenges_for_ever() {
    for method in METHODS {
        let mut world = World::new(2);
        let (phone, pbx) = sends(&mut world, &method);
        let (mut letter, _) = expect(&mut world, pbx, method.clone());
        let mut times = 1;
        for nonce in 0..20 {
            let challenge =
                format!("Digest realm=\"pbx.example\", nonce=\"{nonce}\", qop=\"auth\", stale=true");
            answer(&mut world, &letter, 401, &[("WWW-Authenticate", &challenge)], "");
            world.settle();
            let again = |letter: &Letter| matches!(&letter.message, agent_sip::message::Message::Request(it) if it.method == method);
            let Some(at) = world.inbox(pbx).iter().position(again) else { break };
            letter = world.inbox(pbx).remove(at).unwrap();
            times += 1;
        }
        assert!((2..=4).contains(&times), "{method}: {times}");
        if method == Method::Bye {
            event(&mut world, phone, "Ended { call: CallId(2), end: LocalHangup }");
            clean(&mut world, phone);
        }
    }
}

/// Whoever is called learns no answer to a challenge of theirs: they could try passwords with it for as long as they like.
#[test]
fn who_is_reached_past_the_pbx_gets_no_credentials() {
    let mut world = World::new(5);
    let (phone, _, letter, _) = dialled(&mut world);
    let peer = world.script("192.0.2.30");
    answer(&mut world, &letter, 200, &[("Contact", "<sip:600@192.0.2.30:5060>")], "answer");
    expect(&mut world, peer, Method::Ack);
    event(&mut world, phone, "Answered");
    world.command(phone, SipCommand::Hangup { call: CALL });
    let (letter, bye) = expect(&mut world, peer, Method::Bye);
    assert!(!bye.headers.has(name::AUTHORIZATION));
    let challenge = ("WWW-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n\", qop=\"auth\"");
    answer(&mut world, &letter, 401, &[challenge], "");
    event(&mut world, phone, "Ended");
    world.settle();
    assert!(world.inbox(peer).is_empty(), "no second BYE with credentials");
    clean(&mut world, phone);
}
