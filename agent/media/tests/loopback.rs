//! Two engines on loopback, files as microphones and ears: what is said is heard, and nothing else.

mod common;
#[path = "conference/legs.rs"]
mod conference;

use agent_core::{
    id::CallId,
    party::Sdp,
    port::media::{AudioState, Flow, MediaCommand, MediaEvent, SoundProblem},
    settings::{AudioBackend, AudioSettings},
    view::Sound,
};
use agent_media::measure;
use common::{Grows, LEVEL, LOCAL, NEWS, Side, connect, until, voice};
use std::{
    fs,
    net::UdpSocket,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

const CALL: CallId = CallId(2);
/// How much talk is listened to, seconds.
const TALK: f64 = 4.0;
/// Facts come once a second, and a turn of the engine makes up for a fifth of one at most: so much is recorded between
/// two of them, seconds, however slow the machine is.
const BETWEEN_FACTS: f64 = 1.25;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// Settings with files; the microphone speaks a tone of `hz` without end.
fn files(folder: &Path, name: &str, hz: f64, rate: u32) -> (AudioSettings, PathBuf) {
    let (input, output) = (folder.join(format!("{name}-mic.wav")), folder.join(format!("{name}-ear.wav")));
    measure::write_wav(&input, rate, &voice(rate, hz)).expect("written");
    let settings = AudioSettings {
        backend: AudioBackend::Wav,
        input: Some(input.to_string_lossy().into_owned()),
        output: Some(output.to_string_lossy().into_owned()),
        ring: None,
    };
    (settings, output)
}

/// What an ear has recorded so far.
fn ear(path: &Path) -> impl Grows {
    move || measure::read_wav(path).ok()
}

fn null() -> AudioSettings {
    AudioSettings { backend: AudioBackend::Null, ..AudioSettings::default() }
}

/// The caller changes what flows; answers what flows then: (caller's view, callee's view).
fn reoffer(caller: &mut Side, callee: &mut Side, call: CallId, flow: Flow) -> (Flow, Flow) {
    caller.send(MediaCommand::Reoffer { call, flow });
    let offer = caller.offered();
    callee.send(MediaCommand::Accept { call, local: LOCAL, offer, flow: Flow::SendRecv });
    let (answer, theirs) = callee.accepted();
    caller.send(MediaCommand::Complete { call, answer });
    (caller.completed(), theirs)
}

#[test]
fn a_call_that_moves_to_another_address_is_heard_on_both_sides() {
    let folder = folder();
    let (ours, our_ear) = files(folder.path(), "a", 440.0, 48_000);
    let (theirs, their_ear) = files(folder.path(), "b", 1000.0, 44_100);
    let (mut caller, mut callee) = (Side::start(ours), Side::start(theirs));
    connect(&mut caller, &mut callee, CALL);
    ear(&our_ear).hears("what the caller hears", 1000.0, 1.0);
    ear(&their_ear).hears("what the callee hears", 440.0, 1.0);
    // A host has all of 127.0.0.0/8 for itself.
    let elsewhere = "127.0.0.2".parse().expect("an address");
    caller.send(MediaCommand::Move { call: CALL, local: elsewhere });
    caller.send(MediaCommand::Reoffer { call: CALL, flow: Flow::SendRecv });
    let offer = caller.offered();
    let said = String::from_utf8_lossy(&offer.0).into_owned();
    assert!(said.contains("c=IN IP4 127.0.0.2\r\n") && !said.contains("127.0.0.1"), "{said}");
    callee.send(MediaCommand::Accept { call: CALL, local: LOCAL, offer, flow: Flow::SendRecv });
    let (answer, _) = callee.accepted();
    caller.send(MediaCommand::Complete { call: CALL, answer });
    assert_eq!(caller.completed(), Flow::SendRecv);
    let heard = |path: &Path| measure::read_wav(path).expect("a recording").0.len();
    let before = (heard(&our_ear), heard(&their_ear));
    for (path, hz, before) in [(&our_ear, 1000.0, before.0), (&their_ear, 440.0, before.1)] {
        // Only what is recorded from now on.
        let since = || {
            let (samples, rate) = measure::read_wav(path).ok()?;
            Some((samples.get(before..).unwrap_or_default().to_vec(), rate))
        };
        Grows::hears(&since, "what is heard after the move", hz, 2.0);
    }
}

fn refused(side: &mut Side) -> String {
    side.wait("a refusal", |event| match event {
        MediaEvent::Refused { why, .. } => Some(why.to_string()),
        _ => None,
    })
}

/// Waits for a second whose facts are those of such a talk: nothing lost, both as loud as they spoke, and sound held back
/// for longer than the packets are apart from their time.
fn tells_of_the_talk(side: &mut Side) {
    let near = |level: i16| (f64::from(level) - LEVEL).abs() <= 1.0;
    side.wait("a second with the facts of a whole talk", |event| match event {
        MediaEvent::Facts { facts, .. } => {
            let loud = near(facts.level_in_dbov) && near(facts.level_out_dbov);
            let calm = facts.loss_percent < 1.0 && facts.buffer_ms > facts.jitter_ms;
            // The talk that was heard before has come in packets of 20 ms; a little may be made up.
            (loud && calm && facts.received as f64 >= TALK * 45.0).then_some(())
        }
        _ => None,
    });
}

/// What holds for the facts of a whole call, which was `recorded` for so many seconds and took so long.
fn facts_are_in_bounds(side: &Side, recorded: f64, took: Duration) {
    let facts = side.told.iter().filter_map(|event| match event {
        MediaEvent::Facts { facts, .. } => Some(*facts),
        _ => None,
    });
    let facts: Vec<_> = facts.collect();
    assert!(facts.len() as u64 <= took.as_secs(), "more than once a second: {took:?} {facts:?}");
    assert!(
        facts.len() as f64 >= recorded / BETWEEN_FACTS - 1.0,
        "less than once a second: {recorded} s {facts:?}"
    );
    let loudest = facts.iter().map(|facts| facts.level_in_dbov.max(facts.level_out_dbov)).max();
    assert!(loudest.is_some_and(|level| f64::from(level) <= LEVEL + 1.0), "louder than spoken: {facts:?}");
    let received = facts.last().map_or(0, |facts| facts.received);
    // One opens the way, and one is sent before its time has gone by.
    assert!(u128::from(received) <= took.as_millis() / 20 + 2, "more than was sent: {took:?} {facts:?}");
}

#[test]
fn both_sides_hear_each_other_and_not_themselves() {
    let folder = folder();
    let (ours, our_ear) = files(folder.path(), "a", 440.0, 48_000);
    let (theirs, their_ear) = files(folder.path(), "b", 1000.0, 44_100);
    let (mut caller, mut callee) = (Side::start(ours), Side::start(theirs));
    let begin = Instant::now();
    connect(&mut caller, &mut callee, CALL);
    ear(&our_ear).hears("what the caller hears", 1000.0, TALK);
    ear(&their_ear).hears("what the callee hears", 440.0, TALK);
    tells_of_the_talk(&mut caller);
    tells_of_the_talk(&mut callee);
    for (side, path, own) in [(&mut caller, our_ear, 440.0), (&mut callee, their_ear, 1000.0)] {
        side.send(MediaCommand::Stop { call: CALL });
        side.send(MediaCommand::Focus { call: None });
        side.media.close();
        side.drain();
        let (samples, rate) = measure::read_wav(&path).expect("a recording");
        assert_eq!(measure::tone(&samples, rate, own).carrying, 0, "{}: hears itself", path.display());
        assert!(side.told.contains(&MediaEvent::Audio(AudioState::Wav)), "{:?}", side.told);
        facts_are_in_bounds(side, samples.len() as f64 / f64::from(rate), begin.elapsed());
        assert!(!side.told.iter().any(|e| matches!(e, MediaEvent::Silent { .. })));
    }
}

#[test]
fn hold_mutes_and_resume_speaks_again() {
    let folder = folder();
    let (theirs, their_ear) = files(folder.path(), "b", 1000.0, 8000);
    let (ours, _) = files(folder.path(), "a", 440.0, 8000);
    let (mut caller, mut callee) = (Side::start(ours), Side::start(theirs));
    let their_ear = ear(&their_ear);
    connect(&mut caller, &mut callee, CALL);
    their_ear.speaks("the voice", 440.0, NEWS);
    assert_eq!(reoffer(&mut caller, &mut callee, CALL, Flow::SendOnly), (Flow::SendOnly, Flow::RecvOnly));
    caller.send(MediaCommand::Focus { call: None });
    their_ear.falls_silent("silence on hold", 440.0, 1.0);
    caller.send(MediaCommand::Focus { call: Some(CALL) });
    assert_eq!(reoffer(&mut caller, &mut callee, CALL, Flow::SendRecv), (Flow::SendRecv, Flow::SendRecv));
    their_ear.speaks("the voice after the hold", 440.0, NEWS);
    caller.send(MediaCommand::Mute { on: true });
    until("silence while muted", || {
        let (samples, _) = their_ear().ok_or("no recording")?;
        let level = measure::level_dbov(&samples[samples.len().saturating_sub(4000)..]);
        if level < -60.0 { Ok(()) } else { Err(format!("{level} dBov")) }
    });
    caller.send(MediaCommand::Mute { on: false });
    their_ear.speaks("the voice when it is not muted any more", 440.0, NEWS);
}

/// A call that answered by itself has no microphone before the other side acknowledged (the core gives it none): until then
/// only packets that keep the way open leave, with nothing in them.
#[test]
fn without_the_microphone_nothing_of_it_leaves() {
    let folder = folder();
    let (settings, _) = files(folder.path(), "a", 440.0, 8000);
    let mut side = Side::start(settings);
    let peer = UdpSocket::bind((LOCAL, 0)).expect("a socket");
    peer.set_read_timeout(Some(common::PATIENCE)).expect("a socket");
    let port = peer.local_addr().expect("an address").port();
    let offer = format!(
        "v=0\r\no=- 1 1 IN IP4 {LOCAL}\r\ns=-\r\nc=IN IP4 {LOCAL}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
    );
    let (offer, flow) = (Sdp(offer.into_bytes()), Flow::SendRecv);
    side.send(MediaCommand::Accept { call: CALL, local: LOCAL, offer, flow });
    side.accepted();
    // A-law's silence (ITU-T G.711), behind the twelve bytes of RTP's header.
    let silent = || {
        let mut packet = [0; 2048];
        let length = peer.recv(&mut packet).expect("a packet that keeps the way open");
        assert!(length > 12, "{length}");
        packet[12..length].iter().all(|sample| matches!(sample, 0xD5 | 0x55))
    };
    for nth in 1..=2 {
        assert!(silent(), "packet {nth} says something");
    }
    side.send(MediaCommand::Focus { call: Some(CALL) });
    until("the voice", || if silent() { Err("silence".to_owned()) } else { Ok(()) });
}

#[test]
fn keys_arrive_once_each() {
    let (mut caller, mut callee) = (Side::start(null()), Side::start(null()));
    connect(&mut caller, &mut callee, CALL);
    caller.send(MediaCommand::Digits { call: CALL, digits: "1234*0#D".to_owned() });
    let mut heard = String::new();
    while heard.len() < 8 {
        heard.push(callee.wait("a key", |event| match event {
            MediaEvent::Digit { digit, .. } => Some(*digit),
            _ => None,
        }));
    }
    assert_eq!(heard, "1234*0#D");
    // Also while another call has the microphone.
    caller.send(MediaCommand::Focus { call: None });
    caller.send(MediaCommand::Digits { call: CALL, digits: "7".to_owned() });
    let digit = callee.wait("a key", |event| match event {
        MediaEvent::Digit { digit, .. } => Some(*digit),
        _ => None,
    });
    assert_eq!(digit, '7');
}

/// How often the engine's threads (those of the name `media`) have gone to sleep so far; `None` where the system does
/// not tell.
fn sleeps() -> Option<u64> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let statuses = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    let engines = statuses.filter(|status| status.starts_with("Name:\tmedia\n"));
    Some(
        engines
            .filter_map(|status| {
                let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
                line.trim().parse::<u64>().ok()
            })
            .sum(),
    )
}

