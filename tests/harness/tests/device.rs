//! The device back end, with PulseAudio null sinks: what goes into the microphone comes out at the peer, and the other way round.

use agent_exchange::{Exchange, ExchangeConfig, Ring, User};
use agent_media::measure;
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
const CALLER_HZ: f64 = 500.0;

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

    let call = exchange.ring(&Ring::new("1001", "030123456").playing(CALLER_HZ, -15.0)).expect("it rings");
    let (_, seen) = agent.wait_for_call("incoming", 0, SOON);
    agent.ask(&["answer"]);
    agent.wait_for_call("established", seen, SOON);

    let voice = folder.path().join("voice.wav");
    measure::write_wav(&voice, 48000, &measure::sine(48000, VOICE_HZ, -15.0, 60.0)).expect("a file");
    let _voice = pulse.speak(&voice);
    let ear = folder.path().join("ear.wav");
    let _ear = pulse.listen(&ear);
    let both = wait::until(SOON, || {
        let (samples, rate) = recording::so_far(&ear)?;
        let heard_here = measure::tone(&samples, rate, CALLER_HZ).carrying;
        let heard_there = call.recording().tone(VOICE_HZ).carrying;
        (heard_here > 150 && heard_there > 150).then_some(())
    });
    let there = call.recording();
    let (samples, rate) = recording::so_far(&ear).expect("a recording");
    let here = measure::tone_between(&samples, rate, CALLER_HZ);
    assert!(both.is_some(), "here {here:?}\nthere {:?}\n{}", there.tone_between(VOICE_HZ), agent.proc);
    assert!(here.share() > 0.9, "{here:?}");
    assert!(there.tone_between(VOICE_HZ).share() > 0.9, "{:?}", there.tone_between(VOICE_HZ));
    assert!(measure::tone(&samples, rate, VOICE_HZ).share() < 0.01, "the voice is heard in the ear");
    assert!(there.tone(CALLER_HZ).share() < 0.01, "the caller hears an echo");
    call.hang_up();
}
