//! The way out of an account: proxies of the settings, those a registrar names (RFC 3608), and whether it has really bound us.

use crate::{
    script::{ACCOUNT, answer, calling, expect, expect_status, say, settings},
    world::{Letter, Who, World},
};
use agent_core::{
    id::CallId,
    port::sip::{
        MessageCommand, Registration, RegistrationProblem, SipCommand, SipEvent, WatchCommand,
        watch::{PresenceInfo, PresenceState},
    },
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::{
    config::Config,
    message::{Method, Request},
};
use std::time::Duration;

const PROXY: &str = "192.0.2.20";

fn begin(world: &mut World, settings: AccountSettings) -> (Who, Who) {
    let proxy = world.script(PROXY);
    world.names.insert("proxy.example".to_owned(), vec![PROXY.parse().unwrap()]);
    let config =
        Config { expires: Duration::from_secs(600), keep_alive: Duration::ZERO, ..Config::default() };
    let phone = world.phone("192.0.2.1", config);
    let password = Secret::new("secret".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings, password });
    (phone, proxy)
}

fn behind(proxies: &[&str]) -> AccountSettings {
    let outbound_proxy = proxies.iter().map(|proxy| (*proxy).to_owned()).collect();
    AccountSettings { outbound_proxy, ..settings(None) }
}

fn confirm(world: &mut World, (letter, request): &(Letter, Request), more: &[(&str, &str)]) {
    let contact = request.headers.get("Contact").expect("a Contact").to_string();
    let headers = [&[("Contact", contact.as_str())], more].concat();
    answer(world, letter, 200, &headers, "");
    world.settle();
}

fn routes(request: &Request) -> Vec<String> {
    request.headers.addresses("Route").unwrap().iter().map(|route| route.uri.to_string()).collect()
}

fn dial(world: &mut World, phone: Who) -> CallId {
    world.command(phone, calling(2, "600"));
    CallId(2)
}

fn write(world: &mut World, phone: Who) {
    let (target, text) = ("600".to_owned(), "hello".to_owned());
    let command = MessageCommand::Send { message: 2, account: ACCOUNT, target, text };
    world.command(phone, SipCommand::Message(command));
}

fn states(world: &mut World, phone: Who) -> Vec<Registration> {
    world.settle();
    let state = |event: SipEvent| match event {
        SipEvent::Registration { state, .. } => Some(state),
        _ => None,
    };
    std::mem::take(world.events(phone)).into_iter().filter_map(state).collect()
}

const CHALLENGE: [(&str, &str); 1] = [("Proxy-Authenticate", "Digest realm=\"pbx.example\", nonce=\"n\"")];

#[test]
fn everything_goes_through_the_proxies_and_to_the_domain() {
    let mut world = World::new(1);
    let settings = AccountSettings {
        watch: vec!["1002".to_owned()],
        publish: true,
        ..behind(&["sip:proxy.example", "sip:second.example:5070;lr"])
    };
    let (phone, proxy) = begin(&mut world, settings);
    let way = ["sip:proxy.example;lr", "sip:second.example:5070;lr"];
    let register = expect(&mut world, proxy, Method::Register);
    assert_eq!(
        (routes(&register.1), register.1.uri.to_string()),
        (way.map(str::to_owned).to_vec(), "sip:pbx.example".into())
    );
    assert_eq!(
        register.1.headers.get("Supported").map(ToString::to_string).as_deref(),
        Some("path, outbound")
    );
    // What the registrar names comes behind them (RFC 3608); it need not name a machine that stands there already.
    let service = "<sip:second.example:5070;lr>, <sip:home.example;lr>";
    confirm(
        &mut world,
        &register,
        &[("Service-Route", "<sip:proxy.example;lr>"), ("Service-Route", service)],
    );
    let all =
        ["sip:proxy.example;lr", "sip:second.example:5070;lr", "sip:home.example;lr"].map(str::to_owned);
    let (letter, subscribe) = expect(&mut world, proxy, Method::Subscribe);
    assert_eq!(
        (routes(&subscribe), subscribe.uri.to_string().as_str()),
        (all.to_vec(), "sip:1002@pbx.example")
    );
    answer(&mut world, &letter, 489, &[], "");
    let presence = PresenceInfo { state: PresenceState::Away, note: None };
    world.command(phone, SipCommand::Watch(WatchCommand::Publish { account: ACCOUNT, presence }));
    let (letter, publish) = expect(&mut world, proxy, Method::Publish);
    assert_eq!(routes(&publish), all);
    answer(&mut world, &letter, 489, &[], "");
    write(&mut world, phone);
    let (letter, message) = expect(&mut world, proxy, Method::Message);
    assert_eq!((routes(&message), message.uri.to_string().as_str()), (all.to_vec(), "sip:600@pbx.example"));
    answer(&mut world, &letter, 200, &[], "");
    let call = dial(&mut world, phone);
    let (letter, invite) = expect(&mut world, proxy, Method::Invite);
    assert_eq!((routes(&invite), invite.uri.to_string().as_str()), (all.to_vec(), "sip:600@pbx.example"));
    // The challenge of a proxy is answered along the same way, and CANCEL goes where the INVITE went (RFC 3261 section 9.1).
    answer(&mut world, &letter, 407, &CHALLENGE, "");
    expect(&mut world, proxy, Method::Ack);
    let (letter, invite) = expect(&mut world, proxy, Method::Invite);
    assert!(invite.headers.has("Proxy-Authorization"));
    assert_eq!(routes(&invite), all);
    answer(&mut world, &letter, 180, &[], "");
    world.settle();
    world.command(phone, SipCommand::Hangup { call });
    let (letter, cancel) = expect(&mut world, proxy, Method::Cancel);
    assert_eq!(routes(&cancel), all);
    answer(&mut world, &letter, 200, &[], "");
    world.settle();
}

