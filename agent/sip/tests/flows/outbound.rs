//! RFC 5626: our instance, the number of our road, and what stays the same from one start to the next.

use crate::{
    script::{ACCOUNT, answer, expect, register, settings},
    standing::dial,
    world::{Letter, Who, World},
};
use agent_core::{id::AccountId, port::sip::SipCommand, secret::Secret};
use agent_sip::{
    Device,
    config::Config,
    message::{Contacts, Method, NameAddr, Request},
};
use std::time::Duration;

fn config() -> Config {
    let expires = Duration::from_secs(3600);
    Config { expires, keep_alive: Duration::ZERO, device: Some(Device::new([7; 32])), ..Config::default() }
}

fn contacts(request: &Request) -> Vec<NameAddr> {
    match request.headers.contacts() {
        Ok(Contacts::List(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn user(contact: &NameAddr) -> String {
    contact.uri.user_text().unwrap().to_text().into_owned()
}

fn grant(world: &mut World, letter: &Letter, list: &[&NameAddr], more: &[(&str, &str)]) {
    let list: Vec<String> = list.iter().map(|contact| contact.to_value().to_text().into_owned()).collect();
    let list = list.join(", ");
    let headers: Vec<_> = [("Contact", list.as_str())].into_iter().chain(more.iter().copied()).collect();
    answer(world, letter, 200, &headers, "");
    world.settle();
}

fn started() -> (World, Who, Who) {
    let mut world = World::new(5);
    let pbx = world.script("192.0.2.10");
    let phone = world.phone("192.0.2.1", config());
    register(&mut world, phone, None);
    (world, phone, pbx)
}

#[test]
fn a_register_names_our_instance_and_road_and_calls_come_back_over_it_where_the_registrar_has_it() {
    for applied in [true, false] {
        let (mut world, phone, pbx) = started();
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let contact = contacts(&request).remove(0);
        let instance = format!("<{}>", Device::new([7; 32]).instance());
        assert_eq!(contact.params.get("+sip.instance"), Some(instance.as_bytes()));
        assert!(
            request
                .headers
                .get("Contact")
                .unwrap()
                .to_string()
                .contains(&format!("+sip.instance=\"{instance}\""))
        );
        assert_eq!(contact.params.get("reg-id"), Some(&b"1"[..]));
        assert_eq!(request.headers.get("Supported").unwrap(), "path, outbound");
        let more: &[_] = if applied { &[("Require", "outbound")] } else { &[("Supported", "outbound")] };
        grant(&mut world, &letter, &[&contact], more);
        let (_, invite) = dial(&mut world, (phone, pbx));
        let ob = invite.headers.get("Contact").unwrap().to_string().contains(";ob");
        assert_eq!(ob, applied);
    }
}

#[test]
fn a_machine_on_the_way_that_knows_nothing_of_it_is_registered_through_without() {
    let (mut world, phone, pbx) = started();
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    answer(&mut world, &letter, 439, &[], "");
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let contact = contacts(&request).remove(0);
    assert!(!contact.params.has("reg-id") && !contact.params.has("+sip.instance"), "{contact}");
    assert_eq!(request.headers.get("Supported").unwrap(), "path");
    // Who says so twice says no.
    answer(&mut world, &letter, 439, &[], "");
    crate::script::event(&mut world, phone, "Registration");
    world.settle();
    assert!(world.inbox(pbx).is_empty());
}

#[test]
fn a_binding_of_the_start_before_is_replaced() {
    let (mut world, phone, pbx) = started();
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let old = contacts(&request).remove(0);
    grant(&mut world, &letter, &[&old], &[]);
    world.restart(phone, config());
    world.moves(phone, "192.0.2.2");
    register(&mut world, phone, None);
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let new = contacts(&request).remove(0);
    assert_eq!(user(&new), user(&old));
    // Somebody else is there as well, and stays.
    let other = NameAddr::parse(b"<sip:desk@192.0.2.50>").unwrap();
    grant(&mut world, &letter, &[&other, &old, &new], &[]);
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let list = contacts(&request);
    assert_eq!(list.len(), 2);
    assert_eq!((&list[1].uri, list[1].params.get("expires")), (&old.uri, Some(&b"0"[..])));
    assert!(!list[1].params.has("reg-id"), "or it would name the new one");
    grant(&mut world, &letter, &[&other, &new], &[]);
    world.pass(Duration::from_secs(100));
    assert!(world.inbox(pbx).is_empty());
}

#[test]
fn a_registrar_that_keeps_what_we_take_away_is_asked_a_few_times_only() {
    let (mut world, _, pbx) = started();
    let mut asked = 0;
    loop {
        world.settle();
        if world.inbox(pbx).is_empty() {
            break;
        }
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let new = contacts(&request).remove(0);
        let old = NameAddr::parse(format!("<sip:{}@192.0.2.200:4000>", user(&new)).as_bytes()).unwrap();
        grant(&mut world, &letter, &[&old, &new], &[]);
        asked += 1;
    }
    assert_eq!(asked, 5);
}

#[test]
fn an_address_that_the_registrar_put_in_place_of_ours_is_no_old_one() {
    let (mut world, _, pbx) = started();
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let user = user(&contacts(&request).remove(0));
    let list = format!("<sip:{user}@198.51.100.1:4000>, <sip:{user}@198.51.100.1:4001>");
    answer(&mut world, &letter, 200, &[("Contact", &list)], "");
    world.pass(Duration::from_secs(10));
    assert!(world.inbox(pbx).is_empty());
}

#[test]
fn who_takes_the_place_of_another_registration_is_not_taken_away_with_it() {
    let (mut world, phone, pbx) = started();
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let old = contacts(&request).remove(0);
    grant(&mut world, &letter, &[&old], &[]);
    let other = agent_core::settings::AccountSettings { session_timer: 0, ..settings(None) };
    let password = Secret::new("secret".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings: other, password });
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let contact = contacts(&request).remove(0);
        seen.push((user(&contact) == user(&old), contact.params.has("reg-id")));
        grant(&mut world, &letter, &[&contact], &[]);
    }
    seen.sort_unstable();
    assert_eq!(
        seen,
        [(false, true), (true, false)],
        "the one that goes names neither the new user nor the road"
    );
}

#[test]
fn two_accounts_of_one_address_are_two_roads() {
    let (mut world, phone, pbx) = started();
    let password = Secret::new("secret".to_owned());
    world.command(phone, SipCommand::Register { account: AccountId(1), settings: settings(None), password });
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let contact = contacts(&request).remove(0);
        seen.push((contact.params.get("reg-id").unwrap().to_vec(), user(&contact)));
        grant(&mut world, &letter, &[&contact], &[]);
    }
    assert!(seen[0].0 != seen[1].0 && seen[0].1 != seen[1].1, "{seen:?}");
}
