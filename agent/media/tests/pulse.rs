//! The sound-card back end against a PulseAudio server of its own, with null sinks for microphone and ear.
//!
//! Needs the programs `pulseaudio`, `pactl`, `pacat` and `parec` (`cargo xtask test` installs them); where they are
//! missing the test fails and names them.
#![cfg(unix)]

mod common;

use agent_core::{
    id::CallId,
    port::media::{AudioState, MediaCommand, MediaEvent},
    settings::{AudioBackend, AudioSettings},
    view::Sound,
};
use agent_media::measure;
use common::{Side, connect, folder};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

const CALL: CallId = CallId(2);
/// The environment is the process's: one test at a time.
static ONE: Mutex<()> = Mutex::new(());

/// A program that keeps time, to be run before others where this user may have that.
fn punctual(program: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"chrt -r -p 4 $$ 2>/dev/null; exec "$0" "$@""#, program]);
    command
}

/// A sound server with the sinks `mic` and `ear`.
struct Server {
    child: Child,
    folder: PathBuf,
}

impl Server {
    fn start(name: &str) -> Self {
        let folder = folder(name);
        let run = folder.join("run");
        fs::create_dir_all(&run).expect("a folder");
        let script = folder.join("daemon.pa");
        let lines = format!(
            "load-module module-native-protocol-unix socket={}/native auth-anonymous=1\n\
             load-module module-null-sink sink_name=mic rate=48000 channels=2 sink_properties=device.description=Mouth\n\
             load-module module-null-sink sink_name=ear rate=44100 channels=2 sink_properties=device.description=Phones\n\
             load-module module-null-sink sink_name=bell rate=48000 channels=1 sink_properties=device.description=Bell\n\
             set-default-source mic.monitor\nset-default-sink ear\n",
            run.display()
        );
        fs::write(&script, lines).expect("a script");
        let child = punctual("pulseaudio")
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"])
            .args(["-F", &script.to_string_lossy()])
            .env("XDG_RUNTIME_DIR", &folder)
            .env("PULSE_RUNTIME_PATH", &run)
            .env("PULSE_STATE_PATH", folder.join("state"))
            .env("HOME", &folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program pulseaudio (Debian package pulseaudio) is needed for this test");
        // SAFETY: the tests of this file run one at a time, and every other thread is ours.
        unsafe {
            std::env::set_var("PULSE_SERVER", format!("unix:{}/native", run.display()));
            std::env::set_var("PULSE_COOKIE", folder.join("cookie"));
        }
        let server = Self { child, folder };
        let until = Instant::now() + Duration::from_secs(10);
        while !server.sinks().contains("bell") {
            assert!(Instant::now() < until, "the sound server does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn sinks(&self) -> String {
        let output = Command::new("pactl")
            .args(["list", "short", "sinks"])
            .output()
            .expect("the program pactl (Debian package pulseaudio-utils) is needed for this test");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Speaks a tone into a sink.
    fn speak(&self, sink: &str, hz: f64, seconds: f64) -> Child {
        let file = self.folder.join(format!("{sink}-{hz}.raw"));
        let bytes: Vec<u8> =
            measure::sine(48_000, hz, -20.0, seconds).iter().flat_map(|s| s.to_le_bytes()).collect();
        fs::write(&file, bytes).expect("written");
        punctual("pacat")
            .args(["--raw", "--rate=48000", "--channels=1", "--format=s16le", "--latency-msec=50"])
            .args(["-d", sink, &file.to_string_lossy()])
            .spawn()
            .expect("the program pacat (Debian package pulseaudio-utils) is needed for this test")
    }

    /// Records what a sink plays, for as long as the recorder lives.
    fn record(&self, sink: &str) -> Recorder {
        let file = self.folder.join(format!("{sink}.raw"));
        let child = punctual("parec")
            .args(["--raw", "--rate=48000", "--channels=1", "--format=s16le", "--latency-msec=20"])
            .args(["-d", &format!("{sink}.monitor")])
            .stdout(fs::File::create(&file).expect("a file"))
            .spawn()
            .expect("the program parec (Debian package pulseaudio-utils) is needed for this test");
        let until = Instant::now() + Duration::from_secs(10);
        while fs::metadata(&file).map_or(0, |data| data.len()) == 0 {
            assert!(Instant::now() < until, "the recorder does not record");
            thread::sleep(Duration::from_millis(20));
        }
        Recorder { child, file }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

struct Recorder {
    child: Child,
    file: PathBuf,
}

impl Recorder {
    fn samples(mut self) -> Vec<i16> {
        end(&mut self.child);
        let bytes = fs::read(&self.file).expect("a recording");
        bytes.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect()
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
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

fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

#[test]
fn a_call_through_sound_cards() {
    let _one = ONE.lock();
    let server = Server::start("cards");
    let (input, output) = (server.folder.join("peer-mic.wav"), server.folder.join("peer-ear.wav"));
    measure::write_wav(&input, 8000, &measure::sine(8000, 1000.0, -20.0, 30.0)).expect("written");
    let mut peer = Side::start(wav(&input, &output));
    let before = threads();
    let mut ours = Side::start(card(Some("mic.monitor"), Some("Phones"), None));
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
    let recorder = server.record("ear");
    let mut voice = server.speak("mic", 440.0, 12.0);
    thread::sleep(Duration::from_secs(11));
    let ear = recorder.samples();
    end(&mut voice);
    peer.media.close();
    let (their_ear, rate) = measure::read_wav(&output).expect("a recording");
    for (what, samples, rate, hz, other) in
        [("what we hear", &ear, 48_000, 1000.0, 440.0), ("what they hear", &their_ear, rate, 440.0, 1000.0)]
    {
        let report = measure::tone_between(samples, rate, hz);
        println!("{what}: {report:?}");
        assert!(report.frames > 400, "{what}: {report:?}");
        assert!((report.level_dbov + 20.0).abs() < 1.0, "{what}: {report:?}");
        assert_eq!(measure::tone(samples, rate, other).carrying, 0, "{what}: the other direction");
        assert!(report.share() >= 0.98 && report.longest_gap_ms <= 40, "{what}: {report:?}");
    }
    assert!((1..=2).contains(&ours.rows()), "a row for their sound and one for their reports");
    ours.drain();
    let facts = ours.told.iter().rev().find(|event| matches!(event, MediaEvent::Facts { .. }));
    println!("{facts:?}");
    ours.send(MediaCommand::Stop { call: CALL });
    ours.send(MediaCommand::Focus { call: None });
    // Everything is closed again: what is left is the engine's one thread.
    let until = Instant::now() + Duration::from_secs(5);
    while threads() > before + 1 && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(threads() <= before + 1, "{} threads, {before} before", threads());
}

#[test]
fn a_device_that_is_not_there_is_named_and_stood_in_for() {
    let _one = ONE.lock();
    let server = Server::start("missing");
    let mut side = Side::start(card(Some("Headset"), Some("Headset"), Some("Loud bell")));
    let input = server.folder.join("peer-mic.wav");
    measure::write_wav(&input, 8000, &measure::sine(8000, 1000.0, -20.0, 30.0)).expect("written");
    let mut peer = Side::start(wav(&input, &server.folder.join("peer-ear.wav")));
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

#[test]
fn it_rings_where_it_should_and_comes_back_after_the_server_does() {
    let _one = ONE.lock();
    let server = Server::start("ring");
    let mut side = Side::start(card(None, None, Some("bell")));
    let (bell, ear) = (server.record("bell"), server.record("ear"));
    side.media.sound(Some(Sound::Ring));
    thread::sleep(Duration::from_millis(2500));
    side.media.sound(Some(Sound::Ringback));
    thread::sleep(Duration::from_millis(2500));
    side.media.sound(None);
    let (bell, ear) = (bell.samples(), ear.samples());
    let ring = measure::tone(&bell, 48_000, 659.26);
    assert!(ring.carrying > 8, "{ring:?}");
    assert_eq!(measure::tone(&ear, 48_000, 659.26).carrying, 0, "the ear does not ring");
    let back = measure::tone(&ear, 48_000, 425.0);
    assert!((45..=52).contains(&back.carrying) && (back.level_dbov + 16.0).abs() < 1.0, "{back:?}");
    drop(server);
    side.media.sound(Some(Sound::Ringback));
    side.wait("that there is no sound", |event| {
        matches!(event, MediaEvent::Audio(AudioState::Null { .. })).then_some(())
    });
    let server = Server::start("ring");
    let again = server.record("ear");
    side.wait("that there is sound again", |event| {
        matches!(event, MediaEvent::Audio(AudioState::Device { .. })).then_some(())
    });
    thread::sleep(Duration::from_millis(6000));
    let heard = measure::tone(&again.samples(), 48_000, 425.0);
    assert!(heard.carrying > 45, "{heard:?}");
}

#[test]
fn a_call_outlives_the_sound_server() {
    let _one = ONE.lock();
    let server = Server::start("lost");
    let input = server.folder.join("peer-mic.wav");
    measure::write_wav(&input, 8000, &measure::sine(8000, 1000.0, -20.0, 60.0)).expect("written");
    let mut peer = Side::start(wav(&input, &server.folder.join("peer-ear.wav")));
    let mut ours = Side::start(card(None, None, None));
    connect(&mut peer, &mut ours, CALL);
    let device =
        |event: &MediaEvent| matches!(event, MediaEvent::Audio(AudioState::Device { .. })).then_some(());
    ours.wait("the devices", device);
    drop(server);
    ours.wait("that there is no sound", |event| {
        matches!(event, MediaEvent::Audio(AudioState::Null { .. })).then_some(())
    });
    let server = Server::start("lost");
    let recorder = server.record("ear");
    ours.wait("the devices again", device);
    let mut voice = server.speak("mic", 440.0, 3.0);
    thread::sleep(Duration::from_secs(4));
    end(&mut voice);
    let heard = measure::tone(&recorder.samples(), 48_000, 1000.0);
    assert!(heard.carrying > 100, "{heard:?}");
    peer.drain();
    assert!(
        !peer.told.iter().any(|event| matches!(event, MediaEvent::Silent { .. })),
        "silence was sent meanwhile"
    );
    peer.media.close();
    let (spoken, rate) = measure::read_wav(&server.folder.join("peer-ear.wav")).expect("a recording");
    let spoken = measure::tone(&spoken, rate, 440.0);
    assert!(spoken.carrying > 50, "{spoken:?}");
}

#[test]
fn the_devices_are_listed() {
    let _one = ONE.lock();
    let _server = Server::start("list");
    let list = agent_media::devices().expect("a list");
    let phones = list.iter().find(|device| device.id == "ear").expect("the ear");
    assert!(phones.output && !phones.input && phones.default && phones.name == "Phones", "{list:?}");
    assert!(
        list.iter().any(|device| device.id == "mic.monitor" && device.input && device.default),
        "{list:?}"
    );
}
