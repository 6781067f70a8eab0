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

    /// Waits for a whole rhythm: so many milliseconds of sound, of silence, of sound, … A recorder that got no time
    /// from the machine leaves a hole; the rhythm is looked for anew behind it.
    fn hears(&self, what: &str, rhythm: &[usize]) -> Result<Vec<Vec<i16>>, String> {
        let heard = wait_for(what, || {
            let (samples, rate, stretches) = self.stretches();
            let at = |ms: usize| ms * rate as usize / 1000;
            let found = found(&stretches, rhythm)?.iter().filter(|(loud, ..)| *loud);
            Some(found.map(|(_, from, long)| samples[at(*from)..at(from + long)].to_vec()).collect())
        });
        heard.map_err(|error| format!("{error} ({rhythm:?} ms); heard {:?}", self.stretches().2))
    }

    /// Waits until nothing has been heard for a second.
    fn falls_silent(&self) -> Outcome {
        wait_for("silence", || {
            let (.., stretches) = self.stretches();
            stretches.last().filter(|(loud, _, long)| !loud && *long >= 1000).map(drop)
        })
    }
}

/// Where the rhythm stands, beginning with a sound and with its last part ended.
fn found<'a>(stretches: &'a [Stretch], rhythm: &[usize]) -> Option<&'a [Stretch]> {
    let ended = &stretches[..stretches.len().saturating_sub(1)];
    ended.windows(rhythm.len()).find(|part| {
        part[0].0 && part.iter().zip(rhythm).all(|((_, _, long), wanted)| long.abs_diff(*wanted) <= OFF_MS)
    })
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

    // It is over after four seconds, and a hole in it is not made good then: a busy machine gets two calls more.
    let mut more = 1..=2;
    let (ear, bursts) = loop {
        let ear = Ear::open(&place, &format!("busy-{more:?}"))?;
        place.agent.ask(&["dial", Extension::Busy.number()]);
        match ear.hears("the busy tone", &[480, 480, 480, 480, 480]) {
            Ok(bursts) => break (ear, bursts),
            Err(error) if more.next().is_none() => return Err(error),
            Err(_) => {}
        }
    };
    assert!(bursts.iter().all(|burst| carries(burst, &[425.0]) > 0.9), "ITU-T E.180: 425 Hz in Germany");
    // It ends by itself.
    ear.falls_silent()
}
