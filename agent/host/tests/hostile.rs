//! A plugin that misbehaves in every way it can, as a real component: the agent goes on, and nothing leaves that was not granted.

mod common;

use agent_core::{
    id::CallId,
    port::host::{CallChange, HostCommand, HostEvent},
};
use common::{HOSTILE, Manner, NUMBER, PATIENCE, Profile, Server};
use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

/// What the plugin's fault must say, by behaviour.
#[test]
fn a_plugin_that_misbehaves_is_stopped_and_the_fault_says_why() {
    let table = [
        ("loop", "computes for longer than 250 ms"),
        ("memory", "needs more memory than the 32 MiB"),
        ("panic", "crashed (it panicked)"),
        ("recursion", "calls itself too deeply"),
        ("huge", "hands over more than 4 MiB at once"),
        ("log", "writes more than 200 lines"),
        ("requests", "sends more than 6 requests"),
    ];
    let server = Server::start(Manner::Good);
    for (behaviour, said) in table {
        let profile = Profile::new();
        profile.hostile(behaviour, &server, "");
        let running = profile.start();
        let fault = running.fault(1);
        assert!(fault.contains(said), "{behaviour}: {fault}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn more_cards_than_anybody_can_have_are_stopped_or_cut() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.hostile("many", &server, "");
    let fault = profile.start().fault(1);
    assert!(fault.contains("it was stopped"), "{fault}");
}

#[test]
fn a_loop_delays_nobody_else_and_three_of_them_pause_the_plugin() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.hostile("loop", &server, "");
    profile.install(&common::built("demo-crm"), &[("base_url", &server.url())]).expect("installed");
    let running = profile.start();
    // Both are loaded before their order counts.
    running.lookup(1).ok();
    running.ask(3);
    let found = running.wait("the good plugin's card", |event| match event {
        HostEvent::Found { call: CallId(3), card } => Some(card),
        HostEvent::NotFound { call: CallId(3), error: Some(_), .. } => panic!("it waited for the bad one"),
        HostEvent::LookupDone { call: CallId(3) } => panic!("no card"),
        _ => None,
    });
    assert_eq!(found.name, "Alice Schmidt");
    running.wait("the end of the lookup", |event| {
        (event == HostEvent::LookupDone { call: CallId(3) }).then_some(())
    });
    running.ask(5);
    let problem = running.wait("the pause", |event| match event {
        HostEvent::Plugins(plugins) => {
            plugins.into_iter().find(|it| it.id == HOSTILE).and_then(|it| it.problem)
        }
        _ => None,
    });
    assert!(problem.contains("paused for 30 s"), "{problem}");
    running.ask(7);
    let refused = running.wait("the refusal", |event| match event {
        HostEvent::NotFound { call: CallId(7), error, .. } => error,
        _ => None,
    });
    assert!(refused.contains("paused"), "{refused}");
}

#[test]
fn nothing_reaches_a_host_that_was_not_granted() {
    let (server, other) = (Server::start(Manner::Good), Server::start(Manner::Good));
    let profile = Profile::new();
    profile.hostile("elsewhere", &server, &format!("{}/api/contacts", other.url()));
    let running = profile.start();
    let fault = running.fault(1);
    assert!(fault.contains("this host was not granted"), "{fault}");
    assert!(other.requests().is_empty(), "the other server was reached");
    assert_eq!(running.refused(), [("127.0.0.1".to_owned(), "this host was not granted".to_owned())]);
}

#[test]
fn other_ways_to_say_an_address_lead_nowhere_either() {
    let server = Server::start(Manner::Good);
    let port = server.url().rsplit(':').next().map(str::to_owned).unwrap_or_default();
    let table = [
        (format!("{}/admin", server.url()), "this path was not granted"),
        (format!("{}/api/../admin", server.url()), "this path was not granted"),
        (format!("{}/api/%2e%2e/admin", server.url()), "this path was not granted"),
        (format!("{}/api/..%2fadmin", server.url()), "hides a separator"),
        (format!("http://user@127.0.0.1:{port}/api/"), "user name"),
        (format!("http://localhost:{port}/api/"), "this host was not granted"),
        (format!("http://[::1]:{port}/api/"), "this host was not granted"),
        (format!("https://127.0.0.1:{port}/api/"), "this host was not granted"),
        ("http://169.254.169.254/api/".to_owned(), "this host was not granted"),
        ("file:///etc/passwd".to_owned(), "only https:// and http://"),
        (format!("{}/api/#here", server.url()), "fragment"),
        ("not an address".to_owned(), "cannot be read"),
    ];
    for (address, said) in table {
        let profile = Profile::new();
        profile.hostile("elsewhere", &server, &address);
        let fault = profile.start().fault(1);
        assert!(fault.contains(said), "{address}: {fault}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn the_same_address_written_in_numbers_is_the_granted_one_and_nothing_more() {
    let server = Server::start(Manner::Good);
    let port = server.url().rsplit(':').next().map(str::to_owned).unwrap_or_default();
    let profile = Profile::new();
    // 127.0.0.1 as one number: the same host, so the grant holds, and the address is checked again when connecting.
    profile.hostile("elsewhere", &server, &format!("http://2130706433:{port}/api/"));
    assert_eq!(profile.start().lookup(1).map(|card| card.name), Ok("Eve".to_owned()));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_redirect_to_a_host_that_was_not_granted_is_not_followed() {
    let other = Server::start(Manner::Good);
    let server = Server::start(Manner::Redirect(format!("{}/api/contacts", other.url())));
    let profile = Profile::new();
    profile.hostile("good", &server, "");
    let running = profile.start();
    let fault = running.fault(1);
    assert!(fault.contains("this host was not granted"), "{fault}");
    assert_eq!(server.requests().len(), 1);
    assert!(other.requests().is_empty(), "the other server was reached");
    assert_eq!(running.refused().len(), 1);
}

#[test]
fn a_redirect_in_a_circle_ends() {
    let server = Server::start(Manner::Redirect("/api/contacts?again".to_owned()));
    let profile = Profile::new();
    profile.hostile("good", &server, "");
    let fault = profile.start().fault(1);
    assert!(fault.contains("more than 5 redirects"), "{fault}");
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn headers_that_steer_the_connection_and_data_not_granted_stay_in() {
    let server = Server::start(Manner::Good);
    for (behaviour, said) in [("header", "not for plugins to set"), ("name", "carries the caller-name")] {
        let profile = Profile::new();
        profile.hostile(behaviour, &server, "");
        let fault = profile.start().fault(1);
        assert!(fault.contains(said), "{behaviour}: {fault}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_server_that_never_answers_ends_the_lookup_in_time_and_is_no_strike() {
    let server = Server::start(Manner::Silent);
    let profile = Profile::new();
    profile.hostile("good", &server, "");
    let running = profile.start();
    for call in [1, 3, 5, 7] {
        let begun = Instant::now();
        let fault = running.fault(call);
        assert!(fault.contains("did not answer in time"), "{fault}");
        assert!(begun.elapsed() < PATIENCE / 2);
    }
}

#[test]
fn hanging_up_frees_the_socket_at_once() {
    let server = Server::start(Manner::Silent);
    let profile = Profile::new();
    profile.hostile("good", &server, "");
    let running = profile.start();
    let took = (1..=5).map(|turn| {
        let call = 2 * turn as u64 + 1;
        running.ask(call);
        until("the server has the request", || server.requests().len() == turn);
        let begun = Instant::now();
        running.host.send(HostCommand::Cancel { call: CallId(call) });
        until("the connection is closed", || server.closed.load(Ordering::SeqCst) == turn);
        begun.elapsed()
    });
    // A lookup that nobody ends keeps its socket for a second (the plugin's `lookup_ms`). The best of five: what is
    // measured is us, not how busy the machine is.
    let best = took.min().unwrap_or(PATIENCE);
    assert!(best < Duration::from_millis(500), "{best:?}: the socket waits for the end of the lookup");
}

#[test]
fn a_card_about_somebody_else_is_nobody() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.hostile("other", &server, "");
    assert_eq!(profile.start().lookup(1), Err(None));
}

#[test]
fn a_card_that_deceives_is_cleaned_and_its_page_dropped() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.hostile("deceive", &server, "");
    let running = profile.start();
    let card = running.lookup(1).expect("a card");
    assert_eq!(card.name, "Alice Schmidt[31m");
    assert_eq!(card.url, None);
    assert_eq!(running.refused(), [("evil.test".to_owned(), "this host was not granted".to_owned())]);
}

#[test]
fn of_the_pages_a_plugin_wants_opened_only_the_granted_one_is() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.hostile("good", &server, "");
    let running = profile.start();
    running.lookup(1).expect("a card");
    running.host.send(HostCommand::CallChanged { call: CallId(1), what: CallChange::Answered });
    let opened = running.wait("the page", |event| match event {
        HostEvent::OpenRecord { call, plugin, url } => Some((call, plugin, url)),
        _ => None,
    });
    // The refused ones come first in the plugin's list, so that they would have been told by now.
    assert_eq!(opened, (CallId(1), HOSTILE.to_owned(), format!("{}/contacts/7", server.url())));
    let refused: Vec<String> = running.refused().into_iter().map(|(host, _)| host).collect();
    assert_eq!(refused, ["evil.test", ""]);
}

#[test]
fn the_ledger_says_what_was_sent() {
    let server = Server::start(Manner::Good);
    let profile = Profile::new();
    profile.hostile("good", &server, "");
    let running = profile.start();
    running.lookup(1).expect("a card");
    let rows = running.ledger.lock().expect("rows").clone();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].purpose.who, format!("plugin:{HOSTILE}"));
    assert_eq!(rows[0].purpose.why, "look up a caller (sends caller-number)");
    assert_eq!(rows[0].address.as_deref(), Some("127.0.0.1"));
    let request = rows[0].request.clone().unwrap_or_default();
    assert!(request.starts_with("GET /api/contacts") && !request.contains(&NUMBER[1..]), "{request}");
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}