/// Longer than any clock of a call runs: facts, reports, and what keeps a path open.
const QUIET: Duration = Duration::from_secs(6);

#[test]
fn an_idle_engine_sleeps() {
    // The other tests' engines run in this process too: a program of its own, with this test alone.
    if std::env::var_os("IDLE_ALONE").is_none() {
        let program = std::env::current_exe().expect("the program");
        let status = std::process::Command::new(program)
            .args(["an_idle_engine_sleeps", "--exact", "--nocapture"])
            .env("IDLE_ALONE", "1")
            .status();
        assert!(status.is_ok_and(|status| status.success()));
        return;
    }
    let (mut caller, mut callee) = (Side::start(null()), Side::start(null()));
    connect(&mut caller, &mut callee, CALL);
    caller.media.sound(Some(Sound::Busy));
    let told = |rows: usize| match caller.rows() {
        there if there == rows => Ok(()),
        there => Err(format!("{there} rows")),
    };
    until("a row for their sound", || told(1).or(told(2)));
    assert_ne!(sleeps(), Some(0), "the engines' threads are counted");
    for side in [&caller, &callee] {
        side.media.sound(None);
        side.send(MediaCommand::Stop { call: CALL });
        side.send(MediaCommand::Focus { call: None });
    }
    until("a row for their reports besides, which get a goodbye", || told(2));
    // What is open is closed first, whenever the machine comes to that.
    let mut calm = (Instant::now(), sleeps());
    until("a stretch in which nothing wakes the engines", || {
        let (since, before) = calm;
        let now = sleeps();
        if now != before {
            calm = (Instant::now(), now);
        }
        if now == before && since.elapsed() >= QUIET {
            Ok(())
        } else {
            Err(format!("{before:?}, then {now:?}"))
        }
    });
    assert_eq!(told(2), Ok(()), "something was sent to somebody else");
}

