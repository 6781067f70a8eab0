//! What kind of PBX it is, as its 200 says, and how the core has it treated.

use crate::{
    script::{ACCOUNT, answer, expect, invite, registered, say, settings},
    watching::{agree, confirm, enrol, quiet},
    world::World,
};
use agent_core::{
    port::sip::{PhoneCommand, PhoneEvent, SipCommand, SipEvent, Treatment},
    settings::{AccountSettings, Identity},
};
use agent_sip::message::Method;
use std::time::Duration;

fn treat(how: Treatment) -> SipCommand {
    SipCommand::Phone(PhoneCommand::Treat { account: ACCOUNT, how })
}

#[test]
fn the_registrar_says_what_it_is_with_its_200_and_once() {
    let mut world = World::new(1);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", quiet());
    enrol(&mut world, phone, settings(None));
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    // Who only asks for a password may stand in front of it.
    let challenge = "Digest realm=\"pbx.example\", nonce=\"n\"";
    answer(&mut world, &letter, 401, &[("WWW-Authenticate", challenge), ("Server", "Proxy 1")], "");
    for (nth, header) in [("Server", "FPBX-16 (18)"), ("Server", "FPBX-16 (18)"), ("User-Agent", "AVM 7590")]
        .into_iter()
        .enumerate()
    {
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let contact = request.headers.get("Contact").expect("a Contact").to_string();
        world.events(phone).clear();
        let contact = format!("{}>;expires=60", contact.split('>').next().unwrap_or_default());
        answer(&mut world, &letter, 200, &[("Contact", &contact), header], "");
        world.settle();
        let told: Vec<String> = world
            .events(phone)
            .iter()
            .filter_map(|event| match event {
                SipEvent::Phone(PhoneEvent::Pbx { product, .. }) => Some(product.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(told, [header.1].into_iter().filter(|_| nth != 1).collect::<Vec<_>>(), "{nth}");
    }
}

#[test]
fn the_rate_of_a_kind_of_pbx_holds_until_it_is_another() {
    let targets: Vec<String> = (0..12).map(|nth| format!("{}", 2000 + nth)).collect();
    let mut world = World::new(2);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", quiet());
    enrol(&mut world, phone, AccountSettings { watch: targets, ..settings(None) });
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    world.command(phone, treat(Treatment { subscribes_per_second: Some(2), ..Treatment::default() }));
    confirm(&mut world, &letter, &request);
    let mut sent: Vec<Duration> = Vec::new();
    for nth in 0..12 {
        let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
        sent.push(letter.at);
        agree(&mut world, &letter, "3600");
        if nth == 5 {
            // Faster than SIP's own pace is none.
            let how = Treatment { subscribes_per_second: Some(100), ..Treatment::default() };
            world.command(phone, treat(how));
        }
    }
    let second = Duration::from_secs(1);
    let most = |sent: &[Duration]| {
        let within = |at: usize| sent[at..].iter().take_while(|time| **time < sent[at] + second).count();
        (0..sent.len()).map(within).max()
    };
    assert_eq!(most(&sent[..6]), Some(2), "{sent:?}");
    assert!(most(&sent[6..]) > Some(2) && most(&sent) <= Some(10), "{sent:?}");
    assert!(sent[5] - sent[0] >= second * 2, "{sent:?}");
}

#[test]
fn whose_word_counts_is_as_the_kind_of_pbx_wants_it() {
    let mut world = World::new(3);
    let (phone, pbx) = registered(&mut world);
    let asserted = "P-Asserted-Identity: <sip:700@pbx.example>\n";
    let who = |world: &mut World, branch: &str| {
        let text = invite(branch, 1, asserted, "").replace("call-in", branch);
        say(world, pbx, phone, &text);
        world.settle();
        let told = world.events(phone).iter().find_map(|event| match event {
            SipEvent::Incoming { party, .. } => Some(party.number.clone()),
            _ => None,
        });
        told.expect("a call")
    };
    assert_eq!(who(&mut world, "a"), "700");
    world.events(phone).clear();
    let how = Treatment { identity: Some(vec![Identity::From]), ..Treatment::default() };
    world.command(phone, treat(how));
    assert_eq!(who(&mut world, "b"), "600");
    world.events(phone).clear();
    world.command(phone, treat(Treatment::default()));
    assert_eq!(who(&mut world, "c"), "700");
}
