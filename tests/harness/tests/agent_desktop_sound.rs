//! What the agent makes heard on its own: the ring, the ringback and the busy tone, listened to where the sound server plays them.

use agent_exchange::Extension;
use agent_media::measure;
use harness::{
    desktop::{Toasts, Workplace, wait_for},
    proc::Proc,
    recording,
};
use std::path::PathBuf;

type Outcome = Result<(), String>;

/// A piece of the recording that is looked at, milliseconds.
const STEP_MS: usize = 10;
/// What is quieter than this is silence, dBov.
const SILENT: f64 = -50.0;
/// A sound or silence may be this much longer or shorter than it should, milliseconds: the sound server mixes in blocks.
const OFF_MS: usize = 60;

/// An ear on the sound server, from now on.
struct Ear {
    file: PathBuf,
    _recorder: Proc,
}

/// A stretch of sound or silence: which, where it begins and how long it is, milliseconds.
type Stretch = (bool, usize, usize);

impl Ear {
    fn open(place: &Workplace, name: &str) -> Result<Self, String> {
        let pulse = place.pulse.as_ref().ok_or("no sound server")?;
        let file = place.desktop.folder().join(format!("{name}.wav"));
        Ok(Self { _recorder: pulse.listen(&file), file })
    }

    /// What was heard so far, sound and silence by turns; the last stretch may go on.
    fn stretches(&self) -> (Vec<i16>, u32, Vec<Stretch>) {
        let (samples, rate) = recording::so_far(&self.file).unwrap_or((Vec::new(), 48_000));
        let mut stretches: Vec<Stretch> = Vec::new();
        for (n, step) in samples.chunks_exact(rate as usize * STEP_MS / 1000).enumerate() {
            let loud = measure::level_dbov(step) > SILENT;
            match stretches.last_mut() {
                Some((same, _, long)) if *same == loud => *long += STEP_MS,
                _ => stretches.push((loud, n * STEP_MS, STEP_MS)),
            }
        }
        (samples, rate, stretches)
    }

    /// Waits for a whole rhythm, from the first sound on: so many milliseconds of sound, of silence, of sound, …
    fn hears(&self, what: &str, rhythm: &[usize]) -> Result<Vec<Vec<i16>>, String> {
        let whole = wait_for(what, || {
            let (.., stretches) = self.stretches();
            let from = stretches.iter().position(|(loud, ..)| *loud)?;
            (stretches.len() > from + rhythm.len()).then_some(())
        });
        let (samples, rate, stretches) = self.stretches();
        whole.map_err(|error| format!("{error}; heard {stretches:?}"))?;
        let heard: Vec<Stretch> =
            stretches.into_iter().skip_while(|(loud, ..)| !loud).take(rhythm.len()).collect();
        for ((_, _, long), wanted) in heard.iter().zip(rhythm) {
            if long.abs_diff(*wanted) > OFF_MS {
                return Err(format!("{what}: {wanted} ms are {long} ms long: {heard:?}"));
            }
        }
        let at = |ms: usize| ms * rate as usize / 1000;
        let sounds = heard.iter().filter(|(loud, ..)| *loud);
        Ok(sounds.map(|(_, from, long)| samples[at(*from)..at(from + long)].to_vec()).collect())
    }

    /// Waits until nothing has been heard for a second.
    fn falls_silent(&self) -> Outcome {
        wait_for("silence", || {
            let (.., stretches) = self.stretches();
            stretches.last().filter(|(loud, _, long)| !loud && *long >= 1000).map(drop)
        })
    }
}

/// The share of a burst's 20 ms frames that carry one of these frequencies, within 3 dB of what is loudest there.
fn carries(burst: &[i16], frequencies: &[f64]) -> f64 {
    let frames = burst.chunks_exact(960);
    let count = frames.len().max(1);
    let good = frames.filter(|frame| {
        let level = measure::level_dbov(frame);
        frequencies.iter().any(|hz| measure::tone_dbov(frame, 48_000, *hz) > level - 3.0)
    });
    good.count() as f64 / count as f64
}

#[test]
fn it_rings_until_the_call_is_answered() -> Outcome {
    let place = Workplace::with_sound(Toasts::None)?;
    let ear = Ear::open(&place, "ring")?;
    let caller = place.ring("+49301234567", "")?;
    // Germany's rhythm, and the two notes of our own ring by turns.
    let bursts = ear.hears("the ring", &[1000, 4000, 1000])?;
    for burst in &bursts {
        let (both, high, low) =
            (carries(burst, &[659.26, 523.25]), carries(burst, &[659.26]), carries(burst, &[523.25]));
        assert!(both > 0.75 && high > 0.3 && low > 0.3, "{both:.2} {high:.2} {low:.2}");
        assert!(carries(burst, &[425.0]) < 0.1, "that is a progress tone");
    }
    // Declined, it stops at once and stays silent for longer than the pause between two bursts.
    place.agent.ask(&["decline"]);
    place.wait_for_call(caller.id, "terminated");
    let quiet = wait_for("five silent seconds", || {
        let (.., stretches) = ear.stretches();
        stretches.last().filter(|(loud, _, long)| !loud && *long >= 5000).map(drop)
    });
    quiet.map_err(|error| format!("{error}: {:?}", ear.stretches().2))
}

#[test]
fn ringback_and_busy_tone_are_heard() -> Outcome {
    let place = Workplace::with_sound(Toasts::None)?;
    let ear = Ear::open(&place, "ringback")?;
    place.agent.ask(&["dial", Extension::Never.number()]);
    let bursts = ear.hears("the ringback", &[1000, 4000, 1000])?;
    assert!(bursts.iter().all(|burst| carries(burst, &[425.0]) > 0.9), "ITU-T E.180: 425 Hz in Germany");
    place.agent.ask(&["hangup"]);
    ear.falls_silent()?;
    drop(ear);

    let ear = Ear::open(&place, "busy")?;
    place.agent.ask(&["dial", Extension::Busy.number()]);
    let bursts = ear.hears("the busy tone", &[480, 480, 480, 480, 480])?;
    assert!(bursts.iter().all(|burst| carries(burst, &[425.0]) > 0.9), "ITU-T E.180: 425 Hz in Germany");
    // It ends by itself.
    ear.falls_silent()
}