#[test]
fn a_registration_takes_none_of_the_way_it_is_told() {
    let mut world = World::new(9);
    let (_, proxy) = begin(&mut world, behind(&["sip:proxy.example"]));
    let register = expect(&mut world, proxy, Method::Register);
    confirm(&mut world, &register, &[("Service-Route", "<sip:home.example;lr>")]);
    // RFC 3608 section 6.1.
    let (_, again) = expect(&mut world, proxy, Method::Register);
    assert_eq!(routes(&again), ["sip:proxy.example;lr"]);
}

#[test]
fn within_a_dialog_the_way_is_the_one_that_was_recorded() {
    let mut world = World::new(2);
    let (phone, proxy) = begin(&mut world, behind(&["sip:proxy.example"]));
    let register = expect(&mut world, proxy, Method::Register);
    confirm(&mut world, &register, &[]);
    let call = dial(&mut world, phone);
    let (letter, _) = expect(&mut world, proxy, Method::Invite);
    let headers = [("Record-Route", "<sip:192.0.2.20;lr;did=7>"), ("Contact", "<sip:600@192.0.2.30:5060>")];
    answer(&mut world, &letter, 200, &headers, "answer");
    let (_, ack) = expect(&mut world, proxy, Method::Ack);
    assert_eq!(
        (routes(&ack), ack.uri.to_string().as_str()),
        (vec!["sip:192.0.2.20;lr;did=7".to_owned()], "sip:600@192.0.2.30:5060")
    );
    world.command(phone, SipCommand::Hangup { call });
    let (_, bye) = expect(&mut world, proxy, Method::Bye);
    assert_eq!(routes(&bye), ["sip:192.0.2.20;lr;did=7"]);
}

#[test]
fn a_call_through_the_proxy_is_the_registrars_and_one_past_it_a_strangers() {
    let mut world = World::new(3);
    let (phone, proxy) = begin(&mut world, behind(&["sip:proxy.example"]));
    let register = expect(&mut world, proxy, Method::Register);
    confirm(&mut world, &register, &[]);
    let stranger = world.script("192.0.2.10");
    let invite = crate::script::invite("in", 1, "", "offer");
    say(&mut world, stranger, phone, &invite);
    expect_status(&mut world, stranger, 403);
    say(&mut world, proxy, phone, &invite.replace("call-in", "call-by-proxy"));
    expect_status(&mut world, proxy, 100);
}

#[test]
fn what_a_registrar_names_may_be_nonsense() {
    for named in ["<sip:home.example>", "nonsense <", "<tel:+49>", &["<sip:a.example;lr>"; 9].join(",")] {
        let mut world = World::new(4);
        let (phone, proxy) = begin(&mut world, behind(&["sip:proxy.example"]));
        let register = expect(&mut world, proxy, Method::Register);
        confirm(&mut world, &register, &[("Service-Route", named)]);
        assert_eq!(states(&mut world, phone).last(), Some(&Registration::Registered), "{named}");
        write(&mut world, phone);
        let (_, message) = expect(&mut world, proxy, Method::Message);
        assert_eq!(routes(&message), ["sip:proxy.example;lr"], "{named}");
    }
}

