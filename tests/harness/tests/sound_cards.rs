//! The sound-card back end of `agent_media`, without the agent, against a PulseAudio server whose sinks are microphone, ear and bell.

// The two engines are those of the tests of `agent_media`, which runs without such a server, and elsewhere too.
#[path = "../../../agent/media/tests/common/mod.rs"]
mod common;

use agent_core::{
    id::CallId,
    port::media::{AudioState, MediaCommand, MediaEvent},
    settings::{AudioBackend, AudioSettings},
    view::Sound,
};
use agent_media::measure;
use common::{Grows, NEWS, Side, connect, until, voice};
use harness::{proc::Proc, pulse::Pulse, recording};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tempfile::TempDir;

const CALL: CallId = CallId(2);
/// How much talk is listened to, seconds.
const TALK: f64 = 6.0;

/// A sound server that this process plays to, and the files around it.
struct Server {
    /// `None` while it is gone.
    pulse: Option<Pulse>,
    folder: TempDir,
    /// The environment is the process's: one test at a time.
    _one: MutexGuard<'static, ()>,
}

impl Server {
    fn start() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a folder");
        let pulse = Pulse::start(folder.path());
        for (name, value) in pulse.environment() {
            // SAFETY: the tests of this file run one at a time, and every other thread is ours.
            unsafe { std::env::set_var(name, value) };
        }
        Self { pulse: Some(pulse), folder, _one: one }
    }

    fn pulse(&self) -> &Pulse {
        self.pulse.as_ref().expect("it runs")
    }

    /// It crashes.
    fn crash(&mut self) {
        if let Some(mut pulse) = self.pulse.take() {
            pulse.proc.kill();
        }
    }

    /// It is there again, at the same place.
    fn come_back(&mut self) {
        self.pulse = Some(Pulse::start(self.folder.path()));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Speaks a tone without end into the microphone, for as long as the value lives.
    fn speak(&self, hz: f64) -> Proc {
        let file = self.file(&format!("{hz}.wav"));
        measure::write_wav(&file, 48_000, &voice(48_000, hz)).expect("written");
        self.pulse().speak(&file)
    }

    /// Records what a sink plays, for as long as the first value lives.
    fn record(&self, sink: &str) -> (Proc, impl Grows + use<>) {
        let file = self.file(&format!("{sink}.wav"));
        (self.pulse().record(&format!("{sink}.monitor"), &file), ear(file))
    }

    /// An engine that speaks a tone of `hz` without end, and what it hears.
    fn peer(&self, hz: f64) -> (Side, impl Grows + use<>) {
        let (input, output) = (self.file("peer-mic.wav"), self.file("peer-ear.wav"));
        measure::write_wav(&input, 8000, &voice(8000, hz)).expect("written");
        (Side::start(wav(&input, &output)), ear(output))
    }
}

/// What an ear has recorded so far.
fn ear(file: PathBuf) -> impl Grows {
    move || recording::so_far(&file)
}

fn card(input: Option<&str>, output: Option<&str>, ring: Option<&str>) -> AudioSettings {
    AudioSettings {
        backend: AudioBackend::Device,
        input: input.map(str::to_owned),
        output: output.map(str::to_owned),
        ring: ring.map(str::to_owned),
    }
}

fn wav(input: &Path, output: &Path) -> AudioSettings {
    AudioSettings {
        backend: AudioBackend::Wav,
        input: Some(input.to_string_lossy().into_owned()),
        output: Some(output.to_string_lossy().into_owned()),
        ring: None,
    }
}

/// How many threads the engines and their devices have. Those that are not named have the name of whoever started them.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("the system tells").flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| ["media", "audio"].contains(&name.trim())).count()
}

#[test]
fn a_call_through_sound_cards() {
    let server = Server::start();
    let (mut peer, their_ear) = server.peer(1000.0);
    let mut ours = Side::start(card(Some("mouth.monitor"), Some("Phones"), None));
    connect(&mut peer, &mut ours, CALL);
    let state = ours.wait("the devices", |event| match event {
        MediaEvent::Audio(state) => Some(state.clone()),
        _ => None,
    });
    assert_eq!(
        state,
        AudioState::Device {
            input: "Monitor of Mouth".to_owned(),
            output: "Phones".to_owned(),
            missing: Vec::new()
        }
    );
    let (_recorder, our_ear) = server.record("ear");
    let _voice = server.speak(440.0);
    our_ear.hears("what we hear", 1000.0, TALK);
    their_ear.hears("what they hear", 440.0, TALK);
    assert_eq!(our_ear.carrying(440.0), 0, "we hear ourselves");
    assert_eq!(their_ear.carrying(1000.0), 0, "they hear themselves");
    assert!((1..=2).contains(&ours.rows()), "a row for their sound and one for their reports");
    ours.drain();
    let facts = ours.told.iter().rev().find(|event| matches!(event, MediaEvent::Facts { .. }));
    println!("{facts:?}");
    peer.media.close();
    assert!(threads() > 1, "those of the devices are counted");
    ours.send(MediaCommand::Stop { call: CALL });
    ours.send(MediaCommand::Focus { call: None });
    until("everything to be closed but the engine's one thread", || match threads() {
        1 => Ok(()),
        there => Err(format!("{there} threads")),
    });
}

