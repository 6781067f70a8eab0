//! A call steered from the command line, judged by the other end: held, resumed, muted, keyed, shown, ended.

use agent_exchange::{Exchange, ExchangeConfig, Extension, ExtensionCall, Ring, User};
use agent_media::measure;
use harness::{
    agent::{Account, Agent},
    sipp::Transport,
    wait::{self, SOON},
};
use serde_json::{Value, json};
use std::path::Path;

/// What the agent says, Hz; none of the exchange's own tones.
const SAID_HZ: f64 = 1000.0;
/// How loud, dBov.
const LEVEL: f64 = -20.0;
/// Samples a second of what the exchange hears.
const RATE: u32 = 8000;

/// A call to the extension that records what it hears.
struct Bench {
    agent: Agent,
    call: ExtensionCall,
    number: Value,
    _exchange: Exchange,
}

impl Bench {
    fn connected(folder: &Path) -> Self {
        let users = vec![User::new("1001", "secret")];
        let exchange =
            Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("it starts");
        let says = folder.join("says.wav");
        measure::write_wav(&says, RATE, &measure::sine(RATE, SAID_HZ, LEVEL, 120.0)).expect("a file");
        let account = Account::at(exchange.address().port(), Transport::Udp, "secret");
        let account = account.with_files(&says, &folder.join("hears.wav"));
        let agent = Agent::start(folder, "agent", account.start());
        agent.wait_until_registered();
        let dialled = agent.ask(&["dial", Extension::Tone.number()]).remove(0);
        assert_eq!((&dialled["reply"], &dialled["number"]), (&json!("call"), &json!("601")), "{dialled}");
        agent.wait_for_call("established", 0, SOON);
        let call = exchange.last_call_to(Extension::Tone).expect("the exchange has the call");
        Self { agent, call, number: dialled["call"].clone(), _exchange: exchange }
    }

    /// Gives a command as people do; it must succeed. Answers what it printed.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.agent.plain(arguments).output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let trouble = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {} {trouble}{text}", output.status);
        text
    }

    /// How many samples the exchange has heard so far.
    fn now(&self) -> usize {
        self.call.recording().samples.len()
    }

    /// Waits until the newest half second of what the exchange heard, none of it from before `from`, is as wanted.
    fn hears(&self, what: &str, from: usize, wanted: impl Fn(&[i16]) -> bool) {
        let half = RATE as usize / 2;
        let found = wait::until(SOON, || {
            let samples = self.call.recording().samples;
            let newest = samples.get(from..).and_then(|since| since.last_chunk_of(half))?;
            wanted(newest).then_some(())
        });
        let samples = self.call.recording().samples;
        let level = measure::level_dbov(&samples[samples.len().saturating_sub(half)..]);
        assert!(
            found.is_some(),
            "{what}: {} samples since, {level} dBov\n{}",
            samples.len() - from,
            self.agent.proc
        );
    }

    fn is_heard(&self, from: usize) {
        self.hears("the tone", from, |sound| measure::tone(sound, RATE, SAID_HZ).share() >= 0.98);
    }

    fn is_held(&self, held: bool) {
        let state = wait::until(SOON, || (self.call.state().held == held).then_some(()));
        assert!(state.is_some(), "the exchange does not say held: {held}\n{}", self.agent.proc);
    }

    /// What `status` says of the call and the microphone.
    fn status(&self) -> (Value, bool) {
        let status = self.agent.ask(&["status"]).remove(0);
        (status["calls"][0].clone(), status["muted"] == true)
    }
}

/// The end of a slice.
trait Newest {
    fn last_chunk_of(&self, length: usize) -> Option<&Self>;
}

impl Newest for [i16] {
    fn last_chunk_of(&self, length: usize) -> Option<&Self> {
        self.get(self.len().checked_sub(length)?..)
    }
}

