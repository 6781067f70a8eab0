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

/// Whether so short a piece holds the sound that is listened for.
type Heard = fn(&[i16]) -> bool;

/// An ear on the sound server, from now on.
struct Ear {
    file: PathBuf,
    heard: Heard,
    _recorder: Proc,
}

/// A stretch of sound or silence: which, where it begins and how long it is, milliseconds.
type Stretch = (bool, usize, usize);

impl Ear {
    /// Listens for anything at all.
    fn open(place: &Workplace, name: &str) -> Result<Self, String> {
        Self::listening_for(place, name, |step| measure::level_dbov(step) > SILENT)
    }

    fn listening_for(place: &Workplace, name: &str, heard: Heard) -> Result<Self, String> {
        let pulse = place.pulse.as_ref().ok_or("no sound server")?;
        let file = place.desktop.folder().join(format!("{name}.wav"));
        Ok(Self { _recorder: pulse.listen(&file), file, heard })
    }

    /// What was heard so far, sound and silence by turns; the last stretch may go on.
    fn stretches(&self) -> (Vec<i16>, u32, Vec<Stretch>) {
        let (samples, rate) = recording::so_far(&self.file).unwrap_or((Vec::new(), 48_000));
        let mut stretches: Vec<Stretch> = Vec::new();
        for (n, step) in samples.chunks_exact(rate as usize * STEP_MS / 1000).enumerate() {
            let loud = (self.heard)(step);
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
        self.is_silent_for(1000).map(drop)
    }

    /// Waits until nothing has been heard for so many milliseconds; gives what was recorded while it was not.
    fn is_silent_for(&self, ms: usize) -> Result<Vec<i16>, String> {
        let silence = wait_for(&format!("{ms} ms without that sound"), || {
            let (samples, rate, stretches) = self.stretches();
            let (_, from, _) = stretches.last().filter(|(loud, _, long)| !loud && *long >= ms)?;
            samples.get(from * rate as usize / 1000..).map(<[i16]>::to_vec)
        });
        silence.map_err(|error| format!("{error}: {:?}", self.stretches().2))
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
    ear.is_silent_for(5000).map(drop)
}

/// The two notes of our own ring.
const RING: [f64; 2] = [659.26, 523.25];
/// The progress tones' frequency in Germany, ITU-T E.180.
const PROGRESS: f64 = 425.0;
/// How the caller sounds: unlike any tone of ours, and quieter.
const VOICE: (f64, f64) = (1000.0, -30.0);

/// A note of the ring is in it, whoever speaks meanwhile. In so short a piece a progress tone is one, too, but less so.
fn rings(step: &[i16]) -> bool {
    let least = measure::tone_dbov(step, 48_000, PROGRESS).max(-35.0);
    RING.iter().any(|hz| measure::tone_dbov(step, 48_000, *hz) > least)
}

/// A progress tone is in it, whoever speaks meanwhile.
fn beeps(step: &[i16]) -> bool {
    measure::tone_dbov(step, 48_000, PROGRESS) > -30.0
}

/// The share of the 20 ms frames in which the caller is heard.
fn voice(samples: &[i16]) -> f64 {
    let (hz, level) = VOICE;
    let frames = samples.chunks_exact(960);
    let count = frames.len().max(1);
    frames.filter(|frame| measure::tone_dbov(frame, 48_000, hz) > level - 6.0).count() as f64 / count as f64
}

#[test]
fn answered_it_stops_ringing_and_a_second_call_is_a_tone_in_the_talk() -> Outcome {
    let place = Workplace::with_sound(Toasts::None)?;
    let ear = Ear::listening_for(&place, "answered", rings)?;
    let alice = place.ring_sounding("+49301234567", VOICE.0, VOICE.1)?;
    ear.hears("the ring", &[1000])?;
    place.agent.ask(&["answer"]);
    alice.answered()?;
    place.wait_for_call(alice.id, "established");
    // For longer than the pause between two bursts, and the caller is heard instead.
    let talk = ear.is_silent_for(5000)?;
    assert!(voice(&talk[talk.len() / 5..]) > 0.9, "the caller is not heard: {:.2}", voice(&talk));

    // Somebody else calls: two short tones over the talk, again and again, which goes on under them; and no ring.
    let tone = Ear::listening_for(&place, "waiting", beeps)?;
    let bob = place.ring_sounding("+49407654321", VOICE.0, VOICE.1)?;
    let bursts = tone.hears("the call-waiting tone", &[200, 200, 200, 5000, 200])?;
    assert!(bursts.iter().all(|burst| carries(burst, &[PROGRESS]) > 0.9), "ITU-T E.180: 425 Hz in Germany");
    assert!(bursts.iter().all(|burst| voice(burst) > 0.8), "the talk is cut by the tone");
    place.agent.ask(&["decline"]);
    place.wait_for_call(bob.id, "terminated");
    let talk = tone.is_silent_for(5500)?;
    assert!(voice(&talk) > 0.9, "the talk has stopped with the tone: {:.2}", voice(&talk));
    let (.., heard) = ear.stretches();
    assert_eq!(heard.iter().filter(|(rings, ..)| *rings).count(), 1, "it rang again: {heard:?}");
    Ok(())
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