#[test]
fn a_device_that_is_not_there_is_named_and_stood_in_for() {
    let server = Server::start();
    let mut side = Side::start(card(Some("Headset"), Some("Headset"), Some("Loud bell")));
    let (mut peer, _) = server.peer(1000.0);
    connect(&mut peer, &mut side, CALL);
    let (names, missing) = side.wait("the devices", |event| match event {
        MediaEvent::Audio(AudioState::Device { input, output, missing }) => {
            Some(((input.clone(), output.clone()), missing.clone()))
        }
        _ => None,
    });
    assert_eq!(names, ("Monitor of Mouth".to_owned(), "Phones".to_owned()), "the system's own");
    assert_eq!(missing, ["Headset"], "named once");
    side.media.sound(Some(Sound::Ring));
    side.wait("the bell, which is not there either", |event| match event {
        MediaEvent::Audio(AudioState::Device { missing, .. }) => {
            missing.contains(&"Loud bell".to_owned()).then_some(())
        }
        _ => None,
    });
}

/// The higher note of the ring, Hz.
const RING: f64 = 659.26;
/// The ringback of Germany, Hz, and how loud it is, dBov.
const RINGBACK: (f64, f64) = (425.0, -16.0);

#[test]
fn it_rings_where_it_should_and_comes_back_after_the_server_does() {
    let mut server = Server::start();
    let mut side = Side::start(card(None, None, Some("bell")));
    let (bell_recorder, bell) = server.record("bell");
    let (ear_recorder, ear) = server.record("ear");
    side.media.sound(Some(Sound::Ring));
    bell.speaks("the ring", RING, 8);
    side.media.sound(Some(Sound::Ringback));
    ear.speaks("the ringback", RINGBACK.0, 45);
    ear.falls_silent("the pause in the ringback", RINGBACK.0, 1.0);
    side.media.sound(None);
    let (samples, rate) = ear().expect("a recording");
    let level = measure::tone(&samples, rate, RINGBACK.0).level_dbov;
    assert!((level - RINGBACK.1).abs() < 1.0, "{level} dBov");
    assert_eq!(ear.carrying(RING), 0, "the ear rings");
    drop((bell_recorder, ear_recorder));
    server.crash();
    side.media.sound(Some(Sound::Ringback));
    side.wait("that there is no sound", is_null);
    server.come_back();
    let (_recorder, again) = server.record("ear");
    side.wait("that there is sound again", is_device);
    again.speaks("the ringback again", RINGBACK.0, 45);
}

#[test]
fn a_call_outlives_the_sound_server() {
    let mut server = Server::start();
    let (mut peer, their_ear) = server.peer(1000.0);
    let mut ours = Side::start(card(None, None, None));
    connect(&mut peer, &mut ours, CALL);
    ours.wait("the devices", is_device);
    server.crash();
    ours.wait("that there is no sound", is_null);
    server.come_back();
    let (_recorder, our_ear) = server.record("ear");
    ours.wait("the devices again", is_device);
    let _voice = server.speak(440.0);
    our_ear.speaks("their voice", 1000.0, 4 * NEWS);
    their_ear.speaks("our voice", 440.0, 2 * NEWS);
    peer.drain();
    assert!(
        !peer.told.iter().any(|event| matches!(event, MediaEvent::Silent { .. })),
        "nothing was sent meanwhile: {:?}",
        peer.told
    );
}

fn is_device(event: &MediaEvent) -> Option<()> {
    matches!(event, MediaEvent::Audio(AudioState::Device { .. })).then_some(())
}

fn is_null(event: &MediaEvent) -> Option<()> {
    matches!(event, MediaEvent::Audio(AudioState::Null { .. })).then_some(())
}

#[test]
fn the_devices_are_listed() {
    let _server = Server::start();
    let list = agent_media::devices().expect("a list");
    let phones = list.iter().find(|device| device.id == "ear").expect("the ear");
    assert!(phones.output && !phones.input && phones.default && phones.name == "Phones", "{list:?}");
    assert!(
        list.iter().any(|device| device.id == "mouth.monitor" && device.input && device.default),
        "{list:?}"
    );
}