#[test]
fn a_registrar_behind_the_proxy_is_named_to_it() {
    let mut world = World::new(5);
    let settings = AccountSettings {
        registrar: Some("sip:registrar.example:5070;transport=tcp".to_owned()),
        ..behind(&["sip:proxy.example;transport=udp"])
    };
    let (_, proxy) = begin(&mut world, settings);
    let (letter, register) = expect(&mut world, proxy, Method::Register);
    assert_eq!(register.uri.to_string(), "sip:registrar.example:5070");
    assert_eq!(register.headers.to().unwrap().uri.to_string(), "sip:1001@pbx.example");
    assert!(!letter.flow.transport.reliable(), "the proxy's transport, not the registrar's");
}

#[test]
fn a_yes_that_does_not_list_us_is_no_registration() {
    let mut world = World::new(6);
    let (phone, pbx) = begin(&mut world, behind(&["sip:proxy.example"]));
    let mut failures = 0;
    for (headers, listed) in [
        (vec![], false),
        (vec![("Contact", "<sip:1001@192.0.2.77>;expires=600")], false),
        (vec![("Expires", "600")], false),
        (vec![("Contact", "<sip:USER@198.51.100.7:1024>;expires=300")], true),
    ] {
        let (letter, request) = expect(&mut world, pbx, Method::Register);
        let own = request.headers.contact().unwrap().uri.user_text().unwrap().to_string();
        let headers: Vec<(&str, String)> =
            headers.into_iter().map(|(name, value)| (name, value.replace("USER", &own))).collect();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        answer(&mut world, &letter, 200, &headers, "");
        let states = states(&mut world, phone);
        let failed = matches!(
            states.last(),
            Some(Registration::Failed {
                reason: RegistrationProblem::Refused { status: 200, .. },
                retry_ms: Some(_)
            })
        );
        failures += u32::from(failed);
        assert_eq!(states.contains(&Registration::Registered), listed, "{headers:?}: {states:?}");
        assert_eq!(failed, !listed);
    }
    assert_eq!(failures, 3);
    // A refresh that lists us no more ends it, though the interval granted before still runs.
    let (letter, _) = expect(&mut world, pbx, Method::Register);
    answer(&mut world, &letter, 200, &[("Contact", "<sip:1001@192.0.2.77>;expires=600")], "");
    assert!(matches!(states(&mut world, phone).last(), Some(Registration::Failed { .. })));
}

#[test]
fn our_own_interval_counts_and_not_the_one_of_another_phone() {
    let mut world = World::new(7);
    let (phone, pbx) = begin(&mut world, behind(&["sip:proxy.example"]));
    let (letter, request) = expect(&mut world, pbx, Method::Register);
    let own = request.headers.contact().unwrap().uri.to_string();
    let list = format!("<sip:other@192.0.2.77>;expires=3600, <{own}>;expires=60");
    answer(&mut world, &letter, 200, &[("Contact", &list), ("Expires", "3600")], "");
    assert_eq!(states(&mut world, phone).last(), Some(&Registration::Registered));
    let before = world.clock();
    expect(&mut world, pbx, Method::Register);
    assert!((world.clock() - before).as_secs() <= 31, "refreshed after {:?}", world.clock() - before);
}

#[test]
fn a_pbx_that_has_forgotten_a_subscription_is_asked_about_the_registration() {
    let mut world = World::new(8);
    let settings = AccountSettings { watch: vec!["1002".to_owned()], ..behind(&["sip:proxy.example"]) };
    let (_, pbx) = begin(&mut world, settings);
    let register = expect(&mut world, pbx, Method::Register);
    confirm(&mut world, &register, &[]);
    let (letter, _) = expect(&mut world, pbx, Method::Subscribe);
    world.pass(Duration::from_secs(6));
    world.inbox(pbx).clear();
    let before = world.clock();
    answer(&mut world, &letter, 481, &[], "");
    expect(&mut world, pbx, Method::Register);
    assert!((world.clock() - before).as_secs() < 1, "{:?}", world.clock() - before);
}
