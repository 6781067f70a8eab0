//! A sound server without a card: PulseAudio with null sinks, so that what a program plays can be heard and what it hears can be played.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    proc::{self, Proc},
    wait::{self, SOON},
};

/// The sinks: name, samples a second, channels, and what people call it. Not all alike, as sound cards are not.
const SINKS: [(&str, u32, u32, &str); 3] =
    [("ear", 44_100, 2, "Phones"), ("mouth", 48_000, 2, "Mouth"), ("bell", 48_000, 1, "Bell")];

/// A running PulseAudio with three sinks: `ear`, the default to play into, `mouth`, whose monitor is the default
/// microphone, and `bell`, another one to play into.
pub struct Pulse {
    /// The process.
    pub proc: Proc,
    folder: PathBuf,
    socket: PathBuf,
}

impl Pulse {
    /// Starts it with its files in `folder/pulse` and waits until it serves.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path) -> Self {
        let folder = folder.join("pulse");
        fs::create_dir_all(&folder).expect("the folder is ours");
        let socket = folder.join("native");
        let mut command = proc::punctual("pulseaudio");
        command.args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disallow-exit"]);
        command.args(["--log-target=stderr", "--log-level=notice"]);
        // Without rewinds a sink works in blocks of 50 ms, as a card does. Else it is up to 2 s ahead of its time when a
        // recorder comes, who then hears nothing for so long.
        for (sink, rate, channels, name) in SINKS {
            command.arg(format!(
                "--load=module-null-sink sink_name={sink} rate={rate} channels={channels} norewinds=1 \
                 sink_properties=device.description={name}"
            ));
        }
        command
            .arg(format!("--load=module-native-protocol-unix auth-anonymous=1 socket={}", socket.display()));
        command.arg("--load=module-always-sink");
        private(&mut command, &folder);
        let proc = Proc::start("pulseaudio", &mut command, &folder);
        let pulse = Self { proc, folder, socket };
        let up = wait::until(SOON, || {
            let set = |what: &str, name: &str| {
                pulse.client("pactl").args([what, name]).output().is_ok_and(|output| output.status.success())
            };
            (set("set-default-sink", "ear") && set("set-default-source", "mouth.monitor")).then_some(())
        });
        assert!(up.is_some(), "PulseAudio does not serve\n{}", pulse.proc);
        pulse
    }

    /// What a program's environment must hold to use this server and no other.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("PULSE_SERVER", format!("unix:{}", self.socket.display())),
            ("PULSE_COOKIE", self.folder.join("cookie").display().to_string()),
        ]
    }

    /// Speaks a WAV file into the microphone (`mouth`) until it ends or the value is dropped.
    pub fn speak(&self, file: &Path) -> Proc {
        Proc::start("paplay", self.client("paplay").arg("--device=mouth").arg(file), &self.folder)
    }

    /// Records what comes out of `ear`, from now until the value is dropped; 48 kHz, one channel.
    ///
    /// # Panics
    /// When the recording does not begin.
    pub fn listen(&self, file: &Path) -> Proc {
        self.record("ear.monitor", file)
    }

    /// Records any source: the monitor of a sink.
    ///
    /// # Panics
    /// When the recording does not begin.
    pub fn record(&self, source: &str, file: &Path) -> Proc {
        let mut command = self.client("parec");
        command.args([&format!("--device={source}"), "--format=s16le", "--rate=48000", "--channels=1"]);
        command.args(["--file-format=wav", "--latency-msec=20"]).arg(file);
        let recorder = Proc::start("parec", &mut command, &self.folder);
        // A sink that nobody plays into sounds of silence: the file grows all the same, once the recording runs.
        let begun =
            wait::until(SOON, || fs::metadata(file).ok().filter(|file| file.len() > 4096).map(|_| ()));
        assert!(begun.is_some(), "nothing is recorded from {source}\n{recorder}");
        recorder
    }

    /// A client program that talks to this server.
    pub fn client(&self, program: &str) -> Command {
        let mut command = proc::punctual(program);
        private(&mut command, &self.folder);
        command.envs(self.environment());
        command
    }
}

/// Nothing of the user's own sound set-up is read or written.
fn private(command: &mut Command, folder: &Path) {
    command.env("HOME", folder).env("XDG_RUNTIME_DIR", folder).env("XDG_CONFIG_HOME", folder);
    command.env_remove("PULSE_SERVER").env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("DISPLAY");
}

#[cfg(test)]
mod tests {
    use super::Pulse;
    use crate::{
        recording,
        wait::{self, SOON},
    };
    use agent_media::measure;

    /// The bench itself: what is spoken into the microphone is recorded at its monitor and not at the ear's.
    #[test]
    fn what_is_spoken_is_heard_where_it_belongs() {
        let folder = tempfile::tempdir().expect("a folder");
        let pulse = Pulse::start(folder.path());
        let tone = folder.path().join("tone.wav");
        measure::write_wav(&tone, 48000, &measure::sine(48000, 600.0, -15.0, 30.0)).expect("a file");
        let (mouth, ear) = (folder.path().join("mouth.wav"), folder.path().join("ear.wav"));
        let at_mouth = pulse.record("mouth.monitor", &mouth);
        let at_ear = pulse.listen(&ear);
        let _voice = pulse.speak(&tone);
        let heard = wait::until(SOON, || {
            let (samples, rate) = recording::so_far(&mouth)?;
            (measure::tone(&samples, rate, 600.0).carrying > 50).then_some(())
        });
        assert!(heard.is_some(), "no tone at the microphone's monitor\n{}", pulse.proc);
        drop((at_mouth, at_ear));
        let (samples, rate) = recording::so_far(&ear).expect("a recording");
        assert!(measure::tone(&samples, rate, 600.0).share() < 0.01);
    }
}