#[test]
fn silence_is_noticed_and_so_is_its_end() {
    let (mut caller, mut callee) = (Side::start(null()), Side::start(null()));
    let begin = Instant::now();
    connect(&mut caller, &mut callee, CALL);
    callee.send(MediaCommand::Focus { call: None });
    caller.wait("the silence", |event| matches!(event, MediaEvent::Silent { .. }).then_some(()));
    // How soon after that it is told, the session's own test says, by its own clock.
    assert!(begin.elapsed() >= Duration::from_secs(3), "{:?}", begin.elapsed());
    callee.send(MediaCommand::Focus { call: Some(CALL) });
    caller.wait("the sound", |event| matches!(event, MediaEvent::Heard { .. }).then_some(()));
}

#[test]
fn silence_on_hold_is_no_news_and_after_it_is() {
    let (mut caller, mut callee) = (Side::start(null()), Side::start(null()));
    connect(&mut caller, &mut callee, CALL);
    let flows = reoffer(&mut caller, &mut callee, CALL, Flow::SendOnly);
    assert_eq!(flows, (Flow::SendOnly, Flow::RecvOnly));
    caller.send(MediaCommand::Focus { call: None });
    // Facts come once a second, and with them the news of silence: five of them are more than the three seconds.
    for _ in 0..5 {
        callee.wait("facts", |event| matches!(event, MediaEvent::Facts { .. }).then_some(()));
    }
    assert!(!callee.told.iter().any(|event| matches!(event, MediaEvent::Silent { .. })), "{:?}", callee.told);
    reoffer(&mut caller, &mut callee, CALL, Flow::SendRecv);
    callee.wait("the silence", |event| matches!(event, MediaEvent::Silent { .. }).then_some(()));
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let mut side = Side::start(null());
    assert!(matches!(
        side.wait("the state", |event| match event {
            MediaEvent::Audio(state) => Some(state.clone()),
            _ => None,
        }),
        AudioState::Null { why } if why.contains("settings")
    ));
    let offer = agent_core::party::Sdp(b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 9\r\n".to_vec());
    side.send(MediaCommand::Accept { call: CALL, local: LOCAL, offer, flow: Flow::SendRecv });
    assert!(refused(&mut side).contains("no common codec"));
    side.send(MediaCommand::Reoffer { call: CALL, flow: Flow::SendOnly });
    assert!(refused(&mut side).contains("no such call"));
    let elsewhere = "192.0.2.77".parse().expect("an address");
    side.send(MediaCommand::Offer { call: CALL, local: elsewhere });
    assert!(refused(&mut side).contains("192.0.2.77"));
}

#[test]
fn a_fault_costs_its_calls_and_no_more() {
    let (sender, events) = mpsc::channel();
    let first = AtomicBool::new(true);
    let tell = Arc::new(move |event: MediaEvent| {
        // The event's taker is what fails here; whatever panics on the engine's thread looks the same.
        let fails = matches!(event, MediaEvent::Offered { .. }) && first.swap(false, Ordering::SeqCst);
        assert!(!fails, "a fault, on purpose");
        drop(sender.send(event));
    });
    let net = agent_net::Net::new(Arc::new(|_| {}));
    let config = agent_media::MediaConfig { audio: null(), net, country: "DE".to_owned() };
    let media = agent_media::start(config, tell).expect("an engine");
    let next = || {
        let news = events.iter().find(|event| !matches!(event, MediaEvent::Audio(_)));
        news.expect("the engine lives")
    };
    media.send(MediaCommand::Offer { call: CALL, local: LOCAL });
    assert_eq!(next(), MediaEvent::Refused { call: CALL, why: SoundProblem::Fault });
    media.send(MediaCommand::Offer { call: CallId(4), local: LOCAL });
    assert!(matches!(next(), MediaEvent::Offered { call: CallId(4), .. }));
}

#[test]
fn faults_without_end_are_told() {
    let (alarm, alarms) = mpsc::channel();
    let vigil = agent_core::vigil::Vigil::new(move || alarm.send(()).expect("somebody keeps watch"));
    let tell = Arc::new(|event: MediaEvent| {
        assert!(!matches!(event, MediaEvent::Offered { .. }), "a fault, on purpose");
    });
    let net = agent_net::Net::new(Arc::new(|_| {}));
    let config = agent_media::MediaConfig { audio: null(), net, country: "DE".to_owned() };
    let media = agent_media::start_watched(config, tell, vigil).expect("an engine");
    for _ in 0..20 {
        media.send(MediaCommand::Offer { call: CALL, local: LOCAL });
    }
    alarms.recv_timeout(Duration::from_secs(30)).expect("the end of the sound is told");
}

/// The engine's clock.
const TICK: Duration = Duration::from_millis(10);

#[test]
fn two_hundred_offers_a_second_are_no_burden() {
    let (mut caller, mut callee) = (Side::start(null()), Side::start(null()));
    // The clocks of both tick, as they do in a call; who waited for one would wait each time.
    connect(&mut caller, &mut callee, CallId(1000));
    let took = (1..=200).map(|n| {
        let begin = Instant::now();
        let call = CallId(2 * n);
        caller.send(MediaCommand::Offer { call, local: LOCAL });
        let offer = caller.offered();
        callee.send(MediaCommand::Accept { call, local: LOCAL, offer, flow: Flow::SendRecv });
        let (answer, _) = callee.accepted();
        caller.send(MediaCommand::Complete { call, answer });
        caller.completed();
        begin.elapsed()
    });
    let took: Vec<Duration> = took.collect();
    // The fastest of the last ones is us, with all the others open; the rest is how busy the machine is.
    let fastest = took[150..].iter().min().expect("fifty");
    println!("the fastest of the last fifty: {fastest:?}");
    assert!(*fastest < TICK / 2, "{fastest:?} a call, the fastest of fifty: somebody waits for the clock");
    for n in 1..=200 {
        caller.send(MediaCommand::Stop { call: CallId(2 * n) });
    }
}

/// Waits until nobody in this process has the file open, where the system tells: elsewhere the recording goes on in it just
/// the same, closed meanwhile or not.
fn is_closed(path: &Path) {
    let Ok(path) = path.canonicalize() else { return };
    until("the recording to be closed", || {
        let Ok(open) = fs::read_dir("/proc/self/fd") else { return Ok(()) };
        let mut names = open.flatten().filter_map(|file| fs::read_link(file.path()).ok());
        if names.any(|name| name == path) { Err("it is open".to_owned()) } else { Ok(()) }
    });
}

#[test]
fn a_ring_is_heard_and_goes_on_in_the_same_recording() {
    /// The higher note of the ring, Hz.
    const RING: f64 = 659.26;
    /// The ringback of Germany, Hz.
    const RINGBACK: f64 = 425.0;
    let folder = folder();
    let (ours, our_ear) = files(folder.path(), "a", 440.0, 8000);
    let side = Side::start(ours);
    let heard = ear(&our_ear);
    side.media.sound(Some(Sound::Ring));
    heard.speaks("the ring", RING, 10);
    side.media.sound(None);
    is_closed(&our_ear);
    side.media.sound(Some(Sound::Ringback));
    heard.speaks("the ringback", RINGBACK, 45);
    side.media.close();
    let (samples, rate) = heard().expect("a recording");
    let (ring, back) = (measure::tone(&samples, rate, RING), measure::tone(&samples, rate, RINGBACK));
    assert!(ring.carrying >= 10, "the ring is not there any more: {ring:?} {back:?}");
    assert!(ring.last_ms < back.first_ms, "{ring:?} {back:?}");
}
