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
const CALLER_HZ: f64 = 700.0;
/// How loud both are, dBov.
const LEVEL: f64 = -15.0;
/// What the exchange records with, samples a second.
const RATE: u32 = 8000;
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
    let here = recording::so_far(&ear).expect("a recording");
    let said = [
        ("here", recording::judge(&here, (CALLER_HZ, LEVEL), VOICE_HZ)),
        ("there", recording::judge(&(there.samples, RATE), (VOICE_HZ, LEVEL), CALLER_HZ)),
    ];
    println!("{said:?}");
    assert!(both.is_some() && said.iter().all(|(_, said)| said.is_ok()), "{said:?}\n{}", agent.proc);
    call.hang_up();
}
