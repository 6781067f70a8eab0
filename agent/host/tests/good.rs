//! The first-party plugin as a real component against a small server: found, not found, installed, removed.

mod common;

use agent_core::{
    id::CallId,
    journal::Direction,
    port::host::{HostCommand, HostEvent},
};
use common::{Manner, Profile, Server, built};

const DEMO: &str = "io.trayphone.demo-crm";

#[test]
fn the_caller_is_found_with_the_page_of_the_record() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.install(&built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
    let running = profile.start();
    let card = running.lookup(1).expect("a card");
    assert_eq!(card.source, DEMO);
    assert_eq!(card.name, "Alice Schmidt");
    assert_eq!(card.company.as_deref(), Some("ACME GmbH"));
    assert_eq!(card.url, Some(format!("{}/contacts/7", server.url())));
    assert_eq!(server.requests(), ["GET /api/contacts?phone=%2B4930123456 HTTP/1.1"]);
}

#[test]
fn this_computer_can_be_granted_by_its_name_and_a_page_elsewhere_is_dropped() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    let named = server.url().replace("127.0.0.1", "localhost");
    profile.install(&built("demo-crm"), &[("base_url", &named)]).expect("installed");
    let running = profile.start();
    let card = running.lookup(1).expect("a card");
    // The record's page is on 127.0.0.1, which is not the name that was granted.
    assert_eq!((card.name.as_str(), card.url), ("Alice Schmidt", None));
    assert_eq!(running.refused().len(), 1);
}

#[test]
fn a_number_nobody_has_is_simply_not_found() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.install(&built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
    let running = profile.start();
    // The server lists Alice whatever is asked; the host sees that she has another number.
    running.host.send(HostCommand::Lookup {
        call: CallId(1),
        direction: Direction::Incoming,
        number: "+4940999999".to_owned(),
        name: None,
    });
    assert_eq!(running.outcome(1), Err(None));
}

#[test]
fn two_hundred_calls_at_once_each_get_their_card() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.install(&built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
    let running = profile.start();
    running.lookup(1).expect("a card");
    for call in 0..200 {
        running.ask(3 + 2 * call);
    }
    let (mut found, mut done) = (0, 0);
    running.wait("200 ends", |event| {
        match event {
            HostEvent::Found { .. } => found += 1,
            HostEvent::NotFound { error, .. } => panic!("not found: {error:?}"),
            HostEvent::LookupDone { .. } => done += 1,
            _ => {}
        }
        (done == 200).then_some(())
    });
    assert_eq!(found, 200);
}

#[test]
fn without_plugins_a_lookup_ends_at_once() {
    let profile = Profile::new();
    let running = profile.start();
    running.ask(1);
    running.wait("the end", |event| (event == HostEvent::LookupDone { call: CallId(1) }).then_some(()));
    assert!(profile.folder.files().is_empty(), "an agent without plugins leaves nothing");
}

#[test]
fn a_plugin_installed_and_removed_while_the_agent_runs_comes_and_goes() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    let running = profile.start();
    let plugins = |what: &str, many: usize| {
        running.wait(what, |event| match event {
            HostEvent::Plugins(plugins) if plugins.len() == many => Some(plugins),
            _ => None,
        })
    };
    plugins("none", 0);
    let info = profile.install(&built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
    running.host.send(HostCommand::Reload);
    assert_eq!(plugins("one", 1), std::slice::from_ref(&info));
    assert_eq!(info.hosts, [server.url()]);
    assert_eq!(info.sends, ["caller-number"]);
    assert_eq!(agent_host::list(&profile.config), [info]);
    running.lookup(1).expect("a card");
    agent_host::remove(&profile.config, DEMO).expect("removed");
    running.host.send(HostCommand::Reload);
    plugins("none again", 0);
    running.ask(3);
    running.wait("the end", |event| (event == HostEvent::LookupDone { call: CallId(3) }).then_some(()));
    assert_eq!(profile.folder.files(), ["plugins"], "something of the plugin is left");
}
