//! The device back end, with PulseAudio null sinks: what goes into the microphone comes out at the peer, and the other way round.

use agent_exchange::{Exchange, ExchangeConfig, Ring, User};
use agent_media::measure::{self, ToneReport};
use harness::{
    agent::{Account, Agent},
    pulse::Pulse,
    recording,
    sipp::Transport,
    wait::{self, SOON},
};

/// What is spoken into the microphone, Hz.
const VOICE_HZ: f64 = 1200.0;
/// What the caller plays, Hz.
const CALLER_HZ: f64 = 700.0;
/// How loud both are, dBov.
const LEVEL: f64 = -15.0;
/// How much talk is measured, seconds.
const TALK: usize = 10;

#[test]
fn microphone_and_ear_are_the_sound_servers() {
    let folder = tempfile::tempdir().expect("a folder");
    let pulse = Pulse::start(folder.path());
    let users = vec![User::new("1001", "secret")];
    let exchange =
        Exchange::start(ExchangeConfig { users, ..ExchangeConfig::default() }).expect("the exchange starts");
    let mut account = Account::at(exchange.address().port(), Transport::Udp, "secret");
    account.audio = "backend = \"device\"".to_owned();
    let mut start = account.start();
    start.environment.extend(pulse.environment().map(|(name, value)| (name.to_owned(), value)));
    let agent = Agent::start(folder.path(), "agent", start);
    agent.wait_until_registered();

    let call = exchange.ring(&Ring::new("1001", "030123456").playing(CALLER_HZ, LEVEL)).expect("it rings");
    let (_, seen) = agent.wait_for_call("incoming", 0, SOON);
    agent.ask(&["answer"]);
    agent.wait_for_call("established", seen, SOON);

    let voice = folder.path().join("voice.wav");
    measure::write_wav(&voice, 48000, &measure::sine(48000, VOICE_HZ, LEVEL, 60.0)).expect("a file");
    let _voice = pulse.speak(&voice);
    let ear = folder.path().join("ear.wav");
    let _ear = pulse.listen(&ear);
    let both = wait::until(SOON * 2, || {
        let (samples, rate) = recording::so_far(&ear)?;
        let heard_here = measure::tone(&samples, rate, CALLER_HZ).carrying;
        let heard_there = call.recording().tone(VOICE_HZ).carrying;
        (heard_here >= TALK * 50 && heard_there >= TALK * 50).then_some(())
    });
    let there = call.recording();
    let (samples, rate) = recording::so_far(&ear).expect("a recording");
    let here = measure::tone_between(&samples, rate, CALLER_HZ);
    assert!(both.is_some(), "here {here:?}\nthere {:?}\n{}", there.tone_between(VOICE_HZ), agent.proc);
    judge("here", &here, &agent);
    judge("there", &there.tone_between(VOICE_HZ), &agent);
    assert!(measure::tone(&samples, rate, VOICE_HZ).share() < 0.01, "the voice is heard in the ear");
    assert!(there.tone(CALLER_HZ).share() < 0.01, "the caller hears an echo");
    call.hang_up();
}

/// At least 98 % of the frames carry the tone, within 1 dB of what was played, and no gap is over 40 ms.
fn judge(what: &str, report: &ToneReport, agent: &Agent) {
    println!("{what}: {report:?}");
    assert!(
        report.share() >= 0.98,
        "{what}: {:.3} of the frames\n{report:?}\n{}",
        report.share(),
        agent.proc
    );
    assert!((report.level_dbov - LEVEL).abs() <= 1.0, "{what}: {report:?}");
    assert!(report.longest_gap_ms <= 40, "{what}: a gap\n{report:?}\n{}", agent.proc);
}
