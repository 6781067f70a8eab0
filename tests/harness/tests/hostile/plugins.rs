//! Plugins and CRMs at their worst, against the running agent: the number is shown at once, the call is answered, nothing gets out.

use crate::scene::{NUMBER, Scene};
use harness::{
    agent::{self, Start},
    keyring::Keyring,
    wait::{self, SOON},
    web::{Manners, Web},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

const HOSTILE: &str = "io.trayphone.hostile";

/// The rule that keeps a plugin from any other host.
const NOT_GRANTED: &str = "this host was not granted";

/// Between the 180 at the caller and the toast with the number in our hands: less than the second that this plugin's
/// lookup may take (`lookup_ms`), so that a toast that waits for one is seen; little enough less that a busy machine is not.
const AT_ONCE: Duration = Duration::from_millis(900);

/// What the agent may hold more at its highest, KiB: the 32 MiB its manifest grants the plugin, and the same for the rest.
const MEMORY: u64 = 64 * 1024;

/// An agent, and two web servers: the plugin's, and one it was not granted.
struct Stage {
    scene: Scene,
    crm: Web,
    other: Web,
}

impl Stage {
    fn new(change: impl FnOnce(&mut Start)) -> Self {
        let scene = Scene::with(&["1001"], change);
        Self { scene, crm: Web::start(Manners::Silent), other: Web::start(Manners::Silent) }
    }

    /// Installs the plugin as a user does, told how to behave.
    fn install(&self, behaviour: &str) {
        let (base, behaviour) = (format!("base_url={}", self.crm.url()), format!("behaviour={behaviour}"));
        let other = format!("other_url={}/api/contacts", self.other.url());
        let source = agent::plugin("hostile");
        let told = self.scene.agent.ask(&[
            "plugin",
            "install",
            &source.display().to_string(),
            "--yes",
            "--set",
            &base,
            "--set",
            &behaviour,
            "--set",
            &other,
        ]);
        assert_eq!(told[0]["id"], HOSTILE, "{told:?}");
    }

    fn remove(&self) {
        self.scene.agent.ask(&["plugin", "remove", HOSTILE]);
    }

    /// Waits until the plugin's code is there. Without a keyring it is compiled at every start, which is said.
    fn wait_until_compiled(&self) {
        let told = |event: &Value| {
            event["type"] == "error"
                && event["text"]
                    .as_str()
                    .is_some_and(|text| text.starts_with("Compiled plugins cannot be kept"))
        };
        let said = || self.scene.agent.events().iter().any(told).then_some(());
        assert!(wait::until(SOON * 3, said).is_some(), "it is not compiled\n{}", self.scene.agent.proc);
    }

    /// Rings, and waits until the plugin has failed as `said`.
    fn fails(&self, said: &str) {
        let (agent, seen) = (&self.scene.agent, self.scene.agent.events().len());
        let call = self.scene.ring();
        let (event, failed) = agent.wait_for(said, seen, SOON, |event| event["type"] == "error");
        assert!(event["text"].as_str().is_some_and(|text| text.contains(said)), "{event}");
        let shown = agent.events()[seen..failed].iter().any(is_toast);
        assert!(shown, "the number waited for the plugin\n{}", agent.proc);
        call.hang_up();
        agent.wait_for_call("terminated", seen, SOON);
    }

    /// A call that is shown at once, is answered while the plugin is at it, and ends.
    fn a_call_is_shown_and_answered(&self, meanwhile: impl FnOnce()) {
        let agent = &self.scene.agent;
        let seen = agent.events().len();
        let call = self.scene.ring();
        let (toast, _) = agent.wait_for("the toast", seen, SOON, is_toast);
        let shown = Instant::now();
        let ringing = wait::until(SOON, || call.state().ringing).expect("180");
        let title: String = toast["text"][0].as_str().unwrap_or_default().split_whitespace().collect();
        assert_eq!(title, NUMBER, "the number first: {toast}");
        let late = shown.saturating_duration_since(ringing);
        assert!(late < AT_ONCE, "the number was shown {late:?} after the 180");
        meanwhile();
        agent.ask(&["answer", &toast["call"].to_string()]);
        let answered = wait::until(SOON, || call.state().answered).expect("200");
        println!("toast {late:?} after the 180, answered {:?} after it", answered - ringing);
        call.hang_up();
        agent.wait_for_call("terminated", seen, SOON);
    }

    /// Whether the agent's memory stayed within bounds, from `before` on.
    fn stays_small(&self, before: u64) {
        let most = self.scene.agent.most_memory();
        println!("{before} KiB at first, {most} KiB at its highest");
        assert!(most < before + MEMORY, "{before} KiB at first, {most} KiB at its highest");
    }

    /// The ledger's rows of this plugin's requests that our own rules kept in; pages it wanted opened are others.
    fn refused(&self) -> Vec<Value> {
        let rows = self.scene.agent.ask(&["ledger"]);
        let ours = rows.into_iter().filter(|row| row["purpose"]["who"] == format!("plugin:{HOSTILE}"));
        let requests =
            ours.filter(|row| !row["request"].as_str().is_some_and(|request| request.starts_with("OPEN ")));
        requests.filter(|row| row["outcome"]["refused"].is_string()).collect()
    }
}

/// A toast of a call goes up: no other call's comes down, and none tells what failed.
fn is_toast(event: &Value) -> bool {
    event["type"] == "toast" && event["text"].is_array() && event["call"].is_u64()
}

/// A plugin that behaves like this fails as `said`, and costs a name and never the call.
fn costs_no_call(behaviour: &str, said: &str, crm: impl FnOnce(&Stage) -> Manners) {
    let stage = Stage::new(|_| ());
    let before = stage.scene.agent.memory();
    stage.crm.behave(crm(&stage));
    stage.install(behaviour);
    stage.wait_until_compiled();
    stage.fails(said);
    stage.a_call_is_shown_and_answered(|| ());
    assert_eq!(stage.other.connections(), 0, "a host that was not granted was reached");
    stage.stays_small(before);
    // What was tried stands in the ledger, once a try, with where it would have gone.
    let port = stage.other.url().rsplit(':').next().and_then(|port| port.parse::<u64>().ok());
    // Rows are written by a thread of their own.
    let rows = || Some(stage.refused()).filter(|rows| rows.is_empty() != (said == NOT_GRANTED));
    let refused = wait::until(SOON, rows).expect("a row for what was refused, and for nothing else");
    assert!(
        refused.iter().all(|row| row["host"] == "127.0.0.1" && row["port"].as_u64() == port),
        "{refused:?}"
    );
}

#[test]
fn an_endless_loop_costs_no_call() {
    costs_no_call("loop", "computes for longer than 250 ms", |_| Manners::Silent);
}

#[test]
fn a_gibibyte_costs_no_call() {
    costs_no_call("memory", "needs more memory than the 32 MiB", |_| Manners::Silent);
}

#[test]
fn a_host_that_was_not_granted_is_not_reached() {
    costs_no_call("elsewhere", NOT_GRANTED, |_| Manners::Silent);
}

#[test]
fn a_redirect_to_a_host_that_was_not_granted_is_not_followed() {
    costs_no_call("good", NOT_GRANTED, |stage| {
        Manners::Redirect(format!("{}/api/contacts", stage.other.url()))
    });
}

#[test]
fn a_crm_at_its_worst_costs_a_name_and_never_the_call() {
    let stage = Stage::new(|_| ());
    let before = stage.scene.agent.memory();
    stage.crm.behave(someone());
    stage.install("good");
    for (manners, said) in [
        (Manners::Silent, "did not answer in time"),
        (Manners::Huge, "the answer"),
        (Manners::Headers, "too large"),
        (Manners::Continue, "never the answer itself"),
        (Manners::Garbage, "not HTTP"),
    ] {
        // What failed the same way before is not told again until it has worked.
        stage.crm.behave(someone());
        named_by_the_plugin(&stage);
        stage.crm.behave(manners.clone());
        stage.fails(said);
        let asked = stage.crm.requests().len();
        stage.a_call_is_shown_and_answered(|| {
            if manners == Manners::Silent {
                let hangs = || stage.crm.requests().len() > asked && stage.crm.open() > 0;
                assert!(wait::until(SOON, || hangs().then_some(())).is_some(), "the CRM was not asked");
            }
        });
        let gone = wait::until(SOON, || (stage.crm.open() == 0).then_some(()));
        assert!(gone.is_some(), "{said}: the connection stays open");
    }
    println!("{} KiB of all that the CRM had were taken", stage.crm.sent() / 1024);
    stage.stays_small(before);
}

/// A CRM that knows the caller.
fn someone() -> Manners {
    Manners::Says(format!(
        r#"[{{"id":7,"name":"Alice Schmidt","company":"ACME GmbH","phones":["{NUMBER}"]}}]"#
    ))
}

#[test]
fn after_remove_nothing_of_the_plugin_is_left() {
    let keyring = Keyring::start();
    let stage = Stage::new(|start| {
        start.environment.push(keyring.environment());
    });
    let profile = stage.scene.agent.profile().to_owned();
    let (files, settings) = (files(&profile), fs::read(profile.join("trayphone.toml")).expect("settings"));
    stage.crm.behave(someone());
    stage.install("good");
    let cached = wait::until(SOON * 3, || {
        let now = self::files(&profile);
        now.iter().any(|file| file.contains("/cache/")).then_some(now)
    });
    let cached = cached.expect("with a keyring, compiled code is kept");
    assert!(cached.iter().any(|file| file.ends_with("settings.toml")), "{cached:?}");
    named_by_the_plugin(&stage);
    let asked = stage.crm.requests().len();
    stage.remove();
    let left: Vec<String> = self::files(&profile).difference(&files).cloned().collect();
    // The journal and the ledger are the user's, and a database's own files come and go.
    let left: Vec<&String> = left.iter().filter(|file| !is_database(file)).collect();
    assert_eq!(left, [] as [&String; 0]);
    assert_eq!(fs::read(profile.join("trayphone.toml")).expect("settings"), settings);
    assert_eq!(stage.scene.agent.ask(&["plugin", "list"]), [] as [Value; 0]);
    let kept = keyring.kept();
    assert!(!kept.is_empty(), "the key that seals compiled code is kept");
    assert!(kept.iter().all(|it| !it.to_lowercase().contains("hostile")), "{kept:?}");
    let seen = stage.scene.agent.events().len();
    stage.a_call_is_shown_and_answered(|| ());
    assert_eq!(stage.crm.requests().len(), asked, "it is still asked");
    let events = stage.scene.agent.events().split_off(seen);
    assert!(events.iter().all(|event| !event.to_string().contains("Alice")), "{events:?}");
}

/// A call whose toast comes to carry what the plugin found.
fn named_by_the_plugin(stage: &Stage) {
    let named = wait::until(SOON * 3, || {
        let seen = stage.scene.agent.events().len();
        let call = stage.scene.ring();
        let name = wait::until(Duration::from_secs(3), || {
            let events = stage.scene.agent.events().split_off(seen);
            events
                .iter()
                .any(|event| event["type"] == "toast" && event["text"][0] == "Alice Schmidt")
                .then_some(())
        });
        call.hang_up();
        stage.scene.agent.wait_for_call("terminated", seen, SOON);
        name
    });
    assert!(named.is_some(), "the plugin finds nobody\n{}", stage.scene.agent.proc);
}

/// Every file below a folder, as paths from there.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(next) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path.strip_prefix(folder).expect("below").display().to_string());
        }
    }
    found
}

fn is_database(file: &str) -> bool {
    ["-wal", "-shm", "-journal", "journal.reserve"].iter().any(|end| file.ends_with(end))
}