#[test]
fn a_call_is_held_and_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::connected(folder.path());
    bench.is_heard(0);
    let number = bench.number.to_string();
    assert_eq!(bench.told(&["hold"]), format!("call {number}\n"));
    bench.is_held(true);
    assert_eq!(bench.status().0["held"], true);
    bench.hears("silence", bench.now(), |sound| measure::level_dbov(sound) < -60.0);
    let resumed = bench.agent.ask(&["resume", &number]);
    assert_eq!(resumed, [json!({ "reply": "call", "call": bench.number, "number": null })]);
    bench.is_held(false);
    bench.is_heard(bench.now());
}

#[test]
fn the_microphone_is_muted_and_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::connected(folder.path());
    bench.is_heard(0);
    assert_eq!(bench.agent.ask(&["mute"]), [json!({ "reply": "done" })]);
    assert!(bench.status().1, "it is not said to be muted");
    bench.hears("silence", bench.now(), |sound| measure::level_dbov(sound) < -60.0);
    assert_eq!(bench.told(&["mute", "on"]), "the microphone is muted\n");
    assert_eq!(bench.told(&["mute"]), "the microphone is open\n");
    assert!(!bench.status().1, "it is still said to be muted");
    bench.is_heard(bench.now());
    assert_eq!(bench.told(&["mute", "off"]), "the microphone is open\n");
}

#[test]
fn keys_arrive_in_order_and_the_agent_shows_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::connected(folder.path());
    let keys = |wanted: &str| {
        let got = wait::until(SOON, || (bench.call.recording().digits == wanted).then_some(()));
        assert!(got.is_some(), "{wanted:?}: {:?}\n{}", bench.call.recording().digits, bench.agent.proc);
    };
    let said = bench.told(&["dtmf", "42#"]);
    let number = bench.number.to_string();
    assert_eq!(said, format!("call {number}\n"));
    keys("42#");
    let done = json!({ "reply": "call", "call": bench.number, "number": null });
    assert_eq!(bench.agent.ask(&["dtmf", "--call", &number, "AD*0"]), [done]);
    keys("42#AD*0");
    let refused = bench.agent.command(&["dtmf", "4x"]);
    assert!(!refused.status.success() && !refused.stderr.is_empty(), "{refused:?}");
    assert!(bench.told(&["show"]).contains("asked to show itself"));
    assert_eq!(bench.agent.ask(&["show"]), [json!({ "reply": "done" })]);
    bench.told(&["hangup", &number]);
    let over = wait::until(SOON, || bench.call.state().ended);
    assert!(over.is_some(), "the exchange's call goes on\n{}", bench.agent.proc);
    keys("42#AD*0");
}

/// Agents under test log everything (`-vv`), which names lines, hosts and states, and nobody.
#[test]
fn a_log_of_everything_holds_no_number_and_no_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let users = vec![User::new("1001", "secret")];
    let exchange = Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("it starts");
    let account = Account::at(exchange.address().port(), Transport::Udp, "secret");
    let agent = Agent::start(folder.path(), "agent", account.start());
    agent.wait_until_registered();
    let caller = exchange.ring(&Ring::new("1001", "+49301234567").named("Quandt")).expect("it rings");
    agent.wait_for_call("incoming", 0, SOON);
    agent.ask(&["answer"]);
    agent.wait_for_call("established", 0, SOON);
    caller.hang_up();
    agent.wait_for_call("terminated", 0, SOON);
    exchange.faults().refuse_calls(Some(486));
    agent.ask(&["dial", "+49307654321"]);
    let dialled = |event: &Value| event["direction"] == "outgoing" && event["state"] == "terminated";
    agent.wait_for("the refusal", 0, SOON, dialled);
    let log = agent.proc.log();
    for told in ["INVITE sip:…@127.0.0.1", "SIP/2.0 486", "BYE sip:"] {
        assert!(log.contains(told), "{told:?} is not logged\n{log}");
    }
    for hidden in ["1234567", "7654321", "Quandt"] {
        let line = log.lines().find(|line| line.contains(hidden));
        assert_eq!(line, None, "{hidden} stands in the log");
    }
}
