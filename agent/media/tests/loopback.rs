//! Two engines on loopback, files as microphones and ears: what is said is heard, and nothing else.

mod common;

use agent_core::{
    id::CallId,
    port::media::{AudioState, Flow, MediaCommand, MediaEvent, SoundProblem},
    settings::{AudioBackend, AudioSettings},
    view::Sound,
};
use agent_media::measure;
use common::{LOCAL, Side, connect, folder};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

const CALL: CallId = CallId(2);

/// Settings with files; the microphone speaks a tone of `hz` for `seconds`.
fn files(folder: &Path, name: &str, hz: f64, rate: u32, seconds: f64) -> (AudioSettings, PathBuf) {
    let (input, output) = (folder.join(format!("{name}-mic.wav")), folder.join(format!("{name}-ear.wav")));
    measure::write_wav(&input, rate, &measure::sine(rate, hz, -20.0, seconds)).expect("written");
    let settings = AudioSettings {
        backend: AudioBackend::Wav,
        input: Some(input.to_string_lossy().into_owned()),
        output: Some(output.to_string_lossy().into_owned()),
        ring: None,
    };
    (settings, output)
}

fn null() -> AudioSettings {
    AudioSettings { backend: AudioBackend::Null, ..AudioSettings::default() }
}

/// Checks that the recording carries the tone of `hz` and not that of `other`.
fn heard(path: &Path, hz: f64, other: f64, seconds: f64) {
    let (samples, rate) = measure::read_wav(path).expect("a recording");
    let report = measure::tone_between(&samples, rate, hz);
    let name = path.display();
    assert!(report.frames as f64 >= seconds * 50.0 * 0.98, "{name}: too short: {report:?}");
    assert!((report.level_dbov + 20.0).abs() < 1.0, "{name}: {report:?}");
    assert_eq!(measure::tone(&samples, rate, other).carrying, 0, "{name}: hears itself");
    assert!(report.share() >= 0.98 && report.longest_gap_ms <= 40, "{name}: {report:?}");
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

fn refused(side: &mut Side) -> String {
    side.wait("a refusal", |event| match event {
        MediaEvent::Refused { why, .. } => Some(why.to_string()),
        _ => None,
    })
}

#[test]
fn both_sides_hear_each_other_and_not_themselves() {
    let folder = folder("both");
    let (ours, our_ear) = files(&folder, "a", 440.0, 48_000, 6.0);
    let (theirs, their_ear) = files(&folder, "b", 1000.0, 44_100, 6.0);
    let (mut caller, mut callee) = (Side::start(ours), Side::start(theirs));
    connect(&mut caller, &mut callee, CALL);
    thread::sleep(Duration::from_millis(5500));
    for side in [&mut caller, &mut callee] {
        side.send(MediaCommand::Stop { call: CALL });
        side.send(MediaCommand::Focus { call: None });
        side.media.close();
        side.drain();
        assert!(side.told.contains(&MediaEvent::Audio(AudioState::Wav)), "{:?}", side.told);
        let facts: Vec<_> = side
            .told
            .iter()
            .filter_map(|event| match event {
                MediaEvent::Facts { facts, .. } => Some(*facts),
                _ => None,
            })
            .collect();
        assert!((4..=6).contains(&facts.len()), "once a second: {facts:?}");
        let last = facts.last().expect("facts");
        assert!((last.level_in_dbov + 20).abs() <= 1 && (last.level_out_dbov + 20).abs() <= 1, "{facts:?}");
        assert!(last.received > 200 && last.loss_percent < 1.0, "{facts:?}");
        assert!(last.buffer_ms <= 80.0 && last.jitter_ms <= 10.0, "{facts:?}");
        assert!(!side.told.iter().any(|e| matches!(e, MediaEvent::Silent { .. })));
    }
    heard(&our_ear, 1000.0, 440.0, 5.0);
    heard(&their_ear, 440.0, 1000.0, 5.0);
}

#[test]
fn hold_mutes_and_resume_speaks_again() {
    let folder = folder("hold");
    let (theirs, their_ear) = files(&folder, "b", 1000.0, 8000, 1.0);
    let (ours, _) = files(&folder, "a", 440.0, 8000, 60.0);
    let (mut caller, mut callee) = (Side::start(ours), Side::start(theirs));
    connect(&mut caller, &mut callee, CALL);
    thread::sleep(Duration::from_millis(1000));
    assert_eq!(reoffer(&mut caller, &mut callee, CALL, Flow::SendOnly), (Flow::SendOnly, Flow::RecvOnly));
    caller.send(MediaCommand::Focus { call: None });
    thread::sleep(Duration::from_millis(1500));
    caller.send(MediaCommand::Focus { call: Some(CALL) });
    assert_eq!(reoffer(&mut caller, &mut callee, CALL, Flow::SendRecv), (Flow::SendRecv, Flow::SendRecv));
    thread::sleep(Duration::from_millis(1000));
    caller.send(MediaCommand::Mute { on: true });
    thread::sleep(Duration::from_millis(1000));
    caller.media.close();
    callee.media.close();
    let (samples, rate) = measure::read_wav(&their_ear).expect("a recording");
    let report = measure::tone_between(&samples, rate, 440.0);
    assert!((1200..1900).contains(&report.longest_gap_ms), "the hold: {report:?}");
    let end = &samples[samples.len().saturating_sub(4000)..];
    assert!(measure::level_dbov(end) < -60.0, "muted: {}", measure::level_dbov(end));
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
    thread::sleep(Duration::from_millis(500));
    assert!((1..=2).contains(&caller.rows()), "a row for their sound and one for their reports");
    for side in [&caller, &callee] {
        side.media.sound(None);
        side.send(MediaCommand::Stop { call: CALL });
        side.send(MediaCommand::Focus { call: None });
    }
    thread::sleep(Duration::from_millis(1000));
    let before = sleeps();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(sleeps(), before, "nothing wakes an idle engine");
}

#[test]
fn silence_is_noticed_and_so_is_its_end() {
    let (mut caller, mut callee) = (Side::start(null()), Side::start(null()));
    connect(&mut caller, &mut callee, CALL);
    callee.send(MediaCommand::Focus { call: None });
    let begin = Instant::now();
    caller.wait("the silence", |event| matches!(event, MediaEvent::Silent { .. }).then_some(()));
    let after = begin.elapsed().as_millis();
    assert!((2500..4500).contains(&after), "{after} ms");
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

#[test]
fn two_hundred_offers_a_second_are_no_burden() {
    let (mut caller, mut callee) = (Side::start(null()), Side::start(null()));
    let begin = Instant::now();
    for n in 1..=200 {
        let call = CallId(2 * n);
        caller.send(MediaCommand::Offer { call, local: LOCAL });
        let offer = caller.offered();
        callee.send(MediaCommand::Accept { call, local: LOCAL, offer, flow: Flow::SendRecv });
        let (answer, _) = callee.accepted();
        caller.send(MediaCommand::Complete { call, answer });
        caller.completed();
    }
    let each = begin.elapsed() / 200;
    // The engine's clock ticks every 20 ms: whoever waited for it would take longer than that. The bench has the figures.
    assert!(each < Duration::from_millis(20), "{each:?} a call, both sides and this thread together");
    for n in 1..=200 {
        caller.send(MediaCommand::Stop { call: CallId(2 * n) });
    }
}

#[test]
fn a_ring_is_heard_and_goes_on_in_the_same_recording() {
    let folder = folder("ring");
    let (ours, our_ear) = files(&folder, "a", 440.0, 8000, 1.0);
    let side = Side::start(ours);
    for sound in [Sound::Ring, Sound::Ringback] {
        side.media.sound(Some(sound));
        thread::sleep(Duration::from_millis(1300));
        side.media.sound(None);
        thread::sleep(Duration::from_millis(700));
    }
    side.media.close();
    let (samples, rate) = measure::read_wav(&our_ear).expect("a recording");
    let ring = measure::tone(&samples, rate, 659.26);
    let back = measure::tone(&samples, rate, 425.0);
    assert!(ring.carrying > 10 && back.carrying >= 45, "{ring:?} {back:?}");
    assert!(ring.first_ms < back.first_ms);
}
